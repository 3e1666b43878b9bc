//! An engine in this process: it registers each executor that starts, drains each that it is asked to, and keeps all
//! that it is told.

use evenkeel::{
    Event, FleetBuilder, Handle, Running,
    core::{
        ExecutorId, Status,
        input::Shutdown,
        output::{Cause, Notice},
        plan::Unmet,
    },
    port::Cluster,
};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::task::JoinHandle;

type Heard = Arc<Mutex<Vec<Notice>>>;

/// A fleet and its engine.
pub struct Engine {
    /// Says and asks.
    pub handle: Handle,
    heard: Heard,
    task: JoinHandle<()>,
}

impl Engine {
    /// Starts the fleet.
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    pub fn start(builder: FleetBuilder, cluster: impl Cluster) -> Self {
        let running = builder.start(Arc::new(cluster)).expect("it starts");
        let heard = Heard::default();
        let handle = running.handle.clone();
        let task = tokio::spawn(run(running, heard.clone()));
        Self {
            handle,
            heard,
            task,
        }
    }

    /// All notices so far.
    #[must_use]
    pub fn heard(&self) -> Vec<Notice> {
        lock(&self.heard).clone()
    }

    /// Who was lost so far, by what, in that order.
    #[must_use]
    pub fn lost(&self) -> Vec<(ExecutorId, Cause)> {
        let one = |notice: Notice| match notice {
            Notice::Lost {
                executor, cause, ..
            } => Some((executor, cause)),
            _ => None,
        };
        self.heard().into_iter().filter_map(one).collect()
    }

    /// How the fleet stands.
    #[must_use]
    pub fn status(&self) -> Arc<Status> {
        self.handle.status().borrow().clone()
    }

    /// How many executors of that group are short for that reason.
    #[must_use]
    pub fn unmet(&self, group: &str, why: Unmet) -> u64 {
        let status = self.status();
        let unmet = status
            .groups
            .get(group)
            .and_then(|group| group.unmet.get(&why));
        unmet.map_or(0, |unfilled| unfilled.executors)
    }

    /// Waits until it is so.
    ///
    /// # Panics
    /// It is not so in time.
    pub async fn until(&self, what: &str, patience: Duration, check: impl Fn(&Self) -> bool) {
        let end = Instant::now() + patience;
        while !check(self) {
            assert!(
                Instant::now() < end,
                "waited {patience:?} until {what}\n{:#?}\n{:#?}",
                self.status(),
                self.lost()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until the fleet is at its target.
    ///
    /// # Panics
    /// It does not get there in time.
    pub async fn at_target(&self, patience: Duration) {
        let at_target = |engine: &Self| engine.status().at_target;
        self.until("it is at its target", patience, at_target).await;
    }

    /// Ends the fleet.
    ///
    /// # Panics
    /// It does not end in time.
    pub async fn end(self, how: Shutdown, patience: Duration) {
        self.handle.shutdown(how).expect("it runs");
        let ended = tokio::time::timeout(patience, self.task).await;
        ended
            .unwrap_or_else(|_| panic!("waited {patience:?} for its end"))
            .expect("an orderly end");
    }
}

async fn run(mut running: Running, heard: Heard) {
    while let Some(event) = running.events.recv().await {
        let Event::Notice(notice) = event else {
            continue;
        };
        // What can't be said any more is of no use to a fleet that has ended.
        let _ = match &notice {
            Notice::Started { executor, .. } => running.handle.registered(*executor),
            Notice::Drain { executor, .. } => running.handle.drained(*executor),
            _ => Ok(()),
        };
        lock(&heard).push(notice);
    }
    running.finished().await.expect("an orderly end");
}

fn lock(heard: &Heard) -> std::sync::MutexGuard<'_, Vec<Notice>> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}
