//! Makes happen what a story says.

use super::{
    Life,
    wire::{Due, Effect},
};
use crate::story::{EngineFault, PodFate, Report, Strange, Verb, What, Wish};
use evenkeel::{
    api::{labels, pod::OwnerReference},
    core::{
        ExecutorId, Group, Input, Name, Span, Time,
        input::{DesiredChange, EngineReport, GroupWish, KillReason},
        output::Cause,
    },
    fake::{
        DeleteOptions, Disruption, Exit, Kind, Patch, Percent, Quota, Rejection, Weather, Webhook,
    },
    port::LeaseRequest,
};
use std::collections::{BTreeMap, BTreeSet};

/// Something that a story began, and that ends by itself.
#[derive(Clone, Debug)]
pub(super) enum Over {
    /// The engine tells that process what it wants.
    Silence(u32),
    Unschedulable,
    Weather,
    Quota,
    Deny(Verb),
    Finalizer(Name),
    Label(Name),
    NodeBack,
    Webhook,
}

/// The process is to die at one of its effects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DiesAt {
    /// After so many more.
    left: u32,
    after: bool,
    back: Span,
}

/// Which effect it is: of the newest process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dies {
    Before,
    After,
}

const STRANGER: &str = "stranger";
/// The owner that a webhook gives to pods.
const SECOND_OWNER: &str = crate::judge::SECOND_OWNER;
/// How long a container that is started again in place is down.
const RESTART: Span = Span::seconds(2);
/// The finalizer that a stranger sets.
const FINALIZER: &str = "example.com/hold";

