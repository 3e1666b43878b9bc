//! The garbage collectors: of pods whose node is gone, and of pods whose owners are gone.

use super::{
    DeleteOptions,
    agenda::{Due, Key},
    claims, containers,
    world::World,
};
use crate::api::{
    claim::Claim,
    pod::{Metadata, OwnerReference, Pod},
};
use evenkeel_core::{Name, Span, Uid};
use im::{OrdMap, OrdSet};

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
            if !containers::finished(&pod) {
                let mut failed = Pod::clone(&pod);
                "Failed".clone_into(&mut failed.status.phase);
                containers::condition(
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

    /// Takes an owner away: pods and claims that have no other are deleted.
    pub fn delete_owner(&mut self, uid: &str) {
        self.owners.remove(uid);
        self.plan_dependents(uid);
    }

    fn owner_exists(&self, uid: &str) -> bool {
        self.owners.contains(uid) || self.uids.contains_key(uid)
    }

    fn owned(object: &Metadata) -> impl Iterator<Item = &str> {
        let references = object.owner_references.iter();
        references.map(|owner| owner.uid.as_str())
    }

    /// A new pod: it may be an owner, and may have some.
    pub(super) fn note_owners(&mut self, pod: &Pod) {
        let key = World::key(pod);
        self.uids.insert(key.uid.clone(), key.name.clone());
        self.note_dependent(pod);
        if !Self::owned(&pod.metadata).all(|owner| self.owner_exists(owner)) {
            self.plan_collection(key);
        }
    }

    fn note_dependent(&mut self, pod: &Pod) {
        for owner in Self::owned(&pod.metadata) {
            let of = self.dependents.entry(owner.into()).or_default();
            of.insert(pod.metadata.name.as_str().into());
        }
    }

    /// A pod is gone: as a dependent, and maybe as an owner.
    pub(super) fn owner_gone(&mut self, pod: &Pod) {
        forget(&mut self.dependents, &pod.metadata);
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
        let claims = self.dependent_claims.get(owner);
        for name in claims.cloned().unwrap_or_default() {
            if let Some(claim) = self.claims.get(&name) {
                let key = claims::key(claim);
                self.plan_claim_collection(key);
            }
        }
    }

    /// A new claim may have owners.
    pub(super) fn note_claim_owners(&mut self, claim: &Claim) {
        self.note_claim_dependent(claim);
        self.plan_claim_collection(claims::key(claim));
    }

    fn note_claim_dependent(&mut self, claim: &Claim) {
        for owner in Self::owned(&claim.metadata) {
            let of = self.dependent_claims.entry(owner.into()).or_default();
            of.insert(claim.metadata.name.as_str().into());
        }
    }

    pub(super) fn claim_gone(&mut self, claim: &Claim) {
        forget(&mut self.dependent_claims, &claim.metadata);
    }

    fn plan_claim_collection(&mut self, key: Key) {
        let at = self.now.after(DEPENDENTS_AFTER);
        self.agenda.plan(at, Due::CollectClaim(key));
    }

    pub(super) fn collect_claim(&mut self, key: &Key) {
        let Some(claim) = self.same_claim(key) else {
            return;
        };
        let mut left = Claim::clone(&claim);
        match self.strike_out(&mut left.metadata) {
            Owners::All => {}
            Owners::Some => {
                forget(&mut self.dependent_claims, &claim.metadata);
                let left = self.put_claim(left);
                self.note_claim_dependent(&left);
            }
            Owners::None => {
                let gone = self.delete_claim(&key.name);
                debug_assert!(gone.is_ok(), "{gone:?}");
            }
        }
    }

    fn plan_collection(&mut self, key: Key) {
        let at = self.now.after(DEPENDENTS_AFTER);
        self.agenda.plan(at, Due::CollectDependent(key));
    }

    pub(super) fn collect_dependent(&mut self, key: &Key) {
        let Some(pod) = self.same(key) else {
            return;
        };
        if pod.metadata.deletion_timestamp.is_some() {
            return;
        }
        let mut left = Pod::clone(&pod);
        match self.strike_out(&mut left.metadata) {
            Owners::All => {}
            Owners::Some => {
                forget(&mut self.dependents, &pod.metadata);
                self.note_dependent(&left);
                self.put(left);
            }
            Owners::None => {
                let only_this = DeleteOptions {
                    uid: Some(Uid::from(&*key.uid)),
                    ..DeleteOptions::default()
                };
                let gone = self.delete_pod(&key.name, &only_this);
                debug_assert!(gone.is_ok(), "{gone:?}");
            }
        }
    }

    /// Strikes those owners out that are gone, where others are still there, and says which are.
    fn strike_out(&self, object: &mut Metadata) -> Owners {
        let there = |owner: &OwnerReference| self.owner_exists(&owner.uid);
        let owners = &mut object.owner_references;
        if owners.iter().all(there) {
            return Owners::All;
        }
        if !owners.iter().any(there) {
            return Owners::None;
        }
        owners.retain(there);
        Owners::Some
    }
}

/// Which owners of an object are still there. One that has none lacks none.
enum Owners {
    All,
    Some,
    None,
}

/// An object is gone, and depends on nobody any more.
fn forget(dependents: &mut OrdMap<Name, OrdSet<Name>>, object: &Metadata) {
    for owner in World::owned(object) {
        if let Some(of) = dependents.get_mut(owner) {
            of.remove(object.name.as_str());
            if of.is_empty() {
                dependents.remove(owner);
            }
        }
    }
}
