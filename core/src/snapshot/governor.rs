//! GROW-4: how many effects may be under way, and when none may begin.

use crate::{
    config::Config,
    input::{Failure, Outcome, Refusal},
    words::{ActionId, Span, Time},
};
use serde::{Deserialize, Serialize};

const FIRST_WINDOW: u32 = 8;
const FIRST_HOLD: Span = Span::seconds(1);
const LONGEST_HOLD: Span = Span::seconds(60);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Governor {
    /// The most creates under way.
    pub window: u32,
    pub creates_in_flight: u32,
    pub others_in_flight: u32,
    /// Creates numbered up to this one were issued before the last halving.
    halved_at: ActionId,
    hold: Option<Hold>,
    /// How many holds there were without a success between them.
    tries: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Hold {
    pub until: Time,
    pub why: HoldReason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum HoldReason {
    Throttled,
    Unreachable,
}

impl Governor {
    pub fn new(config: &Config) -> Self {
        Self {
            window: FIRST_WINDOW.min(config.growing.max_in_flight),
            creates_in_flight: 0,
            others_in_flight: 0,
            halved_at: ActionId(0),
            hold: None,
            tries: 0,
        }
    }

    /// The hold that stops all effects now.
    pub fn held(&self, now: Time) -> Option<Hold> {
        self.hold.filter(|hold| hold.until > now)
    }

    /// An effect was answered. `newest` is the last action issued: those up to it belong to the same trouble.
    pub fn answered(&mut self, config: &Config, now: Time, answer: &Answer<'_>, newest: ActionId) {
        use Failure::{Server, Throttled, TimedOut, Unreachable};
        let in_flight = if answer.create {
            &mut self.creates_in_flight
        } else {
            &mut self.others_in_flight
        };
        *in_flight = in_flight.saturating_sub(1);
        match answer.outcome {
            Outcome::Refused(Refusal::Throttled { .. }) if planted!(config, ThrottleIgnored) => {}
            Outcome::Refused(Refusal::Throttled { retry_after_ms }) => {
                self.hold(now, HoldReason::Throttled, retry_after_ms.map(Span));
                self.halve(answer, newest);
            }
            Outcome::Refused(Refusal::NotSent(_) | Refusal::Unauthorized) => {
                self.hold(now, HoldReason::Unreachable, None);
            }
            Outcome::Unclear(Server(_) | Throttled) => {
                self.hold(now, HoldReason::Throttled, None);
                self.halve(answer, newest);
            }
            Outcome::Unclear(TimedOut | Unreachable) => self.halve(answer, newest),
            Outcome::Refused(Refusal::TooLate) | Outcome::Unclear(_) => {}
            Outcome::Done { .. }
            | Outcome::Exists(_)
            | Outcome::Absent
            | Outcome::Changed
            | Outcome::Refused(_) => {
                if answer.create {
                    self.window = (self.window + 1).min(config.growing.max_in_flight);
                }
                if matches!(answer.outcome, Outcome::Done { .. }) {
                    self.succeeded();
                }
            }
        }
    }

    /// Something was answered well: what comes next starts with short waits again.
    pub fn succeeded(&mut self) {
        self.tries = 0;
    }

    /// The server answers again: nothing waits any more because it could not be reached.
    pub fn reachable(&mut self) {
        if self
            .hold
            .is_some_and(|hold| hold.why == HoldReason::Unreachable)
        {
            self.hold = None;
        }
    }

    /// What fails while a hold lasts belongs to the same trouble, and makes it no longer; but for a Retry-After.
    fn hold(&mut self, now: Time, why: HoldReason, retry_after: Option<Span>) {
        let span = match retry_after {
            Some(span) => span,
            None if self.held(now).is_some() => return,
            None => {
                let span = FIRST_HOLD.doubled(self.tries, LONGEST_HOLD);
                self.tries = self.tries.saturating_add(1);
                span
            }
        };
        let until = now.after(span);
        if self.hold.is_none_or(|hold| hold.until < until) {
            self.hold = Some(Hold { until, why });
        }
    }

    fn halve(&mut self, answer: &Answer<'_>, newest: ActionId) {
        if answer.create && answer.action > self.halved_at {
            self.window = (self.window / 2).max(1);
            self.halved_at = newest;
        }
    }
}

/// An answer, as far as it concerns the governor.
pub(crate) struct Answer<'a> {
    pub action: ActionId,
    pub create: bool,
    pub outcome: &'a Outcome,
}
