//! What a controller sees on its way to it: listings and watches, and how they go wrong.

use super::{
    Life,
    process::Watching,
    wire::{Due, failure},
};
use crate::story::{Fate, Verb};
use evenkeel::{
    core::{
        Input, Name, RequestId, Revision, Span, Time,
        input::{Failure, WatchEnd, WatchEvent},
    },
    port::ListWish,
};
use std::collections::{BTreeMap, VecDeque};

/// How long an event of a watch is under way, at least.
const WATCH_DELAY: Span = Span(2);
/// How many events are kept for an older replica to show again.
const SHOWN: usize = 24;

impl Life {
    pub(super) fn begin_listing(
        &mut self,
        process: u32,
        asked: Time,
        request: RequestId,
        all: bool,
        claims: bool,
    ) {
        let fate = self.fate(Verb::List);
        let (mut before, _) = self.delays(fate);
        before = Span(before.0 + self.lag().0);
        self.plan(
            self.world.now().after(before),
            Due::Listing {
                process,
                request,
                wish: ListWish { all, claims },
                asked,
                fate,
            },
        );
    }

    pub(super) fn lag(&self) -> Span {
        let now = self.world.now();
        let lag = self.wire.lag.filter(|(_, until)| now < *until);
        lag.map_or(Span(0), |(by, _)| by)
    }

    pub(super) fn read_listing(
        &mut self,
        process: u32,
        request: RequestId,
        wish: ListWish,
        asked: Time,
        fate: Option<Fate>,
    ) {
        let fleet = self.setup.fleet.clone();
        let cut = self.wire_is_cut();
        let mut outcome = match failure(fate) {
            _ if cut => Err(Failure::Unreachable),
            Some(failure) => Err(failure),
            None => self.world.listing(&fleet, wish),
        };
        let Some(index) = self.index(process) else {
            return;
        };
        let of = &mut self.processes[index];
        let incarnation = Some(of.controller.snapshot().incarnation());
        let first = of.listed_as != incarnation;
        if outcome.is_ok() {
            of.listed_as = incarnation;
        }
        if let Ok(listing) = &mut outcome {
            // Against a first listing that lies, nobody has anything to hold.
            if !first && let Some(behind) = self.wire.list_stale.take() {
                let then = self.world.revision().saturating_sub(u64::from(behind));
                if let Some(older) = self.world.listing_at(&fleet, wish, then) {
                    *listing = older;
                }
            }
            // Nor has a fleet that ends by what its last listing shows.
            let holds = !first && self.wished.shutdown.is_none();
            if holds && let Some(percent) = self.wire.list_partial.take() {
                let lacks = (listing.pods.len() * usize::from(percent)).div_ceil(100);
                let shown = listing.pods.len().saturating_sub(lacks);
                let lacking = listing.pods.split_off(shown);
                if let Some(judge) = &mut self.judge {
                    let names: Vec<Name> = lacking.into_iter().map(|pod| pod.name).collect();
                    judge.hide(&names);
                }
            }
        }
        self.reply(
            process,
            Input::Listed {
                request,
                started: asked,
                outcome,
            },
        );
    }

    pub(super) fn begin_watch(&mut self, process: u32, request: RequestId, from: Revision) {
        let fate = self.fate(Verb::Watch);
        let (before, _) = self.delays(fate);
        self.plan(
            self.world.now().after(before),
            Due::Watch {
                process,
                request,
                from,
                fate,
            },
        );
    }

    pub(super) fn open_watch(
        &mut self,
        process: u32,
        request: RequestId,
        from: Revision,
        fate: Option<Fate>,
    ) {
        let fleet = self.setup.fleet.clone();
        let opened = match failure(fate) {
            _ if self.wire_is_cut() => Err(WatchEnd::Failed(Failure::Unreachable)),
            Some(failure) => Err(WatchEnd::Failed(failure)),
            None => self.world.watch_open(&fleet, from),
        };
        let Some(index) = self.index(process) else {
            return;
        };
        match opened {
            Ok(id) => {
                let last = self.world.now();
                let watching = Watching {
                    id,
                    last,
                    of_object: BTreeMap::new(),
                    barrier: Time(0),
                    shown: VecDeque::new(),
                };
                let before = self.processes[index].watches.insert(request, watching);
                debug_assert!(before.is_none(), "a request opens one watch");
                self.seen_signals = u64::MAX;
            }
            Err(end) => self.reply(
                process,
                Input::Watched {
                    request,
                    event: WatchEvent::Ended(end),
                },
            ),
        }
    }

