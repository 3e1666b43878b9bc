//! The API server as one of its clients sees it: each request is answered and noted in the audit log.

use super::{
    Answer, ClaimList, DeleteOptions, ListOptions, ListRefused, Patch, PodList, Resize,
    audit::{Entry, Kind, Verb},
    checks,
    pods::name_of,
    watch::WatchId,
    world::World,
};
use crate::{
    api::{
        answer::Refused,
        claim::Claim,
        pod::{Pod, PodStatus},
    },
    port::{Lease, LeaseSpec},
};
use evenkeel_core::{Name, Revision, Uid};
use std::sync::Arc;

impl World {
    /// The API server, for a client of that name: a stranger, a test, a kubelet that a test plays. Its requests take
    /// no time and meet no weather.
    pub fn api(&mut self, who: &str) -> Api<'_> {
        self.client(who.into(), true)
    }

    pub(super) fn client(&mut self, who: Name, delivered: bool) -> Api<'_> {
        Api {
            world: self,
            who,
            delivered,
        }
    }
}

/// One client of the API server; made by [`World::api`]. All answers are a server's: an error says with which code,
/// reason and message it refused.
#[allow(
    clippy::missing_errors_doc,
    reason = "each is refused as the API server refuses it"
)]
#[derive(Debug)]
pub struct Api<'a> {
    world: &'a mut World,
    who: Name,
    delivered: bool,
}

