//! The one place that touches a running fleet: what the rest of the command sees of it.

use async_trait::async_trait;
use evenkeel::core::{
    ActionId, ExecutorId, Status,
    input::{Outcome, Shutdown},
    output::{Action, Notice},
};
use std::{collections::BTreeMap, sync::Arc};

/// Something that happened in a running fleet.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The engine is told.
    Notice(Notice),
    /// An effect is sent.
    Action {
        /// Its number.
        id: ActionId,
        /// What is done.
        action: Action,
    },
    /// An effect is answered.
    Answer {
        /// Its number.
        id: ActionId,
        /// What is known of it.
        outcome: Outcome,
    },
    /// Something went wrong outside of any effect.
    Trouble(String),
}

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
