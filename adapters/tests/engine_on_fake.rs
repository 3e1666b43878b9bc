//! What an engine reports, and what is done about it: metrics (ROLL, SIZE), disruptions (SPOT), on the fake.
#![cfg(feature = "fake")]

use evenkeel::{
    Event, Fleet, PodTemplate, Running,
    core::{
        Config, ExecutorId, Span,
        config::RollPolicy,
        output::{Cause, Notice},
    },
    fake::{FakeCluster, World, WorldConfig},
    shell::Disruption,
};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, timeout};

fn start(config: Config) -> Running {
    let spec = serde_json::json!({"spec": {"containers": [{"name": "main", "image": "worker:1"}]}});
    let template = PodTemplate::from_value(spec).expect("a good template");
    let cluster = FakeCluster::new(World::new(WorldConfig::default()), "demo");
    Fleet::builder("demo")
        .config(config)
        .group("a", 3, template)
        .start(Arc::new(cluster))
        .expect("starts")
}

/// Registers what starts, and drains what is asked to; ends with the first executor that is lost, and what was asked before.
async fn until_lost(fleet: &mut Running) -> (Vec<(ExecutorId, Duration)>, ExecutorId, Cause) {
    let began = Instant::now();
    let mut drains = Vec::new();
    loop {
        match fleet.events.recv().await {
            Some(Event::Notice(Notice::Started { executor, .. })) => {
                fleet.handle.registered(executor).expect("runs");
            }
            Some(Event::Notice(Notice::Drain { executor, .. })) => {
                drains.push((executor, began.elapsed()));
                fleet.handle.drained(executor).expect("runs");
            }
            Some(Event::Notice(Notice::Lost {
                executor, cause, ..
            })) => return (drains, executor, cause),
            Some(_) => {}
            None => panic!("the fleet ended"),
        }
    }
}

async fn at_target(fleet: &mut Running) {
    let handle = fleet.handle.clone();
    let reached = async {
        tokio::select! {
            reached = handle.wait_until_at_target() => reached.map(|_| ()).expect("runs"),
            lost = until_lost(fleet) => panic!("{lost:?}"),
        }
    };
    timeout(Duration::from_secs(300), reached)
        .await
        .expect("gets there");
}

#[tokio::test(start_paused = true)]
async fn a_warned_executor_is_drained_at_once_and_ends_by_what_was_reported() {
    let mut fleet = start(evenkeel::defaults::config());
    at_target(&mut fleet).await;
    let warned = ExecutorId::new(1, 2);
    let within = Some(Duration::from_secs(120));
    fleet
        .handle
        .disrupted(warned, Disruption::Preempted, within)
        .expect("runs");
    let (drains, lost, cause) = until_lost(&mut fleet).await;
    assert_eq!((lost, cause), (warned, Cause::Preempted));
    let drained: Vec<_> = drains.iter().map(|(executor, _)| *executor).collect();
    assert_eq!(drained, [warned]);
    assert!(drains[0].1 < Duration::from_secs(1), "{drains:?}");
    at_target(&mut fleet).await;
}

#[tokio::test(start_paused = true)]
async fn the_executor_with_the_highest_metric_is_rolled() {
    let mut config = evenkeel::defaults::config();
    let roll = &mut config.other_groups.roll;
    roll.every = Some(Span::seconds(600));
    roll.policy = RollPolicy::Highest("gc_seconds".into());
    let mut fleet = start(config);
    at_target(&mut fleet).await;
    for (sequence, seconds) in [(1, 10), (2, 30), (3, 20)] {
        let executor = ExecutorId::new(1, sequence);
        fleet
            .handle
            .metric(executor, "gc_seconds", seconds)
            .expect("runs");
    }
    let (drains, lost, cause) = until_lost(&mut fleet).await;
    assert_eq!((lost, cause), (ExecutorId::new(1, 2), Cause::Rolled));
    assert!(drains[0].1 > Duration::from_secs(500), "{drains:?}");
    at_target(&mut fleet).await;
}
