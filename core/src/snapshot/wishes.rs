//! SHRINK-2 to SHRINK-4, LIVE-4: folds in what the engine wants and reports.

use super::{
    Snapshot,
    record::{Disruption, EngineFact, Executor, Extra, Fate, Idle, Pod, Sort, Then, Write},
    seeing::drain_unasked,
};
use crate::{
    config::{Config, EngineMode, RollPolicy},
    input::{DesiredChange, EngineReport, GroupWish, KillReason, Shutdown},
    output::{Cause, Why},
    plan::{Class, Finding},
    words::{ExecutorId, Group, ID_PART_MAX, Name},
};

impl Snapshot {
    pub(super) fn fold_desired(&mut self, config: &Config, change: &DesiredChange) {
        if let Some(whole) = &change.whole {
            self.desired_known = true;
            let absent: Vec<Group> = self
                .groups
                .keys()
                .filter(|group| !whole.contains_key(*group))
                .cloned()
                .collect();
            for group in absent {
                self.set_wish(config, &group, None);
            }
        }
        let mut back = false;
        let wishes = change.whole.iter().flatten().chain(&change.groups);
        for (group, wish) in wishes {
            back |= self.set_wish(config, group, Some(wish));
        }
        for group in &change.remove {
            self.set_wish(config, group, None);
        }
        if let Some(suspend) = change.suspend {
            self.suspended = suspend;
        }
        if let Some(shutdown) = change.shutdown {
            self.closing = self.closing.max(Some(shutdown));
            // That nothing is wanted is a whole statement.
            self.desired_known = true;
        }
        if change.resume_after_halt {
            self.resume();
        }
        let all_concerned = back
            || change.whole.is_some()
            || !change.remove.is_empty()
            || change.suspend.is_some()
            || change.shutdown.is_some();
        if all_concerned {
            let ids: Vec<ExecutorId> = self.executors.keys().copied().collect();
            for id in ids {
                self.settle_fate(config, id);
            }
        }
        for id in &change.release {
            self.release(config, *id, Why::Shrink2, Cause::Released);
        }
        for (id, reason) in &change.kill {
            let cause = match reason {
                KillReason::Asked => Cause::Killed,
                KillReason::Unhealthy(reason) => Cause::Unhealthy {
                    reason: reason.clone(),
                },
            };
            self.condemn(config, *id, Why::Shrink2, cause);
        }
    }

    /// Says whether the group was not wanted before, and is now.
    fn set_wish(&mut self, config: &Config, group: &Group, wish: Option<&GroupWish>) -> bool {
        let now = self.now;
        let facts = self.groups.entry(group.clone()).or_default();
        let before = std::mem::replace(&mut facts.wish, wish.cloned());
        let back = before.is_none() && wish.is_some();
        if let Some(wish) = wish {
            if !facts.stated {
                facts.rolled_at = now;
            }
            facts.stated = true;
            facts.largest = facts.largest.max(wish.target);
            let missing = wish.target.saturating_sub(u64::from(facts.tally.counting));
            facts.startup.owe_at_most(missing);
            if before.is_none_or(|before| before.template != wish.template) {
                self.compare_templates(config, group, wish.template);
            }
        }
        let too_large = wish.is_some_and(|wish| wish.target > u64::from(ID_PART_MAX));
        let finding = Finding::TargetTooLarge(group.clone());
        if too_large {
            self.findings.insert(finding);
        } else {
            self.findings.remove(&finding);
        }
        self.note_group(group);
        back
    }

    /// ROLL: who was made from another template than the group's by now. One without that label says nothing.
    fn compare_templates(&mut self, config: &Config, group: &Group, template: u64) {
        let mine = self.executors.iter();
        let ids: Vec<ExecutorId> = mine
            .filter(|(_, executor)| executor.group == *group)
            .map(|(id, _)| *id)
            .collect();
        for id in ids {
            let back = self.change(config, id, |_, executor| {
                let before = executor.outdated;
                executor.outdated = executor.template != template && executor.template != 0;
                before && !executor.outdated
            });
            // It is as the group's are again: there is nothing to replace it for.
            if back == Some(true)
                && config.group(group).roll.on_change
                && let Some(facts) = self.groups.get_mut(group)
            {
                facts.rolls.remove(&id);
            }
        }
    }

