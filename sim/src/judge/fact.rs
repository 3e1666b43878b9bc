//! What judges see: everything that truly happens, and everything that goes into and comes out of the controllers.

use evenkeel::api::pod::Metadata;
use evenkeel::core::{
    ActionId, ExecutorId, Input, Output, Time,
    input::{Outcome, PodView},
    output::{Action, Why},
};

/// One thing that happened. The [`Truth`](super::Truth) that comes beside it is as it was right before.
#[derive(Debug)]
pub enum Fact<'a> {
    /// A controller's process was started. Each has a number of its own, from 1.
    Began {
        /// Which.
        process: u32,
    },
    /// It died.
    Died {
        /// Which.
        process: u32,
    },
    /// A controller is given an input.
    Given {
        /// Which.
        process: u32,
        /// By its own clock.
        at: Time,
        /// What it is given.
        input: &'a Input,
        /// It had asked to be woken by now: what it does may be for time alone.
        due: bool,
    },
    /// A controller put something out, on the input that it was given last.
    Said {
        /// Which.
        process: u32,
        /// By its own clock.
        at: Time,
        /// What.
        output: &'a Output,
    },
    /// It has put out all that it had to say on that input.
    Silent {
        /// Which.
        process: u32,
        /// How it stands.
        controller: &'a evenkeel::core::Controller,
    },
    /// Its shell begins an effect: the request leaves.
    Sent {
        /// Whose.
        process: u32,
        /// By its own clock.
        at: Time,
        /// Its number.
        action: ActionId,
    },
    /// A request has reached the API server; whether anybody hears of the outcome is another matter.
    Landed {
        /// Whose it was; it may be dead.
        process: u32,
        /// What was asked.
        action: &'a Action,
        /// The rule behind it.
        why: Why,
        /// What truly came of it.
        outcome: &'a Outcome,
        /// Its sender had given up on it, or it is a copy of one that landed before.
        late: bool,
    },
    /// An object was made for us: what it carries.
    Made {
        /// What was asked.
        action: &'a Action,
        /// The object's metadata.
        metadata: &'a Metadata,
        /// The UID of the only owner that it is to have; None: none.
        owner: Option<&'a str>,
    },
    /// A pod changed, in truth.
    Pod {
        /// Its id, where its name or label gives one.
        executor: Option<ExecutorId>,
        /// As it is now; where it is gone, as it was last.
        now: &'a PodView,
        /// It is gone.
        gone: bool,
    },
    /// Faults are over, and all is made well.
    Calm,
}

/// The kinds of facts, to say which ones matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as the facts")]
#[repr(u8)]
pub enum About {
    Began,
    Died,
    Given,
    Said,
    Silent,
    Sent,
    Landed,
    Made,
    Pod,
    Calm,
}

impl About {
    /// How many there are.
    pub const COUNT: usize = 10;
}

impl Fact<'_> {
    /// Its kind.
    #[must_use]
    pub fn about(&self) -> About {
        match self {
            Self::Began { .. } => About::Began,
            Self::Died { .. } => About::Died,
            Self::Given { .. } => About::Given,
            Self::Said { .. } => About::Said,
            Self::Silent { .. } => About::Silent,
            Self::Sent { .. } => About::Sent,
            Self::Landed { .. } => About::Landed,
            Self::Made { .. } => About::Made,
            Self::Pod { .. } => About::Pod,
            Self::Calm => About::Calm,
        }
    }
}
