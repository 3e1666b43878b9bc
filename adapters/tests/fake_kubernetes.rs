//! The fake held against what a Kubernetes 1.36 API server was measured to do, line by line.
#![cfg(feature = "fake")]

use evenkeel::{
    api::pod::{Pod, PodStatus},
    core::{
        Revision, Span, Time, Uid,
        input::{Failure, Outcome, WatchEnd, WatchEvent},
    },
    fake::{
        DeleteOptions, Disruption, Endings, Event, Exit, Fault, Kind, ListOptions, Patch, Percent,
        Rate, Verb, WatchId, Weather, World, WorldConfig,
    },
    port::{LeaseError, LeaseRequest, LeaseSpec, Request},
};
use std::{collections::BTreeMap, sync::Arc};

const FLEET: &str = "demo";

fn manifest(name: &str) -> String {
    labelled(name, r#"{"evenkeel.dev/fleet": "demo"}"#)
}

fn labelled(name: &str, labels: &str) -> String {
    format!(
        r#"{{"metadata": {{"name": "{name}", "labels": {labels}}},
            "spec": {{"containers": [{{"name": "main", "image": "worker:1"}}]}}}}"#
    )
}

fn with_finalizer(name: &str) -> String {
    format!(
        r#"{{"metadata": {{"name": "{name}", "finalizers": ["test/hold"]}},
            "spec": {{"containers": [{{"name": "main", "image": "worker:1"}}]}}}}"#
    )
}

fn world() -> World {
    World::new(WorldConfig::default())
}

/// A world in which the test plays scheduler and kubelet.
fn bare() -> World {
    World::new(WorldConfig {
        scheduler: false,
        kubelet: false,
        ..WorldConfig::default()
    })
}

fn pass(world: &mut World, ms: u64) {
    let now = world.now();
    world.advance(now.after(Span(ms)));
}

fn create(world: &mut World, name: &str) -> Arc<Pod> {
    let created = world.create_as_stranger(&manifest(name));
    created.unwrap_or_else(|refused| panic!("{refused:?}"))
}

/// A world with one running pod.
fn running(name: &str) -> World {
    let mut world = world();
    create(&mut world, name);
    pass(&mut world, 10_000);
    assert_eq!(phase(&world, name), "Running");
    world
}

fn phase(world: &World, name: &str) -> String {
    world.pod(name).expect(name).status.phase.clone()
}

fn revision(pod: &Pod) -> u64 {
    pod.metadata.resource_version.parse().expect("a revision")
}

fn watch(world: &mut World, selector: &str, from: u64) -> WatchId {
    world.api("test").watch(selector, from).expect("a watch")
}

