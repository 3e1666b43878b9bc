//! S4: no registered executor is deleted without a reason that the engine, its group or its pod gave; and every delete
//! says which pod it means, so that another one under that name is not hit.

use super::{About, Checker, Fact, Result, Truth, violated};
use evenkeel::core::{
    ExecutorId, Output,
    config::{EngineMode, Shrink},
    input::{Outcome, Phase},
    output::{Action, Notice, Why},
};

/// The checker.
#[derive(Clone, Debug, Default)]
pub struct S4;

impl Checker for S4 {
    fn name(&self) -> &'static str {
        "S4"
    }

    fn about(&self) -> &'static [About] {
        &[About::Said, About::Landed]
    }

    fn look(&mut self, fact: &Fact<'_>, truth: &Truth) -> Result {
        match fact {
            Fact::Said {
                process,
                output:
                    Output::Execute {
                        action: Action::Delete { executor, uid, .. },
                        why,
                        ..
                    },
                ..
            } => {
                let of = truth.known(*process, *executor);
                if uid.is_none() && of.is_some_and(|of| of.uid.is_some()) {
                    return violated(format!(
                        "{executor} is deleted by name, though its UID is known"
                    ));
                }
                if !has_reason(truth, *process, *executor, *why) {
                    return violated(format!(
                        "{executor} is deleted by {}, and nothing that was told gives it reason to",
                        why.rule()
                    ));
                }
                Ok(())
            }
            Fact::Said {
                process,
                output: Output::Notice(Notice::Drain { executor, why, .. }),
                ..
            } => {
                if !has_reason(truth, *process, *executor, *why) {
                    return violated(format!(
                        "{executor} is drained by {}, and nothing that was told gives it reason to",
                        why.rule()
                    ));
                }
                Ok(())
            }
            Fact::Landed {
                process,
                action: Action::Delete { executor, .. },
                why,
                outcome: Outcome::Done { .. },
                ..
            } => {
                let pod = truth.pods.get(&executor.pod_name(&truth.fleet));
                let runs = pod.is_some_and(|pod| {
                    pod.view.phase == Phase::Running && pod.view.deleting.is_none() && !pod.finished
                });
                // With no engine a lowered target takes running ones too.
                let refused = truth
                    .known(*process, *executor)
                    .is_none_or(|of| of.refused || of.withdrawn);
                let may = truth.config.engine == EngineMode::None || refused;
                if runs && *why == Why::Shrink1 && !may {
                    return violated(format!(
                        "{executor} runs, and is deleted as one that does not"
                    ));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// Whether what that controller was told gives reason to let the executor go by that rule.
fn has_reason(truth: &Truth, process: u32, executor: ExecutorId, why: Why) -> bool {
    let Some(known) = truth.processes.get(&process) else {
        return true;
    };
    let Some(of) = known.executors.get(&executor) else {
        return true;
    };
    let config = &truth.config;
    let group = config.group(&of.group);
    let no_engine = config.engine == EngineMode::None;
    // One that was refused is of no use to the engine.
    let serves = of.registered && !of.refused && !no_engine;
    match why {
        Why::Shrink1 => no_engine || !serves,
        Why::Grow6 => !serves || of.lost.is_some() || of.end.is_some(),
        Why::Shrink2 => {
            let idle = matches!(group.shrink, Shrink::Idle { .. });
            of.let_go || of.lost.is_some() || of.condemned.is_some() || idle || no_engine
        }
        Why::Shrink4 => {
            known.suspended
                || known.given_up.contains(&of.group)
                || !known.groups.contains_key(&of.group)
        }
        Why::Spot => of.disrupted,
        Why::Live4 => known.shutdown.is_some(),
        Why::End2 => of.end.is_some() || of.gone || of.lost.is_some(),
        Why::End1 => of.end.is_some() || of.gone,
        Why::Roll | Why::See3 | Why::Grow1 | Why::Claim | Why::Size => true,
    }
}
