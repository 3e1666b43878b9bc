//! The defaults of all knobs: the one place where they stand.

use evenkeel_core::{
    Config, Span,
    config::{
        Ending, EngineMode, Failing, GroupConfig, Growing, Living, Ramp, Replace, Roll, RollPolicy,
        Seeing, Shrink, Shrinking,
    },
};
use std::collections::BTreeMap;

/// The knobs of a fleet whose executors register with an engine.
#[must_use]
pub fn config() -> Config {
    Config {
        seed: 0,
        jitter: true,
        engine: EngineMode::Registering,
        seeing: Seeing {
            watch_silence: Span::seconds(90),
            relist_every: Some(Span::seconds(300)),
            check_all_containers: false,
        },
        growing: Growing {
            ramp: Ramp::Governed,
            max_in_flight: 128,
            request_timeout: Span::seconds(30),
            max_pending: None,
            max_executors: None,
            start_timeout: Some(Span::seconds(600)),
            register_timeout: Some(Span::seconds(600)),
            image_pull_patience: Some(Span::seconds(120)),
        },
        shrinking: Shrinking {
            pending_protection: Span::seconds(60),
            drain_timeout: Span::seconds(300),
            max_deletes: None,
            suspicious_loss: Some(50),
        },
        ending: Ending {
            keep_finished: false,
            stuck_after: Span::seconds(300),
            overdue_after: Span::seconds(60),
            missing_tolerance: Span::seconds(30),
        },
        failing: Failing {
            max_failures: None,
            failure_window: Some(Span::seconds(3600)),
            healthy_after: Span::seconds(10),
            backoff_after: 2,
            backoff_window: Span::seconds(600),
            backoff_first: Span::seconds(30),
            backoff_max: Span::seconds(300),
            quota_retry: Span::seconds(10),
            quota_retry_max: Span::seconds(120),
        },
        living: Living {
            lease_duration: Span::seconds(15),
        },
        groups: BTreeMap::new(),
        other_groups: group(),
        #[cfg(feature = "mutants")]
        mutant: None,
    }
}

/// The knobs of a group.
#[must_use]
pub fn group() -> GroupConfig {
    GroupConfig {
        max_pending: None,
        replace: Replace::AtOnce,
        shrink: Shrink::Asked,
        before_loss: true,
        roll: Roll {
            every: None,
            at_once: 1,
            policy: RollPolicy::Oldest,
            min_tasks: 0,
            on_change: true,
        },
        claims: None,
        resize: None,
    }
}
