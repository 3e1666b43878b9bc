//! More memory for a pod where it runs.

use super::kit::*;
use evenkeel::{
    api::pod::Pod,
    core::input::{MemoryView, Outcome, Refusal},
    fake::{Event, Kind, Quota, Resize, Verb, Weather, World, WorldConfig},
    port::{ListWish, Request},
};

const GI: u64 = 1 << 30;

fn pod(name: &str, resources: &str) -> String {
    format!(
        r#"{{"metadata": {{"name": "{name}", "labels": {{"evenkeel.dev/fleet": "demo"}}}},
            "spec": {{"containers": [{{"name": "main", "image": "worker:1", "resources": {resources}}}]}}}}"#
    )
}

const ONE: &str = r#"{"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "1Gi"}}"#;

/// A world with one node of 8Gi, and running pods of 1Gi.
fn world_of(pods: &[&str]) -> World {
    world_with(WorldConfig::default(), pods)
}

fn world_with(config: WorldConfig, pods: &[&str]) -> World {
    let mut world = World::new(WorldConfig {
        weather: Weather {
            nodes: 1,
            node_memory: "8Gi".parse().expect("a quantity"),
            ..Weather::default()
        },
        ..config
    });
    for name in pods {
        world.create_as_stranger(&pod(name, ONE)).expect("made");
    }
    pass(&mut world, 10_000);
    world
}

fn to(bytes: u64) -> Resize {
    Resize {
        uid: None,
        container: "main".into(),
        request: bytes,
        limit: bytes,
    }
}

fn memory(world: &mut World, name: &str) -> MemoryView {
    let listing = world.listing(FLEET, ListWish::default());
    let pods = listing.expect("a listing").pods;
    let pod = pods.iter().find(|pod| *pod.name == *name);
    pod.expect("listed").memory.expect("it has both")
}

fn pending(pod: &Pod) -> Option<&str> {
    let mut conditions = pod.status.conditions.iter();
    let pending = conditions.find(|it| it.kind == "PodResizePending")?;
    pending.reason.as_deref()
}

#[test]
fn a_resize_is_asked_for_then_in_force_and_both_show() {
    let mut world = world_of(&["a"]);
    let from = world.revision();
    let id = watch(&mut world, "", from);
    world.api("test").resize("a", &to(2 * GI)).expect("resized");
    let known = |limit, asked| MemoryView {
        limit,
        asked,
        infeasible: false,
    };
    assert_eq!(memory(&mut world, "a"), known(GI, 2 * GI));
    pass(&mut world, 1000);
    assert_eq!(memory(&mut world, "a"), known(2 * GI, 2 * GI));
    assert_eq!(world.nodes()["node-1"].memory_taken, 2 * GI);
    let told = drain(&mut world, id);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.iter().all(|event| matches!(event, Event::Modified(_))));
    let n = world.revision();
    world
        .api("test")
        .resize("a", &to(2 * GI))
        .expect("no change");
    assert_eq!(world.revision(), n);
}

#[test]
fn what_the_node_never_has_is_infeasible() {
    let before = WorldConfig {
        checks_capacity: false,
        ..WorldConfig::default()
    };
    let mut world = world_with(before, &["a"]);
    world.api("test").resize("a", &to(9 * GI)).expect("asked");
    pass(&mut world, 1000);
    assert_eq!(pending(world.pod("a").expect("there")), Some("Infeasible"));
    let known = MemoryView {
        limit: GI,
        asked: 9 * GI,
        infeasible: true,
    };
    assert_eq!(memory(&mut world, "a"), known);
    assert_eq!(world.nodes()["node-1"].memory_taken, GI);
}

#[test]
fn what_the_node_does_not_have_now_is_deferred() {
    let mut world = world_of(&["a", "b", "c"]);
    world.api("test").resize("a", &to(7 * GI)).expect("asked");
    pass(&mut world, 1000);
    assert_eq!(pending(world.pod("a").expect("there")), Some("Deferred"));
    assert!(!memory(&mut world, "a").infeasible);
    world.delete_as_stranger("b").expect("deleted");
    pass(&mut world, 60_000);
    assert_eq!(pending(world.pod("a").expect("there")), None);
    assert_eq!(memory(&mut world, "a").limit, 7 * GI);
    assert_eq!(world.nodes()["node-1"].memory_taken, 8 * GI);
}

