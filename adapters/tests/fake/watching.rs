//! Watches and lists.

use super::kit::*;
use evenkeel::{
    core::{
        Revision, Span,
        input::{Failure, WatchEnd, WatchEvent},
    },
    fake::{Event, ListOptions, World, WorldConfig},
    port::ListWish,
};
use std::collections::BTreeMap;

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
        let listing = world
            .listing(FLEET, ListWish { all, claims: false })
            .expect("a listing");
        let names = listing.pods.iter().map(|pod| pod.name.to_string());
        names.collect::<Vec<_>>()
    };
    assert_eq!(names(false, &mut world), ["a"]);
    assert_eq!(names(true, &mut world), ["a", "b"]);
    let listing = world
        .listing(FLEET, ListWish::default())
        .expect("a listing");
    assert_eq!(listing.pods[0].age_ms, 13_000, "whole seconds on both ends");
    assert!(listing.pods[0].ready);
}

#[test]
fn a_listing_of_many_pages_is_whole() {
    let mut world = bare();
    for at in 0..1201 {
        create(&mut world, &format!("a{at}"));
    }
    let listing = world
        .listing(FLEET, ListWish::default())
        .expect("a listing");
    assert_eq!(listing.pods.len(), 1201);
    assert_eq!(world.calls(FLEET), BTreeMap::from([("list", 3)]));
}

#[test]
fn a_listing_whose_history_is_forgotten_between_its_pages_is_none() {
    let mut world = bare();
    for at in 0..600 {
        create(&mut world, &format!("a{at}"));
    }
    let mut pages = evenkeel::fake::Pages::new(FLEET, ListWish::default());
    assert_eq!(pages.next(&mut world), Ok(false));
    assert_eq!(pages.clone().listing(), Err(Failure::Undecodable));
    create(&mut world, "b");
    world.forget_history();
    assert_eq!(pages.next(&mut world), Err(Failure::Expired));
}
