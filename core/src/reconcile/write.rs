//! Deletes, marks and resizes that are due on single executors and strays.

use super::{Gate, Wake};
use crate::{
    config::Config,
    output::{Action, Why},
    plan::{Decision, Plan, WakeReason},
    snapshot::{
        Snapshot,
        record::{Executor, Fate, Sort},
    },
    words::ExecutorId,
};
use im::OrdSet;

/// What is due on those executors: on any that has not ended, or on those that have.
pub(super) fn decide(
    snapshot: &Snapshot,
    config: &Config,
    gate: &Gate,
    ids: &OrdSet<ExecutorId>,
    slots: &mut u32,
    wake: &mut Wake,
    plan: &mut Plan,
) {
    if ids.is_empty() || !gate.decides() {
        return;
    }
    if let Some(hold) = gate.held {
        wake.at(hold.until, WakeReason::Ramp);
        return;
    }
    for id in ids {
        if *slots == 0 {
            break;
        }
        if let Some(executor) = snapshot.executors.get(id)
            && let Some(decision) = due(config, gate, *id, executor)
        {
            if decision.why == Why::Grow6 && planted!(config, PodLeftBehind) {
                plan.withdrawn.push(*id);
                continue;
            }
            *slots -= 1;
            plan.decisions.push(decision);
        }
    }
}

fn due(config: &Config, gate: &Gate, id: ExecutorId, executor: &Executor) -> Option<Decision> {
    let sort = executor.write_due(config, gate.now)?;
    let by_name = sort == Sort::Delete && planted!(config, DeletedByName);
    let uid = executor.uid().filter(|_| !by_name).cloned();
    Some(match (sort, &executor.fate, uid) {
        (Sort::Resize, _, Some(uid)) => Decision {
            action: Action::Resize {
                executor: id,
                group: executor.group.clone(),
                uid,
                memory: executor.resize_due(config)?,
            },
            why: Why::Size,
        },
        // GROW-6: only as it was seen; one that has got on since is let live.
        (_, Fate::Wanted, uid) => Decision {
            action: Action::Delete {
                executor: id,
                uid,
                revision: executor.seen().map(|seen| seen.revision),
            },
            why: Why::Grow6,
        },
        (Sort::Mark, _, Some(uid)) => Decision {
            action: Action::MarkFinished { executor: id, uid },
            why: Why::End2,
        },
        (
            _,
            Fate::Condemned {
                why, precondition, ..
            },
            uid,
        ) => Decision {
            action: Action::Delete {
                executor: id,
                uid,
                revision: *precondition,
            },
            why: *why,
        },
        (_, _, uid) => Decision {
            action: Action::Delete {
                executor: id,
                uid,
                revision: None,
            },
            why: Why::End2,
        },
    })
}

/// SEE-3, SEE-4, LIVE-4: by UID.
pub(super) fn strays(
    snapshot: &Snapshot,
    config: &Config,
    gate: &Gate,
    slots: &mut u32,
    wake: &mut Wake,
    plan: &mut Plan,
) {
    if let Some(at) = snapshot.stray_again_next() {
        wake.at(at, WakeReason::Retry);
    }
    if !gate.decides() {
        return;
    }
    let again = snapshot.index.stray_again.iter();
    let again = again.take_while(|(at, _)| *at <= gate.now);
    let due = snapshot.index.stray_write.iter();
    for id in due.chain(again.map(|(_, id)| id)) {
        if *slots == 0 {
            return;
        }
        let Some(stray) = snapshot.strays.get(id) else {
            continue;
        };
        if let Some(until) = snapshot.open_until(config, *id) {
            wake.at(until, WakeReason::Relist);
            continue;
        }
        if let Some(hold) = gate.held {
            wake.at(hold.until, WakeReason::Ramp);
            return;
        }
        *slots -= 1;
        let action = Action::Delete {
            executor: *id,
            uid: Some(stray.uid.clone()),
            revision: None,
        };
        plan.decisions.push(Decision {
            action,
            why: Why::See3,
        });
    }
}
