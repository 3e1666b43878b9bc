//! GROW-1, GROW-2, GROW-4, FAIL-2: what is missing is made, within what is allowed, and dealt out fairly.

use super::{
    Desired, Gate, Standing, Wake,
    claim::{self, Supply},
};
use crate::{
    config::{Config, Ramp},
    output::{Action, Why},
    plan::{Decision, Plan, Unfilled, Unmet, WakeReason},
    snapshot::{
        Snapshot,
        record::{Executor, Write},
    },
    words::{ExecutorId, Group, ID_PART_MAX, Time},
};
use std::collections::{BTreeMap, BTreeSet};

/// What each group is short of, and why.
pub(super) type Short = BTreeMap<Group, BTreeMap<Unmet, Unfilled>>;

/// What one group needs and may have.
#[derive(Clone)]
struct Need {
    group: Group,
    template: u64,
    /// Creates to repeat.
    again: Vec<ExecutorId>,
    /// New executors still missing.
    missing: u64,
    /// New executors given so far.
    given: u64,
    pending_room: u64,
    batch_room: u32,
    batch_next: Option<Time>,
    /// How many of the new executors are there only until others are let go (ROLL).
    surge: u64,
    probing: Option<Probing>,
    /// CLAIM: what its new executors use; None: nothing.
    supply: Option<Supply>,
}

/// FAIL-2: the group is in backoff.
#[derive(Clone)]
struct Probing {
    /// The probe that is under way.
    probe: Option<ExecutorId>,
    /// Another one may be asked for now.
    due: bool,
    /// When it may, where that is by time alone.
    next: Option<Time>,
}

#[allow(
    clippy::too_many_arguments,
    reason = "a decision that looks at everything"
)]
pub(super) fn decide(
    snapshot: &Snapshot,
    desired: &Desired,
    config: &Config,
    gate: &Gate,
    groups: &BTreeMap<Group, Standing<'_>>,
    slots: &mut u32,
    wake: &mut Wake,
    plan: &mut Plan,
) -> Short {
    let mut short = Short::new();
    let mut needs = Vec::new();
    for (group, standing) in groups {
        let unmet = short.entry(group.clone()).or_default();
        if let Some(need) = need(
            snapshot, desired, config, gate, group, standing, unmet, wake,
        ) {
            needs.push(need);
        }
    }
    if planted!(config, BackoffForAll) && needs.iter().any(|need| need.probing.is_some()) {
        needs.retain(|need| need.probing.is_some());
    }
    if needs.is_empty() {
        return short;
    }
    let mut room = Room::of(snapshot, config, groups);
    repeat(snapshot, &mut needs, &mut room, plan);
    for need in &mut needs {
        let target = groups.get(&need.group).map_or(0, Standing::aim);
        need.supply = Supply::of(snapshot, config, &need.group, target);
    }
    let asked = Asked::of(&needs, snapshot.dealt.as_ref(), &room);
    plan.dealt = deal(&mut needs, snapshot.dealt.as_ref(), &mut room);
    let (mut next, mut made) = (snapshot.next, 0);
    for mut need in needs {
        let waits = asked.needs.get(&need.group);
        let short_of_claims = waits.map_or(0, |all| all.given.saturating_sub(need.given));
        let fleeting = need.missing == short_of_claims;
        for nth in 0..need.given {
            let claims = need.supply.as_mut().and_then(Supply::take);
            let executor = ExecutorId::new(snapshot.incarnation(), next);
            next = next.saturating_add(1);
            let action = Action::Create {
                executor,
                group: need.group.clone(),
                template: need.template,
                claims: claims.into_iter().collect(),
            };
            let lasting = (need.given + short_of_claims).saturating_sub(need.surge);
            let why = match fleeting && nth >= lasting {
                true => Why::Roll,
                false => Why::Grow1,
            };
            plan.decisions.push(Decision { action, why });
        }
        if let Some(supply) = &need.supply {
            let count = supply.to_make(short_of_claims);
            claim::make(snapshot, &need.group, count, &mut made, slots, plan);
            let unmet = short.entry(need.group.clone()).or_default();
            need.missing -= short_of_claims;
            add(unmet, Unmet::WaitingForClaim, short_of_claims, None);
        }
        // Those that are not held up wait for their moment.
        let unmet = short.entry(need.group.clone()).or_default();
        let again = groups.get(&need.group).map_or(0, |it| it.facts.tally.again);
        let waiting = u64::from(again).saturating_sub(need.again.len() as u64);
        add(unmet, Unmet::WaitingForAnswer, waiting, None);
        let (all, room) = waits.map_or((&need, &room), |all| (all, &asked.room));
        if let Some((why, until)) = room.why_not(all) {
            // Whatever else stops it now: by then it may take what another group was to have, or repeat what needs no
            // room under a cap.
            if let Some(at) = all.batch_next.filter(|_| all.batch_room == 0) {
                wake.at(at, WakeReason::Ramp);
            }
            if let Some(at) = all.probing.as_ref().and_then(|probing| probing.next) {
                wake.at(at, WakeReason::Probe);
            }
            add(unmet, why, need.missing, until);
            let (why, until) = match &all.probing {
                Some(probing) => (Unmet::BackingOff, probing.next),
                None => (Unmet::Ramp, all.batch_next),
            };
            add(unmet, why, need.again.len() as u64, until);
        }
    }
    short
}

