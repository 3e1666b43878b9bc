//! Persistent volume claims: made, listed, and held as long as a pod on a node uses them.

use super::{
    Answer, agenda::Due, agenda::Key, audit::Kind, checks, refusal, selector::Selector,
    world::World,
};
use crate::api::{
    claim::{Claim, PROTECTION},
    pod::Pod,
};
use evenkeel_core::{Name, Span};
use std::sync::Arc;

const CLAIMS: &str = Kind::Claims.resource();
/// The controller that protects claims in use takes about this long.
const UNPROTECTED_AFTER: Span = Span(50);

/// A list of claims.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimList {
    /// The revision of the whole list.
    pub revision: u64,
    /// The claims, in order of name.
    pub items: Vec<Arc<Claim>>,
}

impl World {
    pub(super) fn create_claim(&mut self, asked: Claim) -> Answer<Arc<Claim>> {
        let mut claim = asked;
        self.namespace_takes(CLAIMS, &claim.metadata.name)?;
        checks::admissible_claim(&mut claim, &self.config.namespace)?;
        self.quota_for_claim(&claim.metadata.name)?;
        let name: Name = claim.metadata.name.as_str().into();
        if let Some(there) = self.claims.get(&name) {
            let deleting = there.metadata.deletion_timestamp.is_some();
            return Err(refusal::already_exists(CLAIMS, &name, deleting));
        }
        let meta = &mut claim.metadata;
        meta.uid = self.chance.names.uuid();
        meta.creation_timestamp = Some(self.wall_second());
        meta.deletion_timestamp = None;
        meta.deletion_grace_period_seconds = None;
        if !meta.finalizers.iter().any(|it| it == PROTECTION) {
            meta.finalizers.push(PROTECTION.to_owned());
        }
        let claim = self.put_claim(claim);
        self.note_claim_owners(&claim);
        for pod in self.claim_users.get(&name).cloned().unwrap_or_default() {
            self.unpark(&pod);
        }
        Ok(claim)
    }

    pub(super) fn put_claim(&mut self, mut claim: Claim) -> Arc<Claim> {
        let revision = self.store.bump();
        claim.metadata.resource_version = revision.to_string();
        let claim = Arc::new(claim);
        let name = claim.metadata.name.as_str().into();
        self.claims.write(revision, name, Arc::clone(&claim));
        claim
    }

    pub(super) fn get_claim(&self, name: &str) -> Answer<Arc<Claim>> {
        let there = self.claims.get(name).cloned();
        there.ok_or_else(|| refusal::not_found(CLAIMS, name))
    }

    /// The claim is shown with a deletion timestamp, and goes when no pod on a node uses it any more.
    pub(super) fn delete_claim(&mut self, name: &str) -> Answer<Arc<Claim>> {
        let there = self.get_claim(name)?;
        if there.metadata.deletion_timestamp.is_some() {
            return Ok(there);
        }
        let mut claim = Claim::clone(&there);
        claim.metadata.deletion_timestamp = Some(self.wall_second());
        claim.metadata.deletion_grace_period_seconds = Some(0);
        let claim = self.put_claim(claim);
        self.plan_unprotecting(name);
        Ok(claim)
    }

    pub(super) fn list_claims(&self, selector: &str) -> Answer<ClaimList> {
        let selector = Selector::parse(selector)?;
        let all = self.claims.now().values();
        let selected = all.filter(|claim| selector.matches(&claim.metadata.labels));
        Ok(ClaimList {
            revision: self.store.revision(),
            items: selected.cloned().collect(),
        })
    }

    /// What the pod's volumes lack, in the scheduler's words.
    pub(super) fn lacks_claim(&self, pod: &Pod) -> Option<String> {
        claims_of(pod).find_map(|name| {
            let why = match self.claims.get(name) {
                None => "not found",
                Some(claim) if claim.metadata.deletion_timestamp.is_some() => "is being deleted",
                Some(_) => return None,
            };
            Some(format!("persistentvolumeclaim {name:?} {why}."))
        })
    }

    /// A new pod may use claims.
    pub(super) fn note_claim_user(&mut self, pod: &Pod) {
        for claim in claims_of(pod) {
            let users = self.claim_users.entry(claim.into()).or_default();
            users.insert(pod.metadata.name.as_str().into());
        }
    }

    /// A pod is gone, and uses no claims any more.
    pub(super) fn forget_claim_user(&mut self, pod: &Pod) {
        for claim in claims_of(pod) {
            if let Some(users) = self.claim_users.get_mut(claim) {
                users.remove(pod.metadata.name.as_str());
                if users.is_empty() {
                    self.claim_users.remove(claim);
                }
            }
            self.plan_unprotecting(claim);
        }
    }

    fn plan_unprotecting(&mut self, name: &str) {
        if let Some(claim) = self.claims.get(name)
            && claim.metadata.deletion_timestamp.is_some()
        {
            let key = key(claim);
            let at = self.now.after(UNPROTECTED_AFTER);
            self.agenda.plan(at, Due::Unprotect(key));
        }
    }

    /// A claim on its way out goes, where no pod on a node uses it: that of a finished pod is in use as well.
    pub(super) fn unprotect(&mut self, key: &Key) {
        let Some(claim) = self.same_claim(key) else {
            return;
        };
        let users = self.claim_users.get(&key.name).into_iter().flatten();
        let mut pods = users.filter_map(|pod| self.store.pod(pod));
        let used = pods.any(|pod| pod.spec.node_name.is_some());
        let others = claim.metadata.finalizers.iter().any(|it| it != PROTECTION);
        if claim.metadata.deletion_timestamp.is_some() && !used && !others {
            let revision = self.store.bump();
            self.claims.remove(revision, &key.name);
            self.claim_gone(&claim);
        }
    }

    pub(super) fn same_claim(&self, key: &Key) -> Option<Arc<Claim>> {
        let there = self.claims.get(&key.name);
        there.filter(|it| *it.metadata.uid == *key.uid).cloned()
    }
}

/// The claim, not just whoever bears its name.
pub(super) fn key(claim: &Claim) -> Key {
    Key {
        name: claim.metadata.name.as_str().into(),
        uid: claim.metadata.uid.as_str().into(),
    }
}

/// The claims that a pod's volumes are of.
fn claims_of(pod: &Pod) -> impl Iterator<Item = &str> {
    let volumes = pod.spec.volumes.iter();
    volumes.filter_map(|volume| Some(volume.persistent_volume_claim.as_ref()?.claim_name.as_str()))
}
