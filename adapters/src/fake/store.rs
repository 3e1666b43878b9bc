//! What etcd and the watch cache keep: the pods, one counter of revisions for all kinds, and the history.

use crate::api::pod::Pod;
use evenkeel_core::Name;
use im::{OrdMap, OrdSet, Vector};
use std::sync::Arc;

/// One change of one pod.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub revision: u64,
    pub name: Name,
    pub before: Option<Arc<Pod>>,
    /// As it is from this revision on; where it was removed, as it was last.
    pub now: Arc<Pod>,
    pub removed: bool,
    /// No watch shows it: its event was lost for good.
    pub lost: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Store {
    revision: u64,
    pods: OrdMap<Name, Arc<Pod>>,
    history: Vector<Change>,
    /// The most changes kept.
    keep: usize,
    /// Changes up to this revision are not in `history` any more.
    kept: u64,
    /// What the API server shows of the history begins after this revision.
    forgotten: u64,
    /// Watches go on from this revision or later: the watch cache holds what came after it.
    cached: u64,
    /// etcd has compacted what was before this revision.
    compacted: u64,
    /// Pods whose next event is lost.
    to_lose: OrdSet<Name>,
}

impl Store {
    /// An empty store. Like a real one it does not start at revision 0.
    pub fn new(keep: usize) -> Self {
        Self {
            revision: 1,
            pods: OrdMap::new(),
            history: Vector::new(),
            keep,
            kept: 1,
            forgotten: 1,
            cached: 1,
            compacted: 0,
            to_lose: OrdSet::new(),
        }
    }

    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The revision from which on watches can be resumed.
    pub fn cached(&self) -> u64 {
        self.cached
    }

    /// Whether the API server still knows all that happened after this revision.
    pub fn remembers(&self, revision: u64) -> bool {
        revision >= self.forgotten
    }

    pub fn pods(&self) -> &OrdMap<Name, Arc<Pod>> {
        &self.pods
    }

    pub fn pod(&self, name: &str) -> Option<&Arc<Pod>> {
        self.pods.get(name)
    }

    /// Writes the pod at the next revision.
    pub fn write(&mut self, mut pod: Pod) -> Arc<Pod> {
        self.revision += 1;
        pod.metadata.resource_version = self.revision.to_string();
        let name: Name = pod.metadata.name.as_str().into();
        let now = Arc::new(pod);
        let before = self.pods.insert(name.clone(), Arc::clone(&now));
        let lost = self.to_lose.remove(&name).is_some();
        self.remember(Change {
            revision: self.revision,
            lost,
            name,
            before,
            now: Arc::clone(&now),
            removed: false,
        });
        now
    }

    /// Removes the pod at the next revision: what is left of it carries that revision.
    pub fn remove(&mut self, name: &str) -> Option<Arc<Pod>> {
        let (name, before) = self.pods.remove_with_key(name)?;
        self.revision += 1;
        let mut last = Pod::clone(&before);
        last.metadata.resource_version = self.revision.to_string();
        let now = Arc::new(last);
        let lost = self.to_lose.remove(&name).is_some();
        self.remember(Change {
            revision: self.revision,
            lost,
            name,
            before: Some(before),
            now: Arc::clone(&now),
            removed: true,
        });
        Some(now)
    }

    /// A change of something other than pods.
    pub fn bump(&mut self) -> u64 {
        self.revision += 1;
        self.revision
    }

    fn remember(&mut self, change: Change) {
        self.history.push_back(change);
        while self.history.len() > self.keep {
            if let Some(oldest) = self.history.pop_front() {
                self.kept = oldest.revision;
                self.forgotten = self.forgotten.max(oldest.revision);
                self.cached = self.cached.max(oldest.revision);
            }
        }
    }

    /// The first change after that revision.
    pub fn change_after(&self, revision: u64) -> Option<&Change> {
        self.history.get(self.place_after(revision))
    }

    /// All changes after that revision that are still kept, whether the API server shows them or not.
    pub fn changes_after(&self, revision: u64) -> impl Iterator<Item = &Change> {
        // Skipping would walk over all that came before.
        let after = self.place_after(revision)..self.history.len();
        after.filter_map(|place| self.history.get(place))
    }

    fn place_after(&self, revision: u64) -> usize {
        let (mut low, mut high) = (0, self.history.len());
        while low < high {
            let middle = (low + high) / 2;
            if self.history[middle].revision > revision {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        low
    }

    /// All pods as they were at that revision, if the API server can still tell.
    pub fn at(&self, revision: u64) -> Option<OrdMap<Name, Arc<Pod>>> {
        let readable = revision >= self.compacted || revision >= self.cached;
        if !self.remembers(revision) || !readable {
            return None;
        }
        self.kept_at(revision)
    }

    /// All pods as they were at that revision, if the history goes back so far.
    pub fn kept_at(&self, revision: u64) -> Option<OrdMap<Name, Arc<Pod>>> {
        if !(self.kept..=self.revision).contains(&revision) {
            return None;
        }
        let mut pods = self.pods.clone();
        let undone = self.history.iter().rev();
        for change in undone.take_while(|change| change.revision > revision) {
            match &change.before {
                Some(before) => pods.insert(change.name.clone(), Arc::clone(before)),
                None => pods.remove(&change.name),
            };
        }
        Some(pods)
    }

    /// The next event of that pod is lost.
    pub fn lose_next(&mut self, name: &str) {
        self.to_lose.insert(name.into());
    }

    /// etcd is compacted. The watch cache of a running server does not mind.
    pub fn compact(&mut self) {
        self.compacted = self.revision;
    }

    /// The server starts anew: its cache begins with now. It makes some objects of its own while it starts, so what
    /// was newest before is too old even where no pod has changed.
    pub fn restart(&mut self) {
        self.revision += 4;
        self.cached = self.revision;
    }

    /// The watch cache has wrapped around.
    pub fn forget(&mut self) {
        self.forgotten = self.revision;
        self.cached = self.revision;
    }

    /// Goes back to how the pods were at that revision, its number included: what came after it never was. Returns
    /// the pods as they were last; None where the history does not go back so far.
    pub fn go_back(&mut self, revision: u64) -> Option<OrdMap<Name, Arc<Pod>>> {
        let then = self.kept_at(revision)?;
        self.history.truncate(self.place_after(revision));
        self.revision = revision;
        self.forgotten = self.forgotten.min(revision);
        self.cached = self.cached.min(revision);
        self.compacted = self.compacted.min(revision);
        Some(std::mem::replace(&mut self.pods, then))
    }
}
