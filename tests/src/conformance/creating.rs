//! Creates: what each answer says of the effect (GROW-3, FAIL-3).

use super::{Stage, tools::*};
use evenkeel::core::{input::Outcome, input::Refusal};
use futures::{StreamExt, stream};
use serde_json::json;
use std::collections::BTreeSet;

pub(super) async fn done_gives_uid_and_the_revision_of_the_watch(stage: &dyn Stage) {
    let mut watch = Watching::from_now(stage).await;
    let (uid, revision) = make(stage, 1).await;
    let view = watch.seen().await;
    assert_eq!((view.uid, view.revision), (uid, revision));
}

pub(super) async fn a_name_of_ours_shows_our_pod(stage: &dyn Stage) {
    let (uid, revision) = make(stage, 1).await;
    match ask(stage, &ours(1)).await {
        Outcome::Exists(Some(view)) => {
            assert_eq!((&view.uid, view.revision), (&uid, revision));
            assert_eq!(view.labels.executor.as_deref(), Some("1-1"));
        }
        other => panic!("{other:?}"),
    }
}

pub(super) async fn a_name_of_a_strangers_shows_no_labels(stage: &dyn Stage) {
    stage.create(&stranger(&name(1)).to_string()).await;
    match ask(stage, &ours(1)).await {
        Outcome::Exists(Some(view)) => {
            assert_eq!(*view.name, *name(1));
            assert_eq!(
                (view.labels.executor.clone(), view.labels.group.clone()),
                (None, None)
            );
        }
        other => panic!("{other:?}"),
    }
}

pub(super) async fn a_name_still_terminating_is_taken_too(stage: &dyn Stage) {
    let (uid, _) = make(stage, 1).await;
    stage.bind(&name(1), "node-a").await;
    done(&delete(stage, 1, Some(&uid), None).await);
    match ask(stage, &ours(1)).await {
        Outcome::Exists(Some(view)) => assert_eq!((view.uid, view.deleting), (uid, Some(30))),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn invalid(outcome: &Outcome, says: &str) {
    match outcome {
        Outcome::Refused(Refusal::Invalid(message)) => assert!(message.contains(says), "{message}"),
        other => panic!("{other:?}"),
    }
}

pub(super) async fn a_bad_name_is_invalid(stage: &dyn Stage) {
    let mut pod = ours(1);
    pod["metadata"]["name"] = json!("No_Name");
    invalid(&ask(stage, &pod).await, "metadata.name");
    assert!(list(stage).await.pods.is_empty());
}

pub(super) async fn an_unknown_field_is_invalid(stage: &dyn Stage) {
    let mut pod = ours(1);
    pod["spec"]["containres"] = json!([]);
    invalid(&ask(stage, &pod).await, "containres");
    assert!(list(stage).await.pods.is_empty());
}

pub(super) async fn a_bad_quantity_is_invalid(stage: &dyn Stage) {
    let mut pod = ours(1);
    pod["spec"]["containers"][0]["resources"] = json!({"requests": {"cpu": "lots"}});
    invalid(&ask(stage, &pod).await, "quantit");
    assert!(list(stage).await.pods.is_empty());
}

pub(super) async fn many_at_once_are_all_answered(stage: &dyn Stage) {
    const PODS: u32 = 200;
    let before = stage.cluster().calls().get("create").copied().unwrap_or(0);
    let made = stream::iter(1..=PODS)
        .map(|sequence| make(stage, sequence))
        .buffer_unordered(128);
    let made: Vec<_> = made.collect().await;
    let uids: BTreeSet<_> = made.iter().map(|(uid, _)| uid.clone()).collect();
    let revisions: BTreeSet<_> = made.iter().map(|(_, revision)| *revision).collect();
    assert_eq!(
        (uids.len(), revisions.len()),
        (PODS as usize, PODS as usize)
    );
    assert_eq!(list(stage).await.pods.len(), PODS as usize);
    assert_eq!(
        stage.cluster().calls().get("create").copied(),
        Some(before + u64::from(PODS))
    );
}
