//! What one controller was shown by listings, and what those leave in doubt: from outside it can't be told for sure which
//! of them it keeps aside (SHRINK-5), or takes for a cluster that has gone back (SEE-2).

use super::{Known, Sight};
use crate::judge::truth::End;
use evenkeel::core::{
    Time, Uid,
    input::{Listing, PodView},
};
use std::collections::BTreeSet;

/// Whether a listing is kept aside, as far as can be told from outside.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Suspicion {
    None,
    Possible,
    Certain,
}

impl Known {
    /// Whether the last listing, which was suspicious, was kept aside: it says so at once, or never.
    pub(super) fn settle_doubts(&mut self, aside: bool) {
        self.aside |= aside;
        if !std::mem::take(&mut self.gone_doubted) {
            return;
        }
        for id in &self.unsettled {
            let Some(of) = self.executors.get_mut(id) else {
                continue;
            };
            let before = of.before_doubt.take();
            let gone = std::mem::take(&mut of.gone_doubted);
            if gone && aside {
                (of.gone, of.lacking, of.end) = (false, false, None);
            }
            if let Some((shown, end)) = before
                && aside
            {
                (of.shown, of.end, of.end_doubted) = (shown, end, false);
            }
        }
    }

    /// It is given a listing; `answered`: how many effects had been answered when it was asked for.
    pub(super) fn listed(&mut self, now: Time, answered: u64, listing: &Listing) {
        let below = self.is_below(listing);
        let old = self.is_old(now, listing);
        if below {
            self.back.below(now, listing);
        } else {
            self.back.over();
        }
        if old {
            return;
        }
        self.newest = self.newest.max(Some(listing.revision));
        let suspicion = match self.aside {
            _ if below => Suspicion::Possible,
            true => Suspicion::None,
            false => self.is_suspicious(&listing.pods),
        };
        self.aside = suspicion == Suspicion::Certain;
        if self.aside {
            return;
        }
        if below {
            // Revisions from before count for nothing any more.
            for of in self.executors.values_mut() {
                of.surely_shown = None;
            }
        }
        self.listed = self.listed.max(Some(listing.revision));
        let mut there = BTreeSet::new();
        let doubted = suspicion == Suspicion::Possible;
        for view in &listing.pods {
            if let Some(id) = self.shown(view, Sight::Listed { doubted }) {
                there.insert(id);
            }
        }
        self.gone_doubted = doubted;
        let executors = &mut self.executors;
        let incarnation = self.incarnation;
        self.unsettled.retain(|id| {
            let Some(of) = executors.get_mut(id) else {
                return false;
            };
            // Shown later than that, though not taken in then: it is there, whatever the listing says of it (SEE-2).
            of.taken_in |= id.incarnation < incarnation
                && of.shown.is_some_and(|shown| shown > listing.revision)
                && !of.gone;
            let newest = of.shown.max(of.made);
            let older = newest.is_none_or(|newest| newest <= listing.revision);
            let written = of
                .closes_at
                .is_none_or(|revision| revision <= listing.revision);
            let absent = !there.contains(id) && of.uid.is_some();
            if older && absent {
                // Whatever was written to it since: it was gone by then, or the listing lies.
                of.closes_at = None;
                // One that it was not told lost may be none of its own: a second listing says no more.
                of.lacking = of.lost.is_none() && (of.lacking || of.end.is_none());
                of.gone_doubted = doubted && !of.gone && of.end.is_none();
                of.gone = true;
                of.failed = None;
                of.end.get_or_insert(End::Voluntary);
            }
            if written {
                of.closes_at = None;
            }
            if of.uid.is_none() && of.maybe_made && of.open == 0 && !there.contains(id) {
                of.lacked |= of.answered <= answered;
            }
            !of.is_settled()
        });
    }

    /// Whether a listing is older than what it was shown before it asked.
    fn is_below(&self, listing: &Listing) -> bool {
        let least = self.listed.max(self.floor);
        least.is_some_and(|least| listing.revision < least)
    }

    /// Whether a listing is to change nothing, for being older than what it was shown before it asked.
    pub(in crate::judge) fn is_old(&self, now: Time, listing: &Listing) -> bool {
        self.is_below(listing) && !self.back.may_believe(now, listing)
    }

    /// How many of those that run a listing is to show, and how many it lacks: of all, and of those that are its own
    /// for sure.
    fn lacks(&self, shown: &[PodView]) -> [(usize, usize); 2] {
        let shown: BTreeSet<&Uid> = shown.iter().map(|view| &view.uid).collect();
        let counting = self
            .unsettled()
            .filter(|of| of.shown.is_some() && !of.gone && of.end.is_none() && !of.is_leaving());
        let mut readings = [(0, 0); 2];
        for of in counting {
            let Some(uid) = &of.uid else { continue };
            let sure = of.creates > 0 || of.taken_in;
            for (all, lacking) in &mut readings[..=usize::from(sure)] {
                *all += 1;
                *lacking += usize::from(!shown.contains(uid));
            }
        }
        readings
    }

    /// SHRINK-5: whether a listing lacks far more of those that run than may be lost at once, or may at least be taken to.
    fn is_suspicious(&self, shown: &[PodView]) -> Suspicion {
        let Some(percent) = self.suspicious.filter(|_| self.listed.is_some()) else {
            return Suspicion::None;
        };
        let percent = percent as usize;
        let certain = |(all, lacking): (usize, usize)| {
            all >= 10 && lacking * 100 >= all * percent && lacking * 100 >= all * 80
        };
        let possible =
            |(all, lacking): (usize, usize)| lacking > 0 && lacking * 200 >= all * percent;
        // Those of a later incarnation count only once they were taken in (SEE-3).
        let readings = self.lacks(shown);
        if readings.into_iter().all(certain) {
            Suspicion::Certain
        } else if readings.into_iter().any(possible) {
            Suspicion::Possible
        } else {
            Suspicion::None
        }
    }
}
