//! What goes wrong on demand, as against by chance: each trouble begins and ends when the world is told so.

mod images;
mod kubelets;
mod namespace;
mod nodes;
mod requests;
mod restarts;
mod restore;
mod scheduling;
mod strangers;
mod webhook;

pub use images::StartTrouble;
pub use kubelets::{Rejection, Stopping};
pub use namespace::Namespace;
pub use webhook::{Sidecar, Webhook};

pub(super) use images::Blocked;
pub(super) use kubelets::readied;

use super::{
    audit::{Kind, Verb},
    faults::Fault,
    world::World,
};
use evenkeel_core::Name;
use im::{OrdMap, OrdSet};
use std::sync::Arc;

/// The troubles that last until they are put right.
#[derive(Clone, Debug, Default)]
pub(super) struct Standing {
    /// How kubelets reject pods, and how many more of them; None: all.
    rejection: Option<(Rejection, Option<u32>)>,
    start: Option<StartTrouble>,
    /// Numbers the troubles with starting: each strikes a pod once.
    starts: u64,
    /// Pods take so many times as long to start; 0 as 1.
    slowness: u32,
    pub never_ready: bool,
    pub stopping: Stopping,
    /// Pods that the scheduler leaves alone.
    held: OrdSet<Name>,
    namespace: Namespace,
    no_service_account: bool,
    webhook: Option<Arc<Webhook>>,
    pub faults: OrdMap<(Kind, Verb), Fault>,
}

impl World {
    /// Puts right what the scheduler and the kubelets were told to do wrong: nodes are uncordoned and return, pods that
    /// were held are scheduled, images are there, pods become ready, and all start and stop as the weather has it. What
    /// the API server, its administrators and strangers do is theirs to end.
    pub fn heal(&mut self) {
        let standing = &mut self.standing;
        standing.rejection = None;
        standing.slowness = 0;
        standing.stopping = Stopping::Usual;
        self.set_start_trouble(None);
        self.heal_starts();
        self.set_never_ready(false);
        self.make_all_ready();
        self.uncordon_all();
        for name in std::mem::take(&mut self.standing.held) {
            self.unpark(&name);
        }
        let nodes: Vec<Name> = self.nodes.keys().cloned().collect();
        for node in nodes {
            self.return_node(&node);
        }
    }
}
