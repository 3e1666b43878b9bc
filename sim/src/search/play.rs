//! Lives one story through: faults, then calm, then the end.

use crate::{
    Report,
    engine::{self, Engine},
    judge::{Judge, Violation},
    life::{Life, Rested, Setup},
    recorder::Recorder,
    story::{Happening, Story, What, Wish},
    table::Tally,
};
use evenkeel::{
    PodTemplate,
    core::{
        Config, Group, Name, Span, Time,
        config::{Ramp, Shrink},
        input::GroupWish,
    },
    fake::{Percent, Weather, WorldConfig},
    template::Templates,
};
use serde_json::json;
use std::{collections::BTreeMap, sync::Arc};

/// The fleet of every story.
pub const FLEET: &str = "sim";
/// How many versions of its template a group has.
const VERSIONS: u32 = 3;
/// A shutdown takes no longer.
const SHUTDOWN: Span = Span::seconds(3600);

/// What became of a story.
#[derive(Clone, Debug)]
pub struct Played {
    /// What it came to.
    pub report: Report,
    /// The first invariant that was broken.
    pub violation: Option<Violation>,
    /// Where it came to rest, once faults were over.
    pub rested: Rested,
}

/// Plays a story with the plain engine and every invariant.
#[must_use]
pub fn play(story: &Story) -> Played {
    let mut tally = None;
    run(story, engine(story), &mut tally, false).0
}

/// Plays a story with an engine of your own, and every invariant.
#[must_use]
pub fn play_with(story: &Story, engine: Box<dyn Engine>) -> Played {
    run(story, engine, &mut None, false).0
}

/// Plays a story, and keeps everything that goes in and comes out.
#[must_use]
pub fn play_recorded(story: &Story) -> (Played, Recorder) {
    let (played, recorder) = run(story, engine(story), &mut None, true);
    (played, recorder.unwrap_or_default())
}

/// Plays a story, and adds what met what to the tally.
pub(super) fn play_tallied(story: &Story, tally: &mut Option<Tally>) -> Played {
    run(story, engine(story), tally, false).0
}

fn engine(story: &Story) -> Box<dyn Engine> {
    engine::usual(story.engine, &story.config)
}

fn run(
    story: &Story,
    engine: Box<dyn Engine>,
    tally: &mut Option<Tally>,
    record: bool,
) -> (Played, Option<Recorder>) {
    let fleet: Name = FLEET.into();
    let judge = Judge::new(fleet.clone(), Arc::new(story.config.clone()));
    if let Some(tally) = tally.as_mut() {
        tally.begin();
        if story.absurd {
            tally.stands(crate::story::Kind::AbsurdConfig);
        }
    }
    let recorder = record.then(Recorder::default);
    let mut life = Life::watched(
        setup(story, fleet),
        engine,
        Some(judge),
        tally.take(),
        recorder,
    );
    let shows_again = |happening: &Happening| matches!(happening.what, What::WatchReplay(_));
    if story.happenings.iter().any(shows_again) {
        life.remember_shown();
    }
    let mut closes = story.ends.zip(story.ends_at);
    for happening in &story.happenings {
        if let Some((shutdown, at)) = closes.filter(|(_, at)| *at <= happening.at) {
            life.run_to(at);
            life.shut_down(shutdown);
            closes = None;
        }
        life.run_to(happening.at);
        if life.is_over() {
            break;
        }
        life.strike(&happening.what);
    }
    let lasts = Time(story.lasts.0);
    if let Some((shutdown, at)) = closes {
        life.run_to(at.min(lasts));
        life.shut_down(shutdown);
    }
    life.run_to(lasts);
    let mut rested = Rested::default();
    if life.violation().is_none() {
        life.calm();
    }
    if life.violation().is_none() && story.ends_at.is_none() {
        life.come_to_rest(patience(story), stay(&story.config));
        rested = life.rested();
    }
    if let Some(shutdown) = story.ends.filter(|_| life.violation().is_none()) {
        if story.ends_at.is_none() {
            life.shut_down(shutdown);
        }
        life.run(SHUTDOWN);
        life.judge_end(shutdown);
    }
    let played = Played {
        report: life.report(),
        violation: life.violation().cloned(),
        rested,
    };
    let recorder = life.recorder().cloned();
    *tally = life.into_tally();
    (played, recorder)
}

