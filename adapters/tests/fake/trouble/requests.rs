//! Answers on demand.

use super::super::kit::*;
use evenkeel::{
    core::input::{Failure, Outcome, Refusal},
    fake::{Fault, Kind, Quota, Verb},
    port::{ListWish, Request},
};

#[test]
fn each_answer_is_what_its_code_means() {
    let invalid = |words: &str| Outcome::Refused(Refusal::Invalid(words.into()));
    let throttled = |ms| {
        let retry_after_ms = Some(ms);
        Outcome::Refused(Refusal::Throttled { retry_after_ms })
    };
    for (fault, outcome) in [
        (
            Fault::quota_race("few"),
            Outcome::Refused(Refusal::QuotaRace),
        ),
        (Fault::bad_request("no"), invalid("no")),
        (Fault::invalid("never"), invalid("never")),
        (Fault::timeout(), Outcome::Unclear(Failure::Server(504))),
        (
            Fault::server_timeout(),
            Outcome::Unclear(Failure::Server(500)),
        ),
        (Fault::throttled(), throttled(1_000)),
        (Fault::throttled_for(7), throttled(7_000)),
    ] {
        let mut world = world();
        world.fail_next(Kind::Pods, Verb::Create, fault.clone());
        let answer = world.execute(FLEET, &create_request("a"));
        assert_eq!(answer, outcome, "{fault:?}");
        assert!(world.pod("a").is_none());
    }
}

#[test]
fn an_answer_may_mislead() {
    let mut world = world();
    let lie = Fault::server_timeout().after_effect();
    world.fail_next(Kind::Pods, Verb::Create, lie);
    let answer = world.execute(FLEET, &create_request("a"));
    assert_eq!(answer, Outcome::Unclear(Failure::Server(500)));
    assert!(world.pod("a").is_some());
    assert_eq!(Fault::LostReply.after_effect(), Fault::LostReply);
}

#[test]
fn a_fault_may_last() {
    let mut world = world();
    let list = (Kind::Pods, Verb::List);
    world.set_fault(list.0, list.1, Some(Fault::throttled_for(3)));
    world.fail_next(list.0, list.1, Fault::unavailable());
    let answers = [(); 3].map(|()| world.listing(FLEET, ListWish::default()).err());
    let expected = [Failure::Server(503), Failure::Throttled, Failure::Throttled];
    assert_eq!(answers, expected.map(Some), "what is next comes first");
    create(&mut world, "a");
    world.set_fault(list.0, list.1, None);
    assert!(world.listing(FLEET, ListWish::default()).is_ok());
}

#[test]
fn rights_and_quotas_change_while_it_runs() {
    let mut world = world();
    let delete = Request::Delete {
        name: "a".into(),
        uid: None,
        revision: None,
    };
    create(&mut world, "a");
    world.deny(Kind::Pods, Verb::Delete);
    let denied = world.execute(FLEET, &delete);
    assert!(matches!(denied, Outcome::Refused(Refusal::Forbidden(_))));
    world.permit(Kind::Pods, Verb::Delete);
    assert!(matches!(
        world.execute(FLEET, &delete),
        Outcome::Done { .. }
    ));
    for (pods, fits) in [(Some(1), true), (Some(1), false), (Some(2), true)] {
        world.set_quota(Some(Quota {
            name: "few".into(),
            pods,
            ..Quota::default()
        }));
        let name = format!("b{}", world.pods().count());
        let made = world.execute(FLEET, &create_request(&name));
        assert_eq!(matches!(made, Outcome::Done { .. }), fits, "{made:?}");
    }
    world.set_quota(None);
    for at in 0..10 {
        create(&mut world, &format!("c{at}"));
    }
}
