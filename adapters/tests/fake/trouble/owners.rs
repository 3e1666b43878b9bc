//! Owners that go one by one.

use super::super::kit::*;
use evenkeel::fake::World;

fn owned(world: &mut World, name: &str, owners: &[&str]) {
    let references: Vec<String> = owners
        .iter()
        .map(|uid| format!(r#"{{"apiVersion": "v1", "kind": "Pod", "name": "o", "uid": "{uid}"}}"#))
        .collect();
    let text = format!(
        r#"{{"metadata": {{"name": "{name}", "ownerReferences": [{}]}},
            "spec": {{"containers": [{{"name": "main", "image": "i"}}]}}}}"#,
        references.join(",")
    );
    world.create_as_stranger(&text).expect("made");
}

fn owners(world: &World, name: &str) -> Vec<String> {
    let references = &world.pod(name).expect(name).metadata.owner_references;
    references.iter().map(|owner| owner.uid.clone()).collect()
}

#[test]
fn a_pod_of_two_owners_goes_with_the_last() {
    let mut world = world();
    world.add_owner("one");
    world.add_owner("two");
    owned(&mut world, "a", &["one", "two"]);
    pass(&mut world, 10_000);
    let n = world.revision();
    world.delete_owner("one");
    pass(&mut world, 10_000);
    assert_eq!(
        owners(&world, "a"),
        ["two"],
        "the garbage collector strikes out who is gone"
    );
    assert_eq!(world.revision(), n + 1);
    assert_eq!(phase(&world, "a"), "Running");
    // An owner that comes again by the same name is another; here even by the same UID it owns nothing.
    world.add_owner("one");
    world.delete_owner("two");
    pass(&mut world, 10_000);
    assert!(world.pod("a").is_none());
}

#[test]
fn a_pod_of_two_owners_that_go_at_once_goes() {
    let mut world = world();
    world.add_owner("one");
    world.add_owner("two");
    owned(&mut world, "a", &["one", "two"]);
    world.delete_owner("one");
    world.delete_owner("two");
    pass(&mut world, 10_000);
    assert!(world.pod("a").is_none());
}

#[test]
fn an_owner_that_never_was_is_struck_out_where_there_is_another() {
    let mut world = world();
    world.add_owner("one");
    owned(&mut world, "a", &["nobody", "one"]);
    owned(&mut world, "b", &["nobody"]);
    pass(&mut world, 10_000);
    assert_eq!(owners(&world, "a"), ["one"]);
    assert!(world.pod("b").is_none());
}
