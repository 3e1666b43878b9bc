//! S4: no registered executor is deleted without a reason that the engine, its group or its pod gave; and every delete
//! says which pod it means, so that another one under that name is not hit.

use super::{About, Checker, Fact, Result, Truth, truth::TruePod, violated};
use evenkeel::core::{
    ExecutorId, Input, Output,
    config::{EngineMode, Shrink},
    input::{EngineReport, Outcome},
    output::{Action, Notice, Why},
};

/// The checker.
#[derive(Clone, Debug, Default)]
pub struct S4 {
    /// Who just registered.
    registered: Option<ExecutorId>,
}

impl Checker for S4 {
    fn name(&self) -> &'static str {
        "S4"
    }

    fn about(&self) -> &'static [About] {
        &[About::Said, About::Landed, About::Given, About::Silent]
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
                wanted(truth, *process, *executor, *why)?;
                if undrained(truth, *process, *executor, *why) {
                    return violated(format!("{executor} is deleted while the engine drains it"));
                }
                // Who was asked to drain goes on, though what that was for is over (SHRINK-4).
                let drained = of.is_some_and(|of| of.drained_for == Some(*why));
                let goes_on = drained && *why == Why::Shrink4;
                if !goes_on && !has_reason(truth, *process, *executor, *why) {
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
                wanted(truth, *process, *executor, *why)?;
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
                let runs = pod.is_some_and(TruePod::runs);
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
            Fact::Silent { process, .. } => {
                let Some(executor) = self.registered.take() else {
                    return Ok(());
                };
                let of = truth.known(*process, executor);
                let condemned = of.is_some_and(|of| {
                    // Who registers and is drained at once, within no time, is told that instead.
                    let told = of.refused || of.draining == Some(truth.now);
                    of.condemned && !of.bound && !of.gone && !told
                });
                if condemned && truth.config.engine == EngineMode::Registering {
                    return violated(format!(
                        "{executor} is to be deleted, registers, and is not refused"
                    ));
                }
                Ok(())
            }
            Fact::Given {
                input: Input::Engine(EngineReport::Registered(executor)),
                process,
                ..
            } => {
                let first = truth
                    .known(*process, *executor)
                    .is_none_or(|of| !of.registered);
                self.registered = first.then_some(*executor);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// A lowered target lets nobody go that is still wanted.
fn wanted(truth: &Truth, process: u32, executor: ExecutorId, why: Why) -> Result {
    let Some(known) = truth.processes.get(&process) else {
        return Ok(());
    };
    let Some(of) = known.executors.get(&executor) else {
        return Ok(());
    };
    if !matches!(why, Why::Shrink1 | Why::Shrink2) || of.is_leaving() {
        return Ok(());
    }
    let target = known.groups.get(&of.group).map_or(0, |wish| wish.target);
    let itself = u64::from(of.may_stay());
    let left = known.believed(&of.group).saturating_sub(itself);
    if left >= target || known.suspended || known.shutdown.is_some() {
        return Ok(());
    }
    // A stranger's that was taken in, and refused before that, counts for the controller all the same.
    let strangers = known.executors.keys().any(|id| !truth.ids.contains_key(id));
    if !strangers {
        return violated(format!(
            "{executor} is let go by {}, which leaves {left} of {target} wanted in group {}",
            why.rule(),
            of.group
        ));
    }
    Ok(())
}

/// Whether the engine was asked to drain it, and still does, within the time that it has for that.
fn undrained(truth: &Truth, process: u32, executor: ExecutorId, why: Why) -> bool {
    let Some(of) = truth.known(process, executor) else {
        return false;
    };
    let drains = matches!(
        why,
        Why::Shrink2 | Why::Shrink4 | Why::Roll | Why::Live4 | Why::Spot
    );
    let over = truth.config.shrinking.drain_timeout;
    let waits = of
        .draining
        .is_some_and(|asked| truth.now < asked.after(over));
    let asked_for = of.let_go || truth.processes[&process].shutdown.is_some();
    drains && waits && !of.drained && !of.disrupted && !asked_for && of.end.is_none()
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
            of.let_go || of.lost.is_some() || of.condemned || idle || no_engine
        }
        Why::Shrink4 => {
            // A delete that was refused is repeated, though it is over by now.
            let goes = of.condemned && !of.bound;
            goes || of.drained_unwanted
                || known.suspended
                || known.given_up.contains(&of.group)
                || (known.spoke && !known.groups.contains_key(&of.group))
        }
        Why::Spot => of.disrupted,
        Why::Live4 => known.shutdown.is_some(),
        Why::End2 => of.end.is_some() || of.gone || of.lost.is_some(),
        Why::End1 => of.end.is_some() || of.gone,
        Why::Roll | Why::See3 | Why::Grow1 | Why::Claim | Why::Size => true,
    }
}
