//! The kubelets: how pods start, run and end on their nodes.

use super::{
    DeleteOptions, Endings,
    agenda::{Due, Key},
    containers::{
        Exit, condition, end, finished, give_resources, main_container, not_ready, settle_phase,
    },
    nodes::counted,
    trouble::{Blocked, readied},
    world::World,
};
use crate::api::{
    pod::{ContainerState, ContainerStatus, Pod, Running, Waiting},
    quantity::Quantity,
};
use evenkeel_core::{Name, Span, Time};
use std::sync::Arc;

/// How long a kubelet waits before it tries to pull an image again: doubling up to five minutes.
const PULL_AGAIN: Span = Span::seconds(10);
const PULL_AGAIN_MOST: Span = Span::seconds(300);

/// How long a kubelet waits before it looks again for a volume that is not there.
const MOUNT_AGAIN: Span = Span::seconds(2);

/// How often it is tried to tell what happened on a node that says nothing.
const TOLD_AGAIN: Span = Span::seconds(10);

/// What a pod does not show.
#[derive(Clone, Debug)]
pub(super) struct Behind {
    /// Its place in the order of creation.
    pub number: u64,
    pub cpu: u64,
    pub memory: u64,
    /// The node on which it holds room.
    pub room: Option<Name>,
    /// The kubelet has heard of it.
    heard: bool,
    /// When its containers will have ended.
    stop_at: Option<Time>,
    /// How long it takes to start, once its image is there, by chance alone.
    start: Span,
    /// It takes so many times as long.
    slowness: u32,
    /// How many tries to pull its image will fail; None: all.
    pub bad_pulls: Option<u32>,
    pub pulls: u8,
    /// Why its containers can't be made, where they can't.
    pub blocked: Option<Blocked>,
    /// Which trouble with starting has struck it last.
    pub struck: u64,
}

impl Behind {
    /// How long it takes to start.
    fn start(&self) -> Span {
        Span(self.start.0.saturating_mul(self.slowness.into()))
    }

    /// The same pod, on no node and known to no kubelet.
    pub fn unbound(self) -> Self {
        Self {
            room: None,
            heard: false,
            stop_at: None,
            ..self
        }
    }
}

impl World {
    pub(super) fn new_behind(&mut self, pod: &Pod, number: u64) -> Behind {
        let weather = &self.config.weather;
        let chance = &mut self.chance.node;
        let slow = chance.percent(weather.slow_start.get());
        let start = chance.around(weather.start);
        let bad_pulls = match chance.percent(weather.pull_errors.get()) {
            false => Some(0),
            true if chance.percent(50) => Some(1 + chance.below(3) as u32),
            true => None,
        };
        let sum = |what: &str, amount: fn(Quantity) -> i128| {
            let requests = pod.spec.containers.iter().map(|c| &c.resources.requests);
            let amounts = requests.filter_map(|of| of.get(what)?.parse().ok().map(amount));
            amounts.map(counted).fold(0, u64::saturating_add)
        };
        Behind {
            number,
            cpu: sum("cpu", Quantity::milli),
            memory: sum("memory", Quantity::whole),
            room: None,
            heard: false,
            stop_at: None,
            start: Span(start.0.saturating_mul(if slow { 10 } else { 1 })),
            slowness: 1,
            bad_pulls,
            pulls: 0,
            blocked: None,
            struck: 0,
        }
    }

    pub(super) fn kubelet_runs(&self, pod: &Pod) -> bool {
        let node = pod.spec.node_name.as_deref();
        let speaks = |node| self.nodes.get(node).is_some_and(|room| !room.silent);
        self.config.kubelet && node.is_some_and(speaks)
    }

    /// The kubelet starts over with a pod, as after a restart of its own.
    pub(super) fn kubelet_hears_anew(&mut self, pod: &Arc<Pod>) {
        if let Some(behind) = self.behind.get_mut(pod.metadata.name.as_str()) {
            behind.heard = false;
            behind.stop_at = None;
        }
        if pod.status.phase == "Running" {
            self.plan_resize(pod);
        }
        self.kubelet_hears(pod);
    }

