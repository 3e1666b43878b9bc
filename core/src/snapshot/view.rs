//! SEE-2: what is known of the view as a whole: how far it goes, and whether it goes back.

use crate::{
    input::{Input, Outcome},
    words::{Name, Revision, Time, Uid},
};
use serde::{Deserialize, Serialize};

/// What is known of the view as a whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct View {
    /// The revision of the last listing applied: everything up to it is known.
    pub complete_to: Option<Revision>,
    /// The newest revision that anything showed.
    pub newest: Option<Revision>,
    /// What that was when the listing under way was asked for: one below it is of a replica that is behind (SEE-2).
    pub floor: Option<(Time, Revision)>,
    /// When that listing was asked for.
    pub listing_started: Option<Time>,
    /// Listings below what was known in a row (SEE-2).
    pub back: Option<Back>,
    /// The newest listing was not applied.
    pub thrown_away: bool,
    /// The newest listing replaced the view: the cluster has gone back (SEE-2).
    pub replaced: bool,
    /// When a listing came that lacked too much to be believed at once (SHRINK-5).
    pub set_aside: Option<Time>,
}

impl View {
    /// Something other than a listing was shown at that revision.
    pub fn shows(&mut self, revision: Option<Revision>) {
        if revision > self.newest {
            self.newest = revision;
            // A cluster that has gone back gives out no revision that is new: what was below is a replica that is behind.
            self.back = None;
        }
    }
}

/// SEE-2: the cluster shows an older state than before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Back {
    pub since: Time,
    pub revision: Revision,
    pub pods: Vec<(Name, Uid)>,
}

/// The revision up to which an input shows that the server's store has come.
pub(super) fn revision_of(input: &Input) -> Option<Revision> {
    match input {
        Input::Watched { event, .. } => event.revision(),
        Input::Answered {
            outcome: Outcome::Done { revision, .. },
            ..
        } => *revision,
        _ => None,
    }
}
