//! What is derived from each executor and stray and kept by difference: tallies, and sets of those on whom something may
//! be due.
//!
//! A running, wanted executor is in none of the sets: reconciling a quiet fleet costs nothing for it.

use super::{
    groups::Tally,
    record::{EngineFact, Executor, Fate, Patience, Pod, Sort, Write},
    stray::Stray,
};
use crate::{
    config::{Config, EngineMode, Replace, Shrink},
    output::Why,
    plan::{Class, WakeReason},
    words::{ExecutorId, Group, Moment, Name, Time},
};
use im::OrdSet;
use serde::{Deserialize, Serialize};
use std::{cmp::Reverse, ops::Bound};

/// No executor comes after it.
pub(super) const LAST: ExecutorId = ExecutorId::new(u32::MAX, u32::MAX);

/// The first moment of these that is later than that.
pub(super) fn first_after(of: &OrdSet<(Time, ExecutorId)>, moment: Time) -> Option<Time> {
    let later = (Bound::Excluded((moment, LAST)), Bound::Unbounded);
    of.range(later).next().map(|(at, _)| *at)
}

/// The order in which an excess is taken (SHRINK-1, SHRINK-2): by rank; youngest first; highest id first.
pub(crate) type Victim = (Group, Rank, Reverse<Moment>, Reverse<ExecutorId>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Rank {
    /// Its create was refused without effect: withdrawn.
    Refused,
    /// Its create may have taken effect: settled by a delete of its name.
    Unclear,
    /// Created or pending, and not on a node.
    Unscheduled,
    /// Pending on a node.
    Scheduled,
    /// Running, with no engine.
    Running,
    /// Of unknown phase, with no engine.
    Unknown,
}

/// Everything that is derived from one executor.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Keys {
    pub tally: Tally,
    pub deadline: Option<(Time, WakeReason)>,
    pub tell: bool,
    pub drain: bool,
    pub write: bool,
    pub clean: bool,
    pub create: bool,
    pub listing: bool,
    pub stuck: bool,
    pub victim: Option<(Rank, Moment)>,
    pub idle: Option<(i32, Time)>,
    /// ROLL: it may be replaced for its template at once.
    pub outdated: bool,
    /// CLAIM: what it holds while its pod exists, or may.
    pub claims: Vec<Name>,
}

/// The sets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Indices {
    /// END-3: who registered, and was not seen yet; since when.
    pub early: OrdSet<(Time, ExecutorId)>,
    /// At most one deadline for each executor, the earliest.
    pub deadlines: OrdSet<(Time, ExecutorId, WakeReason)>,
    /// `Started` or `Lost` is to be told.
    pub tell: OrdSet<ExecutorId>,
    /// The engine is to be asked to drain it.
    pub drain: OrdSet<ExecutorId>,
    /// A delete or a resize of one that has not ended is due.
    pub write: OrdSet<ExecutorId>,
    /// END-2: a delete or mark of one that has ended is due.
    pub clean: OrdSet<ExecutorId>,
    /// A create is due again.
    pub create: OrdSet<ExecutorId>,
    /// Only a new listing tells what became of it.
    pub listing: OrdSet<ExecutorId>,
    pub victims: OrdSet<Victim>,
    /// SHRINK-2: idle ones in groups that shrink by themselves, lowest `keep` first, then longest idle.
    pub idle: OrdSet<(Group, i32, Time, ExecutorId)>,
    /// ROLL: registered ones made from another template than their group's.
    pub outdated: OrdSet<(Group, ExecutorId)>,
    /// CLAIM: who holds which claim.
    pub claims: OrdSet<(Name, ExecutorId)>,
    /// The delete of a stray is due.
    pub stray_write: OrdSet<ExecutorId>,
    /// From when on the delete of a stray is due again.
    pub stray_again: OrdSet<(Time, ExecutorId)>,
    /// SEE-5: from when on the delete of a stray has waited for too long.
    pub stray_stuck: OrdSet<(Time, ExecutorId)>,
    /// CLAIM: which stray holds which claim.
    pub stray_claims: OrdSet<(Name, ExecutorId)>,
}

