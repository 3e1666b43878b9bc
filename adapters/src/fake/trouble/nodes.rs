//! Nodes that say nothing any more: what the control plane makes of their pods, and what becomes of these when such a
//! node returns.

use super::super::{
    agenda::Due,
    backstage::Disruption,
    containers::{Exit, end, finished, settle_phase},
    world::World,
};
use super::kubelets::readied;
use crate::api::pod::Pod;
use evenkeel_core::{Name, Span};
use std::sync::Arc;

/// The control plane takes a node for unreachable that has said nothing for so long (`--node-monitor-grace-period`).
const UNREACHABLE_AFTER: Span = Span::seconds(50);
/// Pods tolerate an unreachable node for so long: what the API server writes into each.
const TOLERATED: Span = Span::seconds(300);

impl World {
    /// The node's machine dies, or can't be reached: its kubelet says nothing, and hears of nothing. The Node object
    /// stays, so nobody collects its pods.
    ///
    /// For 50 s the scheduler goes on binding pods to it. Then its pods are marked not ready, and after another 300 s
    /// deleted with reason `DeletionByTaintManager`; these, and all that anyone deletes with a grace, are stuck
    /// Terminating until the node returns, the Node object goes ([`lose_node`](Self::lose_node)), or somebody deletes
    /// them by force.
    ///
    /// Returns whether there is such a node that said something until now.
    pub fn silence_node(&mut self, name: &str) -> bool {
        let Some(room) = self.nodes.get_mut(name).filter(|room| !room.silent) else {
            return false;
        };
        room.silent = true;
        self.outages += 1;
        room.outage = self.outages;
        let at = self.now.after(UNREACHABLE_AFTER);
        self.agenda
            .plan(at, Due::Unreachable(name.into(), self.outages));
        true
    }

    /// Whether the node still is in that outage.
    fn is_out(&self, node: &str, outage: u64) -> bool {
        let room = self.nodes.get(node);
        room.is_some_and(|room| room.silent && room.outage == outage)
    }

    pub(in crate::fake) fn unreachable(&mut self, node: &Name, outage: u64) {
        if !self.is_out(node, outage) {
            return;
        }
        if let Some(room) = self.nodes.get_mut(node) {
            room.unreachable = true;
        }
        for pod in self.pods_on(node) {
            let mut marked = Pod::clone(&pod);
            let conditions = marked.status.conditions.iter_mut();
            for ready in conditions.filter(|condition| condition.kind == "Ready") {
                "False".clone_into(&mut ready.status);
            }
            if marked != *pod {
                self.put(marked);
            }
        }
        let at = self.now.after(TOLERATED);
        self.agenda
            .plan(at, Due::NotTolerated(node.clone(), outage));
    }

    pub(in crate::fake) fn not_tolerated(&mut self, node: &Name, outage: u64) {
        if !self.is_out(node, outage) {
            return;
        }
        for pod in self.pods_on(node) {
            if !finished(&pod) && pod.metadata.deletion_timestamp.is_none() {
                let gone = self.disrupt(&pod.metadata.name, Disruption::Taint);
                debug_assert!(gone.is_ok(), "{gone:?}");
            }
        }
    }

    /// A node that said nothing, or was lost, is back, and its containers have been running all the while: the pods
    /// bound to it go on, and those that were deleted in the meantime end and go.
    ///
    /// Returns whether it was away.
    pub fn return_node(&mut self, name: &str) -> bool {
        self.bring_back(name, false)
    }

    /// A node that said nothing, or was lost, is back after it was started anew: all containers that ran there have
    /// ended with code 255 and reason `Unknown`, so their pods have failed; those that had not started yet do now.
    ///
    /// Returns whether it was away.
    pub fn reboot_node(&mut self, name: &str) -> bool {
        self.bring_back(name, true)
    }

    fn bring_back(&mut self, name: &str, rebooted: bool) -> bool {
        let Some(room) = self.nodes.get_mut(name) else {
            if rebooted {
                self.end_all_on(name);
            }
            self.add_node(name);
            return true;
        };
        if !room.silent {
            return false;
        }
        (room.silent, room.unreachable) = (false, false);
        if rebooted {
            self.end_all_on(name);
        }
        for pod in self.pods_on(name) {
            self.kubelet_tells(&pod);
        }
        self.room_came_free();
        true
    }

    /// The kubelet says how a pod is, and goes on with it.
    fn kubelet_tells(&mut self, pod: &Arc<Pod>) {
        let mut told = Pod::clone(pod);
        // What the control plane has said of it meanwhile was that it is not ready.
        let ready = |pod: &Pod| {
            let mut containers = pod.status.container_statuses.iter();
            containers.all(|container| container.ready)
        };
        let running = told.status.phase == "Running" && ready(&told);
        if running && readied(&mut told.status, true) && told != **pod {
            let told = self.put(told);
            return self.kubelet_hears_anew(&told);
        }
        self.kubelet_hears_anew(pod);
    }

    fn end_all_on(&mut self, node: &str) {
        let unknown = Exit {
            reason: Some("Unknown".to_owned()),
            ..Exit::with_code(255)
        };
        for pod in self.pods_on(node) {
            let mut ended = Pod::clone(&pod);
            for status in &mut ended.status.container_statuses {
                if status.state.running.is_some() {
                    end(status, &unknown);
                }
            }
            if ended != *pod {
                settle_phase(&mut ended);
                self.put(ended);
            }
        }
    }
}
