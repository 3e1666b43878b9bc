//! SEE-1 to SEE-4: folds in what one view of a pod shows.

use super::{
    Snapshot, cause,
    classify::{self, Whose},
    meets::Meets,
    record::{
        Disruption, EngineFact, Executor, Fate, Notes, Pod, Seen, Sort, Then, Verdict, Waiting,
        Write,
    },
    stray::StrayKind,
};
use crate::{
    config::{Config, EngineMode},
    input::{Phase, PodView},
    output::{Cause, Why},
    plan::{Class, Finding},
    words::{ExecutorId, Group, Moment, Name, Revision, Span, Time},
};
use std::sync::Arc;

/// How a view came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sight {
    /// By the watch.
    Event,
    /// In a listing that was asked for then, of that revision.
    Listed(Time, Revision),
    /// In the first listing of an incarnation.
    First(Time, Revision),
}

impl Snapshot {
    /// A pod is there, as this view shows it.
    pub(super) fn see(&mut self, config: &Config, view: &PodView) {
        match classify::whose(&self.fleet, view) {
            Whose::Malformed => {
                self.findings
                    .insert(Finding::MalformedPod(view.name.clone()));
            }
            Whose::Ours { id, group } => self.see_ours(config, id, group, view, Sight::Event),
        }
    }

    pub(super) fn see_ours(
        &mut self,
        config: &Config,
        id: ExecutorId,
        group: Group,
        view: &PodView,
        sight: Sight,
    ) {
        if view.labels.finished {
            // Kept ones are listed only to be deleted (LIVE-4). One that is being deleted already is out of view: nobody
            // would see it go.
            let to_delete = self.closing.is_some() && view.deleting.is_none();
            if sight != Sight::Event && to_delete && !self.executors.contains_key(&id) {
                self.add_stray(config, id, view, StrayKind::Kept);
            }
            return;
        }
        match self.meets(config, id, view, sight) {
            Meets::Nothing => {}
            Meets::Executor => {
                self.change(config, id, |all, executor| {
                    all.update(config, id, executor, view)
                });
                // Where it is let live, and its group is not wanted any more.
                self.settle_fate(config, id);
            }
            Meets::Ghost { ours_is_gone } => {
                if ours_is_gone {
                    self.end_gone(config, id, None);
                }
                if !planted!(config, See3) {
                    self.add_stray(config, id, view, StrayKind::Ghost);
                }
            }
            Meets::Adoption if planted!(config, PastIgnored) => {}
            Meets::Adoption => self.adopt(config, id, group, view, sight),
            Meets::NeverIssued => {
                self.remember_shown(id, view);
                self.findings.insert(Finding::UnknownExecutor(id));
            }
            Meets::Superseded => {
                self.remember_shown(id, view);
                self.superseded();
            }
        }
    }

    /// LIVE-1: an executor of an earlier incarnation becomes ours.
    fn adopt(
        &mut self,
        config: &Config,
        id: ExecutorId,
        group: Group,
        view: &PodView,
        sight: Sight,
    ) {
        let group = self
            .groups
            .get_key_value(&group)
            .map_or(group, |(known, _)| known.clone());
        let mut executor = Executor::new(group, view.labels.template.unwrap_or(0));
        executor.adopted = true;
        let wish = self
            .groups
            .get(&executor.group)
            .and_then(|facts| facts.wish.as_ref());
        executor.outdated =
            wish.is_some_and(|wish| wish.template != executor.template) && executor.template != 0;
        let early = self.take_early(id);
        if let Some(early) = early
            .as_ref()
            .filter(|_| !planted!(config, RegistrationLost))
        {
            executor.engine = EngineFact::Registered {
                at: early.at,
                idle: early.idle.filter(|_| !planted!(config, EarlyIdleLost)),
            };
            executor.proven = true;
        }
        // What ended while nobody looked is cleaned up, and neither told nor counted.
        let class = classify::class(config, view);
        executor.proven |= class == Class::Running;
        let first = matches!(sight, Sight::First(..));
        if first && matches!(class, Class::Failed | Class::Succeeded) {
            executor.fate = Fate::Ended { told: true };
        }
        self.put(config, id, executor);
        self.forget_shown(id);
        self.change(config, id, |all, executor| {
            all.update(config, id, executor, view)
        });
        if planted!(config, PastDeleted) {
            self.condemn(config, id, Why::Shrink4, Cause::Released);
        }
        if let Some(early) = early {
            self.recall(config, id, early);
        }
        self.settle_fate(config, id);
        self.yield_claims(config, id, view, sight);
    }

