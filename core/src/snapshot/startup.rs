//! FAIL-2: executors that end before they have started well: backoff with probes, and how many are replaced at once.

use super::{Snapshot, record::Executor};
use crate::{
    config::{Config, Failing},
    input::{BackoffMemory, Memory},
    output::Cause,
    words::{ExecutorId, Group, Span, Time},
};
use im::Vector;
use serde::{Deserialize, Serialize};

/// At least so many are replaced in any case within `backoff_first`.
const REPLACED: u64 = 10;

/// What is known of a group's starts. Moments of an earlier incarnation are before this controller's start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Startup {
    /// When the failures were that may still put it in backoff; oldest first.
    failures: Vector<i64>,
    pub backoff: Option<Backoff>,
    /// The moment of the next probe that the engine was last told; None: that there is no backoff.
    pub told: Option<Time>,
    /// Executors that ended early through nobody's fault, and were not yet replaced.
    owed: u64,
    /// When those were that have been; oldest first.
    replaced: Vector<Time>,
}

/// A group is tried with one executor at a time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Backoff {
    /// When the last probe was asked for, or the backoff entered.
    since: i64,
    probes: u32,
    /// The probe whose fate is not known yet.
    pub probe: Option<ExecutorId>,
}

impl Backoff {
    /// When the next probe is due.
    pub fn due(&self, failing: &Failing) -> Time {
        let tries = u8::try_from(self.probes).unwrap_or(u8::MAX);
        let wait = failing.backoff_first.doubled(tries, failing.backoff_max);
        let due = self.since.saturating_add(signed_span(wait));
        Time(u64::try_from(due).unwrap_or(0))
    }
}

impl Startup {
    fn failed(&mut self, failing: &Failing, now: Time, id: ExecutorId) {
        if let Some(backoff) = &mut self.backoff {
            if backoff.probe == Some(id) {
                backoff.probe = None;
            }
            return;
        }
        self.failures.push_back(signed(now));
        self.forget(failing, now);
        if self.failures.len() >= usize::try_from(failing.backoff_after).unwrap_or(usize::MAX) {
            self.failures.clear();
            self.backoff = Some(Backoff {
                since: signed(now),
                probes: 0,
                probe: None,
            });
        }
    }

    fn forget(&mut self, failing: &Failing, now: Time) {
        let window = signed_span(failing.backoff_window);
        while let Some(at) = self.failures.front()
            && signed(now).saturating_sub(*at) >= window
        {
            self.failures.pop_front();
        }
    }

    /// A create was issued.
    pub fn asked_for(&mut self, failing: &Failing, now: Time, id: ExecutorId, anew: bool) {
        if let Some(backoff) = self
            .backoff
            .as_mut()
            .filter(|backoff| backoff.probe.is_none())
        {
            backoff.probe = Some(id);
            backoff.probes = backoff.probes.saturating_add(1);
            backoff.since = signed(now);
        }
        if anew && self.owed > 0 {
            self.owed -= 1;
            self.replaced.push_back(now);
            while let Some(at) = self.replaced.front()
                && at.after(failing.backoff_first) <= now
            {
                self.replaced.pop_front();
            }
        }
    }

    /// How many of `missing` executors are held back, since too many ended early, and until when.
    pub fn held_back(
        &self,
        failing: &Failing,
        now: Time,
        target: u64,
        missing: u64,
    ) -> (u64, Option<Time>) {
        let owed = self.owed.min(missing);
        if owed == 0 {
            return (0, None);
        }
        let mut recent = self
            .replaced
            .iter()
            .filter(|at| at.after(failing.backoff_first) > now);
        let first = recent.next();
        let used = first.map_or(0, |_| 1 + recent.count() as u64);
        let held = owed.saturating_sub(target.max(REPLACED).saturating_sub(used));
        let until = first
            .filter(|_| held > 0)
            .map(|at| at.after(failing.backoff_first));
        (held, until)
    }

    /// No more are owed than are missing.
    pub fn owe_at_most(&mut self, missing: u64) {
        self.owed = self.owed.min(missing);
    }

    /// Whether an end of this executor is still waited for, or was not yet made good.
    pub fn is_quiet(&self) -> bool {
        self.backoff.is_none() && self.failures.is_empty()
    }

