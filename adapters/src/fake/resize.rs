//! The subresource `resize`: more memory for a container where it runs, as far as its node has it.

use super::{
    Answer, admission,
    agenda::{Due, Key},
    audit::Kind,
    containers, refusal,
    refusal::Wrong,
    world::World,
};
use crate::api::{
    answer::Refused,
    pod::{Container, Pod},
    quantity::binary,
};
use evenkeel_core::{Name, Span, Uid};
use std::sync::Arc;

/// A kubelet takes about this long to carry a resize out, or to say that it can't.
const RESIZED_AFTER: Span = Span(200);
/// The condition of a pod whose node can't give what is asked for: not now (`Deferred`), or never (`Infeasible`).
const PENDING: &str = "PodResizePending";

/// What a resize asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resize {
    /// The UID in the patch: refused where it is not the object's.
    pub uid: Option<Uid>,
    /// The container.
    pub container: String,
    /// The memory that it is to request, in bytes.
    pub request: u64,
    /// The memory that it is to be limited to, in bytes.
    pub limit: u64,
}

impl World {
    pub(super) fn resize_pod(&mut self, name: &str, asked: &Resize) -> Answer<Arc<Pod>> {
        let there = self.get_pod(name)?;
        if let Some(uid) = asked.uid.as_ref().map(ToString::to_string)
            && uid != there.metadata.uid
        {
            let wrong = Wrong::invalid("metadata.uid", &uid, "field is immutable");
            return Err(refusal::invalid("Pod", name, &[wrong]));
        }
        let mut pod = Pod::clone(&there);
        let mut containers = Arc::make_mut(&mut pod.spec).containers.iter_mut();
        let Some(container) = containers.find(|it| it.name == asked.container) else {
            let image = format!("spec.containers[{}].image", there.spec.containers.len());
            let why = "containers may not be added or removed on resize";
            let wrong = [
                Wrong::required(image, ""),
                Wrong::forbidden("spec.containers", why),
            ];
            return Err(refusal::invalid("Pod", name, &wrong));
        };
        let resources = &mut container.resources;
        for (side, bytes) in [
            (&mut resources.requests, asked.request),
            (&mut resources.limits, asked.limit),
        ] {
            side.insert("memory".to_owned(), binary(bytes));
        }
        if asked.request > asked.limit {
            let why = format!(
                "must be less than or equal to memory limit of {}",
                binary(asked.limit)
            );
            let wrong = Wrong::invalid(
                "spec.containers[0].resources.requests",
                &binary(asked.request),
                &why,
            );
            return Err(refusal::invalid("Pod", name, &[wrong]));
        }
        let (was, is) = (quality(&there), quality(&pod));
        if was != is {
            let why = "Pod QOS Class may not change as a result of resizing";
            let wrong = Wrong::invalid("spec", is, why);
            return Err(refusal::invalid("Pod", name, &[wrong]));
        }
        if silent(&there) {
            let why = "Pod running on node without support for resize";
            let wrong = Wrong::forbidden("spec", why);
            return Err(refusal::invalid("Pod", name, &[wrong]));
        }
        self.node_can_hold(&pod)?;
        self.within_limit_range(&pod)?;
        self.quota_for_pod(&pod, Some(&there))?;
        if pod == *there {
            return Ok(there);
        }
        let pod = self.put(pod);
        if pod.spec.node_name.is_none() {
            self.hold_memory(&name.into(), admission::memory(&pod));
        }
        self.plan_resize(&pod);
        Ok(pod)
    }

    /// The pod's node is there, and would have as much if it had nothing else.
    fn node_can_hold(&self, pod: &Pod) -> Answer<()> {
        let Some(node) = pod.spec.node_name.as_deref() else {
            return Ok(());
        };
        let forbidden =
            |why: &str| refusal::forbidden(Kind::Pods.resource(), &pod.metadata.name, why);
        let Some(room) = self.nodes.get(node) else {
            return Err(forbidden(&format!("node {node:?} not found")));
        };
        let (wanted, has) = (admission::memory(pod), room.memory);
        if !self.config.checks_capacity || wanted <= has {
            return Ok(());
        }
        let why = format!(
            "node didn't have enough allocatable resources: memory, requested: {wanted}, allocatable: {has}"
        );
        Err(Refused {
            causes: vec!["NodeCapacity".to_owned()],
            ..forbidden(&why)
        })
    }

