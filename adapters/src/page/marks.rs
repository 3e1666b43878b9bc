//! Which marks a step makes.

use super::{model::Kind, words};
use evenkeel_core::{
    ExecutorId, Input, Output,
    flight::Step,
    input::{DesiredChange, EngineReport, LeaseNews, Outcome, WatchEnd, WatchEvent},
    output::{Action, Notice},
};

/// A mark of a step.
pub struct Found {
    pub kind: Kind,
    pub executor: Option<ExecutorId>,
    pub rule: Option<&'static str>,
    pub says: String,
}

impl Found {
    fn new(kind: Kind, executor: Option<ExecutorId>, says: String) -> Self {
        Self {
            kind,
            executor,
            rule: None,
            says,
        }
    }
}

/// The effect that an answer is of.
pub struct Answered<'a> {
    pub executor: Option<ExecutorId>,
    pub what: &'a str,
    pub rule: Option<&'static str>,
}

/// All marks of a step: of its input, then of its outputs. What only shows in the executors' states has none.
pub fn of(step: &Step, answered: Option<&Answered<'_>>) -> Vec<Found> {
    let mut found = input(&step.input, answered);
    found.extend(step.outputs.iter().filter_map(output));
    found
}

fn input(input: &Input, answered: Option<&Answered<'_>>) -> Vec<Found> {
    let one = |kind, says| vec![Found::new(kind, None, says)];
    match input {
        Input::Desired(change) => wishes(change),
        Input::Engine(report) => match report {
            EngineReport::Drained(id) | EngineReport::Disrupted { executor: id, .. } => {
                vec![Found::new(Kind::Report, Some(*id), words::engine(report))]
            }
            // These show in the states, or come too often to be marks.
            EngineReport::Registered(_)
            | EngineReport::Idle { .. }
            | EngineReport::Busy(_)
            | EngineReport::Metric { .. } => Vec::new(),
        },
        Input::Lease(news) => match news {
            LeaseNews::Held { .. } | LeaseNews::Lost | LeaseNews::Gone => {
                one(Kind::Lease, words::lease_news(news))
            }
            LeaseNews::Failed(_) => one(Kind::Trouble, words::lease_news(news)),
            LeaseNews::Renewed { .. } | LeaseNews::HeldByOther => Vec::new(),
        },
        Input::Listed {
            outcome: Err(failure),
            ..
        } => one(Kind::Trouble, format!("the listing failed: {failure:?}")),
        Input::Watched {
            event: WatchEvent::Ended(end @ (WatchEnd::Expired | WatchEnd::Failed(_))),
            ..
        } => one(Kind::Trouble, words::watch_end(end)),
        Input::Answered { action, outcome } if !matches!(outcome, Outcome::Done { .. }) => {
            let outcome = words::outcome(outcome);
            let (executor, rule, says) = match answered {
                Some(to) => (to.executor, to.rule, format!("{}: {outcome}", to.what)),
                None => (None, None, format!("action {}: {outcome}", action.0)),
            };
            vec![Found {
                kind: Kind::Answer,
                executor,
                rule,
                says,
            }]
        }
        Input::Wake
        | Input::Relist
        | Input::Listed { .. }
        | Input::Watched { .. }
        | Input::Answered { .. } => Vec::new(),
    }
}

/// What is wanted is the fleet's; who is to go is each executor's.
fn wishes(change: &DesiredChange) -> Vec<Found> {
    let mut all = vec![Found::new(Kind::Wish, None, words::desired(change))];
    let gone = change.release.iter().map(|id| (id, "let go"));
    let gone = gone.chain(change.kill.keys().map(|id| (id, "killed")));
    all.extend(gone.map(|(id, how)| {
        Found::new(
            Kind::Wish,
            Some(*id),
            format!("the engine wants {id} {how}"),
        )
    }));
    all
}

fn output(output: &Output) -> Option<Found> {
    match output {
        Output::Execute { action, why, .. } => {
            let (kind, executor) = match action {
                Action::Create { executor, .. } => (Kind::Create, Some(*executor)),
                Action::Delete { executor, .. } => (Kind::Delete, Some(*executor)),
                Action::MarkFinished { executor, .. } => (Kind::Finish, Some(*executor)),
                Action::Resize { executor, .. } => (Kind::Resize, Some(*executor)),
                Action::CreateClaim { .. } | Action::DeleteClaim { .. } => (Kind::Claim, None),
            };
            Some(Found {
                kind,
                executor,
                rule: Some(why.rule()),
                says: words::action(action),
            })
        }
        Output::Notice(notice) => {
            let (kind, executor) = match notice {
                // It shows in the state.
                Notice::Started { .. } => return None,
                Notice::Lost { executor, .. } => (Kind::End, Some(*executor)),
                Notice::Drain { executor, .. } | Notice::Refuse { executor } => {
                    (Kind::Notice, Some(*executor))
                }
                Notice::Raised(_)
                | Notice::Cleared(_)
                | Notice::Halted
                | Notice::Backoff { .. } => (Kind::Notice, None),
            };
            Some(Found {
                kind,
                executor,
                rule: rule(output),
                says: words::notice(notice),
            })
        }
        Output::List { .. }
        | Output::Watch { .. }
        | Output::Close { .. }
        | Output::Lease(_)
        | Output::Status(_)
        | Output::Finished => None,
    }
}

/// The rule behind an output.
pub fn rule(output: &Output) -> Option<&'static str> {
    match output {
        Output::Execute { why, .. } | Output::Notice(Notice::Drain { why, .. }) => Some(why.rule()),
        Output::Notice(Notice::Refuse { .. }) => Some("SHRINK-3"),
        Output::Notice(Notice::Lost { .. }) => Some("END-1"),
        Output::Notice(Notice::Halted) => Some("FAIL-1"),
        Output::Notice(Notice::Backoff { .. }) => Some("FAIL-2"),
        _ => None,
    }
}
