//! What is to happen later, in order of time, then of being planned.

use super::{containers::Exit, trouble::Rejection, watch::WatchId};
use crate::api::pod::PodStatus;
use evenkeel_core::{Name, Time};
use im::OrdMap;

/// One pod or claim, not just whoever bears its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub name: Name,
    pub uid: Name,
}

/// Something that is to happen.
#[derive(Clone, Debug)]
pub(super) enum Due {
    /// The scheduler takes its next pod.
    Schedule,
    /// The kubelet has heard of a pod, or tries to pull its image again.
    Prepare(Key),
    /// The kubelet waits before it pulls again.
    BackOff(Key),
    /// The containers start.
    Start(Key),
    /// The kubelet rejects a pod.
    Reject(Key, Rejection),
    /// A container ends.
    Exit(Key, Exit),
    /// A container that has ended is started again.
    Restart(Key, Name),
    /// The kubelet tells how a pod is, as far as it knows.
    Tell(Key, Box<PodStatus>),
    /// The containers of a terminating pod have ended.
    Stop(Key),
    /// The kubelet looks at what a pod asks for, and what it has.
    Resize(Key),
    /// The controller that protects claims looks at one on its way out.
    Unprotect(Key),
    /// The garbage collector finds a claim whose owners are gone.
    CollectClaim(Key),
    /// The garbage collector of pods finds those of a node that is gone.
    CollectOrphans(Name),
    /// The garbage collector finds a pod whose owners are gone.
    CollectDependent(Key),
    /// The control plane notices that a node says nothing, if it is still in that outage.
    Unreachable(Name, u64),
    /// Its pods tolerate that no longer.
    NotTolerated(Name, u64),
    /// A new node takes the place of a lost one.
    NodeReturn,
    /// A watch gets a bookmark.
    Bookmark(WatchId),
    /// The server closes a watch.
    WatchEnd(WatchId),
    /// The weather strikes, if it is still that one.
    Trouble(Trouble, u64),
}

/// What the weather brings by chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    Crash,
    NodeLoss,
    Eviction,
    WatchDrop,
    Expiry,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Agenda {
    due: OrdMap<(Time, u64), Due>,
    planned: u64,
}

impl Agenda {
    pub fn plan(&mut self, at: Time, what: Due) {
        if at == Time::NEVER {
            return;
        }
        self.planned += 1;
        self.due.insert((at, self.planned), what);
    }

    /// Takes the first thing due at `until` or earlier.
    pub fn take(&mut self, until: Time) -> Option<(Time, Due)> {
        let key = *self.due.get_min().map(|(key, _)| key)?;
        if key.0 > until {
            return None;
        }
        self.due.remove(&key).map(|what| (key.0, what))
    }

    pub fn next(&self) -> Option<Time> {
        self.due.get_min().map(|((at, _), _)| *at)
    }
}
