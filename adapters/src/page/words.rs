//! Inputs and outputs in words, a sentence each.

use evenkeel_core::{
    Input, Output, Status,
    input::{
        ContainerView, DesiredChange, EngineReport, KillReason, LeaseNews, Outcome, PodView,
        Refusal, WatchEnd, WatchEvent,
    },
    output::{Action, Cause, Evidence, LeaseWish, Notice},
    plan::{Finding, GroupStatus},
};
use std::fmt::Write as _;

/// More pods of a listing, or executors of a wish, are counted and not named.
const NAMED: usize = 12;

/// What came in.
pub fn input(input: &Input) -> String {
    match input {
        Input::Wake => "time has passed".to_owned(),
        Input::Relist => "somebody doubts the view: list anew".to_owned(),
        Input::Desired(change) => desired(change),
        Input::Engine(report) => engine(report),
        Input::Lease(news) => lease_news(news),
        Input::Listed { outcome, .. } => match outcome {
            Ok(listing) => format!(
                "a listing at revision {} has {} pods and {} claims: {}",
                listing.revision,
                listing.pods.len(),
                listing.claims.len(),
                some(listing.pods.iter().map(pod), "; ")
            ),
            Err(failure) => format!("the listing failed: {failure:?}"),
        },
        Input::Watched { event, .. } => match event {
            WatchEvent::Seen(view) => format!("seen: {}", pod(view)),
            WatchEvent::Left(view) => format!("out of the watch: {}", pod(view)),
            WatchEvent::Bookmark(revision) => format!("the watch is at revision {revision}"),
            WatchEvent::Undecodable(name) => format!("{name} does not decode"),
            WatchEvent::Ended(end) => watch_end(end),
        },
        Input::Answered { action, outcome } => {
            format!("answer to action {}: {}", action.0, self::outcome(outcome))
        }
    }
}

/// How a watch ended.
pub fn watch_end(end: &WatchEnd) -> String {
    match end {
        WatchEnd::Closed => "the server closed the watch".to_owned(),
        WatchEnd::Expired => "the watch is too far behind: its history is forgotten".to_owned(),
        WatchEnd::Failed(failure) => format!("the watch broke: {failure:?}"),
    }
}

/// What the engine wants.
pub fn desired(change: &DesiredChange) -> String {
    let mut parts = Vec::new();
    let wishes = |groups: &std::collections::BTreeMap<_, evenkeel_core::input::GroupWish>| {
        let all = groups
            .iter()
            .map(|(group, wish): (&evenkeel_core::Group, _)| format!("{group} {}", wish.target));
        some(all, ", ")
    };
    if let Some(whole) = &change.whole {
        parts.push(format!("all that is wanted: {}", wishes(whole)));
    }
    if !change.groups.is_empty() {
        parts.push(format!("now wanted: {}", wishes(&change.groups)));
    }
    if !change.remove.is_empty() {
        let groups = change.remove.iter().map(ToString::to_string);
        parts.push(format!("no longer wanted: {}", some(groups, ", ")));
    }
    if !change.release.is_empty() {
        let all = change.release.iter().map(ToString::to_string);
        parts.push(format!("to be let go: {}", some(all, ", ")));
    }
    if !change.kill.is_empty() {
        let all = change.kill.iter().map(|(id, reason)| match reason {
            KillReason::Asked => id.to_string(),
            KillReason::Unhealthy(why) => format!("{id} (unhealthy: {why})"),
        });
        parts.push(format!("to be killed: {}", some(all, ", ")));
    }
    match change.suspend {
        Some(true) => parts.push("suspended".to_owned()),
        Some(false) if change.whole.is_none() => parts.push("no longer suspended".to_owned()),
        _ => {}
    }
    if let Some(shutdown) = change.shutdown {
        parts.push(format!("shutdown: {shutdown:?}").to_lowercase());
    }
    if change.resume_after_halt {
        parts.push("go on after the halt".to_owned());
    }
    if parts.is_empty() {
        return "the engine wants nothing new".to_owned();
    }
    format!("the engine says: {}", parts.join("; "))
}

/// What the engine reports.
pub fn engine(report: &EngineReport) -> String {
    match report {
        EngineReport::Registered(id) => format!("{id} has registered"),
        EngineReport::Idle { executor, keep } => format!("{executor} is idle (keep {keep})"),
        EngineReport::Busy(id) => format!("{id} has work again"),
        EngineReport::Drained(id) => format!("{id} has drained"),
        EngineReport::Disrupted {
            executor,
            reason,
            deadline,
        } => {
            let mut text = format!("{executor} will soon be lost: {}", cause(reason));
            if let Some(deadline) = deadline {
                let _ = write!(text, ", at {} ms of its process's clock", deadline.0);
            }
            text
        }
        EngineReport::Metric {
            executor,
            name,
            value,
        } => format!("{executor}: {name} is {value}"),
    }
}