impl Life {
    pub(super) fn carry_out(&mut self, what: &What) {
        let now = self.world.now();
        match what {
            What::Rejecting(lasts) => self.wire.rejects_until = now.after(*lasts),
            What::LateEngine { by, lasts } => {
                self.wire.speaks_late = Some((*by, now.after(*lasts)));
            }
            What::ClaimDeleted(nth) => {
                self.lose_claim(*nth);
                self.note_claims_lost();
            }
            What::Call { verb, fate } => self.wire.scripted.push_back((*verb, *fate)),
            What::Outage(lasts) => {
                let until = now.after(*lasts);
                self.wire.cut_until = self.wire.cut_until.max(Some(until));
                self.world.close_watches();
            }
            What::Storm { percent, lasts } => {
                self.wire.storm = Some((*percent, now.after(*lasts)));
            }
            What::WatchSlow { by, lasts } => self.wire.watch_slow = Some((*by, now.after(*lasts))),
            What::WatchShuffle { by, lasts } => {
                self.wire.watch_shuffle = Some((*by, now.after(*lasts)));
            }
            What::WatchCoalesce(lasts) => self.wire.watch_coalesce = Some(now.after(*lasts)),
            What::WatchStall => self.world.stall_watches(),
            What::WatchClose => self.world.close_watches(),
            What::WatchExpire => {
                self.tell_truth();
                self.show_watches();
                self.world.forget_history();
                self.world.close_watches();
            }
            What::WatchReplay(back) => self.show_again(*back),
            What::ListStale(behind) => self.wire.list_stale = Some(*behind),
            What::ListPartial(percent) => self.wire.list_partial = Some(*percent),
            What::ReplicaLag { by, lasts } => self.wire.lag = Some((*by, now.after(*lasts))),
            What::Pod { pod, fate } => {
                if let Some(name) = self.pod_name(*pod) {
                    self.pod_fate(&name, *fate);
                }
            }
            What::Sidecar { pod, exit_code } => {
                if let Some(name) = self.pod_name(*pod) {
                    let exit = Exit {
                        container: Some("sidecar".to_owned()),
                        ..Exit::with_code(*exit_code)
                    };
                    self.try_world(|world| world.end_container(&name, &exit));
                }
            }
            What::NodeLost { node, back } => self.lose_node(*node, *back),
            What::Unschedulable(lasts) => {
                self.world.set_scheduler(false);
                self.plan(now.after(*lasts), Due::Over(Over::Unschedulable));
            }
            What::PullError { percent, lasts } => self.change_weather(*lasts, |weather| {
                weather.pull_errors = Percent::new(*percent);
            }),
            What::SlowStart { percent, lasts } => self.change_weather(*lasts, |weather| {
                weather.slow_start = Percent::new(*percent);
            }),
            What::SlowStop { stop, lasts } => {
                self.change_weather(*lasts, |weather| weather.stop = *stop);
            }
            What::Stranger(strange) => self.stranger_creates(strange),
            What::OwnerGone(back) => {
                self.note_claims_lost();
                let old = self.requests.owner.as_ref().map(|owner| owner.uid.clone());
                self.kill_newest();
                if let Some(old) = old {
                    self.world.delete_owner(&old);
                    self.new_owner();
                }
                self.plan(now.after(*back), Due::Start { elsewhere: true });
            }
            What::Crash { back, elsewhere } => {
                self.kill_newest();
                let elsewhere = *elsewhere;
                self.plan(now.after(*back), Due::Start { elsewhere });
            }
            What::CrashAtEffect { nth, after, back } => {
                self.dies_at = Some(DiesAt {
                    left: *nth,
                    after: *after,
                    back: *back,
                });
            }
            What::SecondController => {
                if !self.processes.is_empty() {
                    self.start_process(true);
                }
            }
            What::Pause(lasts) => self.stand_still(*lasts),
            What::ClockJump(by) => {
                if let Some(process) = self.processes.last_mut() {
                    process.wall_off = process.wall_off.saturating_add(*by);
                }
            }
            What::LeaseTaken(_) => self.stranger_takes_lease(),
            What::LeaseRemoved => {
                let name = evenkeel::fake::World::lease_name(&self.setup.fleet);
                self.try_world(|world| world.remove_lease(&name));
            }
            What::Engine(fault) => self.engine_fault(*fault),
            What::Report { pod, report } => {
                if let Some(executor) = self.pod_id(*pod) {
                    self.engine_reports(executor, report);
                }
            }
            What::Unknown {
                incarnation,
                sequence,
            } => {
                let report = EngineReport::Registered(ExecutorId::new(*incarnation, *sequence));
                self.plan(now, Due::Says(Box::new(Input::Engine(report))));
            }
            What::Quota { pods, lasts } => {
                self.world.set_quota(Some(Quota {
                    name: "pods".to_owned(),
                    pods: Some(*pods),
                    ..Quota::default()
                }));
                self.plan(now.after(*lasts), Due::Over(Over::Quota));
            }
            What::Deny { verb, lasts } => {
                if let Some((kind, right)) = right(*verb) {
                    self.world.deny(kind, right);
                    self.plan(now.after(*lasts), Due::Over(Over::Deny(*verb)));
                }
            }
            What::NamespaceEnding(lasts) => self.wire.namespace_ends = Some(now.after(*lasts)),
            What::Wish(wish) => self.engine_wants(wish),
            What::Break(group) => {
                self.broken.insert(group.clone());
                let running: Vec<Name> = self
                    .world
                    .pods()
                    .filter(|pod| {
                        pod.metadata
                            .labels
                            .get(labels::GROUP)
                            .is_some_and(|of| **of == **group)
                    })
                    .map(|pod| (*pod.metadata.name).into())
                    .collect();
                for name in running {
                    self.try_world(|world| world.kill_container(&name, 1, None));
                }
            }
            What::KubeletRejects(next) => self
                .world
                .set_rejection(Some(Rejection::UnexpectedAdmissionError), Some(*next)),
            What::Webhook(lasts) => self.webhook(false, *lasts),
            What::SecondOwner(lasts) => self.webhook(true, *lasts),
        }
    }

    /// What a test kit refuses (there is no such pod any more) does not happen.
    pub(super) fn try_world<T, E>(
        &mut self,
        act: impl FnOnce(&mut evenkeel::fake::World) -> Result<T, E>,
    ) {
        drop(act(&mut self.world));
    }

    /// A pod of the fleet's: counted in order of names, and around again.
    fn pod_name(&self, nth: u32) -> Option<Name> {
        let mine = format!("{}-exec-", self.setup.fleet);
        let all: Vec<&str> = self
            .world
            .pods()
            .map(|pod| &*pod.metadata.name)
            .filter(|name| name.starts_with(&mine))
            .collect();
        let nth = (nth as usize).checked_rem(all.len())?;
        all.get(nth).map(|name| (*name).into())
    }

    fn pod_id(&self, nth: u32) -> Option<ExecutorId> {
        let name = self.pod_name(nth)?;
        let rest = name
            .strip_prefix(&*self.setup.fleet)?
            .strip_prefix("-exec-")?;
        rest.parse().ok()
    }

