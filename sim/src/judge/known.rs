//! What one controller was told and has said: the other half of the ledger.

mod back;
mod listed;

use super::{
    executor::{Effect, Executor, Failed, bound_of, uid_of, verb},
    truth::{end_of, is_finished},
};
use back::Back;
use evenkeel::core::{
    ActionId, Config, ExecutorId, Group, RequestId, Revision, Time,
    input::{
        DesiredChange, EngineReport, GroupWish, Input, KillReason, LeaseNews, Outcome, PodView,
        Refusal, Shutdown, WatchEvent,
    },
    output::{Action, Notice, Why},
    plan::Finding,
};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// How a pod is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sight {
    /// By a listing; `doubted`: one that may have been kept aside.
    Listed {
        doubted: bool,
    },
    Seen,
    Left,
}

/// What one controller was told and has said.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Known {
    /// When its clock began, by the world's.
    pub started: Time,
    /// The incarnation that its lease gave, or the later one that it went over to.
    pub incarnation: u32,
    /// Until when the lease is its own, by its own clock.
    pub held_until: Option<Time>,
    /// A sidecar's end counts (SEE-1).
    all: bool,
    /// What the engine wants.
    pub groups: BTreeMap<Group, GroupWish>,
    /// The engine has said what it wants.
    pub spoke: bool,
    /// The fleet is suspended.
    pub suspended: bool,
    /// The fleet is to end.
    pub shutdown: Option<Shutdown>,
    /// How many failures it told, or was left by the controller before.
    pub failures: u64,
    /// It removed the lease, as the one whose fleet it is.
    pub removed_lease: bool,
    /// Listings and watches that it asked for, and that are not over: what comes of others is not for it any more.
    pub requests: BTreeSet<RequestId>,
    /// How many effects were answered.
    #[serde(skip)]
    answers: u64,
    /// What that was when it asked for each listing.
    #[serde(skip)]
    asked: BTreeMap<RequestId, u64>,
    /// The revision of the last listing that it was given.
    pub listed: Option<Revision>,
    /// The newest revision that it was shown, by whatever.
    newest: Option<Revision>,
    /// What that was when it last asked for a listing.
    floor: Option<Revision>,
    /// Listings that were below what it knew (SEE-2).
    back: Back,
    /// The last one was kept aside, for lacking too many (SHRINK-5).
    aside: bool,
    /// From how many percent on that is so.
    suspicious: Option<u32>,
    /// Some are gone by that listing, if it was not kept aside.
    #[serde(skip)]
    gone_doubted: bool,
    /// What it knows of executors.
    pub executors: BTreeMap<ExecutorId, Executor>,
    /// Those of whom a listing can say more than that they are gone: of thousands, these are few.
    #[serde(skip)]
    unsettled: BTreeSet<ExecutorId>,
    /// Effects without an answer: whose, and why.
    pub open: BTreeMap<ActionId, Effect>,
    /// Groups that were removed or suspended at some time: their executors may be let go.
    pub given_up: BTreeSet<Group>,
}

impl Known {
    /// What a controller knows that is started now: nothing.
    pub(super) fn new(now: Time, config: &Config) -> Self {
        Self {
            started: now,
            all: config.seeing.check_all_containers,
            suspicious: config.shrinking.suspicious_loss,
            back: Back::new(config.seeing.watch_silence),
            ..Self::default()
        }
    }

    /// It asks for a listing.
    pub(super) fn lists(&mut self, request: RequestId) {
        self.requests.insert(request);
        self.asked.insert(request, self.answers);
        self.floor = self.newest;
    }

    fn executor(&mut self, id: ExecutorId) -> &mut Executor {
        self.unsettled.insert(id);
        self.executors.entry(id).or_default()
    }

