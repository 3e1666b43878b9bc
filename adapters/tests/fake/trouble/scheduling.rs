//! Pods that find no place.

use super::super::kit::*;
use super::condition;

#[test]
fn pods_wait_while_all_nodes_are_cordoned() {
    let mut world = running("a");
    world.cordon_all();
    for name in ["b", "c"] {
        create(&mut world, name);
    }
    pass(&mut world, 600_000);
    assert_eq!(phase(&world, "a"), "Running", "what is there stays");
    let pod = world.pod("b").expect("there");
    let unschedulable = Some(("False", Some("Unschedulable")));
    assert_eq!(condition(pod, "PodScheduled"), unschedulable);
    let said = pod.status.conditions[0].message.as_deref();
    let words = "0/10 nodes are available: 10 node(s) were unschedulable.";
    assert_eq!(said, Some(words));
    assert!(world.uncordon("node-3"));
    pass(&mut world, 10_000);
    for name in ["b", "c"] {
        assert_eq!(phase(&world, name), "Running");
        assert_eq!(super::node(&world, name), "node-3");
    }
    world.uncordon_all();
    assert!(!world.cordon("no-such"));
}

#[test]
fn a_new_node_is_not_cordoned() {
    let mut world = world();
    world.cordon_all();
    create(&mut world, "a");
    pass(&mut world, 10_000);
    world.add_node("another");
    pass(&mut world, 10_000);
    assert_eq!(super::node(&world, "a"), "another");
}

#[test]
fn a_pod_that_the_scheduler_leaves_alone_holds_up_nobody() {
    let mut world = world();
    world.hold_scheduling("a");
    let made = create(&mut world, "a");
    create(&mut world, "b");
    pass(&mut world, 600_000);
    assert_eq!(phase(&world, "b"), "Running");
    let pod = world.pod("a").expect("there");
    assert_eq!(*pod, made, "nothing is said of it");
    world.release_scheduling("a");
    pass(&mut world, 10_000);
    assert_eq!(phase(&world, "a"), "Running");
    world.hold_scheduling("a");
    world.delete_as_stranger("a").expect("deleted");
    pass(&mut world, 60_000);
    assert!(world.pod("a").is_none(), "what is on a node ends as any");
}

#[test]
fn what_was_found_no_place_for_and_is_held_then_waits_for_its_release() {
    let mut world = world();
    world.cordon_all();
    create(&mut world, "a");
    pass(&mut world, 1_000);
    world.hold_scheduling("a");
    world.uncordon_all();
    pass(&mut world, 60_000);
    assert_eq!(phase(&world, "a"), "Pending");
    world.heal();
    pass(&mut world, 10_000);
    assert_eq!(phase(&world, "a"), "Running");
}
