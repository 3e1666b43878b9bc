//! SEE-2: what is remembered of pods that are gone, or were not taken in: what is older changes nothing.

use super::{Snapshot, listing::Reach, seeing::Sight};
use crate::{
    input::PodView,
    words::{ExecutorId, Revision, Time, Uid},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};

/// All that is known of an executor that is forgotten, or was not taken in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Removed {
    pub uid: Option<Uid>,
    pub revision: Option<Revision>,
    pub at: Time,
    /// What comes after it under that name is a ghost, not one that nobody knows.
    pub ours: bool,
    /// It was not seen going, and this is how it was shown last.
    pub shown: Option<Arc<PodView>>,
}

impl Snapshot {
    pub(super) fn note_removed(
        &mut self,
        id: ExecutorId,
        uid: Option<Uid>,
        revision: Option<Revision>,
        ours: bool,
    ) {
        let at = self.now;
        let removed = Removed {
            uid,
            revision,
            at,
            ours,
            shown: None,
        };
        self.removed.insert(id, removed);
    }

    /// It is not ours as long as this lease lasts; under the next one an older view of it changes nothing.
    pub(super) fn remember_shown(&mut self, id: ExecutorId, view: &PodView) {
        self.note_removed(id, Some(view.uid.clone()), Some(view.revision), false);
        if let Some(removed) = self.removed.get_mut(&id) {
            removed.shown = Some(Arc::new(view.clone()));
        }
    }

    /// It is taken in: the executor has what was shown of it.
    pub(super) fn forget_shown(&mut self, id: ExecutorId) {
        if self
            .removed
            .get(&id)
            .is_some_and(|removed| removed.shown.is_some())
            && let Some(removed) = self.removed.get_mut(&id)
        {
            removed.shown = None;
        }
    }

    /// Those that were not taken in and were shown later than a listing of that revision: there, whatever it says of them.
    pub(super) fn shown_after(&self, listed: Revision) -> BTreeMap<ExecutorId, Arc<PodView>> {
        let shown = self.removed.iter();
        let shown = shown.filter_map(|(id, removed)| Some((*id, removed.shown.as_ref()?)));
        let later = shown.filter(|(_, view)| view.revision > listed);
        later.map(|(id, view)| (id, Arc::clone(view))).collect()
    }

    /// An older view of a pod that was seen going changes nothing, whether or not it was known before.
    pub(super) fn remember_removal(&mut self, id: ExecutorId, view: &PodView) {
        let before = self.removed.get(&id);
        let removed = before.and_then(|removed| removed.revision);
        let known = removed.max(self.strays.get(&id).map(|stray| stray.revision));
        let newer = known.is_none_or(|known| known < view.revision);
        if newer && !self.is_covered(view, Sight::Event) {
            let earlier = id.incarnation < self.leading.incarnation
                && !self.issued.contains_key(&id.incarnation);
            let ours = earlier || self.is_own(id) || before.is_some_and(|before| before.ours);
            self.note_removed(id, Some(view.uid.clone()), Some(view.revision), ours);
        }
    }

    /// What guards against late copies is needed no longer than an older listing or event may come.
    pub(super) fn settle_removed(&mut self, reach: Reach, shown: &BTreeMap<ExecutorId, &Uid>) {
        let over: Vec<ExecutorId> = self
            .removed
            .iter()
            .filter(|(id, removed)| {
                let accounted = match removed.revision {
                    Some(revision) => revision <= reach.revision,
                    None => removed.at < reach.started,
                };
                accounted && !shown.contains_key(id)
            })
            .map(|(id, _)| *id)
            .collect();
        for id in over {
            self.removed.remove(&id);
        }
    }
}
