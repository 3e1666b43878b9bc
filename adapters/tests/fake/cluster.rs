//! The fake behind the `Cluster` port, in tokio's virtual time.

use evenkeel::{
    core::{
        Revision, Span,
        input::{ContainerView, Failure, Outcome, Phase, PodView, WatchEnd, WatchEvent},
    },
    fake::{FakeCluster, Fault, Kind, Rate, Verb, Weather, World, WorldConfig},
    port::{Cluster, LeaseError, LeaseRequest, LeaseSpec, ListWish, Request},
};
use futures::StreamExt as _;
use std::{collections::BTreeMap, time::Duration};
use tokio::time::{Instant, sleep, timeout};

fn cluster(weather: Weather) -> FakeCluster {
    let config = WorldConfig {
        weather,
        ..WorldConfig::default()
    };
    FakeCluster::new(World::new(config), "demo")
}

fn create(name: &str) -> Request {
    Request::Create {
        name: name.into(),
        manifest: format!(
            r#"{{"metadata": {{"name": "{name}", "labels": {{"evenkeel.dev/fleet": "demo"}}}},
                "spec": {{"containers": [{{"name": "main", "image": "worker:1"}}]}}}}"#
        ),
    }
}

async fn newest(cluster: &FakeCluster) -> Revision {
    cluster
        .list(ListWish::default())
        .await
        .expect("a listing")
        .revision
}

