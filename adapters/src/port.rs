//! The driven port: what a cluster is to Evenkeel. Kubernetes, the fake and local processes implement it.

use async_trait::async_trait;
use evenkeel_core::{
    Name, Revision, Uid,
    input::{Failure, Listing, Outcome, WatchEnd, WatchEvent},
};
use futures::stream::BoxStream;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// A cluster, seen from one fleet.
///
/// Implementations repeat nothing by themselves: deciding what to repeat, and when, is the core's business. Dropping a
/// future may leave its effect unknown.
#[async_trait]
pub trait Cluster: Send + Sync + 'static {
    /// The fleet that it is seen from.
    fn fleet(&self) -> &str;

    /// All pods of the fleet, in one consistent read: all pages, at one revision; and what is wished for beside.
    async fn list(&self, wish: ListWish) -> Result<Listing, Failure>;

    /// What changes after `from`, in order, bookmarks included. The last event is `Ended`.
    ///
    /// # Errors
    /// The watch could not be opened.
    async fn watch(&self, from: Revision) -> Result<BoxStream<'static, WatchEvent>, WatchEnd>;

    /// Carries out one effect, once, and says what is known of it.
    async fn execute(&self, request: Request) -> Outcome;

    /// One step with the fleet's Lease: as it is after that; None where it was deleted.
    ///
    /// # Errors
    /// It did not take effect, or that is not known.
    async fn lease(&self, request: LeaseRequest) -> Result<Option<Lease>, LeaseError>;

    /// How many requests were sent so far, by Kubernetes' verbs (`create`, `delete`, `get`, `list`, `patch`, `update`, `watch`).
    fn calls(&self) -> BTreeMap<&'static str, u64>;
}

/// What a listing is to have beside the fleet's pods in view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListWish {
    /// The pods labelled finished (END-2) too.
    pub all: bool,
    /// The fleet's claims too, read after the pods (CLAIM). Without it nothing is asked about claims, so that a fleet that
    /// uses none needs no rights to them.
    pub claims: bool,
}

/// An effect on a cluster, ready to be sent.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// Make this pod.
    Create {
        /// Its name.
        name: Name,
        /// The pod, as JSON.
        manifest: String,
    },
    /// Delete the pod, with its own grace.
    Delete {
        /// Its name.
        name: Name,
        /// Only the object with this UID.
        uid: Option<Uid>,
        /// Only at this revision.
        revision: Option<Revision>,
    },
    /// Label the pod `evenkeel.dev/finished=true`.
    MarkFinished {
        /// Its name.
        name: Name,
        /// Only the object with this UID.
        uid: Uid,
    },
    /// Give the pod's main container more memory where it runs (SIZE). Not possible for this pod: `Refused`, and never
    /// `Absent` while it is there.
    Resize {
        /// Its name.
        name: Name,
        /// Only the object with this UID.
        uid: Uid,
        /// The main container's name.
        container: Name,
        /// What it is to request, in bytes.
        request: u64,
        /// What it is to be limited to, in bytes.
        limit: u64,
    },
    /// Make this persistent volume claim (CLAIM). One of the fleet's own under that name, and not on its way out, is
    /// `Done`; any other one there, or none when looked for, is `Exists(None)`.
    CreateClaim {
        /// Its name.
        name: Name,
        /// The claim, as JSON.
        manifest: String,
    },
    /// Delete the persistent volume claim. It goes when no pod uses it any more.
    DeleteClaim {
        /// Its name.
        name: Name,
    },
}

/// One step with the fleet's Lease: compare and swap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeaseRequest {
    /// Read it; `Absent` where there is none.
    Get,
    /// Make it; `Conflict` where there is one.
    Create(LeaseSpec),
    /// Write it; `Conflict` where it is not at this revision any more.
    Replace {
        /// Only the object with this UID.
        uid: Uid,
        /// Only at this revision.
        revision: Revision,
        /// What to write.
        spec: LeaseSpec,
    },
    /// Delete it; `Conflict` where it is not at this revision any more. Answered with None.
    Delete {
        /// Only the object with this UID.
        uid: Uid,
        /// Only at this revision.
        revision: Revision,
    },
}

/// The fleet's Lease, as it was read or written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Its UID.
    pub uid: Uid,
    /// Its revision.
    pub revision: Revision,
    /// What it says.
    pub spec: LeaseSpec,
}

/// What a Lease says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseSpec {
    /// `spec.holderIdentity`; None where it was given up.
    pub holder: Option<String>,
    /// `spec.leaseTransitions`: the incarnation.
    pub transitions: u32,
    /// `spec.leaseDurationSeconds`.
    pub duration_s: u32,
    /// `spec.acquireTime`.
    pub acquired: Option<Timestamp>,
    /// `spec.renewTime`, by the holder's wall clock.
    pub renewed: Option<Timestamp>,
    /// `metadata.annotations`.
    pub annotations: BTreeMap<String, String>,
}

/// Why a step with the Lease did not take effect, or may not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeaseError {
    /// It is there already, or is not at that revision any more: certainly no effect.
    #[error("the lease was changed by another")]
    Conflict,
    /// There is none.
    #[error("there is no such lease")]
    Absent,
    /// Anything else; the effect is not known.
    #[error("the lease request failed: {0:?}")]
    Failed(Failure),
}
