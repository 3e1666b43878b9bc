//! What is known of each group, and of the fleet as a whole.

use super::startup::Startup;
use crate::{
    config::{Config, Ramp},
    input::GroupWish,
    plan::Class,
    words::{ActionId, ExecutorId, Span, Time},
};
use im::OrdMap;
use serde::{Deserialize, Serialize};

/// How many executors of a group there are, by what matters about them. Kept by difference at each change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tally {
    /// By [`Class`], in its order.
    pub by_class: [u32; 8],
    /// GROW-1.
    pub counting: u32,
    /// Of use to the engine, and counting.
    pub serving: u32,
    /// Counting, and started well (FAIL-2).
    pub well: u32,
    /// Counting, and requested, created or pending (GROW-2).
    pub pending: u32,
    /// Counting; their create is under way.
    pub sent: u32,
    /// Counting; their create is to be repeated.
    pub again: u32,
    /// Counting, created or pending, not on a node, and not registered.
    pub unscheduled: u32,
    /// Counting, pending on a node, and not registered.
    pub starting: u32,
    /// Counting, running or unknown, and not registered (`engine: none`: not yet well).
    pub unready: u32,
    /// Not counting, and not gone.
    pub leaving: u32,
    /// Leaving, and not seen finished (GROW-2).
    pub going: u32,
    /// Leaving since they are replaced by newer ones, and not yet seen to go (ROLL).
    pub parting: u32,
    /// Leaving, and not yet seen finished, where they hold their place until then: *waiting* (GROW-1).
    pub holding: u32,
    /// Counting, and made from another template than the group's (ROLL).
    pub outdated: u32,
    /// With a write of ours that is open.
    pub open: u32,
}

impl Tally {
    pub fn of(&self, class: Class) -> u32 {
        self.by_class[class as usize]
    }

    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub fn add(&mut self, other: &Self) {
        self.each(other, |mine, theirs| mine + theirs);
    }

    pub fn subtract(&mut self, other: &Self) {
        self.each(other, |mine, theirs| mine - theirs);
    }

    fn each(&mut self, other: &Self, f: impl Fn(u32, u32) -> u32) {
        for (mine, theirs) in self.by_class.iter_mut().zip(other.by_class) {
            *mine = f(*mine, theirs);
        }
        for (mine, theirs) in [
            (&mut self.counting, other.counting),
            (&mut self.serving, other.serving),
            (&mut self.well, other.well),
            (&mut self.pending, other.pending),
            (&mut self.sent, other.sent),
            (&mut self.again, other.again),
            (&mut self.unscheduled, other.unscheduled),
            (&mut self.starting, other.starting),
            (&mut self.unready, other.unready),
            (&mut self.leaving, other.leaving),
            (&mut self.going, other.going),
            (&mut self.parting, other.parting),
            (&mut self.holding, other.holding),
            (&mut self.outdated, other.outdated),
            (&mut self.open, other.open),
        ] {
            *mine = f(*mine, theirs);
        }
    }
}

/// What is known of one group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct GroupFacts {
    /// What the engine wants of it; None: it is not among the wanted.
    pub wish: Option<GroupWish>,
    /// The engine has named it at least once.
    pub stated: bool,
    /// The largest target so far.
    pub largest: u64,
    pub tally: Tally,
    /// Failures within the window (FAIL-1).
    pub failures: u32,
    /// FAIL-3: it may create nothing for now.
    pub hold: Option<Hold>,
    /// GROW-4 (fixed): when the current batch began, and how many it has made.
    pub batch: Option<(Time, u32)>,
    /// FAIL-2.
    pub startup: Startup,
    /// ROLL: executors that are being replaced, each with its replacement once that is made.
    pub rolls: OrdMap<ExecutorId, Option<ExecutorId>>,
    /// ROLL: when the group's turn last was, or when it was first wanted.
    pub rolled_at: Time,
}

