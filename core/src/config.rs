//! The knobs of the decisions: fixed while a fleet runs, one struct per rule family.
//!
//! Plain and complete, without `Default`: defaults live where fleet files are read (`evenkeel::defaults`), and
//! docs/config.md has each key with its default. A [`Span`] counts milliseconds.

use crate::words::{Group, Name, Span};
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

    /// The knobs of each group that has its own, and those of all others.
    pub fn every_group(&self) -> impl Iterator<Item = &GroupConfig> {
        self.groups.values().chain([&self.other_groups])
    }

    /// CLAIM: whether any group's executors use claims.
    #[must_use]
    pub fn uses_claims(&self) -> bool {
        self.every_group().any(|group| group.claims.is_some())
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
    /// GROW-4: what bounds creates.
    pub ramp: Ramp,
    /// GROW-4: the most creates under way; other effects have as many of their own.
    pub max_in_flight: u32,
    /// GROW-4: within this time the shell owes each effect an answer.
    pub request_timeout: Span,
    /// GROW-2: the most executors of the fleet that are requested, created or pending; None: no bound.
    pub max_pending: Option<u64>,
    /// GROW-2: the most executors of the fleet, those that leave included; None: no bound.
    pub max_executors: Option<u64>,
    /// GROW-6: a pod that was pending for so long is given up; None: never.
    pub start_timeout: Option<Span>,
    /// GROW-6: an executor that has run for so long without registering is given up; None: never.
    pub register_timeout: Option<Span>,
    /// GROW-6: a pod whose containers could not be made for so long is given up; None: never.
    pub image_pull_patience: Option<Span>,
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
    /// SHRINK-5: what an excess may take; None: no bound.
    pub max_deletes: Option<DeleteBudget>,
    /// SHRINK-5: a listing that lacks so many percent of the counting executors, or more, is not believed at once; None:
    /// every one is.
    pub suspicious_loss: Option<u32>,
}

/// SHRINK-5: what an excess may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteBudget {
    /// At most so many…
    pub size: u32,
    /// …in any span of this length.
    pub every: Span,
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
    /// FAIL-2: so many startup failures…
    pub backoff_after: u32,
    /// FAIL-2: …within this time put their group in backoff.
    pub backoff_window: Span,
    /// FAIL-2: how long until the first probe, doubling from probe to probe…
    pub backoff_first: Span,
    /// FAIL-2: …up to this.
    pub backoff_max: Span,
    /// FAIL-3: how long a full quota holds the group, at first…
    pub quota_retry: Span,
    /// FAIL-3: …and at most.
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
    /// SPOT: an executor that will soon be lost is replaced before it is; else only after.
    pub before_loss: bool,
    /// ROLL.
    pub roll: Roll,
    /// CLAIM; None: its executors use no claims.
    pub claims: Option<Claims>,
    /// SIZE; None: executors stay as they are.
    pub resize: Option<Resize>,
}

/// ROLL: when running executors are replaced by newer ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roll {
    /// Some are replaced this often; None: never for their age.
    pub every: Option<Span>,
    /// At most so many at a time.
    pub at_once: u32,
    /// Which.
    pub policy: RollPolicy,
    /// Only those that have done at least so many tasks (metric `tasks`).
    pub min_tasks: i64,
    /// Those made from another template than the group's are replaced first, and at once.
    pub on_change: bool,
}

/// ROLL: which executor is replaced next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RollPolicy {
    /// The lowest id.
    LowestId,
    /// The one that was made first.
    Oldest,
    /// The one with the highest value of this metric.
    Highest(Name),
    /// One with a value of this metric of over two population standard deviations above the mean; else the highest.
    Outlier(Name),
}

/// CLAIM: the persistent volume claim that each executor of a group uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// How large, in bytes.
    pub bytes: u64,
    /// Of which storage class; None: the cluster's default.
    pub class: Option<Name>,
    /// One that is free is used again; else it is deleted.
    pub reuse: bool,
    /// No claim is made beyond the group's target: an executor waits for one to come free.
    pub wait: bool,
}

/// SIZE: when an executor is given more memory where it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resize {
    /// When it uses more than so many percent of its limit…
    pub threshold: u32,
    /// …it is given so many percent more…
    pub percent: u32,
    /// …up to so many bytes; None: no bound.
    pub max: Option<u64>,
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
