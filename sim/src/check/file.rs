//! The scenario file: one story, as a user writes it. Strict: what is not known here is an error.

use super::words::{CauseText, Ids, Numbers, Ordered, Timed, WhoseIds};
use evenkeel::{
    core::{Group, input::Shutdown},
    file::{Bytes, ConfigKeys, Duration, GroupKeys, OrNever},
};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

pub use super::words::{Ago, Id, Pod, PodKeys, Reply, ReplyKeys};

/// A scenario file.
#[derive(Debug, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a scenario: a map with the keys scenario, groups and steps"
)]
pub struct ScenarioFile {
    /// What it shows, in a sentence.
    pub scenario: String,
    /// The rules that it is about, and where it comes from.
    #[serde(default, rename = "about")]
    pub _about: Option<String>,
    /// The fleet's keys.
    #[serde(default)]
    pub config: ConfigKeys,
    /// The groups' keys.
    pub groups: BTreeMap<Group, GroupKeys>,
    /// The first listing shows these pods of incarnation 1; the story runs in incarnation 2.
    #[serde(default)]
    pub adopt: Option<Timed>,
    /// What happens, in order.
    pub steps: Vec<Step>,
}

/// What of the keys of `config` is written down, whatever it says.
#[derive(Debug, Deserialize)]
pub struct Written {
    /// The keys.
    #[serde(default)]
    pub config: BTreeMap<String, serde::de::IgnoredAny>,
}

/// One step.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The engine sets targets.
    Target(BTreeMap<Group, u64>),
    /// Watch events, one each, in the order written.
    Pods(Timed),
    /// A whole listing.
    List(Timed),
    /// What becomes of the watch.
    Watch(WatchStep),
    /// What the engine reports and asks.
    Engine(EngineKeys),
    /// Disruption notices (SPOT).
    Disrupt(ById<DisruptReason>),
    /// Virtual time passes.
    Advance(Duration),
    /// How effects and listings are answered from now on.
    Replies(ReplyKeys),
    /// Answers what `silence` held back.
    Answer(AnswerKeys),
    /// Claims as a listing shows them.
    Claims(BTreeMap<String, ClaimStep>),
    /// The fleet is suspended, or that is undone.
    Suspend(bool),
    /// A group is wanted no more.
    RemoveGroup(Group),
    /// The fleet ends.
    Shutdown(Shutdown),
    /// The controller dies with all it knew.
    Crash(CrashKeys),
    /// What becomes of the lease.
    Lease(LeaseStep),
    /// All that was done since the last expectation.
    Expect(Expect),
    /// Some of what was done since the last expectation.
    ExpectWithin(Expect),
    /// What the status shows now.
    State(BTreeMap<Group, StateKeys>),
    /// How long until a plan could change by time alone.
    Wake(OrNever),
}

/// Entries in the order written.
pub type ById<T> = Ordered<Id, T>;

/// What becomes of the watch.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WatchStep {
    /// It ends.
    Closed,
    /// It ends with 410.
    Expired,
    /// It says nothing more.
    Silent,
}

/// What becomes of the lease.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeaseStep {
    /// Another one takes it.
    Lost,
    /// It is ours again, as a new incarnation.
    Won,
}

/// Why an executor will soon be lost.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisruptReason {
    /// For another pod.
    Preempted,
    /// By the node or the eviction API.
    Evicted,
    /// With its node.
    NodeLost,
}

/// What the engine reports and asks, in this order.
#[derive(Debug, Default, Deserialize)]
#[serde(
    default,
    deny_unknown_fields,
    expecting = "a map, as {registered: [1, 2]}"
)]
pub struct EngineKeys {
    pub registered: Vec<Id>,
    pub idle: Vec<Id>,
    pub busy: Vec<Id>,
    pub drained: Vec<Id>,
    pub release: Vec<Id>,
    pub kill: Vec<Id>,
    pub failed: ById<String>,
    pub resume: bool,
    pub metrics: ById<Numbers>,
}

/// Answers to what was held back.
#[derive(Debug, Default, Deserialize)]
#[serde(
    default,
    deny_unknown_fields,
    expecting = "a map, as {create: {1: ok}}"
)]
pub struct AnswerKeys {
    pub create: ById<Reply>,
    pub delete: ById<Reply>,
    pub label: ById<Reply>,
    pub resize: ById<Reply>,
}

/// A claim as a listing shows it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a map, as {group: g, size: 10Gi}")]
pub struct ClaimStep {
    /// The file's only group where it is not given.
    #[serde(default)]
    pub group: Option<Group>,
    pub size: Bytes,
    #[serde(default)]
    pub class: Option<String>,
    /// The executor whose pod uses it.
    #[serde(default)]
    pub held_by: Option<Id>,
    /// When it was made; at this step where it is not given.
    #[serde(default)]
    pub created: Option<Ago>,
}

/// The controller dies with all it knew.
#[derive(Debug, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a map, as {list: {\"1-1\": running}}"
)]
pub struct CrashKeys {
    /// What the next incarnation's first listing shows.
    pub list: Timed,
}

/// What was done.
#[derive(Debug, Default, Deserialize)]
#[serde(
    default,
    deny_unknown_fields,
    expecting = "a map of what was done, as {create: [1, 2]}"
)]
pub struct Expect {
    pub create: Option<WhoseIds>,
    pub delete: Option<Ids>,
    pub drain: Option<Ids>,
    pub lose: Option<ById<CauseText>>,
    pub refuse: Option<Ids>,
    pub label: Option<Ids>,
    pub resize: Option<ById<Bytes>>,
    pub create_claim: Option<u64>,
    pub reuse_claim: Option<ById<String>>,
    pub delete_claim: Option<u64>,
    pub halt: Option<String>,
    pub list: Option<u64>,
    pub watch: Option<u64>,
    pub finding: Option<BTreeSet<String>>,
}

/// How a group stands: the keys that are given.
#[derive(Debug, Default, Deserialize)]
#[serde(
    default,
    deny_unknown_fields,
    expecting = "a map, as {counting: 2, unmet: [quota]}"
)]
pub struct StateKeys {
    pub target: Option<u64>,
    pub counting: Option<u64>,
    pub running: Option<u64>,
    pub pending: Option<u64>,
    pub in_flight: Option<u64>,
    pub unmet: Option<BTreeSet<String>>,
}

impl Step {
    /// Its key in the file.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Target(_) => "target",
            Self::Pods(_) => "pods",
            Self::List(_) => "list",
            Self::Watch(_) => "watch",
            Self::Engine(_) => "engine",
            Self::Disrupt(_) => "disrupt",
            Self::Advance(_) => "advance",
            Self::Replies(_) => "replies",
            Self::Answer(_) => "answer",
            Self::Claims(_) => "claims",
            Self::Suspend(_) => "suspend",
            Self::RemoveGroup(_) => "remove_group",
            Self::Shutdown(_) => "shutdown",
            Self::Crash(_) => "crash",
            Self::Lease(_) => "lease",
            Self::Expect(_) => "expect",
            Self::ExpectWithin(_) => "expect_within",
            Self::State(_) => "state",
            Self::Wake(_) => "wake",
        }
    }
}
