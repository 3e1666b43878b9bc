//! All that can happen in a small world: every order in which what is under way arrives, every place at which a process
//! may die, and every way to spend a budget of faults, by depth-first search over cloned states.
//!
//! Safety: every step is looked at by the judges that need nothing but the ledger. Liveness: from every state in which
//! nothing can go wrong any more, all that is under way is delivered and answered in order, until states repeat; in that
//! circle all has to be as it is wanted.
//!
//! The rooms: `state` is one state, `choices` what may happen next in it, `steps` how that happens, and `drive` what the
//! controller makes of it; `cluster` and `wire` are what a state is made of; `canon` tells which states are the same; `rest` is liveness; `path` writes down how it comes to a
//! broken invariant.
//!
//! The world is smaller than the one of stories: one group, no claims, no templates that change, a lease that never
//! fails, and steps that take no time. Time passes when nothing else is about to happen, or as a fault.

mod canon;
mod choice;
mod choices;
mod cluster;
mod drive;
mod path;
mod rest;
mod state;
mod steps;
mod wire;

pub use choice::Choice;
pub use path::{NoPath, Path};

use crate::{judge::Violation, recorder::Recorder};
use cluster::LONGEST;
use evenkeel::{
    core::{
        Config, Span,
        config::{EngineMode, Shrink},
    },
    defaults,
};
use rest::Rests;
use serde::{Deserialize, Serialize};
use state::State;
use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

/// Which world is explored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Scope {
    /// What is known of executors beyond their pods.
    pub engine: EngineMode,
    /// How many executors are wanted: at first, and then, at any time, each of the others in turn.
    pub targets: Vec<u64>,
    /// Whether what is under way arrives whenever it likes.
    pub order: Order,
    /// How many faults there may be on a path.
    pub faults: u32,
    /// How many times the process may die on a path.
    pub crashes: u32,
    /// A bug planted on purpose (feature `mutants`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mutant: Option<String>,
}

/// When answers, listings and events arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// In every order.
    Free,
    /// At once, and each that is late is a fault.
    Prompt,
}

impl Scope {
    /// The most executors that a small world may have: states are fewer than there is memory for.
    pub const MOST: u64 = 8;

    /// Whether such a world can be explored; else why not, in words.
    ///
    /// # Errors
    /// It has no executors, too many, or a bug that is not known.
    pub fn check(&self) -> Result<(), String> {
        if self.targets.is_empty() {
            return Err("targets: at least one is needed, as in 2,1".to_owned());
        }
        if let Some(target) = self.targets.iter().find(|target| **target > Self::MOST) {
            return Err(format!(
                "targets: {target} is more than {}: a world of so many can't be explored",
                Self::MOST
            ));
        }
        match &self.mutant {
            #[cfg(feature = "mutants")]
            Some(name) if crate::search::hunt::bug(name).is_none() => {
                Err(format!("mutant: there is no planted bug {name:?}"))
            }
            #[cfg(not(feature = "mutants"))]
            Some(_) => Err(
                "mutant: this build has no planted bugs; build it with the feature mutants"
                    .to_owned(),
            ),
            _ => Ok(()),
        }
    }

    /// The most pods that are asked for on a path: a path that asks for more is not followed.
    fn creates(&self) -> u32 {
        let most = self.targets.iter().max().copied().unwrap_or(0);
        u32::try_from(2 * most).unwrap_or(u32::MAX)
    }

    /// The knobs: short deadlines, so that all of them can pass, and no jitter.
    fn config(&self) -> Config {
        let mut config = defaults::config();
        config.engine = self.engine;
        config.jitter = false;
        config.seeing.relist_every = Some(LONGEST);
        // What a silent watch leads to, a lost event leads to as well: the listing that is due.
        config.seeing.watch_silence = Span(u64::MAX);
        config.growing.start_timeout = Some(LONGEST);
        config.growing.register_timeout = Some(LONGEST);
        config.growing.image_pull_patience = Some(LONGEST);
        config.shrinking.pending_protection = Span(0);
        config.shrinking.drain_timeout = LONGEST;
        config.ending.stuck_after = LONGEST;
        config.ending.overdue_after = Span(LONGEST.0 - 1000 * u64::from(cluster::GRACE));
        config.ending.missing_tolerance = LONGEST;
        config.failing.max_failures = Some(100);
        config.failing.failure_window = None;
        config.failing.healthy_after = Span(0);
        config.failing.backoff_window = LONGEST;
        config.failing.backoff_first = LONGEST;
        config.failing.backoff_max = LONGEST;
        config.other_groups.shrink = Shrink::Idle { timeout: Span(0) };
        #[cfg(feature = "mutants")]
        {
            let bug = self.mutant.as_deref().and_then(crate::search::hunt::bug);
            config.mutant = bug.map(|bug| bug.mutant);
        }
        config
    }
}

/// What was seen so far, while it goes on and at its end.
#[derive(Debug, Default)]
pub struct Progress {
    /// States.
    pub states: AtomicU64,
    /// Steps from one state to another, or to the same.
    pub steps: AtomicU64,
    /// Steps that were not followed, since they ask for too many pods.
    pub beyond: AtomicU64,
    /// States from which nothing can go wrong any more, and that were followed to their rest.
    pub spent: AtomicU64,
    /// Further states that were passed on the way to rest.
    pub resting: AtomicU64,
    /// The longest path.
    pub deepest: AtomicU64,
    /// Set to stop it.
    pub stop: AtomicBool,
}