/// Reads on until a pod is shown that fits.
async fn until(
    watch: &mut (impl futures::Stream<Item = WatchEvent> + Unpin),
    fits: impl Fn(&PodView) -> bool,
) -> PodView {
    loop {
        match watch.next().await.expect("an event") {
            WatchEvent::Seen(view) | WatchEvent::Left(view) if fits(&view) => return view,
            WatchEvent::Ended(end) => panic!("{end:?}"),
            _ => {}
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_pod_is_made_seen_to_run_and_seen_to_go() {
    let cluster = cluster(Weather::default());
    let from = newest(&cluster).await;
    let mut watch = cluster.watch(from).await.expect("a watch");
    let begin = Instant::now();
    let Outcome::Done { revision, uid } = cluster.execute(create("a")).await else {
        panic!("not made")
    };
    assert!(begin.elapsed() >= Duration::from_millis(2), "it takes time");
    let first = until(&mut watch, |_| true).await;
    assert_eq!(
        (Some(first.revision), Some(&first.uid)),
        (revision, uid.as_ref())
    );
    assert_eq!((first.phase, &first.node), (Phase::Pending, &None));
    let running = until(&mut watch, |view| view.phase == Phase::Running).await;
    assert!(running.ready && running.node.is_some() && running.ip.is_some());
    assert_eq!(running.main, Some(ContainerView::Running));
    assert!(begin.elapsed() < Duration::from_secs(4));
    let delete = Request::Delete {
        name: "a".into(),
        uid: Some(running.uid.clone()),
        revision: Some(running.revision),
    };
    let Outcome::Done { revision, .. } = cluster.execute(delete.clone()).await else {
        panic!("not deleted")
    };
    let going = until(&mut watch, |view| view.deleting.is_some()).await;
    assert_eq!((Some(going.revision), going.deleting), (revision, Some(30)));
    let gone = cluster.world(|world| world.pod("a").is_none());
    assert!(!gone);
    while cluster.world(|world| world.pod("a").is_some()) {
        until(&mut watch, |_| true).await;
    }
    assert_eq!(cluster.execute(delete).await, Outcome::Absent);
    let calls = BTreeMap::from([("create", 1), ("delete", 2), ("list", 1), ("watch", 1)]);
    assert_eq!(cluster.calls(), calls);
}

#[tokio::test(start_paused = true)]
async fn hours_pass_in_milliseconds_and_nothing_spins() {
    let real = std::time::Instant::now();
    let cluster = cluster(Weather {
        crash_rate: Rate::per_minute(2),
        node_loss: Rate::per_hour(2),
        evictions: Rate::per_hour(6),
        ..Weather::default()
    });
    for at in 0..100 {
        cluster.execute(create(&format!("a{at}"))).await;
    }
    let mut from = newest(&cluster).await;
    let begin = Instant::now();
    let (mut events, mut watches) = (0u32, 0u32);
    while begin.elapsed() < Duration::from_secs(2 * 3600) {
        watches += 1;
        let mut watch = cluster.watch(from).await.expect("a watch");
        while let Some(event) = watch.next().await {
            events += 1;
            match event {
                WatchEvent::Seen(view) | WatchEvent::Left(view) => from = view.revision,
                WatchEvent::Bookmark(revision) => from = revision,
                WatchEvent::Undecodable(name) => panic!("{name}"),
                WatchEvent::Ended(end) => assert_eq!(end, WatchEnd::Closed),
            }
        }
    }
    assert!((12..=25).contains(&watches), "{watches}");
    assert!(events > 250, "{events}");
    let took = real.elapsed();
    assert!(took < Duration::from_secs(20), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn the_world_moves_on_when_nobody_watches() {
    let cluster = cluster(Weather::default());
    cluster.execute(create("a")).await;
    sleep(Duration::from_secs(3600)).await;
    let listing = cluster.list(ListWish::default()).await.expect("a listing");
    assert_eq!(listing.pods[0].phase, Phase::Running);
    let age = listing.pods[0].age_ms;
    assert!((3_600_000..=3_601_000).contains(&age), "{age}");
}

#[tokio::test(start_paused = true)]
async fn what_another_task_does_wakes_a_watch_that_waits() {
    let cluster = cluster(Weather::default());
    let from = newest(&cluster).await;
    let mut watch = cluster.watch(from).await.expect("a watch");
    let other = cluster.clone();
    let task = tokio::spawn(async move {
        sleep(Duration::from_secs(30)).await;
        other.world(|world| {
            world.restart_api_server();
        });
        Instant::now()
    });
    assert_eq!(
        watch.next().await,
        Some(WatchEvent::Ended(WatchEnd::Closed))
    );
    let woken = Instant::now();
    assert_eq!(task.await.expect("ran"), woken);
    assert_eq!(watch.next().await, None);
    let mut again = cluster.watch(from).await.expect("the stream is a 200");
    assert_eq!(
        again.next().await,
        Some(WatchEvent::Ended(WatchEnd::Expired))
    );
}

#[tokio::test(start_paused = true)]
async fn a_quiet_watch_waits_for_its_bookmark() {
    let cluster = cluster(Weather::default());
    let from = newest(&cluster).await;
    let mut watch = cluster.watch(from).await.expect("a watch");
    let begin = Instant::now();
    assert_eq!(watch.next().await, Some(WatchEvent::Bookmark(from)));
    let waited = begin.elapsed().as_millis();
    assert!((59_000..=60_700).contains(&waited), "{waited}");
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_is_dropped_is_closed() {
    let cluster = cluster(Weather::default());
    let from = newest(&cluster).await;
    let watch = cluster.watch(from).await.expect("a watch");
    assert_eq!(cluster.world(|world| world.open_watches()), 1);
    drop(watch);
    assert_eq!(cluster.world(|world| world.open_watches()), 0);
    let slow = cluster.watch(from);
    assert!(timeout(Duration::from_millis(0), slow).await.is_err());
    assert_eq!(cluster.world(|world| world.open_watches()), 0);
}

#[tokio::test(start_paused = true)]
async fn fleets_share_a_cluster_and_see_their_own() {
    let demo = cluster(Weather::default());
    let other = demo.for_fleet("other");
    demo.execute(create("a")).await;
    assert_eq!(
        demo.list(ListWish::default())
            .await
            .expect("a listing")
            .pods
            .len(),
        1
    );
    assert_eq!(
        other
            .list(ListWish::default())
            .await
            .expect("a listing")
            .pods
            .len(),
        0
    );
    let Outcome::Exists(Some(view)) = other.execute(create("a")).await else {
        panic!("the name is taken")
    };
    assert_eq!(view.labels, Default::default(), "a stranger's pod");
    let spec = LeaseSpec {
        holder: Some("me".into()),
        transitions: 1,
        duration_s: 15,
        acquired: None,
        renewed: None,
        annotations: BTreeMap::new(),
    };
    let make = LeaseRequest::Create(spec);
    assert!(demo.lease(make.clone()).await.is_ok());
    assert_eq!(demo.lease(make.clone()).await, Err(LeaseError::Conflict));
    assert!(other.lease(make).await.is_ok());
    let calls = BTreeMap::from([("create", 2), ("get", 1), ("list", 1)]);
    assert_eq!(other.calls(), calls);
}

#[tokio::test(start_paused = true)]
async fn requests_fail_as_scripted() {
    let cluster = cluster(Weather::default());
    cluster.world(|world| {
        world.fail_next(Kind::Pods, Verb::Watch, Fault::unavailable());
        world.fail_next(Kind::Pods, Verb::List, Fault::NotSent);
        world.fail_next(Kind::Leases, Verb::Get, Fault::LostReply);
    });
    let from = Revision::new(1).expect("one");
    let refused = cluster.watch(from).await.err();
    assert_eq!(refused, Some(WatchEnd::Failed(Failure::Server(503))));
    assert_eq!(
        cluster.list(ListWish::default()).await,
        Err(Failure::Unreachable)
    );
    let lost = cluster.lease(LeaseRequest::Get).await;
    assert_eq!(lost, Err(LeaseError::Failed(Failure::Unreachable)));
}

#[tokio::test]
async fn without_a_paused_clock_time_is_real() {
    let cluster = cluster(Weather {
        start: Span(40),
        ..Weather::default()
    });
    let from = newest(&cluster).await;
    let mut watch = cluster.watch(from).await.expect("a watch");
    cluster.execute(create("a")).await;
    let seen = until(&mut watch, |view| view.phase == Phase::Running);
    timeout(Duration::from_secs(10), seen)
        .await
        .expect("in time");
}
