//! The ledger that all judges share: what is true in the cluster, and which controllers there are. It is kept from facts
//! alone, never from a controller's own view.

use super::{executor::Executor, fact::Fact, known::Known};
use evenkeel::core::{
    Config, ExecutorId, Group, Name, Output, Time, Uid,
    input::{ContainerView, Outcome, Phase, PodView},
    output::{Action, LeaseWish},
};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Everything that judges may rely on.
#[derive(Clone, Debug, Serialize)]
pub struct Truth {
    /// The world's clock.
    pub now: Time,
    /// The fleet.
    pub fleet: Name,
    /// Its knobs.
    #[serde(skip)]
    pub config: Arc<Config>,
    /// The pods that are there: the fleet's, and others under names of its executors.
    pub pods: BTreeMap<Name, TruePod>,
    /// Those of them that are in view: of tens of thousands that ended and were kept, these are few.
    #[serde(skip)]
    in_view: BTreeSet<Name>,
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
    /// Claims that were made by a create that landed after its controller had been told that it failed, and that nobody
    /// deleted since: none can know of them once the last pod is gone.
    pub late_claims: BTreeSet<Name>,
    /// Pods that were made by such a create after a controller had asked for the lease to be removed: it has looked for what
    /// was left behind by then (LIVE-4), and has no say for much longer.
    pub late_pods: BTreeSet<Name>,
}

/// A pod as it truly is.
#[derive(Clone, Debug, Serialize)]
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

    /// It runs, and stays.
    #[must_use]
    pub fn runs(&self) -> bool {
        self.view.phase == Phase::Running && self.is_alive()
    }
}

/// Whether a pod's containers, or its main one, have ended; `all`: a sidecar that ended otherwise than with 0 counts too.
pub(super) fn is_finished(view: &PodView, all: bool) -> bool {
    matches!(view.phase, Phase::Succeeded | Phase::Failed)
        || matches!(view.main, Some(ContainerView::Terminated { .. }))
        || (all && view.sidecar_failed)
}

/// How a pod's end began, by its own views.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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
pub(super) fn end_of(view: &PodView, gone: bool, all: bool) -> Option<End> {
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

impl Truth {
    /// Before anything has happened.
    #[must_use]
    pub fn new(fleet: Name, config: Arc<Config>) -> Self {
        Self {
            now: Time(0),
            fleet,
            config,
            pods: BTreeMap::new(),
            in_view: BTreeSet::new(),
            processes: BTreeMap::new(),
            ids: BTreeMap::new(),
            ends: BTreeMap::new(),
            calm: None,
            claims_lost: false,
            late_claims: BTreeSet::new(),
            late_pods: BTreeSet::new(),
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
                    .is_some_and(|of| !of.is_leaving() && !of.was_shown_ended())
        })
    }

    /// The pods that are truly there and that this controller has to answer for: it asked for them, or was shown them.
    pub fn answered_for<'a>(&'a self, known: &'a Known) -> impl Iterator<Item = &'a TruePod> {
        let in_view = self.in_view.iter().filter_map(|name| self.pods.get(name));
        in_view.filter(move |pod| {
            let Some(id) = pod.executor else {
                return false;
            };
            let Some(of) = known.executors.get(&id) else {
                return false;
            };
            // What an earlier incarnation asked for without an answer may land, and is not known before it is shown.
            let asked = of.open > 0 || of.maybe_made;
            let current = asked && id.incarnation == known.incarnation;
            let issued = of.creates > 0 && (current || of.definite);
            // One that was shown leaving before it could be taken in may be back, and is not known then.
            let past = id.incarnation < known.incarnation && (of.taken_in || !of.gone);
            let shown = of.shown.is_some() && (of.creates > 0 || past);
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

    /// The creates of that controller that are under way, and have made no pod yet, as far as it can know: whose
    /// executor is missing (END-3) had made one, by the engine's word.
    pub fn under_way<'a>(
        &'a self,
        known: &'a Known,
    ) -> impl Iterator<Item = (ExecutorId, &'a Group, &'a [Name])> {
        known
            .open
            .values()
            .filter_map(|effect| match &effect.action {
                Action::Create {
                    executor,
                    group,
                    claims,
                    ..
                } => {
                    let of = known.executors.get(executor);
                    let shown = of.is_some_and(|of| of.shown.is_some());
                    let there = shown || self.pods.contains_key(&executor.pod_name(&self.fleet));
                    let missing = of.is_some_and(Executor::is_missing);
                    (!there && !missing).then_some((*executor, group, &claims[..]))
                }
                _ => None,
            })
    }

    /// The groups of those creates under way whose executors count, as far as that controller can know.
    pub fn counting_under_way<'a>(&'a self, known: &'a Known) -> impl Iterator<Item = &'a Group> {
        let counting = self.under_way(known).filter(move |(id, _, claims)| {
            // One that the engine killed before it was there does not count any more.
            let let_go = known.executors.get(id).is_some_and(|of| of.let_go);
            // Nor does one of an earlier incarnation whose claim the first listing lacked: it is to be deleted, and that is
            // said only once its create is answered (CLAIM).
            let past = id.incarnation < known.incarnation;
            let claimless = self.claims_lost && past && !claims.is_empty();
            !let_go && !claimless
        });
        counting.map(|(_, group, _)| group)
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
                let known = Known::new(self.now, &self.config);
                self.processes.insert(*process, known);
            }
            Fact::Died { process } => {
                self.processes.remove(process);
            }
            Fact::Given { process, input, .. } => {
                let now = self.now;
                if let Some(known) = self.processes.get_mut(process)
                    && known.awaits(input)
                {
                    known.given(now, input);
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
            Fact::Landed {
                action,
                late,
                outcome: Outcome::Done { .. },
                ..
            } => match action {
                Action::CreateClaim { name, .. } if *late => {
                    self.late_claims.insert(name.clone());
                }
                Action::Create { executor, .. }
                    if *late && self.processes.values().any(|known| known.removed_lease) =>
                {
                    self.late_pods.insert(executor.pod_name(&self.fleet));
                }
                Action::DeleteClaim { name } => {
                    self.late_claims.remove(name);
                }
                _ => {}
            },
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
            self.in_view.remove(&now.name);
        } else {
            let before = self.pods.get(&now.name);
            let was_out = before.is_some_and(|pod| pod.was_out_of_view && pod.view.uid == now.uid);
            let pod = TruePod {
                executor,
                view: now.clone(),
                finished: is_finished(now, all),
                was_out_of_view: was_out || now.labels.executor.is_none(),
            };
            if pod.is_in_view() {
                self.in_view.insert(now.name.clone());
            } else {
                self.in_view.remove(&now.name);
            }
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
            Output::List { request, .. } => known.lists(*request),
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
