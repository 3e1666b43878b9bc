//! An in-memory Kubernetes: [`World`], a pure value with a virtual clock, and [`FakeCluster`], which makes a
//! [`Cluster`](crate::port::Cluster) of it. A test kit for engines, the demo's cluster, and the simulator's world.
//!
//! # Expected flow
//! An engine's test makes a `FakeCluster` under `#[tokio::test(start_paused = true)]` and gives it to what it tests:
//! virtual time is tokio's clock, so hours pass in milliseconds. Through [`FakeCluster::world`] it looks behind the
//! scenes and makes things go wrong: at once ([`World::kill_container`], [`World::lose_node`], [`World::fail_next`],
//! [`World::restart_api_server`]), or until it is put right ([`World::cordon_all`], [`World::set_start_trouble`],
//! [`World::silence_node`], [`World::set_namespace`]), and others; or it lets the [`Weather`] do so. What truly
//! happened, [`World::changes_after`] tells. Without a runtime, use `World` alone:
//! [`World::advance`] moves time, and [`World::execute`], [`World::listing`], [`World::watch_open`],
//! [`World::watch_poll`] and [`World::lease`] are the requests of the port.
//!
//! # Guarantees
//! - It does what an API server of Kubernetes 1.36 was measured to do with pods, their watches, leases and claims: the
//!   tests in `tests/fake` have it line by line.
//! - All chance comes from [`Weather::seed`]: the same requests at the same moments give the same world.
//! - A clone of a world costs next to nothing, whatever its size; clones share nothing that changes.
//! - Memory is bounded by the objects there are, [`WorldConfig::history`] and [`WorldConfig::audit`].
//!
//! # Left out
//! - Admission but for one quota, one maximum of memory ([`World::set_quota`], [`World::set_max_memory`]), rights taken
//!   away ([`World::deny`]), one webhook ([`World::set_webhook`]), and how the namespace is. Unknown fields are refused
//!   down to a container's, not below.
//! - Volumes behind claims: each claim is good as soon as it is there, on any node, and lists of claims have one page.
//! - Resizing of anything but one container's memory. What a node has deferred, its scheduler does not count.
//! - Disruption budgets: every eviction is granted.
//! - Init containers and priorities: a test has [`Disruption::Preemption`] instead. Probes fail and containers are
//!   started again in place only where a test says so ([`World::set_ready`], [`World::restart_container`]).
//! - Node objects: they have a name and room, and are not to be listed. PodGC acts after [`Weather::pod_gc`].
//! - A second API server with a view of another age, but for what it lists ([`World::listing_at`]). Events reach a watch
//!   at once.

mod admission;
mod agenda;
mod api;
mod audit;
mod backstage;
mod checks;
mod claims;
mod cluster;
mod collectors;
mod containers;
mod faults;
mod fields;
mod front;
mod kubelet;
mod lease;
mod nodes;
mod past;
mod pods;
mod random;
mod refusal;
mod resize;
mod selector;
mod shelf;
mod store;
mod storm;
mod trouble;
mod views;
mod watch;
mod weather;
mod world;

pub use admission::Quota;
pub use api::Api;
pub use audit::{Entry, Kind, Verb};
pub use backstage::Disruption;
pub use claims::ClaimList;
pub use cluster::FakeCluster;
pub use containers::Exit;
pub use faults::Fault;
pub use front::Pages;
pub use nodes::Room;
pub use past::PodChange;
pub use resize::Resize;
pub use trouble::{Namespace, Rejection, Sidecar, StartTrouble, Stopping, Webhook};
pub use watch::{Event, WatchId};
pub use weather::{NotUnderstood, Percent, Rate, Weather};
pub use world::{Endings, World, WorldConfig};

use crate::api::{answer::Refused, pod::Pod};
use evenkeel_core::{Revision, Uid};
use std::{collections::BTreeMap, sync::Arc};

/// An API server's answer.
pub type Answer<T> = Result<T, Refused>;

/// Options of a DELETE.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeleteOptions {
    /// Only the object with this UID.
    pub uid: Option<Uid>,
    /// Only at this revision.
    pub revision: Option<Revision>,
    /// Grace in seconds; None for the pod's own.
    pub grace: Option<u32>,
}

/// A merge patch of a pod's metadata.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patch {
    /// The UID in the patch: refused where it is not the object's.
    pub uid: Option<Uid>,
    /// The revision in the patch: refused where it is not the object's.
    pub revision: Option<Revision>,
    /// Labels to set, or with None to remove.
    pub labels: BTreeMap<String, Option<String>>,
    /// Annotations to set, or with None to remove.
    pub annotations: BTreeMap<String, Option<String>>,
    /// All finalizers from now on.
    pub finalizers: Option<Vec<String>>,
}

/// Options of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListOptions {
    /// The label selector: `k=v`, `k!=v`, `k` or `!k`, all of those given with commas between; empty for all.
    pub selector: String,
    /// At most so many on one page.
    pub limit: Option<usize>,
    /// Where the last page left off.
    pub continue_token: Option<String>,
    /// Not older than this.
    pub resource_version: Option<u64>,
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct PodList {
    /// The revision of the whole list.
    pub revision: u64,
    /// The pods, in order of name.
    pub items: Vec<Arc<Pod>>,
    /// The token for the next page, if there is one.
    pub next: Option<String>,
}

/// Why a list was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRefused {
    /// The answer.
    pub answer: Refused,
    /// With a 410 for a further page: a token that goes on at the newest revision, which is not the same list any more.
    pub fresh: Option<String>,
}

impl From<Refused> for ListRefused {
    fn from(answer: Refused) -> Self {
        Self {
            answer,
            fresh: None,
        }
    }
}

impl From<ListRefused> for Refused {
    fn from(refused: ListRefused) -> Self {
        refused.answer
    }
}