    /// CLAIM: where an executor appears late, its claim may have been deleted.
    fn yield_claims(&mut self, config: &Config, id: ExecutorId, view: &PodView, sight: Sight) {
        if !config.uses_claims() {
            return;
        }
        // Whose claim is another's by now, that is seen when the next plan is made. What a listing shows of claims comes
        // after its pods; and before the first one of this incarnation, others may have made claims that are not known yet.
        let late = sight == Sight::Event && self.leading.is_synced();
        let late = late || planted!(config, UnseenClaimGone);
        let gone = |claim: &Name| late && !self.claims.all.contains_key(claim);
        if view.claims.iter().any(gone) {
            self.condemn(config, id, Why::Claim, Cause::Released);
        }
    }

    /// Folds a newer view of its own pod into an executor.
    pub(super) fn update(
        &mut self,
        config: &Config,
        id: ExecutorId,
        executor: &mut Executor,
        view: &PodView,
    ) {
        let now = self.now;
        // By what was known before: what has failed by now had started well, or not.
        if executor.started_well(config, now).is_ok() {
            self.prove(id, executor);
        }
        let class = classify::class(config, view);
        let before = executor.seen().cloned();
        let was_finished = executor.is_finished();
        let finished = matches!(class, Class::Failed | Class::Succeeded);
        if was_finished && !finished {
            self.findings
                .insert(Finding::IllegalState(view.name.clone()));
        }
        let runs = |all: &Self| {
            let facts = all.groups.get(&executor.group);
            facts.is_some_and(|facts| facts.tally.of(Class::Running) > 0)
        };
        let class = if planted!(config, FirstToRun) && class == Class::Running && runs(self) {
            Class::Pending
        } else {
            class
        };
        // First cause stands: what has finished stays so.
        let class = match &before {
            Some(seen) if was_finished && !finished && !planted!(config, Revived) => seen.class,
            _ => class,
        };
        let answered_at = match &executor.pod {
            Pod::Unseen {
                answered: Some(answer),
            } => Some(answer.at.into()),
            _ => None,
        };
        let by_age = || Moment::from(now).before(Span(view.age_ms));
        executor.pod = Pod::Seen(Seen {
            class,
            since: before
                .as_ref()
                .filter(|seen| seen.class == class)
                .map_or(now, |seen| seen.since),
            born: before
                .as_ref()
                .map(|seen| seen.born)
                .or(answered_at)
                .unwrap_or_else(by_age),
            uid: view.uid.clone(),
            revision: view.revision,
            deleting: view.deleting,
            on_node: view.node.is_some(),
            over: matches!(view.phase, Phase::Succeeded | Phase::Failed),
        });
        if before.is_none() && !executor.has_ended() {
            // A refusal after an unclear try is no verdict on a pod that is there.
            executor.verdict = None;
        }
        executor.notes = notes(now, executor, view);
        keep_extra(config, executor, view);
        close_write(executor, view, before.is_none());
        executor.settle_resize(config);
        if executor.verdict.is_none() && (finished || class == Class::Terminating) {
            let verdict = cause::by_view(config, executor, view, finished);
            self.owe(config, executor, &verdict.cause);
            executor.verdict = Some(Arc::new(verdict));
        }
        if let Some(reason) = view.disruption.as_ref().filter(|_| !finished) {
            let kind = cause::disrupted(reason, view.ready);
            if class == Class::Terminating {
                executor.disruption.get_or_insert(kind);
            } else {
                self.disrupt(config, executor, kind, None);
            }
        }
        if finished && !was_finished {
            self.end(config, id, executor);
        }
        if class == Class::Terminating {
            drain_unasked(config, executor);
            // The effect is seen before its answer.
            self.charge_given_up(config, id, executor);
        }
        let passed = matches!(
            executor.fate,
            Fate::Condemned { precondition: Some(at), .. } if view.revision > at
        );
        let decided_anew = match executor.write {
            Write::None => !finished && class != Class::Terminating,
            Write::Again { .. } => class == Class::Running,
            Write::Sent { .. } | Write::Answered { .. } | Write::Stale { .. } => false,
        };
        if passed && decided_anew {
            // SHRINK-1: it goes on, at another revision: its delete had no effect, and will have none. Let live, and decided
            // anew.
            executor.write = Write::None;
            self.let_live(config, executor);
        }
    }

