//! The ledger that all judges share: what is true in the cluster, and what each controller was told and has said. It is
//! kept from facts alone, never from a controller's own view.

use super::fact::Fact;
use evenkeel::core::{
    ActionId, Config, ExecutorId, Group, Name, Output, RequestId, Revision, Time, Uid,
    input::{
        ContainerView, DesiredChange, EngineReport, GroupWish, Input, KillReason, LeaseNews,
        Outcome, Phase, PodView, Refusal, Shutdown, WatchEvent,
    },
    output::{Action, Cause, LeaseWish, Notice, Why},
    plan::Finding,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Everything that judges may rely on.
#[derive(Clone, Debug)]
pub struct Truth {
    /// The world's clock.
    pub now: Time,
    /// The fleet.
    pub fleet: Name,
    /// Its knobs.
    pub config: Arc<Config>,
    /// The pods that are there: the fleet's, and others under names of its executors.
    pub pods: BTreeMap<Name, TruePod>,
    /// The controllers that live.
    pub processes: BTreeMap<u32, Known>,
    /// Each id that was ever asked for: by which process.
    pub ids: BTreeMap<ExecutorId, u32>,
    /// How each executor's pod truly ended first: the pod, and how.
    pub ends: BTreeMap<ExecutorId, (Uid, End)>,
    /// Since when all is well.
    pub calm: Option<Time>,
    /// Claims were deleted: what waits for one may be given up for that, and only the controller knows when it saw it.
    pub claims_lost: bool,
}

/// A pod as it truly is.
#[derive(Clone, Debug)]
pub struct TruePod {
    /// The executor that it is of.
    pub executor: Option<ExecutorId>,
    /// As its newest revision shows it.
    pub view: PodView,
    /// Its containers have ended, or its main one, or a sidecar where that counts (SEE-1).
    pub finished: bool,
    /// It was without our label at some time, or lacked in a listing: a controller may have looked just then.
    pub was_out_of_view: bool,
}

impl TruePod {
    /// It carries the fleet's label, and is not one that ended and was kept.
    #[must_use]
    pub fn is_in_view(&self) -> bool {
        self.view.labels.executor.is_some() && !self.view.labels.finished
    }

    /// It neither ended nor is being deleted.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.view.deleting.is_none() && !self.finished
    }
}

/// Whether a pod's containers, or its main one, have ended; `all`: a sidecar that ended otherwise than with 0 counts too.
fn is_finished(view: &PodView, all: bool) -> bool {
    matches!(view.phase, Phase::Succeeded | Phase::Failed)
        || matches!(view.main, Some(ContainerView::Terminated { .. }))
        || (all && view.sidecar_failed)
}

/// How a pod's end began, by its own views.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Its main container ended by itself with that exit code, or for want of memory.
    Failed {
        /// The exit code.
        exit_code: i32,
    },
    /// Its main container ended with 0.
    Completed,
    /// Its node or the cluster put it out, or somebody deleted it: no fault of its own.
    Voluntary,
    /// It failed in another way: its node refused it.
    Refused,
}

/// What a view says of a pod's end: None where it goes on.
fn end_of(view: &PodView, gone: bool, all: bool) -> Option<End> {
    let finished = is_finished(view, all);
    if !finished && view.deleting.is_none() && !gone {
        return None;
    }
    if !finished || view.deleting.is_some() || view.disruption.is_some() {
        return Some(End::Voluntary);
    }
    let put_out = [
        "Evicted",
        "Preempting",
        "NodeLost",
        "NodeShutdown",
        "Shutdown",
        "Terminated",
    ];
    if view
        .reason
        .as_deref()
        .is_some_and(|reason| put_out.contains(&reason))
    {
        return Some(End::Voluntary);
    }
    Some(match &view.main {
        Some(ContainerView::Terminated {
            exit_code: 0,
            reason,
        }) if &**reason != "OOMKilled" => End::Completed,
        Some(ContainerView::Terminated { exit_code, .. }) => End::Failed {
            exit_code: *exit_code,
        },
        _ if view.phase == Phase::Succeeded => End::Completed,
        _ => End::Refused,
    })
}

