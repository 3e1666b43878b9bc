//! SEE-5, FAIL-3: folds in what is known of an effect.

use super::{
    Bound, Open, Snapshot, classify,
    classify::Whose,
    governor::Answer,
    groups::HoldReason,
    record::{Answered, Executor, Fate, Pod, Sort, Verdict, Write},
    stray::StrayKind,
};
use crate::{
    config::Config,
    input::{Failure, Outcome, PodView, Refusal},
    output::{Cause, Evidence},
    plan::{Class, Finding},
    words::{ActionId, ExecutorId, Name, Revision, Span, Time, Uid},
};
use std::sync::Arc;

const FIRST_WAIT: Span = Span::seconds(1);
const LONGEST_WAIT: Span = Span::seconds(60);

/// SEE-4: the wait before something without a number of its own is repeated.
pub(crate) fn wait(tries: u8) -> Span {
    FIRST_WAIT.doubled(tries, LONGEST_WAIT)
}

/// How often an effect was tried, and whether one of the tries may have worked.
#[derive(Clone, Copy)]
struct Tried {
    action: ActionId,
    tries: u8,
    unclear: bool,
}

impl Snapshot {
    pub(super) fn fold_answer(&mut self, config: &Config, action: ActionId, outcome: &Outcome) {
        if self.fold_claim_answer(config, action, outcome) {
            return;
        }
        let Some(open) = self.actions.remove(&action) else {
            self.findings.insert(Finding::StrayAnswer);
            return;
        };
        let answer = Answer {
            action,
            create: open.sort == Sort::Create,
            outcome,
        };
        self.governor
            .answered(config, self.now, &answer, self.newest_action);
        self.note_verb(open.sort, outcome);
        if open.stray {
            let failed = matches!(outcome, Outcome::Refused(_) | Outcome::Unclear(_));
            match self.strays.get(&open.executor).map(|stray| &stray.write) {
                Some(Write::Sent {
                    action: sent,
                    tries,
                    ..
                }) if *sent == action => {
                    self.fold_stray_answer(config, open, *tries, outcome);
                }
                // It went out of view and came back meanwhile: what failed just now is not repeated at once.
                Some(Write::None) if failed => self.fold_stray_answer(config, open, 0, outcome),
                _ => {}
            }
            return;
        }
        // Anything else has been settled meanwhile.
        let sent = self
            .executors
            .get(&open.executor)
            .map(|executor| executor.write.clone());
        let Some(Write::Sent {
            action: sent,
            tries,
            unclear,
            ..
        }) = sent
        else {
            return;
        };
        if sent != action {
            return;
        }
        let tried = Tried {
            action,
            tries,
            unclear,
        };
        match open.sort {
            Sort::Create => self.fold_created(config, open.executor, tried, outcome),
            Sort::Delete | Sort::Mark | Sort::Resize => {
                self.fold_written(config, open, tried, outcome);
            }
        }
    }

    /// A verb that is forbidden is a finding until it works.
    fn note_verb(&mut self, sort: Sort, outcome: &Outcome) {
        let verb = match sort {
            Sort::Create => "create",
            Sort::Delete => "delete",
            Sort::Mark | Sort::Resize => "patch",
        };
        let finding = Finding::Refused {
            verb: verb.into(),
            why: Failure::Forbidden,
        };
        match outcome {
            Outcome::Refused(Refusal::Forbidden(_) | Refusal::NotPermitted(_)) => {
                self.findings.insert(finding);
            }
            Outcome::Done { .. } => {
                self.findings.remove(&finding);
            }
            _ => {}
        }
    }

    pub(super) fn note_claim_refused(&mut self, verb: &str, refused: bool) {
        let finding = Finding::Refused {
            verb: verb.into(),
            why: Failure::Forbidden,
        };
        if refused {
            self.findings.insert(finding);
        } else {
            self.findings.remove(&finding);
        }
    }

