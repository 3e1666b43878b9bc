//! The shell's clock: monotonic, from the controller's start. Tokio's, so that a test may pause it.

use evenkeel_core::Time;
use tokio::time::Instant;

#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    start: Instant,
}

impl Clock {
    pub fn start() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    pub fn now(self) -> Time {
        Time(u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// When that moment is; None where it is too far off to come.
    pub fn at(self, time: Time) -> Option<Instant> {
        self.start
            .checked_add(std::time::Duration::from_millis(time.0))
    }
}
