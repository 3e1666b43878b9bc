//! The world as a value: seeds, clones, bounds.

use super::kit::*;
use evenkeel::{
    api::pod::Pod,
    core::{Time, input::WatchEvent},
    fake::{Percent, Rate, Weather, World, WorldConfig},
    port::{ListWish, Request},
};
use std::sync::Arc;

fn stormy(seed: u64) -> World {
    World::new(WorldConfig {
        weather: Weather {
            seed,
            crash_rate: Rate::per_second(1),
            node_loss: Rate::per_minute(1),
            evictions: Rate::per_minute(6),
            slow_start: Percent::new(10),
            pull_errors: Percent::new(10),
            api_errors: Percent::new(20),
            watch_drops: Rate::per_minute(2),
            expiries: Rate::per_minute(1),
            ..Weather::default()
        },
        ..WorldConfig::default()
    })
}

/// A stubborn little controller in a storm: makes what is missing, deletes what has finished.
fn weathered(mut world: World, until: Time) -> (World, Vec<String>) {
    let (mut made, mut seen, mut open) = (0, Vec::new(), None);
    while world.now() < until {
        pass(&mut world, 700);
        let Ok(listing) = world.listing(FLEET, ListWish::default()) else {
            continue;
        };
        if open.is_none() {
            open = world.watch_open(FLEET, listing.revision).ok();
        }
        while let Some(event) = open.and_then(|id| world.watch_poll(FLEET, id)) {
            if matches!(event, WatchEvent::Ended(_)) {
                open = None;
            }
            seen.push(format!("{event:?}"));
        }
        for _ in listing.pods.len()..40 {
            made += 1;
            world.execute(FLEET, &create_request(&format!("a-{made}")));
        }
        for name in listing.pods.iter().map(|pod| &pod.name) {
            let ended = |pod: &Arc<Pod>| ["Failed", "Succeeded"].contains(&&*pod.status.phase);
            if world.pod(name).is_some_and(ended) {
                let name = name.clone();
                let (uid, revision) = (None, None);
                world.execute(
                    FLEET,
                    &Request::Delete {
                        name,
                        uid,
                        revision,
                    },
                );
            }
        }
    }
    (world, seen)
}

#[test]
fn the_same_seed_gives_the_same_world() {
    let run = |seed| weathered(stormy(seed), Time(600_000));
    let (one, one_seen) = run(7);
    let (two, two_seen) = run(7);
    let pods = |world: &World| world.pods().cloned().collect::<Vec<_>>();
    assert_eq!(one.audit(), two.audit());
    assert_eq!(pods(&one), pods(&two));
    assert_eq!(one_seen, two_seen);
    assert!(one.audit().iter().any(|entry| entry.code >= 500));
    assert!(one_seen.iter().any(|event| event.contains("Expired")));
    let (three, _) = run(8);
    assert_ne!(one.audit(), three.audit());
}

#[test]
fn clones_go_their_own_ways() {
    let (mut one, _) = weathered(stormy(3), Time(60_000));
    let two = one.clone();
    let (revision, pods) = (two.revision(), two.pods().count());
    let (three, _) = weathered(two.clone(), Time(120_000));
    let (four, _) = weathered(two.clone(), Time(120_000));
    assert_eq!(three.audit(), four.audit());
    assert!(three.revision() > revision);
    assert_eq!((two.revision(), two.pods().count()), (revision, pods));
    one.set_weather(Weather::default());
    pass(&mut one, 600_000);
    let still = one.pods().filter(|pod| pod.status.phase == "Running");
    let before = still.count();
    pass(&mut one, 600_000);
    let still = one.pods().filter(|pod| pod.status.phase == "Running");
    assert_eq!(still.count(), before, "calm weather harms nobody");
}

#[test]
fn trouble_of_an_earlier_weather_does_not_strike() {
    let mut config = WorldConfig::default();
    config.weather.crash_rate = Rate::per_minute(6);
    let mut world = World::new(config);
    create(&mut world, "a");
    world.set_weather(Weather::default());
    pass(&mut world, 600_000);
    assert_eq!(phase(&world, "a"), "Running");
}

#[test]
fn memory_is_bounded() {
    let mut config = WorldConfig {
        history: 100,
        audit: 50,
        ..WorldConfig::default()
    };
    config.weather.pull_errors = Percent::new(0);
    let mut world = World::new(config);
    for at in 0..300 {
        create(&mut world, &format!("a{at}"));
    }
    assert_eq!(world.audit().len(), 50);
    assert_eq!(&*world.audit()[49].name, "a299");
    let id = watch(&mut world, "", 201);
    assert_eq!(drain(&mut world, id).len(), 100);
    let id = watch(&mut world, "", 200);
    assert_eq!(told(&drain(&mut world, id)), [("ERROR", 410)]);
}