/// What one controller was told and has said.
#[derive(Clone, Debug, Default)]
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
    /// How many listings it was given.
    pub listings: u64,
    /// The revision of the last one.
    pub listed: Option<Revision>,
    /// The newest revision that it was shown, by whatever.
    newest: Option<Revision>,
    /// What that was when it last asked for a listing.
    floor: Option<Revision>,
    /// The last one was kept aside, for lacking too many (SHRINK-5).
    aside: bool,
    /// From how many percent on that is so.
    suspicious: Option<u32>,
    /// What it knows of executors.
    pub executors: BTreeMap<ExecutorId, Executor>,
    /// Effects without an answer: whose, and why.
    pub open: BTreeMap<ActionId, Effect>,
    /// Groups that got another template at some time.
    pub remade: BTreeSet<Group>,
    /// Groups that were removed or suspended at some time: their executors may be let go.
    pub given_up: BTreeSet<Group>,
}

/// An effect that was asked for.
#[derive(Clone, Debug)]
pub struct Effect {
    /// What.
    pub action: Action,
    /// The rule behind it.
    pub why: Why,
    /// When, by the world's clock.
    pub at: Time,
}

/// What one controller was told and has said of one executor.
#[derive(Clone, Debug, Default)]
pub struct Executor {
    /// Its group.
    pub group: Group,
    /// The effects of its own that have no answer.
    pub open: u32,
    /// Its creates: how many it asked for.
    pub creates: u32,
    /// Its create was answered for good, or it was shown: it is there, or was.
    pub definite: bool,
    /// A create of it was answered otherwise than by a refusal.
    pub maybe_made: bool,
    /// It was shown, or its create was answered done.
    pub uid: Option<Uid>,
    /// The newest revision that it was shown at.
    pub shown: Option<Revision>,
    /// It was shown as gone.
    pub gone: bool,
    /// That was by a listing that lacked it, which may have lacked more than was right.
    lacking: bool,
    /// The first end that it was shown.
    pub end: Option<End>,
    /// The revision at which its create was answered done.
    pub made: Option<Revision>,
    /// A write that was answered done closes when it was shown at this revision.
    pub closes_at: Option<Revision>,
    /// A write that was answered without a revision, or failed its precondition, closes with a listing started after then.
    pub closes_after: Option<Time>,
    /// The last effect that failed.
    pub failed: Option<Failed>,
    /// The effects that were answered done, and on which pod.
    pub done: BTreeSet<(&'static str, Option<Uid>)>,
    /// The engine said that it registered.
    pub registered: bool,
    /// The engine was asked to drain it, by the world's clock then.
    pub draining: Option<Time>,
    /// The engine said that it is drained.
    pub drained: bool,
    /// Its create was refused for good, or its name is a stranger's.
    pub rejected: bool,
    /// Its delete was asked for before anything of its end was shown.
    pub deleted_first: bool,
    /// The memory that it was last given.
    pub resized: Option<u64>,
    /// Its last delete was bound to a revision: it may come too late, and then the executor is let live.
    pub bound: bool,
    /// The engine said that it will be lost.
    pub disrupted: bool,
    /// The engine let it go or killed it.
    pub let_go: bool,
    /// The engine said that it is idle.
    pub idle: bool,
    /// A deletion was decided, by this rule first.
    pub condemned: Option<Why>,
    /// It was to be deleted by name, when nobody knew whether it was there.
    pub withdrawn: bool,
    /// It was shown leaving the view, neither ended nor deleted.
    pub strayed: bool,
    /// The engine was told its end.
    pub lost: Option<Cause>,
    /// The engine was told that it started.
    pub started: bool,
    /// The engine was told to refuse it.
    pub refused: bool,
    /// A pod of its name was said to be a ghost, or to have lost our label.
    pub strange: bool,
}

/// An effect that failed, or may have.
#[derive(Clone, Debug)]
pub struct Failed {
    /// What was asked.
    pub verb: &'static str,
    /// The rule behind it.
    pub why: Why,
    /// What it was bound to: a revision, or the memory that was asked for.
    pub bound: Option<u64>,
    /// Which pod it was about, where it said so.
    pub uid: Option<Uid>,
    /// When its answer came, by the world's clock.
    pub at: Time,
    /// When the first of those in a row was.
    pub first: Time,
    /// How many times in a row it has.
    pub times: u32,
}

impl Failed {
    /// Whether that would be the same once more.
    #[must_use]
    pub fn is_of(&self, action: &Action, why: Why) -> bool {
        self.verb == verb(action)
            && self.why == why
            && self.bound == bound_of(action)
            && self.uid == uid_of(action)
    }
}

impl Executor {
    /// It was asked for or shown, and is the one of that UID.
    #[must_use]
    pub fn is(&self, view: &PodView) -> bool {
        (self.creates > 0 || self.shown.is_some())
            && self.uid.as_ref().is_none_or(|uid| *uid == view.uid)
    }

