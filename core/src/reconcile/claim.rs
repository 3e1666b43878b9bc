//! CLAIM: which executor uses which claim, which claims are made, and which are no longer needed.

use super::{Desired, Gate, Standing, Wake};
use crate::{
    config::{self, Config},
    input::Shutdown,
    output::{Action, Why},
    plan::{Decision, Plan, WakeReason},
    snapshot::{
        Snapshot,
        claims::Step,
        record::{Fate, Write},
    },
    words::{ExecutorId, Group, Moment, Name},
};
use std::collections::BTreeMap;

/// The claims that a group's new executors may use.
#[derive(Clone)]
pub(super) struct Supply {
    free: std::vec::IntoIter<Name>,
    /// Those in the making will serve so many of the executors that get none now.
    in_making: u64,
    /// How many more may be made.
    room: u64,
}

impl Supply {
    /// None where the group's executors use no claims.
    pub fn of(snapshot: &Snapshot, config: &Config, group: &Group, target: u64) -> Option<Self> {
        let wanted = config.group(group).claims.as_ref()?;
        let from = (group.clone(), Moment::FIRST, Name::from(""));
        let mine = snapshot.claims.free.range(from..);
        let mine = mine.take_while(|(its, _, _)| its == group);
        let fits = |name: &Name| {
            let claim = snapshot.claims.all.get(name);
            claim.is_some_and(|claim| claim.fits(wanted))
        };
        let free: Vec<Name> = mine
            .map(|(_, _, name)| name.clone())
            .filter(fits)
            .filter(|_| !planted!(config, Claim))
            .collect();
        Some(Self {
            free: free.into_iter(),
            in_making: snapshot.claims.in_making(group),
            room: room(snapshot, group, wanted, target),
        })
    }

    /// How many new executors need not wait for one.
    pub fn left(&self) -> u64 {
        self.free.len() as u64
    }

    /// The claim that the next new executor uses; None where it must wait for one.
    pub fn take(&mut self) -> Option<Name> {
        self.free.next()
    }

    /// How many claims to make for `waiting` executors that got none.
    pub fn to_make(&self, waiting: u64) -> u64 {
        waiting.saturating_sub(self.in_making).min(self.room)
    }
}

/// With `wait`, no more claims than the group's target.
fn room(snapshot: &Snapshot, group: &Group, wanted: &config::Claims, target: u64) -> u64 {
    if !wanted.wait {
        return u64::MAX;
    }
    target.saturating_sub(snapshot.claims.usable(group, wanted))
}

/// Decides to make `count` claims for that group, as far as effects may be begun.
pub(super) fn make(
    snapshot: &Snapshot,
    group: &Group,
    count: u64,
    made: &mut u32,
    slots: &mut u32,
    plan: &mut Plan,
) {
    for _ in 0..count.min(u64::from(*slots)) {
        let name = snapshot.claim_name(*made);
        *made += 1;
        *slots -= 1;
        let action = Action::CreateClaim {
            name,
            group: group.clone(),
        };
        plan.decisions.push(Decision {
            action,
            why: Why::Claim,
        });
    }
}

/// Repeats what did not work, and deletes what nobody will use: claims of groups that are gone or never use one twice,
/// and all of them at a shutdown.
#[allow(
    clippy::too_many_arguments,
    reason = "a decision that looks at everything"
)]
pub(super) fn clear(
    snapshot: &Snapshot,
    desired: &Desired,
    config: &Config,
    gate: &Gate,
    groups: &BTreeMap<Group, Standing<'_>>,
    slots: &mut u32,
    wake: &mut Wake,
    plan: &mut Plan,
) {
    if snapshot.claims.all.is_empty() || !gate.decides() {
        return;
    }
    if let Some(hold) = gate.held {
        wake.at(hold.until, WakeReason::Ramp);
        return;
    }
    let ends = matches!(desired.shutdown, Some(Shutdown::Drain | Shutdown::Delete));
    let wanted = |group: &Group| {
        let claims = config.group(group).claims.as_ref();
        claims.filter(|_| !ends && desired.groups.contains_key(group))
    };
    let full = |group: &Group| {
        let standing = groups.get(group);
        standing.is_none_or(|standing| standing.counting() >= standing.aim())
    };
    let mut decide = |action| {
        if *slots > 0 {
            *slots -= 1;
            plan.decisions.push(Decision {
                action,
                why: Why::Claim,
            });
        }
    };
    for name in &snapshot.claims.busy {
        let Some(claim) = snapshot.claims.all.get(name) else {
            continue;
        };
        let (at, action) = match claim.step {
            // It may be there: made or not, that is settled before it is let be.
            Step::MakeAgain { at, .. } => (
                at,
                Action::CreateClaim {
                    name: name.clone(),
                    group: claim.group.clone(),
                },
            ),
            Step::DeleteAgain { at, .. } => (at, Action::DeleteClaim { name: name.clone() }),
            Step::There | Step::Making { .. } | Step::Deleting { .. } => continue,
        };
        if at > gate.now {
            wake.at(at, WakeReason::Retry);
        } else {
            decide(action);
        }
    }
    // Group by group: those whose free claims are of use are passed over as a whole.
    let free = &snapshot.claims.free;
    let mut from = free.get_min().map(|(group, _, _)| group.clone());
    while let Some(group) = from.take() {
        let wanted = wanted(&group);
        if wanted.is_none_or(|wanted| !wanted.reuse) {
            let mine = free.range((group.clone(), Moment::FIRST, Name::from(""))..);
            for (_, _, name) in mine.take_while(|(its, _, _)| *its == group) {
                let claim = snapshot.claims.all.get(name);
                if wanted.is_none() || full(&group) || claim.is_some_and(|claim| claim.used) {
                    decide(Action::DeleteClaim { name: name.clone() });
                }
            }
        }
        let next = (
            Group::from(format!("{group}\0")),
            Moment::FIRST,
            Name::from(""),
        );
        from = free.range(next..).next().map(|(group, _, _)| group.clone());
    }
}

/// Where an executor of an earlier incarnation appeared late, its claim may be another's by now: of two, the older goes.
pub(super) fn part(
    snapshot: &Snapshot,
    config: &Config,
    gate: &Gate,
    slots: &mut u32,
    plan: &mut Plan,
) {
    if planted!(config, ClaimShared) || !gate.decides() || gate.held.is_some() {
        return;
    }
    for name in &snapshot.claims.shared {
        let holders: Vec<ExecutorId> = snapshot.holders(name).collect();
        for id in &holders[..holders.len().saturating_sub(1)] {
            let Some(executor) = snapshot.executors.get(id) else {
                continue;
            };
            let free = matches!(
                (&executor.fate, &executor.write),
                (Fate::Wanted, Write::None)
            );
            if free && !super::goes(plan, *id) && executor.seen().is_some() && *slots > 0 {
                *slots -= 1;
                let action = Action::Delete {
                    executor: *id,
                    uid: executor.uid().cloned(),
                    revision: None,
                };
                let why = Why::Claim;
                super::instead(plan, Decision { action, why }, *id);
            }
        }
    }
}
