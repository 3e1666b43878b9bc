//! The fleet's Lease: compare and swap (LIVE-1).

use super::{Stage, tools::no_ones_uid};
use evenkeel::port::{Lease, LeaseError, LeaseRequest, LeaseSpec};
use std::collections::BTreeMap;

fn spec(transitions: u32) -> LeaseSpec {
    LeaseSpec {
        holder: Some("pod-uid/1/2".into()),
        transitions,
        duration_s: 15,
        acquired: Some("2026-11-22T20:00:00.123456Z".parse().expect("a time")),
        renewed: Some("2026-11-22T21:00:00.000001Z".parse().expect("a time")),
        annotations: BTreeMap::from([("evenkeel.dev/failures".into(), "[]".into())]),
    }
}

async fn step(stage: &dyn Stage, request: LeaseRequest) -> Result<Option<Lease>, LeaseError> {
    stage.cluster().lease(request).await
}

async fn create(stage: &dyn Stage) -> Lease {
    let lease = step(stage, LeaseRequest::Create(spec(1))).await;
    lease.expect("created").expect("the lease")
}

async fn replace(stage: &dyn Stage, lease: &Lease, spec: LeaseSpec) -> Result<Lease, LeaseError> {
    let request = LeaseRequest::Replace {
        uid: lease.uid.clone(),
        revision: lease.revision,
        spec,
    };
    step(stage, request)
        .await
        .map(|lease| lease.expect("the lease"))
}

async fn delete(stage: &dyn Stage, lease: &Lease) -> Result<Option<Lease>, LeaseError> {
    step(
        stage,
        LeaseRequest::Delete {
            uid: lease.uid.clone(),
            revision: lease.revision,
        },
    )
    .await
}

pub(super) async fn what_is_written_is_read(stage: &dyn Stage) {
    assert_eq!(
        step(stage, LeaseRequest::Get).await,
        Err(LeaseError::Absent)
    );
    let created = create(stage).await;
    assert_eq!(created.spec, spec(1));
    assert_eq!(step(stage, LeaseRequest::Get).await, Ok(Some(created)));
}

pub(super) async fn there_is_only_one(stage: &dyn Stage) {
    let first = create(stage).await;
    assert_eq!(
        step(stage, LeaseRequest::Create(spec(9))).await,
        Err(LeaseError::Conflict)
    );
    assert_eq!(step(stage, LeaseRequest::Get).await, Ok(Some(first)));
}

pub(super) async fn a_replace_needs_the_newest_revision(stage: &dyn Stage) {
    let first = create(stage).await;
    let second = replace(stage, &first, spec(2)).await.expect("replaced");
    assert!(second.revision > first.revision && second.uid == first.uid);
    assert_eq!(second.spec, spec(2));
    assert_eq!(
        replace(stage, &first, spec(3)).await,
        Err(LeaseError::Conflict)
    );
    assert_eq!(step(stage, LeaseRequest::Get).await, Ok(Some(second)));
}

pub(super) async fn a_replace_needs_the_uid(stage: &dyn Stage) {
    let mut lease = create(stage).await;
    lease.uid = no_ones_uid();
    assert_eq!(
        replace(stage, &lease, spec(2)).await,
        Err(LeaseError::Conflict)
    );
}

pub(super) async fn one_given_up_has_no_holder(stage: &dyn Stage) {
    let lease = create(stage).await;
    let given_up = LeaseSpec {
        holder: None,
        renewed: None,
        ..spec(1)
    };
    let lease = replace(stage, &lease, given_up.clone())
        .await
        .expect("replaced");
    assert_eq!(lease.spec, given_up);
}

pub(super) async fn annotations_are_replaced_whole(stage: &dyn Stage) {
    let lease = create(stage).await;
    let annotations = BTreeMap::from([("evenkeel.dev/halted".to_owned(), "true".to_owned())]);
    let other = LeaseSpec {
        annotations,
        ..spec(1)
    };
    let lease = replace(stage, &lease, other.clone())
        .await
        .expect("replaced");
    assert_eq!(lease.spec, other);
}

pub(super) async fn a_delete_needs_the_newest_revision(stage: &dyn Stage) {
    let first = create(stage).await;
    let second = replace(stage, &first, spec(2)).await.expect("replaced");
    assert_eq!(delete(stage, &first).await, Err(LeaseError::Conflict));
    assert_eq!(delete(stage, &second).await, Ok(None));
    assert_eq!(
        step(stage, LeaseRequest::Get).await,
        Err(LeaseError::Absent)
    );
    assert_eq!(delete(stage, &second).await, Err(LeaseError::Absent));
    // A PUT that names a UID is answered 409 where there is none.
    let replaced = replace(stage, &second, spec(3)).await;
    assert!(
        matches!(replaced, Err(LeaseError::Absent | LeaseError::Conflict)),
        "{replaced:?}"
    );
}

pub(super) async fn each_fleet_has_its_own(stage: &dyn Stage) {
    create(stage).await;
    let other = stage.cluster_of("other");
    assert_eq!(
        other.lease(LeaseRequest::Get).await,
        Err(LeaseError::Absent)
    );
    let theirs = other
        .lease(LeaseRequest::Create(spec(5)))
        .await
        .expect("created")
        .expect("the lease");
    assert_eq!(theirs.spec.transitions, 5);
}
