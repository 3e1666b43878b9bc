//! The one place that touches a running fleet: what the rest of the command sees of it.

use async_trait::async_trait;
pub use evenkeel::Event;
use evenkeel::{
    Running,
    core::{ExecutorId, Status, input::Shutdown},
};
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::watch;

/// What comes from a running fleet.
#[derive(Clone, Debug)]
pub enum News {
    /// Something happened.
    Event(Event),
    /// The newest status.
    Status(Arc<Status>),
    /// It has ended, well or not.
    Finished(Result<(), String>),
}

/// A running fleet.
#[async_trait]
pub trait Driven: Send {
    /// What comes next. Nothing comes after `Finished`. May be dropped and asked again without loss.
    async fn next(&mut self) -> News;

    /// End the fleet (LIVE-4).
    fn shutdown(&self, how: Shutdown);

    /// The executor has registered.
    fn registered(&self, executor: ExecutorId);

    /// The executor has drained.
    fn drained(&self, executor: ExecutorId);

    /// How many requests were sent so far, by verb.
    fn calls(&self) -> BTreeMap<&'static str, u64>;
}

/// The library's fleet.
pub struct Driving {
    running: Running,
    status: watch::Receiver<Arc<Status>>,
    /// Whether events, and whether statuses, may still come.
    open: (bool, bool),
}

impl Driving {
    /// Drives a fleet that was just started.
    pub fn new(running: Running) -> Self {
        Self {
            status: running.handle.status(),
            running,
            open: (true, true),
        }
    }
}

#[async_trait]
impl Driven for Driving {
    async fn next(&mut self) -> News {
        while self.open != (false, false) {
            tokio::select! {
                // What happened comes before the status that it led to, and all of it before the end.
                biased;
                event = self.running.events.recv(), if self.open.0 => match event {
                    Some(event) => return News::Event(event),
                    None => self.open.0 = false,
                },
                changed = self.status.changed(), if self.open.1 => match changed {
                    Ok(()) => return News::Status(self.status.borrow_and_update().clone()),
                    Err(_) => self.open.1 = false,
                },
            }
        }
        let result = self.running.finished().await;
        News::Finished(result.map_err(|error| error.to_string()))
    }

    // That the fleet has ended meanwhile is told by `next`.

    fn shutdown(&self, how: Shutdown) {
        let _ = self.running.handle.shutdown(how);
    }

    fn registered(&self, executor: ExecutorId) {
        let _ = self.running.handle.registered(executor);
    }

    fn drained(&self, executor: ExecutorId) {
        let _ = self.running.handle.drained(executor);
    }

    fn calls(&self) -> BTreeMap<&'static str, u64> {
        self.running.handle.calls()
    }
}