    pub(super) fn issued(&mut self, now: Time, id: ActionId, action: &Action, why: Why) {
        let effect = Effect {
            action: action.clone(),
            why,
            at: now,
        };
        self.open.insert(id, effect);
        let Some(executor) = action.executor() else {
            return;
        };
        let of = self.executor(executor);
        of.open += 1;
        match action {
            Action::Create { group, .. } => {
                // One of that id that registered, and was refused, before there was any is not this one.
                if of.refused && of.creates == 0 && of.shown.is_none() {
                    of.refused = false;
                    of.registered = false;
                }
                of.creates += 1;
                of.group = group.clone();
            }
            Action::Delete { uid, revision, .. } => {
                of.bound = revision.is_some();
                of.withdrawn |= uid.is_none();
                of.deleted_first |= of.end.is_none();
                of.condemned = true;
            }
            _ => {}
        }
    }

    pub(super) fn noticed(&mut self, now: Time, notice: &Notice) {
        match notice {
            Notice::Started {
                executor, adopted, ..
            } => {
                let of = self.executor(*executor);
                of.started = true;
                of.taken_in = true;
                // Refused by its id as long as nobody knew whose it is, or while nothing was wanted: that registration
                // counts for nothing.
                of.registered &= !of.refused || of.registered_since;
                of.refused = false;
                of.strange &= !adopted;
            }
            Notice::Drain { executor, why, .. } => {
                let of = self.executor(*executor);
                of.draining.get_or_insert(now);
                of.drained_for = Some(*why);
            }
            Notice::Refuse { executor } => {
                let of = self.executor(*executor);
                of.refused = true;
                of.registered_since = false;
            }
            Notice::Raised(Finding::GhostPod(name) | Finding::StrayedPod(name)) => {
                let id = name
                    .split_once("-exec-")
                    .and_then(|(_, id)| id.parse().ok());
                if let Some(id) = id {
                    let of = self.executor(id);
                    of.strange = true;
                    // It is found anew: it waits for nothing.
                    of.failed = None;
                }
            }
            Notice::Raised(Finding::SuspiciousLoss) => self.settle_doubts(true),
            Notice::Lost {
                executor, cause, ..
            } => {
                self.executor(*executor).lost.get_or_insert(cause.clone());
                self.failures += u64::from(cause.is_failure());
            }
            _ => {}
        }
    }

    /// Whether this is something that it still waits for.
    #[must_use]
    pub fn awaits(&self, input: &Input) -> bool {
        match input {
            Input::Listed { request, .. } | Input::Watched { request, .. } => {
                self.requests.contains(request)
            }
            _ => true,
        }
    }

    pub(super) fn given(&mut self, now: Time, input: &Input) {
        self.settle_doubts(false);
        match input {
            Input::Desired(change) => self.wished(change),
            Input::Engine(report) => self.reported(report),
            Input::Lease(news) => match news {
                LeaseNews::Held {
                    incarnation,
                    until,
                    memory,
                } => {
                    self.failures += memory.failures.len() as u64;
                    // A new incarnation begins: nothing waits any more. And those of incarnations between were not its
                    // own as long as another led: it looked at none of them.
                    let before = std::mem::replace(&mut self.incarnation, *incarnation);
                    self.unsettled.extend(self.executors.keys());
                    for (id, of) in &mut self.executors {
                        of.failed = None;
                        if id.incarnation > before && of.lost.is_none() {
                            of.end = None;
                        }
                    }
                    self.held_until = Some(*until);
                }
                LeaseNews::Renewed { until } => self.held_until = Some(*until),
                LeaseNews::HeldByOther | LeaseNews::Lost | LeaseNews::Gone => {
                    self.held_until = None
                }
                LeaseNews::Failed(_) => {}
            },
            Input::Listed {
                request, outcome, ..
            } => {
                self.requests.remove(request);
                let answered = self.asked.remove(request).unwrap_or(0);
                if let Ok(listing) = outcome {
                    self.listed(now, answered, listing);
                }
            }
            Input::Watched { request, event } => match event {
                WatchEvent::Ended(_) => {
                    self.requests.remove(request);
                }
                WatchEvent::Seen(view) => {
                    self.shows(Some(view.revision));
                    self.shown(view, Sight::Seen);
                }
                WatchEvent::Left(view) => {
                    self.shows(Some(view.revision));
                    self.shown(view, Sight::Left);
                }
                WatchEvent::Bookmark(revision) => {
                    self.shows(Some(*revision));
                }
                WatchEvent::Undecodable(_) => {}
            },
            Input::Answered { action, outcome } => self.answered(now, *action, outcome),
            Input::Wake | Input::Relist => {}
        }
    }

