//! What a reconciliation returns: decisions, notices, the status, and when to look again.

use crate::{
    input::Failure,
    output::{Action, Notice, Why},
    words::{ExecutorId, Group, Name, Time},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The decision: what to do now about the difference between what is and what is wanted.
#[derive(Clone, Debug, Default, PartialEq, Hash, Serialize, Deserialize)]
pub struct Plan {
    /// For the engine. In this order: lost, refuse, drain, others; within each by executor id.
    pub notices: Vec<Notice>,
    /// Effects: deletes, then marks, then creates; within each by group name, then executor id.
    pub decisions: Vec<Decision>,
    /// Requests given up before any pod was made, so without a notice; their numbers stay used (END-4).
    pub withdrawn: Vec<ExecutorId>,
    /// Running executors to be let go for an excess, as by `release` (SHRINK-2, `shrink: idle`).
    pub released: Vec<ExecutorId>,
    /// Executors that are to be replaced, by group; a group without any has none that may be, and its turn is over (ROLL).
    pub rolls: BTreeMap<Group, Vec<ExecutorId>>,
    /// Executors whose replacement has started well, and their group: let go (ROLL).
    pub rolled: Vec<(ExecutorId, Group)>,
    /// The group that was dealt the last of the new executors: the next round begins after it (GROW-2).
    pub dealt: Option<Group>,
    /// How each group stands.
    pub groups: BTreeMap<Group, GroupStatus>,
    /// What is not as it should be.
    pub findings: BTreeSet<Finding>,
    /// The earliest moment at which this plan could differ with no further input.
    pub wake: Option<(Time, WakeReason)>,
}

impl Plan {
    /// Whether there is nothing to do and nothing to tell.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.notices.is_empty()
            && self.decisions.is_empty()
            && self.withdrawn.is_empty()
            && self.released.is_empty()
            && self.rolls.is_empty()
            && self.rolled.is_empty()
    }
}

/// An effect, and the rule that wants it.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
pub struct Decision {
    /// What to do.
    pub action: Action,
    /// The rule behind it.
    pub why: Why,
}

/// How the fleet stands.
#[derive(Clone, Debug, Default, PartialEq, Hash, Serialize, Deserialize)]
pub struct Status {
    /// Each group that is wanted, or has executors.
    pub groups: BTreeMap<Group, GroupStatus>,
    /// What is not as it should be.
    pub findings: BTreeSet<Finding>,
    /// Every group counts what its target says, all of them registered (`engine: none`: running for
    /// `healthy_after`), none leaving or in excess, no write open.
    pub at_target: bool,
}

/// How a group stands.
#[derive(Clone, Debug, Default, PartialEq, Hash, Serialize, Deserialize)]
pub struct GroupStatus {
    /// How many executors are wanted.
    pub target: u64,
    /// How many count towards that (GROW-1).
    pub counting: u64,
    /// How many of those are of use to the engine: registered (`engine: none`: running).
    pub serving: u64,
    /// All executors that are not gone, by class.
    pub by_class: BTreeMap<Class, u64>,
    /// Failures within the window (FAIL-1).
    pub failures: u64,
    /// How many of those that count were made from another template than the group's (ROLL).
    #[serde(default)]
    pub outdated: u64,
    /// How many are being replaced by newer ones (ROLL).
    #[serde(default)]
    pub rolling: u64,
    /// Why it is not at rest.
    pub unmet: BTreeMap<Unmet, Unfilled>,
}

/// How many executors are short for one reason, and when that may change by time alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Unfilled {
    /// How many executors.
    pub executors: u64,
    /// When it may change by time alone.
    pub until: Option<Time>,
}

