//! What happens, in plain words: one line each.

use evenkeel::core::{
    Span, Status,
    input::{Failure, Outcome, Refusal},
    output::{Action, Cause, Notice, Why},
    plan::{Class, Finding, GroupStatus, Unfilled, Unmet},
};
use std::collections::BTreeMap;

/// A notice.
pub fn notice(notice: &Notice) -> String {
    match notice {
        Notice::Started {
            executor,
            group,
            node,
            adopted,
            ..
        } => {
            let how = if *adopted { "adopted" } else { "started" };
            let on = node
                .as_ref()
                .map_or(String::new(), |node| format!(" on {node}"));
            format!("{how} {executor} ({group}){on}")
        }
        Notice::Drain { executor, why, .. } => format!("draining {executor}: {}", rule(*why)),
        Notice::Refuse { executor } => format!("refused {executor}"),
        Notice::Lost {
            executor,
            cause,
            evidence,
        } => {
            let said = evidence
                .message
                .as_deref()
                .map(|text| format!(": {}", short(text)));
            format!(
                "lost {executor}: {}{}",
                self::cause(cause),
                said.unwrap_or_default()
            )
        }
        Notice::Raised(found) => format!("finding: {}", finding(found)),
        Notice::Cleared(found) => format!("over: {}", finding(found)),
        Notice::Backoff { group, until } => match until {
            Some(at) => format!("group {group} backs off, next try at {}", span(Span(at.0))),
            None => format!("group {group} backs off no more"),
        },
        Notice::Halted => "halted: the failure budget is spent, nothing more is created".to_owned(),
    }
}

/// The cause of a loss.
pub fn cause(cause: &Cause) -> String {
    match cause {
        Cause::AppFailed {
            exit_code: Some(code),
        } => format!("app_failed, exit code {code}"),
        Cause::StartFailed { reason }
        | Cause::CreateRejected { reason }
        | Cause::Unhealthy { reason } => format!("{}, {reason}", cause.name()),
        other => other.name().to_owned(),
    }
}

/// An effect as it is sent.
pub fn action(action: &Action) -> String {
    match action {
        Action::Create {
            executor, group, ..
        } => format!("create {executor} ({group})"),
        Action::Delete { executor, .. } => format!("delete {executor}"),
        Action::Resize {
            executor, memory, ..
        } => format!("give {executor} {memory} bytes of memory"),
        Action::CreateClaim { name, .. } => format!("create claim {name}"),
        Action::DeleteClaim { name } => format!("delete claim {name}"),
        Action::MarkFinished { executor, .. } => format!("label {executor} as finished"),
    }
}

/// An answer that is not plain success; None for those that are.
pub fn trouble(outcome: &Outcome) -> Option<String> {
    Some(match outcome {
        Outcome::Done { .. } | Outcome::Absent => return None,
        Outcome::Exists(_) => "the name is taken".to_owned(),
        Outcome::Changed => "it has changed meanwhile".to_owned(),
        Outcome::Refused(refusal) => format!("refused: {}", self::refusal(refusal)),
        Outcome::Unclear(why) => format!("no clear answer: {}", failure(why)),
    })
}

fn refusal(refusal: &Refusal) -> String {
    match refusal {
        Refusal::NotSent(why) => format!("not sent, {}", failure(why)),
        Refusal::TooLate => "the lease had run out".to_owned(),
        Refusal::Throttled {
            retry_after_ms: Some(millis),
        } => format!("throttled for {}", span(Span(*millis))),
        Refusal::Throttled { .. } => "throttled".to_owned(),
        Refusal::Quota(text)
        | Refusal::NotPermitted(text)
        | Refusal::Forbidden(text)
        | Refusal::Invalid(text) => short(text),
        Refusal::QuotaRace => "two servers settled a quota at once".to_owned(),
        Refusal::NamespaceGone => "the namespace is ending or missing".to_owned(),
        Refusal::Unauthorized => "the credentials are no longer good".to_owned(),
    }
}

fn failure(failure: &Failure) -> String {
    match failure {
        Failure::Unreachable => "the server can't be reached".to_owned(),
        Failure::TimedOut => "no answer in time".to_owned(),
        Failure::Server(code) => format!("the server answered {code}"),
        Failure::Forbidden => "forbidden".to_owned(),
        Failure::Unauthorized => "the credentials are no longer good".to_owned(),
        Failure::Throttled => "throttled".to_owned(),
        Failure::Undecodable => "the answer made no sense".to_owned(),
        Failure::RevisionTooNew => "the server is behind".to_owned(),
        Failure::Expired => "too old to be continued".to_owned(),
    }
}

