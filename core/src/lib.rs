//! The side-effect-free heart of Evenkeel: (snapshot, desired state, config) in, actions out.
//!
//! No I/O, clock, randomness, async, thread or logging is in this crate; a test holds it to that.
//!
//! - [`reconcile`] is the whole of the decision.
//! - [`Snapshot`] is everything known at one moment; [`Snapshot::apply`] is the only way it changes.
//! - [`Controller`] drives both without I/O: inputs in, outputs out. Production, simulator and stories all run exactly this.
//! - [`flight`] writes down what went in and came out, and plays it again.
#![forbid(unsafe_code)]

#[macro_use]
pub mod mutants;

pub mod config;
pub mod controller;
pub mod flight;
pub mod input;
pub mod output;
pub mod plan;
mod reconcile;
mod snapshot;
pub mod words;

pub use config::Config;
pub use controller::Controller;
pub use input::Input;
pub use output::Output;
pub use plan::{Plan, Status};
pub use reconcile::{Desired, reconcile};
pub use snapshot::{Change, ExecutorState, Snapshot};
pub use words::{ActionId, ExecutorId, Group, Name, RequestId, Revision, Span, Time, Uid};
