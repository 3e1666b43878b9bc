//! Folds in what a plan just decided and told: it is under way, and not decided again (SEE-5).

use super::{
    Bound, Open, Snapshot,
    record::{Executor, Fate, Patience, Pod, Sort, Write},
};
use crate::{
    config::Config,
    output::{Action, Cause, Notice, Why},
    plan::{Decision, Plan},
    words::{ActionId, ExecutorId, Group, Name, Revision, Uid},
};

/// What a create is for.
struct Made<'a> {
    id: ExecutorId,
    group: &'a Group,
    template: u64,
    claims: &'a [Name],
    why: Why,
}

impl Snapshot {
    pub(super) fn fold_issued(&mut self, config: &Config, plan: &Plan, first: ActionId) {
        for notice in &plan.notices {
            self.fold_told(config, notice);
        }
        for id in &plan.withdrawn {
            self.withdraw(config, *id);
        }
        for id in &plan.released {
            self.spend_delete(config);
            self.release(config, *id, Why::Shrink2, Cause::Shrunk);
        }
        for (group, olds) in &plan.rolls {
            self.roll_issued(config, group, olds);
        }
        for (id, group) in &plan.rolled {
            if let Some(facts) = self.groups.get_mut(group) {
                facts.rolls.remove(id);
            }
            self.release(config, *id, Why::Roll, Cause::Rolled);
        }
        for (action, decision) in (first.0..).map(ActionId).zip(&plan.decisions) {
            self.newest_action = action;
            match &decision.action {
                Action::Create {
                    executor,
                    group,
                    template,
                    claims,
                } => {
                    let made = Made {
                        id: *executor,
                        group,
                        template: *template,
                        claims,
                        why: decision.why,
                    };
                    self.create_issued(config, action, &made);
                }
                Action::Delete {
                    executor,
                    uid,
                    revision,
                } if decision.why == Why::See3 => {
                    let open = Open {
                        executor: *executor,
                        at: self.now,
                        sort: Sort::Delete,
                        stray: true,
                        bound: bound_of(uid.as_ref(), *revision),
                    };
                    self.stray_issued(config, action, open);
                }
                Action::Delete { .. } => self.delete_issued(config, action, decision),
                Action::Resize { executor, .. } => {
                    self.sent(config, action, *executor, Sort::Resize, Bound::Uid);
                }
                Action::CreateClaim { name, group } => {
                    self.claim_issued(config, action, name, group);
                }
                Action::DeleteClaim { name } => self.claim_delete_issued(action, name),
                Action::MarkFinished { executor, .. } => {
                    self.sent(config, action, *executor, Sort::Mark, Bound::Uid);
                }
            }
        }
        self.take_turns(config, plan);
    }

    /// GROW-2, END-2: who got the places of this plan, where there were too few.
    fn take_turns(&mut self, config: &Config, plan: &Plan) {
        if plan.dealt.is_some() {
            self.dealt.clone_from(&plan.dealt);
        }
        let creates = |decision: &&Decision| matches!(decision.action, Action::Create { .. });
        let mut others = plan.decisions.iter().filter(|it| !creates(it)).peekable();
        if others.peek().is_some() {
            let full = self.governor.others_in_flight >= config.growing.max_in_flight;
            self.cleaned = full && others.any(|decision| decision.why == Why::End2);
        }
    }

    fn fold_told(&mut self, config: &Config, notice: &Notice) {
        match notice {
            Notice::Started { executor, .. } => {
                self.change(config, *executor, |_, executor| {
                    executor.started_told = true;
                    let disrupted = executor
                        .notes
                        .as_ref()
                        .is_some_and(|notes| notes.disruption.is_some());
                    executor.notes = executor.notes.take().filter(|_| disrupted);
                });
            }
            Notice::Drain { .. } if planted!(config, DrainNotFolded) => {}
            Notice::Drain { executor, .. } => {
                let now = self.now;
                self.change(config, *executor, |_, executor| {
                    if planted!(config, DrainNotAwaited)
                        && let Fate::Draining { why, cause, .. } = executor.fate.clone()
                    {
                        executor.fate = Fate::condemned(why, cause, true);
                    }
                    if let Fate::Draining { asked, .. } = &mut executor.fate {
                        *asked = Some(now);
                    }
                });
            }
            Notice::Lost { executor: id, .. } => {
                if self.missing.remove(id).is_some() {
                    return;
                }
                let gone = self.change(config, *id, |_, executor| {
                    let told = !planted!(config, LostAgain);
                    executor.fate = Fate::Ended { told };
                    executor.pod == Pod::Gone
                });
                if gone == Some(true) {
                    self.forget(config, *id);
                }
            }
            Notice::Refuse { executor } => {
                self.refused.remove(executor);
            }
            Notice::Raised(_) | Notice::Cleared(_) => self.told_findings = self.findings.clone(),
            Notice::Backoff { group, until } => {
                if let Some(facts) = self.groups.get_mut(group) {
                    facts.startup.told = *until;
                }
            }
            Notice::Halted => self.budget.halted_told = true,
        }
    }

