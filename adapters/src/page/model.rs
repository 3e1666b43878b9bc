//! What a page shows, as plain data: the script draws it, and works out what stood at any moment.

use evenkeel_core::{Name, Span, Time, output::Why, plan::Class};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// A page. All times are milliseconds of the page's clock: the world's of a story, the process's own of a flight record.
#[derive(Clone, Debug, Serialize)]
pub struct Page {
    /// What it is of: the name of a file, mostly.
    pub name: String,
    /// What that is.
    pub source: Source,
    /// The fleet.
    pub fleet: Name,
    /// Executors register with an engine; without one, running is as good as that.
    pub engine: bool,
    /// What it all came to.
    pub verdict: Verdict,
    /// The last moment.
    pub ends: Time,
    /// When faults were over.
    pub calm: Option<Time>,
    /// The groups, by name.
    pub groups: Vec<GroupLine>,
    /// The controllers' processes, in order of their numbers.
    pub processes: Vec<Process>,
    /// The executors, by id.
    pub lanes: Vec<Lane>,
    /// Requests to the cluster, in order of when they were sent.
    pub requests: Vec<Request>,
    /// What is drawn as a mark, in order of time.
    pub marks: Vec<Mark>,
    /// The number of the first of [`steps`](Self::steps): the ones before it are left out.
    pub first_step: u64,
    /// The steps that marks and changes refer to.
    pub steps: Vec<Step>,
    /// The number of the step that the first of [`inputs`](Self::inputs) is of.
    pub first_input: u64,
    /// The inputs of steps, as a flight record has them; None where one is too long.
    pub inputs: Vec<Option<Box<RawValue>>>,
    /// What was not as it should be, from each moment on.
    pub findings: Vec<(Time, Vec<String>)>,
    /// What is not on the page, because it would be too much.
    pub left_out: Vec<LeftOut>,
    /// The names behind numbers.
    pub names: Names,
}

/// What a page is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A story of the simulator: several processes, and faults.
    Story,
    /// A flight record: one process.
    Flight,
}

/// What it all came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// In one word.
    pub standing: Standing,
    /// The invariant that is broken.
    pub invariant: Option<String>,
    /// In words.
    pub says: String,
    /// When.
    pub at: Option<Time>,
}

/// What it came to, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// No invariant is broken; a flight record comes out as it was written.
    Well,
    /// An invariant is broken.
    Broken,
    /// Played again, it comes to something else than it says.
    Differs,
}

/// A group over time.
#[derive(Clone, Debug, Serialize)]
pub struct GroupLine {
    /// Its name.
    pub name: Name,
    /// How it stood, from each moment on; by the process that leads.
    pub points: Vec<Point>,
}

/// How a group stands from one moment on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// From when on.
    pub at: Time,
    /// How many executors are wanted.
    pub target: u64,
    /// How many count towards that (GROW-1).
    pub counting: u64,
    /// How many of those are of use to the engine.
    pub serving: u64,
    /// Why it is not at rest: `ramp 3, quota 1`.
    pub unmet: String,
}

impl Serialize for Point {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        (
            self.at,
            self.target,
            self.counting,
            self.serving,
            &self.unmet,
        )
            .serialize(to)
    }
}

/// A controller's process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Process {
    /// Its number.
    pub number: u32,
    /// When it began.
    pub began: Time,
    /// When it died; None: it is alive at the end.
    pub died: Option<Time>,
    /// From when to when it led: held the lease, had a whole listing, and knew what is wanted (LIVE-1).
    pub led: Vec<(Time, Time)>,
}

/// An executor over time, as the process that leads knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lane {
    /// Its id.
    pub id: String,
    /// Which of the groups.
    pub group: usize,
    /// What it was, from each moment on.
    pub changes: Vec<Change>,
    /// Its end (END-1).
    pub end: Option<End>,
}

/// What an executor is from one moment on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// From when on.
    pub at: Time,
    /// What it is.
    pub state: State,
    /// The step that made it so.
    pub step: u64,
}

impl Serialize for Change {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        (self.at, self.state, self.step).serialize(to)
    }
}

/// What an executor is, as one number. Bits 0 to 3: the class, as in [`Names::states`]; then one bit each: it is registered
/// (4), counts (5), a write of ours on it is open (6), its end was told (7); from bit 8 on: the rule by which it is let go
/// or deleted, from 1, as in [`Names::rules`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct State(pub u32);

impl State {
    /// There is no pod of it any more.
    pub const GONE: State = State(8);

    /// That state.
    #[must_use]
    pub fn of(executor: &evenkeel_core::ExecutorState<'_>) -> Self {
        let class = match executor.class() {
            Some(Class::Requested) => 0,
            Some(Class::Created) => 1,
            Some(Class::Pending) => 2,
            Some(Class::Running) => 3,
            Some(Class::Unknown) => 4,
            Some(Class::Terminating) => 5,
            Some(Class::Failed) => 6,
            Some(Class::Succeeded) => 7,
            None => Self::GONE.0,
        };
        let bit = |which: u32, is: bool| u32::from(is) << which;
        let rule = executor.leaves_by().and_then(|why| {
            let at = RULES.iter().position(|rule| *rule == why)?;
            u32::try_from(at + 1).ok()
        });
        Self(
            class
                | bit(4, executor.is_registered())
                | bit(5, executor.counts())
                | bit(6, executor.has_open_write())
                | bit(7, executor.has_ended())
                | rule.unwrap_or(0) << 8,
        )
    }