    /// The kubelet learns how a pod is now, and plans what it will do.
    pub(super) fn kubelet_hears(&mut self, pod: &Arc<Pod>) {
        if !self.kubelet_runs(pod) {
            return;
        }
        let (now, slowness) = (self.now, self.slowness());
        let meta = &pod.metadata;
        let Some(behind) = self.behind.get_mut(meta.name.as_str()) else {
            return;
        };
        if let Some(until) = meta.deletion_timestamp {
            if meta.deletion_grace_period_seconds.unwrap_or(0) == 0 {
                return;
            }
            let until = World::moment(until);
            let first = match behind.stop_at {
                _ if finished(pod) => now,
                Some(planned) => planned,
                None => self.standing.stopping.at(until).unwrap_or_else(|| {
                    now.after(self.chance.node.around(self.config.weather.stop))
                }),
            };
            let stop = first.min(until).max(now);
            if behind.stop_at.is_none_or(|planned| stop < planned) {
                behind.stop_at = Some(stop);
                self.agenda.plan(stop, Due::Stop(World::key(pod)));
            }
        } else if !behind.heard && pod.status.phase == "Pending" {
            behind.heard = true;
            behind.slowness = slowness;
            let soon = Span(behind.start().0 / 8);
            if self.plan_rejection(pod) {
                return;
            }
            self.agenda
                .plan(now.after(soon), Due::Prepare(World::key(pod)));
        }
    }

    /// The pod, if the kubelet is still about to start it.
    pub(super) fn to_start(&self, key: &Key) -> Option<Arc<Pod>> {
        self.same(key).filter(|pod| {
            pod.status.phase == "Pending"
                && pod.metadata.deletion_timestamp.is_none()
                && self.kubelet_runs(pod)
        })
    }

    pub(super) fn prepare(&mut self, key: &Key) {
        let Some(pod) = self.to_start(key) else {
            return;
        };
        if self.lacks_claim(&pod).is_some() {
            // There is nothing to mount.
            let again = self.now.after(MOUNT_AGAIN);
            self.agenda.plan(again, Due::Prepare(key.clone()));
            return self.containers_wait(&pod, "ContainerCreating", |_| None);
        }
        self.strike_start(&key.name);
        let Some(behind) = self.behind.get_mut(&key.name) else {
            return;
        };
        if let Some(why) = behind.blocked {
            return self.stay_blocked(key, &pod, why);
        }
        let fails = behind
            .bad_pulls
            .is_none_or(|bad| u32::from(behind.pulls) < bad);
        if !fails {
            let start = behind.start();
            let at = self.now.after(Span(start.0 - start.0 / 8));
            self.agenda.plan(at, Due::Start(key.clone()));
            self.containers_wait(&pod, "ContainerCreating", |_| None);
            return;
        }
        let again = PULL_AGAIN.doubled(behind.pulls, PULL_AGAIN_MOST);
        behind.pulls = behind.pulls.saturating_add(1);
        self.agenda
            .plan(self.now.after(again), Due::Prepare(key.clone()));
        let soon = self.now.after(Span(again.0 / 5));
        self.agenda.plan(soon, Due::BackOff(key.clone()));
        self.containers_wait(&pod, "ErrImagePull", |image| {
            Some(format!(
                "failed to pull and unpack image {image:?}: not found"
            ))
        });
    }

    pub(super) fn back_off(&mut self, key: &Key) {
        if let Some(pod) = self.to_start(key) {
            self.containers_wait(&pod, "ImagePullBackOff", |image| {
                Some(format!("Back-off pulling image {image:?}"))
            });
        }
    }

    pub(super) fn containers_wait(
        &mut self,
        there: &Pod,
        reason: &str,
        message: impl Fn(&str) -> Option<String>,
    ) {
        let mut pod = there.clone();
        condition(&mut pod.status, "Initialized", "True", None, None);
        not_ready(&mut pod.status, "ContainersNotReady");
        let containers = pod.spec.containers.iter();
        pod.status.container_statuses = containers
            .map(|container| ContainerStatus {
                name: container.name.clone(),
                ready: false,
                state: ContainerState {
                    waiting: Some(Waiting {
                        reason: reason.to_owned(),
                        message: message(container.image.as_deref().unwrap_or_default()),
                    }),
                    ..ContainerState::default()
                },
                ..ContainerStatus::default()
            })
            .collect();
        if pod != *there {
            self.put(pod);
        }
    }

