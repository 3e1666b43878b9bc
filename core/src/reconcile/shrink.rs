//! SHRINK-1, SHRINK-2: who goes where more count than are wanted.

use super::{Gate, Standing, Wake};
use crate::{
    config::{Config, Shrink},
    output::{Action, Why},
    plan::{Decision, Plan, WakeReason},
    snapshot::{Rank, Snapshot, record::Executor},
    words::{ExecutorId, Group, Moment, Time},
};
use std::{cmp::Reverse, collections::BTreeMap};

pub(super) fn decide(
    snapshot: &Snapshot,
    config: &Config,
    gate: &Gate,
    groups: &BTreeMap<Group, Standing<'_>>,
    slots: &mut u32,
    wake: &mut Wake,
    plan: &mut Plan,
) -> Option<Time> {
    if !gate.decides() {
        return None;
    }
    let mut budget = Budget::of(snapshot, config, gate.now);
    for (group, standing) in groups {
        // Those given up by this very plan still count.
        let given_up = |decision: &&Decision| match &decision.action {
            Action::Delete { executor, .. } if matches!(decision.why, Why::Grow6 | Why::Claim) => {
                let executor = snapshot.executors.get(executor);
                executor.is_some_and(|executor| executor.group == *group)
            }
            _ => false,
        };
        let going = plan.decisions.iter().filter(given_up).count() as u64;
        let mut excess = standing.excess().saturating_sub(going);
        if planted!(config, OneTooFew) && excess > 0 {
            excess += 1;
        }
        if excess == 0 {
            continue;
        }
        let mut group_excess = Excess {
            snapshot,
            config,
            gate,
            group,
            slots,
            budget: &mut budget,
            wake,
            plan,
        };
        excess = group_excess.take_victims(excess);
        if excess > 0 {
            group_excess.release_idle(excess);
        }
    }
    budget.more_at.filter(|_| budget.asked_in_vain)
}

/// SHRINK-5: how many more an excess may take now.
struct Budget {
    left: u32,
    /// When it may take more.
    more_at: Option<Time>,
    asked_in_vain: bool,
}

impl Budget {
    fn of(snapshot: &Snapshot, config: &Config, now: Time) -> Self {
        let limit = config.shrinking.max_deletes;
        let Some(limit) = limit.filter(|_| !planted!(config, Shrink5)) else {
            return Self {
                left: u32::MAX,
                more_at: None,
                asked_in_vain: false,
            };
        };
        let mut recent = snapshot
            .deletes
            .iter()
            .map(|at| at.after(limit.every))
            .filter(|at| *at > now);
        let more_at = recent.next();
        let used = more_at.map_or(0, |_| 1 + recent.count());
        Self {
            left: limit
                .size
                .saturating_sub(u32::try_from(used).unwrap_or(u32::MAX)),
            more_at,
            asked_in_vain: false,
        }
    }

    /// Takes one; false where there is none left.
    fn take(&mut self, wake: &mut Wake) -> bool {
        if self.left == 0 {
            self.asked_in_vain = true;
            if let Some(at) = self.more_at {
                wake.at(at, WakeReason::DeleteBudget);
            }
            return false;
        }
        self.left -= 1;
        true
    }
}

/// What is too much in one group.
struct Excess<'a, 'b> {
    snapshot: &'a Snapshot,
    config: &'a Config,
    gate: &'a Gate,
    group: &'a Group,
    slots: &'b mut u32,
    budget: &'b mut Budget,
    wake: &'b mut Wake,
    plan: &'b mut Plan,
}

