//! What an engine holds of its fleet: a handle to say and ask, events to hear, and the end to wait for.

use super::clock::Clock;
use crate::port::Cluster;
use evenkeel_core::{
    ActionId, ExecutorId, Group, Input, Name, Span, Status,
    input::{DesiredChange, EngineReport, KillReason, Outcome, Shutdown},
    output::{Action, Cause, Notice},
};
use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};

/// A running fleet.
#[derive(Debug)]
pub struct Running {
    /// Says and asks.
    pub handle: Handle,
    /// Hears: every notice exactly once, in order.
    pub events: mpsc::UnboundedReceiver<Event>,
    pub(super) task: JoinHandle<Result<(), RunError>>,
}

impl Running {
    /// Waits for the fleet's end, after a [`Handle::shutdown`].
    ///
    /// # Errors
    /// The fleet is kept no more, for a reason that is no shutdown.
    pub async fn finished(&mut self) -> Result<(), RunError> {
        match (&mut self.task).await {
            Ok(result) => result,
            Err(error) => Err(RunError::Panicked(panic_text(error))),
        }
    }
}

fn panic_text(error: tokio::task::JoinError) -> String {
    if !error.is_panic() {
        return "it was aborted".to_owned();
    }
    let payload = error.into_panic();
    let text = payload.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}

/// What an engine hears.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The controller tells it.
    Notice(Notice),
    /// An effect is begun; only with [`FleetBuilder::effects`](super::FleetBuilder::effects).
    Action {
        /// Its number.
        id: ActionId,
        /// What is done.
        action: Action,
    },
    /// What became of an effect; only with [`FleetBuilder::effects`](super::FleetBuilder::effects).
    Answer {
        /// Its number.
        id: ActionId,
        /// What is known of it.
        outcome: Outcome,
    },
    /// Something between us and the cluster fails, or works again. In words; what follows is decided elsewhere.
    Trouble(String),
}

/// Why a fleet is kept no more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// The controller or an adapter panicked: a bug. The executors run on; the lease runs out.
    #[error("a bug: evenkeel panicked: {0}")]
    Panicked(String),
}

/// The fleet has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the fleet has ended")]
pub struct Closed;

/// What was waited for did not come.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the fleet ended before it was reached")]
pub struct NotReached;

/// Why an executor will soon be lost (SPOT): what it ends by, where nothing better is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disruption {
    /// Its place is needed, or its spot machine is taken back.
    Preempted,
    /// The node, or somebody by the eviction API, wants it away.
    Evicted,
    /// Its node goes.
    NodeLost,
}

impl From<Disruption> for Cause {
    fn from(disruption: Disruption) -> Self {
        match disruption {
            Disruption::Preempted => Self::Preempted,
            Disruption::Evicted => Self::Evicted,
            Disruption::NodeLost => Self::NodeLost,
        }
    }
}

/// Says what is wanted, reports, and shows how the fleet stands. Clones are handles to the same fleet; when the last
/// one is dropped, the executors are left running (`shutdown: leave`).
#[derive(Clone)]
pub struct Handle {
    pub(super) inputs: mpsc::UnboundedSender<Input>,
    pub(super) status: watch::Receiver<Arc<Status>>,
    pub(super) cluster: Arc<dyn Cluster>,
    pub(super) clock: Clock,
    /// Closes when the last handle goes.
    pub(super) _alive: Arc<tokio::sync::oneshot::Sender<()>>,
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("status", &*self.status.borrow())
            .finish_non_exhaustive()
    }
}

impl Handle {
    /// One atomic change of what is wanted.
    ///
    /// # Errors
    /// The fleet has ended.
    pub fn update(&self, change: DesiredChange) -> Result<(), Closed> {
        self.say(Input::Desired(change))
    }

    /// Lets these go: drained, then deleted. Changes no target.
    ///
    /// # Errors
    /// The fleet has ended.
    pub fn release(&self, executors: impl IntoIterator<Item = ExecutorId>) -> Result<(), Closed> {
        let release = executors.into_iter().collect();
        self.update(DesiredChange {
            release,
            ..DesiredChange::default()
        })
    }

    /// Deletes these now, with their pods' own grace. Changes no target.
    ///
    /// # Errors
    /// The fleet has ended.
    pub fn kill(&self, executors: impl IntoIterator<Item = ExecutorId>) -> Result<(), Closed> {
        let kill = executors
            .into_iter()
            .map(|id| (id, KillReason::Asked))
            .collect();
        self.update(DesiredChange {
            kill,
            ..DesiredChange::default()
        })
    }