    fn fold_created(&mut self, config: &Config, id: ExecutorId, tried: Tried, outcome: &Outcome) {
        match outcome {
            Outcome::Done { revision, uid } => {
                let claims = self.executors.get(&id).map(Executor::claims);
                let claims = claims.unwrap_or_default().to_vec();
                let ours = self.created(config, id, *revision, uid.as_ref());
                if let (false, Some(uid), Some(revision)) = (ours, uid, *revision) {
                    self.add_made(config, id, uid, revision, claims);
                }
            }
            Outcome::Exists(Some(_)) if planted!(config, ExistsIsFailure) => {
                self.create_failed(config, id, Cause::Vanished, None);
            }
            Outcome::Exists(Some(view)) => self.create_met(config, id, view),
            Outcome::Exists(None) => self.create_failed(config, id, Cause::Vanished, None),
            Outcome::Refused(refusal) => self.create_refused(config, id, tried, refusal),
            // The store answers neither to a create.
            Outcome::Absent | Outcome::Changed => {
                self.create_refused(config, id, tried, &Refusal::QuotaRace);
            }
            Outcome::Unclear(_) if planted!(config, Grow3) => {
                self.create_failed(config, id, Cause::Vanished, None);
            }
            Outcome::Unclear(_) => {
                let at = self.now.after(wait(tried.tries));
                self.create_again(
                    config,
                    id,
                    at,
                    Tried {
                        unclear: true,
                        ..tried
                    },
                );
            }
        }
    }

    /// Whether ours is there; otherwise what was made is another (SEE-3).
    fn created(
        &mut self,
        config: &Config,
        id: ExecutorId,
        revision: Option<Revision>,
        uid: Option<&Uid>,
    ) -> bool {
        let now = self.now;
        let another = self
            .executors
            .get(&id)
            .and_then(Executor::seen)
            .is_some_and(|seen| {
                uid.is_some_and(|uid| *uid != seen.uid)
                    && revision.is_some_and(|revision| revision > seen.revision)
            });
        if another {
            // SEE-3: its name was free again, so ours is gone; what was made now is a ghost.
            self.end_gone(config, id, None);
            return false;
        }
        self.change(config, id, |all, executor| {
            executor.write = Write::None;
            if executor.seen().is_none() {
                let answered = Answered {
                    at: now,
                    uid: uid.cloned(),
                    revision,
                };
                executor.pod = Pod::Unseen {
                    answered: Some(answered),
                };
            }
            if let Some(facts) = all.groups.get_mut(&executor.group) {
                facts.hold_ends_well(now);
            }
        });
        true
    }

    /// GROW-3: the name was taken. By our own pod, of an earlier try; or by a stranger's.
    fn create_met(&mut self, config: &Config, id: ExecutorId, view: &PodView) {
        let executor = self.executors.get(&id);
        let ours = match classify::whose(&self.fleet, view) {
            Whose::Ours { id: its, group } => {
                its == id && executor.is_none_or(|executor| executor.group == group)
            }
            Whose::Malformed => false,
        };
        if !ours && !planted!(config, ExistsIsSuccess) {
            let finding = Finding::NameTaken(view.name.clone());
            self.findings.insert(finding);
            let cause = Cause::CreateRejected {
                reason: "name_taken".into(),
            };
            return self.create_failed(config, id, cause, None);
        }
        let (revision, uid) = (Some(view.revision), Some(&view.uid));
        let known = self.has_seen(id);
        if !self.created(config, id, revision, uid) {
            self.add_stray(config, id, view, StrayKind::Ghost);
        } else if !known {
            self.change(config, id, |all, executor| {
                all.update(config, id, executor, view)
            });
        }
    }

