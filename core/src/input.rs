//! What comes in: time, wishes, reports, the lease, and what the cluster shows and answers.

use crate::{
    output::Cause,
    words::{ActionId, ExecutorId, Group, Name, RequestId, Revision, Time, Uid},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Everything that a [`Controller`](crate::Controller) can be told. A closed list: a flight record holds nothing else.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
#[allow(
    clippy::large_enum_variant,
    reason = "most inputs are the large one, a pod seen: boxing it would cost each an allocation"
)]
pub enum Input {
    /// Time has passed. A wake-up nobody asked for does no harm.
    Wake,
    /// Somebody doubts the view: a listing is asked for at once, whatever the timers say.
    Relist,
    /// One atomic change of what is wanted: a smaller target and the executors to go travel together.
    Desired(DesiredChange),
    /// What the engine reports of one executor.
    Engine(EngineReport),
    /// What became of a wish about the fleet's Lease (LIVE-1).
    Lease(LeaseNews),
    /// All pages of a listing, or none.
    Listed {
        /// The request that this answers.
        request: RequestId,
        /// When the first page was asked for.
        started: Time,
        /// The listing, or why there is none.
        outcome: Result<Listing, Failure>,
    },
    /// One event of a watch.
    Watched {
        /// The request whose watch it is.
        request: RequestId,
        /// The event.
        event: WatchEvent,
    },
    /// The one answer to an effect.
    Answered {
        /// The effect.
        action: ActionId,
        /// What is known of it.
        outcome: Outcome,
    },
}

/// One atomic change of what the engine wants.
#[derive(Clone, Debug, Default, PartialEq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct DesiredChange {
    /// `Some`: the whole statement, groups absent are removed. The first one a controller gets must be whole; until
    /// then it decides nothing (LIVE-1).
    pub whole: Option<BTreeMap<Group, GroupWish>>,
    /// Groups to add or change.
    pub groups: BTreeMap<Group, GroupWish>,
    /// Groups to remove (SHRINK-4).
    pub remove: BTreeSet<Group>,
    /// Executors to drain, then delete (SHRINK-2). Changes no target.
    pub release: BTreeSet<ExecutorId>,
    /// Executors to delete now, with the pod's own grace (SHRINK-2). Changes no target.
    pub kill: BTreeMap<ExecutorId, KillReason>,
    /// Suspend the whole fleet, or undo that (SHRINK-4).
    pub suspend: Option<bool>,
    /// End the fleet (LIVE-4). Can't be undone; a later one may be harsher.
    pub shutdown: Option<Shutdown>,
    /// Lift a halt, and forget the failures that led to it (FAIL-1).
    pub resume_after_halt: bool,
}

/// What is wanted of one group.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
pub struct GroupWish {
    /// How many executors.
    pub target: u64,
    /// The most that will be asked for; the largest target so far where it is not given (FAIL-1).
    pub maximum: Option<u64>,
    /// The hash of the pod template; the shell holds the template itself.
    pub template: u64,
}

/// Why the engine kills an executor.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
pub enum KillReason {
    /// It wants it gone.
    Asked,
    /// It gave it up (lost heartbeats): a failure, unlike `Asked`.
    Unhealthy(Name),
}

/// How a fleet ends (LIVE-4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shutdown {
    /// Executors run on, for the next incarnation.
    Leave,
    /// Drain each executor, then delete it.
    Drain,
    /// Delete all.
    Delete,
}

/// What the engine reports of one executor.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
pub enum EngineReport {
    /// It has registered with the engine.
    Registered(ExecutorId),
    /// It has nothing to do.
    Idle {
        /// Which.
        executor: ExecutorId,
        /// Higher stays longer (it holds shuffle data, say).
        keep: i32,
    },
    /// It has work again.
    Busy(ExecutorId),
    /// It was asked to drain, and has.
    Drained(ExecutorId),
    /// It will soon be lost, for no fault of its own (SPOT).
    Disrupted {
        /// Which.
        executor: ExecutorId,
        /// `Preempted`, `Evicted` or `NodeLost`; anything else counts as `Preempted`.
        reason: Cause,
        /// When it will be gone, where that is known.
        deadline: Option<Time>,
    },
    /// A number of its own: `memory` in bytes (SIZE), `tasks` done so far, or any that a policy looks at (ROLL).
    Metric {
        /// Which.
        executor: ExecutorId,
        /// The metric's name.
        name: Name,
        /// Its newest value.
        value: i64,
    },
}

/// What became of a wish about the fleet's Lease.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
pub enum LeaseNews {
    /// It is ours, anew: a new incarnation begins.
    Held {
        /// Its number of transitions after we took it.
        incarnation: u32,
        /// It is ours until then, by our own clock.
        until: Time,
        /// What the last holder wrote down (LIVE-2).
        memory: Memory,
    },
    /// It is still ours.
    Renewed {
        /// It is ours until then, by our own clock.
        until: Time,
    },
    /// Another one holds it.
    HeldByOther,
    /// It was ours, and another one has taken it.
    Lost,
    /// It was given up or removed, as asked.
    Gone,
    /// The request failed; whether it took effect is not known.
    Failed(Failure),
}

