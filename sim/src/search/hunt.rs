//! Hunts planted bugs: each is put into the controller, and seeds are gone through until an invariant on the true world
//! breaks. A panic is no kill: it says something of the planted bug, not of the judges.

use super::play::play;
use crate::{
    draw::{self, Mix, Size},
    judge::Violation,
    story::Story,
};
use evenkeel::core::mutants::{Bug, CATALOGUE};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// A hunt.
#[derive(Clone, Debug)]
pub struct Hunt {
    /// The seeds, gone through in order for each bug.
    pub seeds: Range<u64>,
    /// How many bugs are hunted at once; each on one thread.
    pub jobs: usize,
    /// How long each is hunted.
    pub budget: Duration,
    /// How large the fleets are; None: nine in ten small, one middle.
    pub size: Option<Size>,
}

/// What became of a planted bug.
#[derive(Clone, Debug)]
pub struct Hunted {
    /// Which.
    pub bug: &'static Bug,
    /// The seed that kills it, and how; None: it survived.
    pub killed: Option<(u64, Violation)>,
    /// How many seeds were played.
    pub seeds: u64,
    /// In how many of them the controller panicked.
    pub panics: u64,
    /// How long that took.
    pub took: Duration,
}

/// Seeds that kill, by the bug's name: what is played in CI.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Fixed {
    /// A seed for each.
    pub seeds: BTreeMap<String, u64>,
}

/// The bug of that name.
#[must_use]
pub fn bug(name: &str) -> Option<&'static Bug> {
    CATALOGUE.iter().find(|bug| bug.name == name)
}

impl Hunt {
    /// Hunts these bugs; `done` is told of each, as it is over.
    pub fn run(
        &self,
        bugs: &[&'static Bug],
        stop: &AtomicBool,
        done: impl Fn(&Hunted) + Sync,
    ) -> Vec<Hunted> {
        let next = AtomicUsize::new(0);
        let all = Mutex::new(Vec::new());
        let hook = std::panic::take_hook();
        // A planted bug may panic in any of many thousand lives.
        std::panic::set_hook(Box::new(|_| {}));
        std::thread::scope(|scope| {
            for _ in 0..self.jobs.max(1) {
                scope.spawn(|| {
                    while let Some(bug) = bugs.get(next.fetch_add(1, Ordering::Relaxed)) {
                        if stop.load(Ordering::Relaxed) {
                            break;
                        }
                        let hunted = self.one(bug, stop);
                        done(&hunted);
                        if let Ok(mut all) = all.lock() {
                            all.push(hunted);
                        }
                    }
                });
            }
        });
        std::panic::set_hook(hook);
        let mut all = all.into_inner().unwrap_or_default();
        let place = |hunted: &Hunted| bugs.iter().position(|bug| bug.name == hunted.bug.name);
        all.sort_by_key(place);
        all
    }

    fn one(&self, bug: &'static Bug, stop: &AtomicBool) -> Hunted {
        let began = Instant::now();
        let mut hunted = Hunted {
            bug,
            killed: None,
            seeds: 0,
            panics: 0,
            took: Duration::ZERO,
        };
        for seed in self.seeds.clone() {
            if began.elapsed() >= self.budget || stop.load(Ordering::Relaxed) {
                break;
            }
            hunted.seeds += 1;
            let story = self.story(seed, Some(bug));
            match catch_unwind(AssertUnwindSafe(|| play(&story))) {
                Err(_) => hunted.panics += 1,
                // What breaks without the bug too says nothing of it.
                Ok(played) => {
                    let broken = played.violation.map(|violation| (seed, violation));
                    hunted.killed =
                        broken.filter(|_| play(&self.story(seed, None)).violation.is_none());
                }
            }
            if hunted.killed.is_some() {
                break;
            }
        }
        hunted.took = began.elapsed();
        hunted
    }

    /// The canary: with no bug planted, these seeds break nothing; the first that does.
    #[must_use]
    pub fn canary(&self, seeds: &[u64], stop: &AtomicBool) -> Option<(u64, Violation)> {
        let next = AtomicUsize::new(0);
        let found = Mutex::new(None::<(u64, Violation)>);
        std::thread::scope(|scope| {
            for _ in 0..self.jobs.max(1) {
                scope.spawn(|| {
                    while let Some(&seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
                        if stop.load(Ordering::Relaxed) {
                            return;
                        }
                        let Some(violation) = play(&self.story(seed, None)).violation else {
                            continue;
                        };
                        if let Ok(mut found) = found.lock()
                            && found.as_ref().is_none_or(|(before, _)| seed < *before)
                        {
                            *found = Some((seed, violation));
                        }
                        return;
                    }
                });
            }
        });
        found.into_inner().unwrap_or_default()
    }

    /// The story of that seed, with that bug planted.
    #[must_use]
    pub fn story(&self, seed: u64, bug: Option<&Bug>) -> Story {
        let mixed = if seed % 10 == 9 {
            Size::Middle
        } else {
            Size::Small
        };
        let mut story = draw::story(seed, Some(self.size.unwrap_or(mixed)), &Mix::Swarm);
        story.config.mutant = bug.map(|bug| bug.mutant);
        story
    }
}
