//! What truly happened, and what a server that is behind answers.

use super::super::kit::*;
use evenkeel::{
    core::input::Listing,
    fake::{World, WorldConfig},
    port::ListWish,
};

/// The changes after that revision, as revision, name, and what was done.
fn changes(world: &World, after: u64) -> Vec<(u64, String, &'static str)> {
    let all = world.changes_after(after);
    all.map(|change| {
        let what = match (change.before, change.removed) {
            (None, _) => "made",
            (Some(_), false) => "changed",
            (Some(_), true) => "gone",
        };
        assert_eq!(revision(change.now), change.revision);
        (change.revision, change.now.metadata.name.clone(), what)
    })
    .collect()
}

#[test]
fn a_judge_sees_what_no_watch_shows() {
    let mut world = bare();
    let n = world.revision();
    let id = watch(&mut world, "", n);
    world.lose_next_event("a");
    create(&mut world, "a");
    world.delete_as_stranger("a").expect("deleted");
    let all = [
        (n + 1, "a".to_owned(), "made"),
        (n + 2, "a".to_owned(), "changed"),
        (n + 3, "a".to_owned(), "gone"),
    ];
    assert_eq!(changes(&world, n), all);
    assert_eq!(changes(&world, n + 2), all[2..]);
    assert_eq!(changes(&world, n + 3), []);
    let events = told(&drain(&mut world, id));
    assert_eq!(events, [("MODIFIED", n + 2), ("DELETED", n + 3)]);
    world.forget_history();
    assert_eq!(changes(&world, n), all, "the API server has forgotten");
    let late = watch(&mut world, "", n);
    assert_eq!(told(&drain(&mut world, late)), [("ERROR", 410)]);
}

#[test]
fn the_past_is_bounded() {
    let mut world = World::new(WorldConfig {
        history: 3,
        scheduler: false,
        ..WorldConfig::default()
    });
    let n = world.revision();
    for name in ["a", "b", "c", "d"] {
        create(&mut world, name);
    }
    let kept = changes(&world, n);
    assert_eq!(kept.first().map(|change| change.0), Some(n + 2));
    assert_eq!(kept.len(), 3);
    assert_eq!(listing_at(&mut world, n), None);
    assert!(listing_at(&mut world, n + 1).is_some());
}

fn listing_at(world: &mut World, revision: u64) -> Option<Listing> {
    world.listing_at(FLEET, ListWish::default(), revision)
}

#[test]
fn a_server_that_is_behind_answers_what_it_has_seen() {
    let mut world = world();
    create(&mut world, "a");
    let early = world.revision();
    pass(&mut world, 10_000);
    world.delete_by_force("a").expect("deleted");
    create(&mut world, "b");
    let names = |listing: &Listing| {
        let pods = listing.pods.iter();
        pods.map(|pod| pod.name.to_string()).collect::<Vec<_>>()
    };
    let old = listing_at(&mut world, early).expect("remembered");
    assert_eq!((old.revision.get(), names(&old)), (early, vec!["a".into()]));
    assert_eq!(old.pods[0].node, None, "it was not bound yet");
    assert!(old.pods[0].age_ms >= 10_000, "the clock is not behind");
    let now = world.revision();
    let new = listing_at(&mut world, now).expect("now");
    assert_eq!(world.listing(FLEET, ListWish::default()), Ok(new.clone()));
    assert_eq!(names(&new), ["b"]);
    assert_eq!(listing_at(&mut world, now + 1), None, "it is still to come");
    world.forget_history();
    assert!(
        listing_at(&mut world, early).is_some(),
        "another server's cache"
    );
    assert_eq!(world.calls(FLEET)["list"], 4);
}

#[test]
fn claims_are_listed_as_they_were_too() {
    let mut world = world();
    let claim = r#"{"metadata": {"name": "c", "labels": {"evenkeel.dev/fleet": "demo", "evenkeel.dev/group": "g"}},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}"#;
    let before = world.revision();
    world.api("test").create_claim(claim).expect("made");
    let made = world.revision();
    world.api("test").delete_claim("c").expect("deleted");
    pass(&mut world, 1_000);
    assert!(world.claim("c").is_none());
    let wish = ListWish {
        all: false,
        claims: true,
    };
    let mut claims = |revision| {
        let listing = world.listing_at(FLEET, wish, revision).expect("kept");
        let claims = listing.claims.iter();
        claims.map(|claim| claim.deleting).collect::<Vec<_>>()
    };
    assert_eq!(claims(before), Vec::<bool>::new());
    assert_eq!(claims(made), [false]);
    assert_eq!(claims(made + 1), [true]);
    assert_eq!(claims(made + 2), Vec::<bool>::new());
}