impl Indices {
    pub fn insert(&mut self, id: ExecutorId, group: &Group, keys: &Keys) {
        if let Some((at, why)) = keys.deadline {
            self.deadlines.insert((at, id, why));
        }
        for (is_in, set) in self.sets(keys) {
            if is_in {
                set.insert(id);
            }
        }
        if let Some((rank, born)) = keys.victim {
            self.victims
                .insert((group.clone(), rank, Reverse(born), Reverse(id)));
        }
        if let Some((keep, since)) = keys.idle {
            self.idle.insert((group.clone(), keep, since, id));
        }
        if keys.outdated {
            self.outdated.insert((group.clone(), id));
        }
        for claim in &keys.claims {
            self.claims.insert((claim.clone(), id));
        }
    }

    pub fn remove(&mut self, id: ExecutorId, group: &Group, keys: &Keys) {
        if let Some((at, why)) = keys.deadline {
            self.deadlines.remove(&(at, id, why));
        }
        for (is_in, set) in self.sets(keys) {
            if is_in {
                set.remove(&id);
            }
        }
        if let Some((rank, born)) = keys.victim {
            self.victims
                .remove(&(group.clone(), rank, Reverse(born), Reverse(id)));
        }
        if let Some((keep, since)) = keys.idle {
            self.idle.remove(&(group.clone(), keep, since, id));
        }
        if keys.outdated {
            self.outdated.remove(&(group.clone(), id));
        }
        for claim in &keys.claims {
            self.claims.remove(&(claim.clone(), id));
        }
    }

    pub fn insert_stray(&mut self, config: &Config, id: ExecutorId, stray: &Stray) {
        if stray.is_due() {
            self.stray_write.insert(id);
        }
        self.stray_again.extend(stray.again_at().map(|at| (at, id)));
        let stuck_at = stray.stuck_at(config);
        self.stray_stuck.extend(stuck_at.map(|at| (at, id)));
        for claim in &stray.claims {
            self.stray_claims.insert((claim.clone(), id));
        }
    }

    pub fn remove_stray(&mut self, config: &Config, id: ExecutorId, stray: &Stray) {
        if stray.is_due() {
            self.stray_write.remove(&id);
        }
        if let Some(at) = stray.again_at() {
            self.stray_again.remove(&(at, id));
        }
        if let Some(at) = stray.stuck_at(config) {
            self.stray_stuck.remove(&(at, id));
        }
        for claim in &stray.claims {
            self.stray_claims.remove(&(claim.clone(), id));
        }
    }

    fn sets(&mut self, keys: &Keys) -> [(bool, &mut OrdSet<ExecutorId>); 6] {
        [
            (keys.tell, &mut self.tell),
            (keys.drain, &mut self.drain),
            (keys.write, &mut self.write),
            (keys.clean, &mut self.clean),
            (keys.create, &mut self.create),
            (keys.listing, &mut self.listing),
        ]
    }
}

impl Keys {
    /// What is derived from `executor` at `now`. Changes by time alone only at its deadline.
    pub fn of(
        config: &Config,
        now: Time,
        incarnation: u32,
        id: ExecutorId,
        executor: &Executor,
    ) -> Self {
        let again = executor
            .create_again()
            .filter(|_| id.incarnation == incarnation);
        let listing_at = listing_wanted_at(config, incarnation, id, executor);
        let stuck_at = stuck_at(config, executor);
        let well = executor.started_well(config, now);
        let mut deadlines = Deadlines {
            now,
            earliest: None,
        };
        deadlines.add(again, WakeReason::Retry);
        deadlines.add(write_again_at(executor), WakeReason::Retry);
        deadlines.add(listing_at, WakeReason::Missing);
        deadlines.add(stuck_at, WakeReason::Relist);
        deadlines.add(overdue_at(config, executor), WakeReason::Overdue);
        deadlines.add(drain_ends_at(config, executor), WakeReason::DrainTimeout);
        if let Patience::Until(at, why) = executor.patience(config, now) {
            deadlines.add(Some(at), why);
        }
        deadlines.add(
            well.err().flatten().filter(|_| executor.counts()),
            WakeReason::Healthy,
        );
        let past = |at: Option<Time>| at.is_some_and(|at| at <= now);
        let due = executor.write_due(config, now).is_some();
        Self {
            tally: tally(config, executor, well.is_ok()),
            deadline: deadlines.earliest,
            tell: is_to_tell(executor),
            drain: matches!(executor.fate, Fate::Draining { asked: None, .. }),
            write: due && !executor.has_ended(),
            clean: due && executor.has_ended(),
            create: past(again),
            listing: past(listing_at) || past(stuck_at),
            stuck: is_stuck(config, executor, now),
            victim: victim(config, executor),
            idle: idle(config, executor),
            outdated: executor.outdated && executor.counts() && executor.serves(config),
            claims: match executor.pod {
                Pod::Gone => Vec::new(),
                Pod::Unseen { .. } if planted!(config, UnseenClaimFree) => Vec::new(),
                Pod::Seen(_) if executor.delete_issued && planted!(config, ClaimFreeAtDelete) => {
                    Vec::new()
                }
                Pod::Unseen { .. } | Pod::Seen(_) => executor.claims().to_vec(),
            },
        }
    }
}

