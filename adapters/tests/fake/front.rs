//! Leases, and the requests of the port without time.

use super::kit::*;
use evenkeel::{
    core::{
        Revision, Uid,
        input::{Failure, Outcome},
    },
    fake::{Fault, Kind, Verb},
    port::{LeaseError, LeaseRequest, LeaseSpec, ListWish, Request},
};
use std::collections::BTreeMap;

fn spec(holder: &str) -> LeaseSpec {
    LeaseSpec {
        holder: Some(holder.to_owned()),
        transitions: 1,
        duration_s: 15,
        acquired: None,
        renewed: None,
        annotations: BTreeMap::new(),
    }
}

#[test]
fn leases_are_compared_and_swapped() {
    let mut world = world();
    assert_eq!(
        world.lease(FLEET, &LeaseRequest::Get),
        Err(LeaseError::Absent)
    );
    let made = world.lease(FLEET, &LeaseRequest::Create(spec("me")));
    let made = made.expect("made").expect("shown");
    let again = world.lease(FLEET, &LeaseRequest::Create(spec("you")));
    assert_eq!(again, Err(LeaseError::Conflict));
    let replace = |revision, holder: &str| LeaseRequest::Replace {
        uid: made.uid.clone(),
        revision,
        spec: spec(holder),
    };
    let mine = world.lease(FLEET, &replace(made.revision, "you"));
    let mine = mine.expect("replaced").expect("shown");
    assert!(mine.revision > made.revision);
    let late = world.lease(FLEET, &replace(made.revision, "me"));
    assert_eq!(late, Err(LeaseError::Conflict));
    assert_eq!(
        world.lease(FLEET, &LeaseRequest::Get),
        Ok(Some(mine.clone()))
    );
    assert_eq!(
        world.lease("other", &LeaseRequest::Get),
        Err(LeaseError::Absent)
    );
    let delete = |revision| LeaseRequest::Delete {
        uid: made.uid.clone(),
        revision,
    };
    assert_eq!(
        world.lease(FLEET, &delete(made.revision)),
        Err(LeaseError::Conflict)
    );
    assert_eq!(world.lease(FLEET, &delete(mine.revision)), Ok(None));
    assert_eq!(
        world.lease(FLEET, &LeaseRequest::Get),
        Err(LeaseError::Absent)
    );
    // Leases and pods are numbered by one counter.
    assert!(revision(&create(&mut world, "a")) > mine.revision.get());
}

#[test]
fn already_exists_is_followed_by_one_get() {
    let mut world = world();
    let request = create_request("a");
    let Outcome::Done { revision, uid } = world.execute(FLEET, &request) else {
        panic!("not made")
    };
    let Outcome::Exists(Some(view)) = world.execute(FLEET, &request) else {
        panic!("not there")
    };
    assert_eq!((Some(view.revision), Some(view.uid)), (revision, uid));
    world.fail_next(Kind::Pods, Verb::Get, Fault::unavailable());
    let outcome = world.execute(FLEET, &request);
    assert_eq!(outcome, Outcome::Unclear(Failure::Server(503)));
    let calls = BTreeMap::from([("create", 3), ("get", 2)]);
    assert_eq!(world.calls(FLEET), calls);
}

#[test]
fn effects_are_answered_by_what_is_known_of_them() {
    let mut world = running("a");
    let uid = Uid::from(world.pod("a").expect("there").metadata.uid.as_str());
    let mark = |uid| Request::MarkFinished {
        name: "a".into(),
        uid,
    };
    let delete = |name: &str, revision| Request::Delete {
        name: name.into(),
        uid: Some(uid.clone()),
        revision,
    };
    assert_eq!(
        world.execute(FLEET, &mark(Uid::from("u-1"))),
        Outcome::Changed
    );
    let done = world.execute(FLEET, &mark(uid.clone()));
    let newest = Revision::new(world.revision());
    let (revision, uid_) = (newest, Some(uid.clone()));
    assert_eq!(
        done,
        Outcome::Done {
            revision,
            uid: uid_
        }
    );
    assert_eq!(
        world.execute(FLEET, &delete("a", Revision::new(1))),
        Outcome::Changed
    );
    assert_eq!(world.execute(FLEET, &delete("x", None)), Outcome::Absent);
    let done = world.execute(FLEET, &delete("a", newest));
    assert!(matches!(done, Outcome::Done { .. }), "{done:?}");
}

#[test]
fn scripted_faults_are_told_as_what_they_leave_known() {
    let mut world = world();
    let faults = [
        (
            Fault::LostReply,
            Outcome::Unclear(Failure::Unreachable),
            true,
        ),
        (
            Fault::LostRequest,
            Outcome::Unclear(Failure::Unreachable),
            false,
        ),
        (
            Fault::internal_error(),
            Outcome::Unclear(Failure::Server(500)),
            false,
        ),
    ];
    for (at, (fault, outcome, effect)) in faults.into_iter().enumerate() {
        let name = format!("a{at}");
        world.fail_next(Kind::Pods, Verb::Create, fault);
        assert_eq!(world.execute(FLEET, &create_request(&name)), outcome);
        assert_eq!(world.pod(&name).is_some(), effect);
    }
    let log: Vec<(u16, bool)> = world
        .audit()
        .iter()
        .map(|e| (e.code, e.delivered))
        .collect();
    assert_eq!(log, [(201, false), (500, true)]);
    assert_eq!(world.calls(FLEET)["create"], 3);
    world.fail_next(Kind::Pods, Verb::List, Fault::throttled());
    assert_eq!(
        world.listing(FLEET, ListWish::default()),
        Err(Failure::Throttled)
    );
    assert!(world.listing(FLEET, ListWish::default()).is_ok());
}
