//! LIVE-1: whether this controller may act: the lease, the incarnation, and the listing that goes with them.

use super::Snapshot;
use crate::{
    config::{Config, Living},
    input::{LeaseNews, Memory},
    plan::Finding,
    words::{ExecutorId, Group, Time},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Leading {
    /// Which life of the controller this is; 0 before it held the lease.
    pub incarnation: u32,
    /// The lease is ours until then.
    held_until: Option<Time>,
    /// Since when it is.
    since: Time,
    /// A listing that was asked for since then was applied.
    synced: bool,
    /// The incarnation is higher than the lease says: to be written there before anything is made.
    pub write_back: bool,
}

impl Leading {
    pub fn is_held(&self) -> bool {
        self.held_until.is_some()
    }

    pub fn held_until(&self) -> Option<Time> {
        self.held_until
    }

    pub fn is_synced(&self) -> bool {
        self.synced
    }

    pub fn may_act(&self, now: Time) -> bool {
        self.synced && !self.write_back && now <= self.not_after() && self.is_held()
    }

    /// No effect begins after this.
    pub fn not_after(&self) -> Time {
        self.held_until.unwrap_or_default().before(Living::MARGIN)
    }

    pub fn advance(&mut self, now: Time) {
        if self.held_until.is_some_and(|until| until <= now) {
            self.lose();
        }
    }

    fn lose(&mut self) {
        self.held_until = None;
        self.synced = false;
    }
}

impl Snapshot {
    pub(super) fn fold_lease(&mut self, config: &Config, news: &LeaseNews) {
        match news {
            LeaseNews::Held {
                incarnation,
                until,
                memory,
            } => {
                self.governor.reachable();
                self.findings.remove(&Finding::Superseded);
                let first = self.leading.incarnation == 0;
                self.begin_incarnation(
                    config,
                    match planted!(config, IncarnationReused) {
                        true => incarnation.saturating_sub(1).max(1),
                        false => (*incarnation).max(self.leading.incarnation.saturating_add(1)),
                    },
                );
                self.leading.write_back = self.leading.incarnation > *incarnation;
                self.leading.held_until = Some(*until);
                self.leading.since = self.now;
                self.leading.synced = !first && planted!(config, NotListedAnew);
                // A controller that had it before remembers for itself.
                if first && !planted!(config, Live2) {
                    self.remember(memory);
                }
            }
            LeaseNews::Renewed { until } => {
                self.governor.reachable();
                if self.leading.is_held() {
                    self.leading.held_until = Some(*until);
                    self.leading.write_back = false;
                }
            }
            LeaseNews::HeldByOther | LeaseNews::Lost if planted!(config, Live1) => {}
            LeaseNews::HeldByOther | LeaseNews::Lost | LeaseNews::Gone => self.leading.lose(),
            LeaseNews::Failed(_) => {}
        }
        // The news may be older than the lease's end.
        self.leading.advance(self.now);
    }

    /// LIVE-2: what an earlier incarnation wrote down.
    fn remember(&mut self, memory: &Memory) {
        self.budget.load(self.now, memory);
        for (group, _) in &memory.failures {
            self.groups.entry(group.clone()).or_default().failures += 1;
        }
        let late = memory.startup_failures.iter().map(|(group, _)| group);
        let groups: BTreeSet<Group> = late.chain(memory.backoffs.keys()).cloned().collect();
        for group in groups {
            let facts = self.groups.entry(group.clone()).or_default();
            facts.startup.load(self.now, &group, memory);
        }
    }

    /// SEE-3: a later incarnation acts for this fleet.
    pub(super) fn superseded(&mut self) {
        self.leading.lose();
        self.findings.insert(Finding::Superseded);
    }

    /// A whole listing that was asked for at `started` is about to be applied; `highest` is the highest incarnation in
    /// it. Says whether it is the first since the lease was taken.
    pub(super) fn sync(&mut self, config: &Config, started: Time, highest: u32) -> bool {
        if !self.leading.is_held() || self.leading.synced || started < self.leading.since {
            return false;
        }
        if highest >= self.leading.incarnation {
            self.begin_incarnation(config, highest.saturating_add(1));
            self.leading.write_back = true;
        }
        self.leading.synced = true;
        true
    }

    /// What is derived of executors depends on which incarnation runs: it is taken out before, and put back after.
    fn begin_incarnation(&mut self, config: &Config, incarnation: u32) {
        let ids: Vec<ExecutorId> = self.executors.keys().copied().collect();
        let taken: Vec<_> = ids
            .into_iter()
            .filter_map(|id| Some((id, self.take(config, id)?)))
            .collect();
        if self.leading.incarnation > 0 && self.next > 1 {
            self.issued.insert(self.leading.incarnation, self.next);
        }
        self.leading.incarnation = incarnation;
        self.next = 1;
        for (id, executor) in taken {
            self.put(config, id, executor);
        }
    }
}
