//! What a simulated life came to.

use evenkeel::core::Status;
use serde::Serialize;
use std::collections::BTreeMap;

/// What a simulated life came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// Over every input and output, in hexadecimal: the same for the same setup.
    pub digest: String,
    /// How long it lasted, in virtual milliseconds.
    pub virtual_ms: u64,
    /// Inputs that the controllers were given.
    pub inputs: u64,
    /// Effects that were answered as done, by Kubernetes' verb, and `resize`, `create claim` and `delete claim`.
    pub effects: BTreeMap<&'static str, u64>,
    /// Ends that the engine was told, by cause.
    pub lost: BTreeMap<&'static str, u64>,
    /// Pods of the fleet that are in the world at the end.
    pub pods: u64,
    /// Claims of the fleet that are in the world at the end.
    pub claims: u64,
    /// How the fleet stood at the end.
    pub status: Status,
    /// The controller had finished, after a shutdown.
    pub finished: bool,
}
