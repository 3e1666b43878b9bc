//! SEE-2: listings below what was known, and when two of them may be taken to say that the cluster itself has gone back.

use evenkeel::core::{Revision, Span, Time, Uid, input::Listing};
use serde::Serialize;
use std::collections::BTreeSet;

/// The listings below what was known, since the last one that was not.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Back {
    /// How long that has to go on.
    silence: Span,
    last: Option<Below>,
}

#[derive(Clone, Debug, Serialize)]
struct Below {
    since: Time,
    revision: Revision,
    pods: BTreeSet<Uid>,
}

impl Back {
    pub(super) fn new(silence: Span) -> Self {
        let last = None;
        Self { silence, last }
    }

    /// A listing is not below what was known.
    pub(super) fn over(&mut self) {
        self.last = None;
    }

    /// A listing is below what was known.
    pub(super) fn below(&mut self, now: Time, listing: &Listing) {
        let since = self.last.as_ref().map_or(now, |last| last.since);
        self.last = Some(Below {
            since,
            revision: listing.revision,
            pods: pods(listing),
        });
    }

    /// Whether one that is below may be believed all the same: it agrees with the one before, and it has been so for long.
    pub(super) fn may_believe(&self, now: Time, listing: &Listing) -> bool {
        self.last.as_ref().is_some_and(|last| {
            now.since(last.since) >= self.silence
                && last.revision <= listing.revision
                && last.pods == pods(listing)
        })
    }
}

fn pods(listing: &Listing) -> BTreeSet<Uid> {
    listing.pods.iter().map(|pod| pod.uid.clone()).collect()
}
