//! Nodes, the room on them, and the scheduler.

use super::{
    agenda::{Due, Key},
    containers,
    kubelet::Behind,
    world::World,
};
use crate::api::pod::Pod;
use evenkeel_core::Name;
use std::{collections::BTreeMap, sync::Arc};

/// What a node has, and what is taken of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// CPU in thousandths.
    pub cpu: u64,
    /// Memory in bytes.
    pub memory: u64,
    /// The most pods.
    pub pods: u32,
    /// CPU asked for by pods that have not finished.
    pub cpu_taken: u64,
    /// Memory asked for by pods that have not finished.
    pub memory_taken: u64,
    /// How many pods are there that have not finished.
    pub pods_taken: u32,
    /// Nothing more is to be scheduled there: `spec.unschedulable`.
    pub cordoned: bool,
    /// Its kubelet says nothing.
    pub silent: bool,
    /// It has been silent for so long that the control plane has noticed.
    pub unreachable: bool,
    /// Which outage it was silent in last.
    pub(super) outage: u64,
}

impl Room {
    /// What there is too little of for such a pod, in the scheduler's words.
    fn lacks(&self, pod: &Behind) -> Option<&'static str> {
        if self.unreachable {
            Some("node(s) had untolerated taint {node.kubernetes.io/unreachable: }")
        } else if self.cordoned {
            Some("node(s) were unschedulable")
        } else if self.pods_taken >= self.pods {
            Some("Too many pods")
        } else if self.cpu_taken.saturating_add(pod.cpu) > self.cpu {
            Some("Insufficient cpu")
        } else if self.memory_taken.saturating_add(pod.memory) > self.memory {
            Some("Insufficient memory")
        } else {
            None
        }
    }

    /// Nothing is taken of it.
    pub(super) fn clear(&mut self) {
        (self.cpu_taken, self.memory_taken, self.pods_taken) = (0, 0, 0);
    }
}

impl World {
    /// The next node, `node-1`, `node-2`, …, as large as the weather says.
    pub(super) fn add_next_node(&mut self) {
        self.nodes_made += 1;
        self.add_node(&format!("node-{}", self.nodes_made));
    }

    /// Adds a node of the usual size, or brings one back by its name: then the pods still bound to it go on.
    pub fn add_node(&mut self, name: &str) {
        let weather = &self.config.weather;
        let room = Room {
            cpu: counted(weather.node_cpu.milli()),
            memory: counted(weather.node_memory.whole()),
            pods: weather.node_pods,
            ..Room::default()
        };
        let name: Name = name.into();
        if self.nodes.contains_key(&name) {
            return;
        }
        self.nodes.insert(name.clone(), room);
        for pod in self.pods_on(&name) {
            self.hold_room(&pod);
            self.kubelet_hears_anew(&pod);
        }
        self.room_came_free();
    }

    pub(super) fn pods_on(&self, node: &str) -> Vec<Arc<Pod>> {
        let there = |pod: &&Arc<Pod>| pod.spec.node_name.as_deref() == Some(node);
        self.store.pods().values().filter(there).cloned().collect()
    }

    /// Makes the record of a pod that was not there before, and hands it to the scheduler.
    pub(super) fn admit(&mut self, pod: &Arc<Pod>) {
        let name: Name = pod.metadata.name.as_str().into();
        if !self.behind.contains_key(&name) {
            self.admit_as(pod, None);
        }
    }

    /// The same for a pod of which there is such a record already.
    pub(super) fn admit_as(&mut self, pod: &Arc<Pod>, known: Option<Behind>) {
        let name: Name = pod.metadata.name.as_str().into();
        let behind = known.unwrap_or_else(|| {
            self.admitted += 1;
            self.new_behind(pod, self.admitted)
        });
        let number = behind.number;
        self.behind.insert(name.clone(), behind);
        self.note_owners(pod);
        self.note_claim_user(pod);
        if pod.spec.node_name.is_none() {
            self.queue.insert(number, name);
            self.wake_scheduler();
        }
    }

    /// Follows a pod that was bound or has finished.
    pub(super) fn take_room(&mut self, pod: &Arc<Pod>) {
        let Some(node) = pod.spec.node_name.as_deref() else {
            return;
        };
        let name = pod.metadata.name.as_str();
        let Some(behind) = self.behind.get(name) else {
            return;
        };
        let (number, holds) = (behind.number, behind.room.is_some());
        if containers::finished(pod) {
            if holds && let Some(behind) = self.behind.get_mut(name) {
                let held = behind.clone();
                behind.room = None;
                self.give_room_back(&held);
            }
        } else if !holds {
            self.queue.remove(&number);
            self.parked.remove(&number);
            if !self.nodes.contains_key(node) {
                self.plan_orphans(node);
            }
            self.hold_room(pod);
        }
    }

    fn hold_room(&mut self, pod: &Arc<Pod>) {
        if containers::finished(pod) {
            return;
        }
        let node = pod.spec.node_name.as_deref().unwrap_or_default();
        if let Some(behind) = self.behind.get_mut(pod.metadata.name.as_str()) {
            behind.room = Some(node.into());
            if let Some(room) = self.nodes.get_mut(node) {
                room.cpu_taken = room.cpu_taken.saturating_add(behind.cpu);
                room.memory_taken = room.memory_taken.saturating_add(behind.memory);
                room.pods_taken += 1;
            }
        }
    }

