//! Kubelets that reject pods, start them slowly, or take long to stop them; and pods that don't become ready.

use super::super::{
    Answer,
    agenda::{Due, Key},
    containers::{condition, not_ready},
    world::World,
};
use crate::api::pod::{Pod, PodStatus};
use evenkeel_core::{Span, Time};
use std::sync::Arc;

/// A kubelet takes about this long to hear of a pod that was bound to its node.
const HEARD_AFTER: Span = Span(10);

/// Why kubelets reject pods that were bound to them. The pod is Failed with that reason at once, and no container of it
/// was ever made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// `UnexpectedAdmissionError`: a device could not be given.
    UnexpectedAdmissionError,
    /// `OutOfcpu`: others have come to the node before it.
    OutOfCpu,
    /// `OutOfmemory`.
    OutOfMemory,
    /// `OutOfpods`.
    OutOfPods,
    /// `NodeAffinity`: the node's labels were changed after the scheduler looked at them.
    NodeAffinity,
}

impl Rejection {
    /// The reason and the message in the pod's status.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::UnexpectedAdmissionError => (
                "UnexpectedAdmissionError",
                "Allocate failed due to no healthy devices present; cannot allocate unhealthy devices example.com/device, which is unexpected",
            ),
            Self::OutOfCpu => (
                "OutOfcpu",
                "Node didn't have enough resource: cpu, requested: 500, used: 15800, capacity: 16000",
            ),
            Self::OutOfMemory => (
                "OutOfmemory",
                "Node didn't have enough resource: memory, requested: 1073741824, used: 68182605824, capacity: 68719476736",
            ),
            Self::OutOfPods => (
                "OutOfpods",
                "Node didn't have enough resource: pods, requested: 1, used: 110, capacity: 110",
            ),
            Self::NodeAffinity => (
                "NodeAffinity",
                "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
            ),
        }
    }
}

/// How containers end once they are asked to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stopping {
    /// After [`Weather::stop`](super::super::Weather::stop).
    #[default]
    Usual,
    /// By themselves, with the very last of their grace.
    WholeGrace,
    /// Not by themselves: they are killed when their grace is over.
    Never,
}

impl Stopping {
    /// When they will have ended, where their grace is over at `until`; None: when the weather says.
    pub(in crate::fake) fn at(self, until: Time) -> Option<Time> {
        match self {
            Self::Usual => None,
            Self::WholeGrace => Some(until.before(Span(1))),
            Self::Never => Some(until),
        }
    }
}

impl World {
    /// The pods that are bound from now on are rejected by their kubelets: the next `pods` of them, or with None all
    /// until this is called again. None for `rejection` ends it.
    pub fn set_rejection(&mut self, rejection: Option<Rejection>, pods: Option<u32>) {
        let rejected = rejection.filter(|_| pods != Some(0));
        self.standing.rejection = rejected.map(|rejection| (rejection, pods));
    }

    /// The kubelet has heard of a pod. Says whether it rejects it.
    pub(in crate::fake) fn plan_rejection(&mut self, pod: &Arc<Pod>) -> bool {
        let Some((rejection, left)) = &mut self.standing.rejection else {
            return false;
        };
        let rejection = *rejection;
        if let Some(left) = left {
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.standing.rejection = None;
            }
        }
        let at = self.now.after(HEARD_AFTER);
        let what = Due::Reject(Self::key(pod), rejection);
        self.agenda.plan(at, what);
        true
    }

    pub(in crate::fake) fn reject(&mut self, key: &Key, why: Rejection) {
        let Some(pod) = self.to_start(key) else {
            return;
        };
        let (reason, message) = why.words();
        let mut pod = Pod::clone(&pod);
        // The kubelet knows of no conditions of a pod that it never took.
        pod.status = PodStatus {
            phase: "Failed".to_owned(),
            reason: Some(reason.to_owned()),
            message: Some(format!("Pod was rejected: {message}")),
            ..PodStatus::default()
        };
        self.put(pod);
    }

    /// The pods whose kubelets hear of them from now on take so many times as long to start; 1 as usual.
    pub fn set_slowness(&mut self, times: u32) {
        self.standing.slowness = times;
    }

    pub(in crate::fake) fn slowness(&self) -> u32 {
        self.standing.slowness.max(1)
    }

    /// Whether the pods that start from now on run without becoming ready. Those that are not ready stay so; see
    /// [`set_ready`](Self::set_ready).
    pub fn set_never_ready(&mut self, never: bool) {
        self.standing.never_ready = never;
    }

    /// The probes of a pod that runs say that it is ready, or that it is not. One of which a container has ended does
    /// not become ready.
    ///
    /// # Errors
    /// There is no such pod.
    pub fn set_ready(&mut self, name: &str, ready: bool) -> Answer<()> {
        let there = self.get_pod(name)?;
        let running = there.status.phase == "Running" && self.kubelet_runs(&there);
        let mut pod = Pod::clone(&there);
        if running && readied(&mut pod.status, ready) && pod != *there {
            self.put(pod);
        }
        Ok(())
    }

    pub(super) fn make_all_ready(&mut self) {
        let running = |pod: &&Arc<Pod>| {
            pod.status.phase == "Running" && pod.metadata.deletion_timestamp.is_none()
        };
        let all: Vec<Arc<Pod>> = self.pods().filter(running).cloned().collect();
        for pod in all {
            // It is there.
            let _ = self.set_ready(&pod.metadata.name, true);
        }
    }

    /// How containers end that are asked to from now on.
    pub fn set_stopping(&mut self, how: Stopping) {
        self.standing.stopping = how;
    }
}

/// Makes all containers that run ready, or unready. Says whether there is anything to be said of the pod: it can't
/// become ready where not all of them run.
pub(in crate::fake) fn readied(status: &mut PodStatus, ready: bool) -> bool {
    let mut all = status.container_statuses.iter();
    if ready && !all.all(|container| container.state.running.is_some()) {
        return false;
    }
    for container in &mut status.container_statuses {
        container.ready = ready && container.state.running.is_some();
    }
    if ready {
        for kind in ["ContainersReady", "Ready"] {
            condition(status, kind, "True", None, None);
        }
    } else {
        not_ready(status, "ContainersNotReady");
    }
    true
}
