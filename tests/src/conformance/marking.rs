//! The label `evenkeel.dev/finished` (END-2).

use super::{Stage, tools::*};
use evenkeel::core::input::Outcome;

pub(super) async fn a_marked_pod_leaves_without_a_deletion_timestamp(stage: &dyn Stage) {
    let (uid, _) = make(stage, 1).await;
    stage.bind(&name(1), "node-a").await;
    stage.finish(&name(1), 3, "Error").await;
    let mut watch = Watching::from_now(stage).await;
    let (marked, revision) = done(&mark(stage, 1, &uid).await);
    let left = watch.left().await;
    assert_eq!(
        (left.uid, left.revision, left.deleting),
        (marked, revision, None)
    );
    assert!(list(stage).await.pods.is_empty());
}

pub(super) async fn a_wrong_uid_is_changed(stage: &dyn Stage) {
    make(stage, 1).await;
    assert_eq!(mark(stage, 1, &no_ones_uid()).await, Outcome::Changed);
    assert!(!list(stage).await.pods[0].labels.finished);
}

pub(super) async fn nothing_there_is_absent(stage: &dyn Stage) {
    assert_eq!(mark(stage, 1, &no_ones_uid()).await, Outcome::Absent);
}

pub(super) async fn marking_twice_is_done_twice(stage: &dyn Stage) {
    let (uid, _) = make(stage, 1).await;
    let (_, first) = done(&mark(stage, 1, &uid).await);
    let (_, second) = done(&mark(stage, 1, &uid).await);
    assert_eq!(first, second);
}
