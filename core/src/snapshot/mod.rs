//! Everything known at one moment, as one immutable value: a clone is O(1), a change O(log n).
//!
//! [`Snapshot::apply`] is the only way it changes. The rooms: `record` is what is kept of one executor, `index` what
//! is derived from it; `seeing`, `answers`, `wishes` and `issued` fold in what comes from each side.

mod answers;
mod budget;
mod cause;
pub(crate) mod claims;
pub(crate) mod classify;
mod early;
pub(crate) mod governor;
pub(crate) mod groups;
mod index;
mod issued;
mod leading;
mod listing;
mod meets;
pub(crate) mod record;
mod removed;
mod seeing;
pub(crate) mod startup;
mod stray;
mod view;
mod wishes;

pub(crate) use answers::wait;
pub(crate) use budget::MemoryMark;
pub(crate) use index::Rank;

use crate::{
    config::Config,
    input::{Input, Shutdown, WatchEvent},
    output::Why,
    plan::{Finding, Plan, WakeReason},
    words::{ActionId, ExecutorId, Group, Name, Revision, Time, Uid},
};
use budget::Budget;
use claims::Claims;
use early::Early;
use governor::Governor;
use groups::GroupFacts;
use im::{OrdMap, OrdSet, Vector, ordmap::DiffItem};
use index::{Indices, Keys, LAST};
use leading::Leading;
use record::{Executor, Fate, Write};
use removed::Removed;
use serde::{Deserialize, Serialize};
use stray::Stray;
use view::View;

/// What changes a snapshot.
///
/// The second is never in a flight record: a replay makes it again.
#[derive(Clone, Copy, Debug)]
pub enum Change<'a> {
    /// Something from outside.
    Input(&'a Input),
    /// What a plan just decided and told, now under way.
    Issued {
        /// The plan.
        plan: &'a Plan,
        /// The number of its first decision; the others follow.
        first: ActionId,
    },
}

/// Everything known at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    pub(crate) fleet: Name,
    pub(crate) now: Time,
    /// The next sequence of this incarnation.
    pub(crate) next: u32,
    /// Incarnations that this controller has been, with the sequence that each would have given out next.
    issued: OrdMap<u32, u32>,
    pub(crate) executors: OrdMap<ExecutorId, Executor>,
    pub(crate) index: Indices,
    pub(crate) groups: OrdMap<Group, GroupFacts>,
    pub(crate) strays: OrdMap<ExecutorId, Stray>,
    /// Ids that have ended, or were not taken in, and that an older listing or event might still show.
    removed: OrdMap<ExecutorId, Removed>,
    /// Executors of earlier incarnations that were adopted and have ended: what shows under their names is a ghost.
    spent: OrdSet<ExecutorId>,
    /// Registered, and neither seen nor issued by this controller.
    pub(crate) early: OrdMap<ExecutorId, Early>,
    /// To be told missing, though nothing else was known of them (END-3).
    pub(crate) missing: OrdSet<ExecutorId>,
    /// To be told that they are not wanted (SHRINK-3).
    pub(crate) refused: OrdSet<ExecutorId>,
    /// Effects under way.
    actions: OrdMap<ActionId, Open>,
    newest_action: ActionId,
    pub(crate) claims: Claims,
    /// When an excess took executors (SHRINK-5); oldest first.
    pub(crate) deletes: Vector<Time>,
    pub(crate) findings: OrdSet<Finding>,
    pub(crate) told_findings: OrdSet<Finding>,
    /// The group that was dealt the last new executor: the next round begins after it (GROW-2).
    pub(crate) dealt: Option<Group>,
    /// END-2: the last plan that had too few places for all effects cleaned up what has ended: others come first now.
    pub(crate) cleaned: bool,
    pub(crate) governor: Governor,
    pub(crate) budget: Budget,
    pub(crate) leading: Leading,
    pub(crate) view: View,
    pub(crate) desired_known: bool,
    pub(crate) suspended: bool,
    pub(crate) closing: Option<Shutdown>,
}

