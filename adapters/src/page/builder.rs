//! Builds a page of what happened, step by step.

use super::{
    bounded::Bounded,
    lanes::Lanes,
    marks::{self, Found},
    model::{
        End, GroupLine, Kind, LeftOut, Mark, Names, Page, Point, Request, Source, Standing, Step,
        Verdict,
    },
    process::Watched,
    words,
};
use evenkeel_core::{
    ExecutorId, Group, Name, Output, Span, Status, Time,
    config::EngineMode,
    flight::{self, Head},
    output::Notice,
};
use serde_json::value::RawValue;
use std::{collections::BTreeMap, sync::Arc};

/// How much of each sort is on a page at most: beyond that the oldest is left out, and the page says so.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Executors; those that are gone for longest are left out first.
    pub lanes: usize,
    /// Marks of what happened within; faults have as many of their own.
    pub marks: usize,
    /// Requests to the cluster.
    pub requests: usize,
    /// Steps that marks and changes refer to.
    pub steps: usize,
    /// Bytes of the words of all steps.
    pub words: usize,
    /// Bytes of all inputs as records have them.
    pub inputs: usize,
    /// Points of each group's lines, and changes of the findings.
    pub points: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            lanes: 5_000,
            marks: 30_000,
            requests: 30_000,
            steps: 40_000,
            words: 5 << 20,
            inputs: 3 << 20,
            points: 20_000,
        }
    }
}

/// An input of more bytes is not shown as its record has it.
const LONGEST_INPUT: usize = 3_000;
/// Nor are words of more bytes shown whole.
const LONGEST_WORDS: usize = 1_000;
/// The most outputs of a step that are named there. Each mark has its own in any case.
const MOST_OUTPUTS: usize = 40;

/// A mark before it is known which lane its executor has.
struct Placed {
    found: Found,
    at: Time,
    step: Option<u64>,
    lasts: Span,
    detail: Option<String>,
}

/// Builds a [`Page`]. Feed it processes and their steps in order of time; what struck may come at any time.
pub struct Builder {
    name: String,
    source: Source,
    fleet: Name,
    limits: Limits,
    processes: BTreeMap<u32, Watched>,
    /// The process whose knowledge the lanes show.
    eye: Option<u32>,
    lanes: Lanes,
    groups: BTreeMap<Group, Bounded<Point>>,
    findings: Bounded<(Time, Vec<String>)>,
    shown: Option<Arc<Status>>,
    requests: Bounded<Request>,
    marks: Bounded<Placed>,
    faults: Bounded<Placed>,
    steps: Bounded<Step>,
    words: usize,
    /// One for each step.
    inputs: Bounded<Option<Box<RawValue>>>,
    bytes: usize,
    engine: bool,
    calm: Option<Time>,
    ends: Time,
    verdict: Option<Verdict>,
    differs: Option<(Time, String)>,
}

impl Builder {
    /// Of what is called `name`.
    #[must_use]
    pub fn new(name: &str, source: Source, fleet: Name) -> Self {
        Self::with(name, source, fleet, Limits::default())
    }

    /// The same, with limits of your own.
    #[must_use]
    pub fn with(name: &str, source: Source, fleet: Name, limits: Limits) -> Self {
        Self {
            name: name.to_owned(),
            source,
            fleet,
            processes: BTreeMap::new(),
            eye: None,
            lanes: Lanes::new(limits.lanes),
            groups: BTreeMap::new(),
            findings: Bounded::new(limits.points),
            shown: None,
            requests: Bounded::new(limits.requests),
            marks: Bounded::new(limits.marks),
            faults: Bounded::new(limits.marks),
            steps: Bounded::new(limits.steps),
            words: 0,
            inputs: Bounded::new(limits.steps),
            bytes: 0,
            limits,
            engine: false,
            calm: None,
            ends: Time(0),
            verdict: None,
            differs: None,
        }
    }

    /// A process begins, with what its record begins with.
    pub fn begins(&mut self, process: u32, at: Time, head: Head) {
        self.ends = self.ends.max(at);
        self.engine |= head.config.engine == EngineMode::Registering;
        self.processes
            .insert(process, Watched::new(process, at, head));
    }

    /// A process dies.
    pub fn dies(&mut self, process: u32, at: Time) {
        self.ends = self.ends.max(at);
        if let Some(watched) = self.processes.get_mut(&process) {
            watched.died = Some(at);
        }
    }

