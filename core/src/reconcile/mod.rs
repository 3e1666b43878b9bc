//! The whole of the decision: (snapshot, desired, config) in, a plan out. Pure, and it cannot fail.
//!
//! What is due on single executors was settled when the snapshot changed; here it is told and sent, and the difference
//! between targets and counts is made up. The rooms: `tell` (notices), `write` (deletes, marks and resizes), `grow`,
//! `claim`, `shrink`, `roll`, `status`.

mod claim;
mod grow;
mod roll;
mod shrink;
mod status;
mod tell;
mod write;

use crate::{
    config::Config,
    input::{DesiredChange, GroupWish, Shutdown},
    output::Action,
    plan::{Decision, Plan, Unmet, WakeReason},
    snapshot::{Snapshot, governor, groups::GroupFacts, record::Executor},
    words::{ExecutorId, Group, ID_PART_MAX, Time},
};
use im::OrdMap;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the engine wants. Wishes about single executors (release, kill) are folded into the snapshot.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Desired {
    /// What is wanted of each group; a group that is not here has target 0.
    pub groups: OrdMap<Group, GroupWish>,
    /// Nothing is wanted for now (SHRINK-4).
    pub suspended: bool,
    /// The fleet ends (LIVE-4).
    pub shutdown: Option<Shutdown>,
}

impl Desired {
    /// Folds one change in.
    pub fn apply(&mut self, change: &DesiredChange) {
        if let Some(whole) = &change.whole {
            self.groups = whole
                .iter()
                .map(|(group, wish)| (group.clone(), wish.clone()))
                .collect();
        }
        for (group, wish) in &change.groups {
            self.groups.insert(group.clone(), wish.clone());
        }
        for group in &change.remove {
            self.groups.remove(group);
        }
        self.suspended = change.suspend.unwrap_or(self.suspended);
        self.shutdown = self.shutdown.max(change.shutdown);
    }
}

/// Decides what to do now about the difference between what is and what is wanted.
///
/// `Plan::wake` does not count the lease's own end, which the controller watches.
#[must_use]
pub fn reconcile(snapshot: &Snapshot, desired: &Desired, config: &Config) -> Plan {
    let gate = Gate::of(snapshot, config);
    let groups = standings(snapshot, desired);
    let mut plan = Plan::default();
    tell::notices(snapshot, config, &gate, &mut plan);
    tell::backoffs(snapshot, config, &mut plan);
    let mut wake = Wake(
        snapshot
            .index
            .deadlines
            .get_min()
            .map(|(at, _, why)| (*at, *why)),
    );
    // That it takes so long is told, whatever is decided.
    if let Some(at) = snapshot.stray_stuck_next() {
        wake.at(at, WakeReason::Relist);
    }
    let mut slots = config
        .growing
        .max_in_flight
        .saturating_sub(snapshot.governor.others_in_flight);
    let mut short = BTreeMap::new();
    let mut next_delete = None;
    // What is left running is left as it is.
    if desired.shutdown != Some(Shutdown::Leave) {
        // END-2: what has ended may be many, and more with each plan: its clean-up takes turns with all that needs a place.
        let (ended, others) = (&snapshot.index.clean, &snapshot.index.write);
        if !snapshot.cleaned {
            write::decide(
                snapshot, config, &gate, ended, &mut slots, &mut wake, &mut plan,
            );
        }
        write::strays(snapshot, config, &gate, &mut slots, &mut wake, &mut plan);
        write::decide(
            snapshot, config, &gate, others, &mut slots, &mut wake, &mut plan,
        );
        claim::part(snapshot, config, &gate, &mut slots, &mut plan);
        next_delete = shrink::decide(
            snapshot, config, &gate, &groups, &mut slots, &mut wake, &mut plan,
        );
        claim::clear(
            snapshot, desired, config, &gate, &groups, &mut slots, &mut wake, &mut plan,
        );
        roll::decide(snapshot, config, &gate, &groups, &mut wake, &mut plan);
        short = grow::decide(
            snapshot, desired, config, &gate, &groups, &mut slots, &mut wake, &mut plan,
        );
        if snapshot.cleaned {
            write::decide(
                snapshot, config, &gate, ended, &mut slots, &mut wake, &mut plan,
            );
        }
    }
    for (group, standing) in &groups {
        let unmet = short.get_mut(group).map(std::mem::take).unwrap_or_default();
        let status = status::of(standing, unmet, next_delete);
        plan.groups.insert(group.clone(), status);
    }
    plan.findings = snapshot.findings.iter().cloned().collect();
    plan.wake = wake.0;
    plan.decisions
        .sort_by(|a, b| order(snapshot, a).cmp(&order(snapshot, b)));
    plan
}

/// How a group stands before anything is decided.
struct Standing<'a> {
    facts: std::borrow::Cow<'a, GroupFacts>,
    template: u64,
    /// What the engine asked for.
    wished: u64,
    /// What is aimed at now.
    target: u64,
    /// ROLL: executors that are being replaced, each with its replacement once that is made.
    rolls: Vec<(ExecutorId, Option<ExecutorId>)>,
}

impl<'a> Standing<'a> {
    /// One of which nothing is wanted.
    fn of(facts: std::borrow::Cow<'a, GroupFacts>) -> Self {
        Self {
            facts,
            template: 0,
            wished: 0,
            target: 0,
            rolls: Vec::new(),
        }
    }