struct Deadlines {
    now: Time,
    earliest: Option<(Time, WakeReason)>,
}

impl Deadlines {
    fn add(&mut self, at: Option<Time>, why: WakeReason) {
        let earlier = |at: &Time| self.earliest.is_none_or(|(earliest, _)| *at < earliest);
        if let Some(at) = at
            .filter(|at| *at > self.now && *at < Time::NEVER)
            .filter(earlier)
        {
            self.earliest = Some((at, why));
        }
    }
}

fn is_to_tell(executor: &Executor) -> bool {
    match executor.fate {
        Fate::Ended { told } => !told,
        Fate::Wanted | Fate::Draining { .. } => !executor.started_told && executor.is_running(),
        Fate::Condemned { .. } => false,
    }
}

/// When a delete or mark that was refused or unclear is due again.
fn write_again_at(executor: &Executor) -> Option<Time> {
    match executor.write {
        Write::Again {
            sort: Sort::Delete | Sort::Mark | Sort::Resize,
            at,
            ..
        } => Some(at),
        _ => None,
    }
}

/// From when on only a new listing tells what became of it.
fn listing_wanted_at(
    config: &Config,
    incarnation: u32,
    id: ExecutorId,
    executor: &Executor,
) -> Option<Time> {
    match (&executor.write, &executor.engine) {
        // END-3.
        (_, EngineFact::Registered { at, .. })
            if executor.is_unaccounted() && !planted!(config, End3) =>
        {
            Some(at.after(config.ending.missing_tolerance))
        }
        // LIVE-1: creates of an earlier incarnation are not repeated; GROW-3: nor are those refused after an unclear try.
        (
            Write::Again {
                sort: Sort::Create,
                at,
                ..
            },
            _,
        ) if id.incarnation < incarnation || executor.verdict.is_some() => Some(*at),
        _ => None,
    }
}

/// SEE-5: nothing waits on an open write for longer.
fn stuck_at(config: &Config, executor: &Executor) -> Option<Time> {
    match executor.write {
        Write::Sent { at, .. } | Write::Answered { at, .. } | Write::Stale { at, .. } => {
            Some(at.after(config.ending.stuck_after))
        }
        Write::None | Write::Again { .. } => None,
    }
}

/// SEE-5, END-1: it is a finding that this takes so long.
pub(super) fn is_stuck(config: &Config, executor: &Executor, now: Time) -> bool {
    let overdue = executor.has_ended() && executor.overdue_at(config).is_some();
    overdue || stuck_at(config, executor).is_some_and(|at| at <= now)
}

fn overdue_at(config: &Config, executor: &Executor) -> Option<Time> {
    if executor.has_ended() {
        None
    } else {
        executor.overdue_at(config)
    }
}

pub(super) fn drain_ends_at(config: &Config, executor: &Executor) -> Option<Time> {
    match executor.fate {
        Fate::Draining {
            asked: Some(asked),
            until,
            ..
        } => {
            let ends = asked.after(config.shrinking.drain_timeout);
            Some(until.map_or(ends, |until| ends.min(until)))
        }
        _ => None,
    }
}