/// A broken invariant, and how it comes to that.
#[derive(Clone, Debug)]
pub struct Found {
    /// Which, and how.
    pub violation: Violation,
    /// A way there, as short as it could be made.
    pub path: Path,
}

/// Explores a world, on that many threads; the first broken invariant.
#[must_use]
pub fn explore(scope: &Scope, jobs: usize, progress: &Progress) -> Option<Found> {
    let scope = Arc::new(scope.clone());
    let explorer = Explorer {
        scope: Arc::clone(&scope),
        seen: Shards::default(),
        rests: Rests::default(),
        progress,
        found: Mutex::new(None),
    };
    std::thread::scope(|threads| {
        for job in 0..jobs.max(1) {
            let explorer = &explorer;
            threads.spawn(move || explorer.go(job));
        }
    });
    let found = explorer.found.into_inner().ok().flatten()?;
    let (choices, violation) = path::shortened(&scope, found);
    Some(Found {
        violation,
        path: Path {
            scope: (*scope).clone(),
            choices,
        },
    })
}

/// Walks a path, and from where it ends on to rest, where nothing can go wrong there any more. What comes of it, and all
/// that went in and came out on the way.
#[must_use]
pub fn walk(path: &Path) -> (Option<Violation>, Recorder) {
    let scope = Arc::new(path.scope.clone());
    let (state, _) = path::walked(&scope, &path.choices, Some(Recorder::default()));
    let violation = state.violation().cloned();
    (violation, state.into_recorder())
}

struct Explorer<'a> {
    scope: Arc<Scope>,
    seen: Shards,
    rests: Rests,
    progress: &'a Progress,
    found: Mutex<Option<Vec<Choice>>>,
}

/// A state on the way, and what is to be tried from it still.
struct Frame {
    state: State,
    taken: Option<Choice>,
    choices: Vec<Choice>,
}

impl Explorer<'_> {
    /// Goes through what no other thread has gone through. Each begins with another choice, so that they part soon.
    fn go(&self, job: usize) {
        let first = State::first(Arc::clone(&self.scope), None);
        let mut way = Vec::new();
        if job == 0 {
            self.seen.insert(first.fingerprint());
            self.progress.states.fetch_add(1, Ordering::Relaxed);
        }
        way.push(Self::frame(first, None, job));
        while let Some(frame) = way.last_mut() {
            if self.progress.stop.load(Ordering::Relaxed) {
                return;
            }
            let Some(choice) = frame.choices.pop() else {
                way.pop();
                continue;
            };
            let mut next = frame.state.clone();
            next.take(choice);
            self.progress.steps.fetch_add(1, Ordering::Relaxed);
            if next.violation().is_some() {
                return self.found(&way, choice);
            }
            if next.is_beyond() {
                self.progress.beyond.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            let fingerprint = next.fingerprint();
            if !self.seen.insert(fingerprint) {
                continue;
            }
            self.progress.states.fetch_add(1, Ordering::Relaxed);
            if next.is_spent() {
                self.progress.spent.fetch_add(1, Ordering::Relaxed);
                if !self.rests.knows(fingerprint) {
                    match self.rests.comes_to_rest(&mut next.clone(), fingerprint) {
                        Ok(passed) => self.progress.resting.fetch_add(passed, Ordering::Relaxed),
                        Err(_) => return self.found(&way, choice),
                    };
                }
            }
            way.push(Self::frame(next, Some(choice), job));
            let depth = way.len() as u64 - 1;
            self.progress.deepest.fetch_max(depth, Ordering::Relaxed);
        }
    }

    fn frame(state: State, taken: Option<Choice>, job: usize) -> Frame {
        let mut choices = state.choices();
        if job.is_multiple_of(2) {
            choices.reverse();
        }
        Frame {
            state,
            taken,
            choices,
        }
    }

    fn found(&self, way: &[Frame], last: Choice) {
        let taken = way.iter().filter_map(|frame| frame.taken);
        let path = taken.chain([last]).collect();
        if let Ok(mut found) = self.found.lock() {
            found.get_or_insert(path);
        }
        self.progress.stop.store(true, Ordering::Relaxed);
    }
}

/// Fingerprints that several threads add to.
struct Shards {
    all: Vec<Mutex<HashSet<u128, fnv::FnvBuildHasher>>>,
}

impl Default for Shards {
    fn default() -> Self {
        let all = (0..64).map(|_| Mutex::default()).collect();
        Self { all }
    }
}

impl Shards {
    fn shard(&self, fingerprint: u128) -> &Mutex<HashSet<u128, fnv::FnvBuildHasher>> {
        &self.all[(fingerprint >> 120) as usize % self.all.len()]
    }

    /// Whether it is new.
    fn insert(&self, fingerprint: u128) -> bool {
        let shard = self.shard(fingerprint).lock();
        shard.is_ok_and(|mut shard| shard.insert(fingerprint))
    }

    fn contains(&self, fingerprint: u128) -> bool {
        let shard = self.shard(fingerprint).lock();
        shard.is_ok_and(|shard| shard.contains(&fingerprint))
    }
}