/// An effect under way.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Open {
    executor: ExecutorId,
    /// When it was issued.
    at: Time,
    sort: record::Sort,
    /// It is about a stray pod, not about the executor of that id.
    stray: bool,
    bound: Bound,
}

/// What an effect's precondition is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Bound {
    /// None: whatever has the name.
    Name,
    Uid,
    Revision,
}

/// What is known of one executor, for those who look from outside.
#[derive(Clone, Copy, Debug)]
pub struct ExecutorState<'a> {
    executor: &'a Executor,
}

impl Snapshot {
    /// Nothing known of the fleet of that name.
    #[must_use]
    pub fn new(config: &Config, fleet: Name) -> Self {
        Self {
            fleet,
            now: Time(0),
            next: 1,
            issued: OrdMap::new(),
            executors: OrdMap::new(),
            index: Indices::default(),
            groups: OrdMap::new(),
            strays: OrdMap::new(),
            removed: OrdMap::new(),
            spent: OrdSet::new(),
            early: OrdMap::new(),
            missing: OrdSet::new(),
            refused: OrdSet::new(),
            actions: OrdMap::new(),
            newest_action: ActionId(0),
            claims: Claims::default(),
            deletes: Vector::new(),
            findings: OrdSet::new(),
            told_findings: OrdSet::new(),
            dealt: None,
            cleaned: false,
            governor: Governor::new(config),
            budget: Budget::default(),
            leading: Leading::default(),
            view: View::default(),
            desired_known: false,
            suspended: false,
            closing: None,
        }
    }

    /// Folds one change in. O(log n), but for listings and wishes about whole groups, which are O(n).
    pub fn apply(&mut self, config: &Config, at: Time, change: Change<'_>) {
        self.advance(config, at);
        match change {
            Change::Input(input) => self.fold_input(config, input),
            Change::Issued { plan, first } => self.fold_issued(config, plan, first),
        }
    }

    fn fold_input(&mut self, config: &Config, input: &Input) {
        self.view.shows(view::revision_of(input));
        match input {
            Input::Wake | Input::Relist => {}
            Input::Desired(change) => self.fold_desired(config, change),
            Input::Engine(report) => self.fold_report(config, report),
            Input::Lease(news) => self.fold_lease(config, news),
            Input::Listed {
                started,
                outcome: Ok(listing),
                ..
            } => {
                self.governor.reachable();
                self.fold_listing(config, *started, listing);
            }
            Input::Listed {
                outcome: Err(_), ..
            } => {}
            Input::Watched { event, .. } => match event {
                WatchEvent::Seen(view) => self.see(config, view),
                WatchEvent::Left(view) => self.see_leave(config, view),
                WatchEvent::Undecodable(name) => {
                    self.findings.insert(Finding::Undecodable(name.clone()));
                }
                WatchEvent::Bookmark(_) | WatchEvent::Ended(_) => {}
            },
            Input::Answered { action, outcome } => self.fold_answer(config, *action, outcome),
        }
    }

    /// The revision of the last listing that was applied: everything up to it is known (SEE-2).
    #[must_use]
    pub fn listed_to(&self) -> Option<Revision> {
        self.view.complete_to
    }

    /// A listing is asked for now: the server answers with no less than it has shown by now.
    pub(crate) fn listing_asked(&mut self) {
        self.view.floor = self.view.newest.map(|newest| (self.now, newest));
    }