    /// The kubelet looks at what the pod asks for, and what it has.
    pub(super) fn plan_resize(&mut self, pod: &Pod) {
        let at = self.now.after(RESIZED_AFTER);
        self.agenda.plan(at, Due::Resize(Self::key(pod)));
    }

    /// Room came free: what had to wait for it is looked at again.
    pub(super) fn retry_resizes(&mut self) {
        for name in std::mem::take(&mut self.deferred) {
            if let Some(pod) = self.store.pod(&name).cloned() {
                self.plan_resize(&pod);
            }
        }
    }

    pub(super) fn resize(&mut self, key: &Key) {
        let running = |pod: &Arc<Pod>| pod.status.phase == "Running" && self.kubelet_runs(pod);
        let Some(there) = self.same(key).filter(running) else {
            return;
        };
        let behind = self.behind.get(&key.name);
        let node = there.spec.node_name.as_deref().unwrap_or_default();
        let (Some(behind), Some(room)) = (behind, self.nodes.get(node)) else {
            return;
        };
        let (had, wanted) = (behind.memory, admission::memory(&there));
        let others = room.memory_taken.saturating_sub(had);
        let refusal = if wanted > room.memory {
            let why = format!(
                "Node didn't have enough capacity: memory, requested: {wanted}, capacity: {}",
                room.memory
            );
            Some(("Infeasible", why))
        } else if wanted > had && others.saturating_add(wanted) > room.memory {
            let why = format!(
                "Node didn't have enough resource: memory, requested: {wanted}, used: {others}, capacity: {}",
                room.memory
            );
            Some(("Deferred", why))
        } else {
            None
        };
        let mut pod = Pod::clone(&there);
        match refusal {
            Some((reason, why)) => {
                containers::condition(&mut pod.status, PENDING, "True", Some(reason), Some(&why));
                if reason == "Deferred" {
                    self.deferred.insert(key.name.clone());
                }
            }
            None => {
                pod.status.conditions.retain(|it| it.kind != PENDING);
                containers::give_resources(&mut pod);
                self.hold_memory(&key.name, wanted);
            }
        }
        if pod != *there {
            self.put(pod);
        }
    }

    /// From here on the pod holds so much of its node's memory.
    fn hold_memory(&mut self, name: &Name, wanted: u64) {
        let Some(behind) = self.behind.get_mut(name) else {
            return;
        };
        let had = std::mem::replace(&mut behind.memory, wanted);
        let node = behind.room.clone();
        if let Some(room) = node.and_then(|node| self.nodes.get_mut(&node)) {
            room.memory_taken = room.memory_taken.saturating_sub(had).saturating_add(wanted);
        }
        if wanted < had {
            self.room_came_free();
        }
    }
}

/// Whether the pod's node does not say what its containers have: then it is taken for one that can't resize.
fn silent(pod: &Pod) -> bool {
    let mut running = pod.status.container_statuses.iter();
    let running = running.find(|status| status.state.running.is_some());
    running.is_some_and(|status| status.resources.is_none())
}

/// A pod's quality of service.
fn quality(pod: &Pod) -> &'static str {
    let containers = &pod.spec.containers;
    let all = |test: fn(&Container) -> bool| containers.iter().all(test);
    if all(|it| it.resources.requests.is_empty() && it.resources.limits.is_empty()) {
        "BestEffort"
    } else if all(|it| {
        let (requests, limits) = (&it.resources.requests, &it.resources.limits);
        ["cpu", "memory"]
            .iter()
            .all(|what| limits.contains_key(*what) && requests.get(*what) == limits.get(*what))
    }) {
        "Guaranteed"
    } else {
        "Burstable"
    }
}
