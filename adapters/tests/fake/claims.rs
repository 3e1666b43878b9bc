//! Persistent volume claims.

use super::kit::*;
use evenkeel::{
    api::claim::{Claim, PROTECTION},
    core::input::{Failure, Outcome, Refusal},
    fake::{Event, Kind, Quota, Verb, World},
    port::{ListWish, Request},
};
use std::sync::Arc;

const ALL: ListWish = ListWish {
    all: false,
    claims: true,
};

fn claim(name: &str, fleet: &str) -> String {
    format!(
        r#"{{"metadata": {{"name": "{name}", "labels": {{"evenkeel.dev/fleet": "{fleet}", "evenkeel.dev/group": "g"}}}},
            "spec": {{"accessModes": ["ReadWriteOnce"], "resources": {{"requests": {{"storage": "1Gi"}}}}}}}}"#
    )
}

fn user(name: &str, claim: &str) -> String {
    format!(
        r#"{{"metadata": {{"name": "{name}", "labels": {{"evenkeel.dev/fleet": "demo"}}}},
            "spec": {{"containers": [{{"name": "main", "image": "worker:1"}}],
            "volumes": [{{"name": "evenkeel-claim", "persistentVolumeClaim": {{"claimName": "{claim}"}}}}]}}}}"#
    )
}

fn make(world: &mut World, name: &str) -> Arc<Claim> {
    let made = world.api("test").create_claim(&claim(name, FLEET));
    made.unwrap_or_else(|refused| panic!("{refused:?}"))
}

fn request(name: &str, fleet: &str) -> Request {
    Request::CreateClaim {
        name: name.into(),
        manifest: claim(name, fleet),
    }
}

#[test]
fn a_claim_is_made_listed_and_deleted() {
    let mut world = world();
    let made = make(&mut world, "a");
    assert_eq!(made.metadata.finalizers, [PROTECTION]);
    let again = world.api("test").create_claim(&claim("a", FLEET));
    let refused = again.expect_err("there already");
    assert_eq!((refused.code, &*refused.reason), (409, "AlreadyExists"));
    assert_eq!(
        refused.message,
        r#"persistentvolumeclaims "a" already exists"#
    );
    pass(&mut world, 5000);
    let listing = world.listing(FLEET, ALL).expect("a listing");
    let view = &listing.claims[0];
    assert_eq!((&*view.name, view.bytes, view.age_ms), ("a", 1 << 30, 5000));
    assert!(listing.revision >= view.revision);
    let without = world.listing(FLEET, ListWish::default());
    assert!(without.expect("a listing").claims.is_empty());

    let going = world.api("test").delete_claim("a").expect("deleted");
    assert!(going.metadata.deletion_timestamp.is_some());
    assert!(world.listing(FLEET, ALL).expect("a listing").claims[0].deleting);
    pass(&mut world, 1000);
    assert!(world.claim("a").is_none());
    let absent = world.api("test").delete_claim("a").expect_err("gone");
    assert_eq!(absent.code, 404);
}