    fn create_issued(&mut self, config: &Config, action: ActionId, made: &Made<'_>) {
        let Made {
            id,
            group,
            template,
            claims,
            why,
        } = *made;
        let anew = !self.executors.contains_key(&id);
        if anew {
            let group = self
                .groups
                .get_key_value(group)
                .map_or(group, |(known, _)| known)
                .clone();
            self.next = self.next.max(id.sequence.saturating_add(1));
            let mut executor = Executor::new(group, template);
            if !claims.is_empty() {
                executor.with_extra(|extra| extra.claims = claims.to_vec());
            }
            self.put(config, id, executor);
        }
        let now = self.now;
        let unclear = self
            .executors
            .get(&id)
            .is_some_and(|executor| matches!(executor.write, Write::Again { unclear: true, .. }));
        let executors = &self.executors;
        let counts = |id: &ExecutorId| executors.get(id).is_some_and(Executor::counts);
        if let Some(facts) = self.groups.get_mut(group) {
            facts.batch_use(config, now);
            // What may be there already is no probe.
            if !unclear {
                facts.startup.asked_for(&config.failing, now, id, anew);
            }
            if why == Why::Roll {
                facts.surge(id, counts);
            }
        }
        self.sent(config, action, id, Sort::Create, Bound::Name);
    }

    fn delete_issued(&mut self, config: &Config, action: ActionId, decision: &Decision) {
        let Action::Delete {
            executor: id,
            uid,
            revision,
        } = &decision.action
        else {
            return;
        };
        self.change(config, *id, |all, executor| {
            executor.delete_issued = true;
            // SHRINK-1, and a lowered target with no engine: decided by this very plan.
            if matches!(executor.fate, Fate::Wanted) {
                let why = decision.why;
                let cause = match executor.patience(config, all.now) {
                    Patience::Over(cause) if why == Why::Grow6 => cause,
                    _ if why == Why::Claim => Cause::Released,
                    _ => Cause::Shrunk,
                };
                if !matches!(why, Why::Grow6 | Why::Claim) {
                    all.spend_delete(config);
                }
                executor.fate = Fate::Condemned {
                    why,
                    cause,
                    precondition: *revision,
                    drained: false,
                    then: None,
                };
            }
        });
        let bound = bound_of(uid.as_ref(), *revision);
        self.sent(config, action, *id, Sort::Delete, bound);
    }

    /// SHRINK-5: an excess has taken one more.
    fn spend_delete(&mut self, config: &Config) {
        let Some(budget) = config.shrinking.max_deletes else {
            return;
        };
        let now = self.now;
        self.deletes.push_back(now);
        while let Some(at) = self.deletes.front()
            && at.after(budget.every) <= now
        {
            self.deletes.pop_front();
        }
    }

    /// ROLL: these are to be replaced; where the group's turn has come, it is over with that.
    fn roll_issued(&mut self, config: &Config, group: &Group, olds: &[ExecutorId]) {
        let (now, every) = (self.now, config.group(group).roll.every);
        let executors = &self.executors;
        let Some(facts) = self.groups.get_mut(group) else {
            return;
        };
        let there = |id: &ExecutorId| executors.get(id).is_some_and(Executor::counts);
        facts.rolls = facts
            .rolls
            .iter()
            .filter(|(id, _)| there(id))
            .map(|(id, new)| (*id, *new))
            .collect();
        for id in olds {
            facts.rolls.insert(*id, None);
        }
        if let Some(every) = every {
            facts.turn_over(now, every);
        }
    }

    fn sent(
        &mut self,
        config: &Config,
        action: ActionId,
        id: ExecutorId,
        sort: Sort,
        bound: Bound,
    ) {
        self.begin(
            action,
            Open {
                executor: id,
                at: self.now,
                sort,
                stray: false,
                bound,
            },
        );
        let at = self.now;
        self.change(config, id, |_, executor| {
            let (tries, unclear) = match executor.write {
                Write::Again {
                    sort: last,
                    tries,
                    unclear,
                    ..
                } if last == sort => (tries, unclear),
                _ => (0, false),
            };
            executor.write = Write::Sent {
                action,
                sort,
                at,
                tries,
                unclear,
            };
        });
    }

    fn stray_issued(&mut self, config: &Config, action: ActionId, open: Open) {
        self.begin(action, open);
        let at = self.now;
        self.change_stray(config, open.executor, |stray| {
            let tries = match stray.write {
                Write::Again { tries, .. } => tries,
                _ => 0,
            };
            stray.write = Write::Sent {
                action,
                sort: Sort::Delete,
                at,
                tries,
                unclear: false,
            };
        });
    }

    fn begin(&mut self, action: ActionId, open: Open) {
        match open.sort {
            Sort::Create => self.governor.creates_in_flight += 1,
            Sort::Delete | Sort::Mark | Sort::Resize => self.governor.others_in_flight += 1,
        }
        self.actions.insert(action, open);
    }
}

fn bound_of(uid: Option<&Uid>, revision: Option<Revision>) -> Bound {
    match (uid, revision) {
        (_, Some(_)) => Bound::Revision,
        (Some(_), None) => Bound::Uid,
        (None, None) => Bound::Name,
    }
}
