//! What goes out: effects, requests, notices and the status.

use crate::{
    input::{Memory, Phase},
    plan::{Finding, Status},
    words::{ActionId, ExecutorId, Group, Name, RequestId, Revision, Time, Uid},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Everything that a [`Controller`](crate::Controller) asks of its shell or tells the engine. A closed list.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
pub enum Output {
    /// Carry this out, and answer it exactly once.
    Execute {
        /// Its number.
        id: ActionId,
        /// Not begun after this moment (the lease's end less a margin): then the answer is `Refused(TooLate)`.
        not_after: Time,
        /// What to do.
        action: Action,
        /// The rule behind it.
        why: Why,
    },
    /// List the fleet's pods, all pages at one revision.
    List {
        /// Its number.
        request: RequestId,
        /// With those labelled finished (END-2), which are otherwise out of view: asked for at shutdown (LIVE-4).
        all: bool,
        /// With the fleet's claims, read after the pods (CLAIM).
        #[serde(default)]
        claims: bool,
    },
    /// Open a watch.
    Watch {
        /// Its number.
        request: RequestId,
        /// Show what changed after this revision.
        from: Revision,
    },
    /// Close that listing or watch; nothing more is wanted of it.
    Close {
        /// Its number.
        request: RequestId,
    },
    /// Do this with the fleet's Lease.
    Lease(LeaseWish),
    /// Tell the engine.
    Notice(Notice),
    /// The newest status, whenever it differs from the last one.
    Status(Arc<Status>),
    /// After a shutdown: nothing more will come.
    Finished,
}

/// An effect on the cluster.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
pub enum Action {
    /// Make the executor's pod.
    Create {
        /// Which; its pod's name derives from it.
        executor: ExecutorId,
        /// The group that it belongs to.
        group: Group,
        /// The hash of the template to make it from.
        template: u64,
        /// The claims that it is to use (CLAIM).
        #[serde(default)]
        claims: Vec<Name>,
    },
    /// Delete the executor's pod, with its own grace.
    Delete {
        /// Which.
        executor: ExecutorId,
        /// Only the object with this UID; None where ours was never seen (GROW-3).
        uid: Option<Uid>,
        /// Only at this revision (SHRINK-1).
        revision: Option<Revision>,
    },
    /// Label the finished pod `evenkeel.dev/finished=true` (END-2).
    MarkFinished {
        /// Which.
        executor: ExecutorId,
        /// Only the object with this UID.
        uid: Uid,
    },
    /// Give the pod's main container more memory, request and limit, where it runs (Kubernetes: subresource `resize`).
    Resize {
        /// Which.
        executor: ExecutorId,
        /// The group that it belongs to.
        group: Group,
        /// Only the object with this UID.
        uid: Uid,
        /// How much, in bytes.
        memory: u64,
    },
    /// Make a persistent volume claim, as the group's config says (CLAIM). One of that name that is the fleet's own is
    /// an earlier try: `Done`. Where it is a stranger's, or on its way out, the answer is `Exists(None)`: the name is
    /// given up, and the next one has the next number.
    CreateClaim {
        /// Its name.
        name: Name,
        /// The group that it is for.
        group: Group,
    },
    /// Delete a claim of the fleet's.
    DeleteClaim {
        /// Its name.
        name: Name,
    },
}

impl Action {
    /// The executor that it is about; None: it is about a claim.
    #[must_use]
    pub const fn executor(&self) -> Option<ExecutorId> {
        match self {
            Self::Create { executor, .. }
            | Self::Delete { executor, .. }
            | Self::MarkFinished { executor, .. }
            | Self::Resize { executor, .. } => Some(*executor),
            Self::CreateClaim { .. } | Self::DeleteClaim { .. } => None,
        }
    }
}

/// What to do with the fleet's Lease (LIVE-1).
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
pub enum LeaseWish {
    /// Take it, if it is free, ours to take, or its holder is dead.
    Take,
    /// Renew it, and write this down.
    Renew {
        /// The incarnation: higher than what was taken where a pod of a later one was listed.
        incarnation: u32,
        /// What the next one must know (LIVE-2), where that has changed.
        memory: Option<Memory>,
    },
    /// Let the next one take it at once; its number stays.
    GiveUp,
    /// Delete it.
    Remove,
}

/// What the engine is told.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
pub enum Notice {
    /// It was first seen running.
    Started {
        /// Which.
        executor: ExecutorId,
        /// Its group.
        group: Group,
        /// Where it runs.
        node: Option<Name>,
        /// The address of its pod.
        ip: Option<Name>,
        /// It was made by an earlier incarnation.
        adopted: bool,
    },
    /// Give it no more work, and say when it is drained; past the deadline it is deleted.
    Drain {
        /// Which.
        executor: ExecutorId,
        /// The rule behind it.
        why: Why,
        /// Until then.
        deadline: Time,
    },
    /// It registered, but is not to be used: tell it to go.
    Refuse {
        /// Which.
        executor: ExecutorId,
    },
    /// It is gone, or as good as: once for each executor (END-1).
    Lost {
        /// Which.
        executor: ExecutorId,
        /// The one cause.
        cause: Cause,
        /// What was seen.
        evidence: Arc<Evidence>,
    },
    /// Something is not as it should be.
    Raised(Finding),
    /// That is over.
    Cleared(Finding),
    /// The failure budget is spent: nothing more is created until the engine resumes (FAIL-1).
    Halted,
    /// Too many executors of a group fail before they start well: it is tried with one at a time (FAIL-2).
    Backoff {
        /// Which group.
        group: Group,
        /// When the next probe is due; None: the backoff is over.
        until: Option<Time>,
    },
}

/// Why an executor ended: exactly one each (END-1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Exit code 0.
    Completed,
    /// Its main container failed.
    AppFailed {
        /// The exit code, where there is one.
        exit_code: Option<i32>,
    },
    /// Its main container went over its memory limit.
    OomKilled,
    /// The node or the eviction API put it out.
    Evicted,
    /// The scheduler gave its place to another.
    Preempted,
    /// Its node is gone, or shut down.
    NodeLost,
    /// Somebody else deleted it.
    DeletedByOther,
    /// It was created and then not there, before anybody saw it (GROW-5).
    Vanished,
    /// It registered, but no listing shows it (END-3).
    Missing,
    /// It stayed pending for too long (GROW-6).
    StartTimeout,
    /// No container of it ever started.
    StartFailed {
        /// Kubernetes' word for it.
        reason: Name,
    },
    /// The server will not have it.
    CreateRejected {
        /// `forbidden`, `invalid` or `name_taken`.
        reason: Name,
    },
    /// The engine let it go.
    Released,
    /// The engine, or a shutdown, killed it.
    Killed,
    /// Its group got smaller.
    Shrunk,
    /// It was replaced by a newer one.
    Rolled,
    /// The engine gave it up.
    Unhealthy {
        /// The engine's reason.
        reason: Name,
    },
}

