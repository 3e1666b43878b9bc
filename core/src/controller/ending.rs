//! LIVE-4: how a fleet ends: everything goes, then what was left behind is looked for, then the lease goes.

use super::Controller;
use crate::{
    input::{LeaseNews, Shutdown},
    output::{LeaseWish, Output},
    plan::WakeReason,
    snapshot::wait,
    words::Time,
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Ending {
    stage: Stage,
    tries: u8,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
enum Stage {
    /// The fleet runs, or its executors are on their way out.
    #[default]
    Running,
    /// The lease is to be given up or removed.
    Lease {
        asked: bool,
        after: Time,
    },
    Finished,
}

impl Ending {
    pub fn is_finished(&self) -> bool {
        self.stage == Stage::Finished
    }

    pub fn is_ending_lease(&self) -> bool {
        self.stage != Stage::Running
    }

    pub fn wake_at(&self) -> Option<(Time, WakeReason)> {
        match self.stage {
            Stage::Lease {
                asked: false,
                after,
            } => Some((after, WakeReason::LeaseRenew)),
            _ => None,
        }
    }

    pub fn heard(&mut self, at: Time, news: &LeaseNews) {
        if !matches!(self.stage, Stage::Lease { asked: true, .. }) {
            return;
        }
        self.stage = match news {
            LeaseNews::Failed(_) => {
                let after = at.after(wait(self.tries));
                self.tries = self.tries.saturating_add(1);
                Stage::Lease {
                    asked: false,
                    after,
                }
            }
            LeaseNews::Held { .. }
            | LeaseNews::Renewed { .. }
            | LeaseNews::HeldByOther
            | LeaseNews::Lost
            | LeaseNews::Gone => Stage::Finished,
        };
    }
}

impl Controller {
    pub(super) fn run_ending(&mut self, at: Time) {
        let Some(shutdown) = self.desired.shutdown else {
            return;
        };
        if self.ending.stage == Stage::Running && self.may_end_lease(shutdown) {
            self.ending.stage = Stage::Lease {
                asked: false,
                after: at,
            };
        }
        // A wish under way is waited for: it may be the one that takes the lease.
        if let Stage::Lease {
            asked: false,
            after,
        } = self.ending.stage
            && after <= at
            && !self.lease.is_open()
        {
            let held = self.snapshot.leading.is_held();
            if held && !self.may_end_lease(shutdown) {
                // The wish under way has taken it after all: the fleet is ours to end.
                self.ending.stage = Stage::Running;
            } else if held {
                self.ending.stage = Stage::Lease { asked: true, after };
                self.lease.wish();
                let wish = match shutdown {
                    Shutdown::Leave => LeaseWish::GiveUp,
                    Shutdown::Drain | Shutdown::Delete => LeaseWish::Remove,
                };
                self.outputs.push_back(Output::Lease(wish));
            } else if self.lease.held_by_other
                || shutdown == Shutdown::Leave
                || self.ending.tries > 0
            {
                self.ending.stage = Stage::Finished;
            } else {
                // It was won too late to count, or nobody knows: tried for again.
                self.ending.stage = Stage::Running;
            }
        }
        if self.ending.is_finished() {
            self.outputs.push_back(Output::Finished);
        }
    }

    /// Whether there is nothing left to do but with the lease.
    fn may_end_lease(&mut self, shutdown: Shutdown) -> bool {
        let snapshot = &self.snapshot;
        if !snapshot.leading.is_held() {
            // Another one has the fleet: it is no longer ours to end.
            let nothing_begun = shutdown == Shutdown::Leave && snapshot.incarnation() == 0;
            return snapshot.has_nothing_open() && (self.lease.held_by_other || nothing_begun);
        }
        if shutdown == Shutdown::Leave {
            return snapshot.has_nothing_open();
        }
        if !snapshot.leading.is_synced() || !snapshot.is_empty() {
            self.viewing.sweep_again();
            return false;
        }
        self.viewing.sweep()
    }
}
