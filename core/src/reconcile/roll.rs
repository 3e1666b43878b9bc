//! ROLL: running executors are replaced by newer ones: the new one first, then the old one is let go.

use super::{Gate, Standing, Wake};
use crate::{
    config::{Config, Roll, RollPolicy},
    plan::{Plan, WakeReason},
    snapshot::{
        Snapshot,
        record::{Executor, Extra, Fate},
    },
    words::{ExecutorId, Group, Moment},
};
use std::{cmp::Reverse, collections::BTreeMap};

pub(super) fn decide(
    snapshot: &Snapshot,
    config: &Config,
    gate: &Gate,
    groups: &BTreeMap<Group, Standing<'_>>,
    wake: &mut Wake,
    plan: &mut Plan,
) {
    if !gate.decides() || planted!(config, Roll) {
        return;
    }
    for (group, standing) in groups.iter().filter(|(_, standing)| standing.target > 0) {
        // A surplus there is anyway is as good as a replacement that is yet to be made.
        let well = u64::from(standing.facts.tally.well);
        let mut spare = well.saturating_sub(standing.target);
        for (old, new) in &standing.rolls {
            let made = new.and_then(|new| snapshot.executors.get(&new));
            let replaced = match made {
                Some(new) => new.started_well(config, gate.now).is_ok(),
                None => spare > 0,
            };
            if replaced {
                spare = spare.saturating_sub(1);
                plan.rolled.push((*old, group.clone()));
            }
        }
        let roll = &config.group(group).roll;
        let due = roll.every.map(|every| standing.facts.turn_at(every));
        if let Some(at) = due.filter(|at| *at > gate.now) {
            wake.at(at, WakeReason::Roll);
        }
        // One that is still draining is being replaced, too.
        let under_way = match planted!(config, RollsUncounted) {
            true => 0,
            false => standing.rolling(),
        };
        let room = u64::from(roll.at_once).saturating_sub(under_way);
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        // What is short, or can't be made up, is no time to begin. In a backoff the new one comes as a probe: what runs is
        // given up only when that has started well, and a full group would have no other probe.
        let full = standing.counting() >= standing.aim() || planted!(config, RollsUncounted);
        let quiet = full && !snapshot.budget.halted;
        if room == 0 || !quiet {
            continue;
        }
        let turn = due.is_some_and(|at| at <= gate.now);
        let olds = pick(snapshot, config, group, standing, roll, turn, room);
        if turn || !olds.is_empty() {
            plan.rolls.insert(group.clone(), olds);
        }
    }
}

/// Who is replaced now: those of another template first, without waiting for the group's turn.
fn pick(
    snapshot: &Snapshot,
    config: &Config,
    group: &Group,
    standing: &Standing<'_>,
    roll: &Roll,
    turn: bool,
    room: usize,
) -> Vec<ExecutorId> {
    let under_way = |id: &ExecutorId| {
        standing
            .rolls
            .iter()
            .any(|(old, new)| old == id || *new == Some(*id))
    };
    let mut picked = Vec::new();
    if roll.on_change {
        let from = (group.clone(), ExecutorId::new(0, 0));
        let mine = snapshot.index.outdated.range(from..);
        let mine = mine.take_while(|(its, _)| its == group).map(|(_, id)| *id);
        let outdated = mine.filter(|id| !under_way(id));
        picked = best(snapshot, roll, outdated, room);
    }
    if turn && picked.len() < room {
        let eligible = |executor: &Executor| {
            let tasks = executor.metric(Extra::TASKS).unwrap_or(0);
            executor.group == *group
                && executor.serves(config)
                && executor.counts()
                && matches!(executor.fate, Fate::Wanted)
                && tasks >= roll.min_tasks
        };
        let all = snapshot.executors.iter();
        let others = all
            .filter(|(id, executor)| eligible(executor) && !under_way(id) && !picked.contains(id))
            .map(|(id, _)| *id);
        let more = best(snapshot, roll, others, room - picked.len());
        picked.extend(more);
    }
    picked
}