    fn pod_fate(&mut self, name: &Name, fate: PodFate) {
        let now = self.world.now();
        match fate {
            PodFate::Fails(code) => self.try_world(|world| world.kill_container(name, code, None)),
            PodFate::Completes => self.try_world(|world| world.kill_container(name, 0, None)),
            PodFate::OutOfMemory => {
                self.try_world(|world| world.end_container(name, &Exit::out_of_memory()));
            }
            PodFate::Evicted => self.try_world(|world| world.disrupt(name, Disruption::Eviction)),
            PodFate::Preempted => {
                self.try_world(|world| world.disrupt(name, Disruption::Preemption))
            }
            PodFate::Tainted => self.try_world(|world| world.disrupt(name, Disruption::Taint)),
            PodFate::EvictedByNode => {
                let runs = self
                    .world
                    .pod(name)
                    .is_some_and(|pod| pod.spec.node_name.is_some());
                if runs {
                    self.try_world(|world| world.evict_by_kubelet(name));
                }
            }
            PodFate::StrangerDeletes => self.try_world(|world| world.delete_as_stranger(name)),
            PodFate::StrangerForces => self.force_out(name),
            PodFate::LosesLabel(back) => {
                self.try_world(|world| world.set_labels(name, &[(labels::FLEET, None)]));
                if let Some(back) = back {
                    self.plan(now.after(back), Due::Over(Over::Label(name.clone())));
                }
            }
            PodFate::EventLost => self.world.lose_next_event(name),
            PodFate::Finalizer(lasts) => {
                self.set_finalizers(name, vec![FINALIZER.to_owned()]);
                self.plan(now.after(lasts), Due::Over(Over::Finalizer(name.clone())));
            }
            PodFate::Restarts => {
                self.try_world(|world| world.restart_container(name, &Exit::with_code(1), RESTART))
            }
        }
    }

    fn note_claims_lost(&mut self) {
        if let Some(judge) = &mut self.judge {
            judge.claims_lost();
        }
    }

    /// A stranger deletes a claim.
    fn lose_claim(&mut self, nth: u32) {
        let all: Vec<Name> = self
            .world
            .claims()
            .map(|claim| claim.metadata.name.as_str().into())
            .collect();
        if let Some(nth) = (nth as usize).checked_rem(all.len()) {
            self.try_world(|world| world.api(STRANGER).delete_claim(&all[nth]));
        }
    }

    /// A stranger deletes a pod without any grace.
    pub(super) fn force_out(&mut self, name: &Name) {
        let now = DeleteOptions {
            grace: Some(0),
            ..DeleteOptions::default()
        };
        self.try_world(|world| world.api(STRANGER).delete(name, &now));
    }

    pub(super) fn set_finalizers(&mut self, name: &Name, finalizers: Vec<String>) {
        self.try_world(|world| {
            let patch = Patch {
                finalizers: Some(finalizers),
                ..Patch::default()
            };
            world.api(STRANGER).patch(name, &patch)
        });
    }

    fn lose_node(&mut self, nth: u32, back: Span) {
        let count = self.world.nodes().len();
        let Some(nth) = (nth as usize).checked_rem(count) else {
            return;
        };
        if let Some(node) = self.world.nodes().keys().nth(nth).cloned() {
            self.world.lose_node(&node);
            let at = self.world.now().after(back);
            self.plan(at, Due::Over(Over::NodeBack));
        }
    }

    fn change_weather(&mut self, lasts: Span, change: impl FnOnce(&mut Weather)) {
        let mut weather = self.world.weather().clone();
        change(&mut weather);
        self.world.set_weather(weather);
        let at = self.world.now().after(lasts);
        self.plan(at, Due::Over(Over::Weather));
    }

    /// What ends by itself, ends.
    pub(super) fn over(&mut self, over: Over) {
        match over {
            Over::Silence(serial) => self.speak_to(serial),
            Over::Unschedulable => self.world.set_scheduler(true),
            Over::Weather => {
                let calm = self.setup.world.weather.clone();
                self.world.set_weather(calm);
            }
            Over::Quota => self.world.set_quota(None),
            Over::Deny(verb) => {
                if let Some((kind, right)) = right(verb) {
                    self.world.permit(kind, right);
                }
            }
            Over::Finalizer(name) => self.set_finalizers(&name, Vec::new()),
            Over::Label(name) => {
                let fleet = self.setup.fleet.clone();
                self.try_world(|world| world.set_labels(&name, &[(labels::FLEET, Some(&fleet))]));
            }
            Over::NodeBack => {
                self.spare_nodes += 1;
                let name = format!("spare-{}", self.spare_nodes);
                self.world.add_node(&name);
            }
            Over::Webhook => {
                self.world.set_webhook(None);
                self.world.delete_owner(SECOND_OWNER);
            }
        }
        self.tell_truth();
    }

