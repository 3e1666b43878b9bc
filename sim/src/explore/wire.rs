//! What is under way between the controller and the cluster.

use crate::judge::executor::verb;
use evenkeel::core::{
    ActionId, ExecutorId, Name, RequestId, Revision, Time,
    input::{Listing, Outcome, PodView, WatchEvent},
    output::{Action, Why},
};
use serde::Serialize;
use std::collections::VecDeque;

/// What is under way.
#[derive(Clone, Default, Serialize)]
pub(super) struct Wire {
    pub effects: Vec<Effect>,
    pub answers: Vec<Answer>,
    pub listing: Option<Listed>,
    pub watch: Option<Watch>,
    /// The events that a watch may still have to show, oldest first.
    pub history: VecDeque<WatchEvent>,
    /// Everything up to this was shown to the controller.
    pub shown: Option<Revision>,
}

impl Wire {
    /// The listing under way is yet to be read.
    pub fn is_to_read(&self) -> bool {
        let listing = self.listing.as_ref();
        listing.is_some_and(|listing| listing.read.is_none())
    }

    /// An effect is on its way. In which order they were begun is no matter: any may land next.
    pub fn send(&mut self, effect: Effect) {
        let key = |of: &Effect| (of.process, of.action.executor(), verb(&of.action));
        let before = |of: &Effect| key(of) <= key(&effect);
        let place = self.effects.partition_point(before);
        self.effects.insert(place, effect);
    }

    /// The effects that somebody waits for.
    pub fn awaited(&self) -> impl Iterator<Item = &Effect> {
        self.effects.iter().filter(|of| !of.is_forgotten())
    }

    /// Takes an effect off its way.
    pub fn take_effect(&mut self, process: u32, id: u64) -> Option<Effect> {
        let is = |effect: &Effect| effect.process == process && effect.id.0 == id;
        let index = self.effects.iter().position(is)?;
        Some(self.effects.remove(index))
    }

    /// Of whom something is under way.
    pub fn executors(&self) -> impl Iterator<Item = ExecutorId> {
        let asked = self.effects.iter().filter_map(|of| of.action.executor());
        let read = self.listing.iter().filter_map(|of| of.read.as_ref());
        let listed = read.flat_map(|listing| &listing.pods);
        let watch = self.watch.iter();
        let events = watch.flat_map(|watch| watch.queue.iter().chain(&watch.late));
        let events = events.chain(&self.history).filter_map(view);
        let views = listed.chain(events);
        let shown = views.filter_map(|view| view.labels.executor.as_deref()?.parse().ok());
        asked.chain(shown)
    }

    /// What no watch can have to show any more is forgotten.
    pub fn forget_history(&mut self) {
        let read = self
            .listing
            .as_ref()
            .and_then(|listing| listing.read.as_ref());
        let read = read.map(|listing| listing.revision);
        // A process that was shown nothing begins with a listing.
        let needed = [self.shown, read].into_iter().flatten().min();
        while let Some(first) = self.history.front()
            && needed.is_none_or(|needed| first.revision() <= Some(needed))
        {
            self.history.pop_front();
        }
    }
}

/// An effect on its way.
#[derive(Clone, Serialize)]
pub(super) struct Effect {
    pub process: u32,
    /// What choices call it.
    #[serde(skip)]
    pub id: ActionId,
    pub action: Action,
    pub why: Why,
    /// What its answer is to; None: nobody waits for one, since its process is dead, or was told that it is lost.
    pub awaited: Option<ActionId>,
}

impl Effect {
    pub fn is_forgotten(&self) -> bool {
        self.awaited.is_none()
    }
}

/// An answer on its way.
#[derive(Clone, Serialize)]
pub(super) struct Answer {
    pub action: ActionId,
    pub outcome: Outcome,
    pub slow: bool,
}

/// A listing under way.
#[derive(Clone, Serialize)]
pub(super) struct Listed {
    pub request: RequestId,
    pub all: bool,
    pub started: Time,
    pub read: Option<Listing>,
    pub slow: bool,
}

/// A watch.
#[derive(Clone, Serialize)]
pub(super) struct Watch {
    pub request: RequestId,
    /// What it has to show.
    pub queue: VecDeque<WatchEvent>,
    /// An event that others overtake.
    pub late: Option<WatchEvent>,
    /// What becomes of the next event, where events are shown at once.
    pub next: Option<Next>,
}

impl Watch {
    /// There is an event to show; those of one pod stay in order.
    pub fn has_next(&self) -> bool {
        let next = self.queue.front();
        next.is_some_and(|next| self.late.as_ref().and_then(pod_of) != pod_of(next))
    }
}

impl Answer {
    pub fn new(action: ActionId, outcome: Outcome) -> Self {
        Self {
            action,
            outcome,
            slow: false,
        }
    }
}

/// What becomes of an event that is not shown at once.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) enum Next {
    Lost,
    Late,
}

fn view(event: &WatchEvent) -> Option<&PodView> {
    match event {
        WatchEvent::Seen(view) | WatchEvent::Left(view) => Some(view),
        _ => None,
    }
}

fn pod_of(event: &WatchEvent) -> Option<&Name> {
    view(event).map(|view| &view.name)
}