/// What became of a wish about the lease.
pub fn lease_news(news: &LeaseNews) -> String {
    match news {
        LeaseNews::Held { incarnation, .. } => {
            format!("the lease is ours: incarnation {incarnation}")
        }
        LeaseNews::Renewed { .. } => "the lease is renewed".to_owned(),
        LeaseNews::HeldByOther => "another one holds the lease".to_owned(),
        LeaseNews::Lost => "the lease was ours, and another one has taken it".to_owned(),
        LeaseNews::Gone => "the lease is given up".to_owned(),
        LeaseNews::Failed(failure) => format!("the lease request failed: {failure:?}"),
    }
}

/// What the answer to an effect was.
pub fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done { revision, .. } => match revision {
            Some(revision) => format!("done, at revision {revision}"),
            None => "done".to_owned(),
        },
        Outcome::Exists(Some(view)) => format!("exists already: {}", pod(view)),
        Outcome::Exists(None) => "exists already, and is not ours".to_owned(),
        Outcome::Absent => "is not there".to_owned(),
        Outcome::Changed => "is not what the precondition says; no effect".to_owned(),
        Outcome::Refused(refusal) => format!("refused: {}", self::refusal(refusal)),
        Outcome::Unclear(failure) => {
            format!("unclear, it may have taken effect: {failure:?}")
        }
    }
}

fn refusal(refusal: &Refusal) -> String {
    match refusal {
        Refusal::NotSent(failure) => format!("it was not sent: {failure:?}"),
        Refusal::TooLate => "too late to begin it".to_owned(),
        Refusal::Throttled { retry_after_ms } => match retry_after_ms {
            Some(wait) => format!("too many requests, wait {wait} ms"),
            None => "too many requests".to_owned(),
        },
        Refusal::Quota(message) => format!("a quota is full: {message}"),
        Refusal::QuotaRace => "a quota was settled twice at once".to_owned(),
        Refusal::NotPermitted(message) => format!("not permitted: {message}"),
        Refusal::Forbidden(message) => format!("forbidden: {message}"),
        Refusal::Invalid(message) => format!("invalid: {message}"),
        Refusal::NamespaceGone => "the namespace is ending or missing".to_owned(),
        Refusal::Unauthorized => "unauthorized".to_owned(),
    }
}

/// A pod as it was seen.
fn pod(view: &PodView) -> String {
    let mut text = format!(
        "{} at revision {}, {:?}",
        view.name, view.revision, view.phase
    );
    if let Some(grace) = view.deleting {
        let _ = write!(text, ", deleting with {grace} s of grace");
    }
    match &view.main {
        Some(ContainerView::Terminated { exit_code, reason }) => {
            let _ = write!(text, ", exit {exit_code} {reason}");
        }
        Some(ContainerView::Waiting(reason)) => {
            let _ = write!(text, ", waits: {reason}");
        }
        Some(ContainerView::Running) | None => {}
    }
    for (what, value) in [
        ("reason", &view.reason),
        ("disruption", &view.disruption),
        ("node", &view.node),
    ] {
        if let Some(value) = value {
            let _ = write!(text, ", {what} {value}");
        }
    }
    if view.labels.executor.is_none() {
        text += ", without our label";
    }
    text
}

/// What went out.
pub fn output(output: &Output) -> String {
    match output {
        Output::Execute { id, action, .. } => format!("action {}: {}", id.0, self::action(action)),
        Output::List { all, claims, .. } => format!(
            "list{}{}",
            if *all { " also those finished" } else { "" },
            if *claims { " with claims" } else { "" }
        ),
        Output::Watch { from, .. } => format!("watch from revision {from}"),
        Output::Close { .. } => "close a listing or watch".to_owned(),
        Output::Lease(wish) => lease_wish(wish).to_owned(),
        Output::Notice(notice) => format!("tell the engine: {}", self::notice(notice)),
        Output::Status(status) => format!("status: {}", self::status(status)),
        Output::Finished => "finished: nothing more will come".to_owned(),
    }
}

/// An effect.
pub fn action(action: &Action) -> String {
    match action {
        Action::Create {
            executor,
            group,
            claims,
            ..
        } => {
            let mut text = format!("create {executor} in {group}");
            if !claims.is_empty() {
                let _ = write!(text, " with {}", claims.join(", "));
            }
            text
        }
        Action::Delete {
            executor,
            uid,
            revision,
        } => {
            let mut text = format!("delete {executor}");
            if uid.is_none() {
                text += ", whatever pod has its name";
            }
            if let Some(revision) = revision {
                let _ = write!(text, ", only at revision {revision}");
            }
            text
        }
        Action::MarkFinished { executor, .. } => format!("label {executor} finished"),
        Action::Resize {
            executor, memory, ..
        } => format!("give {executor} {} MiB of memory", memory >> 20),
        Action::CreateClaim { name, group } => format!("create claim {name} for {group}"),
        Action::DeleteClaim { name } => format!("delete claim {name}"),
    }
}

