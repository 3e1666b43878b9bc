//! FAIL-2: executors that end before they have started well: backoff with probes, and how many are replaced at once.

use super::{
    Snapshot,
    record::{Executor, Fate},
};
use crate::{
    config::{Config, Failing},
    input::{BackoffMemory, Memory},
    output::{Cause, Why},
    words::{ExecutorId, Group, Moment, Span, Time},
};
use im::Vector;
use serde::{Deserialize, Serialize};

/// At least so many are replaced in any case within `backoff_first`.
const REPLACED: u64 = 10;

/// What is known of a group's starts. Moments of an earlier incarnation are before this controller's start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Startup {
    /// When the failures were that may still put it in backoff; oldest first.
    failures: Vector<Moment>,
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
    since: Moment,
    probes: u32,
    /// The probe whose fate is not known yet.
    pub probe: Option<ExecutorId>,
}

/// Tells whether what [`Startup::remember`] says has changed, but for ages.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct StartupMark {
    failures: usize,
    newest: Option<Moment>,
    backoff: Option<(Moment, u32, bool)>,
}

impl Backoff {
    /// When the next probe is due.
    pub fn due(&self, failing: &Failing) -> Time {
        let tries = u8::try_from(self.probes).unwrap_or(u8::MAX);
        let wait = failing.backoff_first.doubled(tries, failing.backoff_max);
        self.since.after(wait)
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
        self.failures.push_back(now.into());
        self.forget(failing, now);
        if self.failures.len() >= usize::try_from(failing.backoff_after).unwrap_or(usize::MAX) {
            self.failures.clear();
            self.backoff = Some(Backoff {
                since: now.into(),
                probes: 0,
                probe: None,
            });
        }
    }

    fn forget(&mut self, failing: &Failing, now: Time) {
        while let Some(at) = self.failures.front()
            && at.age(now) >= failing.backoff_window
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
            backoff.since = now.into();
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
        let before = |age: u64| Moment::from(now).before(Span(age));
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
        let fresh = self.failures.iter().map(|at| at.age(now).0);
        let fresh = fresh.filter(|age| *age < failing.backoff_window.0);
        memory
            .startup_failures
            .extend(fresh.map(|age| (group.clone(), age)));
        if let Some(backoff) = &self.backoff {
            let backoff = BackoffMemory {
                since: backoff.since.age(now).0,
                probes: backoff.probes,
                probe: backoff.probe,
            };
            memory.backoffs.insert(group.clone(), backoff);
        }
    }

    /// Changes whenever what [`Self::remember`] says does, but for ages.
    pub fn mark(&self) -> StartupMark {
        StartupMark {
            failures: self.failures.len(),
            newest: self.failures.back().copied(),
            backoff: self
                .backoff
                .map(|backoff| (backoff.since, backoff.probes, backoff.probe.is_some())),
        }
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

    /// GROW-6: its deletion has taken effect: charged, where that is also what is told of it (END-1).
    pub(super) fn charge_given_up(
        &mut self,
        config: &Config,
        id: ExecutorId,
        executor: &mut Executor,
    ) {
        let Fate::Condemned {
            why: Why::Grow6,
            cause,
            ..
        } = &executor.fate
        else {
            return;
        };
        let verdict = executor.verdict.as_ref();
        if verdict.is_none_or(|verdict| verdict.cause == *cause) {
            let cause = cause.clone();
            self.charge(config, id, executor, &cause);
        }
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