/// How long a fleet may take to come to rest once all is well: all that it may have to wait for, one after another.
fn patience(story: &Story) -> Span {
    let config = &story.config;
    let known = |span: Option<Span>| span.map_or(0, |span| span.0);
    let growing = &config.growing;
    let ending = &config.ending;
    let failing = &config.failing;
    let idle = config.every_group().map(|group| match group.shrink {
        Shrink::Idle { timeout } => timeout.0,
        Shrink::Asked => 0,
    });
    let sum = idle.max().unwrap_or(0)
        + known(growing.start_timeout)
        + known(growing.register_timeout)
        + known(growing.image_pull_patience)
        + known(config.seeing.relist_every)
        + config.seeing.watch_silence.0
        + growing.request_timeout.0
        + config.shrinking.pending_protection.0
        + config.shrinking.drain_timeout.0
        + ending.stuck_after.0
        + ending.overdue_after.0
        + ending.missing_tolerance.0
        + failing.backoff_max.0
        + failing.quota_retry_max.0
        + config.living.lease_duration.0
        + throttled(config, most_wanted(story));
    Span(2 * sum + 1_800_000)
}

/// How long the config's own bounds alone stretch so many creates and as many deletes.
fn throttled(config: &Config, executors: u64) -> u64 {
    let each = |size: u32, every: Span| executors.div_ceil(u64::from(size.max(1))) * every.0;
    let creates = match config.growing.ramp {
        Ramp::Fixed { size, every } => each(size, every),
        Ramp::Governed => 0,
    };
    let deletes = config.shrinking.max_deletes;
    creates + deletes.map_or(0, |budget| each(budget.size, budget.every))
}

/// The most executors that a story ever wants at a time, or more.
fn most_wanted(story: &Story) -> u64 {
    let mut most: BTreeMap<&Group, u64> = BTreeMap::new();
    let first = story
        .groups
        .iter()
        .map(|(group, wanted)| (group, wanted.target));
    let later = story
        .happenings
        .iter()
        .filter_map(|happening| match &happening.what {
            What::Wish(Wish::Target { group, target }) => Some((group, *target)),
            _ => None,
        });
    for (group, target) in first.chain(later) {
        let most = most.entry(group).or_default();
        *most = target.max(*most);
    }
    most.into_values().fold(0, u64::saturating_add)
}

/// How long it is watched at rest: over the next listing.
fn stay(config: &Config) -> Span {
    let every = config.seeing.relist_every.map_or(300_000, |every| every.0);
    Span(every + 60_000)
}

/// The world and the fleet of a story.
fn setup(story: &Story, fleet: Name) -> Setup {
    let mut templates = Templates::new();
    let mut versions = BTreeMap::new();
    let mut wishes = BTreeMap::new();
    for (group, wanted) in &story.groups {
        let all: Vec<u32> = (0..VERSIONS).rev().collect();
        let mut hashes: Vec<u64> = all
            .into_iter()
            .map(|version| {
                templates.insert(
                    group.clone(),
                    template(version, wanted.sidecar, story.cluster.grace),
                )
            })
            .collect();
        hashes.reverse();
        let wish = GroupWish {
            target: wanted.target,
            maximum: None,
            template: hashes[0],
        };
        wishes.insert(group.clone(), wish);
        versions.insert(group.clone(), hashes);
    }
    let cluster = &story.cluster;
    let weather = Weather {
        seed: story.seed,
        nodes: cluster.nodes,
        node_pods: cluster.pods_per_node,
        schedule: cluster.schedule,
        start: cluster.start,
        stop: cluster.stop,
        slow_start: Percent::default(),
        api_latency: cluster.latency,
        ..Weather::default()
    };
    Setup {
        fleet,
        config: story.config.clone(),
        wishes,
        templates,
        versions,
        lease: story.lease,
        owner: story.owner,
        world: WorldConfig {
            weather,
            audit: 0,
            ..WorldConfig::default()
        },
    }
}

fn template(version: u32, sidecar: bool, grace: u32) -> PodTemplate {
    let mut containers = vec![json!({
        "name": "main", "image": "worker:1",
        "env": [{"name": "VERSION", "value": version.to_string()}],
        "resources": {"requests": {"memory": "1Gi"}, "limits": {"memory": "1Gi"}},
    })];
    if sidecar {
        containers.push(json!({"name": "sidecar", "image": "sidecar:1"}));
    }
    let template =
        json!({"spec": {"containers": containers, "terminationGracePeriodSeconds": grace}});
    PodTemplate::from_value(template)
        .unwrap_or_else(|error| unreachable!("a good template: {error}"))
}
