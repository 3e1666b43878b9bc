//! SEE-3, SEE-4, LIVE-4: pods that are deleted for what they are, not for the executor whose name they have.

use super::{
    Open, Snapshot, classify,
    index::{LAST, first_after},
    record::{Sort, Write},
};
use crate::{
    config::Config,
    input::{Outcome, PodView, Refusal},
    plan::Finding,
    words::{ExecutorId, Name, Revision, Span, Time, Uid},
};
use serde::{Deserialize, Serialize};
use std::ops::Bound;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stray {
    pub uid: Uid,
    pub revision: Revision,
    pub kind: StrayKind,
    /// It has a deletion timestamp.
    pub deleting: bool,
    pub write: Write,
    /// The claims that the pod uses (CLAIM).
    pub claims: Vec<Name>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum StrayKind {
    /// A late copy, or a second pod under a name (SEE-3).
    Ghost,
    /// It lost our label, and is out of view (SEE-4).
    Strayed,
    /// Finished, kept (END-2), and to go at shutdown (LIVE-4).
    Kept,
}

impl Stray {
    /// Its delete is due at once.
    pub fn is_due(&self) -> bool {
        self.write == Write::None && !self.deleting
    }

    /// When its delete, which was refused or is unclear, is due again.
    pub fn again_at(&self) -> Option<Time> {
        match self.write {
            Write::Again { at, .. } if !self.deleting => Some(at),
            _ => None,
        }
    }

    /// SEE-5: nothing waits on an open write for longer.
    pub fn stuck_at(&self, config: &Config) -> Option<Time> {
        match self.write {
            Write::Sent { at, .. } | Write::Answered { at, .. } if !self.deleting => {
                Some(at.after(config.ending.stuck_after))
            }
            _ => None,
        }
    }
}

impl StrayKind {
    fn finding(self, name: Name) -> Option<Finding> {
        match self {
            Self::Ghost => Some(Finding::GhostPod(name)),
            Self::Strayed => Some(Finding::StrayedPod(name)),
            Self::Kept => None,
        }
    }
}

impl Snapshot {
    pub(super) fn add_stray(
        &mut self,
        config: &Config,
        id: ExecutorId,
        view: &PodView,
        kind: StrayKind,
    ) {
        let stray = Stray {
            uid: view.uid.clone(),
            revision: view.revision,
            kind,
            deleting: view.deleting.is_some() && kind != StrayKind::Strayed,
            write: Write::None,
            claims: view.claims.clone(),
        };
        self.meet_stray(config, id, stray);
    }

    /// SEE-3: our own create made a pod under a name that another one of ours had until then.
    pub(super) fn add_made(
        &mut self,
        config: &Config,
        id: ExecutorId,
        uid: &Uid,
        revision: Revision,
        claims: Vec<Name>,
    ) {
        let stray = Stray {
            uid: uid.clone(),
            revision,
            kind: StrayKind::Ghost,
            deleting: false,
            write: Write::None,
            claims,
        };
        self.meet_stray(config, id, stray);
    }

    fn meet_stray(&mut self, config: &Config, id: ExecutorId, mut stray: Stray) {
        let (revision, kind) = (stray.revision, stray.kind);
        let name = id.pod_name(&self.fleet);
        if let Some(known) = self.strays.get(&id).filter(|known| known.uid == stray.uid) {
            if revision > known.revision {
                // With our label again, it is in view again, and will be seen going.
                let before = known.kind;
                if before != kind {
                    if let Some(before) = before.finding(name.clone()) {
                        self.findings.remove(&before);
                    }
                    self.findings.extend(kind.finding(name));
                }
                self.change_stray(config, id, |known| {
                    known.revision = revision;
                    known.deleting = stray.deleting;
                    known.kind = kind;
                });
            }
            return;
        }
        // SEE-2: one that had the name before says nothing of the one that has it now.
        if self
            .strays
            .get(&id)
            .is_some_and(|known| revision <= known.revision)
        {
            return;
        }
        self.remove_stray(config, id);
        if planted!(config, StrayClaimFree) {
            stray.claims.clear();
        }
        self.findings.extend(kind.finding(name));
        let claims = stray.claims.clone();
        self.put_stray(config, id, stray);
        for claim in &claims {
            self.note_claim(claim);
        }
    }

    pub(super) fn remove_stray(&mut self, config: &Config, id: ExecutorId) {
        let Some(stray) = self.take_stray(config, id) else {
            return;
        };
        self.note_stuck_stray(config, id);
        if let Some(finding) = stray.kind.finding(id.pod_name(&self.fleet)) {
            self.findings.remove(&finding);
        }
        for claim in &stray.claims {
            self.note_claim(claim);
        }
    }

    /// SEE-5: whether the delete of a pod of that name, that is not the executor's, has waited for too long.
    pub(super) fn is_stray_stuck(&self, config: &Config, id: ExecutorId) -> bool {
        let stray = self.strays.get(&id);
        let at = stray.and_then(|stray| stray.stuck_at(config));
        at.is_some_and(|at| at <= self.now)
    }

    /// When the delete of such a pod is next due again.
    pub(crate) fn stray_again_next(&self) -> Option<Time> {
        first_after(&self.index.stray_again, self.now)
    }

    /// When the delete of such a pod will next have waited for too long.
    pub(crate) fn stray_stuck_next(&self) -> Option<Time> {
        first_after(&self.index.stray_stuck, self.now)
    }

    /// SEE-5: only a new listing tells what became of the delete of such a pod.
    pub(super) fn is_any_stray_stuck(&self) -> bool {
        let first = self.index.stray_stuck.get_min();
        first.is_some_and(|(at, _)| *at <= self.now)
    }

    /// Time has passed since then: what has waited for too long by now is a finding.
    pub(super) fn note_stuck_strays(&mut self, since: Time) {
        if since < self.now {
            let passed = (
                Bound::Excluded((since, LAST)),
                Bound::Included((self.now, LAST)),
            );
            let stuck = self.index.stray_stuck.range(passed);
            self.findings
                .extend(stuck.map(|(_, id)| Finding::Stuck(*id)));
        }
    }

    fn note_stuck_stray(&mut self, config: &Config, id: ExecutorId) {
        if self.is_stray_stuck(config, id) {
            self.findings.insert(Finding::Stuck(id));
        } else if !self.is_executor_stuck(config, id) {
            self.findings.remove(&Finding::Stuck(id));
        }
    }

    /// Takes a stray out of what is derived, to be changed and put back, or dropped.
    fn take_stray(&mut self, config: &Config, id: ExecutorId) -> Option<Stray> {
        let stray = self.strays.remove(&id)?;
        self.index.remove_stray(config, id, &stray);
        Some(stray)
    }

    fn put_stray(&mut self, config: &Config, id: ExecutorId, stray: Stray) {
        self.index.insert_stray(config, id, &stray);
        self.strays.insert(id, stray);
        self.note_stuck_stray(config, id);
    }

    /// Changes a stray, and what is derived from it. Nothing where there is none of that id.
    pub(super) fn change_stray<R>(
        &mut self,
        config: &Config,
        id: ExecutorId,
        change: impl FnOnce(&mut Stray) -> R,
    ) -> Option<R> {
        let mut stray = self.take_stray(config, id)?;
        let result = change(&mut stray);
        self.put_stray(config, id, stray);
        Some(result)
    }

    /// SEE-5: its answer counts as unclear, or its effect as undone.
    pub(super) fn give_up_stray_answer(&mut self, config: &Config, id: ExecutorId) {
        let write = self.change_stray(config, id, |stray| {
            std::mem::replace(&mut stray.write, Write::None)
        });
        if let Some(Write::Sent { action, .. }) = write {
            self.give_up_action(config, action);
        }
    }

    /// Whether a stray is what is seen leaving; it is gone then, unless it is known at a newer revision.
    pub(super) fn stray_left(&mut self, config: &Config, id: ExecutorId, view: &PodView) -> bool {
        let Some(stray) = self.strays.get(&id).filter(|s| s.uid == view.uid) else {
            return false;
        };
        if view.revision > stray.revision {
            let kept_open = !matches!(stray.write, Write::Answered { .. });
            if stray.kind == StrayKind::Ghost && kept_open && classify::strays(config, view) {
                // It only lost our label.
                self.add_stray(config, id, view, StrayKind::Strayed);
                return true;
            }
            self.stray_gone(config, id, view.revision);
        }
        true
    }

    /// SEE-2: a stray is gone, or as good as gone, as of that revision: an older view of it changes nothing.
    fn stray_gone(&mut self, config: &Config, id: ExecutorId, revision: Revision) {
        let Some(stray) = self.strays.get(&id) else {
            return;
        };
        self.note_removed(id, Some(stray.uid.clone()), Some(revision), true);
        self.remove_stray(config, id);
    }

    pub(super) fn fold_stray_answer(
        &mut self,
        config: &Config,
        open: Open,
        tries: u8,
        outcome: &Outcome,
    ) {
        let (now, id) = (self.now, open.executor);
        let Some(stray) = self.strays.get(&id) else {
            return;
        };
        let shown = stray.revision;
        let again = |unclear| Write::Again {
            sort: Sort::Delete,
            at: now.after(super::answers::wait(tries)),
            tries: tries.saturating_add(1),
            unclear,
        };
        let write = match outcome {
            Outcome::Absent | Outcome::Changed => return self.stray_gone(config, id, shown),
            // What is out of view is never seen going. Where it holds a claim, that is asked for until it is gone (CLAIM).
            Outcome::Done { .. }
                if stray.kind == StrayKind::Strayed && !stray.claims.is_empty() =>
            {
                again(false)
            }
            Outcome::Done { .. } if stray.kind != StrayKind::Ghost => {
                return self.stray_gone(config, id, shown);
            }
            Outcome::Done { revision, .. } => Write::Answered {
                sort: Sort::Delete,
                at: now,
                revision: *revision,
            },
            Outcome::Refused(Refusal::TooLate) => Write::Again {
                sort: Sort::Delete,
                at: now.after(Span::seconds(1)),
                tries,
                unclear: false,
            },
            Outcome::Refused(_) => again(false),
            Outcome::Exists(_) | Outcome::Unclear(_) => again(true),
        };
        self.change_stray(config, id, |stray| stray.write = write);
    }
}