    /// It is on its way out, as far as this controller has said: it does not count any more.
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        self.condemned.is_some()
            || self.draining.is_some()
            || self.disrupted
            || self.lost.is_some()
            || self.let_go
            || self.refused
            || self.strange
    }
}

impl Executor {
    /// Whether this controller may think that it is there and stays.
    fn may_stay(&self) -> bool {
        let goes = self.condemned.is_some() && !self.bound;
        let over = self.gone || self.end.is_some() || self.lost.is_some();
        let parts = self.draining.is_some() || self.refused || self.strange;
        !goes && !over && !parts
    }
}

impl Truth {
    /// Before anything has happened.
    #[must_use]
    pub fn new(fleet: Name, config: Arc<Config>) -> Self {
        Self {
            now: Time(0),
            fleet,
            config,
            pods: BTreeMap::new(),
            processes: BTreeMap::new(),
            ids: BTreeMap::new(),
            ends: BTreeMap::new(),
            calm: None,
            claims_lost: false,
        }
    }

    /// The pods that truly live, that this controller has to answer for, and that it has not said will go.
    pub fn counting<'a>(&'a self, known: &'a Known) -> impl Iterator<Item = &'a TruePod> {
        self.answered_for(known).filter(|pod| {
            pod.is_alive()
                && pod.view.disruption.is_none()
                && !(self.claims_lost
                    && pod.view.phase == Phase::Pending
                    && !pod.view.claims.is_empty())
                && pod
                    .executor
                    .and_then(|id| known.executors.get(&id))
                    .is_some_and(|of| !of.is_leaving())
        })
    }

    /// The pods that are truly there and that this controller has to answer for: it asked for them, or was shown them.
    pub fn answered_for<'a>(&'a self, known: &'a Known) -> impl Iterator<Item = &'a TruePod> {
        self.pods.values().filter(move |pod| {
            let Some(id) = pod.executor.filter(|_| pod.is_in_view()) else {
                return false;
            };
            let Some(of) = known.executors.get(&id) else {
                return false;
            };
            // What an earlier incarnation asked for without an answer may land, and is not known before it is shown.
            let asked = of.open > 0 || of.maybe_made;
            let current = asked && id.incarnation == known.incarnation;
            let issued = of.creates > 0 && (current || of.definite);
            let shown =
                of.shown.is_some() && (of.creates > 0 || id.incarnation < known.incarnation);
            (issued || shown) && of.is(&pod.view)
        })
    }