    /// Lets time pass: what falls due by it is folded in. Time never goes back.
    fn advance(&mut self, config: &Config, at: Time) {
        let (before, at) = (self.now, at.max(self.now));
        let last = (at, LAST, WakeReason::LeaseRenew);
        let due: Vec<_> = self
            .index
            .deadlines
            .range(..=last)
            .map(|(_, id, _)| *id)
            .collect();
        // Keys are of the moment: those at the old one go, those at the new one come.
        let taken: Vec<_> = due
            .into_iter()
            .filter_map(|id| Some((id, self.take(config, id)?)))
            .collect();
        self.now = at;
        for (id, executor) in taken {
            self.put(config, id, executor);
        }
        self.leading.advance(at);
        self.note_stuck_strays(before);
        let window = config.failing.failure_window;
        while let Some(group) = self.budget.forget_one(at, window) {
            if let Some(facts) = self.groups.get_mut(&group) {
                facts.failures = facts.failures.saturating_sub(1);
            }
            self.note_group(&group);
        }
    }

    /// More than the one deadline that was kept may have passed by now.
    fn fall_due(&mut self, config: &Config, id: ExecutorId, executor: &mut Executor) {
        if executor.started_well(config, self.now).is_ok() {
            self.prove(id, executor);
        }
        if let Fate::Draining { why, cause, .. } = &executor.fate
            && index::drain_ends_at(config, executor).is_some_and(|ends| ends <= self.now)
        {
            executor.fate = Fate::condemned(*why, cause.clone(), true);
        }
        self.end_overdue(config, id, executor);
    }

    /// Changes one executor, and what is derived from it. Nothing where there is none of that id.
    fn change<R>(
        &mut self,
        config: &Config,
        id: ExecutorId,
        change: impl FnOnce(&mut Self, &mut Executor) -> R,
    ) -> Option<R> {
        let mut executor = self.take(config, id)?;
        let result = change(self, &mut executor);
        self.put(config, id, executor);
        Some(result)
    }

    /// SEE-5, END-1: whether it is a finding how long that executor takes.
    fn is_executor_stuck(&self, config: &Config, id: ExecutorId) -> bool {
        let executor = self.executors.get(&id);
        executor.is_some_and(|executor| index::is_stuck(config, executor, self.now))
    }

    /// Takes an executor out of what is derived, to be changed and put back, or dropped.
    fn take(&mut self, config: &Config, id: ExecutorId) -> Option<Executor> {
        let executor = self.executors.get(&id)?.clone();
        let mut keys = Keys::of(config, self.now, self.leading.incarnation, id, &executor);
        if planted!(config, StaleVictims) {
            keys.victim = None;
        }
        self.index.remove(id, &executor.group, &keys);
        for claim in &keys.claims {
            self.note_claim(claim);
        }
        if let Some(facts) = self.groups.get_mut(&executor.group) {
            facts.tally.subtract(&keys.tally);
        }
        if keys.stuck && !self.is_stray_stuck(config, id) {
            self.findings.remove(&Finding::Stuck(id));
        }
        Some(executor)
    }

    /// Puts back an executor that was taken, and lets happen what is due on it at once: a time of nothing, a moment that is
    /// past when it becomes known.
    fn put(&mut self, config: &Config, id: ExecutorId, mut executor: Executor) {
        self.fall_due(config, id, &mut executor);
        let keys = Keys::of(config, self.now, self.leading.incarnation, id, &executor);
        self.index.insert(id, &executor.group, &keys);
        for claim in &keys.claims {
            self.note_claim(claim);
        }
        let facts = self.groups.entry(executor.group.clone()).or_default();
        facts.tally.add(&keys.tally);
        if keys.stuck {
            self.findings.insert(Finding::Stuck(id));
        }
        self.note_group(&executor.group);
        self.executors.insert(id, executor);
    }

    /// Forgets an executor that was taken out, without a trace but in what guards against late copies.
    fn drop_taken(&mut self, id: ExecutorId, executor: &Executor) {
        self.executors.remove(&id);
        self.unprobe(id, &executor.group);
        self.note_group(&executor.group);
    }

