//! SEE-3, SEE-4, LIVE-4: pods that are deleted for what they are, not for the executor whose name they have.

use super::{
    Open, Removed, Snapshot, classify,
    record::{Sort, Write},
};
use crate::{
    config::Config,
    input::{Outcome, PodView, Refusal},
    plan::Finding,
    words::{ExecutorId, Name, Revision, Span, Time, Uid},
};
use serde::{Deserialize, Serialize};

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
    pub fn delete_due(&self, now: Time) -> bool {
        match self.write {
            Write::None => !self.deleting,
            Write::Again { at, .. } => !self.deleting && at <= now,
            Write::Sent { .. } | Write::Answered { .. } | Write::Stale { .. } => false,
        }
    }

    pub fn due_at(&self) -> Option<Time> {
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
        let deleting = view.deleting.is_some() && kind != StrayKind::Strayed;
        let (uid, revision) = (view.uid.clone(), view.revision);
        if let Some(known) = self.strays.get_mut(&id).filter(|known| known.uid == uid) {
            if revision > known.revision {
                known.revision = revision;
                known.deleting = deleting;
                // With our label again, it is in view again, and will be seen going.
                let before = std::mem::replace(&mut known.kind, kind);
                if before != kind {
                    if let Some(before) = before.finding(view.name.clone()) {
                        self.findings.remove(&before);
                    }
                    self.findings.extend(kind.finding(view.name.clone()));
                }
                self.note_stuck_stray(config, id, self.is_stray_stuck(config, id));
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
        let stray = Stray {
            uid,
            revision,
            kind,
            deleting,
            write: Write::None,
            claims: if planted!(config, StrayClaimFree) {
                Vec::new()
            } else {
                view.claims.clone()
            },
        };
        self.findings.extend(kind.finding(view.name.clone()));
        self.strays.insert(id, stray);
        for claim in &view.claims {
            self.note_claim(claim);
        }
    }

    pub(super) fn remove_stray(&mut self, config: &Config, id: ExecutorId) {
        self.note_stuck_stray(config, id, false);
        let Some(stray) = self.strays.remove(&id) else {
            return;
        };
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

    /// When the delete of such a pod will next have waited for too long.
    pub(crate) fn stray_stuck_next(&self, config: &Config) -> Option<Time> {
        let waits = self
            .strays
            .values()
            .filter_map(|stray| stray.stuck_at(config));
        waits.filter(|at| *at > self.now).min()
    }

    /// Time has passed: what has waited for too long by now is a finding.
    pub(super) fn note_stuck_strays(&mut self, config: &Config) {
        let ids = self.strays.keys().copied();
        for id in ids.collect::<Vec<_>>() {
            self.note_stuck_stray(config, id, self.is_stray_stuck(config, id));
        }
    }

    fn note_stuck_stray(&mut self, config: &Config, id: ExecutorId, stuck: bool) {
        if stuck {
            self.findings.insert(Finding::Stuck(id));
        } else if self.strays.contains_key(&id) && !self.is_executor_stuck(config, id) {
            self.findings.remove(&Finding::Stuck(id));
        }
    }

    /// SEE-5: its answer counts as unclear, or its effect as undone.
    pub(super) fn give_up_stray_answer(&mut self, config: &Config, id: ExecutorId) {
        let Some(stray) = self.strays.get_mut(&id) else {
            return;
        };
        let write = std::mem::replace(&mut stray.write, Write::None);
        if let Write::Sent { action, .. } = write {
            self.give_up_action(config, action);
        }
        self.note_stuck_stray(config, id, false);
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
            self.remove_stray(config, id);
            let removed = Removed {
                uid: Some(view.uid.clone()),
                revision: Some(view.revision),
                at: self.now,
            };
            self.removed.insert(id, removed);
        }
        true
    }

    pub(super) fn fold_stray_answer(
        &mut self,
        config: &Config,
        open: Open,
        tries: u8,
        outcome: &Outcome,
    ) {
        let now = self.now;
        self.note_stuck_stray(config, open.executor, false);
        let Some(stray) = self.strays.get_mut(&open.executor) else {
            return;
        };
        let again = |unclear| Write::Again {
            sort: Sort::Delete,
            at: now.after(super::answers::wait(tries)),
            tries: tries.saturating_add(1),
            unclear,
        };
        match outcome {
            Outcome::Absent | Outcome::Changed => self.remove_stray(config, open.executor),
            // What is out of view is never seen going. Where it holds a claim, that is asked for until it is gone (CLAIM).
            Outcome::Done { .. }
                if stray.kind == StrayKind::Strayed && !stray.claims.is_empty() =>
            {
                stray.write = again(false);
            }
            Outcome::Done { .. } if stray.kind != StrayKind::Ghost => {
                self.remove_stray(config, open.executor)
            }
            Outcome::Done { revision, .. } => {
                stray.write = Write::Answered {
                    sort: Sort::Delete,
                    at: now,
                    revision: *revision,
                };
            }
            Outcome::Refused(Refusal::TooLate) => {
                stray.write = Write::Again {
                    sort: Sort::Delete,
                    at: now.after(Span::seconds(1)),
                    tries,
                    unclear: false,
                };
            }
            Outcome::Refused(_) => stray.write = again(false),
            Outcome::Exists(_) | Outcome::Unclear(_) => stray.write = again(true),
        }
    }
}