impl Api<'_> {
    fn note<T>(
        &mut self,
        kind: Kind,
        verb: Verb,
        name: &str,
        answer: &Answer<T>,
        revision: impl Fn(&T) -> Option<u64>,
    ) {
        let code = match (answer, verb) {
            (Ok(_), Verb::Create) => 201,
            (Ok(_), _) => 200,
            (Err(refused), _) => refused.code,
        };
        self.world.note(Entry {
            at: self.world.now,
            by: self.who.clone(),
            kind,
            verb,
            name: name.into(),
            code,
            revision: answer.as_ref().ok().and_then(revision),
            delivered: self.delivered,
        });
    }

    fn note_pod(&mut self, verb: Verb, name: &str, answer: &Answer<Arc<Pod>>) {
        self.note(Kind::Pods, verb, name, answer, |pod| {
            pod.metadata.resource_version.parse().ok()
        });
    }

    fn note_lease(&mut self, verb: Verb, name: &str, answer: &Answer<Lease>) {
        self.note(Kind::Leases, verb, name, answer, |lease| {
            Some(lease.revision.get())
        });
    }

    /// POST of a pod, as JSON.
    pub fn create(&mut self, manifest: &str) -> Answer<Arc<Pod>> {
        let decoded = checks::decode(manifest);
        let name = name_of(&decoded);
        let answer = decoded.and_then(|pod| self.world.create_pod(pod));
        self.note_pod(Verb::Create, &name, &answer);
        answer
    }

    /// GET of a pod.
    pub fn get(&mut self, name: &str) -> Answer<Arc<Pod>> {
        let answer = self.world.get_pod(name);
        self.note_pod(Verb::Get, name, &answer);
        answer
    }

    /// DELETE of a pod. The answer is the pod as it was last written; where it went at once, at the revision of its
    /// going.
    pub fn delete(&mut self, name: &str, options: &DeleteOptions) -> Answer<Arc<Pod>> {
        let answer = self.world.delete_pod(name, options);
        self.note_pod(Verb::Delete, name, &answer);
        answer
    }

    /// PATCH of a pod's metadata (merge patch).
    pub fn patch(&mut self, name: &str, patch: &Patch) -> Answer<Arc<Pod>> {
        let answer = self.world.patch_pod(name, patch);
        self.note_pod(Verb::Patch, name, &answer);
        answer
    }

    /// PUT of a pod's status, as a kubelet does.
    pub fn set_status(&mut self, name: &str, status: PodStatus) -> Answer<Arc<Pod>> {
        let answer = self.world.write_status(name, status);
        self.note_pod(Verb::Update, name, &answer);
        answer
    }

    /// POST of a binding, as a scheduler does.
    pub fn bind(&mut self, name: &str, node: &str) -> Answer<Arc<Pod>> {
        let answer = self.world.bind_pod(name, node);
        self.note_pod(Verb::Create, name, &answer);
        answer
    }

    /// POST of an eviction: the condition `DisruptionTarget`, and in the next revision the deletion timestamp.
    pub fn evict(&mut self, name: &str, options: &DeleteOptions) -> Answer<Arc<Pod>> {
        let (reason, message) = super::Disruption::Eviction.words();
        let answer = self.world.disrupt_pod(name, reason, message, options);
        self.note_pod(Verb::Create, name, &answer);
        answer
    }

    /// GET of the pods: one page of them.
    pub fn list(&mut self, options: &ListOptions) -> Result<PodList, ListRefused> {
        let answer = self.world.list_pods(options);
        let noted: Answer<u64> = match &answer {
            Ok(list) => Ok(list.revision),
            Err(refused) => Err(refused.answer.clone()),
        };
        self.note(Kind::Pods, Verb::List, "", &noted, |revision| {
            Some(*revision)
        });
        answer
    }

    /// Opens a watch on what changes after `from`. Too old a revision is not refused, but told as the first event;
    /// one that is still to come is waited for in silence. Read it with [`World::watch_event`].
    pub fn watch(&mut self, selector: &str, from: u64) -> Answer<WatchId> {
        let answer = self.world.open_watch(selector, from);
        self.note(Kind::Pods, Verb::Watch, "", &answer, |_| None);
        answer
    }

    /// PATCH of a pod's subresource `resize`: of one container's memory.
    pub fn resize(&mut self, name: &str, resize: &Resize) -> Answer<Arc<Pod>> {
        let answer = self.world.resize_pod(name, resize);
        self.note(Kind::PodResize, Verb::Patch, name, &answer, |pod| {
            pod.metadata.resource_version.parse().ok()
        });
        answer
    }

    fn note_claim(&mut self, verb: Verb, name: &str, answer: &Answer<Arc<Claim>>) {
        self.note(Kind::Claims, verb, name, answer, |claim| {
            claim.metadata.resource_version.parse().ok()
        });
    }

    /// POST of a persistent volume claim, as JSON.
    pub fn create_claim(&mut self, manifest: &str) -> Answer<Arc<Claim>> {
        let decoded = checks::decode_claim(manifest);
        let name = decoded
            .as_ref()
            .map_or_else(|_| String::new(), |claim| claim.metadata.name.clone());
        let answer = decoded.and_then(|claim| self.world.create_claim(claim));
        self.note_claim(Verb::Create, &name, &answer);
        answer
    }

    /// GET of a persistent volume claim.
    pub fn get_claim(&mut self, name: &str) -> Answer<Arc<Claim>> {
        let answer = self.world.get_claim(name);
        self.note_claim(Verb::Get, name, &answer);
        answer
    }

    /// DELETE of a persistent volume claim. The answer is the claim on its way out.
    pub fn delete_claim(&mut self, name: &str) -> Answer<Arc<Claim>> {
        let answer = self.world.delete_claim(name);
        self.note_claim(Verb::Delete, name, &answer);
        answer
    }

    /// GET of the persistent volume claims, on one page.
    pub fn list_claims(&mut self, selector: &str) -> Answer<ClaimList> {
        let answer = self.world.list_claims(selector);
        self.note(Kind::Claims, Verb::List, "", &answer, |list| {
            Some(list.revision)
        });
        answer
    }

    /// GET of a Lease.
    pub fn get_lease(&mut self, name: &str) -> Answer<Lease> {
        let answer = self.world.get_lease(name);
        self.note_lease(Verb::Get, name, &answer);
        answer
    }

    /// POST of a Lease.
    pub fn create_lease(&mut self, name: &str, spec: &LeaseSpec) -> Answer<Lease> {
        let answer = self.world.create_lease(name, spec);
        self.note_lease(Verb::Create, name, &answer);
        answer
    }

    /// PUT of a Lease with its UID and revision.
    pub fn replace_lease(
        &mut self,
        name: &str,
        uid: &Uid,
        revision: Revision,
        spec: &LeaseSpec,
    ) -> Answer<Lease> {
        let answer = self.world.replace_lease(name, uid, revision, spec);
        self.note_lease(Verb::Update, name, &answer);
        answer
    }

    /// DELETE of a Lease with preconditions. The answer is the Lease as it was.
    pub fn delete_lease(&mut self, name: &str, uid: &Uid, revision: Revision) -> Answer<Lease> {
        let answer = self.world.delete_lease(name, uid, revision);
        self.note_lease(Verb::Delete, name, &answer);
        answer
    }

    /// Notes a list that a server has answered which has seen no more than that revision.
    pub(super) fn note_stale_list(&mut self, revision: u64) {
        self.note(Kind::Pods, Verb::List, "", &Ok(revision), |at| Some(*at));
    }

    /// Notes that a request was refused before anything looked at it.
    pub(super) fn refuse(&mut self, kind: Kind, verb: Verb, name: &str, refused: Refused) {
        self.note::<()>(kind, verb, name, &Err(refused), |()| None);
    }
}
