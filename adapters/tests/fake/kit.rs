//! What the tests share: small worlds, and what their watches say.

use evenkeel::{
    port::Request,
    {
        api::pod::Pod,
        core::Span,
        fake::{DeleteOptions, Event, WatchId, World, WorldConfig},
    },
};
use std::sync::Arc;

pub const FLEET: &str = "demo";

pub fn manifest(name: &str) -> String {
    labelled(name, r#"{"evenkeel.dev/fleet": "demo"}"#)
}

pub fn labelled(name: &str, labels: &str) -> String {
    format!(
        r#"{{"metadata": {{"name": "{name}", "labels": {labels}}},
            "spec": {{"containers": [{{"name": "main", "image": "worker:1"}}]}}}}"#
    )
}

pub fn with_finalizer(name: &str) -> String {
    format!(
        r#"{{"metadata": {{"name": "{name}", "finalizers": ["test/hold"]}},
            "spec": {{"containers": [{{"name": "main", "image": "worker:1"}}]}}}}"#
    )
}

pub fn world() -> World {
    World::new(WorldConfig::default())
}

/// A world in which the test plays scheduler and kubelet.
pub fn bare() -> World {
    World::new(WorldConfig {
        scheduler: false,
        kubelet: false,
        ..WorldConfig::default()
    })
}

pub fn pass(world: &mut World, ms: u64) {
    let now = world.now();
    world.advance(now.after(Span(ms)));
}

pub fn create(world: &mut World, name: &str) -> Arc<Pod> {
    let created = world.create_as_stranger(&manifest(name));
    created.unwrap_or_else(|refused| panic!("{refused:?}"))
}

/// A world with one running pod.
pub fn running(name: &str) -> World {
    let mut world = world();
    create(&mut world, name);
    pass(&mut world, 10_000);
    assert_eq!(phase(&world, name), "Running");
    world
}

pub fn phase(world: &World, name: &str) -> String {
    world.pod(name).expect(name).status.phase.clone()
}

pub fn revision(pod: &Pod) -> u64 {
    pod.metadata.resource_version.parse().expect("a revision")
}

pub fn watch(world: &mut World, selector: &str, from: u64) -> WatchId {
    world.api("test").watch(selector, from).expect("a watch")
}

pub fn drain(world: &mut World, id: WatchId) -> Vec<Event> {
    let mut events = Vec::new();
    while let Some(event) = world.watch_event(id) {
        let last = matches!(event, Event::Closed | Event::Error(_));
        events.push(event);
        if last {
            break;
        }
    }
    events
}

/// The events as `KIND revision`.
pub fn told(events: &[Event]) -> Vec<(&'static str, u64)> {
    let tell = |event: &Event| match event {
        Event::Added(pod) => ("ADDED", revision(pod)),
        Event::Modified(pod) => ("MODIFIED", revision(pod)),
        Event::Deleted(pod) => ("DELETED", revision(pod)),
        Event::Bookmark(revision) => ("BOOKMARK", *revision),
        Event::Error(refused) => ("ERROR", u64::from(refused.code)),
        Event::Closed => ("CLOSED", 0),
    };
    events.iter().map(tell).collect()
}

pub fn grace(seconds: u32) -> DeleteOptions {
    DeleteOptions {
        grace: Some(seconds),
        ..DeleteOptions::default()
    }
}

pub fn disruption(pod: &Pod) -> Option<&str> {
    let conditions = &pod.status.conditions;
    let target = conditions.iter().find(|c| c.kind == "DisruptionTarget")?;
    target.reason.as_deref()
}

pub fn create_request(name: &str) -> Request {
    Request::Create {
        name: name.into(),
        manifest: manifest(name),
    }
}
