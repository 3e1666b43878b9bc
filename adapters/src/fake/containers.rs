//! What a pod's status says of its containers, and what follows from it.

use crate::api::{
    labels,
    pod::{Condition, ContainerState, ContainerStatus, Pod, PodStatus, Terminated},
};

/// How a container ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    /// Which; None for the main one.
    pub container: Option<String>,
    /// With this exit code.
    pub exit_code: i32,
    /// The reason, as `OOMKilled`; None for the usual one: `Completed` or `Error`.
    pub reason: Option<String>,
    /// What it leaves as its termination message.
    pub message: Option<String>,
}

impl Exit {
    /// The main container ends with that exit code.
    #[must_use]
    pub fn with_code(exit_code: i32) -> Self {
        Self {
            container: None,
            exit_code,
            reason: None,
            message: None,
        }
    }

    /// The main container goes over its memory limit.
    #[must_use]
    pub fn out_of_memory() -> Self {
        Self {
            reason: Some("OOMKilled".to_owned()),
            ..Self::with_code(137)
        }
    }
}

/// What each container that runs has is what it asks for.
pub(super) fn give_resources(pod: &mut Pod) {
    for status in &mut pod.status.container_statuses {
        let mut spec = pod.spec.containers.iter();
        if let Some(asks) = spec.find(|container| container.name == status.name)
            && status.state.running.is_some()
        {
            status.resources = Some(asks.resources.clone());
        }
    }
}

/// Whether a pod's phase is final.
pub(super) fn finished(pod: &Pod) -> bool {
    matches!(pod.status.phase.as_str(), "Succeeded" | "Failed")
}

/// The main container's name: what the annotation says, else the first.
pub(super) fn main_container(pod: &Pod) -> Option<&str> {
    let said = pod.metadata.annotations.get(labels::MAIN_CONTAINER);
    let first = pod.spec.containers.first().map(|first| &first.name);
    said.or(first).map(String::as_str)
}

pub(super) fn end(status: &mut ContainerStatus, exit: &Exit) {
    let usual = if exit.exit_code == 0 {
        "Completed"
    } else {
        "Error"
    };
    status.ready = false;
    status.state = ContainerState {
        terminated: Some(Terminated {
            exit_code: exit.exit_code,
            reason: exit.reason.clone().unwrap_or_else(|| usual.to_owned()),
            message: exit.message.clone(),
        }),
        ..ContainerState::default()
    };
}

/// The phase that follows from the containers; they are never restarted. One that lost a container is not ready.
pub(super) fn settle_phase(pod: &mut Pod) {
    let codes = |status: &ContainerStatus| status.state.terminated.as_ref().map(|t| t.exit_code);
    let status = &mut pod.status;
    let all: Vec<Option<i32>> = status.container_statuses.iter().map(codes).collect();
    if all.iter().any(Option::is_none) {
        if all.iter().any(Option::is_some) {
            not_ready(status, "ContainersNotReady");
        }
        return;
    }
    // A pod that ends with no container ever made has failed.
    let well = !all.is_empty() && all.iter().all(|code| *code == Some(0));
    let (phase, reason) = if well {
        ("Succeeded", "PodCompleted")
    } else {
        ("Failed", "PodFailed")
    };
    phase.clone_into(&mut status.phase);
    not_ready(status, reason);
}

pub(super) fn not_ready(status: &mut PodStatus, reason: &str) {
    for kind in ["ContainersReady", "Ready"] {
        condition(status, kind, "False", Some(reason), None);
    }
}

/// Sets a condition.
pub(super) fn condition(
    status: &mut PodStatus,
    kind: &str,
    is: &str,
    reason: Option<&str>,
    message: Option<&str>,
) {
    let set = Condition {
        kind: kind.to_owned(),
        status: is.to_owned(),
        reason: reason.map(str::to_owned),
        message: message.map(str::to_owned),
    };
    match status.conditions.iter_mut().find(|c| c.kind == kind) {
        Some(there) => *there = set,
        None => status.conditions.push(set),
    }
}
