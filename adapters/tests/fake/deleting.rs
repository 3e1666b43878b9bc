//! Deleting pods.

use super::kit::*;
use evenkeel::{
    core::{Revision, Span, Uid},
    fake::{DeleteOptions, Endings, Event, Patch, Weather, World, WorldConfig},
};
use std::sync::Arc;

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
