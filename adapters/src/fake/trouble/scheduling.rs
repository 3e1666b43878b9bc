//! Pods that are not scheduled: on cordoned nodes, or because the scheduler leaves them alone.

use super::super::world::World;
use evenkeel_core::Name;

impl World {
    /// Cordons a node, as `kubectl cordon` does: what is there stays, and nothing more is scheduled there.
    ///
    /// Returns whether there is such a node.
    pub fn cordon(&mut self, node: &str) -> bool {
        self.set_cordoned(node, true)
    }

    /// Puts a node back to use, and with it pods that found no place.
    ///
    /// Returns whether there is such a node.
    pub fn uncordon(&mut self, node: &str) -> bool {
        let there = self.set_cordoned(node, false);
        self.room_came_free();
        there
    }

    /// Cordons all nodes: pods stay Pending until they are uncordoned, or other nodes come.
    pub fn cordon_all(&mut self) {
        self.set_all_cordoned(true);
    }

    /// Puts all nodes back to use.
    pub fn uncordon_all(&mut self) {
        self.set_all_cordoned(false);
        self.room_came_free();
    }

    fn set_all_cordoned(&mut self, cordoned: bool) {
        let nodes: Vec<Name> = self.nodes.keys().cloned().collect();
        for node in nodes {
            self.set_cordoned(&node, cordoned);
        }
    }

    fn set_cordoned(&mut self, node: &str, cordoned: bool) -> bool {
        let room = self.nodes.get_mut(node);
        room.map(|room| room.cordoned = cordoned).is_some()
    }

    /// The scheduler leaves the pod of that name alone, be it there by now or not, and says nothing about it: as one
    /// that is far behind, or that has forgotten it. A pod that is on a node already stays there.
    pub fn hold_scheduling(&mut self, pod: &str) {
        self.standing.held.insert(pod.into());
    }

    /// The scheduler takes the pod of that name as any other.
    pub fn release_scheduling(&mut self, pod: &str) {
        if let Some(name) = self.standing.held.remove(pod) {
            self.unpark(&name);
        }
    }

    pub(in crate::fake) fn is_held(&self, pod: &str) -> bool {
        self.standing.held.contains(pod)
    }
}