/// Why a group is not at rest: a closed list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unmet {
    /// The engine has not yet said what it wants (LIVE-1).
    NoDesired,
    /// The lease is not ours (LIVE-1).
    NoLease,
    /// The first listing is not there (LIVE-1).
    NotSynced,
    /// The engine suspended the fleet (SHRINK-4).
    Suspended,
    /// The failure budget is spent (FAIL-1).
    Halted,
    /// The namespace is ending or missing, or its service account is not there yet (FAIL-3).
    NamespaceGone,
    /// Too many startup failures (FAIL-2).
    BackingOff,
    /// A quota is full (FAIL-3).
    Quota,
    /// RBAC does not let us create (FAIL-3).
    NotPermitted,
    /// The server asked for a pause (GROW-4).
    Throttled,
    /// The server can't be reached (FAIL-3).
    Unreachable,
    /// As many creates as allowed are under way (GROW-4).
    Ramp,
    /// The group's `max_pending` (GROW-2).
    PendingCap,
    /// The fleet's `max_pending` (GROW-2).
    FleetPendingCap,
    /// The fleet's `max_executors` (GROW-2).
    MaxExecutors,
    /// A leaving executor holds the place (GROW-1, `replace: after_termination`).
    WaitingForTermination,
    /// All claims are in use (CLAIM).
    WaitingForClaim,
    /// A create is under way.
    WaitingForAnswer,
    /// Created, and not on a node.
    WaitingForSchedule,
    /// On a node, and not running.
    Starting,
    /// Running, and not registered (`engine: none`: not yet for `healthy_after`).
    WaitingForRegistration,
    /// More than wanted.
    Excess,
}

/// What is not as it should be: told once when it arises and once when it clears. A closed list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// A pod with our labels and nonsense in them; never touched (SEE-1).
    MalformedPod(Name),
    /// A late copy of an executor that has ended, or a second pod under its name (SEE-3).
    GhostPod(Name),
    /// An executor's pod that lost our label (SEE-4).
    StrayedPod(Name),
    /// Executors of a group that is not wanted (LIVE-1).
    UnknownGroup(Group),
    /// An id that was never issued (SEE-3, SHRINK-3).
    UnknownExecutor(ExecutorId),
    /// A stranger's pod has the name of ours (GROW-3).
    NameTaken(Name),
    /// A pod that came back from its end.
    IllegalState(Name),
    /// A target beyond what ids can number.
    TargetTooLarge(Group),
    /// A write that does not show, or a pod that outlives its grace (SEE-5, END-1).
    Stuck(ExecutorId),
    /// A listing lacks too many at once (SHRINK-5).
    SuspiciousLoss,
    /// The cluster has gone back to an older state (SEE-2).
    RevisionWentBack,
    /// An object that does not decode (SEE-4).
    Undecodable(Name),
    /// A verb was answered forbidden.
    Refused {
        /// Kubernetes' verb.
        verb: Name,
        /// What the server said.
        why: Failure,
    },
    /// An answer to an effect that has none open.
    StrayAnswer,
    /// A later incarnation acts for this fleet (SEE-3).
    Superseded,
}

/// Why to look again at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WakeReason {
    /// When an effect is due again.
    Retry,
    /// When a victim is old enough (SHRINK-1).
    Protection,
    /// When an executor was idle for long enough (SHRINK-2).
    Idle,
    /// When a drain is over (SHRINK-2).
    DrainTimeout,
    /// When an executor has run for `healthy_after`.
    Healthy,
    /// When a pod was pending for too long (GROW-6).
    StartTimeout,
    /// When a running executor should have registered (GROW-6).
    RegisterTimeout,
    /// When an image was waited for long enough (GROW-6).
    ImagePatience,
    /// When a group in backoff is tried again (FAIL-2).
    Probe,
    /// When more may be deleted (SHRINK-5).
    DeleteBudget,
    /// When a group's next executor is replaced (ROLL).
    Roll,
    /// When a held group may create again (FAIL-3).
    Quota,
    /// When the next batch or effect may go out (GROW-4).
    Ramp,
    /// When a registered executor may be called missing (END-3).
    Missing,
    /// When a terminating pod is overdue (END-1).
    Overdue,
    /// When a listing is due (SEE-4, SEE-5).
    Relist,
    /// When a silent watch is given up (SEE-4).
    WatchSilence,
    /// When an ended watch is resumed (SEE-4).
    WatchResume,
    /// When the lease is renewed or tried for again (LIVE-1).
    LeaseRenew,
}

/// An executor's class (SEE-1), and before its pod is seen, how far its create has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Its create is under way, or to be repeated.
    Requested,
    /// Its create was answered, and its pod not yet seen.
    Created,
    /// Phase Pending.
    Pending,
    /// Phase Running, and the main container has not ended.
    Running,
    /// Phase Unknown.
    Unknown,
    /// A deletion timestamp is set, and its containers have not finished.
    Terminating,
    /// It ended, and not well.
    Failed,
    /// It ended well.
    Succeeded,
}