/// What one incarnation leaves to the next, in annotations of the Lease (LIVE-2).
#[derive(Clone, Debug, Default, PartialEq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// The failures of the window, oldest first: their group, and how many milliseconds ago each was.
    pub failures: Vec<(Group, u64)>,
    /// The fleet is halted (FAIL-1).
    pub halted: bool,
    /// The startup failures that may still put a group in backoff, oldest first, as `failures` (FAIL-2).
    pub startup_failures: Vec<(Group, u64)>,
    /// The groups in backoff (FAIL-2).
    pub backoffs: BTreeMap<Group, BackoffMemory>,
}

/// How far a group's backoff has come (FAIL-2).
#[derive(Clone, Debug, Default, PartialEq, Hash, Serialize, Deserialize)]
pub struct BackoffMemory {
    /// How many milliseconds ago the last probe was asked for, or the backoff entered.
    pub since: u64,
    /// How many probes there were.
    pub probes: u32,
    /// The last probe, where its fate is not known yet.
    pub probe: Option<ExecutorId>,
}

/// All pods of the fleet at one revision: a consistent read.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
pub struct Listing {
    /// The revision of the whole.
    pub revision: Revision,
    /// The pods with the fleet's label that are not labelled finished (unless that was asked for).
    pub pods: Vec<PodView>,
    /// The fleet's claims, read after the pods, where that was asked for (CLAIM).
    #[serde(default)]
    pub claims: Vec<ClaimView>,
    /// Names of those that did not decode.
    pub undecodable: Vec<Name>,
}

/// What is kept of a persistent volume claim (CLAIM).
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
pub struct ClaimView {
    /// Its name.
    pub name: Name,
    /// Its revision.
    pub revision: Revision,
    /// `evenkeel.dev/group`.
    pub group: Group,
    /// `spec.storageClassName`; None: the cluster's default.
    pub class: Option<Name>,
    /// `spec.resources.requests.storage`.
    pub bytes: u64,
    /// Age in milliseconds when this was seen, as [`PodView::age_ms`].
    pub age_ms: u64,
    /// It has a deletion timestamp.
    pub deleting: bool,
}

/// One event of a watch.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
pub enum WatchEvent {
    /// A pod was added or changed.
    Seen(PodView),
    /// The object left the watch, at this view's revision. `PodView::deleting` is None where it only lost our label.
    Left(PodView),
    /// Nothing changed up to this revision.
    Bookmark(Revision),
    /// An object that did not decode.
    Undecodable(Name),
    /// The watch is over.
    Ended(WatchEnd),
}

impl WatchEvent {
    /// The revision that it shows; None where it says of none.
    #[must_use]
    pub fn revision(&self) -> Option<Revision> {
        match self {
            Self::Seen(view) | Self::Left(view) => Some(view.revision),
            Self::Bookmark(revision) => Some(*revision),
            Self::Undecodable(_) | Self::Ended(_) => None,
        }
    }
}

/// Why a watch ended.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
pub enum WatchEnd {
    /// The server closed it, as it does now and then.
    Closed,
    /// 410: the history from that revision is forgotten.
    Expired,
    /// It could not be opened, or broke.
    Failed(Failure),
}

/// What is kept of a pod. The adapter fills it; the core classifies it (SEE-1), because the rule needs the config.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
pub struct PodView {
    /// Its name.
    pub name: Name,
    /// Its labels, as far as they are ours; all absent on a pod that is not of this fleet.
    pub labels: Labels,
    /// Its UID.
    pub uid: Uid,
    /// The revision of this view.
    pub revision: Revision,
    /// Age in milliseconds when this was seen, by the server's own clock on both ends (`Date` header minus
    /// `creationTimestamp`).
    pub age_ms: u64,
    /// Set when it has a deletion timestamp: its grace in seconds.
    pub deleting: Option<u32>,
    /// Its phase.
    pub phase: Phase,
    /// The node that it is bound to.
    pub node: Option<Name>,
    /// The address of the pod, once it has one.
    pub ip: Option<Name>,
    /// `status.reason`.
    pub reason: Option<Name>,
    /// The reason of a condition `DisruptionTarget` that is true.
    pub disruption: Option<Name>,
    /// Its condition `Ready` is true.
    pub ready: bool,
    /// Its main container, once there is a status of it.
    pub main: Option<ContainerView>,
    /// Another container ended with an exit code other than 0.
    pub sidecar_failed: bool,
    /// Why containers and init containers wait, each reason once, the main container's first (GROW-6).
    #[serde(default)]
    pub waiting: Vec<Name>,
    /// The main container's memory in bytes; None where it has not both a request and a limit (SIZE).
    #[serde(default)]
    pub memory: Option<MemoryView>,
    /// The claims that it was given (CLAIM); not those that its template names for itself.
    #[serde(default)]
    pub claims: Vec<Name>,
    /// `status.message`, or what the main container left as its termination message.
    pub message: Option<Name>,
}