    /// The group of a pod in view that a controller of that incarnation has as an executor: some controller asked for
    /// it, or it carries an earlier incarnation's labels.
    #[must_use]
    pub fn group_of<'a>(&self, pod: &'a TruePod, incarnation: u32) -> Option<&'a Group> {
        let id = pod.executor?;
        let ours = self.ids.contains_key(&id) || id.incarnation < incarnation;
        let named = pod.view.name == id.pod_name(&self.fleet);
        pod.view
            .labels
            .group
            .as_ref()
            .filter(|_| ours && named && pod.is_in_view())
    }

    /// A listing lacks these pods, and should not.
    pub(super) fn hide(&mut self, names: &[Name]) {
        for name in names {
            if let Some(pod) = self.pods.get_mut(name) {
                pod.was_out_of_view = true;
            }
        }
    }

    /// The creates of that controller that are under way, and have made no pod yet.
    pub fn under_way<'a>(
        &'a self,
        known: &'a Known,
    ) -> impl Iterator<Item = (ExecutorId, &'a Group)> {
        known
            .open
            .values()
            .filter_map(|effect| match &effect.action {
                Action::Create {
                    executor, group, ..
                } => {
                    let shown = known
                        .executors
                        .get(executor)
                        .is_some_and(|of| of.shown.is_some());
                    let there = shown || self.pods.contains_key(&executor.pod_name(&self.fleet));
                    (!there).then_some((*executor, group))
                }
                _ => None,
            })
    }

    /// What that controller was told and has said.
    #[must_use]
    pub fn known(&self, process: u32, executor: ExecutorId) -> Option<&Executor> {
        self.processes.get(&process)?.executors.get(&executor)
    }

    /// Takes a fact in.
    pub(super) fn note(&mut self, fact: &Fact<'_>) {
        match fact {
            Fact::Began { process } => {
                let known = Known {
                    started: self.now,
                    all: self.config.seeing.check_all_containers,
                    suspicious: self.config.shrinking.suspicious_loss,
                    ..Known::default()
                };
                self.processes.insert(*process, known);
            }
            Fact::Died { process } => {
                self.processes.remove(process);
            }
            Fact::Given {
                process, at, input, ..
            } => {
                let now = self.now;
                if let Some(known) = self.processes.get_mut(process)
                    && known.awaits(input)
                {
                    known.given(now, *at, input);
                }
            }
            Fact::Said {
                process, output, ..
            } => self.said(*process, output),
            Fact::Pod {
                executor,
                now,
                gone,
            } => self.pod(*executor, now, *gone),
            Fact::Calm => self.calm = Some(self.now),
            Fact::Silent { .. } | Fact::Sent { .. } | Fact::Landed { .. } | Fact::Made { .. } => {}
        }
    }

    fn pod(&mut self, executor: Option<ExecutorId>, now: &PodView, gone: bool) {
        let all = self.config.seeing.check_all_containers;
        let ended = end_of(now, gone, all).filter(|_| now.labels.executor.is_some());
        if let (Some(executor), Some(end)) = (executor, ended) {
            let uid = now.uid.clone();
            self.ends.entry(executor).or_insert((uid, end));
        }
        if gone {
            self.pods.remove(&now.name);
        } else {
            let before = self.pods.get(&now.name);
            let was_out = before.is_some_and(|pod| pod.was_out_of_view && pod.view.uid == now.uid);
            let pod = TruePod {
                executor,
                view: now.clone(),
                finished: is_finished(now, all),
                was_out_of_view: was_out || now.labels.executor.is_none(),
            };
            self.pods.insert(now.name.clone(), pod);
        }
    }

    fn said(&mut self, process: u32, output: &Output) {
        let now = self.now;
        let Some(known) = self.processes.get_mut(&process) else {
            return;
        };
        match output {
            Output::Execute {
                id, action, why, ..
            } => {
                if let Action::Create { executor, .. } = action {
                    self.ids.entry(*executor).or_insert(process);
                }
                known.issued(now, *id, action, *why);
            }
            Output::Notice(notice) => known.noticed(now, notice),
            Output::List { request, .. } => {
                known.requests.insert(*request);
                known.floor = known.newest;
            }
            Output::Watch { request, .. } => {
                known.requests.insert(*request);
            }
            Output::Close { request } => {
                known.requests.remove(request);
            }
            Output::Lease(LeaseWish::Renew { incarnation, .. }) => known.incarnation = *incarnation,
            Output::Lease(LeaseWish::Remove) => known.removed_lease = true,
            _ => {}
        }
    }
}

