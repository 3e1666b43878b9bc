//! What a run comes to.

use crate::drive::Event;
use evenkeel::core::{
    ActionId, Span, Status,
    input::Outcome,
    output::{Action, Notice},
    plan::Finding,
};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Counts while a fleet runs.
#[derive(Debug, Default)]
pub struct Tally {
    /// When the fleet was first at its target.
    pub at_target_after: Option<Span>,
    /// Whether it is now.
    pub at_target: bool,
    /// Whether its failure budget is spent.
    pub halted: bool,
    open: BTreeMap<ActionId, Kind>,
    created: u64,
    deleted: u64,
    lost: BTreeMap<&'static str, u64>,
    findings: BTreeSet<Finding>,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Create,
    Delete,
    Other,
}

impl Tally {
    /// Counts what happened.
    pub fn event(&mut self, event: &Event) {
        match event {
            Event::Action { id, action } => {
                let kind = match action {
                    Action::Create { .. } => Kind::Create,
                    Action::Delete { .. } => Kind::Delete,
                    _ => Kind::Other,
                };
                self.open.insert(*id, kind);
            }
            Event::Answer { id, outcome } => {
                let done = matches!(outcome, Outcome::Done { .. });
                match self.open.remove(id) {
                    Some(Kind::Create) if done => self.created += 1,
                    Some(Kind::Delete) if done => self.deleted += 1,
                    _ => {}
                }
            }
            Event::Notice(Notice::Lost { cause, .. }) => {
                *self.lost.entry(cause.name()).or_default() += 1;
            }
            Event::Notice(Notice::Raised(finding)) => {
                self.findings.insert(finding.clone());
            }
            Event::Notice(Notice::Halted) => self.halted = true,
            Event::Notice(_) | Event::Trouble(_) => {}
        }
    }

    /// Takes the newest status in, at `now`.
    pub fn status(&mut self, status: &Status, now: Span) {
        self.at_target = status.at_target;
        if status.at_target {
            self.at_target_after.get_or_insert(now);
        }
    }

    /// What it all came to. `at_target` is that of the moment when the run was ended, before its shutdown.
    pub fn summary(&self, at_target: bool, calls: BTreeMap<&'static str, u64>) -> Summary {
        Summary {
            kind: "summary",
            at_target,
            seconds_to_target: self.at_target_after.map(seconds),
            created: self.created,
            deleted: self.deleted,
            lost: self.lost.clone(),
            api_calls: calls,
            findings: self.findings.iter().cloned().collect(),
        }
    }
}

/// A span in seconds, as JSON has it.
#[allow(
    clippy::cast_precision_loss,
    reason = "milliseconds of a run are far below 2^52"
)]
pub fn seconds(span: Span) -> f64 {
    span.0 as f64 / 1000.0
}

/// What a run came to: the last line of `--format json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    #[serde(rename = "type")]
    kind: &'static str,
    /// Whether the fleet was at its target when the run was ended.
    pub at_target: bool,
    /// How long it took to get there first; None: it never did.
    pub seconds_to_target: Option<f64>,
    /// Creates that were answered done.
    pub created: u64,
    /// Deletes that were answered done.
    pub deleted: u64,
    /// Executors lost, by cause.
    pub lost: BTreeMap<&'static str, u64>,
    /// Requests sent, by verb.
    pub api_calls: BTreeMap<&'static str, u64>,
    /// All that was ever found.
    pub findings: Vec<Finding>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use evenkeel::core::{
        ExecutorId,
        input::Failure,
        output::{Cause, Evidence},
    };
    use std::sync::Arc;

    #[test]
    fn only_answers_done_count() {
        let mut tally = Tally::default();
        let executor = ExecutorId::new(1, 1);
        let create = |id| Event::Action {
            id: ActionId(id),
            action: Action::Create {
                executor,
                group: "a".into(),
                template: 1,
                claims: Vec::new(),
            },
        };
        let delete = |id| Event::Action {
            id: ActionId(id),
            action: Action::Delete {
                executor,
                uid: None,
                revision: None,
            },
        };
        let done = || Outcome::Done {
            revision: None,
            uid: None,
        };
        let unclear = || Outcome::Unclear(Failure::TimedOut);
        let lost = Notice::Lost {
            executor,
            cause: Cause::OomKilled,
            evidence: Arc::new(Evidence::default()),
        };
        for event in [
            create(1),
            create(2),
            delete(3),
            Event::Answer {
                id: ActionId(1),
                outcome: done(),
            },
            Event::Answer {
                id: ActionId(2),
                outcome: unclear(),
            },
            Event::Answer {
                id: ActionId(3),
                outcome: done(),
            },
            Event::Answer {
                id: ActionId(3),
                outcome: done(),
            },
            Event::Notice(lost),
            Event::Notice(Notice::Raised(Finding::SuspiciousLoss)),
        ] {
            tally.event(&event);
        }
        let at_target = Status {
            at_target: true,
            ..Status::default()
        };
        tally.status(&at_target, Span(12_340));
        tally.status(&Status::default(), Span(13_000));
        tally.status(&at_target, Span(14_000));
        let summary = tally.summary(true, BTreeMap::from([("create", 2)]));
        assert_eq!(
            serde_json::to_string(&summary).expect("JSON"),
            r#"{"type":"summary","at_target":true,"seconds_to_target":12.34,"created":1,"deleted":1,"lost":{"oom_killed":1},"api_calls":{"create":2},"findings":["suspicious_loss"]}"#
        );
    }
}