impl PodView {
    /// A pod that the server has just accepted, and that nothing has become of yet.
    #[must_use]
    pub fn accepted(name: Name, labels: Labels, uid: Uid, revision: Revision) -> Self {
        Self {
            name,
            labels,
            uid,
            revision,
            age_ms: 0,
            deleting: None,
            phase: Phase::Pending,
            node: None,
            ip: None,
            reason: None,
            disruption: None,
            ready: false,
            main: None,
            sidecar_failed: false,
            waiting: Vec::new(),
            memory: None,
            claims: Vec::new(),
            message: None,
        }
    }
}

/// The memory of a main container that has a request and a limit (SIZE).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MemoryView {
    /// The limit in force, in bytes: the container's status, where that says so, else the spec.
    pub limit: u64,
    /// The limit that the spec asks for, in bytes: higher while a resize is under way.
    pub asked: u64,
    /// The node can't grant what is asked for (condition `PodResizePending`, reason `Infeasible`).
    pub infeasible: bool,
}

/// The labels that are ours.
#[derive(Clone, Debug, Default, PartialEq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Labels {
    /// `evenkeel.dev/executor`: the executor's id.
    pub executor: Option<Name>,
    /// `evenkeel.dev/group`.
    pub group: Option<Name>,
    /// `evenkeel.dev/finished=true`: ended and kept (END-2).
    pub finished: bool,
    /// `evenkeel.dev/template`: the hash of the template that it was made from.
    pub template: Option<u64>,
}

/// A pod's phase, as Kubernetes gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Phase {
    /// Accepted; a container has yet to start.
    Pending,
    /// A container runs, or did, and will again.
    Running,
    /// All containers ended with 0.
    Succeeded,
    /// All containers ended, one of them otherwise.
    Failed,
    /// The node can't be asked.
    Unknown,
}

/// What the main container does.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
pub enum ContainerView {
    /// It waits, with this reason.
    Waiting(Name),
    /// It runs.
    Running,
    /// It ended.
    Terminated {
        /// Its exit code.
        exit_code: i32,
        /// The reason given, as `OOMKilled`.
        reason: Name,
    },
}

/// The answer to one action: six kinds, by what is known of its effect.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
pub enum Outcome {
    /// It took effect.
    Done {
        /// The one that the effect has in the watch. A delete that removed the object at once answers with the
        /// revision of its going; removing the last finalizer does not.
        revision: Option<Revision>,
        /// The object's UID.
        uid: Option<Uid>,
    },
    /// 409 AlreadyExists, and what one GET of the name then showed (None: nothing there, or for a claim: nothing that is
    /// ours to use). If the GET itself fails, the answer is `Unclear`.
    Exists(Option<Box<PodView>>),
    /// 404: the object is not there. Deletes are decided by the store, so this counts as seeing it gone.
    Absent,
    /// 409 Conflict: the object is not what the precondition says. No effect.
    Changed,
    /// Certainly no effect.
    Refused(Refusal),
    /// May or may not have taken effect: 500, 502, 503, 504, time-out, connection lost after the first byte was sent.
    Unclear(Failure),
}

/// Why there was certainly no effect.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
pub enum Refusal {
    /// The request never left: connection refused, TLS, DNS.
    NotSent(Failure),
    /// `not_after` had passed.
    TooLate,
    /// 429.
    Throttled {
        /// The `Retry-After` header.
        retry_after_ms: Option<u64>,
    },
    /// A quota is full; the server's message.
    Quota(Name),
    /// Two servers settled a quota at once, or a PATCH met other writes: worth a repeat.
    QuotaRace,
    /// 403 by RBAC: the one who asks may not create, now. A server that has just started says so to all but
    /// administrators until it has read its roles.
    NotPermitted(Name),
    /// Any other 403; the server's message.
    Forbidden(Name),
    /// 400, 413, 422; the server's message.
    Invalid(Name),
    /// The namespace is ending or missing, or its service account is not there yet.
    NamespaceGone,
    /// 401: the token is no longer good.
    Unauthorized,
}

/// What went wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Failure {
    /// No connection, or one that broke.
    Unreachable,
    /// No answer in time.
    TimedOut,
    /// The server's own trouble, with its status code.
    Server(u16),
    /// 403.
    Forbidden,
    /// 401.
    Unauthorized,
    /// 429.
    Throttled,
    /// The answer made no sense.
    Undecodable,
    /// The server's view is older than the revision asked for (504, cause ResourceVersionTooLarge).
    RevisionTooNew,
    /// 410: what was asked for is forgotten.
    Expired,
}
