//! The garbage collectors: of pods whose node is gone, and of pods whose owners are gone.

use super::{
    DeleteOptions,
    agenda::{Due, PodKey},
    kubelet,
    world::World,
};
use crate::api::pod::Pod;
use evenkeel_core::{Name, Span, Uid};

/// The garbage collector takes about this long to notice that an owner is gone.
const DEPENDENTS_AFTER: Span = Span(500);

impl World {
    pub(super) fn plan_orphans(&mut self, node: &str) {
        let at = self.now.after(self.config.weather.pod_gc);
        self.agenda.plan(at, Due::CollectOrphans(node.into()));
    }

    /// PodGC: the pods of a node that is gone are marked failed, without a reason or an exit code, then deleted.
    pub(super) fn collect_orphans(&mut self, node: &str) {
        if self.nodes.contains_key(node) {
            return;
        }
        for pod in self.pods_on(node) {
            if !kubelet::finished(&pod) {
                let mut failed = Pod::clone(&pod);
                "Failed".clone_into(&mut failed.status.phase);
                kubelet::condition(
                    &mut failed.status,
                    "DisruptionTarget",
                    "True",
                    Some("DeletionByPodGC"),
                    Some("PodGC: node no longer exists"),
                );
                self.put(failed);
            }
            let at_once = DeleteOptions {
                grace: Some(0),
                ..DeleteOptions::default()
            };
            let gone = self.delete_pod(&pod.metadata.name, &at_once);
            debug_assert!(gone.is_ok(), "{gone:?}");
        }
    }

    /// Makes an owner: an object of which only the UID matters, such as a driver or a Deployment.
    pub fn add_owner(&mut self, uid: &str) {
        self.owners.insert(uid.into());
    }

    /// Takes an owner away: pods that have no other are deleted.
    pub fn delete_owner(&mut self, uid: &str) {
        self.owners.remove(uid);
        self.plan_dependents(uid);
    }

    fn owner_exists(&self, uid: &str) -> bool {
        self.owners.contains(uid) || self.uids.contains_key(uid)
    }

    fn owned(pod: &Pod) -> impl Iterator<Item = &str> {
        let references = pod.metadata.owner_references.iter();
        references.map(|owner| owner.uid.as_str())
    }

    /// A new pod: it may be an owner, and may have some.
    pub(super) fn note_owners(&mut self, pod: &Pod) {
        let key = World::key(pod);
        self.uids.insert(key.uid.clone(), key.name.clone());
        for owner in Self::owned(pod) {
            let owner: Name = owner.into();
            let of = self.dependents.entry(owner).or_default();
            of.insert(key.name.clone());
        }
        let owners = !pod.metadata.owner_references.is_empty();
        if owners && !Self::owned(pod).any(|owner| self.owner_exists(owner)) {
            self.plan_collection(key);
        }
    }

    /// A pod is gone: as a dependent, and maybe as an owner.
    pub(super) fn owner_gone(&mut self, pod: &Pod) {
        for owner in Self::owned(pod) {
            if let Some(of) = self.dependents.get_mut(owner) {
                of.remove(pod.metadata.name.as_str());
                if of.is_empty() {
                    self.dependents.remove(owner);
                }
            }
        }
        self.uids.remove(pod.metadata.uid.as_str());
        self.plan_dependents(&pod.metadata.uid);
    }

    fn plan_dependents(&mut self, owner: &str) {
        for name in self.dependents.get(owner).cloned().unwrap_or_default() {
            if let Some(pod) = self.store.pod(&name) {
                let key = World::key(pod);
                self.plan_collection(key);
            }
        }
    }

    fn plan_collection(&mut self, key: PodKey) {
        let at = self.now.after(DEPENDENTS_AFTER);
        self.agenda.plan(at, Due::CollectDependent(key));
    }

    pub(super) fn collect_dependent(&mut self, key: &PodKey) {
        let Some(pod) = self.same(key) else {
            return;
        };
        if Self::owned(&pod).any(|owner| self.owner_exists(owner)) {
            return;
        }
        let only_this = DeleteOptions {
            uid: Some(Uid::from(&*key.uid)),
            ..DeleteOptions::default()
        };
        let gone = self.delete_pod(&key.name, &only_this);
        debug_assert!(gone.is_ok(), "{gone:?}");
    }
}