/// A finding.
pub fn finding(finding: &Finding) -> String {
    match finding {
        Finding::MalformedPod(name) => format!("pod {name} has our labels, and nonsense in them"),
        Finding::GhostPod(name) => format!("pod {name} is a late copy of an executor that ended"),
        Finding::StrayedPod(name) => format!("pod {name} lost our label"),
        Finding::UnknownGroup(group) => {
            format!("there are executors of {group}, which is no group here")
        }
        Finding::UnknownExecutor(id) => format!("{id} was never issued"),
        Finding::NameTaken(name) => format!("the name {name} is taken by a stranger's pod"),
        Finding::IllegalState(name) => format!("pod {name} came back from its end"),
        Finding::TargetTooLarge(group) => {
            format!("the target of {group} is beyond what ids can number")
        }
        Finding::Stuck(id) => format!("{id} is stuck"),
        Finding::SuspiciousLoss => "too many executors are missing at once".to_owned(),
        Finding::RevisionWentBack => "the cluster has gone back to an older state".to_owned(),
        Finding::Undecodable(name) => format!("{name} can't be decoded"),
        Finding::Refused { verb, why } => format!("{verb} is refused: {}", failure(why)),
        Finding::StrayAnswer => "an answer came to an effect that has none open".to_owned(),
        Finding::Superseded => "a later incarnation acts for this fleet".to_owned(),
    }
}

fn rule(why: Why) -> &'static str {
    match why {
        Why::Grow1 => "a shortfall",
        Why::Shrink1 => "an excess",
        Why::Shrink2 => "the engine asked",
        Why::Shrink4 => "its group is gone, or the fleet is suspended",
        Why::End1 => "its pod is terminating",
        Why::End2 => "its pod has finished",
        Why::Live4 => "the fleet shuts down",
        Why::See3 => "a ghost or a stray",
        Why::Grow6 => "it did not start in time",
        Why::Roll => "it is replaced by a newer one",
        Why::Claim => "a claim is needed, or no longer",
        Why::Size => "it needs more memory",
        Why::Spot => "it will soon be lost",
    }
}

/// Why executors are short.
pub fn unmet(unmet: Unmet) -> &'static str {
    match unmet {
        Unmet::NoDesired => "nothing asked for yet",
        Unmet::NoLease => "waiting for the lease",
        Unmet::NotSynced => "waiting for the first listing",
        Unmet::Suspended => "suspended",
        Unmet::Halted => "halted",
        Unmet::NamespaceGone => "no namespace",
        Unmet::BackingOff => "backing off",
        Unmet::Quota => "quota full",
        Unmet::NotPermitted => "not permitted to create",
        Unmet::Throttled => "throttled",
        Unmet::Unreachable => "server unreachable",
        Unmet::Ramp => "ramping up",
        Unmet::PendingCap => "group's max_pending",
        Unmet::FleetPendingCap => "fleet's max_pending",
        Unmet::MaxExecutors => "max_executors",
        Unmet::WaitingForTermination => "waiting for terminations",
        Unmet::WaitingForClaim => "waiting for claims",
        Unmet::WaitingForAnswer => "being created",
        Unmet::WaitingForSchedule => "waiting for a node",
        Unmet::Starting => "starting",
        Unmet::WaitingForRegistration => "not yet well",
        Unmet::Excess => "too many",
    }
}

/// Why a group is not at rest, at `now`, and what of it is being replaced; empty where it is at rest.
pub fn why(group: &GroupStatus, now: Span) -> String {
    let one = |(reason, unfilled): (&Unmet, &Unfilled)| {
        let until = unfilled.until.map(|until| until.0.saturating_sub(now.0));
        let until = until.filter(|left| *left >= 1000);
        let left = until.map_or(String::new(), |left| {
            format!(" ({})", span(Span(left / 1000 * 1000)))
        });
        match unfilled.executors {
            0 => format!("{}{left}", unmet(*reason)),
            n => format!("{n} {}{left}", unmet(*reason)),
        }
    };
    let mut parts: Vec<_> = group.unmet.iter().map(one).collect();
    if group.rolling > 0 {
        parts.push(format!("{} being replaced", group.rolling));
    }
    if group.outdated > 0 {
        parts.push(format!("{} of an older template", group.outdated));
    }
    parts.join(", ")
}