    /// A process takes a step, `at` by the page's clock. Nothing of one that has not begun.
    pub fn step(&mut self, process: u32, at: Time, step: &flight::Step) {
        let Some(watched) = self.processes.get_mut(&process) else {
            return;
        };
        self.ends = self.ends.max(at);
        let before = (self.eye == Some(process)).then(|| watched.controller().snapshot().clone());
        if let Err(difference) = watched.play(at, step) {
            self.differs
                .get_or_insert_with(|| (at, difference.to_string()));
        }
        let number = self.steps.next();
        let answered = watched.answered(step);
        let found = marks::of(step, answered.as_ref());
        watched.note_requests(at, step, &mut self.requests);
        let mut tells = self.look(process, at, number, before.as_ref());
        self.note_ends(at, step);
        for found in found {
            tells = true;
            let mark = Placed {
                found,
                at,
                step: Some(number),
                lasts: Span(0),
                detail: None,
            };
            self.marks.push(at, mark);
        }
        if tells {
            self.keep(process, at, step);
        }
    }

    /// Something strikes from outside: in words (its name, a colon, what that is), in detail, and how long it goes on.
    pub fn struck(&mut self, at: Time, says: String, detail: String, lasts: Span) {
        self.ends = self.ends.max(at);
        let found = Found {
            kind: Kind::Fault,
            executor: None,
            rule: None,
            says,
        };
        let mark = Placed {
            found,
            at,
            step: None,
            lasts,
            detail: Some(cut(detail)),
        };
        self.faults.push(at, mark);
    }

    /// Faults are over.
    pub fn calm(&mut self, at: Time) {
        self.ends = self.ends.max(at);
        self.calm = Some(at);
    }

    /// What it all came to; without that the page says whether it came out as it was recorded.
    pub fn verdict(&mut self, verdict: Verdict) {
        self.ends = self.ends.max(verdict.at.unwrap_or_default());
        self.verdict = Some(verdict);
    }

    /// Whether something else came out than was recorded: when first, and what.
    #[must_use]
    pub fn differs(&self) -> Option<&(Time, String)> {
        self.differs.as_ref()
    }

    /// Takes in what the process knows now. Whether that is anything new.
    fn look(
        &mut self,
        process: u32,
        at: Time,
        number: u64,
        before: Option<&evenkeel_core::Snapshot>,
    ) -> bool {
        let Some(watched) = self.processes.get(&process) else {
            return false;
        };
        let now = watched.controller().snapshot();
        let changed = if let Some(before) = before {
            self.lanes
                .update(at, number, now, now.changed_since(before))
        } else {
            let seen_by = self.eye.and_then(|eye| self.processes.get(&eye));
            let leads = seen_by.is_some_and(|eye| eye.leads_at(at));
            let newer = self.eye.is_none_or(|eye| eye < process);
            // Where two lead, as without a lease they may, the newer one is believed.
            if self.eye.is_some() && !(watched.is_acting() && (newer || !leads)) {
                return false;
            }
            self.eye = Some(process);
            self.lanes.look_through(at, number, now)
        };
        let status = Arc::clone(watched.controller().status());
        if self
            .shown
            .as_ref()
            .is_none_or(|shown| !Arc::ptr_eq(shown, &status))
        {
            self.note_status(at, &status);
            self.shown = Some(status);
        }
        changed
    }

    fn note_status(&mut self, at: Time, status: &Status) {
        for (name, group) in &status.groups {
            let point = Point {
                at,
                target: group.target,
                counting: group.counting,
                serving: group.serving,
                unmet: words::unmet(group),
            };
            let line = self.groups.entry(name.clone());
            add(
                line.or_insert_with(|| Bounded::new(self.limits.points)),
                point,
            );
        }
        for (name, line) in &mut self.groups {
            if !status.groups.contains_key(name) {
                let point = Point {
                    at,
                    target: 0,
                    counting: 0,
                    serving: 0,
                    unmet: String::new(),
                };
                add(line, point);
            }
        }
        let mut findings: Vec<String> = status.findings.iter().map(words::finding).collect();
        findings.truncate(MOST_OUTPUTS);
        let before = self.findings.last().map(|(_, before)| before.as_slice());
        if before.unwrap_or_default() != findings {
            self.findings.push(at, (at, findings));
        }
    }

    fn note_ends(&mut self, at: Time, step: &flight::Step) {
        for output in &step.outputs {
            if let Output::Notice(Notice::Lost {
                executor,
                cause,
                evidence,
            }) = output
            {
                let end = End {
                    at,
                    cause: cut(words::cause(cause)),
                    failure: cause.is_failure(),
                    evidence: cut(words::evidence(evidence)),
                };
                self.lanes.ended(*executor, end);
            }
        }
    }

