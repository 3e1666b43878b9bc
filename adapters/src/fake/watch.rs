//! Watches: history from a revision on, bookmarks, and how they end.

use super::{agenda::Due, refusal, selector::Selector, store::Change, world::World};
use crate::api::{answer::Refused, pod::Pod};
use evenkeel_core::{Span, Time};
use std::sync::Arc;

/// A server sends a bookmark about once a minute (measured: 59.1 to 60.6 s).
const BOOKMARK_EVERY: (u64, u64) = (59_100, 60_600);
/// The last bookmark comes this long before a watch's own time-out.
const LAST_BOOKMARK: Span = Span::seconds(1);
/// A watch is closed after 5 to 10 minutes: what clients ask for.
const WATCH_TIMEOUT: (u64, u64) = (300_000, 600_000);

/// Names a watch that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WatchId(u64);

/// One event of a watch, as the API server sends it.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// It is there, or came to be selected.
    Added(Arc<Pod>),
    /// It changed.
    Modified(Arc<Pod>),
    /// It is gone, or is selected no longer: then it is shown as it was before, at the revision of the change.
    Deleted(Arc<Pod>),
    /// Nothing that is selected changed up to this revision.
    Bookmark(u64),
    /// The server can't go on; nothing more comes.
    Error(Refused),
    /// The stream ended; nothing more comes.
    Closed,
}

#[derive(Clone, Debug)]
pub(super) struct Watch {
    selector: Selector,
    from: u64,
    cursor: u64,
    ends: Time,
    /// A bookmark that was not yet taken.
    bookmark: Option<u64>,
    /// It says nothing any more, not even that it ended.
    stalled: bool,
    /// How it ended, and the last revision that it still shows.
    end: Option<(u64, Event)>,
}

impl World {
    /// Opens a watch on what changes after `from`. Too old a revision is told as an event: the stream itself is a 200.
    pub(super) fn open_watch(&mut self, selector: &str, from: u64) -> Result<WatchId, Refused> {
        let selector = Selector::parse(selector)?;
        self.last_watch += 1;
        let id = WatchId(self.last_watch);
        let expired = from < self.store.cached();
        let timeout = self.chance.watch.between(WATCH_TIMEOUT.0, WATCH_TIMEOUT.1);
        let watch = Watch {
            selector,
            from,
            cursor: from,
            ends: self.now.after(Span(timeout)),
            bookmark: None,
            stalled: false,
            end: expired.then(|| {
                let why = refusal::too_old(from, self.store.cached());
                (from, Event::Error(why))
            }),
        };
        if !expired {
            self.agenda.plan(watch.ends, Due::WatchEnd(id));
            self.plan_bookmark(id, watch.ends);
        }
        self.watches.insert(id, watch);
        Ok(id)
    }

    /// The next event, if there is one by now. A watch that ended, or was never opened, is closed.
    pub fn watch_event(&mut self, id: WatchId) -> Option<Event> {
        let Some(watch) = self.watches.get_mut(&id) else {
            return Some(Event::Closed);
        };
        if watch.stalled {
            return None;
        }
        if !self.store.remembers(watch.cursor) {
            // Expired from the start, or too slow a reader: servers cut such off.
            let end = watch.end.take().map_or(Event::Closed, |(_, how)| how);
            self.watches.remove(&id);
            return Some(end);
        }
        let last = watch.end.as_ref().map(|(revision, _)| *revision);
        let until = watch.bookmark.or(last).unwrap_or(u64::MAX);
        while let Some(change) = self.store.change_after(watch.cursor) {
            if change.revision > until {
                break;
            }
            watch.cursor = change.revision;
            if let Some(event) = shown(&watch.selector, change) {
                return Some(event);
            }
        }
        if let Some(bookmark) = watch.bookmark.take() {
            watch.cursor = watch.cursor.max(bookmark);
            return Some(Event::Bookmark(bookmark));
        }
        let (_, end) = watch.end.take()?;
        self.watches.remove(&id);
        Some(end)
    }

    /// The client closes the watch.
    pub fn watch_close(&mut self, id: WatchId) {
        self.watches.remove(&id);
    }

    /// How many watches are open.
    #[must_use]
    pub fn open_watches(&self) -> usize {
        self.watches.len()
    }

    fn plan_bookmark(&mut self, id: WatchId, ends: Time) {
        let every = self
            .chance
            .watch
            .between(BOOKMARK_EVERY.0, BOOKMARK_EVERY.1);
        let last = ends.before(LAST_BOOKMARK);
        if self.now < last {
            self.agenda
                .plan(self.now.after(Span(every)).min(last), Due::Bookmark(id));
        }
    }

    pub(super) fn send_bookmark(&mut self, id: WatchId) {
        let revision = self.store.revision();
        let Some(watch) = self.watches.get_mut(&id) else {
            return;
        };
        // One from a revision still to come stays silent until that is reached.
        if revision >= watch.from {
            watch.bookmark = Some(revision);
            self.signals += 1;
        }
        let ends = watch.ends;
        self.plan_bookmark(id, ends);
    }

    pub(super) fn end_watch(&mut self, id: WatchId, how: Event) {
        let revision = self.store.revision();
        if let Some(watch) = self.watches.get_mut(&id)
            && watch.end.is_none()
        {
            watch.end = Some((revision, how));
            self.signals += 1;
        }
    }

    pub(super) fn stall_all_watches(&mut self) {
        let open: Vec<WatchId> = self.watches.keys().copied().collect();
        for id in open {
            if let Some(watch) = self.watches.get_mut(&id) {
                watch.stalled = true;
            }
        }
    }

    pub(super) fn end_all_watches(&mut self) {
        let open: Vec<WatchId> = self.watches.keys().copied().collect();
        for id in open {
            self.end_watch(id, Event::Closed);
        }
    }
}

/// How a change looks through a selector.
fn shown(selector: &Selector, change: &Change) -> Option<Event> {
    if change.lost {
        return None;
    }
    let selected = |pod: &Pod| selector.matches(&pod.metadata.labels);
    let was = change.before.as_deref().is_some_and(selected);
    let is = !change.removed && selected(&change.now);
    match (was, is, &change.before) {
        (false, true, _) => Some(Event::Added(Arc::clone(&change.now))),
        (true, true, _) => Some(Event::Modified(Arc::clone(&change.now))),
        (true, false, _) if change.removed => Some(Event::Deleted(Arc::clone(&change.now))),
        (true, false, Some(before)) => {
            let mut left = Pod::clone(before);
            left.metadata.resource_version = change.revision.to_string();
            Some(Event::Deleted(Arc::new(left)))
        }
        _ => None,
    }
}