impl Known {
    fn executor(&mut self, id: ExecutorId) -> &mut Executor {
        self.executors.entry(id).or_default()
    }

    fn issued(&mut self, now: Time, id: ActionId, action: &Action, why: Why) {
        let effect = Effect {
            action: action.clone(),
            why,
            at: now,
        };
        self.open.insert(id, effect);
        let Some(executor) = executor_of(action) else {
            return;
        };
        let of = self.executor(executor);
        of.open += 1;
        match action {
            Action::Create { group, .. } => {
                of.creates += 1;
                of.group = group.clone();
            }
            Action::Delete { uid, revision, .. } => {
                of.bound = revision.is_some();
                of.withdrawn |= uid.is_none();
                of.deleted_first |= of.end.is_none();
                of.condemned.get_or_insert(why);
            }
            _ => {}
        }
    }

    fn noticed(&mut self, now: Time, notice: &Notice) {
        match notice {
            Notice::Started {
                executor, adopted, ..
            } => {
                let of = self.executor(*executor);
                of.started = true;
                // Refused by its id as long as nobody knew whose it is: that registration counts for nothing.
                of.registered &= !(*adopted && of.refused);
                of.refused &= !adopted;
                of.strange &= !adopted;
            }
            Notice::Drain { executor, .. } => {
                self.executor(*executor).draining.get_or_insert(now);
            }
            Notice::Refuse { executor } => self.executor(*executor).refused = true,
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

    fn given(&mut self, now: Time, at: Time, input: &Input) {
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
                    self.incarnation = *incarnation;
                    self.held_until = Some(*until);
                    // A new incarnation begins: nothing waits any more.
                    for of in self.executors.values_mut() {
                        of.failed = None;
                    }
                }
                LeaseNews::Renewed { until } => self.held_until = Some(*until),
                LeaseNews::HeldByOther | LeaseNews::Lost | LeaseNews::Gone => {
                    self.held_until = None
                }
                LeaseNews::Failed(_) => {}
            },
            Input::Listed {
                request,
                outcome: Err(_),
                ..
            } => {
                self.requests.remove(request);
            }
            Input::Listed {
                request,
                started,
                outcome: Ok(listing),
            } => {
                self.requests.remove(request);
                self.listings += 1;
                if self.least().is_some_and(|least| listing.revision < least) {
                    return;
                }
                self.newest = self.newest.max(Some(listing.revision));
                if !self.aside && self.is_suspicious(&listing.pods) {
                    self.aside = true;
                    return;
                }
                self.aside = false;
                self.listed = Some(listing.revision);
                let mut there = BTreeSet::new();
                for view in &listing.pods {
                    if let Some(id) = self.shown(view, false, false) {
                        there.insert(id);
                    }
                }
                for (id, of) in &mut self.executors {
                    let newest = of.shown.max(of.made);
                    let older = newest.is_none_or(|newest| newest <= listing.revision);
                    let written = of
                        .closes_at
                        .is_none_or(|revision| revision <= listing.revision);
                    let absent = !there.contains(id) && of.uid.is_some();
                    if older && absent {
                        // Whatever was written to it since: it was gone by then, or the listing lies.
                        of.closes_at = None;
                        of.lacking = of.end.is_none();
                        of.gone = true;
                        of.failed = None;
                        of.end.get_or_insert(End::Voluntary);
                    }
                    if written {
                        of.closes_at = None;
                    }
                    if of.closes_after.is_some_and(|since| *started >= since) {
                        of.closes_after = None;
                    }
                }
            }
            Input::Watched { request, event } => match event {
                WatchEvent::Ended(_) => {
                    self.requests.remove(request);
                }
                WatchEvent::Seen(view) => {
                    self.newest = self.newest.max(Some(view.revision));
                    self.shown(view, true, false);
                }
                WatchEvent::Left(view) => {
                    self.newest = self.newest.max(Some(view.revision));
                    self.shown(view, true, true);
                }
                WatchEvent::Bookmark(revision) => {
                    self.newest = self.newest.max(Some(*revision));
                }
                WatchEvent::Undecodable(_) => {}
            },
            Input::Answered { action, outcome } => self.answered(now, at, *action, outcome),
            Input::Wake | Input::Relist => {}
        }
    }

    /// A listing below that revision is older than what it was shown before it asked.
    #[must_use]
    pub fn least(&self) -> Option<Revision> {
        self.listed.max(self.floor)
    }

    /// How many of that group it has to think are there and stay: at most.
    #[must_use]
    pub fn believed(&self, group: &Group) -> u64 {
        let mine = self.executors.values().filter(|of| of.group == *group);
        let there = mine.filter(|of| {
            let known = of.creates > 0 || of.shown.is_some() || of.registered;
            known && of.may_stay()
        });
        there.count() as u64
    }

    /// SHRINK-5, where there is no doubt: a listing lacks far more of those that run than may be lost at once.
    fn is_suspicious(&self, shown: &[PodView]) -> bool {
        let Some(percent) = self.suspicious.filter(|_| self.listed.is_some()) else {
            return false;
        };
        let shown: BTreeSet<&Uid> = shown.iter().map(|view| &view.uid).collect();
        let counting = self
            .executors
            .values()
            .filter(|of| of.shown.is_some() && !of.gone && of.end.is_none() && !of.is_leaving());
        let (mut all, mut lacking) = (0, 0);
        for uid in counting.filter_map(|of| of.uid.as_ref()) {
            all += 1;
            lacking += usize::from(!shown.contains(uid));
        }
        all >= 10 && lacking * 100 >= all * percent as usize && lacking * 100 >= all * 80
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
            let before = self.groups.get(group).map(|wish| wish.template);
            if before.is_some_and(|template| template != wish.template) {
                self.remade.insert(group.clone());
            }
            self.groups.insert(group.clone(), wish.clone());
        }
        for group in &change.remove {
            self.groups.remove(group);
            self.given_up.insert(group.clone());
        }
        if let Some(suspended) = change.suspend {
            self.suspended = suspended;
            if suspended {
                self.given_up.extend(self.groups.keys().cloned());
            }
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
            EngineReport::Registered(id) => self.executor(*id).registered = true,
            EngineReport::Idle { executor, .. } => self.executor(*executor).idle = true,
            EngineReport::Busy(id) => self.executor(*id).idle = false,
            EngineReport::Disrupted { executor, .. } => self.executor(*executor).disrupted = true,
            EngineReport::Drained(id) => self.executor(*id).drained = true,
            EngineReport::Metric { .. } => {}
        }
    }

    /// It is shown a pod; whose that is.
    fn shown(&mut self, view: &PodView, event: bool, left: bool) -> Option<ExecutorId> {
        let id: ExecutorId = view.labels.executor.as_deref()?.parse().ok()?;
        let all = self.all;
        // An event that the last listing accounts for changes nothing (SEE-2): what that lacked was gone by then.
        let covered = event && self.listed.is_some_and(|listed| view.revision <= listed);
        let of = self.executor(id);
        if covered && of.uid.is_none() {
            return Some(id);
        }
        // Of one that another controller asked for, it can't know that there was one before under this name.
        let another = of.uid.as_ref().is_some_and(|uid| *uid != view.uid);
        if another && of.gone && of.creates == 0 {
            *of = Executor::default();
        }
        if of.shown.is_some_and(|shown| view.revision < shown) {
            return Some(id);
        }
        if of.uid.as_ref().is_some_and(|uid| *uid != view.uid) {
            // A ghost, or what came after: not the pod that this executor is.
            if left {
                of.failed = None;
            }
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
        of.uid = Some(view.uid.clone());
        of.shown = Some(view.revision);
        of.definite = true;
        of.disrupted |= view.disruption.is_some();
        if let Some(end) = end_of(view, left, all) {
            of.end.get_or_insert(end);
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

    fn answered(&mut self, now: Time, at: Time, action: ActionId, outcome: &Outcome) {
        if let Outcome::Done { revision, .. } = outcome {
            self.newest = self.newest.max(*revision);
        }
        let Some(effect) = self.open.remove(&action) else {
            return;
        };
        let Some(executor) = executor_of(&effect.action) else {
            return;
        };
        let of = self.executor(executor);
        of.open = of.open.saturating_sub(1);
        let name = verb(&effect.action);
        let create = matches!(effect.action, Action::Create { .. });
        of.maybe_made |= create && !matches!(outcome, Outcome::Refused(_));
        match outcome {
            Outcome::Done { revision, uid } => {
                of.failed = None;
                of.done.insert((name, uid_of(&effect.action)));
                if let Action::Resize { memory, .. } = &effect.action {
                    of.resized = Some(*memory);
                }
                if create {
                    of.definite = true;
                    of.made = *revision;
                    // What was shown first is the executor; a late copy of its create may have made another.
                    of.uid = of.uid.take().or(uid.clone());
                } else {
                    match revision {
                        // What is out of view is not shown again.
                        _ if of.gone => {}
                        Some(revision) if of.shown.is_none_or(|shown| shown < *revision) => {
                            of.closes_at = Some(*revision);
                        }
                        Some(_) => {}
                        None => of.closes_after = Some(at),
                    }
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
                of.closes_after = Some(at);
            }
            Outcome::Refused(Refusal::TooLate) => {}
            Outcome::Refused(_) | Outcome::Unclear(_) => {
                of.rejected |= matches!(
                    outcome,
                    Outcome::Refused(Refusal::Forbidden(_) | Refusal::Invalid(_))
                );
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

/// The executor that an action is about.
#[must_use]
pub fn executor_of(action: &Action) -> Option<ExecutorId> {
    match action {
        Action::Create { executor, .. }
        | Action::Delete { executor, .. }
        | Action::MarkFinished { executor, .. }
        | Action::Resize { executor, .. } => Some(*executor),
        Action::CreateClaim { .. } | Action::DeleteClaim { .. } => None,
    }
}

/// The pod that an action is about, where it says so.
#[must_use]
pub fn uid_of(action: &Action) -> Option<Uid> {
    match action {
        Action::Delete { uid, .. } => uid.clone(),
        Action::MarkFinished { uid, .. } | Action::Resize { uid, .. } => Some(uid.clone()),
        _ => None,
    }
}

/// What tells an action from another of its kind: the revision that it is bound to, or the memory that is asked for.
#[must_use]
pub fn bound_of(action: &Action) -> Option<u64> {
    match action {
        Action::Delete { revision, .. } => revision.map(Revision::get),
        Action::Resize { memory, .. } => Some(*memory),
        _ => None,
    }
}

/// What an action is called.
#[must_use]
pub fn verb(action: &Action) -> &'static str {
    match action {
        Action::Create { .. } => "create",
        Action::Delete { .. } => "delete",
        Action::MarkFinished { .. } => "mark",
        Action::Resize { .. } => "resize",
        Action::CreateClaim { .. } => "create claim",
        Action::DeleteClaim { .. } => "delete claim",
    }
}
