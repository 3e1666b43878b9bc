//! The knobs of the decisions: fixed while a fleet runs, one struct per rule family.
//!
//! Plain and complete, without `Default`: defaults live where fleet files are read.

use crate::words::{Group, Span};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// All knobs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// What jitter is drawn from.
    pub seed: u64,
    /// Whether repeats are spread a little, so that many fleets do not knock all at once.
    pub jitter: bool,
    /// What is known of an executor beyond its pod.
    pub engine: EngineMode,
    /// SEE.
    pub seeing: Seeing,
    /// GROW.
    pub growing: Growing,
    /// SHRINK.
    pub shrinking: Shrinking,
    /// END.
    pub ending: Ending,
    /// FAIL.
    pub failing: Failing,
    /// LIVE.
    pub living: Living,
    /// The knobs of each group.
    pub groups: BTreeMap<Group, GroupConfig>,
    /// The knobs of groups that are not among these: added later, or removed and still there.
    pub other_groups: GroupConfig,
    /// A bug planted on purpose, for tests of the tests.
    #[cfg(feature = "mutants")]
    pub mutant: Option<crate::mutants::Mutant>,
}

impl Config {
    /// The knobs of that group.
    #[must_use]
    pub fn group(&self, group: &str) -> &GroupConfig {
        self.groups.get(group).unwrap_or(&self.other_groups)
    }
}

/// What is known of an executor beyond its pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EngineMode {
    /// Executors register with the engine, which reports that.
    Registering,
    /// There is no engine: a running executor counts as registered, and a drain is a delete.
    None,
}

/// How the cluster is watched (SEE).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seeing {
    /// SEE-4: a watch that says nothing for this long is replaced.
    pub watch_silence: Span,
    /// SEE-4: a listing is made this often in any case; None: never.
    pub relist_every: Option<Span>,
    /// SEE-1: a sidecar that ended with an exit code other than 0 makes its pod *failed*.
    pub check_all_containers: bool,
}

/// How fast executors are made (GROW).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Growing {
    /// GROW-4.
    pub ramp: Ramp,
    /// GROW-4: the most creates under way; other effects have as many of their own.
    pub max_in_flight: u32,
    /// GROW-4: within this time the shell owes each effect an answer.
    pub request_timeout: Span,
    /// GROW-2: the most executors of the fleet that are requested, created or pending; None: no bound.
    pub max_pending: Option<u64>,
    /// GROW-2: the most executors of the fleet, those that leave included; None: no bound.
    pub max_executors: Option<u64>,
}

/// GROW-4: what bounds creates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ramp {
    /// A window that grows with each success and halves on trouble.
    Governed,
    /// A fixed number per interval and group.
    Fixed {
        /// At most so many creates…
        size: u32,
        /// …in each such interval.
        every: Span,
    },
}

/// How executors are let go (SHRINK).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shrinking {
    /// SHRINK-1: younger ones are no victims.
    pub pending_protection: Span,
    /// SHRINK-2: a drain lasts no longer.
    pub drain_timeout: Span,
}

/// What becomes of the finished, the stuck and the missing (END).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ending {
    /// END-2: finished pods are labelled and left, not deleted.
    pub keep_finished: bool,
    /// SEE-5: nothing waits on an open write for longer.
    pub stuck_after: Span,
    /// END-1: a pod that outlives its grace by this is overdue.
    pub overdue_after: Span,
    /// END-3: how long after its registration an executor may be absent from listings.
    pub missing_tolerance: Span,
}

/// What failures do (FAIL).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failing {
    /// FAIL-1: more than so many within the window halt the fleet; None: max(3, 2 × the sum of the groups' maxima).
    pub max_failures: Option<u64>,
    /// FAIL-1: failures as old as this are forgotten; None: never.
    pub failure_window: Option<Span>,
    /// FAIL-2: with no engine, an executor that has run for this long has started well.
    pub healthy_after: Span,
    /// FAIL-3: how long a full quota holds the group, at first…
    pub quota_retry: Span,
    /// …and at most.
    pub quota_retry_max: Span,
}

/// How a controller lives on (LIVE).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Living {
    /// LIVE-1: a lease that was not renewed for this long is free.
    pub lease_duration: Span,
}

impl Living {
    /// LIVE-1: no effect begins later than this before the lease's end.
    pub const MARGIN: Span = Span::seconds(2);
}

/// The knobs of one group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupConfig {
    /// GROW-2: the most of its executors that are requested, created or pending; None: no bound.
    pub max_pending: Option<u64>,
    /// GROW-1: when the place of a leaving executor is free.
    pub replace: Replace,
    /// SHRINK-2: who lets running executors go.
    pub shrink: Shrink,
}

/// GROW-1: when the place of a leaving executor is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Replace {
    /// As soon as it leaves.
    AtOnce,
    /// When it is finished or gone.
    AfterTermination,
}

/// SHRINK-2: who lets running executors go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shrink {
    /// The engine, one by one.
    Asked,
    /// A smaller target does, among those that are idle.
    Idle {
        /// For at least this long.
        timeout: Span,
    },
}