    /// Executors that are over are forgotten, once the engine was told where it was to be; but not where something
    /// `comes` of them still.
    pub(super) fn forget(&mut self, comes: &impl Fn(ExecutorId) -> bool) {
        self.executors.retain(|id, of| {
            if of.made.is_some() {
                // Which of the two is newer is all that counts of them.
                of.made = of.made.max(of.shown);
            }
            let told = of.lost.is_some() || !of.started;
            let over = of.is_settled() && told && of.open == 0;
            !over || comes(*id)
        });
    }

    /// Those that are not settled; all that may be there are among them.
    fn unsettled(&self) -> impl Iterator<Item = &Executor> {
        let known = |id| self.executors.get(id);
        self.unsettled.iter().filter_map(known)
    }

    /// How many of that group it has to think are there and stay: at most.
    #[must_use]
    pub fn believed(&self, group: &Group) -> u64 {
        let mine = self.unsettled().filter(|of| of.group == *group);
        let there = mine.filter(|of| {
            let known = of.creates > 0 || of.shown.is_some() || of.registered;
            known && of.may_stay()
        });
        there.count() as u64
    }

    fn wished(&mut self, change: &DesiredChange) {
        if let Some(whole) = &change.whole {
            self.spoke = true;
            for group in self.groups.keys() {
                if !whole.contains_key(group) {
                    self.given_up.insert(group.clone());
                }
            }
            self.groups.clone_from(whole);
        }
        if self.spoke {
            let known = self.executors.values().map(|of| &of.group);
            let unwanted = known.filter(|group| !self.groups.contains_key(*group));
            self.given_up.extend(unwanted.cloned());
        }
        for (group, wish) in &change.groups {
            self.groups.insert(group.clone(), wish.clone());
        }
        for group in &change.remove {
            self.groups.remove(group);
            self.given_up.insert(group.clone());
        }
        if let Some(suspended) = change.suspend {
            self.suspended = suspended;
        }
        if self.suspended {
            // One that is named only now is suspended with the others: who is drained by that goes on (SHRINK-4).
            self.given_up.extend(self.groups.keys().cloned());
        }
        self.shutdown = self.shutdown.max(change.shutdown);
        for id in &change.release {
            self.executor(*id).let_go = true;
        }
        for (id, KillReason::Asked | KillReason::Unhealthy(_)) in &change.kill {
            self.executor(*id).let_go = true;
        }
    }

    fn reported(&mut self, report: &EngineReport) {
        match report {
            EngineReport::Registered(id) => {
                let of = self.executor(*id);
                of.registered = true;
                of.registered_since = true;
            }
            EngineReport::Idle { executor, .. } => self.executor(*executor).idle = true,
            EngineReport::Busy(id) => self.executor(*id).idle = false,
            EngineReport::Disrupted { executor, .. } => self.executor(*executor).disrupted = true,
            EngineReport::Drained(id) => {
                let group = self.executor(*id).group.clone();
                let unwanted = self.suspended || self.spoke && !self.groups.contains_key(&group);
                let of = self.executor(*id);
                of.drained = true;
                // Let go for good, whatever is said of its group later; one that has no use for a drain is not.
                let known = of.creates > 0 || of.taken_in;
                of.drained_unwanted |= unwanted && known && (of.registered || of.started);
            }
            EngineReport::Metric { .. } => {}
        }
    }

    /// Something other than a listing is shown at that revision.
    fn shows(&mut self, revision: Option<Revision>) {
        if revision > self.newest {
            self.newest = revision;
            // A cluster that has gone back gives out none that is new (SEE-2).
            self.back.over();
        }
    }

