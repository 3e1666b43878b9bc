//! What a test does behind the API server's back: the test kit.

use super::{Answer, DeleteOptions, agenda::Key, containers::Exit, watch::Event, world::World};
use crate::api::{claim::Claim, pod::Pod};
use evenkeel_core::{Name, Span};
use std::sync::Arc;

/// Ways in which a pod is put out: each sets the condition `DisruptionTarget`, and in the next revision the deletion
/// timestamp. There is no warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disruption {
    /// Through the eviction API, as `kubectl drain` does.
    Eviction,
    /// By the scheduler, for a pod of higher priority.
    Preemption,
    /// By a taint of its node.
    Taint,
}

impl Disruption {
    /// The condition's reason and message.
    pub(super) const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Eviction => ("EvictionByEvictionAPI", "Eviction API: evicting"),
            Self::Preemption => (
                "PreemptionByScheduler",
                "default-scheduler: preempting to accommodate a higher priority pod",
            ),
            Self::Taint => (
                "DeletionByTaintManager",
                "Taint manager: deleting due to NoExecute taint",
            ),
        }
    }
}

#[allow(
    clippy::missing_errors_doc,
    reason = "each is refused as the API server refuses it: 404 where there is no such pod"
)]
impl World {
    /// All pods, by name.
    pub fn pods(&self) -> impl Iterator<Item = &Arc<Pod>> {
        self.store.pods().values()
    }

    /// The pod of that name.
    #[must_use]
    pub fn pod(&self, name: &str) -> Option<&Arc<Pod>> {
        self.store.pod(name)
    }

    /// All persistent volume claims, by name.
    pub fn claims(&self) -> impl Iterator<Item = &Arc<Claim>> {
        self.claims.now().values()
    }

    /// The persistent volume claim of that name.
    #[must_use]
    pub fn claim(&self, name: &str) -> Option<&Arc<Claim>> {
        self.claims.get(name)
    }

    /// The newest revision.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.store.revision()
    }

    fn key_of(&self, name: &str) -> Answer<Key> {
        self.get_pod(name).map(|pod| Self::key(&pod))
    }

    /// The main container ends now. Without a reason the usual one is given: `Completed` or `Error`.
    pub fn kill_container(
        &mut self,
        name: &str,
        exit_code: i32,
        reason: Option<&str>,
    ) -> Answer<()> {
        let exit = Exit {
            reason: reason.map(str::to_owned),
            ..Exit::with_code(exit_code)
        };
        self.end_container(name, &exit)
    }

    /// A container ends now: any, with all that it leaves. Nothing happens where it does not run.
    pub fn end_container(&mut self, name: &str, exit: &Exit) -> Answer<()> {
        let key = self.key_of(name)?;
        self.exit(&key, exit);
        Ok(())
    }

    /// The pod of that name that starts next has a container end so long after it has started.
    pub fn plan_exit(&mut self, name: &str, after: Span, exit: Exit) {
        let of = self.exits.entry(name.into()).or_default();
        of.push_back((after, exit));
    }

    /// Puts a pod out.
    pub fn disrupt(&mut self, name: &str, how: Disruption) -> Answer<()> {
        let (reason, message) = how.words();
        self.disrupt_pod(name, reason, message, &DeleteOptions::default())
            .map(drop)
    }

    /// The kubelet evicts the pod for want of memory: phase Failed, reason Evicted.
    pub fn evict_by_kubelet(&mut self, name: &str) -> Answer<()> {
        let pod = self.get_pod(name)?;
        self.evict_from_node(&pod);
        Ok(())
    }

    /// Somebody removes a Lease, whatever it says.
    pub fn remove_lease(&mut self, name: &str) -> Answer<()> {
        self.get_lease(name)?;
        self.drop_lease(name);
        Ok(())
    }

    /// etcd is compacted. As long as the API server runs, nobody notices: it answers from its watch cache.
    pub fn compact(&mut self) {
        self.store.compact();
    }

    /// The API server forgets its history: what was not read yet can't be any more, and every resume from before now
    /// is 410.
    pub fn forget_history(&mut self) {
        self.store.forget();
        self.signals += 1;
    }

    /// The API server is stopped and started: all watches are closed, and every resume from before is 410, also where
    /// nothing was lost.
    pub fn restart_api_server(&mut self) {
        self.end_all_watches();
        self.store.restart();
    }

    /// All watches are closed, as by a proxy between.
    pub fn close_watches(&mut self) {
        self.end_all_watches();
    }

    /// All open watches say nothing any more, not even a bookmark or that they end: as where a connection is dead and
    /// nobody has noticed. Watches opened later are well.
    pub fn stall_watches(&mut self) {
        self.stall_all_watches();
    }

    /// The next event of that pod is shown by no watch: it is lost for good.
    pub fn lose_next_event(&mut self, name: &str) {
        self.store.lose_next(name);
    }

    /// Stops the scheduler, or lets it go on.
    pub fn set_scheduler(&mut self, runs: bool) {
        self.config.scheduler = runs;
        self.wake_scheduler();
    }

    /// Stops the kubelets, or lets them go on with the pods as they find them.
    pub fn set_kubelet(&mut self, runs: bool) {
        let anew = runs && !self.config.kubelet;
        self.config.kubelet = runs;
        if anew {
            let pods: Vec<Arc<Pod>> = self.pods().cloned().collect();
            for pod in pods {
                self.kubelet_hears_anew(&pod);
            }
        }
    }

    /// Ends the one watch, as the server would.
    pub fn close_watch(&mut self, id: super::WatchId) {
        self.end_watch(id, Event::Closed);
    }

    /// The name of a fleet's Lease.
    #[must_use]
    pub fn lease_name(fleet: &str) -> Name {
        super::lease::lease_name(fleet)
    }
}
