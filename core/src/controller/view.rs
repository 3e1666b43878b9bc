//! SEE-4: when to list and when to watch.

use super::Controller;
use crate::{
    config::Config,
    input::{Failure, Input, Listing, WatchEnd, WatchEvent},
    output::Output,
    plan::WakeReason,
    snapshot::{Snapshot, wait},
    words::{RequestId, Revision, Span, Time},
};
use serde::{Deserialize, Serialize};

/// Listings that single executors ask for are at least this far apart.
const BETWEEN_LISTINGS: Span = Span::seconds(1);

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Viewing {
    listing: Option<Asked>,
    /// A listing is due, for whatever reason.
    list_due: bool,
    /// No listing before this: the last one failed.
    list_after: Time,
    list_tries: u8,
    asked_at: Option<Time>,
    /// When the last listing was applied.
    applied_at: Option<Time>,
    watch: Option<Open>,
    /// The next watch is not opened before this.
    watch_after: Time,
    watch_tries: u8,
    /// Everything up to this was shown.
    from: Option<Revision>,
    /// What the open watch shows is of no use any more (SEE-2).
    reopen: bool,
    /// Jitter differs from draw to draw.
    draws: u64,
    /// The kept ones are to be listed too, once (LIVE-4).
    sweep: Option<Sweep>,
}