/// FAIL-3: a group is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hold {
    pub until: Time,
    pub tries: u8,
    /// Answers to creates numbered up to this one don't make it longer.
    pub paid: ActionId,
    pub why: HoldReason,
    /// A create has succeeded since: the next hold is a short one again.
    pub anew: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum HoldReason {
    Quota,
    NamespaceGone,
    NotPermitted,
}

impl GroupFacts {
    /// FAIL-1: the most that will be asked for.
    pub fn maximum(&self) -> u64 {
        self.wish
            .as_ref()
            .map_or(0, |wish| wish.maximum.unwrap_or(self.largest))
    }

    /// FAIL-3: until when it is held, and why.
    pub fn held(&self, now: Time) -> Option<&Hold> {
        self.hold.as_ref().filter(|hold| hold.until > now)
    }

    /// FAIL-3: a create succeeded: the next hold is a short one again. One that lasts is let last: what was under way before
    /// it says nothing of the quota now.
    pub fn hold_ends_well(&mut self, now: Time) {
        match &mut self.hold {
            Some(hold) if hold.until > now => hold.anew = true,
            _ => self.hold = None,
        }
    }

    /// FAIL-3: a create was answered that the group must wait.
    pub fn hold_more(
        &mut self,
        config: &Config,
        now: Time,
        action: ActionId,
        newest: ActionId,
        why: HoldReason,
    ) {
        let tries = match &self.hold {
            Some(hold) if action <= hold.paid && hold.until > now => return,
            Some(hold) if hold.anew => 0,
            Some(hold) => hold.tries.saturating_add(1),
            None => 0,
        };
        let failing = &config.failing;
        let until = now.after(failing.quota_retry.doubled(tries, failing.quota_retry_max));
        self.hold = Some(Hold {
            until,
            tries,
            paid: newest,
            why,
            anew: false,
        });
    }

    /// GROW-4 (fixed): how many creates it may begin now, and when it may begin more.
    pub fn batch_room(&self, config: &Config, now: Time) -> (u32, Option<Time>) {
        match (config.growing.ramp, self.batch) {
            (Ramp::Governed, _) => (u32::MAX, None),
            (Ramp::Fixed { size, every }, Some((began, used))) if now < began.after(every) => {
                (size.saturating_sub(used), Some(began.after(every)))
            }
            (Ramp::Fixed { size, every }, _) => (size, Some(now.after(every))),
        }
    }

    /// GROW-4 (fixed): a create was issued.
    pub fn batch_use(&mut self, config: &Config, now: Time) {
        if let Ramp::Fixed { every, .. } = config.growing.ramp {
            self.batch = match self.batch {
                Some((began, used)) if now < began.after(every) => Some((began, used + 1)),
                _ => Some((now, 1)),
            };
        }
    }

    /// ROLL: a replacement was made.
    pub fn surge(&mut self, new: ExecutorId, counts: impl Fn(&ExecutorId) -> bool) {
        let mut rolls = self.rolls.iter();
        let waits = rolls.find(|(old, new)| counts(old) && !new.as_ref().is_some_and(&counts));
        if let Some(old) = waits.map(|(old, _)| *old) {
            self.rolls.insert(old, Some(new));
        }
    }

    /// ROLL: when the group's next turn comes.
    pub fn turn_at(&self, every: Span) -> Time {
        self.rolled_at.after(Span(every.0.max(1)))
    }

    /// ROLL: its turns are `every` apart, however late one was taken.
    pub fn turn_over(&mut self, now: Time, every: Span) {
        let every = every.0.max(1);
        let turns = now.since(self.rolled_at).0 / every;
        self.rolled_at = self.rolled_at.after(Span(every.saturating_mul(turns)));
    }

    /// Whether nothing is known of it that anybody wants. That the engine has named it stays known: else it would
    /// depend on the order of views whether a late pod of it is one of an unknown group.
    pub fn is_forgettable(&self) -> bool {
        !self.stated
            && self.wish.is_none()
            && self.tally.is_empty()
            && self.failures == 0
            && self.startup.is_quiet()
    }
}