    /// An executor that is told lost, and whose pod is gone, is forgotten.
    fn forget(&mut self, config: &Config, id: ExecutorId) {
        let Some(executor) = self.take(config, id) else {
            return;
        };
        if !self.is_own(id) {
            self.spent.insert(id);
        }
        self.drop_taken(id, &executor);
    }

    /// Whether this controller gave out that id, in whatever incarnation.
    fn is_own(&self, id: ExecutorId) -> bool {
        match id.incarnation == self.leading.incarnation {
            true => id.sequence < self.next,
            false => self
                .issued
                .get(&id.incarnation)
                .is_some_and(|next| id.sequence < *next),
        }
    }

    /// LIVE-1: a group that nobody ever wanted has executors; SHRINK-4: one that is gone in all respects is forgotten.
    fn note_group(&mut self, group: &Group) {
        let Some(facts) = self.groups.get(group) else {
            return;
        };
        let unknown = self.desired_known && !facts.stated && !facts.tally.is_empty();
        let finding = Finding::UnknownGroup(group.clone());
        if facts.is_forgettable() {
            self.groups.remove(group);
        }
        if unknown {
            self.findings.insert(finding);
        } else {
            self.findings.remove(&finding);
        }
    }

    /// The moment of this snapshot.
    #[must_use]
    pub fn now(&self) -> Time {
        self.now
    }

    /// Which life of the controller this is; 0 before it held the lease.
    #[must_use]
    pub fn incarnation(&self) -> u32 {
        self.leading.incarnation
    }

    /// All executors that are not forgotten, by id.
    pub fn executors(&self) -> impl Iterator<Item = (ExecutorId, ExecutorState<'_>)> {
        self.executors
            .iter()
            .map(|(id, executor)| (*id, ExecutorState { executor }))
    }