impl Cause {
    /// Whether this end is a failure, counted and budgeted (END-4, FAIL-1).
    #[must_use]
    pub fn is_failure(&self) -> bool {
        match self {
            Self::AppFailed { .. }
            | Self::OomKilled
            | Self::Vanished
            | Self::StartTimeout
            | Self::StartFailed { .. }
            | Self::CreateRejected { .. }
            | Self::Unhealthy { .. } => true,
            Self::Completed
            | Self::Evicted
            | Self::Preempted
            | Self::NodeLost
            | Self::DeletedByOther
            | Self::Missing
            | Self::Released
            | Self::Killed
            | Self::Shrunk
            | Self::Rolled => false,
        }
    }

    /// Its name as findings, summaries and scenario files write it, without details.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::AppFailed { .. } => "app_failed",
            Self::OomKilled => "oom_killed",
            Self::Evicted => "evicted",
            Self::Preempted => "preempted",
            Self::NodeLost => "node_lost",
            Self::DeletedByOther => "deleted_by_other",
            Self::Vanished => "vanished",
            Self::Missing => "missing",
            Self::StartTimeout => "start_timeout",
            Self::StartFailed { .. } => "start_failed",
            Self::CreateRejected { .. } => "create_rejected",
            Self::Released => "released",
            Self::Killed => "killed",
            Self::Shrunk => "shrunk",
            Self::Rolled => "rolled",
            Self::Unhealthy { .. } => "unhealthy",
        }
    }
}

/// What was seen of an executor's end, as the cluster worded it.
#[derive(Clone, Debug, Default, PartialEq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Evidence {
    /// The pod's phase.
    pub phase: Option<Phase>,
    /// The pod's reason, or its main container's.
    pub reason: Option<Name>,
    /// The pod's message, its last log lines, or the server's answer.
    pub message: Option<Name>,
    /// The reason of its `DisruptionTarget` condition.
    pub disruption: Option<Name>,
    /// The main container's exit code.
    pub exit_code: Option<i32>,
}

/// The rule that decided, by its name in the design.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Why {
    /// A shortfall is made up.
    Grow1,
    /// It did not start, or did not register, in time.
    Grow6,
    /// An excess is taken from those not yet running.
    Shrink1,
    /// The engine asked.
    Shrink2,
    /// Its group is gone, or the fleet is suspended.
    Shrink4,
    /// Its pod is seen terminating, and nobody had asked the engine to drain it.
    End1,
    /// Its pod has finished.
    End2,
    /// The fleet is shut down.
    Live4,
    /// It is a ghost or a stray.
    See3,
    /// It is replaced by a newer one.
    Roll,
    /// An executor needs a claim, or nobody does any more.
    Claim,
    /// It needs more memory.
    Size,
    /// It will soon be lost.
    Spot,
}

impl Why {
    /// The rule's name.
    #[must_use]
    pub fn rule(self) -> &'static str {
        match self {
            Self::Grow1 => "GROW-1",
            Self::Grow6 => "GROW-6",
            Self::Shrink1 => "SHRINK-1",
            Self::Shrink2 => "SHRINK-2",
            Self::Shrink4 => "SHRINK-4",
            Self::End1 => "END-1",
            Self::End2 => "END-2",
            Self::Live4 => "LIVE-4",
            Self::See3 => "SEE-3",
            Self::Roll => "ROLL",
            Self::Claim => "CLAIM",
            Self::Size => "SIZE",
            Self::Spot => "SPOT",
        }
    }
}
