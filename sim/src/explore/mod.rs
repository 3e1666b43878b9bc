//! All that can happen in a small world: every order in which what is under way arrives, every place at which a process
//! may die, and every way to spend a budget of faults, by depth-first search over cloned states.
//!
//! Safety: every step is looked at by the judges that need nothing but the ledger. Liveness: from every state in which
//! nothing can go wrong any more, all that is under way is delivered and answered in order, until states repeat; in that
//! circle all has to be as it is wanted.
//!
//! The rooms: `state` is one state, `choices` what may happen next in it, `steps` how that happens, and `drive` what the
//! controller makes of it; `cluster` and `wire` are what a state is made of; `canon` tells which states are the same;
//! `rest` is liveness; `path` writes down how it comes to a broken invariant.
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
    /// States that were passed beyond those on the way to rest.
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
        seen: Shards::default(),
        rests: Rests::default(),
        progress,
        found: Mutex::new(None),
    };
    let first = State::first(Arc::clone(&scope), None);
    explorer.seen.insert(first.fingerprint());
    progress.states.fetch_add(1, Ordering::Relaxed);
    let (on, choices) = (&explorer, first.choices());
    let threads = rayon::ThreadPoolBuilder::new().num_threads(jobs.max(1));
    match threads.build() {
        Ok(threads) => threads.scope(move |tasks| on.branch(tasks, &first, None, choices)),
        // Else those that there are anyway.
        Err(_) => rayon::in_place_scope(move |tasks| on.branch(tasks, &first, None, choices)),
    }
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
    seen: Shards,
    rests: Rests,
    progress: &'a Progress,
    found: Mutex<Option<Vec<Choice>>>,
}

/// How it comes to a state: the last choice, and those before.
struct Way {
    choice: Choice,
    before: Option<Arc<Way>>,
    depth: u64,
}

impl Way {
    fn then(before: Option<&Arc<Self>>, choice: Choice) -> Arc<Self> {
        Arc::new(Self {
            choice,
            before: before.cloned(),
            depth: before.map_or(0, |way| way.depth) + 1,
        })
    }

    fn choices(&self) -> Vec<Choice> {
        let mut choices = vec![self.choice];
        let mut before = &self.before;
        while let Some(way) = before {
            choices.push(way.choice);
            before = &way.before;
        }
        choices.reverse();
        choices
    }
}

impl<'a> Explorer<'a> {
    /// Goes on from a state with each of these choices. A thread takes the newest that is left to do, so depth first; one
    /// that has none takes the oldest of another.
    fn branch<'s>(
        &'s self,
        tasks: &rayon::Scope<'s>,
        state: &State,
        way: Option<&Arc<Way>>,
        choices: Vec<Choice>,
    ) where
        'a: 's,
    {
        for choice in choices.into_iter().rev() {
            let (state, way) = (state.clone(), Way::then(way, choice));
            tasks.spawn(move |tasks| self.follow(tasks, state, way));
        }
    }

    /// Goes one step, and then on in order to rest, where nothing can go wrong any more: until a state that is known.
    fn follow<'s>(&'s self, tasks: &rayon::Scope<'s>, mut state: State, mut way: Arc<Way>)
    where
        'a: 's,
    {
        let progress = self.progress;
        let mut spent = Vec::new();
        let last = loop {
            if progress.stop.load(Ordering::Relaxed) {
                return;
            }
            state.take(way.choice);
            progress.steps.fetch_add(1, Ordering::Relaxed);
            if state.violation().is_some() {
                return self.found(&way);
            }
            let fingerprint = state.fingerprint();
            if state.is_beyond() {
                progress.beyond.fetch_add(1, Ordering::Relaxed);
                break fingerprint;
            }
            if !self.seen.insert(fingerprint) {
                break fingerprint;
            }
            progress.states.fetch_add(1, Ordering::Relaxed);
            progress.deepest.fetch_max(way.depth, Ordering::Relaxed);
            let mut choices = state.choices();
            if !state.is_spent() {
                return self.branch(tasks, &state, Some(&way), choices);
            }
            spent.push(fingerprint);
            let next = state.next_in_order();
            let index = choices.iter().position(|choice| Some(*choice) == next);
            let next = index.map(|index| choices.remove(index));
            self.branch(tasks, &state, Some(&way), choices);
            match next {
                Some(next) => way = Way::then(Some(&way), next),
                None => break fingerprint,
            }
        };
        if !spent.is_empty() && !self.rests.knows(last) {
            match self.rests.comes_to_rest(&mut state, last) {
                Ok(passed) => progress.resting.fetch_add(passed, Ordering::Relaxed),
                Err(_) => return self.found(&way),
            };
        }
        progress
            .spent
            .fetch_add(spent.len() as u64, Ordering::Relaxed);
        self.rests.know(spent);
    }

    fn found(&self, way: &Way) {
        if let Ok(mut found) = self.found.lock() {
            found.get_or_insert_with(|| way.choices());
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    /// How a state goes on: the fingerprints that come after it.
    fn after(state: &State) -> Vec<u128> {
        let choices = state.choices().into_iter();
        let mut after: Vec<u128> = choices
            .map(|choice| {
                let mut next = state.clone();
                next.take(choice);
                next.fingerprint()
            })
            .collect();
        after.sort_unstable();
        after
    }

    /// What makes it right to follow only one of those that count as the same.
    #[test]
    fn states_that_count_as_the_same_go_on_in_the_same_ways() {
        for (engine, order, targets, faults, crashes) in [
            (EngineMode::None, Order::Prompt, vec![2], 1, 0),
            (EngineMode::None, Order::Prompt, vec![2], 0, 1),
            (EngineMode::None, Order::Prompt, vec![1, 0], 1, 0),
            (EngineMode::Registering, Order::Prompt, vec![1, 0], 1, 0),
            (EngineMode::None, Order::Free, vec![1], 0, 1),
        ] {
            let scope = Arc::new(Scope {
                engine,
                targets,
                order,
                faults,
                crashes,
                mutant: None,
            });
            let first = State::first(Arc::clone(&scope), None);
            let mut known = HashMap::from([(first.fingerprint(), after(&first))]);
            let mut met_again = 0;
            let mut to_do = vec![(first, Vec::new())];
            while let Some((state, way)) = to_do.pop() {
                for choice in state.choices() {
                    let mut next = state.clone();
                    next.take(choice);
                    let way: Vec<Choice> = way.iter().copied().chain([choice]).collect();
                    assert_eq!(next.violation(), None, "{scope:?}: {way:?}");
                    let (fingerprint, after) = (next.fingerprint(), after(&next));
                    if let Some(before) = known.get(&fingerprint) {
                        assert_eq!(*before, after, "{scope:?}: {way:?}");
                        met_again += 1;
                        continue;
                    }
                    known.insert(fingerprint, after);
                    if !next.is_beyond() {
                        to_do.push((next, way));
                    }
                }
            }
            assert!(met_again > 100, "{scope:?}: {met_again}");
        }
    }
}
