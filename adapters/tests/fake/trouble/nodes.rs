//! Nodes that say nothing, and return.

use super::super::kit::*;
use super::{condition, node, state};
use evenkeel::{
    api::pod::Pod,
    core::Span,
    fake::{Exit, World},
};
use std::sync::Arc;

/// A world whose only running pod is on a node that says nothing.
fn silent(name: &str) -> (World, String) {
    let mut world = running(name);
    let node = node(&world, name);
    assert!(world.silence_node(&node));
    assert!(!world.silence_node(&node), "it is silent already");
    (world, node)
}

fn pod(world: &World, name: &str) -> Arc<Pod> {
    Arc::clone(world.pod(name).expect(name))
}

#[test]
fn a_pod_deleted_on_a_silent_node_is_stuck_until_it_returns() {
    let (mut world, node) = silent("a");
    world.delete_as_stranger("a").expect("deleted");
    pass(&mut world, 3_600_000);
    let stuck = pod(&world, "a");
    assert_eq!(stuck.status.phase, "Running");
    assert!(stuck.metadata.deletion_timestamp.is_some());
    assert!(world.return_node(&node));
    assert!(!world.return_node(&node));
    pass(&mut world, 5_000);
    assert!(world.pod("a").is_none());
}

#[test]
fn a_stuck_pod_goes_with_its_node_or_by_force() {
    let (mut world, node) = silent("a");
    world.delete_as_stranger("a").expect("deleted");
    pass(&mut world, 60_000);
    world.lose_node(&node);
    pass(&mut world, 57_000);
    assert!(world.pod("a").is_some());
    pass(&mut world, 1_000);
    assert!(world.pod("a").is_none(), "PodGC has found it");

    let (mut world, _) = silent("a");
    world.delete_as_stranger("a").expect("deleted");
    pass(&mut world, 60_000);
    world.delete_by_force("a").expect("deleted");
    assert!(world.pod("a").is_none());
}

#[test]
fn the_pods_of_an_unreachable_node_are_not_ready_after_50_s_and_deleted_after_350() {
    let (mut world, node) = silent("a");
    let began = pod(&world, "a");
    pass(&mut world, 49_999);
    assert_eq!(pod(&world, "a"), began);
    pass(&mut world, 1);
    let unready = pod(&world, "a");
    assert_eq!(condition(&unready, "Ready"), Some(("False", None)));
    assert_eq!(unready.status.phase, "Running");
    pass(&mut world, 299_999);
    assert_eq!(pod(&world, "a"), unready);
    let n = world.revision();
    pass(&mut world, 1);
    assert_eq!(world.revision(), n + 2);
    let going = pod(&world, "a");
    assert_eq!(disruption(&going), Some("DeletionByTaintManager"));
    assert!(going.metadata.deletion_timestamp.is_some());
    pass(&mut world, 3_600_000);
    assert_eq!(pod(&world, "a"), going, "and there it stays");
    world.return_node(&node);
    pass(&mut world, 60_000);
    assert!(world.pod("a").is_none());
}

#[test]
fn a_node_that_returns_in_time_has_its_pods_go_on() {
    let (mut world, node) = silent("a");
    let began = pod(&world, "a");
    pass(&mut world, 200_000);
    assert!(world.return_node(&node));
    let back = pod(&world, "a");
    assert_eq!(back.status, began.status, "it is ready again");
    pass(&mut world, 3_600_000);
    assert_eq!(pod(&world, "a"), back, "that outage is over");
    world.silence_node(&node);
    pass(&mut world, 60_000);
    assert_eq!(
        condition(&pod(&world, "a"), "Ready"),
        Some(("False", None)),
        "the next one counts anew"
    );
}

#[test]
fn a_rebooted_node_has_lost_its_containers() {
    let (mut world, node) = silent("a");
    pass(&mut world, 60_000);
    assert!(world.reboot_node(&node));
    let failed = pod(&world, "a");
    assert_eq!(failed.status.phase, "Failed");
    let ended = state(&world, "a", 0).terminated.expect("ended");
    assert_eq!((ended.exit_code, &*ended.reason), (255, "Unknown"));
    assert!(failed.metadata.deletion_timestamp.is_none());
    assert_eq!(disruption(&failed), None);

    let (mut world, node) = silent("b");
    world.delete_as_stranger("b").expect("deleted");
    pass(&mut world, 60_000);
    world.reboot_node(&node);
    pass(&mut world, 1);
    assert!(world.pod("b").is_none(), "there is nothing left to stop");
}

#[test]
fn the_scheduler_does_not_notice_at_once() {
    let mut world = world();
    let names: Vec<_> = world.nodes().keys().cloned().collect();
    for node in &names[1..] {
        world.cordon(node);
    }
    world.silence_node(&names[0]);
    create(&mut world, "early");
    pass(&mut world, 60_000);
    assert_eq!(node(&world, "early"), &*names[0]);
    assert_eq!(phase(&world, "early"), "Pending", "nobody starts it");
    create(&mut world, "late");
    pass(&mut world, 1_000);
    let said = pod(&world, "late").status.conditions[0].message.clone();
    let words = "0/10 nodes are available: 9 node(s) were unschedulable, \
        1 node(s) had untolerated taint {node.kubernetes.io/unreachable: }.";
    let sorted = |text: &str| {
        let mut letters: Vec<char> = text.chars().collect();
        letters.sort_unstable();
        letters
    };
    assert_eq!(sorted(&said.unwrap_or_default()), sorted(words));
    world.return_node(&names[0]);
    pass(&mut world, 10_000);
    for name in ["early", "late"] {
        assert_eq!(phase(&world, name), "Running");
    }
}

#[test]
fn a_lost_node_that_returns_before_its_pods_are_collected_keeps_them() {
    let mut world = running("a");
    let node = node(&world, "a");
    world.lose_node(&node);
    pass(&mut world, 30_000);
    assert!(world.return_node(&node));
    pass(&mut world, 600_000);
    assert_eq!(phase(&world, "a"), "Running");
    world.lose_node(&node);
    assert!(world.reboot_node(&node));
    assert_eq!(phase(&world, "a"), "Failed");
}

#[test]
fn what_ends_in_silence_is_told_later() {
    let mut world = world();
    create(&mut world, "a");
    world.plan_exit("a", Span::seconds(20), Exit::with_code(3));
    pass(&mut world, 10_000);
    let node = node(&world, "a");
    world.silence_node(&node);
    pass(&mut world, 40_000);
    assert_eq!(phase(&world, "a"), "Running");
    world.heal();
    pass(&mut world, 10_000);
    assert_eq!(phase(&world, "a"), "Failed");
}