    fn create_refused(&mut self, config: &Config, id: ExecutorId, tried: Tried, refusal: &Refusal) {
        let now = self.now;
        let held_until = self.governor.held(now).map_or(now, |hold| hold.until);
        let rejected = |reason: &str| Cause::CreateRejected {
            reason: reason.into(),
        };
        match refusal {
            _ if planted!(config, Fail3) => {
                self.create_rejected(config, id, tried, rejected("refused"), &"".into());
            }
            Refusal::QuotaRace if planted!(config, RaceIsFatal) => {
                self.create_rejected(config, id, tried, rejected("forbidden"), &"".into());
            }
            Refusal::Quota(_) if planted!(config, QuotaAtOnce) => {
                self.create_again(config, id, now, tried);
            }
            Refusal::Forbidden(message) => {
                self.create_rejected(config, id, tried, rejected("forbidden"), message);
            }
            Refusal::Invalid(message) => {
                self.create_rejected(config, id, tried, rejected("invalid"), message);
            }
            Refusal::Quota(_) | Refusal::NamespaceGone | Refusal::NotPermitted(_) => {
                let why = match refusal {
                    Refusal::Quota(_) => HoldReason::Quota,
                    Refusal::NotPermitted(_) => HoldReason::NotPermitted,
                    _ => HoldReason::NamespaceGone,
                };
                let at = self.hold_group(config, id, tried.action, why);
                self.create_again(config, id, at, tried);
            }
            Refusal::QuotaRace | Refusal::TooLate => {
                self.create_again(config, id, now.after(FIRST_WAIT), tried);
            }
            Refusal::Throttled { .. } | Refusal::NotSent(_) | Refusal::Unauthorized => {
                self.create_again(config, id, held_until, tried);
            }
        }
    }

    fn hold_group(
        &mut self,
        config: &Config,
        id: ExecutorId,
        action: ActionId,
        why: HoldReason,
    ) -> Time {
        let (now, newest) = (self.now, self.newest_action);
        let group = self
            .executors
            .get(&id)
            .map(|executor| executor.group.clone());
        let facts = group.and_then(|group| self.groups.get_mut(&group));
        facts.map_or(now, |facts| {
            facts.hold_more(config, now, action, newest, why);
            facts.held(now).map_or(now, |hold| hold.until)
        })
    }

    /// The same create is tried again at `at`, unless what it is for is settled, or no longer wanted.
    fn create_again(&mut self, config: &Config, id: ExecutorId, at: Time, tried: Tried) {
        let Tried { tries, unclear, .. } = tried;
        let at = if planted!(config, NeverAgain) {
            Time::NEVER
        } else {
            at
        };
        let unwanted = self.change(config, id, |_, executor| {
            let settled = !executor.is_unaccounted() || executor.is_registered();
            executor.write = if settled {
                Write::None
            } else {
                Write::Again {
                    sort: Sort::Create,
                    at,
                    tries: tries.saturating_add(1),
                    unclear,
                }
            };
            !settled && !unclear && !matches!(executor.fate, Fate::Wanted)
        });
        if unwanted == Some(true) {
            self.withdraw(config, id);
        }
    }

    /// The server will not have it. Where an earlier try is unclear, its pod may be there all the same: the verdict
    /// waits for a listing, and falls if the pod shows (GROW-3).
    fn create_rejected(
        &mut self,
        config: &Config,
        id: ExecutorId,
        tried: Tried,
        cause: Cause,
        message: &Name,
    ) {
        if !tried.unclear {
            return self.create_failed(config, id, cause, Some(message));
        }
        self.create_again(config, id, self.now, tried);
        self.change(config, id, |_, executor| {
            if matches!(executor.write, Write::Again { .. }) {
                executor.verdict = Some(rejection(cause, Some(message)));
            }
        });
    }

    /// There is no pod, and there will be none. Nothing of the sort where a view or the engine knows better.
    fn create_failed(
        &mut self,
        config: &Config,
        id: ExecutorId,
        cause: Cause,
        message: Option<&Name>,
    ) {
        let unwanted = self.change(config, id, |_, executor| {
            executor.write = Write::None;
            if executor.is_unaccounted() && !executor.is_registered() {
                executor.verdict = Some(rejection(cause, message));
            }
            executor.verdict.is_some() && executor.seen().is_none()
        });
        let wanted = self
            .executors
            .get(&id)
            .is_some_and(|executor| matches!(executor.fate, Fate::Wanted));
        match unwanted {
            Some(true) if wanted => self.end_gone(config, id, None),
            Some(true) => self.withdraw(config, id),
            _ => {}
        }
    }

