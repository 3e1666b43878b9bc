//! etcd restored from an older backup.

use super::super::kit::*;
use super::{node, state};
use evenkeel::{
    core::Uid,
    fake::{World, WorldConfig},
    port::{LeaseRequest, LeaseSpec, ListWish},
};
use std::collections::BTreeMap;

fn names(world: &World) -> Vec<&str> {
    world.pods().map(|pod| &*pod.metadata.name).collect()
}

#[test]
fn what_came_after_the_backup_never_was() {
    let mut world = running("a");
    let backup = world.revision();
    let listing = world.listing(FLEET, ListWish::default()).expect("listed");
    for at in 0..5 {
        create(&mut world, &format!("b{at}"));
    }
    pass(&mut world, 10_000);
    let last = world.revision();
    let open = watch(&mut world, "", last);
    assert!(world.restore(backup));
    assert_eq!(names(&world), ["a"]);
    assert_eq!(told(&drain(&mut world, open)), [("CLOSED", 0)]);
    assert!(
        world.revision() < last,
        "revisions are counted on from there"
    );
    let resumed = watch(&mut world, "", backup);
    assert_eq!(told(&drain(&mut world, resumed)), [("ERROR", 410)]);
    let ahead = watch(&mut world, "", last);
    create(&mut world, "c");
    assert_eq!(drain(&mut world, ahead), [], "silent until that is reached");
    let again = world.listing(FLEET, ListWish::default()).expect("listed");
    assert!(again.revision > listing.revision && again.revision.get() < last);
    pass(&mut world, 10_000);
    assert_eq!(phase(&world, "a"), "Running", "its kubelet noticed nothing");
    assert_eq!(phase(&world, "c"), "Running");
    let taken: u32 = world.nodes().values().map(|room| room.pods_taken).sum();
    assert_eq!(taken, 2);
}

#[test]
fn what_the_kubelets_know_is_soon_told_again() {
    let mut world = world();
    for name in ["fails", "stops", "forced", "starts"] {
        create(&mut world, name);
    }
    pass(&mut world, 80);
    assert_eq!(phase(&world, "starts"), "Pending");
    let bound = world.revision();
    let place = node(&world, "starts");
    pass(&mut world, 10_000);
    assert!(world.clone().restore(bound));
    let backup = world.revision();
    world.kill_container("fails", 3, None).expect("killed");
    world.delete_by_force("forced").expect("deleted");
    world.delete_as_stranger("stops").expect("deleted");
    let mut early = world.clone();
    pass(&mut world, 10_000);
    assert_eq!(names(&world), ["fails", "starts"]);

    assert!(world.restore(backup));
    assert!(names(&world) == ["fails", "forced", "starts", "stops"]);
    assert_eq!(phase(&world, "fails"), "Running", "so the backup says");
    pass(&mut world, 5_000);
    assert_eq!(phase(&world, "fails"), "Failed");
    let code = state(&world, "fails", 0).terminated.expect("ended");
    assert_eq!(code.exit_code, 3);
    for name in ["forced", "stops"] {
        assert_eq!(phase(&world, name), "Running", "they are run again");
        let pod = world.pod(name).expect("there");
        assert!(pod.metadata.deletion_timestamp.is_none());
    }

    assert!(early.restore(backup));
    pass(&mut early, 5_000);
    assert_eq!(phase(&early, "stops"), "Failed", "it was being stopped");
    assert!(early.restore(bound));
    pass(&mut early, 60_000);
    assert_eq!(phase(&early, "starts"), "Running");
    assert_eq!(node(&early, "starts"), place);
}

#[test]
fn what_was_not_bound_yet_is_scheduled_again() {
    let mut world = world();
    create(&mut world, "a");
    let backup = world.revision();
    let uid = world.pod("a").expect("there").metadata.uid.clone();
    pass(&mut world, 10_000);
    assert!(world.restore(backup));
    assert_eq!(phase(&world, "a"), "Pending");
    assert_eq!(world.pod("a").expect("there").spec.node_name, None);
    pass(&mut world, 10_000);
    let pod = world.pod("a").expect("there");
    assert_eq!((&pod.metadata.uid, &*pod.status.phase), (&uid, "Running"));
    let what_happened = world.changes_after(backup).count();
    assert_eq!(what_happened, 3, "bound, made, started: once");
}

#[test]
fn leases_and_claims_go_back_too() {
    let mut world = world();
    let spec = |transitions| LeaseSpec {
        holder: Some("me".into()),
        transitions,
        duration_s: 15,
        acquired: None,
        renewed: None,
        annotations: BTreeMap::new(),
    };
    let made = world.lease(FLEET, &LeaseRequest::Create(spec(1)));
    let made = made.expect("made").expect("shown");
    let backup = world.revision();
    let replaced = world.lease(
        FLEET,
        &LeaseRequest::Replace {
            uid: made.uid.clone(),
            revision: made.revision,
            spec: spec(2),
        },
    );
    assert!(replaced.is_ok());
    let claim = r#"{"metadata": {"name": "c"}, "spec": {"accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}}}}"#;
    world.api("test").create_claim(claim).expect("made");
    assert!(world.restore(backup));
    let there = world.lease(FLEET, &LeaseRequest::Get);
    assert_eq!(there, Ok(Some(made)));
    assert!(world.claim("c").is_none());
}

#[test]
fn owners_and_numbers_are_as_before() {
    let mut world = world();
    let driver = create(&mut world, "driver").metadata.uid.clone();
    let text = format!(
        r#"{{"metadata": {{"name": "a", "ownerReferences": [
            {{"apiVersion": "v1", "kind": "Pod", "name": "driver", "uid": "{driver}"}}]}},
            "spec": {{"containers": [{{"name": "main", "image": "i"}}]}}}}"#
    );
    world.create_as_stranger(&text).expect("made");
    pass(&mut world, 10_000);
    let backup = world.revision();
    world.delete_by_force("driver").expect("deleted");
    pass(&mut world, 10_000);
    assert_eq!(names(&world), Vec::<&str>::new());
    assert!(world.restore(backup));
    pass(&mut world, 60_000);
    assert_eq!(names(&world), ["a", "driver"], "its owner is there again");
    assert_eq!(
        Uid::from(&*world.pod("driver").expect("there").metadata.uid),
        Uid::from(&*driver)
    );
    world.delete_by_force("driver").expect("deleted");
    pass(&mut world, 10_000);
    assert_eq!(names(&world), Vec::<&str>::new());
}

#[test]
fn only_what_is_remembered_can_be_restored() {
    let mut world = World::new(WorldConfig {
        history: 2,
        ..WorldConfig::default()
    });
    let first = world.revision();
    for name in ["a", "b", "c"] {
        create(&mut world, name);
    }
    let before = (world.revision(), names(&world).len());
    assert!(!world.restore(first));
    assert!(!world.restore(before.0 + 1));
    assert_eq!((world.revision(), names(&world).len()), before);
    assert!(world.restore(first + 1));
    assert_eq!(names(&world), ["a"]);
}
