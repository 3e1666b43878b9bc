//! Lives in virtual time: the same seed, the same life; and each ends where it should.

use evenkeel::{
    PodTemplate,
    core::{
        Config, Span,
        config::{Claims, EngineMode},
        input::{DesiredChange, GroupWish, Shutdown},
    },
    fake::{Weather, WorldConfig},
    template::Templates,
};
use evenkeel_sim::{
    Life, Setup,
    engine::{self, Habits},
};
use std::collections::{BTreeMap, BTreeSet};

fn setup(seed: u64, engine: EngineMode, targets: &[(&str, u64)]) -> Setup {
    let weather: Weather = serde_json::from_value(serde_json::json!({
        "seed": seed, "crash_rate": "6/min", "node_loss": "12/h", "evictions": "30/h", "slow_start": 10,
        "api_errors": 6, "api_latency": "15ms", "watch_drops": "3/min", "expiries": "1/min",
    }))
    .expect("good weather keys");
    let spec = serde_json::json!({"spec": {"containers": [{"name": "main", "image": "worker:1"}]}});
    let template = PodTemplate::from_value(spec).expect("a good template");
    let mut templates = Templates::new();
    let mut wishes = BTreeMap::new();
    for (group, target) in targets {
        let template = templates.insert(*group, template.clone());
        wishes.insert(
            (*group).into(),
            GroupWish {
                target: *target,
                maximum: None,
                template,
            },
        );
    }
    let mut config = Config {
        seed,
        ..evenkeel::defaults::config()
    };
    config.engine = engine;
    config.failing.max_failures = Some(1_000_000);
    let world = WorldConfig {
        weather,
        ..WorldConfig::default()
    };
    Setup {
        fleet: "sim".into(),
        config,
        wishes,
        templates,
        versions: BTreeMap::new(),
        lease: true,
        owner: false,
        world,
    }
}

const PROMPT: EngineMode = EngineMode::Registering;

fn begin(setup: Setup) -> Life {
    let habits = Habits {
        registers_after: Span(700),
        drains_after: Span(1500),
        ..Habits::PROMPT
    };
    let engine = engine::usual(habits, &setup.config);
    Life::watched(setup, engine, None, None, None)
}

#[test]
fn the_same_seed_gives_the_same_life() {
    let digests = |seed| {
        let mut life = begin(setup(seed, PROMPT, &[("a", 12), ("b", 4)]));
        life.run(Span::seconds(1200));
        life.report()
    };
    assert_eq!(digests(3), digests(3));
    assert_ne!(digests(3).digest, digests(4).digest);
}

/// Lives through bad weather and crashes of the controller, then waits for calm; shut down, nothing is left.
fn live(seed: u64, engine: EngineMode) {
    let mut life = begin(setup(seed, engine, &[("a", 15), ("b", 5)]));
    for _ in 0..4 {
        life.run(Span::seconds(300));
        life.crash();
    }
    life.run(Span::seconds(300));
    life.world().set_weather(Weather::default());
    life.run(Span::seconds(900));
    let report = life.report();
    assert!(report.status.at_target, "seed {seed}: {report:#?}");
    assert_eq!(report.pods, 20, "seed {seed}");
    life.update(DesiredChange {
        shutdown: Some(Shutdown::Drain),
        ..DesiredChange::default()
    });
    life.run(Span::seconds(1800));
    let report = life.report();
    assert!(
        report.finished && report.pods == 0,
        "seed {seed}: {report:#?}"
    );
}

/// The same, where each executor has a claim of its own: at rest there are no more of them than executors, each in use
/// by one; and none is left at the end.
fn live_with_claims(seed: u64, wait: bool) {
    let mut setup = setup(seed, PROMPT, &[("a", 12), ("b", 4)]);
    setup.config.other_groups.claims = Some(Claims {
        bytes: 1 << 30,
        class: None,
        reuse: true,
        wait,
    });
    let mut life = begin(setup);
    for _ in 0..4 {
        life.run(Span::seconds(300));
        life.crash();
    }
    life.run(Span::seconds(300));
    life.world().set_weather(Weather::default());
    life.run(Span::seconds(900));
    let report = life.report();
    assert!(report.status.at_target, "seed {seed}: {report:#?}");
    let volumes = life.world().pods().flat_map(|pod| &pod.spec.volumes);
    let claims = volumes.filter_map(|volume| volume.persistent_volume_claim.as_ref());
    let held: Vec<_> = claims.map(|claim| claim.claim_name.clone()).collect();
    let each: BTreeSet<_> = held.iter().collect();
    assert_eq!((held.len(), each.len()), (16, 16), "seed {seed}");
    assert!(report.claims >= 16, "seed {seed}: {}", report.claims);
    if wait {
        assert_eq!(report.claims, 16, "seed {seed}");
    }
    life.update(DesiredChange {
        shutdown: Some(Shutdown::Drain),
        ..DesiredChange::default()
    });
    life.run(Span::seconds(1800));
    // The last claims are on their way out.
    let soon = life.world().now().after(Span::seconds(1));
    life.world().advance(soon);
    let report = life.report();
    assert!(report.finished, "seed {seed}: {report:#?}");
    assert_eq!((report.pods, report.claims), (0, 0), "seed {seed}");
}

#[test]
fn lives_with_claims_in_bad_weather_lose_none_and_leave_none() {
    (200..206).for_each(|seed| live_with_claims(seed, seed % 2 == 0));
}

#[test]
fn lives_in_bad_weather_end_at_target_with_an_engine() {
    (0..6).for_each(|seed| live(seed, PROMPT));
}

#[test]
fn lives_in_bad_weather_end_at_target_without_an_engine() {
    (100..106).for_each(|seed| live(seed, EngineMode::None));
}
