//! What crosses Evenkeel's crates: a real control plane to run against, and the suite that every cluster adapter passes.
//!
//! These are tests' tools: what goes wrong in them panics, with what is needed to see why.

pub mod conformance;
pub mod control_plane;
pub mod end_to_end;
pub mod engine;