    fn fold_written(&mut self, config: &Config, open: Open, tried: Tried, outcome: &Outcome) {
        let (now, id, sort) = (self.now, open.executor, open.sort);
        let again = |unclear, at| Write::Again {
            sort,
            at,
            tries: tried.tries.saturating_add(1),
            unclear,
        };
        let write = match outcome {
            Outcome::Done { .. } if planted!(config, See5) => again(false, now.after(FIRST_WAIT)),
            Outcome::Done { revision, .. } => Write::Answered {
                sort,
                at: now,
                revision: *revision,
            },
            Outcome::Refused(_) | Outcome::Unclear(_)
                if sort == Sort::Delete && planted!(config, DeleteForgotten) =>
            {
                Write::Answered {
                    sort,
                    at: Time::NEVER,
                    revision: None,
                }
            }
            // Its create may have landed after this delete: what was seen since is deleted by its UID.
            Outcome::Absent if open.bound == Bound::Name && self.has_seen(id) => Write::None,
            Outcome::Absent => return self.gone_for_write(config, id),
            Outcome::Changed if open.bound == Bound::Revision => {
                return self.precondition_failed(config, id, tried);
            }
            Outcome::Changed => return self.gone_for_write(config, id),
            // SIZE: left alone from then on.
            Outcome::Refused(
                Refusal::Forbidden(_)
                | Refusal::NotPermitted(_)
                | Refusal::Invalid(_)
                | Refusal::Quota(_),
            ) if sort == Sort::Resize => {
                self.change(config, id, |_, executor| {
                    executor.write = Write::None;
                    executor.with_extra(|extra| extra.no_resize = true);
                });
                return;
            }
            Outcome::Refused(Refusal::TooLate) => again(false, now.after(FIRST_WAIT)),
            Outcome::Refused(_) => again(false, now.after(wait(tried.tries))),
            Outcome::Unclear(_) | Outcome::Exists(_) => again(true, now.after(wait(tried.tries))),
        };
        let done = matches!(outcome, Outcome::Done { .. });
        self.change(config, id, |all, executor| {
            executor.write = write;
            close_if_shown(executor);
            executor.settle_resize(config);
            if done {
                all.charge_given_up(config, id, executor);
            }
        });
    }

    /// Whether a view has shown that executor's pod.
    fn has_seen(&self, id: ExecutorId) -> bool {
        let executor = self.executors.get(&id);
        executor.is_some_and(|executor| executor.seen().is_some())
    }

    /// NotFound, and Conflict where the UID was the only precondition: our pod is gone (END-2).
    fn gone_for_write(&mut self, config: &Config, id: ExecutorId) {
        let never = self.executors.get(&id).is_some_and(|executor| {
            executor.is_unaccounted() && !executor.is_registered() && executor.verdict.is_none()
        });
        if never {
            // GROW-3: the create that was unclear had no effect.
            self.withdraw(config, id);
        } else {
            self.end_gone(config, id, None);
        }
    }

    /// SHRINK-1: it has changed since the view: let live, and decided anew.
    fn precondition_failed(&mut self, config: &Config, id: ExecutorId, tried: Tried) {
        let at = self.now;
        self.change(config, id, |all, executor| {
            let Fate::Condemned {
                precondition: Some(beyond),
                ..
            } = executor.fate
            else {
                executor.write = Write::None;
                return;
            };
            let ahead = executor.seen().is_some_and(|seen| seen.revision > beyond);
            // Where an earlier try may have worked, it may be that very change: the view tells.
            let goes_on = ahead && executor.class() != Some(Class::Terminating);
            if !tried.unclear || goes_on {
                all.let_live(config, executor);
            }
            executor.write = if ahead {
                Write::None
            } else {
                Write::Stale { beyond, at }
            };
        });
        self.settle_fate(config, id);
    }
}

fn rejection(cause: Cause, message: Option<&Name>) -> Arc<Verdict> {
    let evidence = Evidence {
        message: message.cloned(),
        ..Evidence::default()
    };
    Arc::new(Verdict {
        cause,
        evidence: Arc::new(evidence),
    })
}

/// The view may have been ahead of the answer.
fn close_if_shown(executor: &mut Executor) {
    let Write::Answered { sort, revision, .. } = executor.write else {
        return;
    };
    let shown = executor.seen().is_some_and(|seen| match sort {
        Sort::Delete => seen.deleting.is_some(),
        Sort::Create | Sort::Mark => false,
        Sort::Resize => revision.is_some_and(|revision| seen.revision >= revision),
    });
    if shown {
        executor.write = Write::None;
    }
}
