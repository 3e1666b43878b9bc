//! LIVE-1: when to take, renew, give up and remove the lease.

use super::Controller;
use crate::{
    config::{Config, Living},
    input::LeaseNews,
    output::{LeaseWish, Output},
    plan::WakeReason,
    snapshot::{MemoryMark, Snapshot, wait},
    words::{Span, Time},
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct LeaseKeeping {
    /// A wish is under way; there is never more than one.
    open: bool,
    /// The next is not made before this.
    after: Time,
    tries: u8,
    /// What was last written down (LIVE-2), by its mark; None: nothing.
    written: Option<MemoryMark>,
    /// What is being written.
    writing: Option<MemoryMark>,
    /// It was never ours, and another has it.
    pub held_by_other: bool,
}

impl LeaseKeeping {
    pub fn heard(&mut self, config: &Config, at: Time, news: &LeaseNews) {
        self.open = false;
        let third = Span(config.living.lease_duration.0 / 3);
        let writing = self.writing.take();
        self.held_by_other = matches!(news, LeaseNews::HeldByOther | LeaseNews::Lost);
        let wait = match news {
            LeaseNews::Held { .. } => {
                self.tries = 0;
                self.written = None;
                third
            }
            LeaseNews::Renewed { .. } => {
                self.tries = 0;
                self.written = writing.or(self.written.take());
                third
            }
            LeaseNews::HeldByOther => Span(config.living.lease_duration.0 / 5),
            LeaseNews::Lost | LeaseNews::Gone => wait(0),
            LeaseNews::Failed(_) => {
                let wait = match planted!(config, LeaseGivenUp) {
                    true => Span(u64::MAX),
                    false => wait(self.tries).min(third),
                };
                self.tries = self.tries.saturating_add(1);
                wait
            }
        };
        self.after = at.after(wait);
        // A third of its span after it was asked for, not after a slow answer came: else it may run out before.
        if let LeaseNews::Held { until, .. } | LeaseNews::Renewed { until } = news {
            let due = until.before(third).before(third);
            self.after = self.after.min(due).max(at);
        }
    }

    pub fn is_open(&self) -> bool {
        self.open
    }

    pub fn wake_at(&self, snapshot: &Snapshot) -> Option<(Time, WakeReason)> {
        let until = snapshot.leading.held_until();
        // The lease's end, and the margin before it, change what may be done.
        let ends = until.filter(|until| *until < Time::NEVER).map(|until| {
            let margin = until.before(Living::MARGIN).after(Span(1));
            if margin > snapshot.now() {
                margin
            } else {
                until
            }
        });
        let asks = until != Some(Time::NEVER) || snapshot.leading.write_back;
        let next = Some(self.after).filter(|_| !self.open && asks);
        next.into_iter()
            .chain(ends)
            .min()
            .map(|at| (at, WakeReason::LeaseRenew))
    }

    pub fn wish(&mut self) {
        self.open = true;
    }
}

impl Controller {
    pub(super) fn run_lease(&mut self, at: Time) {
        let leading = &self.snapshot.leading;
        if self.lease.open || self.ending.is_ending_lease() {
            return;
        }
        let wish = match leading.held_until() {
            None if self.lease.after <= at => LeaseWish::Take,
            None => return,
            Some(until) => {
                let mark = self.snapshot.memory_mark();
                // Without delay, but not without one between tries that fail.
                let due = if leading.write_back && self.lease.tries == 0 {
                    true
                } else {
                    self.lease.after <= at && (until < Time::NEVER || leading.write_back)
                };
                if !due {
                    return;
                }
                let changed = self.lease.written.as_ref() != Some(&mark);
                let memory = changed.then(|| self.snapshot.memory(&self.config));
                self.lease.writing = changed.then_some(mark);
                LeaseWish::Renew {
                    incarnation: leading.incarnation,
                    memory,
                }
            }
        };
        self.lease.wish();
        self.outputs.push_back(Output::Lease(wish));
    }
}