    /// It is shown a pod; whose that is.
    fn shown(&mut self, view: &PodView, sight: Sight) -> Option<ExecutorId> {
        let id: ExecutorId = view.labels.executor.as_deref()?.parse().ok()?;
        let (all, left) = (self.all, sight == Sight::Left);
        let event = !matches!(sight, Sight::Listed { .. });
        // An event that the last listing accounts for changes nothing (SEE-2): what that lacked was gone by then.
        let covered = event && self.listed.is_some_and(|listed| view.revision <= listed);
        let earlier = id.incarnation < self.incarnation;
        let of = self.executor(id);
        if covered && of.uid.is_none() {
            return Some(id);
        }
        // Of one that another controller asked for, it can't know that there was one before under this name.
        let another = of.uid.as_ref().is_some_and(|uid| *uid != view.uid);
        if another && of.gone && of.creates == 0 {
            *of = Executor::default();
        }
        // And what it was shown of one that it has not taken in is no past of it: that begins with what it is taken in by.
        let newer = of.shown.is_some_and(|shown| shown < view.revision);
        if newer && of.creates == 0 && !of.taken_in {
            (of.uid, of.gone, of.end, of.strayed) = (None, false, None, false);
        }
        if of.shown.is_some_and(|shown| view.revision < shown) {
            return Some(id);
        }
        if of.uid.as_ref().is_some_and(|uid| *uid != view.uid) {
            // A ghost, or what came after: not the pod that this executor is. That was gone by then, write and all.
            if left {
                of.failed = None;
            }
            of.closes_at.take_if(|revision| *revision <= view.revision);
            // A ghost can lose our label, too (SEE-4); with that again, it is in view.
            let before = of.ghost_strayed.as_ref();
            if before.is_none_or(|(_, revision)| *revision < view.revision) {
                let strays = left && view.deleting.is_none() && !is_finished(view, all);
                of.ghost_strayed = strays.then(|| (view.uid.clone(), view.revision));
            }
            return Some(id);
        }
        // Its create was answered with what is newer (GROW-3).
        if of.made.is_some_and(|made| view.revision < made) {
            return Some(id);
        }
        if let Some(group) = &view.labels.group {
            of.group = group.clone();
        }
        if std::mem::take(&mut of.lacking) && of.lost.is_none() {
            (of.gone, of.end) = (false, None);
        }
        // What is seen to have changed is decided anew: it waits for nothing.
        let changed = of.shown.is_some_and(|shown| shown < view.revision);
        if changed
            && (left
                || of.strayed
                || of
                    .failed
                    .as_ref()
                    .is_some_and(|failed| failed.verb == "resize"))
        {
            of.failed = None;
        }
        if view
            .memory
            .is_some_and(|memory| Some(memory.asked) != of.resized)
        {
            of.resized = None;
        }
        // What it was shown as a later incarnation's is no news to it by an event that says the same (SEE-2).
        let news = !event || !covered && of.shown < Some(view.revision);
        of.taken_in |= earlier && news;
        of.uid = Some(view.uid.clone());
        let doubted = sight == Sight::Listed { doubted: true };
        if doubted {
            of.before_doubt = Some((of.shown, of.end.clone()));
        }
        of.shown = Some(view.revision);
        if !doubted {
            of.surely_shown = of.shown;
        }
        of.definite = true;
        of.disrupted |= view.disruption.is_some();
        if let Some(end) = end_of(view, left, all).filter(|_| of.end.is_none()) {
            of.end = Some(end);
            of.end_doubted = doubted;
        }
        of.gone |= left;
        if left {
            of.strayed |= (of.lost.is_none() || of.strange)
                && view.deleting.is_none()
                && !is_finished(view, all);
        } else if changed {
            // With our label again, it is in view.
            of.strayed = false;
        }
        if of
            .closes_at
            .is_some_and(|revision| revision <= view.revision)
            || left
        {
            of.closes_at = None;
        }
        let group = of.group.clone();
        if self.spoke && !self.groups.contains_key(&group) {
            self.given_up.insert(group);
        }
        Some(id)
    }

