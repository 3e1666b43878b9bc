//! Evenkeel keeps a fleet of executor pods at the state its engine asks for.
//!
//! - [`Fleet`] starts one; [`Handle`] says what is wanted; [`Running::events`] tells what becomes of it.
//! - [`port::Cluster`] is what a cluster is to it: Kubernetes (`kube`), the in-memory [`fake`], or your own.
//! - [`template::PodTemplate`] is what executors' pods are made from; [`mod@file`] reads fleet files.
//! - `page` makes a page of a flight record, for people to look at.
//! - [`core`] decides, without side effects.

pub mod api;
pub mod defaults;
#[cfg(feature = "fake")]
pub mod fake;
#[cfg(feature = "file")]
pub mod file;
#[cfg(feature = "kube")]
pub mod kube;
#[cfg(feature = "page")]
pub mod page;
pub mod port;
pub mod shell;
pub mod template;

pub use evenkeel_core as core;
pub use shell::{Event, Fleet, FleetBuilder, Handle, Running};
pub use template::PodTemplate;

/// The README's example is compiled and run as a test.
#[cfg(all(doctest, feature = "fake"))]
#[doc = include_str!("../../README.md")]
struct Readme;