#[test]
fn what_is_no_claim_is_refused() {
    let mut world = world();
    let mut refused = |manifest: &str| {
        let refused = world.api("test").create_claim(manifest);
        refused.expect_err("refused").message
    };
    let nameless = claim("", FLEET);
    assert!(refused(&nameless).contains("metadata.name: Required value"));
    let bad = claim("a", FLEET).replace("1Gi", "much");
    assert!(refused(&bad).contains("quantities must match"));
    let none = claim("a", FLEET).replace("1Gi", "0");
    assert!(refused(&none).contains("must be greater than zero"));
    let modeless = claim("a", FLEET).replace(r#""ReadWriteOnce""#, "");
    assert!(refused(&modeless).contains("at least 1 access mode is required"));
    let unknown = claim("a", FLEET).replace("accessModes", "accesModes");
    assert!(refused(&unknown).contains(r#"unknown field "spec.accesModes""#));
}

#[test]
fn a_pod_waits_for_a_claim_that_is_not_there() {
    let mut world = world();
    world.create_as_stranger(&user("a", "c")).expect("made");
    // One that needs no claim is not held up.
    create(&mut world, "b");
    pass(&mut world, 60_000);
    let pod = world.pod("a").expect("there");
    assert_eq!(
        (&*pod.status.phase, &pod.spec.node_name),
        ("Pending", &None)
    );
    let words = r#"0/10 nodes are available: persistentvolumeclaim "c" not found."#;
    assert_eq!(pod.status.conditions[0].message.as_deref(), Some(words));
    assert_eq!(phase(&world, "b"), "Running");
    make(&mut world, "c");
    pass(&mut world, 10_000);
    assert_eq!(phase(&world, "a"), "Running");
    let listing = world.listing(FLEET, ALL).expect("a listing");
    assert_eq!(listing.pods[0].claims, ["c".into()]);
}

#[test]
fn a_kubelet_starts_no_pod_whose_claim_is_not_there() {
    let mut world = World::new(evenkeel::fake::WorldConfig {
        scheduler: false,
        ..Default::default()
    });
    world.create_as_stranger(&user("a", "c")).expect("made");
    world.api("test").bind("a", "node-1").expect("bound");
    pass(&mut world, 60_000);
    assert_eq!(phase(&world, "a"), "Pending");
    make(&mut world, "c");
    pass(&mut world, 10_000);
    assert_eq!(phase(&world, "a"), "Running");
}

#[test]
fn a_claim_in_use_goes_with_the_last_pod_that_uses_it() {
    let mut world = world();
    make(&mut world, "c");
    world.create_as_stranger(&user("a", "c")).expect("made");
    pass(&mut world, 10_000);
    world.api("test").delete_claim("c").expect("deleted");
    // One that is on no node is no user.
    world.create_as_stranger(&user("b", "c")).expect("made");
    pass(&mut world, 10_000);
    assert!(world.claim("c").is_some(), "in use");
    let waiting = &world.pod("b").expect("there").status.conditions[0];
    let words = r#"0/10 nodes are available: persistentvolumeclaim "c" is being deleted."#;
    assert_eq!(waiting.message.as_deref(), Some(words));
    world.kill_container("a", 1, None).expect("ended");
    pass(&mut world, 10_000);
    assert!(world.claim("c").is_some(), "of a finished pod");
    world.delete_as_stranger("a").expect("deleted");
    pass(&mut world, 1000);
    assert!(world.claim("c").is_none());
}

#[test]
fn a_claim_is_collected_with_its_owner() {
    let mut world = world();
    world.add_owner("u-1");
    let owned = claim("c", FLEET).replace(
        r#""labels""#,
        r#""ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "driver", "uid": "u-1"}], "labels""#,
    );
    world.api("test").create_claim(&owned).expect("made");
    make(&mut world, "free");
    pass(&mut world, 60_000);
    assert_eq!(world.claims().count(), 2);
    world.delete_owner("u-1");
    pass(&mut world, 60_000);
    let left: Vec<_> = world.claims().map(|it| &*it.metadata.name).collect();
    assert_eq!(left, ["free"]);
    // One whose owner was never there goes soon.
    world.api("test").create_claim(&owned).expect("made");
    pass(&mut world, 60_000);
    assert_eq!(world.claims().count(), 1);
}

#[test]
fn the_port_makes_a_claim_once() {
    let mut world = world();
    let first = world.execute(FLEET, &request("c", FLEET));
    assert!(matches!(first, Outcome::Done { .. }), "{first:?}");
    let again = world.execute(FLEET, &request("c", FLEET));
    assert_eq!(again, first, "our own is an earlier try");
    assert_eq!(world.calls(FLEET)["get"], 1);
    world
        .api("test")
        .create_claim(&claim("d", "other"))
        .expect("made");
    let taken = world.execute(FLEET, &request("d", FLEET));
    assert_eq!(taken, Outcome::Exists(None), "a stranger's");

    let delete = Request::DeleteClaim { name: "c".into() };
    assert!(matches!(
        world.execute(FLEET, &delete),
        Outcome::Done { .. }
    ));
    let taken = world.execute(FLEET, &request("c", FLEET));
    assert_eq!(taken, Outcome::Exists(None), "on its way out");
    pass(&mut world, 1000);
    assert_eq!(world.execute(FLEET, &delete), Outcome::Absent);
}

#[test]
fn a_fleet_may_lack_the_right_to_claims() {
    let mut world = world();
    world.deny(Kind::Claims, Verb::List);
    world.deny(Kind::Claims, Verb::Create);
    assert_eq!(world.listing(FLEET, ALL), Err(Failure::Forbidden));
    assert!(world.listing(FLEET, ListWish::default()).is_ok());
    let words = r#"persistentvolumeclaims is forbidden: User "demo" cannot create resource "persistentvolumeclaims" in API group "" in the namespace "default""#;
    let refused = Outcome::Refused(Refusal::NotPermitted(words.into()));
    assert_eq!(world.execute(FLEET, &request("c", FLEET)), refused);
    world.permit(Kind::Claims, Verb::List);
    assert!(world.listing(FLEET, ALL).is_ok());
}

#[test]
fn claims_are_bounded_by_the_quota() {
    let mut world = world();
    world.set_quota(Some(Quota {
        name: "few".into(),
        claims: Some(1),
        ..Quota::default()
    }));
    make(&mut world, "a");
    let words = r#"persistentvolumeclaims "b" is forbidden: exceeded quota: few, requested: persistentvolumeclaims=1, used: persistentvolumeclaims=1, limited: persistentvolumeclaims=1"#;
    let refused = Outcome::Refused(Refusal::Quota(words.into()));
    assert_eq!(world.execute(FLEET, &request("b", FLEET)), refused);
    world.set_quota(None);
    make(&mut world, "b");
}

#[test]
fn claims_do_not_show_in_the_pods_watch() {
    let mut world = world();
    let from = world.revision();
    let id = watch(&mut world, "", from);
    make(&mut world, "a");
    world.api("test").delete_claim("a").expect("deleted");
    pass(&mut world, 1000);
    assert!(world.claim("a").is_none());
    let told = drain(&mut world, id);
    assert!(
        told.iter().all(|event| matches!(event, Event::Bookmark(_))),
        "{told:?}"
    );
    assert!(world.revision() >= from + 3);
}