    /// SHRINK-1, GROW-6: it is wanted again, unless it will soon be lost, or the engine has said otherwise meanwhile.
    pub(super) fn let_live(&mut self, config: &Config, executor: &mut Executor) {
        let fate = std::mem::replace(&mut executor.fate, Fate::Wanted);
        executor.delete_issued = false;
        if let Fate::Condemned {
            then: Some(then), ..
        } = fate
        {
            executor.fate = match then {
                Then::Release(why, cause) => Fate::released(why, cause, executor.drains(config)),
                Then::Delete(why, cause) => Fate::condemned(why, cause, false),
            };
        }
        if let Some(kind) = executor.disruption {
            self.disrupt(config, executor, kind, None);
        }
    }

    /// The object left the watch: deleted, finished and kept, or without our label.
    pub(super) fn see_leave(&mut self, config: &Config, view: &PodView) {
        self.findings
            .remove(&Finding::MalformedPod(view.name.clone()));
        let Some(id) = classify::id_by_name(&self.fleet, &view.name) else {
            return;
        };
        self.findings.remove(&Finding::UnknownExecutor(id));
        if self.stray_left(config, id, view) {
            return;
        }
        let Some(executor) = self.executors.get(&id) else {
            self.remember_removal(id, view);
            return;
        };
        let newer = match &executor.pod {
            Pod::Seen(seen) => seen.uid == view.uid && view.revision > seen.revision,
            Pod::Unseen { answered } => {
                let uid = answered.as_ref().and_then(|answer| answer.uid.as_ref());
                uid.is_none_or(|uid| *uid == view.uid) && !self.is_covered(view, Sight::Event)
            }
            Pod::Gone => false,
        };
        if !newer {
            // SEE-3: another pod had the name by then, so ours is gone, as is that one.
            let known = match &executor.pod {
                Pod::Seen(seen) if seen.uid != view.uid => Some(seen.revision),
                Pod::Unseen {
                    answered: Some(answer),
                } if answer.uid.as_ref().is_some_and(|uid| *uid != view.uid) => answer.revision,
                _ => None,
            };
            if known.is_some_and(|known| view.revision > known)
                && !self.is_covered(view, Sight::Event)
            {
                self.end_gone(config, id, Some(view.revision));
            }
            return;
        }
        let kept = view.labels.finished;
        let strayed = classify::strays(config, view);
        if strayed {
            self.change(config, id, |_, executor| {
                executor
                    .verdict
                    .get_or_insert_with(|| verdict(Cause::DeletedByOther))
                    .clone()
            });
        } else if !kept {
            self.change(config, id, |all, executor| {
                all.update(config, id, executor, view);
                all.end(config, id, executor);
            });
        }
        self.end_gone(config, id, Some(view.revision));
        if strayed {
            self.add_stray(config, id, view, StrayKind::Strayed);
        }
    }

    /// END-1: a pod is seen finished, or gone.
    pub(super) fn end(&mut self, config: &Config, id: ExecutorId, executor: &mut Executor) {
        if executor.has_ended() {
            return;
        }
        let verdict = executor
            .verdict
            .get_or_insert_with(|| verdict(Cause::DeletedByOther));
        if planted!(config, End1) {
            *verdict = self::verdict(Cause::DeletedByOther);
        }
        let cause = verdict.cause.clone();
        executor.fate = Fate::Ended { told: false };
        self.charge(config, id, executor, &cause);
    }

    /// An executor's pod is gone; `revision` is that of its going, where it is known.
    pub(super) fn end_gone(&mut self, config: &Config, id: ExecutorId, revision: Option<Revision>) {
        let forgotten = self.change(config, id, |all, executor| {
            if executor.verdict.is_none() {
                executor.verdict = Some(Arc::new(cause::by_absence(config, executor)));
            }
            all.end(config, id, executor);
            all.note_removed(id, executor.uid().cloned(), revision, true);
            executor.pod = Pod::Gone;
            executor.write = Write::None;
            matches!(executor.fate, Fate::Ended { told: true })
        });
        if forgotten == Some(true) {
            self.forget(config, id);
        }
    }

    /// END-1: a pod outlives its grace: its executor is as good as gone.
    pub(super) fn end_overdue(&mut self, config: &Config, id: ExecutorId, executor: &mut Executor) {
        if executor.has_ended() || executor.overdue_at(config).is_none_or(|at| at > self.now) {
            return;
        }
        let verdict = executor
            .verdict
            .get_or_insert_with(|| verdict(Cause::NodeLost));
        if verdict.cause == Cause::DeletedByOther {
            let evidence = verdict.evidence.clone();
            *verdict = Arc::new(Verdict {
                cause: Cause::NodeLost,
                evidence,
            });
        }
        self.end(config, id, executor);
    }