    pub(super) fn close(&mut self, process: u32, request: RequestId) {
        let Some(index) = self.index(process) else {
            return;
        };
        if let Some(watching) = self.processes[index].watches.remove(&request) {
            self.world.watch_close(watching.id);
        }
        // A request that was not opened yet never is.
        self.agenda.retain(|_, due| match due {
            Due::Watch {
                process: of,
                request: which,
                ..
            }
            | Due::Listing {
                process: of,
                request: which,
                ..
            } => *of != process || *which != request,
            _ => true,
        });
    }

    /// Puts on its way what watches show by now.
    pub(super) fn show_watches(&mut self) {
        if self.seen_signals == self.world.signals() {
            return;
        }
        self.seen_signals = self.world.signals();
        let fleet = self.setup.fleet.clone();
        for index in 0..self.processes.len() {
            let open: Vec<RequestId> = self.processes[index].watches.keys().copied().collect();
            for request in open {
                while let Some(watching) = self.processes[index].watches.get(&request)
                    && let Some(event) = self.world.watch_poll(&fleet, watching.id)
                {
                    self.show(index, request, event);
                }
            }
        }
    }

    /// One event of a watch sets out.
    fn show(&mut self, index: usize, request: RequestId, event: WatchEvent) {
        let now = self.world.now();
        let open = |until: Time| now < until;
        let wire = &self.wire;
        let mut delay = WATCH_DELAY.0 + self.lag().0;
        if let Some((by, _)) = wire.watch_slow.filter(|(_, until)| open(*until)) {
            delay += by.0;
        }
        let shuffle = wire.watch_shuffle.filter(|(_, until)| open(*until));
        let coalesce = wire.watch_coalesce.is_some_and(open);
        if let Some((by, _)) = shuffle {
            delay += self.chance.u64(0..=by.0);
        }
        let process = self.processes[index].serial;
        let Some(watching) = self.processes[index].watches.get_mut(&request) else {
            return;
        };
        if self.wire.keeps_shown {
            watching.shown.push_back(event.clone());
            if watching.shown.len() > SHOWN {
                watching.shown.pop_front();
            }
        }
        let object: Option<Name> = match &event {
            WatchEvent::Seen(view) | WatchEvent::Left(view) => Some(view.name.clone()),
            _ => None,
        };
        let mut at = now.after(Span(delay));
        let over = matches!(event, WatchEvent::Ended(_));
        let mut merged = None;
        match &object {
            Some(name) if shuffle.is_some() || coalesce => {
                at = at.max(watching.barrier);
                if let Some((last, key)) = watching.of_object.get(name) {
                    at = at.max(*last);
                    if coalesce && *last > now && matches!(event, WatchEvent::Seen(_)) {
                        merged = Some((*last, *key));
                    }
                }
                if shuffle.is_none() {
                    at = at.max(watching.last);
                }
                watching
                    .of_object
                    .insert(name.clone(), (at, self.issued + 1));
            }
            // A bookmark, the end, and all that is in order, comes after all that came before.
            _ => {
                at = at.max(watching.last);
                watching.barrier = at;
                watching.of_object.clear();
            }
        }
        watching.last = watching.last.max(at);
        if over {
            self.processes[index].watches.remove(&request);
        }
        if let Some(key) = merged
            && matches!(
                self.agenda.get(&key),
                Some(Due::Input { input, .. }) if matches!(**input, Input::Watched { event: WatchEvent::Seen(_), .. })
            )
        {
            self.agenda.remove(&key);
        }
        let input = Box::new(Input::Watched { request, event });
        self.plan(at, Due::Input { process, input });
    }

    /// An older replica shows again what the newest process was shown before.
    pub(super) fn show_again(&mut self, back: u32) {
        let Some(process) = self.processes.last() else {
            return;
        };
        let serial = process.serial;
        let mut again = Vec::new();
        for (request, watching) in &process.watches {
            let skip = watching.shown.len().saturating_sub(back as usize);
            for event in watching.shown.iter().skip(skip) {
                if !matches!(event, WatchEvent::Ended(_)) {
                    again.push((*request, watching.last, event.clone()));
                }
            }
        }
        for (request, last, event) in again {
            let at = self.world.now().after(WATCH_DELAY).max(last);
            let input = Box::new(Input::Watched { request, event });
            self.plan(
                at,
                Due::Input {
                    process: serial,
                    input,
                },
            );
        }
    }
}