/// How many executors of a group run, and how many are on the way there.
pub fn running_and_pending(group: &GroupStatus) -> (u64, u64) {
    let count = |class| group.by_class.get(&class).copied().unwrap_or(0);
    let pending = [Class::Requested, Class::Created, Class::Pending].map(count);
    (count(Class::Running), pending.iter().sum())
}

/// The whole status in one line.
pub fn status(status: &Status, now: Span) -> String {
    let group = |(name, group): (&std::sync::Arc<str>, &GroupStatus)| {
        let (running, _) = running_and_pending(group);
        let why = why(group, now);
        let why = if why.is_empty() {
            why
        } else {
            format!(" ({why})")
        };
        format!("{name} {running}/{}{why}", group.target)
    };
    let groups: Vec<_> = status.groups.iter().map(group).collect();
    let lead = if status.at_target { "at target: " } else { "" };
    format!("{lead}{}", groups.join(", "))
}

/// A length of time, as people say it.
pub fn span(span: Span) -> String {
    let seconds = span.0 / 1000;
    match seconds {
        0 => format!("{}ms", span.0),
        1..60 => format!("{}.{}s", seconds, span.0 % 1000 / 100).replace(".0s", "s"),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

/// Numbers by name, largest names first in order of name.
pub fn counts<K: AsRef<str>>(numbers: &BTreeMap<K, u64>) -> String {
    let all: Vec<_> = numbers
        .iter()
        .map(|(name, number)| format!("{number} {}", name.as_ref()))
        .collect();
    all.join(", ")
}

/// The start of a server's message: one line that fits.
fn short(text: &str) -> String {
    const MOST: usize = 160;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MOST) {
        None => line,
        Some((end, _)) => format!("{}…", &line[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use evenkeel::core::{ExecutorId, Time, output::Evidence};
    use std::sync::Arc;

    #[test]
    fn notices_are_told_in_plain_words() {
        let executor = ExecutorId::new(1, 7);
        let lost = |cause, message: Option<&str>| {
            let message = message.map(Into::into);
            let evidence = Arc::new(Evidence {
                message,
                ..Evidence::default()
            });
            notice(&Notice::Lost {
                executor,
                cause,
                evidence,
            })
        };
        assert_eq!(lost(Cause::OomKilled, None), "lost 1-7: oom_killed");
        assert_eq!(
            lost(Cause::AppFailed { exit_code: Some(3) }, Some("no\nmemory")),
            "lost 1-7: app_failed, exit code 3: no memory"
        );
        let started = Notice::Started {
            executor,
            group: "small".into(),
            node: Some("node-3".into()),
            ip: None,
            adopted: false,
        };
        assert_eq!(notice(&started), "started 1-7 (small) on node-3");
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let line = short(&"ä".repeat(500));
        assert_eq!(line.chars().count(), 161);
    }

    #[test]
    fn why_says_how_many_and_until_when() {
        let unfilled = |executors, until: Option<u64>| Unfilled {
            executors,
            until: until.map(Time),
        };
        let unmet = BTreeMap::from([
            (Unmet::BackingOff, unfilled(2, Some(42_500))),
            (Unmet::Starting, unfilled(3, None)),
        ]);
        let mut group = GroupStatus {
            unmet,
            ..GroupStatus::default()
        };
        assert_eq!(
            why(&group, Span::seconds(12)),
            "2 backing off (30s), 3 starting"
        );
        (group.rolling, group.outdated) = (1, 4);
        assert_eq!(
            why(&group, Span::seconds(12)),
            "2 backing off (30s), 3 starting, 1 being replaced, 4 of an older template"
        );
        assert_eq!(why(&GroupStatus::default(), Span(0)), "");
    }

    #[test]
    fn spans_are_short() {
        let told = [500, 1000, 12_340, 90_000, 7_260_000].map(|millis| span(Span(millis)));
        assert_eq!(told, ["500ms", "1s", "12.3s", "1m30s", "2h01m"]);
    }
}