    /// Lets an executor go whose group, or whole fleet, is not wanted (SHRINK-4, LIVE-4).
    pub(super) fn settle_fate(&mut self, config: &Config, id: ExecutorId) {
        let Some(executor) = self.executors.get(&id) else {
            return;
        };
        let wanted = self
            .groups
            .get(&executor.group)
            .is_some_and(|facts| facts.wish.is_some());
        // What nothing is said of yet may have been let go for a suspension that is over.
        let unwanted = (self.desired_known || planted!(config, SilenceIsZero)) && !wanted;
        if self.closing.is_none() && !self.suspended && !unwanted {
            return self.keep_again(config, id);
        }
        match self.closing {
            Some(_) if planted!(config, Live4) => {}
            Some(Shutdown::Delete) => self.condemn(config, id, Why::Live4, Cause::Killed),
            Some(Shutdown::Drain) => self.release(config, id, Why::Live4, Cause::Released),
            Some(Shutdown::Leave) => {}
            None if planted!(config, Shrink4) => {}
            None => self.release(config, id, Why::Shrink4, Cause::Released),
        }
    }

    /// SHRINK-4: its group, or the fleet, is wanted again, and nobody was asked to let it go yet.
    fn keep_again(&mut self, config: &Config, id: ExecutorId) {
        let unasked = self.executors.get(&id).is_some_and(|executor| {
            matches!(
                executor.fate,
                Fate::Draining {
                    why: Why::Shrink4,
                    asked: None,
                    ..
                } | Fate::Condemned {
                    why: Why::Shrink4,
                    drained: false,
                    ..
                }
            ) && !executor.delete_issued
        });
        if unasked && !planted!(config, SilenceIsZero) {
            self.change(config, id, |all, executor| all.let_live(config, executor));
        }
    }

    /// SHRINK-2: drain, then delete; at once where it is neither registered nor running.
    pub(super) fn release(&mut self, config: &Config, id: ExecutorId, why: Why, cause: Cause) {
        let Some(executor) = self
            .executors
            .get(&id)
            .filter(|_| !planted!(config, Shrink2))
        else {
            if let Some(early) = self.early.get_mut(&id) {
                early.then.get_or_insert(Then::Release(why, cause));
            }
            return;
        };
        match executor.fate {
            Fate::Wanted if executor.drains(config) => {
                self.change(config, id, |_, executor| {
                    executor.fate = Fate::released(why, cause, true);
                });
            }
            Fate::Wanted if planted!(config, PendingKept) => {}
            Fate::Wanted => self.condemn(config, id, why, cause),
            Fate::Condemned {
                precondition: Some(_),
                then: None,
                ..
            } => self.then(config, id, Then::Release(why, cause)),
            // The engine is asked once; those condemned go already.
            Fate::Draining { .. } | Fate::Condemned { .. } | Fate::Ended { .. } => {}
        }
    }

    /// Its deletion is decided: now, and with the pod's own grace.
    pub(super) fn condemn(&mut self, config: &Config, id: ExecutorId, why: Why, cause: Cause) {
        if let Some(early) = self.early.get_mut(&id) {
            early.then = Some(Then::Delete(why, cause));
            return;
        }
        let withdrawn = self.change(config, id, |_, executor| {
            match &mut executor.fate {
                // Decided already.
                Fate::Ended { .. }
                | Fate::Condemned {
                    precondition: None, ..
                } => return false,
                // Its delete may come to nothing: then this holds.
                Fate::Condemned { then, .. } => {
                    *then = Some(Then::Delete(why, cause));
                    return false;
                }
                fate => *fate = Fate::condemned(why, cause, false),
            }
            is_refused_request(executor)
        });
        if withdrawn == Some(true) {
            self.withdraw(config, id);
        }
    }

    fn then(&mut self, config: &Config, id: ExecutorId, wish: Then) {
        self.change(config, id, |_, executor| {
            if let Fate::Condemned { then, .. } = &mut executor.fate {
                *then = Some(wish);
            }
        });
    }

    /// END-4: gives up a request that had no effect: no pod was, so there is nothing to tell.
    pub(super) fn withdraw(&mut self, config: &Config, id: ExecutorId) {
        if let Some(executor) = self.take(config, id) {
            self.drop_taken(id, &executor);
        }
    }

    pub(super) fn fold_report(&mut self, config: &Config, report: &EngineReport) {
        match report {
            // With no engine there is nothing to register with: running is what counts (SHRINK-2).
            EngineReport::Registered(_) if config.engine == EngineMode::None => {}
            EngineReport::Registered(id) => self.fold_registration(config, *id),
            EngineReport::Idle { executor, keep } => {
                self.set_idle(config, *executor, Some(*keep));
            }
            EngineReport::Busy(id) => self.set_idle(config, *id, None),
            EngineReport::Disrupted {
                executor: id,
                reason,
                deadline,
            } => {
                let kind = Disruption::of(reason);
                if let Some(early) = self.early.get_mut(id) {
                    early.disrupted = Some((kind, *deadline));
                }
                let withdrawn = self.change(config, *id, |all, executor| {
                    all.disrupt(config, executor, kind, *deadline);
                    matches!(executor.fate, Fate::Condemned { .. }) && is_refused_request(executor)
                });
                if withdrawn == Some(true) {
                    self.withdraw(config, *id);
                }
            }
            EngineReport::Metric {
                executor,
                name,
                value,
            } => self.fold_metric(config, *executor, name, *value),
            EngineReport::Drained(id) => {
                self.change(config, *id, |_, executor| {
                    if let Fate::Draining { why, cause, .. } = executor.fate.clone() {
                        executor.fate = Fate::condemned(why, cause, true);
                    }
                });
            }
        }
    }