/// What a group needs, where it may have anything now; why not goes to `unmet`.
#[allow(
    clippy::too_many_arguments,
    reason = "one group's part of a decision that looks at everything"
)]
fn need(
    snapshot: &Snapshot,
    desired: &Desired,
    config: &Config,
    gate: &Gate,
    group: &Group,
    standing: &Standing<'_>,
    unmet: &mut BTreeMap<Unmet, Unfilled>,
    wake: &mut Wake,
) -> Option<Need> {
    let tally = &standing.facts.tally;
    let waiting = u64::from(tally.holding);
    let short = standing.aim().saturating_sub(standing.counting());
    add(
        unmet,
        Unmet::WaitingForTermination,
        short.min(waiting),
        None,
    );
    let mut missing = short.saturating_sub(waiting);
    let (failing, startup) = (&config.failing, &standing.facts.startup);
    let (held_back, until) = startup.held_back(failing, gate.now, standing.target, missing);
    add(unmet, Unmet::BackingOff, held_back, until);
    if let Some(at) = until {
        wake.at(at, WakeReason::Probe);
    }
    missing -= held_back;
    if missing > 0 && planted!(config, OneTooMany) {
        missing += 1;
    }
    if planted!(config, WaitsForSlowest) && tally.pending > 0 {
        return None;
    }
    let again = u64::from(tally.again);
    if missing == 0 && again == 0 {
        if desired.suspended && desired.shutdown.is_none() {
            add(unmet, Unmet::Suspended, standing.wished, None);
        }
        return None;
    }
    let held = standing.facts.held(gate.now);
    let stopped = if let Some((why, until)) = gate.why() {
        Some((why, until))
    } else if snapshot.budget.halted {
        Some((Unmet::Halted, None))
    } else {
        held.map(|hold| {
            use crate::snapshot::groups::HoldReason;
            let why = match hold.why {
                HoldReason::Quota => Unmet::Quota,
                HoldReason::NamespaceGone => Unmet::NamespaceGone,
                HoldReason::NotPermitted => Unmet::NotPermitted,
            };
            (why, Some(hold.until))
        })
    };
    if let Some((why, until)) = stopped {
        add(unmet, why, missing + again, until);
        if let Some(at) = until {
            let reason = if held.is_some() {
                WakeReason::Quota
            } else {
                WakeReason::Ramp
            };
            wake.at(at, reason);
        }
        return None;
    }
    let max_pending = config.group(group).max_pending;
    let max_pending = max_pending
        .filter(|_| !planted!(config, Grow2))
        .unwrap_or(u64::MAX);
    let (batch_room, batch_next) = match planted!(config, Grow4) {
        true => (u32::MAX, None),
        false => standing.facts.batch_room(config, gate.now),
    };
    Some(Need {
        group: group.clone(),
        template: standing.template,
        again: Vec::new(),
        missing,
        given: 0,
        pending_room: max_pending.saturating_sub(u64::from(tally.pending)),
        batch_room,
        batch_next,
        surge: standing
            .rolls
            .iter()
            .filter(|(_, new)| new.is_none())
            .count() as u64,
        probing: startup.backoff.as_ref().map(|backoff| {
            let due = backoff.due(failing);
            Probing {
                probe: backoff.probe,
                due: backoff.probe.is_none() && due <= gate.now,
                next: Some(due).filter(|at| backoff.probe.is_none() && *at > gate.now),
            }
        }),
        supply: None,
    })
}

