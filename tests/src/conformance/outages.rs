//! A server that is not there: what is known of what was asked (FAIL-3).

use super::{Stage, tools::*};
use evenkeel::{
    core::input::{Failure, Outcome, Refusal, WatchEnd, WatchEvent},
    port::{LeaseError, LeaseRequest, ListWish},
};
use std::collections::BTreeMap;

pub(super) async fn nothing_is_sent_to_a_server_that_is_gone(stage: &dyn Stage) {
    let (uid, revision) = make(stage, 1).await;
    let before = stage.cluster().calls();
    stage.reachable(false).await;
    let cluster = stage.cluster();
    let not_sent = || Outcome::Refused(Refusal::NotSent(Failure::Unreachable));
    // A connection from before may be found broken only when it is used; the second try is certain.
    let first = ask(stage, &ours(2)).await;
    assert!(
        first == not_sent() || first == Outcome::Unclear(Failure::Unreachable),
        "{first:?}"
    );
    assert_eq!(ask(stage, &ours(2)).await, not_sent());
    assert_eq!(delete(stage, 1, Some(&uid), None).await, not_sent());
    assert_eq!(mark(stage, 1, &uid).await, not_sent());
    assert_eq!(
        cluster.list(ListWish::default()).await,
        Err(Failure::Unreachable)
    );
    assert_eq!(
        cluster.watch(revision).await.err(),
        Some(WatchEnd::Failed(Failure::Unreachable))
    );
    assert_eq!(
        cluster.lease(LeaseRequest::Get).await,
        Err(LeaseError::Failed(Failure::Unreachable))
    );
    let sent = |calls: &BTreeMap<_, u64>| calls.get("list").copied().unwrap_or(0);
    assert_eq!(
        sent(&cluster.calls()),
        sent(&before),
        "what is not sent is not counted"
    );
    stage.reachable(true).await;
    assert_eq!(names(&list(stage).await), [name(1)]);
}

pub(super) async fn an_open_watch_ends(stage: &dyn Stage) {
    make(stage, 1).await;
    let mut watch = Watching::from_now(stage).await;
    stage.reachable(false).await;
    match watch.next().await {
        WatchEvent::Ended(WatchEnd::Failed(Failure::Unreachable) | WatchEnd::Closed) => {}
        other => panic!("{other:?}"),
    }
    assert!(watch.is_over().await);
    stage.reachable(true).await;
}

pub(super) async fn it_goes_on_where_it_was(stage: &dyn Stage) {
    let (uid, _) = make(stage, 1).await;
    stage.reachable(false).await;
    stage.reachable(true).await;
    let listing = list(stage).await;
    assert_eq!(
        (names(&listing), &listing.pods[0].uid),
        (vec![name(1)], &uid)
    );
    let mut watch = Watching::from(stage, listing.revision).await;
    let (_, gone) = done(&delete(stage, 1, Some(&uid), None).await);
    assert_eq!(watch.seen().await.deleting, Some(0));
    assert_eq!(watch.left().await.revision, gone);
}