    /// That executor; None where it is forgotten, or was never known.
    #[must_use]
    pub fn executor(&self, id: ExecutorId) -> Option<ExecutorState<'_>> {
        let executor = self.executors.get(&id)?;
        Some(ExecutorState { executor })
    }

    /// The executors that are not as they were in `earlier`, or that only one of both has. Costs what has changed, where
    /// this one came of `earlier`.
    pub fn changed_since<'a>(
        &'a self,
        earlier: &'a Snapshot,
    ) -> impl Iterator<Item = ExecutorId> + 'a {
        let changes = earlier.executors.diff(&self.executors);
        changes.map(|change| match change {
            DiffItem::Add(id, _) | DiffItem::Remove(id, _) => *id,
            DiffItem::Update { new: (id, _), .. } => *id,
        })
    }

    /// LIVE-1: whether decisions may be made: the lease is held, a whole listing was applied since, and the engine has
    /// said what it wants.
    #[must_use]
    pub fn is_acting(&self) -> bool {
        self.leading.may_act(self.now) && self.desired_known
    }

    /// Until when an effect on that executor, or on a pod of its name, is waited for (SEE-5); None: there is none.
    pub(crate) fn open_until(&self, config: &Config, id: ExecutorId) -> Option<Time> {
        let open = self.actions.values().filter(|open| open.executor == id);
        open.map(|open| open.at.after(config.ending.stuck_after))
            .max()
            .filter(|until| *until > self.now)
    }

    /// Whether no effect is under way.
    pub(crate) fn has_nothing_open(&self) -> bool {
        self.actions.is_empty() && self.claims.has_nothing_open()
    }

    /// Whether nothing of the fleet is known to be left but claims on their way out: those go without us.
    pub(crate) fn is_empty(&self) -> bool {
        self.executors.is_empty()
            && self.strays.is_empty()
            && self.claims.all.values().all(|claim| claim.deleting)
            && self.has_nothing_open()
    }

    /// From when on only a new listing tells what became of some executor (END-3, SEE-5).
    pub(crate) fn wants_listing_at(&self, config: &Config) -> Option<Time> {
        if !self.index.listing.is_empty() || self.is_any_stray_stuck() {
            return Some(self.now);
        }
        let (early, _) = self.index.early.get_min()?;
        Some(early.after(config.ending.missing_tolerance))
    }

    /// Whether all that is derived is what a full scan gives.
    ///
    /// # Errors
    /// Says what differs.
    pub fn check_indices(&self, config: &Config) -> Result<(), String> {
        let mut scan = Indices::default();
        let mut tallies = OrdMap::<Group, groups::Tally>::new();
        let mut stuck = OrdSet::new();
        for (id, executor) in &self.executors {
            let keys = Keys::of(config, self.now, self.leading.incarnation, *id, executor);
            scan.insert(*id, &executor.group, &keys);
            tallies
                .entry(executor.group.clone())
                .or_default()
                .add(&keys.tally);
            if keys.stuck {
                stuck.insert(Finding::Stuck(*id));
            }
        }
        for (id, stray) in &self.strays {
            scan.insert_stray(config, *id, stray);
        }
        let early = self.early.iter().map(|(id, early)| (early.at, *id));
        scan.early = early.collect();
        let strays = self.strays.keys();
        let stuck_strays = strays.filter(|id| self.is_stray_stuck(config, **id));
        stuck.extend(stuck_strays.map(|id| Finding::Stuck(*id)));
        if scan != self.index {
            return Err(format!(
                "indices {:?}\nbut a scan gives {scan:?}",
                self.index
            ));
        }
        for (name, claim) in &self.claims.all {
            let key = (claim.group.clone(), claim.born, name.clone());
            let there = claim.step == claims::Step::There && !claim.deleting;
            if self.claims.free.contains(&key) != (there && !self.is_held(name)) {
                return Err(format!("claim {name} is free or not: {claim:?}"));
            }
        }
        for (group, facts) in &self.groups {
            let scanned = tallies.remove(group).unwrap_or_default();
            if scanned != facts.tally {
                return Err(format!(
                    "tally of {group}: {:?}\nbut a scan gives {scanned:?}",
                    facts.tally
                ));
            }
        }
        if tallies.values().any(|tally| !tally.is_empty()) {
            return Err(format!("groups without facts: {tallies:?}"));
        }
        let told_stuck: OrdSet<_> = self
            .findings
            .iter()
            .filter(|f| matches!(f, Finding::Stuck(_)))
            .cloned()
            .collect();
        if told_stuck != stuck {
            return Err(format!("stuck: {told_stuck:?}\nbut a scan gives {stuck:?}"));
        }
        Ok(())
    }
}

impl ExecutorState<'_> {
    /// Its group.
    #[must_use]
    pub fn group(&self) -> &Group {
        &self.executor.group
    }

    /// Its class; None where its pod is gone.
    #[must_use]
    pub fn class(&self) -> Option<crate::plan::Class> {
        self.executor.class()
    }

    /// The UID of its pod, by its create's answer or its first sight (SEE-3).
    #[must_use]
    pub fn uid(&self) -> Option<&Uid> {
        self.executor.uid()
    }

    /// Whether it counts towards its group's target (GROW-1).
    #[must_use]
    pub fn counts(&self) -> bool {
        self.executor.counts()
    }

    /// Whether it has registered with the engine.
    #[must_use]
    pub fn is_registered(&self) -> bool {
        self.executor.is_registered()
    }

    /// The rule by which it is let go or deleted; None where it is not, or has ended.
    #[must_use]
    pub fn leaves_by(&self) -> Option<Why> {
        match &self.executor.fate {
            Fate::Draining { why, .. } | Fate::Condemned { why, .. } => Some(*why),
            Fate::Wanted | Fate::Ended { .. } => None,
        }
    }

    /// Whether it has ended (END-1).
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.executor.has_ended()
    }

    /// Whether a write of ours on it is open (SEE-5).
    #[must_use]
    pub fn has_open_write(&self) -> bool {
        !matches!(self.executor.write, Write::None)
    }
}
