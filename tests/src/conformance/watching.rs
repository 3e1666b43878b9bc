//! Watches: complete, in order, resumable, and honest about their end (SEE-2, SEE-4).

use super::{Stage, tools::*};
use evenkeel::{
    api::labels,
    core::{
        Revision,
        input::{ContainerView, Phase, WatchEnd, WatchEvent},
    },
};
use std::{collections::BTreeMap, time::Duration};

pub(super) async fn from_a_listing_nothing_is_missed(stage: &dyn Stage) {
    make(stage, 1).await;
    let listing = list(stage).await;
    // What happens between the listing and the watch is shown by the watch.
    let (_, second) = make(stage, 2).await;
    done(&delete(stage, 1, None, None).await);
    let mut watch = Watching::from(stage, listing.revision).await;
    assert_eq!(watch.seen().await.revision, second);
    assert_eq!(watch.seen().await.deleting, Some(0));
    assert_eq!(*watch.left().await.name, *name(1));
    watch.nothing_until(stage, 3).await;
}

pub(super) async fn only_what_came_after_is_shown(stage: &dyn Stage) {
    make(stage, 1).await;
    let (_, from) = make(stage, 2).await;
    let mut watch = Watching::from(stage, from).await;
    watch.nothing_until(stage, 3).await;
}

pub(super) async fn events_come_in_order_of_revision(stage: &dyn Stage) {
    let mut watch = Watching::from_now(stage).await;
    let mut expected: BTreeMap<String, Vec<Revision>> = BTreeMap::new();
    for sequence in 1..=5 {
        let (_, made) = make(stage, sequence).await;
        expected.entry(name(sequence)).or_default().push(made);
    }
    for sequence in (1..=5).rev() {
        let revision = stage.label(&name(sequence), "step", Some("two")).await;
        expected.entry(name(sequence)).or_default().push(revision);
    }
    let (mut last, mut seen) = (0, BTreeMap::<String, Vec<Revision>>::new());
    for _ in 0..10 {
        let view = watch.seen().await;
        assert!(view.revision.get() > last, "{} after {last}", view.revision);
        last = view.revision.get();
        seen.entry(view.name.to_string())
            .or_default()
            .push(view.revision);
    }
    assert_eq!(seen, expected);
}

pub(super) async fn each_state_of_a_pod_is_shown(stage: &dyn Stage) {
    let mut watch = Watching::from_now(stage).await;
    let pod = name(1);
    make(stage, 1).await;
    let view = watch.seen().await;
    assert_eq!(
        (view.phase, view.node, view.main),
        (Phase::Pending, None, None)
    );
    stage.bind(&pod, "node-a").await;
    let view = watch.seen().await;
    assert_eq!(
        (view.phase, view.node.as_deref()),
        (Phase::Pending, Some("node-a"))
    );

    let waited = stage.wait(&pod, "ImagePullBackOff").await;
    let view = watch.seen().await;
    assert_eq!(view.revision, waited);
    assert_eq!(
        view.main,
        Some(ContainerView::Waiting("ImagePullBackOff".into()))
    );

    let ran = stage.run(&pod).await;
    let view = watch.seen().await;
    assert_eq!(
        (view.revision, view.phase, view.main),
        (ran, Phase::Running, Some(ContainerView::Running))
    );
    assert!(view.ready && view.ip.is_some());

    let ended = stage.finish(&pod, 3, "Error").await;
    let view = watch.seen().await;
    assert_eq!(
        (view.revision, view.phase, view.deleting),
        (ended, Phase::Failed, None)
    );
    assert_eq!(
        view.main,
        Some(ContainerView::Terminated {
            exit_code: 3,
            reason: "Error".into()
        })
    );
}