/// A wish about the lease.
pub fn lease_wish(wish: &LeaseWish) -> &'static str {
    match wish {
        LeaseWish::Take => "take the lease",
        LeaseWish::Renew { memory: None, .. } => "renew the lease",
        LeaseWish::Renew { .. } => "renew the lease, and write down what is new",
        LeaseWish::GiveUp => "give up the lease",
        LeaseWish::Remove => "remove the lease",
    }
}

/// What the engine is told.
pub fn notice(notice: &Notice) -> String {
    match notice {
        Notice::Started {
            executor, adopted, ..
        } => format!(
            "{executor} runs{}",
            if *adopted {
                ", of an earlier incarnation"
            } else {
                ""
            }
        ),
        Notice::Drain { executor, .. } => format!("drain {executor}"),
        Notice::Refuse { executor } => format!("{executor} is not to be used"),
        Notice::Lost {
            executor, cause, ..
        } => format!("{executor} ended: {}", self::cause(cause)),
        Notice::Raised(finding) => format!("wrong: {}", self::finding(finding)),
        Notice::Cleared(finding) => format!("over: {}", self::finding(finding)),
        Notice::Halted => "halted: the failure budget is spent".to_owned(),
        Notice::Backoff { group, until } => match until {
            Some(_) => format!("{group} backs off"),
            None => format!("{group} no longer backs off"),
        },
    }
}

/// Why an executor ended.
pub fn cause(cause: &Cause) -> String {
    let name = cause.name();
    match cause {
        Cause::AppFailed {
            exit_code: Some(code),
        } => format!("{name}, exit {code}"),
        Cause::StartFailed { reason }
        | Cause::CreateRejected { reason }
        | Cause::Unhealthy { reason } => format!("{name}: {reason}"),
        _ => name.to_owned(),
    }
}

/// What was seen of an executor's end.
pub fn evidence(evidence: &Evidence) -> String {
    let mut parts = Vec::new();
    if let Some(phase) = evidence.phase {
        parts.push(format!("phase {phase:?}"));
    }
    if let Some(code) = evidence.exit_code {
        parts.push(format!("exit {code}"));
    }
    for (what, value) in [
        ("reason", &evidence.reason),
        ("disruption", &evidence.disruption),
        ("message", &evidence.message),
    ] {
        if let Some(value) = value {
            parts.push(format!("{what} {value}"));
        }
    }
    parts.join(", ")
}

/// What is not as it should be: as `stuck 1-4`.
pub fn finding(finding: &Finding) -> String {
    let text = match serde_json::to_value(finding) {
        Ok(serde_json::Value::String(name)) => name,
        Ok(serde_json::Value::Object(map)) => {
            let parts = map.iter().map(|(name, value)| match value {
                serde_json::Value::String(value) => format!("{name} {value}"),
                value => format!("{name} {value}"),
            });
            parts.collect::<Vec<_>>().join(" ")
        }
        _ => format!("{finding:?}"),
    };
    text.replace('_', " ")
}

fn status(status: &Status) -> String {
    let groups = status.groups.iter().map(|(name, group)| {
        let unmet = unmet(group);
        let why = if unmet.is_empty() {
            String::new()
        } else {
            format!(" ({unmet})")
        };
        format!("{name} {} of {}{why}", group.counting, group.target)
    });
    let at = if status.at_target { ", at target" } else { "" };
    format!("{}{at}", some(groups, ", "))
}

/// Why a group is not at rest: `ramp 3, quota 1`.
pub fn unmet(group: &GroupStatus) -> String {
    let parts = group.unmet.iter().map(|(why, unfilled)| {
        let name = serde_json::to_value(why).ok();
        let name = name
            .as_ref()
            .and_then(serde_json::Value::as_str)
            .unwrap_or_default();
        format!("{} {}", name.replace('_', " "), unfilled.executors)
    });
    parts.collect::<Vec<_>>().join(", ")
}

/// The first of them, and how many more there are.
fn some(all: impl ExactSizeIterator<Item = String>, between: &str) -> String {
    let count = all.len();
    let mut text = all.take(NAMED).collect::<Vec<_>>().join(between);
    if count > NAMED {
        let _ = write!(text, "{between}and {} more", count - NAMED);
    }
    text
}