    /// Whether its pod is gone.
    #[must_use]
    pub fn is_gone(self) -> bool {
        self.0 & 15 == Self::GONE.0
    }
}

/// How an executor ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct End {
    /// When that was told.
    pub at: Time,
    /// The cause, with its details.
    pub cause: String,
    /// It counts as a failure (END-4).
    pub failure: bool,
    /// What was seen, in the cluster's words.
    pub evidence: String,
}

/// A request to the cluster, from when it was sent to when it was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Whose.
    pub process: u32,
    /// When it was asked for.
    pub sent: Time,
    /// When it was answered, or its process died; None: it is under way at the end.
    pub until: Option<Time>,
    /// What was asked for.
    pub what: String,
    /// The rule behind it.
    pub rule: Option<&'static str>,
}

impl Serialize for Request {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        (self.process, self.sent, self.until, &self.what, self.rule).serialize(to)
    }
}

/// Something that happened, drawn where and when it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// When.
    pub at: Time,
    /// What sort of thing.
    pub kind: Kind,
    /// Which of the lanes; None: it is not of one executor.
    pub lane: Option<usize>,
    /// The step that it was part of.
    pub step: Option<u64>,
    /// The rule behind it.
    pub rule: Option<&'static str>,
    /// In words.
    pub says: String,
    /// More about it.
    pub detail: Option<String>,
    /// How long it goes on.
    pub lasts: Span,
}

impl Serialize for Mark {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        (
            self.at,
            self.kind as u8,
            self.lane,
            self.step,
            self.rule,
            &self.says,
            self.lasts,
            &self.detail,
        )
            .serialize(to)
    }
}

/// What sort of thing a mark is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
#[allow(missing_docs, reason = "the names are what the page calls them")]
pub enum Kind {
    Fault,
    Create,
    Delete,
    Finish,
    Resize,
    Claim,
    Notice,
    End,
    Wish,
    Report,
    Answer,
    Lease,
    Trouble,
}

impl Kind {
    /// What the page calls each, by number.
    const NAMES: [&'static str; 13] = [
        "fault", "create", "delete", "finish", "resize", "claim", "notice", "end", "wish",
        "report", "answer", "lease", "trouble",
    ];
}

/// One input of one process, and what came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// Whose.
    pub process: u32,
    /// When.
    pub at: Time,
    /// When, by the process's own clock: flight records and deadlines are in it.
    pub own: Time,
    /// The input in words.
    pub input: String,
    /// The outputs in words, each with its rule.
    pub outputs: Vec<(String, Option<&'static str>)>,
    /// How many more outputs there were.
    pub more: usize,
}

/// Something that is not on the page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// What.
    pub what: &'static str,
    /// How many.
    pub count: u64,
    /// All of them were before this moment; the end of time: they may have been at any.
    pub before: Time,
}

/// The names behind the numbers of a page.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Names {
    /// Of the classes in [`State`].
    pub states: [&'static str; 9],
    /// Of marks' kinds.
    pub kinds: [&'static str; 13],
    /// Of rules.
    pub rules: [&'static str; 13],
    /// What each of those is for.
    pub meanings: [&'static str; 13],
}

/// The rules, in the order of [`Names::rules`].
const RULES: [Why; 13] = [
    Why::Grow1,
    Why::Grow6,
    Why::Shrink1,
    Why::Shrink2,
    Why::Shrink4,
    Why::End1,
    Why::End2,
    Why::Live4,
    Why::See3,
    Why::Roll,
    Why::Claim,
    Why::Size,
    Why::Spot,
];

impl Default for Names {
    fn default() -> Self {
        Self {
            states: [
                "requested",
                "created",
                "pending",
                "running",
                "unknown",
                "terminating",
                "failed",
                "succeeded",
                "gone",
            ],
            kinds: Kind::NAMES,
            rules: RULES.map(Why::rule),
            meanings: RULES.map(meaning),
        }
    }
}

fn meaning(why: Why) -> &'static str {
    match why {
        Why::Grow1 => "a shortfall is made up",
        Why::Grow6 => "it did not start, or did not register, in time",
        Why::Shrink1 => "an excess is taken from those not yet running",
        Why::Shrink2 => "the engine asked",
        Why::Shrink4 => "its group is gone, or the fleet is suspended",
        Why::End1 => "its pod is seen terminating, and nobody had asked the engine to drain it",
        Why::End2 => "its pod has finished",
        Why::Live4 => "the fleet is shut down",
        Why::See3 => "it is a ghost or a stray",
        Why::Roll => "it is replaced by a newer one",
        Why::Claim => "an executor needs a claim, or nobody does any more",
        Why::Size => "it needs more memory",
        Why::Spot => "it will soon be lost",
    }
}
