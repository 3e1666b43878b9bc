//! SEE-2, SEE-3: what a view of a pod is of, given what is known.

use super::{Snapshot, record::Pod, seeing::Sight};
use crate::{config::Config, input::PodView, words::ExecutorId};

/// What a view is of, given what is known.
pub(super) enum Meets {
    /// Older than what is known, or the same: changes nothing.
    Nothing,
    /// The pod of the executor of that id.
    Executor,
    /// A pod of an executor that has ended, or a second one under its name.
    Ghost { ours_is_gone: bool },
    /// An executor of an earlier incarnation, or one that only registered so far.
    Adoption,
    /// An id of ours that was never given out.
    NeverIssued,
    /// A later incarnation's.
    Superseded,
}

impl Snapshot {
    pub(super) fn meets(
        &self,
        config: &Config,
        id: ExecutorId,
        view: &PodView,
        sight: Sight,
    ) -> Meets {
        if id.incarnation > self.leading.incarnation {
            return Meets::Superseded;
        }
        if let Some(executor) = self.executors.get(&id) {
            let known_revision = match &executor.pod {
                Pod::Seen(seen) if seen.uid == view.uid => {
                    let newer = view.revision > seen.revision || planted!(config, ByArrival);
                    return if newer || planted!(config, See2) {
                        Meets::Executor
                    } else {
                        Meets::Nothing
                    };
                }
                Pod::Seen(seen) => Some(seen.revision),
                Pod::Gone => return self.meets_forgotten(id, view, sight),
                Pod::Unseen { answered } => match answered {
                    Some(answer) if answer.uid.as_ref().is_some_and(|uid| *uid != view.uid) => {
                        answer.revision
                    }
                    _ if self.is_covered(view, sight) => return Meets::Nothing,
                    _ => return Meets::Executor,
                },
            };
            return match known_revision {
                Some(known) if view.revision <= known => Meets::Nothing,
                _ if planted!(config, OtherUidIsOurs) => Meets::Executor,
                _ => Meets::Ghost { ours_is_gone: true },
            };
        }
        if self.is_covered(view, sight) {
            Meets::Nothing
        } else if self.removed.contains_key(&id) {
            self.meets_forgotten(id, view, sight)
        } else {
            self.meets_nobody(id)
        }
    }

    /// A pod of an executor that is not known, and was not seen going.
    fn meets_nobody(&self, id: ExecutorId) -> Meets {
        if self.is_own(id) || self.spent.contains(&id) {
            Meets::Ghost {
                ours_is_gone: false,
            }
        } else if id.incarnation == self.leading.incarnation {
            Meets::NeverIssued
        } else {
            Meets::Adoption
        }
    }

    /// A view of a pod whose executor is known to have gone.
    fn meets_forgotten(&self, id: ExecutorId, view: &PodView, sight: Sight) -> Meets {
        let Some(removed) = self.removed.get(&id) else {
            return Meets::Nothing;
        };
        let same = removed.uid.as_ref() == Some(&view.uid);
        let older = match (removed.revision, sight) {
            (Some(revision), Sight::Event) => view.revision <= revision,
            // It was not seen going.
            (Some(_), _) if removed.shown.is_some() && same => false,
            // A later listing that shows it: an earlier one that lacked it was wrong.
            (Some(gone), Sight::Listed(_, revision) | Sight::First(_, revision)) => revision < gone,
            // An answer said that it was gone: what was on its way by then is older.
            (None, Sight::Event) => same,
            (None, Sight::Listed(started, _) | Sight::First(started, _)) => {
                same && started <= removed.at
            }
        };
        if older {
            Meets::Nothing
        } else if removed.ours {
            Meets::Ghost {
                ours_is_gone: false,
            }
        } else {
            self.meets_nobody(id)
        }
    }

    /// An event that the last listing already accounts for: an object that it lacked was gone by then.
    pub(super) fn is_covered(&self, view: &PodView, sight: Sight) -> bool {
        sight == Sight::Event
            && self
                .view
                .complete_to
                .is_some_and(|revision| view.revision <= revision)
    }
}
