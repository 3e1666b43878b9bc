//! Whole lives of fleets on the fake, through the shell, in virtual time.
#![cfg(feature = "fake")]

use evenkeel::{
    Event, Fleet, PodTemplate, Running,
    core::{
        Config, ExecutorId,
        config::EngineMode,
        input::{DesiredChange, GroupWish, Shutdown},
        output::Notice,
    },
    fake::{FakeCluster, Weather, World, WorldConfig},
    port::{Cluster, LeaseError, LeaseRequest},
    shell::StartError,
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

fn template() -> PodTemplate {
    let spec = serde_json::json!({"spec": {"containers": [{"name": "main", "image": "worker:1"}]}});
    PodTemplate::from_value(spec).expect("a good template")
}

fn calm() -> FakeCluster {
    FakeCluster::new(World::new(WorldConfig::default()), "demo")
}

fn config(engine: EngineMode) -> Config {
    Config {
        engine,
        ..evenkeel::defaults::config()
    }
}

fn start(cluster: &FakeCluster, engine: EngineMode, targets: &[(&str, u64)]) -> Running {
    let mut builder = Fleet::builder("demo").config(config(engine));
    for (group, target) in targets {
        builder = builder.group(*group, *target, template());
    }
    builder.start(Arc::new(cluster.clone())).expect("starts")
}

fn live(cluster: &FakeCluster) -> usize {
    cluster.world(|world| world.pods().count())
}

#[tokio::test(start_paused = true)]
async fn a_fleet_comes_up_and_goes() {
    let cluster = calm();
    let mut fleet = start(&cluster, EngineMode::None, &[("a", 30), ("b", 5)]);
    let status = fleet
        .handle
        .wait_until_at_target()
        .await
        .expect("gets there");
    assert_eq!(status.groups["a"].serving, 30);
    assert_eq!(live(&cluster), 35);
    fleet.handle.shutdown(Shutdown::Delete).expect("runs");
    fleet.finished().await.expect("an orderly end");
    assert_eq!(live(&cluster), 0);
    let lease = cluster.lease(LeaseRequest::Get).await;
    assert_eq!(lease, Err(LeaseError::Absent), "the lease is removed");
}

#[tokio::test(start_paused = true)]
async fn what_is_deleted_by_a_stranger_is_lost_once_and_replaced() {
    let cluster = calm();
    let mut fleet = start(&cluster, EngineMode::None, &[("a", 10)]);
    fleet
        .handle
        .wait_until_at_target()
        .await
        .expect("gets there");
    let victims: Vec<String> = cluster.world(|world| {
        let names: Vec<String> = world
            .pods()
            .take(4)
            .map(|pod| pod.metadata.name.clone())
            .collect();
        for name in &names {
            world.delete_as_stranger(name).expect("is there");
        }
        names
    });
    fleet
        .handle
        .wait_until(|status| !status.at_target)
        .await
        .expect("it shows");
    fleet
        .handle
        .wait_until_at_target()
        .await
        .expect("made good");
    let mut lost = BTreeMap::<String, u32>::new();
    while let Ok(event) = fleet.events.try_recv() {
        if let Event::Notice(Notice::Lost {
            executor, cause, ..
        }) = event
        {
            assert_eq!(cause.name(), "deleted_by_other");
            *lost
                .entry(executor.pod_name("demo").to_string())
                .or_default() += 1;
        }
    }
    assert_eq!(lost.keys().cloned().collect::<Vec<_>>(), victims);
    assert!(lost.values().all(|times| *times == 1), "{lost:?}");
}

#[tokio::test(start_paused = true)]
async fn an_engine_registers_what_starts() {
    let cluster = calm();
    let mut fleet = start(&cluster, EngineMode::Registering, &[("a", 12)]);
    let handle = fleet.handle.clone();
    let engine = tokio::spawn(async move {
        let mut started = 0;
        while let Some(event) = fleet.events.recv().await {
            if let Event::Notice(Notice::Started { executor, node, .. }) = event {
                assert!(node.is_some());
                started += 1;
                handle.registered(executor).expect("runs");
                if started == 12 {
                    return (handle, fleet);
                }
            }
        }
        panic!("the fleet ended");
    });
    let (handle, mut fleet) = engine.await.expect("no panic");
    handle.wait_until_at_target().await.expect("gets there");
    handle.shutdown(Shutdown::Drain).expect("runs");
    let mut drains = 0;
    let drained = async {
        while let Some(event) = fleet.events.recv().await {
            if let Event::Notice(Notice::Drain { executor, .. }) = event {
                drains += 1;
                handle.drained(executor).expect("runs");
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(120), drained)
        .await
        .expect("ends");
    assert_eq!(drains, 12);
    assert_eq!(live(&cluster), 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_left_is_adopted_by_the_next() {
    let cluster = calm();
    let mut first = start(&cluster, EngineMode::None, &[("a", 8)]);
    first
        .handle
        .wait_until_at_target()
        .await
        .expect("gets there");
    first.handle.shutdown(Shutdown::Leave).expect("runs");
    first.finished().await.expect("an orderly end");
    assert_eq!(live(&cluster), 8);
    let mut second = start(&cluster, EngineMode::None, &[("a", 9)]);
    second
        .handle
        .wait_until_at_target()
        .await
        .expect("gets there");
    let names: Vec<String> =
        cluster.world(|world| world.pods().map(|pod| pod.metadata.name.clone()).collect());
    assert_eq!(
        names
            .iter()
            .filter(|name| name.starts_with("demo-exec-1-"))
            .count(),
        8
    );
    assert_eq!(
        names
            .iter()
            .filter(|name| name.starts_with("demo-exec-2-"))
            .count(),
        1
    );
    let adopted = std::iter::from_fn(|| second.events.try_recv().ok())
        .filter(|event| matches!(event, Event::Notice(Notice::Started { adopted: true, .. })));
    assert_eq!(adopted.count(), 8);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_handle_leaves_the_executors() {
    let cluster = calm();
    let fleet = start(&cluster, EngineMode::None, &[("a", 3)]);
    fleet
        .handle
        .wait_until_at_target()
        .await
        .expect("gets there");
    drop(fleet);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(live(&cluster), 3);
    let lease = cluster
        .lease(LeaseRequest::Get)
        .await
        .expect("answers")
        .expect("is there");
    assert_eq!(lease.spec.holder, None, "given up");
}

#[tokio::test(start_paused = true)]
async fn scaled_to_zero_nothing_is_left_but_the_lease() {
    let cluster = calm();
    let fleet = start(&cluster, EngineMode::None, &[("a", 20)]);
    fleet
        .handle
        .wait_until_at_target()
        .await
        .expect("gets there");
    let template = template().hash();
    let wish = GroupWish {
        target: 0,
        maximum: None,
        template,
    };
    let groups = BTreeMap::from([("a".into(), wish)]);
    fleet
        .handle
        .update(DesiredChange {
            groups,
            ..DesiredChange::default()
        })
        .expect("runs");
    fleet
        .handle
        .wait_until(|status| status.at_target && status.groups["a"].target == 0)
        .await
        .expect("gets there");
    assert_eq!(live(&cluster), 0);
}

#[tokio::test(start_paused = true)]
async fn an_hour_of_bad_weather_ends_at_target() {
    let weather: Weather = serde_json::from_value(serde_json::json!({
        "seed": 11, "crash_rate": "4/min", "node_loss": "6/h", "api_errors": 5, "watch_drops": "2/min",
        "expiries": "1/min", "api_latency": "20ms",
    }))
    .expect("good weather keys");
    let world = World::new(WorldConfig {
        weather,
        ..WorldConfig::default()
    });
    let cluster = FakeCluster::new(world, "demo");
    let config = Config {
        engine: EngineMode::None,
        ..evenkeel::defaults::config()
    };
    let failing = evenkeel::core::config::Failing {
        max_failures: Some(100_000),
        ..config.failing.clone()
    };
    let config = Config { failing, ..config };
    let mut fleet = Fleet::builder("demo")
        .config(config)
        .group("a", 40, template())
        .start(Arc::new(cluster.clone()))
        .expect("starts");
    tokio::time::sleep(Duration::from_secs(3600)).await;
    cluster.world(|world| world.set_weather(Weather::default()));
    let at_target = tokio::time::timeout(
        Duration::from_secs(600),
        fleet.handle.wait_until_at_target(),
    )
    .await;
    let status = fleet.handle.status().borrow().clone();
    assert!(at_target.is_ok(), "{status:#?}");
    assert_eq!(live(&cluster), 40);
    let mut lost = BTreeMap::<_, u32>::new();
    while let Ok(event) = fleet.events.try_recv() {
        if let Event::Notice(Notice::Lost { executor, .. }) = event {
            *lost.entry(executor).or_default() += 1;
        }
    }
    assert!(lost.len() > 100, "the weather was bad: {}", lost.len());
    assert!(lost.values().all(|times| *times == 1));
}

#[tokio::test(start_paused = true)]
async fn a_template_that_panics_fails_that_executor_alone() {
    let cluster = calm();
    let made = template();
    let bad = move |executor: &ExecutorId| {
        assert_ne!(executor.sequence, 2, "this one can't be made");
        made.clone()
    };
    let mut fleet = Fleet::builder("demo")
        .config(config(EngineMode::None))
        .group("a", 3, bad)
        .start(Arc::new(cluster.clone()))
        .expect("starts");
    fleet
        .handle
        .wait_until_at_target()
        .await
        .expect("gets there");
    let lost = std::iter::from_fn(|| fleet.events.try_recv().ok()).find_map(|event| match event {
        Event::Notice(Notice::Lost {
            executor, evidence, ..
        }) => Some((executor, evidence)),
        _ => None,
    });
    let (executor, evidence) = lost.expect("one is lost");
    assert_eq!(executor, ExecutorId::new(1, 2));
    assert!(
        evidence
            .message
            .as_deref()
            .is_some_and(|message| message.contains("panicked for 1-2"))
    );
}

#[tokio::test]
async fn a_cluster_of_another_fleet_is_refused() {
    let started = Fleet::builder("other")
        .group("a", 1, template())
        .start(Arc::new(calm()));
    assert!(matches!(started, Err(StartError::OtherFleet(fleet)) if fleet == "demo"));
}
