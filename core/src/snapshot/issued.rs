//! Folds in what a plan just decided and told: it is under way, and not decided again (SEE-5).

use super::{
    Open, Snapshot,
    record::{Executor, Fate, Pod, Sort, Write},
};
use crate::{
    config::Config,
    output::{Action, Cause, Notice, Why},
    plan::{Decision, Plan},
    words::{ActionId, ExecutorId, Group},
};

impl Snapshot {
    pub(super) fn fold_issued(&mut self, config: &Config, plan: &Plan, first: ActionId) {
        for notice in &plan.notices {
            self.fold_told(config, notice);
        }
        for id in &plan.withdrawn {
            self.withdraw(config, *id);
        }
        for id in &plan.released {
            self.release(config, *id, Why::Shrink2, Cause::Shrunk);
        }
        for (action, decision) in (first.0..).map(ActionId).zip(&plan.decisions) {
            self.newest_action = action;
            match &decision.action {
                Action::Create {
                    executor,
                    group,
                    template,
                    ..
                } => {
                    self.create_issued(config, action, *executor, group, *template);
                }
                Action::Delete {
                    executor, revision, ..
                } if decision.why == Why::See3 => {
                    let open = Open {
                        executor: *executor,
                        sort: Sort::Delete,
                        stray: true,
                        conditional: revision.is_some(),
                    };
                    self.stray_issued(action, open);
                }
                Action::Delete { .. } => self.delete_issued(config, action, decision),
                Action::Resize { .. } | Action::CreateClaim { .. } | Action::DeleteClaim { .. } => {
                }
                Action::MarkFinished { executor, .. } => {
                    self.sent(config, action, *executor, Sort::Mark, false);
                }
            }
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
            Notice::Backoff { .. } => {}
            Notice::Halted => self.budget.halted_told = true,
        }
    }

    fn create_issued(
        &mut self,
        config: &Config,
        action: ActionId,
        id: ExecutorId,
        group: &Group,
        template: u64,
    ) {
        if !self.executors.contains_key(&id) {
            let group = self
                .groups
                .get_key_value(group)
                .map_or(group, |(known, _)| known)
                .clone();
            self.next = self.next.max(id.sequence.saturating_add(1));
            self.put(config, id, Executor::new(group, template));
        }
        let now = self.now;
        if let Some(facts) = self.groups.get_mut(group) {
            facts.batch_use(config, now);
        }
        self.sent(config, action, id, Sort::Create, false);
    }

    fn delete_issued(&mut self, config: &Config, action: ActionId, decision: &Decision) {
        let Action::Delete {
            executor: id,
            revision,
            ..
        } = &decision.action
        else {
            return;
        };
        self.change(config, *id, |_, executor| {
            executor.delete_issued = true;
            // SHRINK-1, and a lowered target with no engine: decided by this very plan.
            if matches!(executor.fate, Fate::Wanted) {
                let (why, cause) = (decision.why, Cause::Shrunk);
                executor.fate = Fate::Condemned {
                    why,
                    cause,
                    precondition: *revision,
                };
            }
        });
        self.sent(config, action, *id, Sort::Delete, revision.is_some());
    }

    fn sent(
        &mut self,
        config: &Config,
        action: ActionId,
        id: ExecutorId,
        sort: Sort,
        conditional: bool,
    ) {
        self.begin(
            action,
            Open {
                executor: id,
                sort,
                stray: false,
                conditional,
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

    fn stray_issued(&mut self, action: ActionId, open: Open) {
        self.begin(action, open);
        let at = self.now;
        if let Some(stray) = self.strays.get_mut(&open.executor) {
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
        }
    }

    fn begin(&mut self, action: ActionId, open: Open) {
        match open.sort {
            Sort::Create => self.governor.creates_in_flight += 1,
            Sort::Delete | Sort::Mark => self.governor.others_in_flight += 1,
        }
        self.actions.insert(action, open);
    }
}
