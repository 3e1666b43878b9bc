//! From a pod as the API gives it to the compact view that the core keeps.

use super::{
    claim, labels,
    pod::{Condition, ContainerStatus, Pod, Resources},
    quantity::Quantity,
};
use evenkeel_core::{
    Name, Revision, Uid,
    input::{ContainerView, Labels, MemoryView, Phase, PodView},
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
    Ok(PodView {
        name: meta.name.as_str().into(),
        labels: our_labels(pod, fleet),
        uid: Uid::from(meta.uid.as_str()),
        revision,
        age_ms: meta.age_ms(server_now),
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
        waiting: waiting(pod, main_name),
        memory: memory(pod, main_name, main),
        claims: claims(pod),
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

/// Why containers and init containers wait, each reason once, the main container's first (GROW-6).
fn waiting(pod: &Pod, main_name: Option<&str>) -> Vec<Name> {
    let status = &pod.status;
    let (main, others): (Vec<_>, Vec<_>) = status
        .container_statuses
        .iter()
        .partition(|status| Some(status.name.as_str()) == main_name);
    let all = main.into_iter().chain(others);
    let mut reasons: Vec<Name> = Vec::new();
    for status in all.chain(&status.init_container_statuses) {
        if let Some(waiting) = &status.state.waiting
            && !waiting.reason.is_empty()
            && reasons.iter().all(|reason| **reason != *waiting.reason)
        {
            reasons.push(waiting.reason.as_str().into());
        }
    }
    reasons
}

/// The main container's memory, where the spec has both a request and a limit (SIZE).
fn memory(
    pod: &Pod,
    main_name: Option<&str>,
    main: Option<&ContainerStatus>,
) -> Option<MemoryView> {
    let bytes = |resources: &Resources, limit: bool| {
        let amounts = if limit {
            &resources.limits
        } else {
            &resources.requests
        };
        amounts.get("memory")?.parse::<Quantity>().ok()?.bytes()
    };
    let mut containers = pod.spec.containers.iter();
    let spec = &containers
        .find(|container| Some(container.name.as_str()) == main_name)?
        .resources;
    bytes(spec, false)?;
    let asked = bytes(spec, true)?;
    let has = main.and_then(|main| bytes(main.resources.as_ref()?, true));
    let pending = holds(pod, "PodResizePending");
    Some(MemoryView {
        limit: has.unwrap_or(asked),
        asked,
        infeasible: pending.is_some_and(|it| it.reason.as_deref() == Some("Infeasible")),
    })
}

/// The claims that the pod was given: its template may name others for itself, which are nobody's to count.
fn claims(pod: &Pod) -> Vec<Name> {
    let ours = pod.spec.volumes.iter();
    ours.filter(|volume| volume.name == claim::VOLUME)
        .filter_map(|volume| volume.persistent_volume_claim.as_ref())
        .map(|volume| volume.claim_name.as_str().into())
        .collect()
}

fn last_words(status: &ContainerStatus) -> Option<Name> {
    name(status.state.terminated.as_ref()?.message.as_deref())
}

/// A name where the text says something.
fn name(text: Option<&str>) -> Option<Name> {
    text.filter(|text| !text.is_empty()).map(Name::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn seen(pod: Value) -> PodView {
        let mut pod: Pod = serde_json::from_value(pod).expect("a pod");
        pod.metadata.name = "p".into();
        pod.metadata.uid = "u".into();
        pod.metadata.resource_version = "7".into();
        view(&pod, "f", Timestamp::UNIX_EPOCH).expect("a view")
    }

    fn with_memory(resources: Value, status: Value) -> Option<MemoryView> {
        let containers = json!([{"name": "side"}, {"name": "main", "resources": resources}]);
        let annotations = json!({labels::MAIN_CONTAINER: "main"});
        seen(json!({
            "metadata": {"annotations": annotations}, "spec": {"containers": containers}, "status": status,
        }))
        .memory
    }

    #[test]
    fn memory_is_what_is_in_force_and_what_is_asked_for() {
        let both = json!({"requests": {"memory": "1Gi"}, "limits": {"memory": "2Gi"}});
        let gi = 1 << 30;
        let known = |limit, asked, infeasible| {
            Some(MemoryView {
                limit,
                asked,
                infeasible,
            })
        };
        assert_eq!(
            with_memory(both.clone(), json!({})),
            known(2 * gi, 2 * gi, false)
        );
        let has = json!([{"name": "main", "resources": {"limits": {"memory": "1Gi"}}}]);
        let status = json!({"containerStatuses": has.clone()});
        assert_eq!(with_memory(both.clone(), status), known(gi, 2 * gi, false));
        let pending = |reason: &str, is: &str| {
            json!({"containerStatuses": has.clone(),
                "conditions": [{"type": "PodResizePending", "status": is, "reason": reason}]})
        };
        for (reason, is, infeasible) in [
            ("Infeasible", "True", true),
            ("Infeasible", "False", false),
            ("Deferred", "True", false),
        ] {
            assert_eq!(
                with_memory(both.clone(), pending(reason, is)),
                known(gi, 2 * gi, infeasible)
            );
        }
    }

    #[test]
    fn without_both_a_request_and_a_limit_there_is_no_memory_to_speak_of() {
        for resources in [
            json!({}),
            json!({"limits": {"memory": "1Gi"}}),
            json!({"requests": {"memory": "1Gi"}}),
            json!({"requests": {"cpu": "1"}, "limits": {"cpu": "1"}}),
        ] {
            assert_eq!(with_memory(resources, json!({})), None);
        }
    }

    #[test]
    fn the_claims_are_those_that_it_was_given() {
        let volumes = json!([
            {"name": "shared", "persistentVolumeClaim": {"claimName": "data-set"}},
            {"name": claim::VOLUME, "persistentVolumeClaim": {"claimName": "f-claim-1-1"}},
            {"name": "scratch", "emptyDir": {}},
        ]);
        let claims = seen(json!({"spec": {"volumes": volumes}})).claims;
        assert_eq!(claims, ["f-claim-1-1".into()]);
        assert!(seen(json!({"spec": {"volumes": null}})).claims.is_empty());
    }

    #[test]
    fn all_that_waits_says_why_the_main_container_first() {
        let waits = |name: &str, reason: &str| json!({"name": name, "state": {"waiting": {"reason": reason}}});
        let reasons = seen(json!({
            "spec": {"containers": [{"name": "main"}, {"name": "side"}]},
            "status": {
                "containerStatuses": [waits("side", "ErrImagePull"), waits("main", "PodInitializing"), waits("third", "")],
                "initContainerStatuses": [waits("init", "ErrImagePull"), waits("next", "CreateContainerError")],
            },
        }))
        .waiting;
        let expected = ["PodInitializing", "ErrImagePull", "CreateContainerError"];
        assert_eq!(reasons, expected.map(Name::from));
    }
}
