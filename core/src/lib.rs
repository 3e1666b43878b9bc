//! The side-effect-free heart of Evenkeel: (snapshot, desired state, config) in, actions out.
//!
//! No I/O, clock, randomness, async, thread or logging is in this crate; a test holds it to that.
#![forbid(unsafe_code)]

pub mod config;
pub mod input;
pub mod output;
pub mod plan;
pub mod words;

pub use config::Config;
pub use input::Input;
pub use output::Output;
pub use plan::{Plan, Status};
pub use words::{ActionId, ExecutorId, Group, Name, RequestId, Revision, Span, Time, Uid};