impl Need {
    /// FAIL-2: in backoff, only what may be there already is repeated, and the probe; one that had no effect may be the
    /// probe.
    fn may_repeat(&mut self, id: ExecutorId, executor: &Executor) -> bool {
        let Some(probing) = &mut self.probing else {
            return true;
        };
        let unclear = matches!(executor.write, Write::Again { unclear: true, .. });
        if unclear || probing.probe == Some(id) {
            return true;
        }
        std::mem::take(&mut probing.due)
    }
}

/// What the fleet as a whole may still begin.
#[derive(Clone)]
struct Room {
    /// GROW-4: creates under way.
    window: u32,
    pending: u64,
    executors: u64,
    /// Sequences that are left to give out.
    ids: u64,
}

impl Room {
    fn of(snapshot: &Snapshot, config: &Config, groups: &BTreeMap<Group, Standing<'_>>) -> Self {
        let growing = &config.growing;
        let sum = |f: fn(&crate::snapshot::groups::Tally) -> u32| {
            groups
                .values()
                .map(|standing| u64::from(f(&standing.facts.tally)))
                .sum::<u64>()
        };
        let caps = !planted!(config, Grow2);
        let pending = growing.max_pending.filter(|_| caps).unwrap_or(u64::MAX);
        let executors = growing.max_executors.filter(|_| caps).unwrap_or(u64::MAX);
        let governed = growing.ramp == Ramp::Governed;
        let window = if planted!(config, Grow4) {
            // Far too many, and not more than there is memory for.
            1_000
        } else if governed {
            snapshot.governor.window
        } else {
            growing.max_in_flight
        };
        Self {
            window: window.saturating_sub(snapshot.governor.creates_in_flight),
            pending: pending.saturating_sub(sum(|tally| tally.pending)),
            executors: executors.saturating_sub(sum(|tally| tally.counting + tally.going)),
            ids: if snapshot.incarnation() <= ID_PART_MAX {
                (u64::from(ID_PART_MAX) + 1).saturating_sub(u64::from(snapshot.next))
            } else {
                0
            },
        }
    }

    /// Whether the group may begin one more new executor.
    fn has_for(&self, need: &Need) -> bool {
        let supply = need.supply.as_ref();
        let claimed = supply.is_none_or(|supply| supply.left() > need.given);
        need.missing > 0 && claimed && self.why_not(need).is_none()
    }

    /// What stops the group from beginning one more, and until when.
    fn why_not(&self, need: &Need) -> Option<(Unmet, Option<Time>)> {
        if need.missing == 0 && need.again.is_empty() {
            return None;
        }
        if let Some(probing) = need.probing.as_ref().filter(|probing| !probing.due) {
            Some((Unmet::BackingOff, probing.next))
        } else if need.pending_room == 0 {
            Some((Unmet::PendingCap, None))
        } else if self.pending == 0 {
            Some((Unmet::FleetPendingCap, None))
        } else if self.executors == 0 || self.ids == 0 {
            Some((Unmet::MaxExecutors, None))
        } else if need.batch_room == 0 {
            Some((Unmet::Ramp, need.batch_next))
        } else if self.window == 0 {
            Some((Unmet::Ramp, None))
        } else {
            None
        }
    }
}

