//! The node side: scheduler, kubelets, garbage collectors.

use super::kit::*;
use evenkeel::{
    api::pod::PodStatus,
    core::Span,
    fake::{Event, Exit, Percent, Weather, World, WorldConfig},
};
use std::collections::BTreeMap;

#[test]
fn the_scheduler_binds_60_pods_a_second() {
    let mut world = world();
    for at in 0..500 {
        create(&mut world, &format!("a{at}"));
    }
    let bound = |world: &World| {
        let on_node = world.pods().filter(|pod| pod.spec.node_name.is_some());
        on_node.count()
    };
    pass(&mut world, 1000);
    assert!((55..=65).contains(&bound(&world)), "{}", bound(&world));
    pass(&mut world, 11_000);
    assert!(world.pods().all(|pod| pod.status.phase == "Running"));
    let taken: Vec<u32> = world.nodes().values().map(|room| room.pods_taken).collect();
    assert_eq!(taken, [50; 10], "the least loaded first");
}

#[test]
fn pods_without_room_wait_until_there_is_some_in_order() {
    let mut world = World::new(WorldConfig {
        weather: Weather {
            nodes: 1,
            node_cpu: "2".parse().expect("a quantity"),
            ..Weather::default()
        },
        ..WorldConfig::default()
    });
    for name in ["a", "b", "c", "d"] {
        let text = format!(
            r#"{{"metadata": {{"name": "{name}"}}, "spec": {{"containers": [
                {{"name": "m", "image": "i", "resources": {{"requests": {{"cpu": "1"}}}}}}]}}}}"#
        );
        world.create_as_stranger(&text).expect("made");
    }
    pass(&mut world, 10_000);
    let on_node = |world: &World| -> Vec<String> {
        let bound = world.pods().filter(|pod| pod.spec.node_name.is_some());
        bound.map(|pod| pod.metadata.name.clone()).collect()
    };
    assert_eq!(on_node(&world), ["a", "b"]);
    let waiting = &world.pod("c").expect("there").status.conditions[0];
    assert_eq!(waiting.reason.as_deref(), Some("Unschedulable"));
    let words = "0/1 nodes are available: 1 Insufficient cpu.";
    assert_eq!(waiting.message.as_deref(), Some(words));
    world.kill_container("a", 1, None).expect("killed");
    pass(&mut world, 100);
    assert_eq!(on_node(&world), ["a", "b", "c"]);
    world.add_node("another");
    pass(&mut world, 10_000);
    assert_eq!(on_node(&world), ["a", "b", "c", "d"]);
    assert_eq!(phase(&world, "d"), "Running");
}

#[test]
fn room_that_comes_free_is_filled_by_as_many_as_fit() {
    let mut world = World::new(WorldConfig {
        weather: Weather {
            nodes: 1,
            node_cpu: "2".parse().expect("a quantity"),
            ..Weather::default()
        },
        ..WorldConfig::default()
    });
    for (name, cpu) in [
        ("big", "2"),
        ("small-1", "1"),
        ("large", "1500m"),
        ("small-2", "1"),
    ] {
        let text = format!(
            r#"{{"metadata": {{"name": "{name}"}}, "spec": {{"containers": [
                {{"name": "m", "image": "i", "resources": {{"requests": {{"cpu": "{cpu}"}}}}}}]}}}}"#
        );
        world.create_as_stranger(&text).expect("made");
    }
    pass(&mut world, 10_000);
    world.delete_as_stranger("big").expect("deleted");
    pass(&mut world, 10_000);
    let bound = world.pods().filter(|pod| pod.spec.node_name.is_some());
    let bound: Vec<&str> = bound.map(|pod| &*pod.metadata.name).collect();
    assert_eq!(
        bound,
        ["small-1", "small-2"],
        "what does not fit holds up nobody"
    );
}

#[test]
fn a_container_that_ends_leaves_its_code_and_its_pod() {
    let mut world = running("a");
    let address = world.pod("a").expect("there").status.pod_ip.clone();
    assert!(address.is_some());
    world
        .end_container("a", &Exit::out_of_memory())
        .expect("ended");
    let pod = world.pod("a").expect("there");
    assert_eq!(pod.status.phase, "Failed");
    let ended = pod.status.container_statuses[0].state.terminated.as_ref();
    let ended = ended.expect("terminated");
    assert_eq!((ended.exit_code, &*ended.reason), (137, "OOMKilled"));
    let n = world.revision();
    world.kill_container("a", 1, None).expect("no matter");
    assert_eq!(world.revision(), n, "what ended once does not end again");
    assert_eq!(
        world.kill_container("x", 1, None).map_err(|e| e.code),
        Err(404)
    );
}

#[test]
fn a_sidecar_lives_on_and_a_pod_ends_with_its_last_container() {
    let text = r#"{"metadata": {"name": "a", "annotations": {"kubectl.kubernetes.io/default-container": "main"}},
        "spec": {"containers": [{"name": "side", "image": "i"}, {"name": "main", "image": "i"}]}}"#;
    let mut world = world();
    world.create_as_stranger(text).expect("made");
    world.plan_exit("a", Span::seconds(5), Exit::with_code(0));
    pass(&mut world, 4_000);
    assert_eq!(phase(&world, "a"), "Running");
    pass(&mut world, 6_000);
    let pod = world.pod("a").expect("there");
    assert_eq!(pod.status.phase, "Running");
    let ended = |at: usize| pod.status.container_statuses[at].state.terminated.is_some();
    assert_eq!([ended(0), ended(1)], [false, true]);
    let side = Exit {
        container: Some("side".into()),
        ..Exit::with_code(3)
    };
    world.end_container("a", &side).expect("ended");
    assert_eq!(phase(&world, "a"), "Failed");
}

