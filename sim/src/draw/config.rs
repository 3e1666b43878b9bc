//! Draws the knobs of a fleet: mostly sensible, often short, and beyond all reason where that is the fault.

use super::{Draw, Size, claims};
use crate::story::Kind;
use evenkeel::{
    core::{
        Config, Group, Span,
        config::{
            DeleteBudget, EngineMode, GroupConfig, Ramp, Replace, Resize, RollPolicy, Shrink,
        },
    },
    defaults,
};

pub(super) fn draw(draw: &mut Draw, size: Size, groups: &[Group], kinds: &[Kind]) -> Config {
    let has = |kind: Kind| kinds.contains(&kind);
    let mut config = defaults::config();
    config.seed = draw.below(1 << 32);
    config.jitter = draw.percent(70);
    if draw.percent(25) {
        config.engine = EngineMode::None;
    }
    seeing(draw, &mut config);
    growing(draw, size, &mut config);
    shrinking(draw, &mut config);
    ending(draw, &mut config);
    failing(draw, size, &mut config);
    config.living.lease_duration =
        draw.one(&[Span::seconds(15), Span::seconds(60), Span::seconds(60)]);
    if size == Size::Large {
        // In three days, what is done each minute would be most of all that is done.
        config.living.lease_duration = Span::seconds(300);
        config.seeing.relist_every = Some(Span::seconds(300));
    }
    for name in groups {
        let group = group(draw, size);
        config.groups.insert(name.clone(), group);
    }
    config.other_groups = group(draw, size);
    let often = |group: &GroupConfig| group.roll.every.is_some_and(|every| every.0 < 600_000);
    if config.groups.values().any(often) {
        // Else there would always be one on its way out.
        config.shrinking.drain_timeout = config.shrinking.drain_timeout.min(Span::seconds(60));
    }
    if has(Kind::AbsurdConfig) {
        absurd(draw, &mut config);
    }
    if has(Kind::Rejecting) || has(Kind::BrokenGroup) {
        // Else all that is made fails at once, as fast as requests go, for minutes, or for days: most of the time of all
        // stories would go into that.
        config.failing.backoff_after = config.failing.backoff_after.min(100);
        config.failing.backoff_first = config.failing.backoff_first.max(Span::seconds(1));
        config.failing.backoff_window = config.failing.backoff_window.max(Span::seconds(60));
    }
    if has(Kind::BrokenGroup) {
        // By FAIL-1 a group that can never start halts the others: mostly it is to be seen that they don't mind.
        if draw.percent(80) {
            config.failing.max_failures = Some(1 << 40);
        }
        config.failing.healthy_after = Span::seconds(10);
        config.growing.max_pending = None;
        config.growing.max_executors = None;
        config.failing.backoff_after = config.failing.backoff_after.min(4);
        config
            .growing
            .start_timeout
            .get_or_insert(Span::seconds(120));
        config
            .growing
            .image_pull_patience
            .get_or_insert(Span::seconds(60));
    }
    config
}

fn seeing(draw: &mut Draw, config: &mut Config) {
    let seeing = &mut config.seeing;
    seeing.watch_silence = draw.one(&[Span::seconds(90), Span::seconds(75)]);
    seeing.relist_every =
        Some(draw.one(&[Span::seconds(60), Span::seconds(300), Span::seconds(300)]));
    seeing.check_all_containers = draw.percent(30);
}

fn growing(draw: &mut Draw, size: Size, config: &mut Config) {
    let growing = &mut config.growing;
    if draw.percent(25) {
        growing.ramp = Ramp::Fixed {
            size: 1 + draw.below(4) as u32,
            every: draw.one(&[Span::seconds(1), Span::seconds(5)]),
        };
    }
    growing.max_in_flight = draw.one(&[1, 2, 8, 128]);
    growing.request_timeout = draw.one(&[Span::seconds(5), Span::seconds(30)]);
    if draw.percent(25) {
        growing.max_pending = Some(1 + draw.below(size.executors()));
    }
    if draw.percent(20) {
        growing.max_executors = Some(size.executors() + draw.below(size.executors() + 1));
    }
    growing.start_timeout = draw.one(&[Some(Span::seconds(60)), Some(Span::seconds(600)), None]);
    growing.register_timeout = Some(draw.one(&[Span::seconds(60), Span::seconds(600)]));
    growing.image_pull_patience = Some(draw.one(&[Span::seconds(20), Span::seconds(120)]));
}