impl Excess<'_, '_> {
    /// Takes victims in their order; what is left of the excess.
    fn take_victims(&mut self, mut excess: u64) -> u64 {
        let protection = self.config.shrinking.pending_protection;
        let oldest_protected = Moment::from(self.gate.now).before(protection);
        for rank in [
            Rank::Refused,
            Rank::Unclear,
            Rank::Unscheduled,
            Rank::Scheduled,
            Rank::Running,
            Rank::Unknown,
        ] {
            let youngest = match rank {
                Rank::Unscheduled | Rank::Scheduled => {
                    self.wake_for_protection(rank, oldest_protected);
                    oldest_protected
                }
                Rank::Refused | Rank::Unclear | Rank::Running | Rank::Unknown => Moment::LAST,
            };
            let from = (self.group.clone(), rank, Reverse(youngest), Reverse(MAX_ID));
            let to = (
                self.group.clone(),
                rank,
                Reverse(Moment::FIRST),
                Reverse(MIN_ID),
            );
            for (_, _, _, Reverse(id)) in self.snapshot.index.victims.range(from..=to) {
                if excess == 0 {
                    return 0;
                }
                if super::goes(self.plan, *id) {
                    continue;
                }
                if rank == Rank::Refused {
                    self.plan.withdrawn.push(*id);
                } else if !self.delete(*id, rank) {
                    return 0;
                }
                excess -= 1;
            }
        }
        excess
    }

    /// Decides on the deletion of a victim; false where none may be sent now.
    fn delete(&mut self, id: ExecutorId, rank: Rank) -> bool {
        if let Some(hold) = self.gate.held {
            self.wake.at(hold.until, WakeReason::Ramp);
            return false;
        }
        let Some(executor) = self.snapshot.executors.get(&id) else {
            return true;
        };
        if *self.slots == 0 || !self.budget.take(self.wake) {
            return false;
        }
        *self.slots -= 1;
        let (why, revision) = match rank {
            Rank::Running | Rank::Unknown => (Why::Shrink2, None),
            _ => (
                Why::Shrink1,
                revision(executor).filter(|_| !planted!(self.config, WhateverItIsByNow)),
            ),
        };
        let action = Action::Delete {
            executor: id,
            uid: executor.uid().cloned(),
            revision,
        };
        super::instead(self.plan, Decision { action, why }, id);
        true
    }

    /// The next of that rank to grow out of its protection may be a victim then.
    fn wake_for_protection(&mut self, rank: Rank, oldest_protected: Moment) {
        let from = (
            self.group.clone(),
            rank,
            Reverse(Moment::LAST),
            Reverse(MAX_ID),
        );
        let to = (
            self.group.clone(),
            rank,
            Reverse(oldest_protected.next()),
            Reverse(MIN_ID),
        );
        let next = self.snapshot.index.victims.range(from..=to).next_back();
        if let Some((_, _, Reverse(born), _)) = next {
            let born = match planted!(self.config, LateProtection) {
                true => born.next(),
                false => *born,
            };
            let until = born.after(self.config.shrinking.pending_protection);
            self.wake.at(until, WakeReason::Protection);
        }
    }

    /// SHRINK-2, `shrink: idle`: lowest `keep` first, then longest idle.
    fn release_idle(&mut self, mut excess: u64) {
        let Shrink::Idle { timeout } = self.config.group(self.group).shrink else {
            return;
        };
        let from = (self.group.clone(), i32::MIN, Time(0), MIN_ID);
        let to = (self.group.clone(), i32::MAX, Time::NEVER, MAX_ID);
        for (_, _, since, id) in self.snapshot.index.idle.range(from..=to) {
            if excess == 0 && !planted!(self.config, IdleAlwaysGoes) {
                return;
            }
            if super::goes(self.plan, *id) {
                continue;
            }
            let ripe = since.after(timeout);
            if ripe > self.gate.now {
                self.wake.at(ripe, WakeReason::Idle);
            } else {
                if !self.budget.take(self.wake) {
                    return;
                }
                self.plan.released.push(*id);
                excess = excess.saturating_sub(1);
            }
        }
    }
}

const MIN_ID: ExecutorId = ExecutorId::new(0, 0);
const MAX_ID: ExecutorId = ExecutorId::new(u32::MAX, u32::MAX);

/// The revision that a victim is known at: by its newest view, or by the answer to its create.
fn revision(executor: &Executor) -> Option<crate::words::Revision> {
    use crate::snapshot::record::Pod;
    match &executor.pod {
        Pod::Seen(seen) => Some(seen.revision),
        Pod::Unseen { answered } => answered.as_ref()?.revision,
        Pod::Gone => None,
    }
}
