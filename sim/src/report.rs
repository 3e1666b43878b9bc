//! What a simulated life came to.

use evenkeel::core::Status;
use serde::Serialize;
use std::collections::BTreeMap;

/// What a simulated life came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// Over every input and output of every controller, and the state of the world at the end, in hexadecimal: the same
    /// for the same setup.
    pub digest: String,
    /// How long it lasted, in virtual milliseconds.
    pub virtual_ms: u64,
    /// Inputs that the controllers were given.
    pub inputs: u64,
    /// How many controllers there were, one after another or at a time.
    pub controllers: u64,
    /// Effects that took place, by what was asked: `create`, `delete`, `mark`, `resize`, `create claim`, `delete claim`.
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