    pub(super) fn start(&mut self, key: &Key) {
        let Some(pod) = self.to_start(key) else {
            return;
        };
        let mut pod = Pod::clone(&pod);
        let number = self.behind.get(&key.name).map_or(0, |b| b.number);
        let status = &mut pod.status;
        "Running".clone_into(&mut status.phase);
        let [_, a, b, c] = (number as u32).to_be_bytes();
        status.pod_ip = Some(format!("10.{a}.{b}.{c}"));
        for kind in ["Initialized", "ContainersReady", "Ready"] {
            condition(status, kind, "True", None, None);
        }
        let started_at = Some(self.wall_second());
        status.container_statuses = pod
            .spec
            .containers
            .iter()
            .map(|container| ContainerStatus {
                name: container.name.clone(),
                ready: true,
                state: ContainerState {
                    running: Some(Running { started_at }),
                    ..ContainerState::default()
                },
                ..ContainerStatus::default()
            })
            .collect();
        give_resources(&mut pod);
        if self.standing.never_ready {
            readied(&mut pod.status, false);
        }
        self.put(pod);
        for (after, exit) in self.exits.remove(&key.name).unwrap_or_default() {
            let at = self.now.after(after);
            self.agenda.plan(at, Due::Exit(key.clone(), exit));
        }
    }

    /// It is time for a container to end. The kubelet of a silent node tells when it is back.
    pub(super) fn exit_is_due(&mut self, key: Key, exit: Exit) {
        let node = self.same(&key).and_then(|pod| pod.spec.node_name.clone());
        let room = node.and_then(|node| self.nodes.get(&*node));
        if room.is_some_and(|room| room.silent) {
            let later = self.now.after(TOLD_AGAIN);
            self.agenda.plan(later, Due::Exit(key, exit));
        } else {
            self.exit(&key, &exit);
        }
    }

    /// A container ends by itself.
    pub(super) fn exit(&mut self, key: &Key, exit: &Exit) {
        let Some(pod) = self.same(key).filter(|pod| self.kubelet_runs(pod)) else {
            return;
        };
        let which = exit.container.as_deref().or_else(|| main_container(&pod));
        let mut ended = Pod::clone(&pod);
        for status in &mut ended.status.container_statuses {
            if Some(status.name.as_str()) == which && status.state.running.is_some() {
                end(status, exit);
            }
        }
        settle_phase(&mut ended);
        if ended != *pod {
            self.put(ended);
        }
    }

    /// The containers of a terminating pod have ended: it goes.
    pub(super) fn stop(&mut self, key: &Key) {
        let Some(pod) = self.same(key) else {
            return;
        };
        let due = self
            .behind
            .get(&key.name)
            .and_then(|behind| behind.stop_at)
            .is_some_and(|at| at <= self.now);
        if !due || !self.kubelet_runs(&pod) {
            return;
        }
        let overtime = pod
            .metadata
            .deletion_timestamp
            .is_some_and(|until| World::moment(until) <= self.now);
        if self.config.endings == Endings::Kubelet && !finished(&pod) {
            let mut ended = Pod::clone(&pod);
            let code = if overtime {
                137
            } else {
                self.config.stop_exit_code
            };
            for status in &mut ended.status.container_statuses {
                if status.state.running.is_some() {
                    end(status, &Exit::with_code(code));
                } else if status.state.terminated.is_none() {
                    // It never ran: what a kubelet says of a container that it knows nothing of.
                    let reason = Some("ContainerStatusUnknown".to_owned());
                    let never = Exit::with_code(137);
                    end(status, &Exit { reason, ..never });
                }
            }
            settle_phase(&mut ended);
            self.put(ended);
        }
        let gone = self.delete_pod(
            &key.name,
            &DeleteOptions {
                grace: Some(0),
                ..DeleteOptions::default()
            },
        );
        debug_assert!(gone.is_ok(), "{gone:?}");
    }

    /// The kubelet puts a pod out for want of memory on its node.
    pub(super) fn evict_from_node(&mut self, pod: &Pod) {
        let mut pod = pod.clone();
        let message = "The node was low on resource: memory.";
        for status in &mut pod.status.container_statuses {
            if status.state.terminated.is_none() {
                end(status, &Exit::with_code(137));
            }
        }
        let status = &mut pod.status;
        "Failed".clone_into(&mut status.phase);
        status.reason = Some("Evicted".to_owned());
        status.message = Some(message.to_owned());
        not_ready(status, "PodFailed");
        condition(
            status,
            "DisruptionTarget",
            "True",
            Some("TerminationByKubelet"),
            Some(message),
        );
        self.put(pod);
    }
}
