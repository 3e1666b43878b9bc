//! What goes wrong on demand: what a real cluster does then, and how it is put right.

mod images;
mod kubelets;
mod namespace;
mod nodes;
mod owners;
mod past;
mod requests;
mod restarts;
mod restore;
mod scheduling;
mod strangers;
mod webhook;

use evenkeel::{
    api::pod::{ContainerState, Pod},
    fake::World,
};

/// The state of a pod's container.
fn state(world: &World, pod: &str, container: usize) -> ContainerState {
    let pod = world.pod(pod).expect(pod);
    pod.status.container_statuses[container].state.clone()
}

/// Why a pod's first container waits.
fn waits(world: &World, pod: &str) -> Option<String> {
    let pod = world.pod(pod).expect(pod);
    let first = pod.status.container_statuses.first()?;
    Some(first.state.waiting.as_ref()?.reason.clone())
}

/// A condition of a pod: its status and its reason.
fn condition<'a>(pod: &'a Pod, kind: &str) -> Option<(&'a str, Option<&'a str>)> {
    let mut all = pod.status.conditions.iter();
    let found = all.find(|condition| condition.kind == kind)?;
    Some((&found.status, found.reason.as_deref()))
}

/// The node of a pod.
fn node(world: &World, pod: &str) -> String {
    let node = world.pod(pod).expect(pod).spec.node_name.clone();
    node.expect("it is on a node")
}
