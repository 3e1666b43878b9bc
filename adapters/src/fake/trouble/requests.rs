//! Requests that go wrong for as long as it is not put right.

use super::super::{
    audit::{Kind, Verb},
    faults::Fault,
    world::World,
};

impl World {
    /// All requests of that verb to that kind of object that a fleet sends go wrong so, until this is called with None.
    /// What [`fail_next`](Self::fail_next) says comes first. Requests made through [`World::api`] are not touched.
    pub fn set_fault(&mut self, kind: Kind, verb: Verb, fault: Option<Fault>) {
        match fault {
            Some(fault) => self.standing.faults.insert((kind, verb), fault),
            None => self.standing.faults.remove(&(kind, verb)),
        };
    }

    pub(in crate::fake) fn standing_fault(&self, kind: Kind, verb: Verb) -> Option<Fault> {
        self.standing.faults.get(&(kind, verb)).cloned()
    }
}
