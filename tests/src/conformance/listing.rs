//! Listings: consistent, whole, and only of the fleet.

use super::{FLEET, Stage, tools::*};
use evenkeel::api::labels;
use evenkeel::core::input::Phase;
use evenkeel::port::ListWish;
use futures::{StreamExt, stream};
use serde_json::json;
use std::time::Duration;

pub(super) async fn nothing_there_is_an_empty_listing(stage: &dyn Stage) {
    let first = list(stage).await;
    assert!(first.pods.is_empty() && first.undecodable.is_empty());
    assert!(list(stage).await.revision >= first.revision);
}

pub(super) async fn only_the_fleets_own_pods_are_listed(stage: &dyn Stage) {
    make(stage, 1).await;
    stage.create(&stranger("somebody").to_string()).await;
    let mut other = stranger("other-exec-1-1");
    other["metadata"]["labels"] =
        json!({labels::FLEET: "other", labels::EXECUTOR: "1-1", labels::GROUP: "g"});
    stage.create(&other.to_string()).await;

    let listing = list(stage).await;
    assert_eq!(names(&listing), [name(1)]);
    let view = &listing.pods[0];
    assert_eq!(view.labels.executor.as_deref(), Some("1-1"));
    assert_eq!(view.labels.group.as_deref(), Some("small"));
    assert_eq!(
        (view.labels.template, view.labels.finished),
        (Some(7), false)
    );
    assert_eq!(
        (view.phase, view.deleting, view.node.clone()),
        (Phase::Pending, None, None)
    );
    let others = stage
        .cluster_of("other")
        .list(ListWish::default())
        .await
        .expect("a listing");
    assert_eq!(names(&others), ["other-exec-1-1"]);
}

pub(super) async fn finished_pods_are_listed_only_with_all(stage: &dyn Stage) {
    let (uid, _) = make(stage, 1).await;
    make(stage, 2).await;
    done(&mark(stage, 1, &uid).await);
    assert_eq!(names(&list(stage).await), [name(2)]);
    let all = stage
        .cluster()
        .list(ListWish {
            all: true,
            ..ListWish::default()
        })
        .await
        .expect("a listing");
    assert_eq!(names(&all), [name(1), name(2)]);
    let marked = all
        .pods
        .iter()
        .find(|pod| *pod.name == *name(1))
        .expect("listed");
    assert!(marked.labels.finished);
}

pub(super) async fn a_listing_of_many_pages_is_one(stage: &dyn Stage) {
    const PODS: u32 = 1_010;
    let made = stream::iter(1..=PODS)
        .map(|sequence| make(stage, sequence))
        .buffer_unordered(32);
    let revisions: Vec<_> = made.map(|(_, revision)| revision).collect().await;
    // Pods come and go while the pages are read: the listing is that of one moment all the same.
    let changes = stream::iter(1..=20).for_each(async |n| {
        make(stage, PODS + n).await;
        stage.delete(&name(n), None).await;
    });
    let (listing, ()) = tokio::join!(list(stage), changes);
    assert!(
        revisions
            .iter()
            .all(|revision| *revision <= listing.revision)
    );
    assert!(
        listing
            .pods
            .iter()
            .all(|pod| pod.revision <= listing.revision)
    );
    let counted = names(&listing);
    let untouched = (21..=PODS)
        .map(name)
        .filter(|name| counted.binary_search(name).is_ok())
        .count();
    assert_eq!(untouched, (PODS - 20) as usize);
    // Each step made one and removed one, in that order.
    assert!(
        (PODS..=PODS + 1).contains(&u32::try_from(counted.len()).expect("few")),
        "{}",
        counted.len()
    );
    assert!(
        listing.pods.iter().all(|pod| pod.labels.executor.is_some()),
        "{FLEET}"
    );
}

pub(super) async fn a_listing_is_not_older_than_an_answer(stage: &dyn Stage) {
    for sequence in 1..=20 {
        let (_, revision) = make(stage, sequence).await;
        let listing = list(stage).await;
        assert!(listing.revision >= revision);
        assert_eq!(listing.pods.len(), sequence as usize);
    }
}

pub(super) async fn a_pod_is_as_old_as_the_server_says(stage: &dyn Stage) {
    make(stage, 1).await;
    let young = list(stage).await.pods[0].age_ms;
    stage.pass(Duration::from_secs(3)).await;
    let old = list(stage).await.pods[0].age_ms;
    // Both ends are in whole seconds.
    assert!(young <= 2_000, "{young}");
    assert!((2_000..=6_000).contains(&old), "{old}");

    let mut watch = Watching::from_now(stage).await;
    stage.pass(Duration::from_secs(2)).await;
    stage.run(&name(1)).await;
    let seen = watch.seen().await.age_ms;
    assert!((4_000..=9_000).contains(&seen), "{seen}");
}
