//! Creating, patching and disrupting pods.

use super::kit::*;
use evenkeel::{
    core::{Revision, Uid},
    fake::{DeleteOptions, Disruption, Event, Patch},
};

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
