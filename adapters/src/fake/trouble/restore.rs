//! etcd is restored from an older backup: what came after it never was, and the kubelets say what they know.

use super::super::{
    agenda::{Due, Key},
    containers::{Exit, end, finished, settle_phase},
    kubelet::Behind,
    world::World,
};
use crate::api::pod::{Pod, PodStatus};
use evenkeel_core::{Name, Span};
use im::OrdMap;
use std::sync::Arc;

/// Kubelets take about this long to find the API server again, and to tell it what they know.
const TOLD_AFTER: Span = Span::seconds(1);

impl World {
    /// etcd is restored from a backup that was made at that revision, and the API server is started anew on it. Pods,
    /// claims and leases are as they were then, and revisions are counted on from there: so numbers are used a second
    /// time. All watches are closed; those resumed from before are 410, and those from a revision still to come are
    /// silent until it is reached.
    ///
    /// The kubelets were not restored. A pod that they know to have gone on is soon shown so; one whose containers they
    /// were stopping has failed; one that had gone altogether is run again; and one that the backup has as not yet bound
    /// is scheduled again. Pods made after the backup are gone, and no event says so.
    ///
    /// Returns whether it could be done: the revision is not still to come, and the history goes back so far
    /// ([`WorldConfig::history`](super::super::WorldConfig::history)).
    pub fn restore(&mut self, revision: u64) -> bool {
        if self.claims.at(revision).is_none() || self.leases.at(revision).is_none() {
            return false;
        }
        let Some(lost) = self.store.go_back(revision) else {
            return false;
        };
        self.claims.go_back(revision);
        self.leases.go_back(revision);
        self.signals += 1;
        self.restart_api_server();
        self.build_anew(&lost);
        for pod in self.pods().cloned().collect::<Vec<_>>() {
            let known = lost.get(&*pod.metadata.name);
            self.kubelet_remembers(&pod, known.filter(|known| is_same(&pod, known)));
        }
        self.wake_scheduler();
        true
    }

    /// Makes anew what follows from the pods and claims that are there.
    fn build_anew(&mut self, lost: &OrdMap<Name, Arc<Pod>>) {
        let mut behinds = std::mem::take(&mut self.behind);
        self.queue.clear();
        self.parked.clear();
        self.deferred.clear();
        self.claim_users.clear();
        self.uids.clear();
        self.dependents.clear();
        self.dependent_claims.clear();
        for node in self.nodes.keys().cloned().collect::<Vec<_>>() {
            if let Some(room) = self.nodes.get_mut(&node) {
                room.clear();
            }
        }
        for pod in self.pods().cloned().collect::<Vec<_>>() {
            let name = &*pod.metadata.name;
            let known = lost.get(name).is_some_and(|known| is_same(&pod, known));
            let behind = behinds.remove(name).filter(|_| known);
            self.admit_as(&pod, behind.map(Behind::unbound));
            self.take_room(&pod);
        }
        for claim in self.claims().cloned().collect::<Vec<_>>() {
            self.note_claim_owners(&claim);
        }
    }

    /// What the kubelet makes of a pod as the backup has it; `known` is how the kubelet knows it, where it does.
    fn kubelet_remembers(&mut self, pod: &Arc<Pod>, known: Option<&Arc<Pod>>) {
        let node = &pod.spec.node_name;
        let known = known.filter(|known| node.is_some() && known.spec.node_name == *node);
        match known.map(|known| self.what_is_known(known)) {
            Some(status) if status != pod.status => {
                let at = self.now.after(TOLD_AFTER);
                let what = Due::Tell(Self::key(pod), Box::new(status));
                self.agenda.plan(at, what);
            }
            _ => self.kubelet_hears_anew(pod),
        }
    }

    fn what_is_known(&self, pod: &Pod) -> PodStatus {
        let mut pod = pod.clone();
        // Conditions that others than the kubelet have set are lost with etcd.
        let conditions = &mut pod.status.conditions;
        conditions.retain(|it| {
            it.kind != "DisruptionTarget" || it.reason.as_deref() == Some("TerminationByKubelet")
        });
        if pod.metadata.deletion_timestamp.is_some() && !finished(&pod) {
            // A kubelet that has begun to stop a pod goes through with it.
            let asked = Exit::with_code(self.config.stop_exit_code);
            for status in &mut pod.status.container_statuses {
                if status.state.terminated.is_none() {
                    end(status, &asked);
                }
            }
            settle_phase(&mut pod);
        }
        pod.status
    }

    pub(in crate::fake) fn tell(&mut self, key: &Key, status: &PodStatus) {
        let Some(there) = self.same(key).filter(|pod| self.kubelet_runs(pod)) else {
            return;
        };
        let mut pod = Pod::clone(&there);
        pod.status = status.clone();
        if pod != *there {
            let pod = self.put(pod);
            self.kubelet_hears_anew(&pod);
        }
    }
}

fn is_same(one: &Pod, other: &Pod) -> bool {
    one.metadata.uid == other.metadata.uid
}
