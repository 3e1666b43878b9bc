//! Keys of `config` that do not go together.

use super::{
    super::{
        config::{ConfigKeys, RampKey},
        words::Duration,
    },
    Remarks, config,
};
use crate::defaults;
use evenkeel_core::{
    Span,
    config::{EngineMode, Failing, Growing},
};

/// Contradictions are errors; what one key makes of no use to another is a warning, where that one was given.
pub(super) fn together(keys: &ConfigKeys, found: &mut Remarks) {
    lease(keys, found);
    seeing(keys, found);
    growing(keys, found);
    failing(keys, found);
    engine(keys, found);
}

/// Both, in one error: the first is more than the second, and must not be.
fn more(key: &str, value: Span, than: &str, bound: Span, so: &str, found: &mut Remarks) {
    if value > bound {
        let (value, bound) = (Duration(value), Duration(bound));
        found.error(
            config(key),
            format!("{value} is more than {than}, which is {bound}{so}; lower the one or raise the other"),
        );
    }
}

fn lease(keys: &ConfigKeys, found: &mut Remarks) {
    let lease = keys.lease_duration;
    if lease.0 < Span::seconds(5) || !lease.0.0.is_multiple_of(1000) {
        found.error(config("lease_duration"), format!(
            "{lease} is no time for a lease, which is of whole seconds, at least 5s; write 15s, say"
        ));
    } else if lease.0 > Span::seconds(86_400) {
        found.error(config("lease_duration"), format!(
            "{lease} is too long: nobody could take over for that time; write 15s, say, and no more than 24h"
        ));
    } else if !keys.lease && lease.0 != defaults::config().living.lease_duration {
        found.warn(
            config("lease_duration"),
            "this does nothing with lease: off",
        );
    }
}

fn seeing(keys: &ConfigKeys, found: &mut Remarks) {
    let silence = keys.watch_silence;
    if silence.0 > Span(0) && silence.0 < Span::seconds(75) {
        found.warn(config("watch_silence"), format!(
            "{silence} is under 75s: servers say something once a minute only, so that a good watch will be replaced now and then"
        ));
    }
    if let Some(every) = keys.relist_every.0.filter(|every| *every < silence.0) {
        found.warn(config("relist_every"), format!(
            "{} is less than watch_silence, which is {silence}: the whole fleet is listed more often than a watch is doubted; raise the one or lower the other",
            Duration(every)
        ));
    }
    if keys.request_timeout.0 > keys.stuck_after.0 {
        found.warn(config("request_timeout"), format!(
            "{} is more than stuck_after, which is {}: a request that may yet be answered will count as stuck; lower the one or raise the other",
            keys.request_timeout, keys.stuck_after
        ));
    }
}

fn growing(keys: &ConfigKeys, found: &mut Remarks) {
    let Growing {
        image_pull_patience: usual,
        ..
    } = defaults::config().growing;
    let (start, patience) = (keys.start_timeout.0, keys.image_pull_patience.0);
    match (start, patience) {
        (Some(start), Some(_)) if patience == usual && patience > Some(start) => {
            found.warn(config("start_timeout"), format!(
                "{} is less than image_pull_patience, which is {}: an image that can't be pulled is given up as start_timeout; lower the other too, or raise this one",
                Duration(start),
                Duration(patience.unwrap_or(start))
            ));
        }
        (Some(start), Some(patience)) => {
            let so = ", and so would never be reached";
            more("image_pull_patience", patience, "start_timeout", start, so, found);
        }
        (None, None) => found.warn(
            config("image_pull_patience"),
            "with never, and start_timeout: never, a pod whose image can't be pulled is waited for for ever; write a time for one of them",
        ),
        _ => {}
    }
    let protection = keys.pending_protection;
    let given = protection.0 != defaults::config().shrinking.pending_protection;
    if let Some(start) = start.filter(|start| given && *start < protection.0) {
        found.warn(config("pending_protection"), format!(
            "{protection} is more than start_timeout, which is {}: a lower target never takes what is pending; lower the one or raise the other",
            Duration(start)
        ));
    }
    for (key, bound) in [
        ("max_pending", keys.max_pending),
        ("max_executors", keys.max_executors),
    ] {
        if bound.0 == Some(0) {
            found.warn(
                config(key),
                "with 0 nothing is ever created; leave it out for no bound",
            );
        }
    }
    match (keys.max_pending.0, keys.max_executors.0) {
        (Some(pending), Some(executors)) if pending > executors => found.warn(
            config("max_pending"),
            format!("{pending} is more than max_executors, which is {executors}, and so is never reached; lower it, or leave it out"),
        ),
        (Some(pending), _) if pending > 0 && start.is_none() => found.warn(
            config("start_timeout"),
            format!("with never, and max_pending: {pending}, pods that never start hold its places for ever; write a time, 10m, say"),
        ),
        _ => {}
    }
    if let RampKey::Fixed(ramp) = keys.ramp
        && ramp.size > keys.max_in_flight
    {
        let at = config("ramp").then("fixed").then("size");
        found.warn(at, format!(
            "{} is more than max_in_flight, which is {}: so many are never under way at once; lower the one or raise the other",
            ramp.size, keys.max_in_flight
        ));
    }
}

fn failing(keys: &ConfigKeys, found: &mut Remarks) {
    let (first, most) = (keys.quota_retry.0, keys.quota_retry_max.0);
    more("quota_retry", first, "quota_retry_max", most, "", found);
    let (first, most) = (keys.backoff_first.0, keys.backoff_max.0);
    more("backoff_first", first, "backoff_max", most, "", found);
    let Failing { backoff_after, .. } = defaults::config().failing;
    if let Some(most) = keys.max_failures
        && u64::from(keys.backoff_after) > most.saturating_add(1)
        && keys.backoff_after != backoff_after
    {
        found.warn(config("backoff_after"), format!(
            "{} is more than the {most} that max_failures allows: the fleet is halted before a group backs off; lower the one or raise the other",
            keys.backoff_after
        ));
    }
}

/// What only an engine makes use of, and what only its absence does.
fn engine(keys: &ConfigKeys, found: &mut Remarks) {
    let usual = defaults::config();
    let with_none = [
        (
            "register_timeout",
            keys.register_timeout.0 != usual.growing.register_timeout,
            "where nobody registers",
        ),
        (
            "drain_timeout",
            keys.drain_timeout.0 != usual.shrinking.drain_timeout,
            "where a drain is a delete",
        ),
        (
            "missing_tolerance",
            keys.missing_tolerance.0 != usual.ending.missing_tolerance,
            "where nobody registers",
        ),
    ];
    match keys.engine {
        EngineMode::None => {
            for (key, _, why) in with_none.into_iter().filter(|(_, given, _)| *given) {
                found.warn(
                    config(key),
                    format!("this does nothing with engine: none, {why}"),
                );
            }
        }
        EngineMode::Registering if keys.healthy_after.0 != usual.failing.healthy_after => {
            found.warn(
                config("healthy_after"),
                "this does nothing with engine: registering, where an executor that registers has started well",
            );
        }
        EngineMode::Registering => {}
    }
}
