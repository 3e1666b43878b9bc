//! Quota, a limit range and rights, in the server's words.

use super::kit::*;
use evenkeel::{
    api::answer::Refused,
    core::Revision,
    core::input::{Failure, Outcome, Refusal, WatchEnd},
    fake::{Kind, Quota, Verb, World},
    port::{LeaseError, LeaseRequest, ListWish, Request},
};

const GI: u64 = 1 << 30;

fn pod(name: &str, resources: &str) -> String {
    format!(
        r#"{{"metadata": {{"name": "{name}"}},
            "spec": {{"containers": [{{"name": "main", "image": "worker:1", "resources": {resources}}}]}}}}"#
    )
}

fn refused(world: &mut World, manifest: &str) -> Refused {
    let made = world.create_as_stranger(manifest);
    made.expect_err("refused")
}

#[test]
fn a_quota_counts_the_pods_that_have_not_finished() {
    let mut world = world();
    world.set_quota(Some(Quota {
        name: "few".into(),
        pods: Some(2),
        ..Quota::default()
    }));
    create(&mut world, "a");
    create(&mut world, "b");
    let words = r#"pods "c" is forbidden: exceeded quota: few, requested: pods=1, used: pods=2, limited: pods=2"#;
    let quota = Outcome::Refused(Refusal::Quota(words.into()));
    assert_eq!(world.execute(FLEET, &create_request("c")), quota);
    // It is asked before anyone looks whether the name is taken.
    let again = world.execute(FLEET, &create_request("a"));
    assert!(matches!(again, Outcome::Refused(Refusal::Quota(_))));
    pass(&mut world, 10_000);
    world.kill_container("a", 0, None).expect("ended");
    create(&mut world, "c");
}

#[test]
fn a_quota_of_memory_must_be_told_how_much() {
    let mut world = world();
    world.set_quota(Some(Quota {
        name: "mem".into(),
        pods: Some(1),
        memory: Some(3 * GI),
        claims: None,
    }));
    let silent = refused(&mut world, &pod("a", "{}"));
    let words =
        r#"pods "a" is forbidden: failed quota: mem: must specify requests.memory for: main"#;
    assert_eq!((silent.code, &*silent.message), (403, words));
    let two = r#"{"requests": {"memory": "2Gi"}}"#;
    world.create_as_stranger(&pod("a", two)).expect("made");
    let words = r#"pods "b" is forbidden: exceeded quota: mem, requested: pods=1,requests.memory=2Gi, used: pods=1,requests.memory=2Gi, limited: pods=1,requests.memory=3Gi"#;
    assert_eq!(refused(&mut world, &pod("b", two)).message, words);
}

#[test]
fn a_limit_range_bounds_memory_and_gives_it_to_those_that_do_not_say() {
    let mut world = world();
    world.set_max_memory(Some(GI));
    let large = refused(&mut world, &pod("a", r#"{"limits": {"memory": "2Gi"}}"#));
    let words =
        r#"pods "a" is forbidden: maximum memory usage per Container is 1Gi, but limit is 2Gi"#;
    assert_eq!((large.code, &*large.message), (403, words));
    let made = world.create_as_stranger(&pod("a", "{}")).expect("made");
    let resources = &made.spec.containers[0].resources;
    assert_eq!(resources.limits["memory"], "1Gi");
    assert_eq!(resources.requests["memory"], "1Gi");
}

#[test]
fn rights_are_taken_and_given_verb_by_verb() {
    let mut world = world();
    create(&mut world, "a");
    for verb in [Verb::Create, Verb::Delete, Verb::List, Verb::Watch] {
        world.deny(Kind::Pods, verb);
    }
    world.deny(Kind::Leases, Verb::Get);
    let words = r#"pods is forbidden: User "demo" cannot create resource "pods" in API group "" in the namespace "default""#;
    let create = world.execute(FLEET, &create_request("b"));
    assert_eq!(
        create,
        Outcome::Refused(Refusal::NotPermitted(words.into()))
    );
    let delete = world.execute(
        FLEET,
        &Request::Delete {
            name: "a".into(),
            uid: None,
            revision: None,
        },
    );
    let words = r#"pods "a" is forbidden: User "demo" cannot delete resource "pods" in API group "" in the namespace "default""#;
    assert_eq!(delete, Outcome::Refused(Refusal::Forbidden(words.into())));
    let listing = world.listing(FLEET, ListWish::default());
    assert_eq!(listing, Err(Failure::Forbidden));
    let from = Revision::new(1).expect("not 0");
    let refused = WatchEnd::Failed(Failure::Forbidden);
    assert_eq!(world.watch_open(FLEET, from), Err(refused));
    let lease = world.lease(FLEET, &LeaseRequest::Get);
    assert_eq!(lease, Err(LeaseError::Failed(Failure::Forbidden)));
    let codes: Vec<u16> = world
        .audit()
        .iter()
        .skip(1)
        .map(|entry| entry.code)
        .collect();
    assert_eq!(codes, [403; 5]);
    // Others have theirs.
    world.delete_as_stranger("a").expect("deleted");
    world.permit(Kind::Pods, Verb::Create);
    let made = world.execute(FLEET, &create_request("b"));
    assert!(matches!(made, Outcome::Done { .. }), "{made:?}");
}