    fn stranger_creates(&mut self, strange: &Strange) {
        let fleet = self.setup.fleet.clone();
        let newest = self
            .processes
            .last()
            .map_or(1, |process| process.controller.snapshot().incarnation());
        let (name, id, group) = match strange {
            Strange::Executor {
                ahead,
                sequence,
                group,
            } => {
                let incarnation = newest.saturating_add_signed(*ahead).max(1);
                let id = ExecutorId::new(incarnation, *sequence);
                (
                    id.pod_name(&fleet),
                    Some(id.to_string()),
                    Some(group.clone()),
                )
            }
            Strange::Malformed(id) => {
                let name = format!("{fleet}-exec-odd-{}", self.issued);
                (name.as_str().into(), Some(id.clone()), None)
            }
            Strange::Name(ahead) => {
                let newest = self.newest_id();
                let id = ExecutorId::new(newest.incarnation, newest.sequence + ahead);
                (id.pod_name(&fleet), None, None)
            }
        };
        let mut labels = BTreeMap::new();
        if let Some(id) = &id {
            labels.insert(labels::FLEET, &*fleet);
            labels.insert(labels::EXECUTOR, id);
        }
        if let Some(group) = &group {
            labels.insert(labels::GROUP, group);
        }
        let manifest = serde_json::json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": &*name, "labels": labels},
            "spec": {"containers": [{"name": "main", "image": "stranger:1"}]},
        });
        self.try_world(|world| world.create_as_stranger(&manifest.to_string()));
    }

    /// The highest id that the newest process asked for.
    fn newest_id(&self) -> ExecutorId {
        let newest = self
            .processes
            .last()
            .map(|process| process.controller.snapshot());
        let incarnation = newest.map_or(1, |snapshot| snapshot.incarnation().max(1));
        let ids = newest.into_iter().flat_map(|snapshot| snapshot.executors());
        let ids = ids
            .map(|(id, _)| id)
            .filter(|id| id.incarnation == incarnation);
        ids.max().unwrap_or(ExecutorId::new(incarnation, 0))
    }

    fn stranger_takes_lease(&mut self) {
        let fleet = self.setup.fleet.clone();
        let Ok(Some(lease)) = self.world.lease(&fleet, &LeaseRequest::Get) else {
            return;
        };
        let mut spec = lease.spec;
        spec.holder = Some("stranger/1/0.0".to_owned());
        spec.transitions = spec.transitions.saturating_add(1);
        let taken = LeaseRequest::Replace {
            uid: lease.uid,
            revision: lease.revision,
            spec,
        };
        self.try_world(|world| world.lease(&fleet, &taken));
    }

    fn engine_fault(&mut self, fault: EngineFault) {
        self.ask_engine(|engine, say| engine.misbehave(fault, say));
    }

    fn engine_reports(&mut self, executor: ExecutorId, report: &Report) {
        let now = self.world.now();
        let local = self
            .processes
            .last()
            .map_or(Time(0), |process| process.local(now));
        let one = |change: DesiredChange| Input::Desired(change);
        let input = match report {
            Report::Idle(keep) => Input::Engine(EngineReport::Idle {
                executor,
                keep: *keep,
            }),
            Report::Busy => Input::Engine(EngineReport::Busy(executor)),
            Report::Registered => {
                self.false_registrations.insert(executor);
                Input::Engine(EngineReport::Registered(executor))
            }
            Report::Disrupted(within) => Input::Engine(EngineReport::Disrupted {
                executor,
                reason: Cause::Preempted,
                deadline: within.map(|within| local.after(within)),
            }),
            Report::Metric { name, value } => Input::Engine(EngineReport::Metric {
                executor,
                name: name.as_str().into(),
                value: *value,
            }),
            Report::Release => one(DesiredChange {
                release: BTreeSet::from([executor]),
                ..DesiredChange::default()
            }),
            Report::Kill => one(DesiredChange {
                kill: BTreeMap::from([(executor, KillReason::Asked)]),
                ..DesiredChange::default()
            }),
            Report::Unhealthy => one(DesiredChange {
                kill: BTreeMap::from([(executor, KillReason::Unhealthy("silence".into()))]),
                ..DesiredChange::default()
            }),
        };
        self.plan(now, Due::Says(Box::new(input)));
    }

    fn engine_wants(&mut self, wish: &Wish) {
        let version = |life: &Self, group: &Group, version: u32| {
            let versions = life.setup.versions.get(group)?;
            let nth = (version as usize).checked_rem(versions.len())?;
            versions.get(nth).copied()
        };
        let change = match wish {
            Wish::Target { group, target } => {
                let before = self.wished.groups.get(group).cloned();
                let Some(template) = before
                    .map(|wish| wish.template)
                    .or_else(|| version(self, group, 0))
                else {
                    return;
                };
                let wish = GroupWish {
                    target: *target,
                    maximum: None,
                    template,
                };
                DesiredChange {
                    groups: BTreeMap::from([(group.clone(), wish)]),
                    ..DesiredChange::default()
                }
            }
            Wish::Template {
                group,
                version: which,
            } => {
                let wish = self.wished.groups.get(group).cloned();
                let Some((wish, template)) = wish.zip(version(self, group, *which)) else {
                    return;
                };
                DesiredChange {
                    groups: BTreeMap::from([(group.clone(), GroupWish { template, ..wish })]),
                    ..DesiredChange::default()
                }
            }
            Wish::Remove(group) => DesiredChange {
                remove: BTreeSet::from([group.clone()]),
                ..DesiredChange::default()
            },
            Wish::Suspend(on) => DesiredChange {
                suspend: Some(*on),
                ..DesiredChange::default()
            },
            Wish::Resume => DesiredChange {
                resume_after_halt: true,
                ..DesiredChange::default()
            },
            Wish::Whole => DesiredChange {
                whole: Some(self.wished.groups.clone()),
                ..DesiredChange::default()
            },
        };
        self.wish(change);
    }

    fn webhook(&mut self, owner: bool, lasts: Span) {
        let webhook = if owner {
            self.world.add_owner(SECOND_OWNER);
            Webhook {
                owner: Some(OwnerReference {
                    api_version: "v1".into(),
                    kind: "ConfigMap".into(),
                    name: SECOND_OWNER.into(),
                    uid: SECOND_OWNER.into(),
                }),
                ..Webhook::default()
            }
        } else {
            Webhook::with_sidecar("istio-proxy")
        };
        self.world.set_webhook(Some(webhook));
        let at = self.world.now().after(lasts);
        self.plan(at, Due::Over(Over::Webhook));
    }

    /// Whether the process dies at this effect.
    pub(super) fn dies_now(&mut self, effect: &Effect) -> Option<Dies> {
        let dies = self.dies_at.as_mut()?;
        let newest = self
            .processes
            .last()
            .is_some_and(|process| process.serial == effect.process);
        if !newest || effect.copy {
            return None;
        }
        if dies.left > 0 {
            dies.left -= 1;
            return None;
        }
        Some(if dies.after {
            Dies::After
        } else {
            Dies::Before
        })
    }

    pub(super) fn die(&mut self) {
        let back = self.dies_at.take().map_or(Span(0), |dies| dies.back);
        self.kill_newest();
        let at = self.world.now().after(back);
        self.plan(at, Due::Start { elsewhere: false });
    }

    /// Another process comes after one that died. In the same pod there is one at a time.
    pub(super) fn start_after_death(&mut self, elsewhere: bool) {
        if elsewhere || self.processes.is_empty() {
            self.start_process(elsewhere);
        }
    }
}

/// The right that a verb needs.
pub(super) fn right(verb: Verb) -> Option<(Kind, evenkeel::fake::Verb)> {
    use evenkeel::fake::Verb as V;
    Some(match verb {
        Verb::Create => (Kind::Pods, V::Create),
        Verb::Delete => (Kind::Pods, V::Delete),
        Verb::Patch => (Kind::Pods, V::Patch),
        Verb::List => (Kind::Pods, V::List),
        Verb::Watch => (Kind::Pods, V::Watch),
        Verb::Claim => (Kind::Claims, V::Create),
        Verb::Lease => (Kind::Leases, V::Update),
    })
}