#[test]
fn a_resize_is_refused_in_the_servers_words() {
    let mut world = world_of(&["a"]);
    let refused = |world: &mut World, name: &str, resize: &Resize| {
        let refused = world.api("test").resize(name, resize);
        let refused = refused.expect_err("refused");
        (refused.code, refused.message)
    };
    let (code, message) = refused(&mut world, "x", &to(GI));
    assert_eq!((code, &*message), (404, r#"pods "x" not found"#));
    let other = Resize {
        uid: Some("another".into()),
        ..to(2 * GI)
    };
    let (code, message) = refused(&mut world, "a", &other);
    assert_eq!(code, 422);
    assert!(message.contains("metadata.uid") && message.contains("field is immutable"));
    let (code, _) = refused(
        &mut world,
        "a",
        &Resize {
            container: "other".into(),
            ..to(2 * GI)
        },
    );
    assert_eq!(code, 422);
    // A quality of service stays what it was.
    let apart =
        r#"{"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "1", "memory": "2Gi"}}"#;
    world.create_as_stranger(&pod("b", apart)).expect("made");
    let (code, message) = refused(&mut world, "b", &to(3 * GI));
    assert_eq!(code, 422);
    assert!(
        message.contains("Pod QOS Class may not change"),
        "{message}"
    );
    let apart = Resize {
        request: 2 * GI,
        ..to(3 * GI)
    };
    assert!(world.api("test").resize("b", &apart).is_ok());
    let upside_down = Resize {
        request: 4 * GI,
        ..to(3 * GI)
    };
    assert_eq!(refused(&mut world, "b", &upside_down).0, 422);
    let words = r#"pods "a" is forbidden: node didn't have enough allocatable resources: memory, requested: 9663676416, allocatable: 8589934592"#;
    assert_eq!(refused(&mut world, "a", &to(9 * GI)), (403, words.into()));
    world.lose_node("node-1");
    let words = r#"pods "a" is forbidden: node "node-1" not found"#;
    assert_eq!(refused(&mut world, "a", &to(3 * GI)), (403, words.into()));
}

#[test]
fn quota_and_limit_range_bound_resizes_too() {
    let mut world = world_of(&["a"]);
    world.set_quota(Some(Quota {
        name: "few".into(),
        memory: Some(2 * GI),
        ..Quota::default()
    }));
    let uid = world.pod("a").expect("there").metadata.uid.clone();
    let resize = |bytes| Request::Resize {
        name: "a".into(),
        uid: uid.as_str().into(),
        container: "main".into(),
        request: bytes,
        limit: bytes,
    };
    let words = r#"pods "a" is forbidden: exceeded quota: few, requested: requests.memory=2Gi, used: requests.memory=1Gi, limited: requests.memory=2Gi"#;
    let full = Outcome::Refused(Refusal::Quota(words.into()));
    assert_eq!(world.execute(FLEET, &resize(3 * GI)), full);
    let done = world.execute(FLEET, &resize(2 * GI));
    assert!(matches!(done, Outcome::Done { .. }), "{done:?}");
    world.set_quota(None);
    world.set_max_memory(Some(2 * GI));
    let words =
        r#"pods "a" is forbidden: maximum memory usage per Container is 2Gi, but limit is 3Gi"#;
    let over = Outcome::Refused(Refusal::Forbidden(words.into()));
    assert_eq!(world.execute(FLEET, &resize(3 * GI)), over);
    world.deny(Kind::PodResize, Verb::Patch);
    let words = r#"pods "a" is forbidden: User "demo" cannot patch resource "pods/resize" in API group "" in the namespace "default""#;
    let rights = Outcome::Refused(Refusal::Forbidden(words.into()));
    assert_eq!(world.execute(FLEET, &resize(2 * GI)), rights);
}

#[test]
fn a_kubelet_that_was_away_finds_what_is_asked_for() {
    let mut world = world_of(&["a"]);
    world.set_kubelet(false);
    world.api("test").resize("a", &to(2 * GI)).expect("asked");
    pass(&mut world, 60_000);
    assert_eq!(memory(&mut world, "a").limit, GI);
    world.set_kubelet(true);
    pass(&mut world, 1000);
    assert_eq!(memory(&mut world, "a").limit, 2 * GI);
}

#[test]
fn a_pod_without_a_place_is_resized_at_once() {
    let mut world = world_of(&[]);
    world.set_scheduler(false);
    world.create_as_stranger(&pod("a", ONE)).expect("made");
    world.api("test").resize("a", &to(3 * GI)).expect("resized");
    world.set_scheduler(true);
    pass(&mut world, 10_000);
    assert_eq!(memory(&mut world, "a").limit, 3 * GI);
    assert_eq!(world.nodes()["node-1"].memory_taken, 3 * GI);
}

#[test]
fn a_node_that_does_not_say_what_it_has_can_not_resize() {
    let mut world = world_of(&["a"]);
    let mut status = world.pod("a").expect("there").status.clone();
    for container in &mut status.container_statuses {
        container.resources = None;
    }
    world.api("kubelet").set_status("a", status).expect("set");
    let refused = world.api("test").resize("a", &to(2 * GI));
    let words =
        "Pod \"a\" is invalid: spec: Forbidden: Pod running on node without support for resize";
    assert_eq!(refused.expect_err("refused").message, words);
}