/// Creates that are due again come first: they keep their ids, and count already.
fn repeat(snapshot: &Snapshot, needs: &mut [Need], room: &mut Room, plan: &mut Plan) {
    // GROW-3: one no longer wanted is not repeated.
    let mut unwanted: BTreeSet<ExecutorId> = plan.withdrawn.iter().copied().collect();
    unwanted.extend(
        plan.decisions
            .iter()
            .filter_map(|decision| match &decision.action {
                Action::Delete { executor, .. } => Some(*executor),
                _ => None,
            }),
    );
    for id in &snapshot.index.create {
        if room.window == 0 {
            break;
        }
        let Some(executor) = snapshot.executors.get(id) else {
            continue;
        };
        let Some(need) = needs.iter_mut().find(|need| need.group == executor.group) else {
            continue;
        };
        if unwanted.contains(id) {
            continue;
        }
        if need.batch_room == 0 || !need.may_repeat(*id, executor) {
            need.again.push(*id);
            continue;
        }
        room.window -= 1;
        need.batch_room -= 1;
        let action = Action::Create {
            executor: *id,
            group: executor.group.clone(),
            template: executor.template,
            claims: executor.claims().to_vec(),
        };
        plan.decisions.push(Decision {
            action,
            why: Why::Grow1,
        });
    }
}

/// CLAIM: what would be dealt, were there a claim for everyone: so many claims may be made, and what stops more of them is
/// not that there are none. Places are not kept for those that wait for one.
struct Asked {
    /// Of the groups that lack claims.
    needs: BTreeMap<Group, Need>,
    room: Room,
}

impl Asked {
    fn of(needs: &[Need], dealt: Option<&Group>, room: &Room) -> Self {
        let lacks = |need: &Need| {
            let supply = need.supply.as_ref();
            supply.is_some_and(|supply| supply.left() < need.missing)
        };
        let mut room = room.clone();
        if !needs.iter().any(lacks) {
            return Self {
                needs: BTreeMap::new(),
                room,
            };
        }
        let mut all = needs.to_vec();
        for need in &mut all {
            need.supply = None;
        }
        deal(&mut all, dealt, &mut room);
        let lacking = all.into_iter().zip(needs).filter(|(_, need)| lacks(need));
        Self {
            needs: lacking.map(|(all, _)| (all.group.clone(), all)).collect(),
            room,
        }
    }
}

/// GROW-2: what is scarce is dealt out one at a time, in rounds over the groups by name that go on where the last one
/// ended; the group that was dealt the last.
fn deal(needs: &mut [Need], dealt: Option<&Group>, room: &mut Room) -> Option<Group> {
    let first = needs.partition_point(|need| Some(&need.group) <= dealt);
    let mut last = None;
    loop {
        let mut more = false;
        for at in (first..needs.len()).chain(0..first) {
            let need = &mut needs[at];
            if room.has_for(need) {
                more = true;
                if let Some(probing) = &mut need.probing {
                    probing.due = false;
                }
                need.missing -= 1;
                need.given += 1;
                need.pending_room -= 1;
                need.batch_room -= 1;
                room.window -= 1;
                room.pending -= 1;
                room.executors -= 1;
                room.ids -= 1;
                last = Some(at);
            }
        }
        if !more {
            return last.map(|at| needs[at].group.clone());
        }
    }
}

pub(super) fn add(
    unmet: &mut BTreeMap<Unmet, Unfilled>,
    why: Unmet,
    executors: u64,
    until: Option<Time>,
) {
    if executors > 0 {
        let unfilled = unmet.entry(why).or_default();
        unfilled.executors += executors;
        unfilled.until = unfilled.until.or(until);
    }
}