fn shrinking(draw: &mut Draw, config: &mut Config) {
    let shrinking = &mut config.shrinking;
    shrinking.pending_protection = draw.one(&[Span(0), Span::seconds(10), Span::seconds(60)]);
    shrinking.drain_timeout = draw.one(&[Span::seconds(10), Span::seconds(60), Span::seconds(300)]);
    if draw.percent(25) {
        shrinking.max_deletes = Some(DeleteBudget {
            size: 1 + draw.below(3) as u32,
            every: draw.one(&[Span::seconds(5), Span::seconds(60)]),
        });
    }
    shrinking.suspicious_loss = draw.one(&[None, Some(50), Some(50)]);
}

fn ending(draw: &mut Draw, config: &mut Config) {
    let ending = &mut config.ending;
    ending.keep_finished = draw.percent(25);
    ending.stuck_after = draw.one(&[Span::seconds(60), Span::seconds(300)]);
    ending.overdue_after = draw.one(&[Span::seconds(5), Span::seconds(60)]);
    ending.missing_tolerance = draw.one(&[Span::seconds(5), Span::seconds(30)]);
}

fn failing(draw: &mut Draw, size: Size, config: &mut Config) {
    let failing = &mut config.failing;
    failing.max_failures = draw.one(&[None, Some(3), Some(20), Some(100_000), Some(100_000)]);
    if size == Size::Large && failing.max_failures.is_some_and(|most| most < 100) {
        failing.max_failures = Some(100);
    }
    failing.failure_window = draw.one(&[Some(Span::seconds(3600)), Some(Span::seconds(300)), None]);
    failing.healthy_after = draw.one(&[Span(0), Span::seconds(10)]);
    failing.backoff_after = draw.one(&[1, 2, 5, 1_000_000]);
    failing.backoff_window = draw.one(&[Span::seconds(60), Span::seconds(600)]);
    failing.backoff_first = draw.one(&[Span::seconds(5), Span::seconds(30)]);
    failing.backoff_max = draw.one(&[Span::seconds(60), Span::seconds(300)]);
    failing.quota_retry = draw.one(&[Span::seconds(2), Span::seconds(10)]);
    failing.quota_retry_max = draw.one(&[Span::seconds(30), Span::seconds(120)]);
}

fn group(draw: &mut Draw, size: Size) -> GroupConfig {
    let mut group = defaults::group();
    if draw.percent(20) {
        group.max_pending = Some(1 + draw.below(size.executors()));
    }
    if draw.percent(30) {
        group.replace = Replace::AfterTermination;
    }
    if draw.percent(30) {
        group.shrink = Shrink::Idle {
            timeout: draw.one(&[Span::seconds(5), Span::seconds(60)]),
        };
    }
    group.before_loss = draw.percent(60);
    group.roll.policy = match draw.below(4) {
        0 => RollPolicy::LowestId,
        1 => RollPolicy::Oldest,
        2 => RollPolicy::Highest("gc".into()),
        _ => RollPolicy::Outlier("gc".into()),
    };
    group.roll.at_once = 1 + draw.below(2) as u32;
    group.roll.on_change = draw.percent(80);
    if draw.percent(10) {
        group.roll.every = Some(draw.one(&[Span::seconds(200), Span::seconds(1800)]));
        group.roll.min_tasks = draw.below(3) as i64;
    }
    if draw.percent(20) {
        group.claims = Some(claims(draw));
    }
    if draw.percent(25) {
        group.resize = Some(Resize {
            threshold: 90,
            percent: 10,
            max: draw.one(&[None, Some(3 << 30)]),
        });
    }
    group
}

/// Some knobs at zero, at one, or beyond all reason: as far as a fleet file may say so.
fn absurd(draw: &mut Draw, config: &mut Config) {
    const AGES: Span = Span(1 << 50);
    for _ in 0..1 + draw.below(4) {
        match draw.below(14) {
            0 => config.growing.max_in_flight = draw.one(&[1, u32::MAX]),
            1 => config.growing.start_timeout = Some(draw.one(&[Span(60_000), AGES])),
            2 => config.growing.image_pull_patience = Some(Span(0)),
            3 => config.shrinking.pending_protection = Span(0),
            4 => config.shrinking.drain_timeout = Span(0),
            5 => config.ending.overdue_after = Span(0),
            6 => config.ending.missing_tolerance = Span(0),
            7 => config.failing.failure_window = Some(draw.one(&[Span(0), AGES])),
            8 => config.failing.healthy_after = Span(0),
            9 => config.failing.backoff_first = Span(0),
            10 => config.failing.backoff_window = draw.one(&[Span(0), AGES]),
            11 => config.failing.quota_retry = Span(1000),
            12 => config.shrinking.suspicious_loss = Some(draw.one(&[1, 100])),
            _ => {
                for group in config.groups.values_mut() {
                    group.roll.at_once = draw.one(&[1, 1000]);
                    if let Shrink::Idle { timeout } = &mut group.shrink {
                        *timeout = Span(0);
                    }
                }
            }
        }
    }
}