    pub(super) fn give_room_back(&mut self, behind: &Behind) {
        let Some(room) = behind
            .room
            .as_deref()
            .and_then(|node| self.nodes.get_mut(node))
        else {
            return;
        };
        room.cpu_taken = room.cpu_taken.saturating_sub(behind.cpu);
        room.memory_taken = room.memory_taken.saturating_sub(behind.memory);
        room.pods_taken = room.pods_taken.saturating_sub(1);
        self.room_came_free();
    }

    /// The first of the pods that found no room, and that finds some now, is taken again.
    pub(super) fn room_came_free(&mut self) {
        self.retry_resizes();
        let mut failed: Vec<(u64, u64)> = Vec::new();
        let fits = self.parked.iter().find(|(_, name)| {
            let Some(pod) = self.behind.get(*name) else {
                return false;
            };
            let size = (pod.cpu, pod.memory);
            let there = self.store.pod(name);
            if self.is_held(name) {
                return false;
            }
            if failed.contains(&size) || there.is_some_and(|it| self.lacks_claim(it).is_some()) {
                return false;
            }
            let fits = self.nodes.values().any(|room| room.lacks(pod).is_none());
            if !fits {
                failed.push(size);
            }
            fits
        });
        if let Some((number, name)) = fits.map(|(number, name)| (*number, name.clone())) {
            self.parked.remove(&number);
            self.queue.insert(number, name);
            self.wake_scheduler();
        }
    }

    /// A pod that found no place is tried again.
    pub(super) fn unpark(&mut self, pod: &Name) {
        let Some(number) = self.behind.get(pod).map(|behind| behind.number) else {
            return;
        };
        if let Some(name) = self.parked.remove(&number) {
            self.queue.insert(number, name);
            self.wake_scheduler();
        }
    }

    pub(super) fn wake_scheduler(&mut self) {
        if self.config.scheduler && !self.scheduler_busy && !self.queue.is_empty() {
            self.scheduler_busy = true;
            let at = self.now.after(self.config.weather.schedule);
            self.agenda.plan(at, Due::Schedule);
        }
    }

    /// The scheduler takes the oldest pod: to the node with the fewest pods that has room.
    pub(super) fn schedule_next(&mut self) {
        self.scheduler_busy = false;
        if !self.config.scheduler {
            return;
        }
        if let Some((number, name)) = self.queue.get_min().cloned() {
            self.queue.remove(&number);
            self.schedule(number, &name);
        }
        self.wake_scheduler();
    }

    fn schedule(&mut self, number: u64, name: &Name) {
        let (Some(pod), Some(behind)) = (self.store.pod(name).cloned(), self.behind.get(name))
        else {
            return;
        };
        if pod.metadata.deletion_timestamp.is_some() || pod.spec.node_name.is_some() {
            return;
        }
        if self.is_held(name) {
            self.parked.insert(number, name.clone());
            return;
        }
        if let Some(why) = self.lacks_claim(&pod) {
            return self.park(number, &pod, &why);
        }
        let mut lacking: BTreeMap<&'static str, u32> = BTreeMap::new();
        let mut best: Option<(u32, &Name)> = None;
        for (node, room) in &self.nodes {
            match room.lacks(behind) {
                Some(what) => *lacking.entry(what).or_default() += 1,
                None if best.is_none_or(|(pods, _)| room.pods_taken < pods) => {
                    best = Some((room.pods_taken, node));
                }
                None => {}
            }
        }
        if let Some(node) = best.map(|(_, node)| node.clone()) {
            // The pod is neither bound nor going, so the server agrees.
            let bound = self.bind_pod(name, &node);
            debug_assert!(bound.is_ok(), "{bound:?}");
            self.room_came_free();
            return;
        }
        let why: Vec<String> = lacking
            .iter()
            .map(|(what, nodes)| format!("{nodes} {what}"))
            .collect();
        self.park(number, &pod, &format!("{}.", why.join(", ")));
    }

    /// The pod finds no place, for that reason, until something changes.
    fn park(&mut self, number: u64, pod: &Arc<Pod>, why: &str) {
        let name = pod.metadata.name.as_str().into();
        self.parked.insert(number, name);
        let message = format!("0/{} nodes are available: {why}", self.nodes.len());
        let mut told = Pod::clone(pod);
        containers::condition(
            &mut told.status,
            "PodScheduled",
            "False",
            Some("Unschedulable"),
            Some(&message),
        );
        if told != **pod {
            self.put(told);
        }
    }

    /// Takes a node away: its pods stay as they are until PodGC finds them.
    ///
    /// Returns whether there was such a node.
    pub fn lose_node(&mut self, name: &str) -> bool {
        let there = self.nodes.remove(name).is_some();
        if there {
            self.plan_orphans(name);
        }
        there
    }

    /// The nodes, and what is taken of them.
    #[must_use]
    pub fn nodes(&self) -> &im::OrdMap<Name, Room> {
        &self.nodes
    }

    /// The key of a pod.
    pub(super) fn key(pod: &Pod) -> Key {
        Key {
            name: pod.metadata.name.as_str().into(),
            uid: pod.metadata.uid.as_str().into(),
        }
    }
}

/// An amount as nodes count it: what is beyond that is as much as can be counted.
pub(super) fn counted(amount: i128) -> u64 {
    u64::try_from(amount.max(0)).unwrap_or(u64::MAX)
}