    fn keep(&mut self, process: u32, at: Time, step: &flight::Step) {
        let json = serde_json::to_string(&step.input).ok();
        let json = json
            .filter(|json| json.len() <= LONGEST_INPUT)
            .and_then(|json| RawValue::from_string(json).ok());
        let weighs =
            |json: &Option<Box<RawValue>>| json.as_ref().map_or(0, |json| json.get().len());
        self.bytes += weighs(&json);
        if let Some(oldest) = self.inputs.push(at, json) {
            self.bytes -= weighs(&oldest);
        }
        while self.bytes > self.limits.inputs
            && let Some(oldest) = self.inputs.forget()
        {
            self.bytes -= weighs(&oldest);
        }
        let outputs = step.outputs.iter().take(MOST_OUTPUTS);
        let step = Step {
            process,
            at,
            own: step.at,
            input: cut(words::input(&step.input)),
            outputs: outputs
                .map(|output| (cut(words::output(output)), marks::rule(output)))
                .collect(),
            more: step.outputs.len().saturating_sub(MOST_OUTPUTS),
        };
        self.words += length(&step);
        if let Some(oldest) = self.steps.push(at, step) {
            self.words -= length(&oldest);
        }
        while self.words > self.limits.words
            && let Some(oldest) = self.steps.forget()
        {
            self.words -= length(&oldest);
        }
    }

    /// The page.
    #[must_use]
    pub fn finish(self) -> Page {
        let mut left_out: Vec<LeftOut> = [
            self.marks.left_out("marks"),
            self.faults.left_out("faults"),
            self.requests.left_out("requests"),
            self.steps.left_out("steps in words"),
            self.inputs.left_out("inputs as records have them"),
            self.findings.left_out("changes of the findings"),
        ]
        .into_iter()
        .flatten()
        .collect();
        let mut processes = Vec::new();
        let mut requests: Vec<Request> = self.requests.into_kept().collect();
        for watched in self.processes.into_values() {
            let (process, open) = watched.finish(self.ends, &self.limits);
            processes.push(process);
            requests.extend(open);
        }
        requests.sort_by_key(|request| (request.sent, request.process));
        let mut groups: Vec<GroupLine> = Vec::new();
        for (name, line) in self.groups {
            left_out.extend(line.left_out("points of a group's lines"));
            let points = line.into_kept().collect();
            groups.push(GroupLine { name, points });
        }
        let (lanes, which, gone) = self.lanes.finish(|group| {
            let known = groups.iter().position(|line| line.name == *group);
            known.unwrap_or_else(|| {
                groups.push(GroupLine {
                    name: group.clone(),
                    points: Vec::new(),
                });
                groups.len() - 1
            })
        });
        left_out.extend(gone);
        let mut marks: Vec<Mark> = self
            .faults
            .into_kept()
            .chain(self.marks.into_kept())
            .map(|mark| drawn(mark, &which))
            .collect();
        marks.sort_by_key(|mark| mark.at);
        let verdict = self
            .verdict
            .unwrap_or_else(|| as_recorded(self.differs.as_ref()));
        Page {
            name: self.name,
            source: self.source,
            fleet: self.fleet,
            engine: self.engine,
            verdict,
            ends: self.ends,
            calm: self.calm,
            groups,
            processes,
            lanes,
            requests,
            marks,
            first_step: self.steps.forgotten(),
            steps: self.steps.into_kept().collect(),
            first_input: self.inputs.forgotten(),
            inputs: self.inputs.into_kept().collect(),
            findings: self.findings.into_kept().collect(),
            left_out,
            names: Names::default(),
        }
    }
}

fn as_recorded(differs: Option<&(Time, String)>) -> Verdict {
    let (standing, says, at) = match differs {
        None => (
            Standing::Well,
            "played again, it comes out as it was recorded".to_owned(),
            None,
        ),
        Some((at, how)) => (
            Standing::Differs,
            format!(
                "played again by this version, it comes to something else than was recorded: {how}"
            ),
            Some(*at),
        ),
    };
    Verdict {
        standing,
        invariant: None,
        says,
        at,
    }
}

fn drawn(mark: Placed, which: &BTreeMap<ExecutorId, usize>) -> Mark {
    let found = mark.found;
    Mark {
        at: mark.at,
        kind: found.kind,
        lane: found.executor.and_then(|id| which.get(&id).copied()),
        step: mark.step,
        rule: found.rule,
        says: cut(found.says),
        detail: mark.detail,
        lasts: mark.lasts,
    }
}

/// A point of a line, where it is a new one.
fn add(line: &mut Bounded<Point>, point: Point) {
    let same = line.last().is_some_and(|last| {
        let of = |point: &Point| (point.target, point.counting, point.serving);
        of(last) == of(&point) && last.unmet == point.unmet
    });
    if !same {
        line.push(point.at, point);
    }
}

fn length(step: &Step) -> usize {
    let outputs = step.outputs.iter().map(|(text, _)| text.len() + 16);
    step.input.len() + outputs.sum::<usize>() + 64
}

/// Texts come from the cluster, and may be of any length.
fn cut(mut text: String) -> String {
    if text.len() > LONGEST_WORDS {
        let whole = (0..=LONGEST_WORDS)
            .rev()
            .find(|at| text.is_char_boundary(*at));
        text.truncate(whole.unwrap_or(0));
        text += " … (cut off here)";
    }
    text
}