    /// Kept only where ROLL or SIZE looks at it.
    pub(super) fn fold_metric(&mut self, config: &Config, id: ExecutorId, name: &Name, value: i64) {
        let Some(executor) = self.executors.get(&id) else {
            // Whether anybody looks at it is known once its group is.
            if let Some(early) = self.early.get_mut(&id) {
                early.metrics.insert(name.clone(), value);
            }
            return;
        };
        let group = config.group(&executor.group);
        let policy = match &group.roll.policy {
            RollPolicy::Highest(metric) | RollPolicy::Outlier(metric) => Some(metric),
            RollPolicy::LowestId | RollPolicy::Oldest => None,
        };
        let tasks = &**name == Extra::TASKS && group.roll.min_tasks > 0;
        let memory = &**name == Extra::MEMORY && group.resize.is_some();
        if policy == Some(name) || tasks || memory {
            self.change(config, id, |_, executor| {
                executor.with_extra(|extra| {
                    extra.metrics.insert(name.clone(), value);
                });
                executor.settle_resize(config);
            });
        }
    }

    /// SHRINK-3: kept, unless it is condemned, ended, a ghost, or was never issued.
    fn fold_registration(&mut self, config: &Config, id: ExecutorId) {
        let now = self.now;
        let known = self.change(config, id, |all, executor| {
            let refused = !planted!(config, Shrink3);
            if matches!(executor.fate, Fate::Condemned { .. } | Fate::Ended { .. }) && refused {
                stays_condemned(&mut executor.fate);
                return false;
            }
            all.prove(id, executor);
            if !executor.is_registered() {
                executor.engine = EngineFact::Registered {
                    at: now,
                    idle: None,
                };
            }
            if executor.class() == Some(Class::Terminating) {
                drain_unasked(config, executor);
            }
            // GROW-3: that settles what became of its create.
            if let (
                Pod::Unseen { .. },
                Write::Again {
                    sort: Sort::Create, ..
                },
            ) = (&executor.pod, &executor.write)
            {
                executor.write = Write::None;
                executor.verdict = None;
            }
            true
        });
        let incarnation = self.leading.incarnation;
        let issued_here =
            id.incarnation == incarnation || self.issued.contains_key(&id.incarnation);
        match known {
            Some(true) => {}
            Some(false) => {
                self.refused.insert(id);
            }
            None if self.is_own(id)
                || self.spent.contains(&id)
                || self.strays.contains_key(&id) =>
            {
                self.refused.insert(id);
            }
            None if (issued_here || id.incarnation > incarnation) && self.leading.is_synced() => {
                self.refused.insert(id);
                self.findings.insert(Finding::UnknownExecutor(id));
            }
            None => {
                self.put_early(id);
            }
        }
    }

    fn set_idle(&mut self, config: &Config, id: ExecutorId, keep: Option<i32>) {
        let now = self.now;
        let change = |idle: &mut Option<Idle>| {
            let since = idle.map_or(now, |idle| idle.since);
            *idle = keep.map(|keep| Idle { since, keep });
        };
        if let Some(early) = self.early.get_mut(&id) {
            return change(&mut early.idle);
        }
        self.change(config, id, |_, executor| {
            if let EngineFact::Registered { idle, .. } = &mut executor.engine {
                change(idle);
            }
        });
    }
}

/// Whether its create certainly had no effect, and nothing else of it is known.
/// One that was refused is of no use to anybody: should its pod have changed since the view, it is deleted all the same.
fn stays_condemned(fate: &mut Fate) {
    if let Fate::Condemned {
        why,
        cause,
        precondition: Some(_),
        then: then @ None,
        ..
    } = fate
    {
        *then = Some(Then::Delete(*why, cause.clone()));
    }
}

fn is_refused_request(executor: &Executor) -> bool {
    let refused = matches!(
        executor.write,
        Write::Again {
            sort: Sort::Create,
            unclear: false,
            ..
        }
    );
    refused && executor.is_unaccounted() && !executor.is_registered()
}