#[test]
fn images_that_cannot_be_pulled_are_waited_for() {
    let mut world = World::new(WorldConfig {
        weather: Weather {
            pull_errors: Percent::new(100),
            ..Weather::default()
        },
        ..WorldConfig::default()
    });
    for at in 0..20 {
        create(&mut world, &format!("a{at}"));
    }
    let from = world.revision();
    let id = watch(&mut world, "", from);
    pass(&mut world, 5_000);
    let mut reasons = BTreeMap::new();
    for event in drain(&mut world, id) {
        if let Event::Modified(pod) = event
            && let Some(status) = pod.status.container_statuses.first()
            && let Some(waiting) = &status.state.waiting
        {
            *reasons.entry(waiting.reason.clone()).or_insert(0) += 1;
        }
    }
    let both = BTreeMap::from([("ErrImagePull".into(), 20), ("ImagePullBackOff".into(), 20)]);
    assert_eq!(reasons, both);
    pass(&mut world, 600_000);
    let running = world.pods().filter(|pod| pod.status.phase == "Running");
    let running = running.count();
    assert!((5..=15).contains(&running), "{running}");
}

#[test]
fn a_test_may_play_scheduler_and_kubelet() {
    let mut world = bare();
    create(&mut world, "a");
    pass(&mut world, 60_000);
    assert_eq!(world.pod("a").expect("there").spec.node_name, None);
    world.api("scheduler").bind("a", "node-1").expect("bound");
    let again = world.api("scheduler").bind("a", "node-2");
    assert_eq!(again.map_err(|refused| refused.code), Err(409));
    pass(&mut world, 60_000);
    assert_eq!(phase(&world, "a"), "Pending");
    let status = PodStatus {
        phase: "Running".into(),
        ..PodStatus::default()
    };
    world.api("kubelet").set_status("a", status).expect("set");
    assert_eq!(phase(&world, "a"), "Running");
    create(&mut world, "b");
    world.set_scheduler(true);
    world.set_kubelet(true);
    pass(&mut world, 10_000);
    assert_eq!(phase(&world, "b"), "Running");
}

#[test]
fn pods_go_when_their_last_owner_object_is_gone() {
    let owned = |name: &str, owners: &[&str]| {
        let references: Vec<String> = owners
            .iter()
            .map(|uid| {
                format!(r#"{{"apiVersion": "v1", "kind": "Pod", "name": "o", "uid": "{uid}"}}"#)
            })
            .collect();
        format!(
            r#"{{"metadata": {{"name": "{name}", "ownerReferences": [{}]}},
                "spec": {{"containers": [{{"name": "main", "image": "i"}}]}}}}"#,
            references.join(",")
        )
    };
    let mut world = world();
    let driver = create(&mut world, "driver").metadata.uid.clone();
    world.add_owner("app");
    for (name, owners) in [
        ("a", &[&*driver][..]),
        ("b", &["app"]),
        ("c", &["app", &driver]),
    ] {
        world
            .create_as_stranger(&owned(name, owners))
            .expect("made");
    }
    world
        .create_as_stranger(&owned("d", &["nobody"]))
        .expect("made");
    pass(&mut world, 10_000);
    let names = |world: &World| -> Vec<String> {
        world.pods().map(|pod| pod.metadata.name.clone()).collect()
    };
    assert_eq!(names(&world), ["a", "b", "c", "driver"]);
    world.kill_container("driver", 0, None).expect("finished");
    pass(&mut world, 10_000);
    assert_eq!(
        names(&world).len(),
        4,
        "a finished driver is still an owner"
    );
    world.delete_as_stranger("driver").expect("deleted");
    pass(&mut world, 10_000);
    assert_eq!(names(&world), ["b", "c"]);
    world.delete_owner("app");
    pass(&mut world, 10_000);
    assert_eq!(names(&world), Vec::<String>::new());
}
#[test]
fn absurd_sizes_harm_nobody() {
    let mut world = world();
    for name in ["a", "b"] {
        let text = format!(
            r#"{{"metadata": {{"name": "{name}"}}, "spec": {{"nodeName": "node-1", "terminationGracePeriodSeconds": 9223372036854775807,
                "containers": [
                {{"name": "m", "image": "i", "resources": {{"requests": {{"cpu": "9999999999E", "memory": "16Ei"}}}}}},
                {{"name": "n", "image": "i", "resources": {{"requests": {{"cpu": "9999999999E", "memory": "16Ei"}}}}}}]}}}}"#
        );
        world.create_as_stranger(&text).expect("made");
    }
    pass(&mut world, 10_000);
    for name in ["a", "b"] {
        assert_eq!(
            phase(&world, name),
            "Running",
            "nobody asks when a pod comes bound"
        );
        world.delete_as_stranger(name).expect("deleted");
        world
            .api("test")
            .delete(name, &grace(1))
            .expect("shortened");
    }
    pass(&mut world, 10_000);
    assert_eq!(world.pods().count(), 0);
}
