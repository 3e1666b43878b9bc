//! Looking back: what truly happened, and how things were. For judges outside, and for API servers that are behind.

use super::{selector::Selector, world::World};
use crate::{
    api::{labels, pod::Pod},
    port::ListWish,
};
use evenkeel_core::{Revision, input::Listing};
use std::sync::Arc;

/// One change of one pod, as it is in etcd.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PodChange<'a> {
    /// Its revision.
    pub revision: u64,
    /// The pod before it; None where it was made.
    pub before: Option<&'a Arc<Pod>>,
    /// The pod from then on; where it went, as it was last, at the revision of its going.
    pub now: &'a Arc<Pod>,
    /// Whether it went.
    pub removed: bool,
}

impl World {
    /// What truly happened to pods after that revision, in order: also what no watch shows, because its event was lost
    /// or the history was forgotten. It goes back as far as [`WorldConfig::history`](super::WorldConfig::history). After
    /// a [`restore`](Self::restore) it tells only what has happened since: what was undone never was.
    pub fn changes_after(&self, revision: u64) -> impl Iterator<Item = PodChange<'_>> {
        self.store.changes_after(revision).map(|change| PodChange {
            revision: change.revision,
            before: change.before.as_ref(),
            now: &change.now,
            removed: change.removed,
        })
    }

    /// The listing that an API server answers which has seen no more than `revision`: whole, and of that revision. None
    /// where that is still to come, or so long ago that nobody remembers.
    ///
    /// No fault meets this request; it is counted, and noted as one list.
    pub fn listing_at(&mut self, fleet: &str, wish: ListWish, revision: u64) -> Option<Listing> {
        let selector = Selector::parse(&labels::selector(fleet, wish.all)).ok()?;
        let pods = self.store.kept_at(revision)?;
        let claims = self.claims.at(revision).filter(|_| wish.claims);
        self.client(fleet.into(), true).note_stale_list(revision);
        let now = self.wall_second();
        let pods = pods.values();
        let selected = pods.filter(|pod| selector.matches(&pod.metadata.labels));
        let (pods, mut undecodable) = self.views.all(selected, fleet, now);
        let mut ours = Vec::new();
        for claim in claims.iter().flat_map(|claims| claims.values()) {
            if claim.is_of(fleet) {
                match claim.view(now) {
                    Some(view) => ours.push(view),
                    None => undecodable.push(claim.metadata.name.as_str().into()),
                }
            }
        }
        Some(Listing {
            revision: Revision::new(revision)?,
            pods,
            claims: ours,
            undecodable,
        })
    }
}
