//! Evenkeel keeps a fleet of executor pods at the state its engine asks for.

pub mod api;
#[cfg(feature = "fake")]
pub mod fake;
#[cfg(feature = "file")]
pub mod file;
#[cfg(feature = "kube")]
pub mod kube;
pub mod port;
pub mod template;

pub use evenkeel_core as core;
