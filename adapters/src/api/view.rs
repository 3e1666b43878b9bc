//! From a pod as the API gives it to the compact view that the core keeps.

use super::{
    labels,
    pod::{Condition, ContainerStatus, Pod},
};
use evenkeel_core::{
    Name, Revision, Uid,
    input::{ContainerView, Labels, Phase, PodView},
};
use jiff::Timestamp;

/// What makes a pod unreadable. The API server never sends such; something between may.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoView {
    /// It has no name.
    #[error("the pod has no name")]
    Nameless,
    /// It has no UID.
    #[error("pod {0} has no uid")]
    NoUid(String),
    /// Its resourceVersion is no positive number.
    #[error("pod {0} has resourceVersion {1:?}, which is no positive number")]
    NoRevision(String, String),
}

/// The view of `pod` that the fleet of that name keeps, at `server_now` by the server's own clock.
pub fn view(pod: &Pod, fleet: &str, server_now: Timestamp) -> Result<PodView, NoView> {
    let meta = &pod.metadata;
    if meta.name.is_empty() {
        return Err(NoView::Nameless);
    }
    if meta.uid.is_empty() {
        return Err(NoView::NoUid(meta.name.clone()));
    }
    let revision = meta
        .resource_version
        .parse::<Revision>()
        .map_err(|_| NoView::NoRevision(meta.name.clone(), meta.resource_version.clone()))?;
    let main_name = main_container(pod);
    let statuses = &pod.status.container_statuses;
    let main = statuses
        .iter()
        .find(|status| Some(status.name.as_str()) == main_name);
    let failed = |status: &ContainerStatus| {
        status
            .state
            .terminated
            .as_ref()
            .is_some_and(|ended| ended.exit_code != 0)
    };
    let age_ms = meta.creation_timestamp.map_or(0, |born| {
        u64::try_from(server_now.as_millisecond() - born.as_millisecond()).unwrap_or(0)
    });
    Ok(PodView {
        name: meta.name.as_str().into(),
        labels: our_labels(pod, fleet),
        uid: Uid::from(meta.uid.as_str()),
        revision,
        age_ms,
        deleting: meta
            .deletion_timestamp
            .map(|_| u32::try_from(meta.deletion_grace_period_seconds.unwrap_or(0)).unwrap_or(0)),
        phase: phase(&pod.status.phase),
        node: name(pod.spec.node_name.as_deref()),
        ip: name(pod.status.pod_ip.as_deref()),
        reason: name(pod.status.reason.as_deref()),
        disruption: disruption(pod),
        ready: holds(pod, "Ready").is_some(),
        main: main.and_then(container).or_else(|| init_trouble(pod)),
        sidecar_failed: statuses
            .iter()
            .any(|status| Some(status.name.as_str()) != main_name && failed(status)),
        waiting: Vec::new(),
        memory: None,
        claims: Vec::new(),
        message: name(pod.status.message.as_deref()).or_else(|| main.and_then(last_words)),
    })
}

/// The main container's name: what the annotation says, else the first (SEE-1).
fn main_container(pod: &Pod) -> Option<&str> {
    let first = || {
        pod.spec
            .containers
            .first()
            .map(|container| container.name.as_str())
    };
    pod.metadata
        .annotations
        .get(labels::MAIN_CONTAINER)
        .map(String::as_str)
        .or_else(first)
}

fn our_labels(pod: &Pod, fleet: &str) -> Labels {
    let all = &pod.metadata.labels;
    if all.get(labels::FLEET).map(String::as_str) != Some(fleet) {
        return Labels::default();
    }
    Labels {
        executor: name(all.get(labels::EXECUTOR).map(String::as_str)),
        group: name(all.get(labels::GROUP).map(String::as_str)),
        finished: all
            .get(labels::FINISHED)
            .is_some_and(|value| value == "true"),
        template: all
            .get(labels::TEMPLATE)
            .and_then(|value| labels::template_hash(value)),
    }
}

fn phase(text: &str) -> Phase {
    match text {
        "Pending" => Phase::Pending,
        "Running" => Phase::Running,
        "Succeeded" => Phase::Succeeded,
        "Failed" => Phase::Failed,
        _ => Phase::Unknown,
    }
}

/// The condition of that type, where it is true.
fn holds<'a>(pod: &'a Pod, kind: &str) -> Option<&'a Condition> {
    pod.status
        .conditions
        .iter()
        .find(|condition| condition.kind == kind && condition.status == "True")
}

fn disruption(pod: &Pod) -> Option<Name> {
    let target = holds(pod, "DisruptionTarget")?;
    Some(target.reason.as_deref().unwrap_or("Unknown").into())
}

fn container(status: &ContainerStatus) -> Option<ContainerView> {
    let state = &status.state;
    if let Some(ended) = &state.terminated {
        Some(ContainerView::Terminated {
            exit_code: ended.exit_code,
            reason: ended.reason.as_str().into(),
        })
    } else if state.running.is_some() {
        Some(ContainerView::Running)
    } else {
        state
            .waiting
            .as_ref()
            .map(|waiting| ContainerView::Waiting(waiting.reason.as_str().into()))
    }
}

/// Why an init container keeps the main one from starting: that is what the main one waits for.
fn init_trouble(pod: &Pod) -> Option<ContainerView> {
    pod.status
        .init_container_statuses
        .iter()
        .find_map(|status| {
            let waiting = status.state.waiting.as_ref()?;
            Some(ContainerView::Waiting(waiting.reason.as_str().into()))
        })
}

fn last_words(status: &ContainerStatus) -> Option<Name> {
    name(status.state.terminated.as_ref()?.message.as_deref())
}

/// A name where the text says something.
fn name(text: Option<&str>) -> Option<Name> {
    text.filter(|text| !text.is_empty()).map(Name::from)
}