fn drain(world: &mut World, id: WatchId) -> Vec<Event> {
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
fn told(events: &[Event]) -> Vec<(&'static str, u64)> {
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

fn grace(seconds: u32) -> DeleteOptions {
    DeleteOptions {
        grace: Some(seconds),
        ..DeleteOptions::default()
    }
}

fn disruption(pod: &Pod) -> Option<&str> {
    let conditions = &pod.status.conditions;
    let target = conditions.iter().find(|c| c.kind == "DisruptionTarget")?;
    target.reason.as_deref()
}

// ---- deleting --------------------------------------------------------------------------------------------------

#[test]
fn delete_of_a_pod_on_no_node_goes_at_once_in_two_steps() {
    let mut world = bare();
    let n = revision(&create(&mut world, "a"));
    let id = watch(&mut world, "", n);
    let answer = world.delete_as_stranger("a").expect("deleted");
    assert_eq!(revision(&answer), n + 2);
    let events = drain(&mut world, id);
    assert_eq!(told(&events), [("MODIFIED", n + 1), ("DELETED", n + 2)]);
    let Event::Modified(terminating) = &events[0] else {
        panic!("{events:?}")
    };
    assert_eq!(terminating.metadata.deletion_grace_period_seconds, Some(0));
    assert!(terminating.metadata.deletion_timestamp.is_some());
    assert!(world.pod("a").is_none());
}

#[test]
fn delete_of_a_finished_pod_and_with_grace_0_goes_at_once() {
    let mut world = running("a");
    world.kill_container("a", 0, None).expect("killed");
    assert_eq!(phase(&world, "a"), "Succeeded");
    let n = world.revision();
    let answer = world.delete_as_stranger("a").expect("deleted");
    assert_eq!((revision(&answer), world.revision()), (n + 2, n + 2));

    let mut world = running("b");
    let n = world.revision();
    let answer = world.api("test").delete("b", &grace(0)).expect("deleted");
    assert_eq!((revision(&answer), world.revision()), (n + 2, n + 2));
    assert!(world.pod("b").is_none());
}

#[test]
fn delete_of_a_pod_on_a_node_gives_it_its_grace() {
    let mut world = running("a");
    let n = world.revision();
    let id = watch(&mut world, "", n);
    let answer = world.delete_as_stranger("a").expect("deleted");
    assert_eq!(revision(&answer), n + 1);
    let meta = &answer.metadata;
    assert_eq!(meta.deletion_grace_period_seconds, Some(30));
    let left = meta.deletion_timestamp.expect("set").as_second() - world.wall_second().as_second();
    assert_eq!(left, 30);
    assert_eq!(told(&drain(&mut world, id)), [("MODIFIED", n + 1)]);
}

#[test]
fn a_second_delete_makes_no_revision_but_one_with_a_shorter_grace_does() {
    let mut world = running("a");
    world.delete_as_stranger("a").expect("deleted");
    let n = world.revision();
    let again = world.delete_as_stranger("a").expect("200");
    assert_eq!((revision(&again), world.revision()), (n, n));
    for seconds in [30, 60] {
        let longer = world.api("test").delete("a", &grace(seconds));
        assert_eq!((revision(&longer.expect("200")), world.revision()), (n, n));
    }
    let shorter = world.api("test").delete("a", &grace(5)).expect("200");
    assert_eq!((revision(&shorter), world.revision()), (n + 1, n + 1));
    assert_eq!(shorter.metadata.deletion_grace_period_seconds, Some(5));
    let stamps = [&again, &shorter].map(|pod| pod.metadata.deletion_timestamp.expect("set"));
    assert_eq!(stamps[0].as_second() - stamps[1].as_second(), 25);
}

#[test]
fn the_answer_to_removing_the_last_finalizer_is_older_than_the_end() {
    let mut world = bare();
    let created = world
        .create_as_stranger(&with_finalizer("a"))
        .expect("made");
    let n = revision(&created);
    let id = watch(&mut world, "", n);
    let held = world.delete_as_stranger("a").expect("deleted");
    assert_eq!((revision(&held), world.revision()), (n + 1, n + 1));
    let again = world.delete_as_stranger("a").expect("200");
    assert_eq!((revision(&again), world.revision()), (n + 1, n + 1));
    let free = Patch {
        finalizers: Some(Vec::new()),
        ..Patch::default()
    };
    let answer = world.api("test").patch("a", &free).expect("patched");
    assert_eq!(revision(&answer), n + 1);
    let events = told(&drain(&mut world, id));
    assert_eq!(events, [("MODIFIED", n + 1), ("DELETED", n + 2)]);
}

#[test]
fn no_finalizer_is_added_to_a_pod_that_is_going() {
    let mut world = bare();
    world
        .create_as_stranger(&with_finalizer("a"))
        .expect("made");
    world.delete_as_stranger("a").expect("deleted");
    let more = Patch {
        finalizers: Some(vec!["test/hold".into(), "test/more".into()]),
        ..Patch::default()
    };
    let refused = world.api("test").patch("a", &more).expect_err("refused");
    assert_eq!((refused.code, &*refused.reason), (422, "Invalid"));
}

#[test]
fn a_finalizer_holds_a_pod_that_its_kubelet_has_ended() {
    let mut world = world();
    world
        .create_as_stranger(&with_finalizer("a"))
        .expect("made");
    pass(&mut world, 10_000);
    world.delete_as_stranger("a").expect("deleted");
    pass(&mut world, 60_000);
    assert_eq!(phase(&world, "a"), "Failed");
    let meta = &world.pod("a").expect("held").metadata;
    assert_eq!(meta.deletion_grace_period_seconds, Some(0));
}

#[test]
fn kwok_ends_a_deleted_pod_while_it_runs_a_kubelet_after_it_has_failed() {
    for (endings, last) in [(Endings::Kwok, "Running"), (Endings::Kubelet, "Failed")] {
        let mut world = World::new(WorldConfig {
            endings,
            ..WorldConfig::default()
        });
        create(&mut world, "a");
        pass(&mut world, 10_000);
        let from = world.revision();
        let id = watch(&mut world, "", from);
        world.delete_as_stranger("a").expect("deleted");
        pass(&mut world, 30_000);
        let events = drain(&mut world, id);
        let Some(Event::Deleted(pod)) = events.last() else {
            panic!("{events:?}")
        };
        assert_eq!(pod.status.phase, last);
        assert!(pod.metadata.deletion_timestamp.is_some());
        let code = pod.status.container_statuses[0].state.terminated.as_ref();
        assert_eq!(code.map(|t| t.exit_code), (last == "Failed").then_some(143));
    }
}

#[test]
fn a_pod_that_needs_longer_than_its_grace_is_killed_at_its_end() {
    let mut world = World::new(WorldConfig {
        weather: Weather {
            stop: Span::seconds(600),
            ..Weather::default()
        },
        ..WorldConfig::default()
    });
    create(&mut world, "a");
    pass(&mut world, 10_000);
    let from = world.revision();
    let id = watch(&mut world, "", from);
    world.delete_as_stranger("a").expect("deleted");
    pass(&mut world, 28_000);
    assert!(world.pod("a").is_some());
    pass(&mut world, 2_000);
    assert!(world.pod("a").is_none());
    let events = drain(&mut world, id);
    let Some(Event::Deleted(pod)) = events.last() else {
        panic!("{events:?}")
    };
    let ended = pod.status.container_statuses[0].state.terminated.as_ref();
    assert_eq!(ended.expect("terminated").exit_code, 137);
}

#[test]
fn a_terminating_pod_goes_as_soon_as_its_containers_have_ended() {
    let mut world = World::new(WorldConfig {
        weather: Weather {
            stop: Span::seconds(600),
            ..Weather::default()
        },
        ..WorldConfig::default()
    });
    create(&mut world, "a");
    pass(&mut world, 10_000);
    world.delete_as_stranger("a").expect("deleted");
    pass(&mut world, 5_000);
    world.kill_container("a", 0, None).expect("ended");
    assert_eq!(phase(&world, "a"), "Succeeded");
    pass(&mut world, 1);
    assert!(world.pod("a").is_none());
}

#[test]
fn a_grace_that_would_have_passed_already_is_a_second() {
    let mut world = World::new(WorldConfig {
        kubelet: false,
        ..WorldConfig::default()
    });
    create(&mut world, "a");
    pass(&mut world, 10_000);
    world.delete_as_stranger("a").expect("deleted");
    pass(&mut world, 20_000);
    let answer = world.api("test").delete("a", &grace(5)).expect("200");
    assert_eq!(answer.metadata.deletion_grace_period_seconds, Some(1));
    assert_eq!(
        answer.metadata.deletion_timestamp,
        Some(world.wall_second())
    );
    assert!(world.pod("a").is_some(), "a kubelet has still to end it");
}

#[test]
fn preconditions_that_fail_are_conflicts() {
    let mut world = running("a");
    let pod = Arc::clone(world.pod("a").expect("there"));
    let n = world.revision();
    let other_uid = DeleteOptions {
        uid: Some(Uid::from("6f2c1b0a-0000-4fff-8123-00000000abcd")),
        ..DeleteOptions::default()
    };
    let other_revision = DeleteOptions {
        uid: Some(Uid::from(pod.metadata.uid.as_str())),
        revision: Revision::new(revision(&pod) - 1),
        grace: None,
    };
    for (options, words) in [
        (other_uid, "the UID in the precondition (6f2c1b0a-"),
        (other_revision, "the ResourceVersion in the precondition ("),
    ] {
        let refused = world.api("test").delete("a", &options).expect_err("409");
        assert_eq!((refused.code, &*refused.reason), (409, "Conflict"));
        let start = format!("Operation cannot be fulfilled on Pod \"a\": {words}");
        assert!(refused.message.starts_with(&start), "{}", refused.message);
        assert!(refused.message.contains("does not match"));
    }
    assert_eq!(world.revision(), n);
    let right = DeleteOptions {
        uid: Some(Uid::from(pod.metadata.uid.as_str())),
        revision: Revision::new(revision(&pod)),
        grace: None,
    };
    assert!(world.api("test").delete("a", &right).is_ok());
    let gone = world.api("test").delete("b", &grace(0)).expect_err("404");
    assert_eq!((gone.code, &*gone.message), (404, "pods \"b\" not found"));
}

// ---- creating --------------------------------------------------------------------------------------------------

#[test]
fn post_over_a_taken_name_is_already_exists_also_while_that_one_goes() {
    let mut world = running("a");
    let refused = world.create_as_stranger(&manifest("a")).expect_err("409");
    assert_eq!((refused.code, &*refused.reason), (409, "AlreadyExists"));
    assert_eq!(refused.message, "pods \"a\" already exists");
    world.delete_as_stranger("a").expect("deleted");
    let refused = world.create_as_stranger(&manifest("a")).expect_err("409");
    assert_eq!((refused.code, &*refused.reason), (409, "AlreadyExists"));
    let words = "object is being deleted: pods \"a\" already exists";
    assert_eq!(refused.message, words);
    pass(&mut world, 60_000);
    assert!(world.create_as_stranger(&manifest("a")).is_ok());
}

#[test]
fn what_is_no_pod_is_refused() {
    let mut world = world();
    let n = world.revision();
    let container = |more: &str| {
        format!(
            r#"{{"metadata": {{"name": "a"}}, "spec": {{"containers": [{{"name": "m", "image": "i"{more}}}]}}}}"#
        )
    };
    let labels = labelled("a", r#"{"a": "no such value"}"#);
    for (text, code, words) in [
        ("{", 400, "cannot be handled as a Pod"),
        (
            &*manifest("Not_a_name"),
            422,
            "metadata.name: Invalid value: \"Not_a_name\": a lowercase RFC 1123 subdomain",
        ),
        (&manifest(""), 422, "metadata.name: Required value"),
        (&labels, 422, "metadata.labels: Invalid value"),
        (
            r#"{"metadata": {"name": "a"}}"#,
            422,
            "spec.containers: Required value",
        ),
        (
            r#"{"metadata": {"name": "a"}, "spec": {"containers": [{"name": "m"}]}}"#,
            422,
            "spec.containers[0].image: Required value",
        ),
        (
            &container(r#", "resources": {"requests": {"cpu": "much"}}"#),
            400,
            "quantities must match the regular expression",
        ),
        (
            &container(r#", "resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}"#),
            422,
            "must be less than or equal to cpu limit of 1",
        ),
        (
            r#"{"metadata": {"name": "a", "namespace": "other"}}"#,
            400,
            "does not match the namespace",
        ),
        (
            r#"{"metadata": {"name": "a", "resourceVersion": "5"}}"#,
            400,
            "should not be set",
        ),
    ] {
        let refused = world.create_as_stranger(text).expect_err(text);
        assert_eq!(refused.code, code, "{text}: {}", refused.message);
        assert!(refused.message.contains(words), "{}", refused.message);
    }
    assert_eq!(world.revision(), n);
}

#[test]
fn a_created_pod_is_filled_in_and_its_status_is_the_servers() {
    let mut world = bare();
    let asked = r#"{"metadata": {"name": "a", "uid": "mine"}, "status": {"phase": "Running"},
        "spec": {"containers": [{"name": "m", "image": "i", "resources": {"limits": {"cpu": "1"}}}]}}"#;
    let pod = world.create_as_stranger(asked).expect("made");
    assert_eq!(pod.status.phase, "Pending");
    assert!(matches!(Uid::from(&*pod.metadata.uid), Uid::Uuid(_)));
    assert_eq!(pod.metadata.namespace, "default");
    assert_eq!(pod.spec.termination_grace_period_seconds, Some(30));
    assert_eq!(pod.spec.containers[0].resources.requests["cpu"], "1");
    let born = pod.metadata.creation_timestamp.expect("set");
    assert_eq!(born.to_string(), "2026-01-01T00:00:00Z");
}

// ---- labels and patches ----------------------------------------------------------------------------------------

#[test]
fn a_live_pod_that_loses_our_label_leaves_the_watch_without_a_deletion_timestamp() {
    let mut world = running("a");
    let n = world.revision();
    let id = watch(&mut world, "evenkeel.dev/fleet=demo", n);
    let gone = [("evenkeel.dev/fleet", None)];
    world.set_labels("a", &gone).expect("patched");
    let events = drain(&mut world, id);
    assert_eq!(told(&events), [("DELETED", n + 1)]);
    let Event::Deleted(pod) = &events[0] else {
        panic!("{events:?}")
    };
    assert_eq!(pod.metadata.deletion_timestamp, None);
    let back = [("evenkeel.dev/fleet", Some("demo"))];
    world.set_labels("a", &back).expect("patched");
    assert_eq!(told(&drain(&mut world, id)), [("ADDED", n + 2)]);
}

#[test]
fn patch_with_a_wrong_uid_is_invalid_not_a_conflict() {
    let mut world = running("a");
    let patch = Patch {
        uid: Some(Uid::from("u-1")),
        ..Patch::default()
    };
    let refused = world.api("test").patch("a", &patch).expect_err("422");
    assert_eq!((refused.code, &*refused.reason), (422, "Invalid"));
    let words = r#"Pod "a" is invalid: metadata.uid: Invalid value: "u-1": field is immutable"#;
    assert_eq!(refused.message, words);
    let old = Patch {
        revision: Revision::new(1),
        ..Patch::default()
    };
    let refused = world.api("test").patch("a", &old).expect_err("409");
    assert_eq!((refused.code, &*refused.reason), (409, "Conflict"));
}

#[test]
fn a_patch_that_changes_nothing_makes_no_revision() {
    let mut world = running("a");
    let n = world.revision();
    let same = [("evenkeel.dev/fleet", Some("demo"))];
    world.set_labels("a", &same).expect("200");
    assert_eq!(world.revision(), n);
}

// ---- disruptions -----------------------------------------------------------------------------------------------

#[test]
fn a_disruption_sets_its_condition_and_the_deletion_timestamp_in_the_next_revision() {
    for (how, reason) in [
        (Disruption::Eviction, "EvictionByEvictionAPI"),
        (Disruption::Preemption, "PreemptionByScheduler"),
        (Disruption::Taint, "DeletionByTaintManager"),
    ] {
        let mut world = running("a");
        let n = world.revision();
        let id = watch(&mut world, "", n);
        world.disrupt("a", how).expect("disrupted");
        let events = drain(&mut world, id);
        assert_eq!(told(&events), [("MODIFIED", n + 1), ("MODIFIED", n + 2)]);
        let [Event::Modified(first), Event::Modified(second)] = &*events else {
            panic!("{events:?}")
        };
        assert_eq!(disruption(first), Some(reason));
        assert_eq!(first.metadata.deletion_timestamp, None);
        assert_eq!(disruption(second), Some(reason));
        assert!(second.metadata.deletion_timestamp.is_some());
    }
}

#[test]
fn the_eviction_api_is_a_create_with_preconditions() {
    let mut world = running("a");
    let other = DeleteOptions {
        uid: Some(Uid::from("u-1")),
        ..DeleteOptions::default()
    };
    let n = world.revision();
    let refused = world.api("test").evict("a", &other).expect_err("409");
    assert_eq!((refused.code, world.revision()), (409, n));
    let evicted = world.api("test").evict("a", &DeleteOptions::default());
    assert_eq!(revision(&evicted.expect("evicted")), n + 2);
}

#[test]
fn pods_of_a_node_that_is_gone_run_for_58_s_and_then_fail_without_a_reason() {
    let mut world = running("a");
    let node = world.pod("a").expect("there").spec.node_name.clone();
    let n = world.revision();
    let id = watch(&mut world, "", n);
    assert!(world.lose_node(&node.expect("bound")));
    pass(&mut world, 57_999);
    assert_eq!(phase(&world, "a"), "Running");
    assert_eq!(told(&drain(&mut world, id)), []);
    pass(&mut world, 1);
    let events = drain(&mut world, id);
    assert_eq!(
        told(&events),
        [("MODIFIED", n + 1), ("MODIFIED", n + 2), ("DELETED", n + 3)]
    );
    let Event::Modified(failed) = &events[0] else {
        panic!("{events:?}")
    };
    assert_eq!(failed.status.phase, "Failed");
    assert_eq!(failed.status.reason, None);
    assert_eq!(failed.metadata.deletion_timestamp, None);
    assert_eq!(disruption(failed), Some("DeletionByPodGC"));
    let state = &failed.status.container_statuses[0].state;
    assert!(state.terminated.is_none());
}

#[test]
fn a_node_that_is_back_in_time_keeps_its_pods() {
    let mut world = running("a");
    let node = world.pod("a").expect("there").spec.node_name.clone();
    let node = node.expect("bound");
    world.lose_node(&node);
    world.delete_as_stranger("a").expect("deleted");
    pass(&mut world, 40_000);
    assert!(world.pod("a").is_some(), "nobody is there to end it");
    create(&mut world, "b");
    pass(&mut world, 10_000);
    world.add_node(&node);
    pass(&mut world, 3_000);
    assert!(world.pod("a").is_none());
    pass(&mut world, 60_000);
    assert_eq!(phase(&world, "b"), "Running");
}

#[test]
fn the_kubelet_evicts_without_deleting() {
    let mut world = running("a");
    world.evict_by_kubelet("a").expect("evicted");
    let pod = world.pod("a").expect("still there");
    assert_eq!(pod.status.phase, "Failed");
    assert_eq!(pod.status.reason.as_deref(), Some("Evicted"));
    assert_eq!(pod.metadata.deletion_timestamp, None);
}

// ---- watches ---------------------------------------------------------------------------------------------------

#[test]
fn a_quiet_watch_has_a_bookmark_a_minute_and_one_before_its_end() {
    let mut world = world();
    let from = world.revision();
    let opened = world.now();
    let id = watch(&mut world, "", from);
    let (mut marks, mut end) = (Vec::new(), None);
    while end.is_none() {
        let next = world.next_due().expect("something is due");
        assert!(next > world.now());
        world.advance(next);
        for event in drain(&mut world, id) {
            match event {
                Event::Bookmark(revision) => {
                    assert_eq!(revision, from);
                    marks.push(world.now());
                }
                Event::Closed => end = Some(world.now()),
                other => panic!("{other:?}"),
            }
        }
    }
    let end = end.expect("ended");
    assert!((300_000..=600_000).contains(&end.since(opened).0));
    assert_eq!(marks.pop(), Some(end.before(Span(1000))));
    let mut last = opened;
    for mark in marks {
        assert!((59_100..=60_600).contains(&mark.since(last).0), "{mark:?}");
        last = mark;
    }
    assert!(end.since(last).0 <= 61_600, "none was left out");
    assert_eq!(world.open_watches(), 0);
}

#[test]
fn compaction_alone_makes_no_410() {
    let mut world = bare();
    for at in 0..5 {
        create(&mut world, &format!("a{at}"));
    }
    let first = page(&mut world, None).expect("a page");
    create(&mut world, "b");
    world.compact();
    let id = watch(&mut world, "", first.revision);
    assert_eq!(
        told(&drain(&mut world, id)),
        [("ADDED", first.revision + 1)]
    );
    let second = page(&mut world, first.next).expect("the token is good");
    assert_eq!(second.revision, first.revision);
}

#[test]
fn after_a_restart_every_resume_from_before_is_410_as_an_event() {
    let mut world = bare();
    create(&mut world, "a");
    let n = world.revision();
    let open = watch(&mut world, "", n);
    world.restart_api_server();
    assert_eq!(told(&drain(&mut world, open)), [("CLOSED", 0)]);
    let id = watch(&mut world, "", n);
    let events = drain(&mut world, id);
    let [Event::Error(refused)] = &*events else {
        panic!("{events:?}")
    };
    assert_eq!((refused.code, &*refused.reason), (410, "Expired"));
    let now = world.revision();
    let words = format!("too old resource version: {n} ({now})");
    assert_eq!(refused.message, words);
    assert!(now > n);
    let id = watch(&mut world, "", now);
    create(&mut world, "b");
    assert_eq!(told(&drain(&mut world, id)), [("ADDED", now + 1)]);
    let as_fleet = world.watch_open(FLEET, Revision::new(n).expect("one"));
    let as_fleet = as_fleet.expect("the stream itself is a 200");
    let event = world.watch_poll(FLEET, as_fleet);
    assert_eq!(event, Some(WatchEvent::Ended(WatchEnd::Expired)));
}

#[test]
fn continue_after_compaction_and_restart_is_410_with_a_token_for_another_revision() {
    let mut world = bare();
    for at in 0..5 {
        create(&mut world, &format!("a{at}"));
    }
    let first = page(&mut world, None).expect("a page");
    assert_eq!(first.items.len(), 2);
    create(&mut world, "b");
    world.compact();
    world.restart_api_server();
    let refused = page(&mut world, first.next.clone()).expect_err("410");
    assert_eq!(
        (refused.answer.code, &*refused.answer.reason),
        (410, "Expired")
    );
    let fresh = page(&mut world, refused.fresh).expect("the fresh token is good");
    assert!(fresh.revision > first.revision);
    assert_eq!(fresh.items[0].metadata.name, "a2");
}

#[test]
fn a_watch_from_the_future_is_silent_and_skips_what_comes_before() {
    let mut world = bare();
    let n = world.revision();
    let id = watch(&mut world, "", n + 2);
    for name in ["a", "b", "c"] {
        create(&mut world, name);
        pass(&mut world, 1);
    }
    assert_eq!(told(&drain(&mut world, id)), [("ADDED", n + 3)]);
    let id = watch(&mut world, "", n + 100);
    pass(&mut world, 200_000);
    assert_eq!(told(&drain(&mut world, id)), []);
}

#[test]
fn a_list_from_the_future_is_too_large_a_revision() {
    let mut world = bare();
    let options = ListOptions {
        resource_version: Some(999),
        ..ListOptions::default()
    };
    let refused = world.api("test").list(&options).expect_err("504").answer;
    assert_eq!((refused.code, &*refused.reason), (504, "Timeout"));
    assert_eq!(refused.causes, ["ResourceVersionTooLarge"]);
    assert_eq!(refused.retry_after_ms, Some(1000));
    assert!(refused.message.contains("Too large resource version: 999"));
}

#[test]
fn a_reader_too_slow_for_the_history_is_cut_off_and_must_list_anew() {
    let mut world = World::new(WorldConfig {
        scheduler: false,
        history: 3,
        ..WorldConfig::default()
    });
    let n = world.revision();
    let id = watch(&mut world, "", n);
    for name in ["a", "b", "c", "d"] {
        create(&mut world, name);
    }
    assert_eq!(told(&drain(&mut world, id)), [("CLOSED", 0)]);
    let id = watch(&mut world, "", n);
    assert_eq!(told(&drain(&mut world, id)), [("ERROR", 410)]);
    let id = watch(&mut world, "", n + 1);
    assert_eq!(drain(&mut world, id).len(), 3);
}

// ---- lists -----------------------------------------------------------------------------------------------------

fn page(
    world: &mut World,
    token: Option<String>,
) -> Result<evenkeel::fake::PodList, evenkeel::fake::ListRefused> {
    world.api("test").list(&ListOptions {
        limit: Some(2),
        continue_token: token,
        ..ListOptions::default()
    })
}

#[test]
fn all_pages_of_a_list_show_one_revision() {
    let mut world = bare();
    for at in 0..5 {
        create(&mut world, &format!("a{at}"));
    }
    let first = page(&mut world, None).expect("a page");
    world.delete_as_stranger("a2").expect("deleted");
    create(&mut world, "a22");
    world
        .set_labels("a3", &[("x", Some("y"))])
        .expect("patched");
    let mut names: Vec<String> = Vec::new();
    let (mut token, mut items) = (first.next, first.items);
    loop {
        names.extend(items.iter().map(|pod| pod.metadata.name.clone()));
        if names.iter().any(|name| name == "a3") {
            let a3 = items.iter().find(|pod| pod.metadata.name == "a3");
            assert!(a3.is_none_or(|pod| !pod.metadata.labels.contains_key("x")));
        }
        let Some(next) = token else { break };
        let list = page(&mut world, Some(next)).expect("a page");
        assert_eq!(list.revision, first.revision);
        (token, items) = (list.next, list.items);
    }
    assert_eq!(names, ["a0", "a1", "a2", "a3", "a4"]);
}

#[test]
fn a_fleet_lists_its_own_pods_and_finished_ones_only_if_asked() {
    let mut world = running("a");
    let finished = r#"{"evenkeel.dev/fleet": "demo", "evenkeel.dev/finished": "true"}"#;
    let other = r#"{"evenkeel.dev/fleet": "other"}"#;
    for (name, labels) in [("b", finished), ("c", other)] {
        let made = world.create_as_stranger(&labelled(name, labels));
        made.expect("made");
    }
    pass(&mut world, 3_500);
    let names = |all, world: &mut World| {
        let listing = world.listing(FLEET, all).expect("a listing");
        let names = listing.pods.iter().map(|pod| pod.name.to_string());
        names.collect::<Vec<_>>()
    };
    assert_eq!(names(false, &mut world), ["a"]);
    assert_eq!(names(true, &mut world), ["a", "b"]);
    let listing = world.listing(FLEET, false).expect("a listing");
    assert_eq!(listing.pods[0].age_ms, 13_000, "whole seconds on both ends");
    assert!(listing.pods[0].ready);
}

#[test]
fn a_listing_of_many_pages_is_whole() {
    let mut world = bare();
    for at in 0..1201 {
        create(&mut world, &format!("a{at}"));
    }
    let listing = world.listing(FLEET, false).expect("a listing");
    assert_eq!(listing.pods.len(), 1201);
    assert_eq!(world.calls(FLEET), BTreeMap::from([("list", 3)]));
}

// ---- the node side ---------------------------------------------------------------------------------------------

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

// ---- leases ----------------------------------------------------------------------------------------------------

fn spec(holder: &str) -> LeaseSpec {
    LeaseSpec {
        holder: Some(holder.to_owned()),
        transitions: 1,
        duration_s: 15,
        acquired: None,
        renewed: None,
        annotations: BTreeMap::new(),
    }
}

#[test]
fn leases_are_compared_and_swapped() {
    let mut world = world();
    assert_eq!(
        world.lease(FLEET, &LeaseRequest::Get),
        Err(LeaseError::Absent)
    );
    let made = world.lease(FLEET, &LeaseRequest::Create(spec("me")));
    let made = made.expect("made").expect("shown");
    let again = world.lease(FLEET, &LeaseRequest::Create(spec("you")));
    assert_eq!(again, Err(LeaseError::Conflict));
    let replace = |revision, holder: &str| LeaseRequest::Replace {
        uid: made.uid.clone(),
        revision,
        spec: spec(holder),
    };
    let mine = world.lease(FLEET, &replace(made.revision, "you"));
    let mine = mine.expect("replaced").expect("shown");
    assert!(mine.revision > made.revision);
    let late = world.lease(FLEET, &replace(made.revision, "me"));
    assert_eq!(late, Err(LeaseError::Conflict));
    assert_eq!(
        world.lease(FLEET, &LeaseRequest::Get),
        Ok(Some(mine.clone()))
    );
    assert_eq!(
        world.lease("other", &LeaseRequest::Get),
        Err(LeaseError::Absent)
    );
    let delete = |revision| LeaseRequest::Delete {
        uid: made.uid.clone(),
        revision,
    };
    assert_eq!(
        world.lease(FLEET, &delete(made.revision)),
        Err(LeaseError::Conflict)
    );
    assert_eq!(world.lease(FLEET, &delete(mine.revision)), Ok(None));
    assert_eq!(
        world.lease(FLEET, &LeaseRequest::Get),
        Err(LeaseError::Absent)
    );
    // Leases and pods are numbered by one counter.
    assert!(revision(&create(&mut world, "a")) > mine.revision.get());
}

// ---- the front door --------------------------------------------------------------------------------------------

fn create_request(name: &str) -> Request {
    Request::Create {
        name: name.into(),
        manifest: manifest(name),
    }
}

#[test]
fn already_exists_is_followed_by_one_get() {
    let mut world = world();
    let request = create_request("a");
    let Outcome::Done { revision, uid } = world.execute(FLEET, &request) else {
        panic!("not made")
    };
    let Outcome::Exists(Some(view)) = world.execute(FLEET, &request) else {
        panic!("not there")
    };
    assert_eq!((Some(view.revision), Some(view.uid)), (revision, uid));
    world.fail_next(Kind::Pods, Verb::Get, Fault::unavailable());
    let outcome = world.execute(FLEET, &request);
    assert_eq!(outcome, Outcome::Unclear(Failure::Server(503)));
    let calls = BTreeMap::from([("create", 3), ("get", 2)]);
    assert_eq!(world.calls(FLEET), calls);
}

#[test]
fn effects_are_answered_by_what_is_known_of_them() {
    let mut world = running("a");
    let uid = Uid::from(world.pod("a").expect("there").metadata.uid.as_str());
    let mark = |uid| Request::MarkFinished {
        name: "a".into(),
        uid,
    };
    let delete = |name: &str, revision| Request::Delete {
        name: name.into(),
        uid: Some(uid.clone()),
        revision,
    };
    assert_eq!(
        world.execute(FLEET, &mark(Uid::from("u-1"))),
        Outcome::Changed
    );
    let done = world.execute(FLEET, &mark(uid.clone()));
    let newest = Revision::new(world.revision());
    let (revision, uid_) = (newest, Some(uid.clone()));
    assert_eq!(
        done,
        Outcome::Done {
            revision,
            uid: uid_
        }
    );
    assert_eq!(
        world.execute(FLEET, &delete("a", Revision::new(1))),
        Outcome::Changed
    );
    assert_eq!(world.execute(FLEET, &delete("x", None)), Outcome::Absent);
    let done = world.execute(FLEET, &delete("a", newest));
    assert!(matches!(done, Outcome::Done { .. }), "{done:?}");
}

#[test]
fn scripted_faults_are_told_as_what_they_leave_known() {
    let mut world = world();
    let faults = [
        (
            Fault::LostReply,
            Outcome::Unclear(Failure::Unreachable),
            true,
        ),
        (
            Fault::LostRequest,
            Outcome::Unclear(Failure::Unreachable),
            false,
        ),
        (
            Fault::internal_error(),
            Outcome::Unclear(Failure::Server(500)),
            false,
        ),
    ];
    for (at, (fault, outcome, effect)) in faults.into_iter().enumerate() {
        let name = format!("a{at}");
        world.fail_next(Kind::Pods, Verb::Create, fault);
        assert_eq!(world.execute(FLEET, &create_request(&name)), outcome);
        assert_eq!(world.pod(&name).is_some(), effect);
    }
    let log: Vec<(u16, bool)> = world
        .audit()
        .iter()
        .map(|e| (e.code, e.delivered))
        .collect();
    assert_eq!(log, [(201, false), (500, true)]);
    assert_eq!(world.calls(FLEET)["create"], 3);
    world.fail_next(Kind::Pods, Verb::List, Fault::throttled());
    assert_eq!(world.listing(FLEET, false), Err(Failure::Throttled));
    assert!(world.listing(FLEET, false).is_ok());
}

// ---- the world as a value --------------------------------------------------------------------------------------

fn stormy(seed: u64) -> World {
    World::new(WorldConfig {
        weather: Weather {
            seed,
            crash_rate: Rate::per_second(1),
            node_loss: Rate::per_minute(1),
            evictions: Rate::per_minute(6),
            slow_start: Percent::new(10),
            pull_errors: Percent::new(10),
            api_errors: Percent::new(20),
            watch_drops: Rate::per_minute(2),
            expiries: Rate::per_minute(1),
            ..Weather::default()
        },
        ..WorldConfig::default()
    })
}

/// A stubborn little controller in a storm: makes what is missing, deletes what has finished.
fn weathered(mut world: World, until: Time) -> (World, Vec<String>) {
    let (mut made, mut seen, mut open) = (0, Vec::new(), None);
    while world.now() < until {
        pass(&mut world, 700);
        let Ok(listing) = world.listing(FLEET, false) else {
            continue;
        };
        if open.is_none() {
            open = world.watch_open(FLEET, listing.revision).ok();
        }
        while let Some(event) = open.and_then(|id| world.watch_poll(FLEET, id)) {
            if matches!(event, WatchEvent::Ended(_)) {
                open = None;
            }
            seen.push(format!("{event:?}"));
        }
        for _ in listing.pods.len()..40 {
            made += 1;
            world.execute(FLEET, &create_request(&format!("a-{made}")));
        }
        for name in listing.pods.iter().map(|pod| &pod.name) {
            let ended = |pod: &Arc<Pod>| ["Failed", "Succeeded"].contains(&&*pod.status.phase);
            if world.pod(name).is_some_and(ended) {
                let name = name.clone();
                let (uid, revision) = (None, None);
                world.execute(
                    FLEET,
                    &Request::Delete {
                        name,
                        uid,
                        revision,
                    },
                );
            }
        }
    }
    (world, seen)
}

#[test]
fn the_same_seed_gives_the_same_world() {
    let run = |seed| weathered(stormy(seed), Time(600_000));
    let (one, one_seen) = run(7);
    let (two, two_seen) = run(7);
    let pods = |world: &World| world.pods().cloned().collect::<Vec<_>>();
    assert_eq!(one.audit(), two.audit());
    assert_eq!(pods(&one), pods(&two));
    assert_eq!(one_seen, two_seen);
    assert!(one.audit().iter().any(|entry| entry.code >= 500));
    assert!(one_seen.iter().any(|event| event.contains("Expired")));
    let (three, _) = run(8);
    assert_ne!(one.audit(), three.audit());
}

#[test]
fn clones_go_their_own_ways() {
    let (mut one, _) = weathered(stormy(3), Time(60_000));
    let two = one.clone();
    let (revision, pods) = (two.revision(), two.pods().count());
    let (three, _) = weathered(two.clone(), Time(120_000));
    let (four, _) = weathered(two.clone(), Time(120_000));
    assert_eq!(three.audit(), four.audit());
    assert!(three.revision() > revision);
    assert_eq!((two.revision(), two.pods().count()), (revision, pods));
    one.set_weather(Weather::default());
    pass(&mut one, 600_000);
    let still = one.pods().filter(|pod| pod.status.phase == "Running");
    let before = still.count();
    pass(&mut one, 600_000);
    let still = one.pods().filter(|pod| pod.status.phase == "Running");
    assert_eq!(still.count(), before, "calm weather harms nobody");
}

#[test]
fn trouble_of_an_earlier_weather_does_not_strike() {
    let mut config = WorldConfig::default();
    config.weather.crash_rate = Rate::per_minute(6);
    let mut world = World::new(config);
    create(&mut world, "a");
    world.set_weather(Weather::default());
    pass(&mut world, 600_000);
    assert_eq!(phase(&world, "a"), "Running");
}

#[test]
fn memory_is_bounded() {
    let mut config = WorldConfig {
        history: 100,
        audit: 50,
        ..WorldConfig::default()
    };
    config.weather.pull_errors = Percent::new(0);
    let mut world = World::new(config);
    for at in 0..300 {
        create(&mut world, &format!("a{at}"));
    }
    assert_eq!(world.audit().len(), 50);
    assert_eq!(&*world.audit()[49].name, "a299");
    let id = watch(&mut world, "", 201);
    assert_eq!(drain(&mut world, id).len(), 100);
    let id = watch(&mut world, "", 200);
    assert_eq!(told(&drain(&mut world, id)), [("ERROR", 410)]);
}

// ---- what else may befall a watch ------------------------------------------------------------------------------

#[test]
fn a_stalled_watch_says_nothing_and_a_new_one_is_well() {
    let mut world = bare();
    let from = world.revision();
    let stalled = watch(&mut world, "", from);
    world.stall_watches();
    let well = watch(&mut world, "", from);
    create(&mut world, "a");
    pass(&mut world, 200_000);
    assert_eq!(told(&drain(&mut world, stalled)), []);
    let events = told(&drain(&mut world, well));
    assert_eq!(events.first(), Some(&("ADDED", from + 1)));
    pass(&mut world, 600_000);
    world.restart_api_server();
    assert_eq!(told(&drain(&mut world, stalled)), []);
}

#[test]
fn an_event_may_be_lost_for_good() {
    let mut world = bare();
    let from = world.revision();
    let id = watch(&mut world, "", from);
    create(&mut world, "a");
    world.lose_next_event("a");
    world.set_labels("a", &[("x", Some("1"))]).expect("patched");
    world.set_labels("a", &[("x", Some("2"))]).expect("patched");
    let events = told(&drain(&mut world, id));
    assert_eq!(events, [("ADDED", from + 1), ("MODIFIED", from + 3)]);
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

#[test]
fn a_listing_whose_history_is_forgotten_between_its_pages_is_none() {
    let mut world = bare();
    for at in 0..600 {
        create(&mut world, &format!("a{at}"));
    }
    let mut pages = evenkeel::fake::Pages::new(FLEET, false);
    assert_eq!(pages.next(&mut world), Ok(false));
    assert_eq!(pages.clone().listing(), Err(Failure::Undecodable));
    create(&mut world, "b");
    world.forget_history();
    assert_eq!(pages.next(&mut world), Err(Failure::Expired));
}