/// The first `room` by the group's policy; ties go to the older one, then to the lower id.
fn best(
    snapshot: &Snapshot,
    roll: &Roll,
    candidates: impl Iterator<Item = ExecutorId>,
    room: usize,
) -> Vec<ExecutorId> {
    let known = |id: ExecutorId| Some((id, snapshot.executors.get(&id)?));
    let candidates: Vec<_> = candidates.filter_map(known).collect();
    let born = |executor: &Executor| executor.born().unwrap_or(Moment::LAST);
    let value = |executor: &Executor, metric: &str| executor.metric(metric);
    let mut ranked: Vec<_> = match &roll.policy {
        RollPolicy::LowestId => candidates
            .iter()
            .map(|(id, _)| ((Reverse(None), Moment::FIRST), *id))
            .collect(),
        RollPolicy::Oldest => candidates
            .iter()
            .map(|(id, executor)| ((Reverse(None), born(executor)), *id))
            .collect(),
        RollPolicy::Highest(metric) => candidates
            .iter()
            .map(|(id, executor)| {
                let rank = Reverse(value(executor, metric));
                ((rank, born(executor)), *id)
            })
            .collect(),
        RollPolicy::Outlier(metric) => {
            let values = candidates
                .iter()
                .filter_map(|(_, executor)| value(executor, metric));
            let spread = Spread::of(&values.collect::<Vec<_>>());
            let is_outlier = |executor: &Executor| {
                value(executor, metric).is_some_and(|value| spread.is_outlier(value))
            };
            // Where there are outliers, only they go; else the highest.
            let none = !candidates.iter().any(|(_, executor)| is_outlier(executor));
            candidates
                .iter()
                .filter(|(_, executor)| none || is_outlier(executor))
                .map(|(id, executor)| ((Reverse(value(executor, metric)), born(executor)), *id))
                .collect()
        }
    };
    ranked.sort();
    ranked.into_iter().take(room).map(|(_, id)| id).collect()
}

/// How a metric's values are spread, in whole numbers.
struct Spread {
    /// Bits that are left out, so that squares can be summed.
    shift: u32,
    count: i128,
    sum: i128,
    squares: i128,
}

impl Spread {
    fn of(values: &[i64]) -> Self {
        let bits = values
            .iter()
            .map(|value| 64 - value.unsigned_abs().leading_zeros())
            .max();
        let shift = bits.unwrap_or(0).saturating_sub(40);
        let values = values.iter().map(|value| i128::from(value >> shift));
        Self {
            shift,
            count: values.len() as i128,
            sum: values.clone().sum(),
            squares: values.map(|value| value * value).sum(),
        }
    }

    /// Over two population standard deviations above the mean: all multiplied by the count, and squared.
    fn is_outlier(&self, value: i64) -> bool {
        let above = self.count * i128::from(value >> self.shift) - self.sum;
        let variance = self.count * self.squares - self.sum * self.sum;
        above > 0 && above.saturating_mul(above) > variance.saturating_mul(4)
    }
}

#[cfg(test)]
mod tests {
    use super::Spread;

    #[test]
    fn an_outlier_is_over_two_standard_deviations_above_the_mean() {
        // Mean 20, deviation 30: 80 is at the bound exactly.
        let nine_and_one = |high| [[10; 9].as_slice(), &[high]].concat();
        assert!(Spread::of(&nine_and_one(110)).is_outlier(110));
        let spread = Spread::of(&[0, 0, 0, 0, 5]);
        assert!(
            !spread.is_outlier(5),
            "mean 1, deviation 2: 5 is at the bound"
        );
        assert!(spread.is_outlier(6));
        assert!(!spread.is_outlier(-50));
    }

    #[test]
    fn extremes_do_no_harm() {
        let spread = Spread::of(&[i64::MAX, i64::MIN, 0]);
        assert!(!spread.is_outlier(i64::MAX));
        assert!(!Spread::of(&[]).is_outlier(1) || Spread::of(&[]).count == 0);
    }
}
