//! Goes through seeds on several threads; what is found does not depend on how many.

use super::{
    oracle,
    play::{Played, play_tallied},
    shrink::shrink,
};
use crate::{
    draw::{self, Mix, Size},
    judge::Violation,
    story::Story,
    table::Tally,
};
use std::{
    ops::Range,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

/// A search.
#[derive(Clone, Debug)]
pub struct Search {
    /// The seeds.
    pub seeds: Range<u64>,
    /// How many threads.
    pub jobs: usize,
    /// How large the fleets are; None: nine in ten small, most others middle, one in a hundred large.
    pub size: Option<Size>,
    /// Which faults.
    pub mix: Mix,
    /// A bug planted on purpose.
    #[cfg(feature = "mutants")]
    pub mutant: Option<evenkeel::core::mutants::Mutant>,
    /// Each story is compared with itself without faults.
    pub oracle: bool,
    /// The most stories that are played to make a find smaller; 0: it is left as it is.
    pub shrink: u32,
}

/// How far a search is. Counted as it goes; read at any time.
#[derive(Debug, Default)]
pub struct Progress {
    /// Stories played.
    pub seeds: AtomicU64,
    /// Inputs that controllers were given, in stories and in the same stories without faults.
    pub inputs: AtomicU64,
    /// Virtual milliseconds lived, in both.
    pub virtual_ms: AtomicU64,
    /// It is to stop.
    pub stop: AtomicBool,
}

impl Progress {
    fn lived(&self, played: &Played) {
        let report = &played.report;
        self.inputs.fetch_add(report.inputs, Ordering::Relaxed);
        self.virtual_ms
            .fetch_add(report.virtual_ms, Ordering::Relaxed);
    }
}

/// An invariant that a seed breaks.
#[derive(Clone, Debug)]
pub struct Found {
    /// The seed.
    pub seed: u64,
    /// The story, made small.
    pub story: Story,
    /// How it breaks what.
    pub violation: Violation,
}

/// What a search came to.
#[derive(Clone, Debug, Default)]
pub struct Sum {
    /// The find with the lowest seed.
    pub found: Option<Found>,
    /// What met what.
    pub tally: Tally,
    /// Over the digests of all lives, in any order.
    pub digest: u128,
}

impl Search {
    /// The story of that seed.
    #[must_use]
    pub fn story(&self, seed: u64) -> Story {
        #[cfg_attr(not(feature = "mutants"), expect(unused_mut))]
        let mut story = draw::story(seed, self.size, &self.mix);
        #[cfg(feature = "mutants")]
        {
            story.config.mutant = self.mutant;
        }
        story
    }

    /// Goes through the seeds, until one breaks an invariant.
    #[must_use]
    pub fn run(&self, progress: &Progress) -> Sum {
        let next = AtomicU64::new(self.seeds.start);
        let lowest = AtomicU64::new(u64::MAX);
        let sum = Mutex::new(Sum::default());
        let found: Mutex<Option<(u64, Story, Violation)>> = Mutex::new(None);
        std::thread::scope(|scope| {
            for _ in 0..self.jobs.max(1) {
                scope.spawn(|| {
                    let mut tally = Some(Tally::default());
                    let mut digest = 0u128;
                    loop {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        // Seeds below a find are played to their end, so that the lowest one is told.
                        let over = seed >= self.seeds.end || seed > lowest.load(Ordering::Relaxed);
                        if over || progress.stop.load(Ordering::Relaxed) {
                            break;
                        }
                        let story = self.story(seed);
                        let played = play_tallied(&story, &mut tally);
                        progress.seeds.fetch_add(1, Ordering::Relaxed);
                        progress.lived(&played);
                        digest = digest.wrapping_add(mixed(seed, &played.report.digest));
                        let violation = match played.violation.clone() {
                            None if self.oracle => {
                                let compared = oracle::compare(&story, &played);
                                compared.and_then(|(without, differs)| {
                                    progress.lived(&without);
                                    differs
                                })
                            }
                            violation => violation,
                        };
                        if let Some(violation) = violation {
                            lowest.fetch_min(seed, Ordering::Relaxed);
                            if let Ok(mut found) = found.lock()
                                && found.as_ref().is_none_or(|(before, _, _)| seed < *before)
                            {
                                *found = Some((seed, story, violation));
                            }
                        }
                    }
                    if let Ok(mut sum) = sum.lock() {
                        sum.tally.add(&tally.unwrap_or_default());
                        sum.digest = sum.digest.wrapping_add(digest);
                    }
                });
            }
        });
        let mut sum = sum.into_inner().unwrap_or_default();
        let found = found.into_inner().unwrap_or_default();
        sum.found = found.map(|(seed, story, violation)| {
            let stop = || progress.stop.load(Ordering::Relaxed);
            let (story, violation) = match violation.invariant {
                // The oracle compares two lives; only one is played while a story is made smaller.
                "L5" => (story, violation),
                _ => shrink(&story, &violation, self.shrink, stop),
            };
            Found {
                seed,
                story,
                violation,
            }
        });
        sum
    }
}

/// A life's digest, bound to its seed.
fn mixed(seed: u64, digest: &str) -> u128 {
    let digest = u128::from_str_radix(digest, 16).unwrap_or(0);
    digest.rotate_left((seed % 127) as u32) ^ u128::from(seed)
}
