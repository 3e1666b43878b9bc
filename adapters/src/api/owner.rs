//! What executors are collected with (LIVE-3).

use serde::{Deserialize, Serialize};

/// The executors' only owner: the cluster collects them when that object is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// The pod that the controller runs in.
    Driver,
    /// No owner: executors outlive the controller until somebody deletes them.
    None,
    /// An object in the executors' namespace.
    #[serde(untagged)]
    Object {
        /// Its `apiVersion`, as `apps/v1`; needed for kinds that Evenkeel does not know.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        api_version: Option<String>,
        /// Its `kind`.
        kind: String,
        /// Its name.
        name: String,
    },
}