    fn counting(&self) -> u64 {
        u64::from(self.facts.tally.counting)
    }

    fn excess(&self) -> u64 {
        self.counting().saturating_sub(self.aim())
    }

    /// How many are being replaced: their replacements are not there yet, or they are not yet seen to go (ROLL).
    fn rolling(&self) -> u64 {
        self.rolls.len() as u64 + u64::from(self.facts.tally.parting)
    }

    /// The target, and one more for each executor that is being replaced: the new one comes first (ROLL).
    fn aim(&self) -> u64 {
        self.target.saturating_add(self.rolls.len() as u64)
    }
}

fn standings<'a>(snapshot: &'a Snapshot, desired: &Desired) -> BTreeMap<Group, Standing<'a>> {
    use std::borrow::Cow;
    let ends = matches!(desired.shutdown, Some(Shutdown::Drain | Shutdown::Delete));
    let known = snapshot.groups.iter().filter(|(group, facts)| {
        !facts.tally.is_empty() || facts.failures > 0 || desired.groups.contains_key(*group)
    });
    let mut standings = BTreeMap::new();
    for (group, facts) in known {
        standings.insert(group.clone(), Standing::of(Cow::Borrowed(facts)));
    }
    for (group, wish) in &desired.groups {
        let entry = standings.entry(group.clone());
        let standing = entry.or_insert_with(|| Standing::of(Cow::Owned(GroupFacts::default())));
        standing.template = wish.template;
        if !ends {
            standing.wished = wish.target.min(u64::from(ID_PART_MAX));
            if !desired.suspended {
                standing.target = standing.wished;
                if wish.target > 0 {
                    standing.rolls = rolls(snapshot, &standing.facts);
                }
            }
        }
    }
    standings
}

/// ROLL: those of the group's replacements that are still under way.
fn rolls(snapshot: &Snapshot, facts: &GroupFacts) -> Vec<(ExecutorId, Option<ExecutorId>)> {
    let counts = |id: &ExecutorId| snapshot.executors.get(id).is_some_and(Executor::counts);
    let rolls = facts.rolls.iter().filter(|(old, _)| counts(old));
    rolls.map(|(old, new)| (*old, new.filter(counts))).collect()
}

/// Whether effects may begin now, and why not.
struct Gate {
    now: Time,
    /// What is not there that decisions need (LIVE-1).
    closed: Option<Unmet>,
    /// GROW-4: all effects wait until then.
    held: Option<governor::Hold>,
}

impl Gate {
    fn of(snapshot: &Snapshot, config: &Config) -> Self {
        let now = snapshot.now;
        let closed = if !snapshot.desired_known {
            Some(Unmet::NoDesired)
        } else if !snapshot.leading.is_held() {
            Some(Unmet::NoLease)
        } else if !snapshot.leading.is_synced() {
            Some(Unmet::NotSynced)
        } else if !snapshot.leading.may_act(now) && !planted!(config, NoMargin) {
            Some(Unmet::NoLease)
        } else {
            None
        };
        Self {
            now,
            closed,
            held: snapshot.governor.held(now),
        }
    }

    fn decides(&self) -> bool {
        self.closed.is_none()
    }

    /// Why nothing may begin, and until when.
    fn why(&self) -> Option<(Unmet, Option<Time>)> {
        if let Some(why) = self.closed {
            return Some((why, None));
        }
        let hold = self.held?;
        let why = match hold.why {
            governor::HoldReason::Throttled => Unmet::Throttled,
            governor::HoldReason::Unreachable => Unmet::Unreachable,
        };
        Some((why, Some(hold.until)))
    }
}

/// The earliest moment at which the plan could differ.
struct Wake(Option<(Time, WakeReason)>);

impl Wake {
    fn at(&mut self, at: Time, why: WakeReason) {
        if self.0.is_none_or(|(earliest, _)| at < earliest) {
            self.0 = Some((at, why));
        }
    }
}

/// Whether that executor goes by this very plan already.
fn goes(plan: &Plan, id: ExecutorId) -> bool {
    let mut decisions = plan.decisions.iter();
    decisions.any(
        |decision| matches!(&decision.action, Action::Delete { executor, .. } if *executor == id),
    )
}

/// SEE-5: decides on an executor's deletion; what it was to be given in the same plan (SIZE) it needs no more.
fn instead(plan: &mut Plan, decision: Decision, id: ExecutorId) {
    plan.decisions.retain(
        |other| !matches!(&other.action, Action::Resize { executor, .. } if *executor == id),
    );
    plan.decisions.push(decision);
}

/// The order of effects in a plan: sort, group, id.
fn order<'a>(snapshot: &'a Snapshot, decision: &'a Decision) -> (u8, &'a str, ExecutorId) {
    let group_of = |id| {
        snapshot
            .executors
            .get(id)
            .map_or("", |executor| &*executor.group)
    };
    match &decision.action {
        Action::Delete { executor, .. } => (0, group_of(executor), *executor),
        Action::MarkFinished { executor, .. } => (1, group_of(executor), *executor),
        Action::Resize {
            executor, group, ..
        } => (2, group, *executor),
        Action::CreateClaim { group, .. } => (3, group, ExecutorId::new(0, 0)),
        Action::DeleteClaim { .. } => (0, "", ExecutorId::new(0, 0)),
        Action::Create {
            executor, group, ..
        } => (4, group, *executor),
    }
}