    /// The engine gives this one up (lost heartbeats): killed, and counted as a failure.
    ///
    /// # Errors
    /// The fleet has ended.
    pub fn failed(&self, executor: ExecutorId, reason: impl Into<Name>) -> Result<(), Closed> {
        let kill = BTreeMap::from([(executor, KillReason::Unhealthy(reason.into()))]);
        self.update(DesiredChange {
            kill,
            ..DesiredChange::default()
        })
    }

    /// Takes the group out of what is wanted; its executors are released.
    ///
    /// # Errors
    /// The fleet has ended.
    pub fn remove_group(&self, group: impl Into<Group>) -> Result<(), Closed> {
        self.update(DesiredChange {
            remove: [group.into()].into(),
            ..DesiredChange::default()
        })
    }

    /// Suspends the fleet, or undoes that.
    ///
    /// # Errors
    /// The fleet has ended.
    pub fn suspend(&self, suspend: bool) -> Result<(), Closed> {
        self.update(DesiredChange {
            suspend: Some(suspend),
            ..DesiredChange::default()
        })
    }

    /// Lifts a halt (FAIL-1).
    ///
    /// # Errors
    /// The fleet has ended.
    pub fn resume(&self) -> Result<(), Closed> {
        self.update(DesiredChange {
            resume_after_halt: true,
            ..DesiredChange::default()
        })
    }

    /// Ends the fleet.
    ///
    /// # Errors
    /// It has ended already.
    pub fn shutdown(&self, how: Shutdown) -> Result<(), Closed> {
        self.update(DesiredChange {
            shutdown: Some(how),
            ..DesiredChange::default()
        })
    }

    /// An executor has registered with the engine.
    ///
    /// # Errors
    /// The fleet has ended.
    pub fn registered(&self, executor: ExecutorId) -> Result<(), Closed> {
        self.say(Input::Engine(EngineReport::Registered(executor)))
    }

    /// An executor has nothing to do; those with a higher `keep` stay longer.
    ///
    /// # Errors
    /// The fleet has ended.
    pub fn idle(&self, executor: ExecutorId, keep: i32) -> Result<(), Closed> {
        self.say(Input::Engine(EngineReport::Idle { executor, keep }))
    }

    /// An executor has work again.
    ///
    /// # Errors
    /// The fleet has ended.
    pub fn busy(&self, executor: ExecutorId) -> Result<(), Closed> {
        self.say(Input::Engine(EngineReport::Busy(executor)))
    }

    /// An executor that was to drain has drained.
    ///
    /// # Errors
    /// The fleet has ended.
    pub fn drained(&self, executor: ExecutorId) -> Result<(), Closed> {
        self.say(Input::Engine(EngineReport::Drained(executor)))
    }

    /// A number of the executor's own: `memory` in bytes (SIZE), `tasks` done so far, or any that a group's
    /// `roll.policy` looks at (ROLL). Others are let be.
    ///
    /// # Errors
    /// The fleet has ended.
    pub fn metric(
        &self,
        executor: ExecutorId,
        name: impl Into<Name>,
        value: i64,
    ) -> Result<(), Closed> {
        let name = name.into();
        self.say(Input::Engine(EngineReport::Metric {
            executor,
            name,
            value,
        }))
    }

    /// An executor will soon be lost, for no fault of its own (SPOT): it is drained at once. `within`: how long it has,
    /// where that is known.
    ///
    /// # Errors
    /// The fleet has ended.
    pub fn disrupted(
        &self,
        executor: ExecutorId,
        reason: Disruption,
        within: Option<Duration>,
    ) -> Result<(), Closed> {
        let deadline = within.map(|within| {
            let millis = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
            self.clock.now().after(Span(millis))
        });
        self.say(Input::Engine(EngineReport::Disrupted {
            executor,
            reason: reason.into(),
            deadline,
        }))
    }

    /// How the fleet stands, always the newest.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<Arc<Status>> {
        self.status.clone()
    }

    /// Waits until the status is as `reached` says. Cancellation-safe.
    ///
    /// # Errors
    /// The fleet ended before.
    pub async fn wait_until(
        &self,
        reached: impl FnMut(&Arc<Status>) -> bool,
    ) -> Result<Arc<Status>, NotReached> {
        let mut status = self.status.clone();
        status
            .wait_for(reached)
            .await
            .map(|status| status.clone())
            .map_err(|_| NotReached)
    }

    /// Waits until every group is at its target. Cancellation-safe.
    ///
    /// # Errors
    /// The fleet ended before.
    pub async fn wait_until_at_target(&self) -> Result<Arc<Status>, NotReached> {
        self.wait_until(|status| status.at_target).await
    }

    /// How many requests the cluster was sent, by Kubernetes' verbs.
    #[must_use]
    pub fn calls(&self) -> BTreeMap<&'static str, u64> {
        self.cluster.calls()
    }

    fn say(&self, input: Input) -> Result<(), Closed> {
        self.inputs.send(input).map_err(|_| Closed)
    }
}
