//! How an engine's author tests against the fake, in virtual time: a toy engine whose executors must stay five, while
//! one of them is killed and its node lost. Hours pass in milliseconds.
//!
//! ```sh
//! cargo run -p evenkeel --features fake --example engine_test
//! ```

use evenkeel::{
    Event, Fleet, PodTemplate, Running,
    core::{ExecutorId, input::Shutdown, output::Notice},
    fake::{FakeCluster, World, WorldConfig},
};
use std::{collections::BTreeSet, error::Error, sync::Arc, time::Duration};

/// The engine under test: it takes in who starts, and forgets who is lost.
#[derive(Default)]
struct Engine {
    executors: BTreeSet<ExecutorId>,
    losses: u32,
}

impl Engine {
    fn hear(&mut self, fleet: &Running, event: Event) -> Result<(), Box<dyn Error>> {
        match event {
            Event::Notice(Notice::Started { executor, .. }) => {
                self.executors.insert(executor);
                fleet.handle.registered(executor)?;
            }
            Event::Notice(Notice::Drain { executor, .. }) => fleet.handle.drained(executor)?,
            Event::Notice(Notice::Lost {
                executor, cause, ..
            }) => {
                println!("{executor} is lost: {}", cause.name());
                self.executors.remove(&executor);
                self.losses += 1;
            }
            _ => {}
        }
        Ok(())
    }

    /// Lives for so long in virtual time.
    async fn live(&mut self, fleet: &mut Running, span: Duration) -> Result<(), Box<dyn Error>> {
        let end = tokio::time::Instant::now() + span;
        while let Ok(Some(event)) = tokio::time::timeout_at(end, fleet.events.recv()).await {
            self.hear(fleet, event)?;
        }
        Ok(())
    }
}

// Paused time is virtual: when everybody waits, it jumps to the next moment at which something happens.
#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let pod =
        serde_json::json!({"spec": {"containers": [{"name": "worker", "image": "worker:1"}]}});
    let cluster = FakeCluster::new(World::new(WorldConfig::default()), "toy");
    let mut fleet = Fleet::builder("toy")
        .group("workers", 5, PodTemplate::from_value(pod)?)
        .start(Arc::new(cluster.clone()))?;
    let mut engine = Engine::default();
    engine.live(&mut fleet, Duration::from_secs(60)).await?;
    assert_eq!(engine.executors.len(), 5);

    println!("executor 1-1 runs out of memory");
    cluster
        .world(|world| world.kill_container("toy-exec-1-1", 137, Some("OOMKilled")))
        .map_err(|refused| refused.message)?;
    engine.live(&mut fleet, Duration::from_secs(60)).await?;
    assert_eq!((engine.executors.len(), engine.losses), (5, 1));

    println!("a node is lost");
    let node = cluster.world(|world| {
        let pod = world.pod("toy-exec-1-2")?;
        let node = pod.spec.node_name.clone()?;
        world.lose_node(&node);
        Some(node)
    });
    assert!(node.is_some());
    engine.live(&mut fleet, Duration::from_secs(3600)).await?;
    assert_eq!(engine.executors.len(), 5);
    assert!(engine.losses >= 2);
    assert!(fleet.handle.status().borrow().at_target);

    fleet.handle.shutdown(Shutdown::Drain)?;
    engine.live(&mut fleet, Duration::from_secs(600)).await?;
    fleet.finished().await?;
    assert_eq!(cluster.world(|world| world.pods().count()), 0);
    println!("{} lost in all, nothing left", engine.losses);
    Ok(())
}