/// LIVE-4: the listing that looks for what a fleet leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Sweep {
    Due,
    Done,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Asked {
    request: RequestId,
    all: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Open {
    request: RequestId,
    heard: Time,
}

impl Viewing {
    /// Whether the input is for a request that is open, or for none.
    pub fn accepts(&mut self, at: Time, input: &Input) -> bool {
        match input {
            Input::Listed { request, .. } => {
                self.listing.is_some_and(|asked| asked.request == *request)
            }
            Input::Watched { request, .. } => match &mut self.watch {
                Some(open) if open.request == *request => {
                    open.heard = at;
                    true
                }
                _ => false,
            },
            _ => true,
        }
    }

    pub fn listed(
        &mut self,
        config: &Config,
        at: Time,
        outcome: &Result<Listing, Failure>,
        snapshot: &Snapshot,
    ) {
        let all = self.listing.take().is_some_and(|asked| asked.all);
        match outcome {
            Ok(listing) if !snapshot.view.thrown_away => {
                self.list_tries = 0;
                self.list_due = false;
                self.applied_at = Some(at);
                self.from = self.from.max(Some(listing.revision));
                if snapshot.view.replaced {
                    // Revisions from before are of a history that is no more.
                    self.from = Some(listing.revision);
                    self.reopen = true;
                    self.watch_after = at;
                }
                if all {
                    self.sweep = Some(Sweep::Done);
                }
            }
            Ok(_) if snapshot.view.set_aside == Some(at) => {
                self.list_due = true;
                self.list_after = at;
            }
            Ok(_) | Err(_) => {
                self.list_due = true;
                let wait = self.backoff(config, self.list_tries);
                self.list_after = match planted!(config, ListGivenUp) {
                    true => Time::NEVER,
                    false => at.after(wait),
                };
                self.list_tries = self.list_tries.saturating_add(1);
            }
        }
    }

    pub fn watched(&mut self, config: &Config, at: Time, event: &WatchEvent) {
        if let WatchEvent::Ended(end) = event {
            self.watch = None;
            let expired = *end == WatchEnd::Expired;
            self.list_due |= expired;
            // The listing that a 410 asks for is a wait of its own; the next 410 in a row has the usual one beside.
            self.watch_after = if expired && self.watch_tries == 0 {
                at
            } else {
                at.after(self.backoff(config, self.watch_tries))
            };
            self.watch_tries = self.watch_tries.saturating_add(1);
            if planted!(config, NeverReopened) {
                self.watch_after = Time::NEVER;
            }
            return;
        }
        self.watch_tries = 0;
        self.from = self.from.max(event.revision());
    }

    /// A listing is made at once, whatever the timers say.
    pub fn relist(&mut self, at: Time) {
        self.list_due = true;
        self.list_after = self.list_after.min(at);
    }

    /// Nothing waits any longer on a server that could not be reached.
    pub fn reachable(&mut self, config: &Config, at: Time) {
        if planted!(config, RenewalIsLife)
            && let Some(open) = &mut self.watch
        {
            open.heard = at;
        }
        self.list_after = self.list_after.min(at);
        self.watch_after = self.watch_after.min(at.after(wait(0)));
        self.list_tries = 0;
        self.watch_tries = 0;
    }

    /// The kept ones are to be listed before the fleet ends; whether that is done.
    pub fn sweep(&mut self) -> bool {
        self.sweep.get_or_insert(Sweep::Due) == &Sweep::Done
    }

    /// What the last sweep found was not all.
    pub fn sweep_again(&mut self) {
        self.sweep = None;
    }

    pub fn wake_at(&self, config: &Config, snapshot: &Snapshot) -> Option<(Time, WakeReason)> {
        let Some(applied) = self.applied_at else {
            // The first listing failed, and is due again.
            return Some((self.list_after, WakeReason::Relist))
                .filter(|_| self.listing.is_none() && snapshot.leading.is_held());
        };
        let wanted = snapshot.wants_listing_at(config).map(|at| {
            let next = self
                .asked_at
                .map_or(at, |last| last.after(BETWEEN_LISTINGS));
            (at.max(next).max(self.list_after), WakeReason::Missing)
        });
        let every = config.seeing.relist_every;
        let relist = every.filter(|_| !planted!(config, See4)).map(|every| {
            (
                applied.after(every).max(self.list_after),
                WakeReason::Relist,
            )
        });
        let list = (self.list_due || self.sweep == Some(Sweep::Due))
            .then_some((self.list_after, WakeReason::Relist));
        let list = list
            .into_iter()
            .chain(relist)
            .chain(wanted)
            .min()
            .filter(|_| self.listing.is_none());
        let watch = match self.watch {
            Some(open) => (
                open.heard.after(config.seeing.watch_silence),
                WakeReason::WatchSilence,
            ),
            None => (self.watch_after, WakeReason::WatchResume),
        };
        let watch = Some(watch)
            .filter(|_| self.watch.is_some() || !self.list_due)
            .filter(|_| !planted!(config, See4));
        list.into_iter().chain(watch).min()
    }

    fn backoff(&mut self, config: &Config, tries: u8) -> Span {
        let full = wait(tries);
        if !config.jitter {
            return full;
        }
        self.draws = self.draws.wrapping_add(1);
        let outside = if planted!(config, OutsideJitter) {
            crate::mutants::outside()
        } else {
            0
        };
        let drawn = mix(config.seed ^ self.draws ^ outside) % (full.0 / 4 + 1);
        Span(full.0 - drawn)
    }
}

/// A number that looks like chance, and is the same for the same input (splitmix64's finisher).
fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Controller {
    /// Asks for listings and watches that are due.
    pub(super) fn run_view(&mut self, at: Time) {
        let viewing = &mut self.viewing;
        if self.ending.is_finished() {
            for request in viewing
                .listing
                .map(|l| l.request)
                .into_iter()
                .chain(viewing.watch.map(|w| w.request))
            {
                self.outputs.push_front(Output::Close { request });
            }
            return;
        }
        let leading = &self.snapshot.leading;
        if viewing.applied_at.is_none() && !leading.is_held() {
            return;
        }
        if std::mem::take(&mut viewing.reopen)
            && let Some(open) = viewing.watch.take()
        {
            self.outputs.push_back(Output::Close {
                request: open.request,
            });
        }
        if let Some(open) = viewing.watch
            && open.heard.after(self.config.seeing.watch_silence) <= at
        {
            self.outputs.push_back(Output::Close {
                request: open.request,
            });
            viewing.watch = None;
            viewing.list_due = true;
            viewing.watch_after = at;
        }
        let idle = planted!(&self.config, See4);
        let regular = match (viewing.applied_at, self.config.seeing.relist_every) {
            (None, _) => true,
            (Some(applied), Some(every)) => applied.after(every) <= at && !idle,
            (Some(_), None) => false,
        };
        let unsynced = leading.is_held() && !leading.is_synced();
        let asked = self
            .snapshot
            .wants_listing_at(&self.config)
            .is_some_and(|wanted| wanted <= at)
            && viewing
                .asked_at
                .is_none_or(|last| last.after(BETWEEN_LISTINGS) <= at);
        viewing.list_due |= regular || unsynced || asked;
        let due = viewing.list_due || viewing.sweep == Some(Sweep::Due);
        if due && viewing.listing.is_none() && viewing.list_after <= at {
            let all = viewing.sweep == Some(Sweep::Due);
            viewing.asked_at = Some(at);
            let request = self.request();
            self.viewing.listing = Some(Asked { request, all });
            self.snapshot.listing_asked();
            self.outputs.push_back(Output::List {
                request,
                all,
                claims: self.config.uses_claims(),
            });
        }
        let viewing = &self.viewing;
        let must_list = viewing.list_due
            && viewing
                .from
                .is_none_or(|_| viewing.watch.is_none() && viewing.listing.is_some());
        if viewing.watch.is_none()
            && !must_list
            && !(idle && self.next_request > RequestId(2))
            && viewing.watch_after <= at
            && let Some(from) = viewing.from
        {
            let request = self.request();
            self.viewing.watch = Some(Open { request, heard: at });
            self.outputs.push_back(Output::Watch { request, from });
        }
    }
}
