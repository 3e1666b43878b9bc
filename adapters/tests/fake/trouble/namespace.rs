//! Namespaces that take nothing more.

use super::super::kit::*;
use evenkeel::{
    core::input::{Outcome, Refusal},
    fake::Namespace,
};

#[test]
fn nothing_can_be_made_in_a_namespace_that_is_ending() {
    let mut world = running("a");
    world.set_namespace(Namespace::Terminating);
    let refused = world.create_as_stranger(&manifest("b")).expect_err("403");
    let words = r#"pods "b" is forbidden: unable to create new content in namespace default because it is being terminated"#;
    assert_eq!((refused.code, &*refused.message), (403, words));
    assert_eq!(refused.causes, ["NamespaceTerminating"]);
    let gone = Outcome::Refused(Refusal::NamespaceGone);
    assert_eq!(world.execute(FLEET, &create_request("b")), gone);
    world.delete_as_stranger("a").expect("deleted");
    world.set_namespace(Namespace::Active);
    create(&mut world, "b");
}

#[test]
fn a_namespace_that_is_not_there_is_not_found() {
    let mut world = world();
    world.set_namespace(Namespace::Missing);
    let refused = world.create_as_stranger(&manifest("a")).expect_err("404");
    let words = r#"namespaces "default" not found"#;
    assert_eq!((refused.code, &*refused.message), (404, words));
    let gone = Outcome::Refused(Refusal::NamespaceGone);
    assert_eq!(world.execute(FLEET, &create_request("a")), gone);
}

#[test]
fn a_new_namespace_lacks_its_service_account_for_a_moment() {
    let mut world = world();
    world.set_service_account(false);
    let refused = world.create_as_stranger(&manifest("a")).expect_err("403");
    let words = r#"pods "a" is forbidden: error looking up service account default/default: serviceaccount "default" not found"#;
    assert_eq!((refused.code, &*refused.message), (403, words));
    let gone = Outcome::Refused(Refusal::NamespaceGone);
    assert_eq!(world.execute(FLEET, &create_request("a")), gone);
    world.set_service_account(true);
    create(&mut world, "a");
}
