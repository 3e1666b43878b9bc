//! Kubelets that reject, are slow to start and to stop, and probes that fail.

use super::super::kit::*;
use super::{condition, state};
use evenkeel::{
    core::Time,
    fake::{Event, Rejection, Stopping, World},
};

#[test]
fn a_rejected_pod_has_failed_at_once_and_never_had_a_container() {
    for (rejection, reason) in [
        (
            Rejection::UnexpectedAdmissionError,
            "UnexpectedAdmissionError",
        ),
        (Rejection::OutOfCpu, "OutOfcpu"),
        (Rejection::OutOfMemory, "OutOfmemory"),
        (Rejection::OutOfPods, "OutOfpods"),
        (Rejection::NodeAffinity, "NodeAffinity"),
    ] {
        let mut world = world();
        world.set_rejection(Some(rejection), None);
        create(&mut world, "a");
        pass(&mut world, 100);
        let pod = world.pod("a").expect("there");
        assert!(pod.spec.node_name.is_some(), "the scheduler had bound it");
        assert_eq!(pod.status.phase, "Failed");
        assert_eq!(pod.status.reason.as_deref(), Some(reason));
        let message = pod.status.message.as_deref().unwrap_or_default();
        assert!(message.starts_with("Pod was rejected: "), "{message}");
        assert!(pod.status.container_statuses.is_empty());
        assert!(pod.status.conditions.is_empty());
        let taken: u32 = world.nodes().values().map(|room| room.pods_taken).sum();
        assert_eq!(taken, 0, "its room is free");
        world.set_rejection(None, None);
        create(&mut world, "b");
        pass(&mut world, 10_000);
        assert_eq!(phase(&world, "b"), "Running");
    }
}

#[test]
fn so_many_pods_are_rejected_and_no_more() {
    let mut world = world();
    world.set_rejection(Some(Rejection::OutOfCpu), Some(2));
    for name in ["a", "b", "c"] {
        create(&mut world, name);
    }
    pass(&mut world, 10_000);
    let phases = ["a", "b", "c"].map(|name| phase(&world, name));
    assert_eq!(phases, ["Failed", "Failed", "Running"]);
}

fn started(world: &mut World, name: &str) -> Time {
    while phase(world, name) != "Running" {
        let next = world.next_due().expect("something is due");
        world.advance(next);
    }
    world.now()
}

#[test]
fn pods_may_take_many_times_as_long_to_start() {
    let began = |times| {
        let mut world = world();
        world.set_slowness(times);
        create(&mut world, "a");
        // What comes later is no matter to those that have begun.
        pass(&mut world, 100);
        world.set_slowness(1);
        started(&mut world, "a").0
    };
    // The scheduler takes no longer than before.
    let (usual, slow) = (began(1) - 16, began(30) - 16);
    assert_eq!(slow, usual * 30);
}

#[test]
fn a_pod_that_never_becomes_ready_runs_all_the_same() {
    let mut world = world();
    world.set_never_ready(true);
    create(&mut world, "a");
    pass(&mut world, 10_000);
    let pod = world.pod("a").expect("there");
    assert_eq!(pod.status.phase, "Running");
    assert!(state(&world, "a", 0).running.is_some());
    assert!(!pod.status.container_statuses[0].ready);
    let unready = Some(("False", Some("ContainersNotReady")));
    assert_eq!(condition(pod, "Ready"), unready);
    world.set_never_ready(false);
    pass(&mut world, 600_000);
    let still = world.pod("a").expect("there");
    assert_eq!(condition(still, "Ready"), unready);
    world.set_ready("a", true).expect("there");
    let ready = world.pod("a").expect("there").clone();
    assert_eq!(condition(&ready, "Ready"), Some(("True", None)));
    assert!(ready.status.container_statuses[0].ready);
    world.set_ready("a", true).expect("there");
    assert_eq!(*world.pod("a").expect("there"), ready, "said once");
    world.set_ready("a", false).expect("there");
    world.heal();
    let healed = world.pod("a").expect("there");
    assert_eq!(condition(healed, "Ready"), Some(("True", None)));
}

/// When a pod that is deleted goes, and with which code its container ended.
fn end(world: &mut World) -> (u64, Option<i32>) {
    let from = world.revision();
    let id = watch(world, "", from);
    let asked = world.now();
    world.delete_as_stranger("a").expect("deleted");
    while world.pod("a").is_some() {
        let next = world.next_due().expect("something is due");
        world.advance(next);
    }
    let events = drain(world, id);
    let Some(Event::Deleted(pod)) = events.last() else {
        panic!("{events:?}")
    };
    let ended = pod.status.container_statuses[0].state.terminated.as_ref();
    (
        world.now().since(asked).0,
        ended.map(|ended| ended.exit_code),
    )
}

#[test]
fn containers_may_use_their_grace_to_the_last_or_beyond() {
    let mut world = running("a");
    world.set_stopping(Stopping::WholeGrace);
    assert_eq!(end(&mut world), (29_999, Some(143)));
    let mut world = running("a");
    world.set_stopping(Stopping::Never);
    assert_eq!(end(&mut world), (30_000, Some(137)));
    let mut world = running("a");
    world.set_stopping(Stopping::Never);
    world.heal();
    let (after, code) = end(&mut world);
    assert!((500..=1_500).contains(&after), "{after}");
    assert_eq!(code, Some(143));
}
