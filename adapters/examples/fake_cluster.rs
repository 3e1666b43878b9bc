//! How an engine's author uses the fake cluster: an hour of a little fleet, in virtual time.
//!
//! ```text
//! cargo run -p evenkeel --features fake --example fake_cluster
//! ```

use evenkeel::{
    core::input::{Outcome, Phase, WatchEvent},
    fake::{FakeCluster, Fault, Kind, Rate, Verb, Weather, World, WorldConfig},
    port::{Cluster as _, ListWish, Request},
};
use futures::StreamExt as _;
use std::time::Duration;
use tokio::time::Instant;

fn create(name: &str) -> Request {
    Request::Create {
        name: name.into(),
        manifest: format!(
            r#"{{"metadata": {{"name": "{name}", "labels": {{"evenkeel.dev/fleet": "demo"}}}},
                "spec": {{"containers": [{{"name": "worker", "image": "worker:1",
                          "resources": {{"requests": {{"cpu": "500m", "memory": "1Gi"}}}}}}]}}}}"#
        ),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Virtual time: a wait ends at once, and the clock says that it was waited. In a test:
    // #[tokio::test(start_paused = true)].
    tokio::time::pause();
    let real = std::time::Instant::now();

    // Two containers crash every ten minutes or so. The same seed gives the same hour.
    let weather = Weather {
        seed: 7,
        nodes: 2,
        crash_rate: Rate::per_hour(12),
        ..Weather::default()
    };
    let world = World::new(WorldConfig {
        weather,
        ..WorldConfig::default()
    });
    let cluster = FakeCluster::new(world, "demo");

    // List, watch from there, and make three pods.
    let mut from = cluster
        .list(ListWish::default())
        .await
        .map_err(|why| format!("{why:?}"))?
        .revision;
    for name in ["one", "two", "three"] {
        let outcome = cluster.execute(create(name)).await;
        println!("create {name}: {}", word(&outcome));
    }

    // A test may bring about any trouble it likes: here a create that takes effect, and whose answer is lost.
    cluster.world(|world| world.fail_next(Kind::Pods, Verb::Create, Fault::LostReply));
    for _ in 0..2 {
        println!(
            "create four: {}",
            word(&cluster.execute(create("four")).await)
        );
    }

    // An hour of watching. The server closes each watch after 5 to 10 minutes; the next goes on from there.
    let begin = Instant::now();
    let hour = Duration::from_secs(3600);
    while begin.elapsed() < hour {
        let mut watch = cluster
            .watch(from)
            .await
            .map_err(|end| format!("{end:?}"))?;
        while let Some(event) = watch.next().await {
            match event {
                WatchEvent::Seen(view) | WatchEvent::Left(view) => {
                    from = view.revision;
                    let minute = begin.elapsed().as_secs() / 60;
                    if view.phase == Phase::Failed {
                        println!("minute {minute}: {} failed: {:?}", view.name, view.main);
                    }
                }
                WatchEvent::Bookmark(revision) => from = revision,
                WatchEvent::Undecodable(name) => println!("{name} made no sense"),
                WatchEvent::Ended(_) => {}
            }
        }
    }

    let pods = cluster.world(|world| world.pods().count());
    println!("{pods} pods after an hour; requests: {:?}", cluster.calls());
    println!("it took {} ms", real.elapsed().as_millis());
    Ok(())
}

fn word(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done { .. } => "done".to_owned(),
        Outcome::Exists(Some(_)) => "it is there already".to_owned(),
        other => format!("{other:?}"),
    }
}
