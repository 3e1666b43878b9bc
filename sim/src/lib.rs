//! The deterministic simulator: the very [`Controller`](evenkeel::core::Controller) that production runs, on the
//! fake's [`World`](evenkeel::fake::World), in virtual time, from a seed.
//!
//! The same setup gives the same life, to the byte: [`Report::digest`] is over every input and output.

pub mod check;
mod engine;
mod life;
mod report;

pub use engine::EngineModel;
pub use life::{Life, Setup};
pub use report::Report;