pub(super) async fn an_oom_kill_is_told(stage: &dyn Stage) {
    make(stage, 1).await;
    stage.bind(&name(1), "node-a").await;
    stage.run(&name(1)).await;
    let mut watch = Watching::from_now(stage).await;
    stage.finish(&name(1), 137, "OOMKilled").await;
    let killed = ContainerView::Terminated {
        exit_code: 137,
        reason: "OOMKilled".into(),
    };
    assert_eq!(watch.seen().await.main, Some(killed));
}

pub(super) async fn a_lost_label_shows_as_left(stage: &dyn Stage) {
    let (uid, _) = make(stage, 1).await;
    let mut watch = Watching::from_now(stage).await;
    let changed = stage.label(&name(1), labels::FLEET, None).await;
    let left = watch.left().await;
    assert_eq!(
        (left.uid, left.revision, left.deleting),
        (uid, changed, None)
    );
    assert!(list(stage).await.pods.is_empty());
}

pub(super) async fn a_label_put_back_shows_as_seen(stage: &dyn Stage) {
    let (uid, _) = make(stage, 1).await;
    stage.label(&name(1), labels::FLEET, None).await;
    let mut watch = Watching::from_now(stage).await;
    let changed = stage
        .label(&name(1), labels::FLEET, Some(super::FLEET))
        .await;
    let seen = watch.seen().await;
    assert_eq!((seen.uid, seen.revision), (uid, changed));
}

pub(super) async fn a_strangers_pod_with_our_label_is_seen(stage: &dyn Stage) {
    let mut watch = Watching::from_now(stage).await;
    let revision = stage.create(&ours(9).to_string()).await;
    let seen = watch.seen().await;
    assert_eq!((&*seen.name, seen.revision), (&*name(9), revision));
}

pub(super) async fn an_eviction_shows_before_the_deletion(stage: &dyn Stage) {
    make(stage, 1).await;
    stage.bind(&name(1), "node-a").await;
    stage.run(&name(1)).await;
    let mut watch = Watching::from_now(stage).await;
    stage.evict(&name(1)).await;
    let told = watch.seen().await;
    assert_eq!(
        (told.disruption.as_deref(), told.deleting),
        (Some("EvictionByEvictionAPI"), None)
    );
    let terminating = watch.seen().await;
    assert_eq!(
        (terminating.disruption, terminating.deleting),
        (told.disruption, Some(30))
    );
    assert!(terminating.revision > told.revision);
}

pub(super) async fn a_quiet_watch_brings_bookmarks_to_resume_from(stage: &dyn Stage) {
    let (_, made) = make(stage, 1).await;
    let mut watch = Watching::from_now(stage).await;
    // One a minute, give or take a second.
    let bookmark = match watch.any(Duration::from_secs(65)).await {
        Some(WatchEvent::Bookmark(revision)) => revision,
        other => panic!("{other:?}"),
    };
    assert!(bookmark >= made);
    let mut resumed = Watching::from(stage, bookmark).await;
    resumed.nothing_until(stage, 2).await;
}

pub(super) async fn a_revision_of_the_future_is_silent(stage: &dyn Stage) {
    let (_, now) = make(stage, 1).await;
    // Far enough that what else happens in the cluster does not reach it.
    let future = Revision::new(now.get() + 1_000_000).expect("not 0");
    let mut watch = Watching::from(stage, future).await;
    make(stage, 2).await;
    assert_eq!(watch.any(Duration::from_secs(2)).await, None);
}

pub(super) async fn a_restart_forgets_the_past(stage: &dyn Stage) {
    make(stage, 1).await;
    let before = list(stage).await.revision;
    make(stage, 2).await;
    stage.restart().await;
    let end = match stage.cluster().watch(before).await {
        Err(end) => end,
        Ok(events) => {
            let mut events = Box::pin(events);
            match futures::StreamExt::next(&mut events).await {
                Some(WatchEvent::Ended(end)) => end,
                other => panic!("{other:?}"),
            }
        }
    };
    assert_eq!(end, WatchEnd::Expired);
    // A new listing helps.
    let mut watch = Watching::from_now(stage).await;
    watch.nothing_until(stage, 3).await;
}