    fn answered(&mut self, now: Time, action: ActionId, outcome: &Outcome) {
        if let Outcome::Done { revision, .. } = outcome {
            self.shows(*revision);
        }
        let Some(effect) = self.open.remove(&action) else {
            return;
        };
        let Some(executor) = effect.action.executor() else {
            return;
        };
        let all = self.all;
        self.answers += 1;
        let answers = self.answers;
        let of = self.executor(executor);
        of.open = of.open.saturating_sub(1);
        let name = verb(&effect.action);
        let create = matches!(effect.action, Action::Create { .. });
        of.maybe_made |= create && !matches!(outcome, Outcome::Refused(_));
        if create {
            of.answered = answers;
        }
        match outcome {
            Outcome::Done { revision, uid } => {
                of.failed = None;
                of.done.insert((name, uid_of(&effect.action)));
                if let Action::Resize { memory, .. } = &effect.action {
                    // What was shown since may be an earlier resize that landed late.
                    let newer = of
                        .shown
                        .zip(*revision)
                        .is_some_and(|(shown, at)| shown > at);
                    of.resized = Some(*memory).filter(|_| !newer);
                }
                if create {
                    of.definite = true;
                    of.made = *revision;
                    // What was shown first is the executor; a late copy of its create may have made another.
                    of.uid = of.uid.take().or(uid.clone());
                } else {
                    // What is out of view is not shown again.
                    let to_show = |revision: &Revision| {
                        let shown = of.shown.is_some_and(|shown| shown >= *revision);
                        !shown && !of.is_out_of_view(&effect.action)
                    };
                    of.closes_at = revision.filter(to_show).or(of.closes_at);
                }
            }
            Outcome::Exists(there) => {
                of.definite = true;
                let group = &of.group;
                let ours = |view: &PodView| {
                    let id = view.labels.executor.as_deref().map(str::parse);
                    id == Some(Ok(executor)) && view.labels.group.as_ref() == Some(group)
                };
                match there.as_ref().filter(|view| ours(view)) {
                    Some(view) => {
                        of.made = of.made.max(Some(view.revision));
                        of.uid = of.uid.take().or(Some(view.uid.clone()));
                        // GROW-3: of one that was never shown, that is its first sight.
                        if of.shown.is_none() && of.uid.as_ref() == Some(&view.uid) {
                            of.disrupted |= view.disruption.is_some();
                            of.end = of.end.take().or_else(|| end_of(view, false, all));
                        }
                    }
                    None => of.rejected = true,
                }
            }
            Outcome::Absent => {
                if !create {
                    of.gone |= of.uid.is_some();
                }
            }
            Outcome::Changed => {
                of.failed = None;
                // It came too late: the executor is let live, as if it had never been asked for.
                if of.bound && !of.maybe_deleted {
                    of.condemned = false;
                    of.bound = false;
                    // One that was seen going by then has its cause by that delete (END-1).
                    of.deleted_first &= of.end.is_some();
                }
            }
            Outcome::Refused(Refusal::TooLate) => {}
            Outcome::Refused(_) | Outcome::Unclear(_) => {
                of.rejected |= create
                    && matches!(
                        outcome,
                        Outcome::Refused(Refusal::Forbidden(_) | Refusal::Invalid(_))
                    );
                of.maybe_deleted |= name == "delete" && matches!(outcome, Outcome::Unclear(_));
                let before = of.failed.take();
                let before = before.filter(|failed| failed.is_of(&effect.action, effect.why));
                of.failed = Some(Failed {
                    verb: name,
                    why: effect.why,
                    bound: bound_of(&effect.action),
                    uid: uid_of(&effect.action),
                    at: now,
                    first: before.as_ref().map_or(now, |failed| failed.first),
                    times: before.map_or(0, |failed| failed.times) + 1,
                });
            }
        }
    }
}