    /// SPOT: it will soon be lost: drained at once, or deleted, if it is neither registered nor running.
    pub(super) fn disrupt(
        &mut self,
        config: &Config,
        executor: &mut Executor,
        kind: Disruption,
        until: Option<Time>,
    ) {
        if executor.has_ended() || planted!(config, Spot) {
            return;
        }
        let kind = *executor.disruption.get_or_insert(kind);
        if !matches!(executor.fate, Fate::Wanted) {
            return;
        }
        executor.fate = Fate::released(Why::Spot, kind.cause(), executor.drains(config));
        if let Fate::Draining {
            until: deadline, ..
        } = &mut executor.fate
        {
            *deadline = until;
        }
    }
}

pub(super) fn verdict(cause: Cause) -> Arc<Verdict> {
    Arc::new(Verdict {
        cause,
        evidence: Arc::default(),
    })
}

/// SEE-5, END-2: what the view shows closes the write that it is of.
fn close_write(executor: &mut Executor, view: &PodView, first: bool) {
    let deleting = view.deleting.is_some();
    let closes = match &executor.write {
        Write::None | Write::Sent { .. } => false,
        Write::Answered { sort, revision, .. } => {
            let newer = revision.is_some_and(|revision| view.revision >= revision);
            // What was answered done is not repeated: a view that lacks it closes nothing, but that of a pod made since.
            let shows = match sort {
                Sort::Delete => deleting,
                Sort::Mark => view.labels.finished,
                Sort::Create | Sort::Resize => newer,
            };
            shows || (first && newer)
        }
        Write::Again { sort, .. } => *sort == Sort::Create || deleting,
        Write::Stale { beyond, .. } => view.revision > *beyond,
    };
    if closes {
        executor.write = Write::None;
    }
}

/// END-1: a registered executor whose pod goes without anybody having asked the engine to drain it.
pub(super) fn drain_unasked(config: &Config, executor: &mut Executor) {
    let unasked = matches!(executor.fate, Fate::Wanted) && executor.is_registered();
    if unasked && config.engine == EngineMode::Registering {
        executor.fate = Fate::released(Why::End1, Cause::DeletedByOther, true);
    }
}

/// Keeps of a view what may still be asked for: where it runs until that is told, why its containers wait until they
/// run, a disruption's reason until its end.
fn notes(now: Time, executor: &Executor, view: &PodView) -> Option<Arc<Notes>> {
    let untold = !executor.started_told;
    let disruption = view.disruption.clone();
    let known = executor
        .notes
        .as_deref()
        .and_then(|notes| notes.waiting.as_ref());
    let waiting = if view.phase == Phase::Pending {
        waiting(now, known, &view.waiting)
    } else {
        None
    };
    if !untold && disruption.is_none() {
        return None;
    }
    let (node, ip) = if untold {
        (view.node.clone(), view.ip.clone())
    } else {
        (None, None)
    };
    Some(Arc::new(Notes {
        node,
        ip,
        disruption,
        ready: view.ready,
        waiting,
    }))
}

/// GROW-6: reasons that waiting can't mend.
const HOPELESS: [&str; 2] = ["InvalidImageName", "ErrImageNeverPull"];

/// GROW-6: reasons that waiting may mend, for a while.
const TROUBLED: [&str; 5] = [
    "ErrImagePull",
    "ImagePullBackOff",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
];

fn waiting(now: Time, known: Option<&Waiting>, reasons: &[Name]) -> Option<Waiting> {
    let among = |table: &[&str]| {
        reasons
            .iter()
            .find(|reason| table.contains(&&***reason))
            .cloned()
    };
    let hopeless = among(&HOPELESS);
    let is_hopeless = hopeless.is_some();
    let shows = hopeless.or_else(|| among(&TROUBLED));
    if shows.is_none() && known.is_none() {
        return None;
    }
    Some(Waiting {
        shows,
        since: known.map_or(now, |known| known.since),
        hopeless: is_hopeless,
    })
}

/// Keeps of a view what CLAIM and SIZE look at, where its group has a use for it.
fn keep_extra(config: &Config, executor: &mut Executor, view: &PodView) {
    let group = config.group(&executor.group);
    if group.claims.is_some() && !view.claims.is_empty() && executor.claims() != view.claims {
        executor.with_extra(|extra| extra.claims = view.claims.clone());
    }
    let known = executor.extra.as_deref().and_then(|extra| extra.memory);
    if group.resize.is_some() && view.memory != known {
        executor.with_extra(|extra| {
            extra.memory = view.memory;
            extra.no_resize |= view.memory.is_some_and(|memory| memory.infeasible);
        });
    }
}
