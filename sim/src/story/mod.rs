//! Stories: what a life begins with, and all that happens in it, written down.

mod happening;
mod kinds;
mod text;

pub use happening::{EngineFault, Fate, Happening, PodFate, Report, Strange, Verb, What, Wish};
pub use kinds::Kind;
pub(crate) use text::first_line;
pub use text::{NoStory, Verdict};

use crate::engine::Habits;
use evenkeel::core::{Config, Group, Span, Time, input::Shutdown};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The format that this version writes and reads.
pub const FORMAT: u32 = 1;

/// A fleet, its world and its engine, and all that happens to them. Played twice, it goes the same way, to the byte.
#[derive(Clone, Debug, PartialEq)]
pub struct Story {
    /// What chance within the world is drawn from: how long things take.
    pub seed: u64,
    /// The knobs of the fleet.
    pub config: Config,
    /// Whether the lease is taken (LIVE-1).
    pub lease: bool,
    /// Whether the pods have an owner (LIVE-3).
    pub owner: bool,
    /// The cluster.
    pub cluster: Cluster,
    /// The groups at first.
    pub groups: BTreeMap<Group, Wanted>,
    /// The engine; what it is told where the fleet's config says `engine: none` is little.
    pub engine: Habits,
    /// Faults strike up to here; then all is made well, and the fleet has to come to rest.
    pub lasts: Span,
    /// What happens, in order of time.
    pub happenings: Vec<Happening>,
    /// How the fleet is shut down once it has come to rest; None: it is left as it is.
    pub ends: Option<Shutdown>,
    /// It is shut down at that moment, in the midst of it all, and not only when it has come to rest.
    pub ends_at: Option<Time>,
    /// The config was drawn beyond all reason.
    pub absurd: bool,
}

/// What is wanted of a group at first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Wanted {
    /// How many executors.
    pub target: u64,
    /// Each has a sidecar.
    #[serde(default)]
    pub sidecar: bool,
}

/// The cluster of a story: how large, and how long things take on average.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Cluster {
    /// How many nodes.
    pub nodes: u32,
    /// How many pods a node has room for.
    pub pods_per_node: u32,
    /// How long a request takes.
    pub latency: Span,
    /// How long the scheduler takes for each pod.
    pub schedule: Span,
    /// How long a pod takes to start.
    pub start: Span,
    /// How long it takes to end.
    pub stop: Span,
    /// The grace of pods, in seconds.
    pub grace: u32,
}

impl Default for Cluster {
    fn default() -> Self {
        Self {
            nodes: 3,
            pods_per_node: 110,
            latency: Span(5),
            schedule: Span(16),
            start: Span(2000),
            stop: Span(1000),
            grace: 30,
        }
    }
}
