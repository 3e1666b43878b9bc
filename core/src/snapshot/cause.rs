//! END-1: the cause of an end, the first that fits on the oldest view that shows it.

use super::record::{Disruption, Executor, Fate, Notes, Verdict};
use crate::{
    config::Config,
    input::{ContainerView, Phase, PodView},
    output::{Cause, Evidence},
    words::Name,
};
use std::sync::Arc;

/// The verdict on a pod that this view shows finished or terminating.
pub(crate) fn by_view(
    config: &Config,
    executor: &Executor,
    view: &PodView,
    finished: bool,
) -> Verdict {
    let cause = if finished && view.deleting.is_none() {
        of_finished(config, executor, view)
    } else {
        of_deleted(config, executor, view.disruption.as_ref(), view.ready)
    };
    Verdict {
        cause,
        evidence: Arc::new(evidence(view)),
    }
}

/// The verdict on a pod that is gone, where no view showed it going.
pub(crate) fn by_absence(config: &Config, executor: &Executor) -> Verdict {
    let notes = executor.notes.as_deref();
    let disruption = notes.and_then(|notes: &Notes| notes.disruption.clone());
    let ready = notes.is_some_and(|notes| notes.ready);
    let cause = of_deleted(config, executor, disruption.as_ref(), ready);
    Verdict {
        cause,
        evidence: Arc::new(Evidence {
            disruption,
            ..Evidence::default()
        }),
    }
}

/// Rule 1: it finished by itself, with no deletion timestamp.
fn of_finished(config: &Config, executor: &Executor, view: &PodView) -> Cause {
    let disruption = view
        .disruption
        .as_ref()
        .filter(|_| !planted!(config, EvictionIsFailure));
    // SEE-1: what another container did counts only where it is asked about.
    let by_sidecar = config.seeing.check_all_containers && view.sidecar_failed;
    if let Some(reason) = disruption {
        return disrupted(reason, view.ready).cause();
    }
    if let Some(reported) = executor.disruption {
        return reported.cause();
    }
    match view.reason.as_deref() {
        Some("Evicted") => return Cause::Evicted,
        Some("Preempting") => return Cause::Preempted,
        Some("NodeLost" | "NodeShutdown" | "Shutdown" | "Terminated") => return Cause::NodeLost,
        _ => {}
    }
    match (&view.main, view.phase) {
        (Some(ContainerView::Terminated { reason, .. }), _) if &**reason == "OOMKilled" => {
            Cause::OomKilled
        }
        (Some(ContainerView::Terminated { exit_code: 0, .. }), _) if !by_sidecar => {
            completed(executor)
        }
        (Some(ContainerView::Terminated { exit_code, .. }), _) => Cause::AppFailed {
            exit_code: Some(*exit_code),
        },
        (_, Phase::Succeeded) => completed(executor),
        // It ran, and nothing is left that says how it ended.
        (Some(ContainerView::Running), _) => Cause::AppFailed { exit_code: None },
        _ if executor.started_told || executor.is_registered() => {
            Cause::AppFailed { exit_code: None }
        }
        (waiting, _) => {
            let waits = match waiting {
                Some(ContainerView::Waiting(reason)) => Some(reason),
                _ => None,
            };
            let reason = view.reason.as_ref().or(waits);
            Cause::StartFailed {
                reason: reason.cloned().unwrap_or_else(|| "Unknown".into()),
            }
        }
    }
}

/// Exit 0 is what a drain leads to.
fn completed(executor: &Executor) -> Cause {
    match &executor.fate {
        Fate::Draining { cause, .. }
        | Fate::Condemned {
            cause,
            drained: true,
            ..
        } => cause.clone(),
        // FAIL-2.
        _ if !executor.proven => Cause::StartFailed {
            reason: "exited".into(),
        },
        Fate::Wanted | Fate::Condemned { .. } | Fate::Ended { .. } => Cause::Completed,
    }
}

/// Rule 2: a deletion timestamp is set, or the pod is gone.
fn of_deleted(
    config: &Config,
    executor: &Executor,
    disruption: Option<&Name>,
    ready: bool,
) -> Cause {
    match (&executor.fate, disruption) {
        (Fate::Condemned { cause, .. }, _)
            if executor.delete_issued && !planted!(config, KilledByStranger) =>
        {
            cause.clone()
        }
        _ if planted!(config, DeletionIsFailure) => Cause::AppFailed { exit_code: None },
        (_, Some(reason)) => disrupted(reason, ready).cause(),
        _ => executor
            .disruption
            .map_or(Cause::DeletedByOther, Disruption::cause),
    }
}

/// What the reason of a condition DisruptionTarget says.
pub(super) fn disrupted(reason: &str, ready: bool) -> Disruption {
    match reason {
        "PreemptionByScheduler" => Disruption::Preempted,
        "DeletionByPodGC" => Disruption::NodeLost,
        "DeletionByTaintManager" if !ready => Disruption::NodeLost,
        _ => Disruption::Evicted,
    }
}

fn evidence(view: &PodView) -> Evidence {
    let (exit_code, container_reason) = match &view.main {
        Some(ContainerView::Terminated { exit_code, reason }) => (Some(*exit_code), Some(reason)),
        Some(ContainerView::Waiting(reason)) => (None, Some(reason)),
        Some(ContainerView::Running) | None => (None, None),
    };
    let said = |reason: &&Name| !reason.is_empty();
    Evidence {
        phase: Some(view.phase),
        reason: view
            .reason
            .as_ref()
            .or(container_reason)
            .filter(said)
            .cloned(),
        message: view.message.clone(),
        disruption: view.disruption.clone(),
        exit_code,
    }
}
