//! FAIL-1: failures, counted once each, and the halt that too many of them lead to.

use super::{Snapshot, startup::StartupMark};
use crate::{
    config::Config,
    input::Memory,
    words::{Group, Moment, Span, Time},
};
use im::Vector;
use serde::{Deserialize, Serialize};

/// The newest failures that are kept, and written down, beyond what the budget needs.
const KEPT: usize = 2_000;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Budget {
    /// When each failure of the window was, and in which group; oldest first. Those of an earlier incarnation were
    /// before this controller's start.
    failures: Vector<(Moment, Group)>,
    pub halted: bool,
    pub halted_told: bool,
}

impl Budget {
    fn record(&mut self, now: Time, group: Group) {
        self.failures.push_back((now.into(), group));
    }

    /// Forgets the oldest failure, where it is at least `window` old; its group.
    pub fn forget_one(&mut self, now: Time, window: Option<Span>) -> Option<Group> {
        let (at, _) = self.failures.front()?;
        if at.age(now) < window? {
            return None;
        }
        self.failures.pop_front().map(|(_, group)| group)
    }

    pub fn load(&mut self, now: Time, memory: &Memory) {
        let at = |age: u64| Moment::from(now).before(Span(age));
        self.failures = memory
            .failures
            .iter()
            .map(|(group, age)| (at(*age), group.clone()))
            .collect();
        self.halted = memory.halted;
    }

    fn memory(&self, now: Time) -> Memory {
        let skipped = self.failures.len().saturating_sub(KEPT);
        let newest = self.failures.iter().skip(skipped);
        Memory {
            failures: newest
                .map(|(at, group)| (group.clone(), at.age(now).0))
                .collect(),
            halted: self.halted,
            ..Memory::default()
        }
    }

    /// Changes whenever what [`Self::memory`] says does, but for ages.
    fn mark(&self) -> (Moment, usize, bool) {
        (
            self.failures.back().map_or(Moment::FIRST, |(at, _)| *at),
            self.failures.len(),
            self.halted,
        )
    }
}

/// Tells whether what [`Snapshot::memory`] says has changed, but for ages.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct MemoryMark {
    budget: (Moment, usize, bool),
    startup: Vec<(Group, StartupMark)>,
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
            startup: startup
                .filter(|(_, mark)| *mark != StartupMark::default())
                .collect(),
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
