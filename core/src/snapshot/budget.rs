//! FAIL-1: failures, counted once each, and the halt that too many of them lead to.

use super::Snapshot;
use crate::{
    config::Config,
    input::Memory,
    words::{Group, Span, Time},
};
use im::Vector;
use serde::{Deserialize, Serialize};

/// The newest failures that are kept, and written down, beyond what the budget needs.
const KEPT: usize = 2_000;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Budget {
    /// When each failure of the window was, and in which group; oldest first. Those of an earlier incarnation were
    /// before this controller's start.
    failures: Vector<(i64, Group)>,
    pub halted: bool,
    pub halted_told: bool,
}

impl Budget {
    fn record(&mut self, now: Time, group: Group) {
        self.failures.push_back((signed(now), group));
    }

    /// Forgets the oldest failure, where it is at least `window` old; its group.
    pub fn forget_one(&mut self, now: Time, window: Option<Span>) -> Option<Group> {
        let (at, _) = self.failures.front()?;
        let age = signed(now).saturating_sub(*at);
        if age < i64::try_from(window?.0).unwrap_or(i64::MAX) {
            return None;
        }
        self.failures.pop_front().map(|(_, group)| group)
    }

    pub fn load(&mut self, now: Time, memory: &Memory) {
        let at = |age: u64| signed(now) - i64::try_from(age).unwrap_or(i64::MAX / 2);
        self.failures = memory
            .failures
            .iter()
            .map(|(group, age)| (at(*age), group.clone()))
            .collect();
        self.halted = memory.halted;
    }

    fn memory(&self, now: Time) -> Memory {
        let skipped = self.failures.len().saturating_sub(KEPT);
        let age = |at: i64| u64::try_from(signed(now).saturating_sub(at)).unwrap_or(0);
        let newest = self.failures.iter().skip(skipped);
        Memory {
            failures: newest
                .map(|(at, group)| (group.clone(), age(*at)))
                .collect(),
            halted: self.halted,
            ..Memory::default()
        }
    }

    /// Changes whenever what [`Self::memory`] says does, but for ages.
    fn mark(&self) -> (i64, usize, bool) {
        (
            self.failures.back().map_or(0, |(at, _)| *at),
            self.failures.len(),
            self.halted,
        )
    }
}

fn signed(time: Time) -> i64 {
    i64::try_from(time.0).unwrap_or(i64::MAX)
}

/// Tells whether what [`Snapshot::memory`] says has changed, but for ages.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct MemoryMark {
    budget: (i64, usize, bool),
    startup: Vec<(Group, (i64, u64))>,
}

impl Snapshot {
    /// LIVE-2: what the next incarnation must know.
    pub(crate) fn memory(&self, config: &Config) -> Memory {
        let mut memory = self.budget.memory(self.now);
        for (group, facts) in &self.groups {
            let startup = &facts.startup;
            startup.remember(self.now, &config.failing, group, &mut memory);
        }
        memory
    }

    pub(crate) fn memory_mark(&self) -> MemoryMark {
        let groups = self.groups.iter();
        let startup = groups.map(|(group, facts)| (group.clone(), facts.startup.mark()));
        MemoryMark {
            budget: self.budget.mark(),
            startup: startup.filter(|(_, mark)| *mark != (0, 0)).collect(),
        }
    }

    pub(super) fn count_failure(&mut self, config: &Config, group: &Group) {
        let most = self.max_failures(config);
        self.budget.record(self.now, group.clone());
        self.groups.entry(group.clone()).or_default().failures += 1;
        if self.budget.failures.len() as u64 > most && !planted!(config, Fail1) {
            self.budget.halted = true;
        }
        let kept = usize::try_from(most)
            .unwrap_or(usize::MAX)
            .saturating_add(1)
            .max(KEPT);
        if self.budget.failures.len() > kept
            && let Some((_, oldest)) = self.budget.failures.pop_front()
            && let Some(facts) = self.groups.get_mut(&oldest)
        {
            facts.failures = facts.failures.saturating_sub(1);
        }
    }

    fn max_failures(&self, config: &Config) -> u64 {
        config.failing.max_failures.unwrap_or_else(|| {
            let maxima = self.groups.values().map(super::groups::GroupFacts::maximum);
            maxima.fold(0, u64::saturating_add).saturating_mul(2).max(3)
        })
    }

    /// FAIL-1: the engine lifts the halt.
    pub(super) fn resume(&mut self) {
        self.budget = Budget::default();
        let groups: Vec<Group> = self.groups.keys().cloned().collect();
        for group in groups {
            if let Some(facts) = self.groups.get_mut(&group) {
                facts.failures = 0;
            }
            self.note_group(&group);
        }
    }
}