fn victim(config: &Config, executor: &Executor) -> Option<(Rank, Moment)> {
    if planted!(config, Shrink1) {
        return None;
    }
    // SHRINK-2: with no engine a lowered target is the engine's word, whatever registers.
    let spared = config.engine == EngineMode::Registering
        && executor.is_registered()
        && !planted!(config, RegisteredAreVictims);
    if !matches!(executor.fate, Fate::Wanted) || spared {
        return None;
    }
    match (&executor.pod, &executor.write) {
        (
            Pod::Unseen { .. },
            Write::Again {
                sort: Sort::Create,
                unclear,
                ..
            },
        ) => Some((
            if *unclear {
                Rank::Unclear
            } else {
                Rank::Refused
            },
            Moment::FIRST,
        )),
        (
            Pod::Unseen {
                answered: Some(answer),
            },
            Write::None,
        ) => Some((Rank::Unscheduled, answer.at.into())),
        (Pod::Seen(seen), Write::None) => {
            let rank = match seen.class {
                Class::Pending if seen.on_node => Rank::Scheduled,
                Class::Pending => Rank::Unscheduled,
                Class::Running if config.engine == EngineMode::None => Rank::Running,
                Class::Unknown if config.engine == EngineMode::None => Rank::Unknown,
                _ => return None,
            };
            executor.disruption.is_none().then_some((rank, seen.born))
        }
        _ => None,
    }
}

fn idle(config: &Config, executor: &Executor) -> Option<(i32, Time)> {
    let wanted = matches!(executor.fate, Fate::Wanted) && executor.counts();
    match (config.group(&executor.group).shrink, &executor.engine) {
        (
            Shrink::Idle { .. },
            EngineFact::Registered {
                idle: Some(idle), ..
            },
        ) if wanted => Some((idle.keep, idle.since)),
        _ => None,
    }
}

fn tally(config: &Config, executor: &Executor, well: bool) -> Tally {
    let mut tally = Tally::default();
    let Some(class) = executor.class() else {
        return tally;
    };
    tally.by_class[class as usize] = 1;
    tally.open = u32::from(!matches!(executor.write, Write::None));
    let counts = executor.counts() || (planted!(config, Grow1) && !executor.is_finished());
    let counts = counts && !(class == Class::Requested && planted!(config, InFlightUncounted));
    if !counts {
        tally.leaving = 1;
        tally.going = u32::from(!executor.is_finished());
        let rolled = matches!(
            executor.fate,
            Fate::Draining { why: Why::Roll, .. } | Fate::Condemned { why: Why::Roll, .. }
        );
        tally.parting = u32::from(rolled && !executor.is_finished() && class != Class::Terminating);
        // GROW-1: *waiting*.
        let group = config.group(&executor.group);
        let waits = group.replace == Replace::AfterTermination
            || (executor.disruption.is_some() && !group.before_loss);
        tally.holding = u32::from(waits && !executor.is_finished() && !executor.has_ended());
        return tally;
    }
    tally.counting = 1;
    tally.serving = u32::from(executor.serves(config));
    tally.well = u32::from(well);
    tally.outdated = u32::from(executor.outdated);
    let on_node = executor.seen().is_some_and(|seen| seen.on_node);
    match class {
        Class::Requested => {
            tally.pending = u32::from(!planted!(config, InFlightNotPending));
            match executor.write {
                Write::Again { .. } => tally.again = 1,
                _ => tally.sent = 1,
            }
        }
        Class::Created | Class::Pending => {
            tally.pending = 1;
            // One that has registered has all that it waits for, whatever its pod's view says yet.
            let waits = u32::from(!executor.is_registered());
            if on_node {
                tally.starting = waits;
            } else {
                tally.unscheduled = waits;
            }
        }
        _ => {
            tally.unready = u32::from(match config.engine {
                EngineMode::Registering => !executor.is_registered(),
                EngineMode::None => !well,
            });
        }
    }
    tally
}
