//! Deletes: their steps, their revisions and their preconditions (SEE-5, SHRINK-1, END-2).

use super::{Stage, tools::*};
use evenkeel::core::input::{Outcome, Phase};

pub(super) async fn a_pod_on_no_node_goes_in_two_steps(stage: &dyn Stage) {
    let (uid, _) = make(stage, 1).await;
    let mut watch = Watching::from_now(stage).await;
    let (answered, gone) = done(&delete(stage, 1, Some(&uid), None).await);
    assert_eq!(answered, uid);
    let terminating = watch.seen().await;
    assert_eq!(terminating.deleting, Some(0));
    let left = watch.left().await;
    assert_eq!(
        (left.revision, left.deleting, left.uid),
        (gone, Some(0), uid)
    );
    assert!(terminating.revision < gone);
    assert!(list(stage).await.pods.is_empty());
}

pub(super) async fn a_finished_pod_goes_at_once(stage: &dyn Stage) {
    let (uid, _) = make(stage, 1).await;
    stage.bind(&name(1), "node-a").await;
    stage.finish(&name(1), 0, "Completed").await;
    let mut watch = Watching::from_now(stage).await;
    let (_, gone) = done(&delete(stage, 1, Some(&uid), None).await);
    assert_eq!(watch.seen().await.deleting, Some(0));
    let left = watch.left().await;
    assert_eq!((left.revision, left.phase), (gone, Phase::Succeeded));
}

pub(super) async fn a_pod_on_a_node_gets_its_grace(stage: &dyn Stage) {
    let (uid, _) = make(stage, 1).await;
    stage.bind(&name(1), "node-a").await;
    stage.run(&name(1)).await;
    let mut watch = Watching::from_now(stage).await;
    let (_, revision) = done(&delete(stage, 1, Some(&uid), None).await);
    let terminating = watch.seen().await;
    assert_eq!(
        (terminating.revision, terminating.deleting),
        (revision, Some(30))
    );
    assert_eq!(terminating.node.as_deref(), Some("node-a"));
    watch.nothing_until(stage, 2).await;
}

pub(super) async fn a_second_delete_changes_nothing(stage: &dyn Stage) {
    let (uid, _) = make(stage, 1).await;
    stage.bind(&name(1), "node-a").await;
    let (_, first) = done(&delete(stage, 1, Some(&uid), None).await);
    let mut watch = Watching::from_now(stage).await;
    let (_, second) = done(&delete(stage, 1, Some(&uid), None).await);
    assert_eq!(second, first);
    watch.nothing_until(stage, 2).await;
}

pub(super) async fn a_shorter_grace_is_a_change(stage: &dyn Stage) {
    make(stage, 1).await;
    stage.bind(&name(1), "node-a").await;
    done(&delete(stage, 1, None, None).await);
    let mut watch = Watching::from_now(stage).await;
    let revision = stage.delete(&name(1), Some(20)).await;
    let view = watch.seen().await;
    assert_eq!((view.deleting, view.revision), (Some(20), revision));
}

pub(super) async fn a_deleted_pod_may_never_finish(stage: &dyn Stage) {
    make(stage, 1).await;
    stage.bind(&name(1), "node-a").await;
    stage.run(&name(1)).await;
    done(&delete(stage, 1, None, None).await);
    let mut watch = Watching::from_now(stage).await;
    stage.let_go(&name(1)).await;
    let left = loop {
        // The kubelet's own delete may show first.
        match watch.next().await {
            evenkeel::core::input::WatchEvent::Left(view) => break view,
            evenkeel::core::input::WatchEvent::Seen(view) => assert!(view.deleting.is_some()),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(left.phase, Phase::Running);
    assert!(left.deleting.is_some());
}

pub(super) async fn a_wrong_uid_is_changed(stage: &dyn Stage) {
    make(stage, 1).await;
    assert_eq!(
        delete(stage, 1, Some(&no_ones_uid()), None).await,
        Outcome::Changed
    );
    assert_eq!(list(stage).await.pods[0].deleting, None);
}

pub(super) async fn a_wrong_revision_is_changed(stage: &dyn Stage) {
    let (uid, revision) = make(stage, 1).await;
    stage.bind(&name(1), "node-a").await;
    assert_eq!(
        delete(stage, 1, Some(&uid), Some(revision)).await,
        Outcome::Changed
    );
    assert_eq!(list(stage).await.pods[0].deleting, None);
}

pub(super) async fn both_preconditions_right_is_done(stage: &dyn Stage) {
    make(stage, 1).await;
    stage.bind(&name(1), "node-a").await;
    let view = list(stage).await.pods.remove(0);
    done(&delete(stage, 1, Some(&view.uid), Some(view.revision)).await);
    assert_eq!(list(stage).await.pods[0].deleting, Some(30));
}

pub(super) async fn nothing_there_is_absent(stage: &dyn Stage) {
    assert_eq!(delete(stage, 1, None, None).await, Outcome::Absent);
    let (uid, _) = make(stage, 1).await;
    done(&delete(stage, 1, Some(&uid), None).await);
    assert_eq!(delete(stage, 1, Some(&uid), None).await, Outcome::Absent);
}

pub(super) async fn a_finalizer_holds_the_pod(stage: &dyn Stage) {
    let (uid, _) = make(stage, 1).await;
    stage.finalizers(&name(1), &["example.org/hold"]).await;
    let mut watch = Watching::from_now(stage).await;
    let (_, revision) = done(&delete(stage, 1, Some(&uid), None).await);
    let held = watch.seen().await;
    assert_eq!((held.deleting, held.revision), (Some(0), revision));
    let answered = stage.finalizers(&name(1), &[]).await;
    let left = watch.left().await;
    assert!(
        left.revision > answered,
        "{} is not after {answered}",
        left.revision
    );
}

pub(super) async fn a_name_used_again_is_another_pod(stage: &dyn Stage) {
    let (first, _) = make(stage, 1).await;
    let mut watch = Watching::from_now(stage).await;
    done(&delete(stage, 1, Some(&first), None).await);
    let (second, _) = make(stage, 1).await;
    assert_ne!(first, second);
    assert_eq!(watch.seen().await.uid, first);
    assert_eq!(watch.left().await.uid, first);
    assert_eq!(watch.seen().await.uid, second);
    assert_eq!(delete(stage, 1, Some(&first), None).await, Outcome::Changed);
}