    pub fn load(&mut self, now: Time, group: &Group, memory: &Memory) {
        let before = |age: u64| signed(now).saturating_sub(i64::try_from(age).unwrap_or(i64::MAX));
        let failures = memory.startup_failures.iter();
        let mine = failures.filter(|(its, _)| its == group);
        self.failures = mine.map(|(_, age)| before(*age)).collect();
        self.backoff = memory.backoffs.get(group).map(|backoff| Backoff {
            since: before(backoff.since),
            probes: backoff.probes,
            probe: backoff.probe,
        });
    }

    /// Writes down what the next incarnation must know.
    pub fn remember(&self, now: Time, failing: &Failing, group: &Group, memory: &mut Memory) {
        let age = |at: i64| u64::try_from(signed(now).saturating_sub(at)).unwrap_or(0);
        let fresh = self.failures.iter().map(|at| age(*at));
        let fresh = fresh.filter(|age| *age < failing.backoff_window.0);
        memory
            .startup_failures
            .extend(fresh.map(|age| (group.clone(), age)));
        if let Some(backoff) = &self.backoff {
            let backoff = BackoffMemory {
                since: age(backoff.since),
                probes: backoff.probes,
                probe: backoff.probe,
            };
            memory.backoffs.insert(group.clone(), backoff);
        }
    }

    /// Changes whenever what [`Self::remember`] says does, but for ages.
    pub fn mark(&self) -> (i64, u64) {
        let newest = self.failures.back().copied().unwrap_or(0);
        let backoff = self.backoff.as_ref().map_or(0, |backoff| {
            1 + u64::from(backoff.probes) * 2 + u64::from(backoff.probe.is_some())
        });
        let since = self.backoff.as_ref().map_or(0, |backoff| backoff.since);
        (
            newest.wrapping_add(since),
            backoff + ((self.failures.len() as u64) << 40),
        )
    }
}

impl Snapshot {
    /// FAIL-1, FAIL-2: an executor ended so; charged once.
    pub(super) fn charge(
        &mut self,
        config: &Config,
        id: ExecutorId,
        executor: &mut Executor,
        cause: &Cause,
    ) {
        if executor.charged {
            return;
        }
        executor.charged = true;
        let group = executor.group.clone();
        if cause.is_failure() || planted!(config, End4) {
            self.count_failure(config, &group);
        }
        let now = self.now;
        let startup = &mut self.groups.entry(group).or_default().startup;
        if planted!(config, Fail2) {
            return;
        }
        if cause.is_failure() && !executor.proven {
            startup.failed(&config.failing, now, id);
        } else if let Some(backoff) = startup.backoff.as_mut().filter(|b| b.probe == Some(id)) {
            // It said nothing of whether another would start.
            backoff.probe = None;
        }
        self.owe(config, executor, cause);
    }

    /// FAIL-2: an executor goes, by that cause; where it has not started well and nobody is at fault, its replacement is
    /// counted. Once it is seen going it is replaced, not only when it is gone.
    pub(super) fn owe(&mut self, config: &Config, executor: &mut Executor, cause: &Cause) {
        let fault_of_nobody = matches!(
            cause,
            Cause::Evicted
                | Cause::Preempted
                | Cause::NodeLost
                | Cause::DeletedByOther
                | Cause::Missing
        );
        if !fault_of_nobody || executor.proven || executor.owed || planted!(config, Fail2) {
            return;
        }
        executor.owed = true;
        let group = self.groups.entry(executor.group.clone()).or_default();
        group.startup.owed = group.startup.owed.saturating_add(1);
    }

    /// FAIL-2: an executor has started well; a probe that does ends the backoff.
    pub(super) fn prove(&mut self, id: ExecutorId, executor: &mut Executor) {
        executor.proven = true;
        if let Some(facts) = self.groups.get_mut(&executor.group)
            && facts
                .startup
                .backoff
                .is_some_and(|backoff| backoff.probe == Some(id))
        {
            facts.startup.backoff = None;
        }
    }

    /// FAIL-2: a probe that came to nothing leaves the backoff as it is.
    pub(super) fn unprobe(&mut self, id: ExecutorId, group: &Group) {
        if let Some(facts) = self.groups.get_mut(group)
            && let Some(backoff) = facts.startup.backoff.as_mut()
            && backoff.probe == Some(id)
        {
            backoff.probe = None;
        }
    }
}

fn signed(time: Time) -> i64 {
    i64::try_from(time.0).unwrap_or(i64::MAX)
}

fn signed_span(span: Span) -> i64 {
    i64::try_from(span.0).unwrap_or(i64::MAX)
}
