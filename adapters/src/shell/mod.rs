//! The shell: a task that does what a [`Controller`](evenkeel_core::Controller) says, and tells it what came of it.
//!
//! Expected flow: [`Fleet::builder`] with a config, templates and wishes; [`FleetBuilder::start`] on a cluster; then
//! [`Handle::update`] and the engine's reports in, [`Running::events`] out, until [`Running::finished`].
//!
//! Guarantees: each effect is begun when the controller hands it out, not after its `not_after`, and answered exactly
//! once; there is no queue, and nothing is decided here. Notices wait for a slow engine without bound. A panic, of the
//! controller or an adapter, ends [`Running::finished`] with an error.

mod builder;
mod clock;
mod flight;
mod handle;
mod identity;
mod lease;
mod request;
mod task;
mod trouble;

pub use builder::{Fleet, FleetBuilder, StartError};
pub use flight::{ReplayError, Replayed, Sink, Steps, is_record, open as open_record, replay};
pub use handle::{Closed, Disruption, Event, Handle, NotReached, RunError, Running};
pub use identity::Identity;
pub use lease::{LeaseKeeper, LeaseStep, always_ours};
pub use request::RequestMaker;
