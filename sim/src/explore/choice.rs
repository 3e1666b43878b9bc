//! What may happen next.

use evenkeel::core::ExecutorId;
use serde::{Deserialize, Serialize};

/// One thing that may happen next; those that are faults cost one of the budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Choice {
    /// An effect, by its process and number, reaches the API server.
    Land(u32, u64),
    /// The answer to an effect reaches the controller.
    Answer(u64),
    /// The listing under way is read.
    Read,
    /// The listing that was read reaches the controller.
    List,
    /// The next event of the watch reaches the controller.
    Event,
    /// An event that is late reaches the controller.
    LateEvent,
    /// A pod starts.
    Start(ExecutorId),
    /// A pod that is deleted ends, and is gone.
    End(ExecutorId),
    /// An executor registers with the engine, which says so.
    Register(ExecutorId),
    /// An executor has drained, and the engine says so.
    Drain(ExecutorId),
    /// The engine wants what it wants next.
    Wish,
    /// Nothing is under way: time passes to when the controller wants to be woken.
    Wait,
    /// The process dies, and another one starts in its place.
    Crash,
    /// Fault: time passes to when the controller wants to be woken, though something is under way.
    Delay,
    /// Fault: an effect lands, and its answer is late.
    LandSlowly(u32, u64),
    /// Fault: the listing under way is read, and is late.
    ReadSlowly,
    /// Fault: an effect's answer is lost before it lands: it may still, whenever it likes.
    Unclear(u32, u64),
    /// Fault: an effect is refused for the moment (429).
    Refuse(u32, u64),
    /// Fault: the listing fails.
    FailListing,
    /// Fault: the server closes the watch.
    Close,
    /// Fault: the watch ends, since its history is forgotten (410).
    Expire,
    /// Fault: the next event of the watch is lost for good; where events are shown at once, the one that comes next is.
    Lose,
    /// Fault: that event is late: those of other pods overtake it.
    Hold,
    /// Fault: a pod's main container fails.
    Fail(ExecutorId),
    /// Fault: somebody else deletes a pod.
    Stranger(ExecutorId),
    /// Fault: a pod will never start.
    Stick(ExecutorId),
}

impl Choice {
    /// Whether it costs one of the budget of faults.
    #[must_use]
    pub fn is_fault(self) -> bool {
        matches!(
            self,
            Self::Delay
                | Self::LandSlowly(..)
                | Self::ReadSlowly
                | Self::Unclear(..)
                | Self::Refuse(..)
                | Self::FailListing
                | Self::Close
                | Self::Expire
                | Self::Lose
                | Self::Hold
                | Self::Fail(_)
                | Self::Stranger(_)
                | Self::Stick(_)
        )
    }

    /// Whether it may change a pod, and so lead to an event.
    pub(super) fn may_show(self) -> bool {
        matches!(self, Self::Land(..) | Self::Start(_) | Self::End(_))
    }

    /// Whether it is on its way by itself, within moments: time does not pass before it, but for a fault.
    pub(super) fn is_prompt(self) -> bool {
        matches!(
            self,
            Self::Land(..)
                | Self::Answer(_)
                | Self::Read
                | Self::List
                | Self::Event
                | Self::LateEvent
                | Self::Start(_)
                | Self::End(_)
                | Self::Register(_)
                | Self::Drain(_)
        )
    }
}
