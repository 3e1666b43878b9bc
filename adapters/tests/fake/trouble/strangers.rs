//! What strangers do to pods that are not theirs.

use super::super::kit::*;
use evenkeel::{
    api::labels,
    core::input::{Outcome, WatchEvent},
    port::ListWish,
};

#[test]
fn a_stranger_may_make_a_pod_that_looks_like_ours() {
    let mut world = world();
    for (name, executor) in [
        ("demo-exec-1-900", Some("1-900")),
        ("odd", Some("not-an-id")),
        ("none", None),
    ] {
        let mut all = vec![(labels::FLEET, FLEET), (labels::GROUP, "small")];
        all.extend(executor.map(|id| (labels::EXECUTOR, id)));
        world.create_labelled(name, &all).expect("made");
    }
    let listing = world.listing(FLEET, ListWish::default()).expect("listed");
    let seen = listing.pods.iter();
    let ids: Vec<_> = seen.map(|pod| pod.labels.executor.as_deref()).collect();
    assert_eq!(ids, [Some("1-900"), None, Some("not-an-id")]);
    let taken = world.execute(FLEET, &create_request("odd"));
    assert!(matches!(taken, Outcome::Exists(Some(_))), "{taken:?}");
}

#[test]
fn a_label_that_is_removed_and_put_back_is_seen_as_a_going_and_a_coming() {
    let mut world = running("a");
    let listing = world.listing(FLEET, ListWish::default()).expect("listed");
    let id = world.watch_open(FLEET, listing.revision).expect("a watch");
    world
        .set_labels("a", &[(labels::FLEET, None)])
        .expect("set");
    let left = world.watch_poll(FLEET, id);
    assert!(matches!(left, Some(WatchEvent::Left(view)) if view.deleting.is_none()));
    world
        .set_labels("a", &[(labels::FLEET, Some("other"))])
        .expect("set");
    assert_eq!(world.watch_poll(FLEET, id), None);
    world
        .set_labels("a", &[(labels::FLEET, Some(FLEET))])
        .expect("set");
    let back = world.watch_poll(FLEET, id);
    assert!(matches!(back, Some(WatchEvent::Seen(view)) if *view.name == *"a"));
}

#[test]
fn a_pod_deleted_by_force_goes_at_once_in_two_steps() {
    let mut world = running("a");
    let n = world.revision();
    let id = watch(&mut world, "", n);
    let answer = world.delete_by_force("a").expect("deleted");
    assert_eq!(revision(&answer), n + 2);
    let events = told(&drain(&mut world, id));
    assert_eq!(events, [("MODIFIED", n + 1), ("DELETED", n + 2)]);
    let gone = world.delete_by_force("a");
    assert_eq!(gone.map_err(|refused| refused.code), Err(404));
}

#[test]
fn a_finalizer_holds_a_pod_until_it_is_removed() {
    let mut world = running("a");
    world.add_finalizer("a", "example.com/hold").expect("added");
    let n = world.revision();
    world.add_finalizer("a", "example.com/hold").expect("there");
    assert_eq!(world.revision(), n, "it is there already");
    world.delete_as_stranger("a").expect("deleted");
    pass(&mut world, 600_000);
    let held = world.pod("a").expect("held").clone();
    assert_eq!(held.status.phase, "Failed");
    assert_eq!(held.metadata.deletion_grace_period_seconds, Some(0));
    world.delete_by_force("a").expect("200");
    assert_eq!(*world.pod("a").expect("held"), held, "not even by force");
    let late = world.add_finalizer("a", "example.com/more");
    assert_eq!(late.map_err(|refused| refused.code), Err(422));
    let answer = world.remove_finalizer("a", "example.com/hold");
    assert_eq!(revision(&answer.expect("patched")), revision(&held));
    assert!(world.pod("a").is_none());
}
