//! What the engine is told: ends, refusals, drains, starts, and what is not as it should be.

use super::Gate;
use crate::{
    config::Config,
    output::{Cause, Notice, Why},
    plan::Plan,
    snapshot::{Snapshot, record::Fate},
    words::{Span, Time},
};
use std::sync::Arc;

pub(super) fn notices(snapshot: &Snapshot, config: &Config, gate: &Gate, plan: &mut Plan) {
    let mut started = Vec::new();
    let mut lost: Vec<Notice> = snapshot
        .missing
        .iter()
        .map(|id| Notice::Lost {
            executor: *id,
            cause: Cause::Missing,
            evidence: Arc::default(),
        })
        .collect();
    for id in &snapshot.index.tell {
        let Some(executor) = snapshot.executors.get(id) else {
            continue;
        };
        match (&executor.fate, &executor.verdict) {
            (Fate::Ended { .. }, Some(verdict)) => lost.push(Notice::Lost {
                executor: *id,
                cause: verdict.cause.clone(),
                evidence: verdict.evidence.clone(),
            }),
            _ => {
                let notes = executor.notes.as_deref();
                started.push(Notice::Started {
                    executor: *id,
                    group: executor.group.clone(),
                    node: notes.and_then(|notes| notes.node.clone()),
                    ip: notes.and_then(|notes| notes.ip.clone()),
                    adopted: executor.adopted,
                });
            }
        }
    }
    plan.notices.append(&mut lost);
    let refused = snapshot
        .refused
        .iter()
        .map(|id| Notice::Refuse { executor: *id });
    plan.notices.extend(refused);
    drains(snapshot, config, gate, plan);
    plan.notices.append(&mut started);
    if !snapshot.findings.ptr_eq(&snapshot.told_findings) {
        let (now, told) = (&snapshot.findings, &snapshot.told_findings);
        let raised = now
            .iter()
            .filter(|finding| !told.contains(*finding))
            .cloned();
        plan.notices.extend(raised.map(Notice::Raised));
        let cleared = told
            .iter()
            .filter(|finding| !now.contains(*finding))
            .cloned();
        plan.notices.extend(cleared.map(Notice::Cleared));
    }
    if snapshot.budget.halted && !snapshot.budget.halted_told {
        plan.notices.push(Notice::Halted);
    }
}

fn drains(snapshot: &Snapshot, config: &Config, gate: &Gate, plan: &mut Plan) {
    for id in &snapshot.index.drain {
        let Some(executor) = snapshot.executors.get(id) else {
            continue;
        };
        let Fate::Draining { why, until, .. } = &executor.fate else {
            continue;
        };
        let span = match (*why, executor.seen().and_then(|seen| seen.deleting)) {
            // That is how it is, whoever holds the lease.
            (Why::End1, grace) => Span::seconds(u64::from(grace.unwrap_or(0))),
            _ if gate.decides() => config.shrinking.drain_timeout,
            _ => continue,
        };
        // SPOT: it may be lost sooner.
        let deadline: Time = gate.now.after(span).min(until.unwrap_or(Time::NEVER));
        plan.notices.push(Notice::Drain {
            executor: *id,
            why: *why,
            deadline,
        });
    }
}

/// FAIL-2: when the next probe of each group is due, and that a backoff is over.
pub(super) fn backoffs(snapshot: &Snapshot, config: &Config, plan: &mut Plan) {
    for (group, facts) in &snapshot.groups {
        let until = match &facts.startup.backoff {
            // Nobody knows before the probe's end.
            Some(backoff) if backoff.probe.is_some() => continue,
            Some(backoff) => Some(backoff.due(&config.failing)),
            None => None,
        };
        if until != facts.startup.told {
            let group = group.clone();
            plan.notices.push(Notice::Backoff { group, until });
        }
    }
}
