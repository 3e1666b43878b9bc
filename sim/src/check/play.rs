//! Plays a scenario step by step.

use super::{
    done::Look,
    file::{
        ClaimStep, DisruptReason, EngineKeys, LeaseStep, Pod, ScenarioFile, StateKeys, Step,
        WatchStep, Written,
    },
    pods,
    stage::{Endless, Stage, Told, word},
    words::{Id, PodPhase, Timed},
};
use evenkeel::{
    core::{
        ExecutorId, Group, Input, Name, Span,
        input::{
            ClaimView, DesiredChange, EngineReport, GroupWish, KillReason, Memory, MemoryView,
            PodView, WatchEnd, WatchEvent,
        },
        output::{Action, Cause},
        plan::Class,
    },
    file::{Document, FileError},
    template::FieldPath,
};
use std::collections::{BTreeMap, BTreeSet};

/// The hash that stands for the template of a group whose story gives none.
const TEMPLATE: u64 = 0x5ca1_ab1e_0ddb_a115;

/// How a scenario went.
pub struct Played {
    /// Its sentence.
    pub name: String,
    /// Where it went otherwise than expected; None: nowhere.
    pub failed: Option<Failed>,
    /// The story as it went.
    pub story: Vec<Told>,
}

/// A step that did not hold.
pub struct Failed {
    /// Which, counted from 1.
    pub step: usize,
    /// Its key.
    pub key: &'static str,
    /// What is otherwise than expected.
    pub what: Vec<String>,
}

/// Plays the scenario in that document.
pub fn play(document: &Document) -> Result<Played, FileError> {
    play_with(document, |_| {})
}

/// Plays it with a change to its config.
pub fn play_with(
    document: &Document,
    change: impl FnOnce(&mut evenkeel::core::Config),
) -> Result<Played, FileError> {
    let file: ScenarioFile = document.decode()?;
    let written: Written = document.decode()?;
    let mut config = file.config.config(&file.groups, 0);
    config.jitter = false;
    if !written.config.contains_key("relist_every") {
        config.seeing.relist_every = None;
    }
    if !written.config.contains_key("watch_silence") {
        config.seeing.watch_silence = Span(u64::MAX / 4);
    }
    change(&mut config);
    let limits = file.groups.iter().map(|(group, keys)| {
        let limit = keys
            .resources
            .memory
            .as_ref()
            .and_then(|memory| memory.bytes().ok());
        let view = limit.map(|limit| MemoryView {
            limit,
            asked: limit,
            infeasible: false,
        });
        (group.clone(), view)
    });
    let templates = file.groups.keys().map(|group| (group.clone(), TEMPLATE));
    let counts_view = written.config.contains_key("relist_every")
        || written.config.contains_key("watch_silence")
        || file.steps.iter().any(|step| matches!(step, Step::Watch(_)));
    let mut player = Player {
        document,
        stage: Stage::new(config, limits.collect(), templates.collect()),
        wishes: BTreeMap::new(),
        suspended: false,
        groups: file.groups.keys().cloned().collect(),
        counts_view,
        revisions: Vec::new(),
    };
    for (group, keys) in &file.groups {
        player.wishes.insert(group.clone(), keys.wish(TEMPLATE));
    }
    let failed = player.run(&file)?;
    Ok(Played {
        name: file.scenario,
        failed,
        story: player.stage.story,
    })
}

struct Player<'a> {
    document: &'a Document,
    stage: Stage,
    wishes: BTreeMap<Group, GroupWish>,
    suspended: bool,
    groups: Vec<Group>,
    counts_view: bool,
    /// The newest revision at the beginning of each step.
    revisions: Vec<evenkeel::core::Revision>,
}

/// Why a step can't be played.
enum Stop {
    Endless,
    File(Box<FileError>),
}

impl From<Endless> for Stop {
    fn from(_: Endless) -> Self {
        Self::Endless
    }
}

type Done = Result<Option<Vec<String>>, Stop>;

impl Player<'_> {
    fn run(&mut self, file: &ScenarioFile) -> Result<Option<Failed>, FileError> {
        let fail = |step: usize, key: &'static str, what: Vec<String>| Failed { step, key, what };
        let endless = || {
            vec!["the controller does not come to rest at this moment; a story can have some 20,000 executors, and no more".to_owned()]
        };
        let begun = self.begin(file.adopt.as_ref());
        match begun {
            Ok(()) => {}
            Err(Stop::Endless) => return Ok(Some(fail(0, "start", endless()))),
            Err(Stop::File(error)) => return Err(*error),
        }
        for (at, step) in file.steps.iter().enumerate() {
            self.stage.step = at + 1;
            self.revisions.push(self.stage.cluster.revision());
            match self.step(at, step) {
                Ok(None) => {}
                Ok(Some(what)) => return Ok(Some(fail(at + 1, step.key(), what))),
                Err(Stop::Endless) => return Ok(Some(fail(at + 1, step.key(), endless()))),
                Err(Stop::File(error)) => return Err(*error),
            }
        }
        Ok(None)
    }

    fn begin(&mut self, adopt: Option<&Timed>) -> Result<(), Stop> {
        self.stage.tell(self.whole());
        let (incarnation, first) = match adopt {
            None => (1, Vec::new()),
            Some(timed) => (
                2,
                self.listed(timed, 1, &FieldPath::default().then("adopt"))?,
            ),
        };
        self.stage.begin(incarnation, Memory::default(), first)?;
        Ok(())
    }

    fn whole(&self) -> Input {
        Input::Desired(DesiredChange {
            whole: Some(self.wishes.clone()),
            suspend: self.suspended.then_some(true),
            ..DesiredChange::default()
        })
    }

    fn wrong(&self, at: usize, key: &str, what: &str) -> Stop {
        let path = FieldPath::default().then("steps").then(at).then(key);
        Stop::File(Box::new(self.document.error(path, what)))
    }

    fn step(&mut self, at: usize, step: &Step) -> Done {
        let stage = &mut self.stage;
        match step {
            Step::Target(targets) => {
                let mut change = DesiredChange::default();
                for (group, target) in targets {
                    let wish = self.wishes.entry(group.clone()).or_insert(GroupWish {
                        target: 0,
                        maximum: None,
                        template: TEMPLATE,
                    });
                    wish.target = *target;
                    change.groups.insert(group.clone(), wish.clone());
                }
                stage.tell_and_settle(Input::Desired(change))?;
            }
            Step::Pods(timed) => self.pods(at, timed)?,
            Step::List(timed) => {
                let path = FieldPath::default().then("steps").then(at).then("list");
                let incarnation = self.stage.incarnation();
                let views = self.listed(timed, incarnation, &path)?;
                let started = timed.started.map(|ago| self.stage.local().before(ago.0.0));
                let revision = self.revision(at, timed, "list")?;
                self.stage.list(views, started, revision)?;
            }
            Step::Watch(what) => match what {
                WatchStep::Closed => stage.end_watch(WatchEnd::Closed)?,
                WatchStep::Expired => stage.end_watch(WatchEnd::Expired)?,
                WatchStep::Silent => stage.silence_watch(),
            },
            Step::Engine(keys) => self.engine(keys)?,
            Step::Disrupt(reasons) => {
                for (id, reason) in &reasons.0 {
                    let reason = match reason {
                        DisruptReason::Preempted => Cause::Preempted,
                        DisruptReason::Evicted => Cause::Evicted,
                        DisruptReason::NodeLost => Cause::NodeLost,
                    };
                    let executor = id.of(stage.incarnation());
                    stage.tell_and_settle(Input::Engine(EngineReport::Disrupted {
                        executor,
                        reason,
                        deadline: None,
                    }))?;
                }
            }
            Step::Advance(span) => stage.advance(span.0)?,
            Step::Replies(keys) => {
                let replies = &mut stage.replies;
                for (reply, new) in [
                    (&mut replies.create, keys.create),
                    (&mut replies.delete, keys.delete),
                    (&mut replies.label, keys.label),
                    (&mut replies.resize, keys.resize),
                    (&mut replies.claim, keys.claim),
                    (&mut replies.list, keys.list),
                ] {
                    *reply = new.unwrap_or(*reply);
                }
            }
            Step::Answer(keys) => {
                let sorts = [
                    ("create", &keys.create),
                    ("delete", &keys.delete),
                    ("label", &keys.label),
                    ("resize", &keys.resize),
                ];
                for (sort, answers) in sorts {
                    for (id, reply) in &answers.0 {
                        self.answer(at, sort, *id, *reply)?;
                    }
                }
            }
            Step::Claims(claims) => self.claims(at, claims)?,
            Step::Suspend(on) => {
                self.suspended = *on;
                stage.tell_and_settle(Input::Desired(DesiredChange {
                    suspend: Some(*on),
                    ..DesiredChange::default()
                }))?;
            }
            Step::RemoveGroup(group) => {
                self.wishes.remove(group);
                stage.tell_and_settle(Input::Desired(DesiredChange {
                    remove: BTreeSet::from([group.clone()]),
                    ..DesiredChange::default()
                }))?;
            }
            Step::Shutdown(shutdown) => {
                stage.tell_and_settle(Input::Desired(DesiredChange {
                    shutdown: Some(*shutdown),
                    ..DesiredChange::default()
                }))?;
            }
            Step::Crash(keys) => {
                let path = FieldPath::default()
                    .then("steps")
                    .then(at)
                    .then("crash")
                    .then("list");
                let dead = self.stage.incarnation();
                let views = self.listed(&keys.list, dead, &path)?;
                let memory = self.stage.crash();
                let whole = self.whole();
                self.stage.tell(whole);
                self.stage.begin(dead + 1, memory, views)?;
            }
            Step::Lease(LeaseStep::Lost) => stage.lose_lease()?,
            Step::Lease(LeaseStep::Won) => stage.win_lease()?,
            Step::Expect(expect) | Step::ExpectWithin(expect) => {
                let look = Look {
                    incarnation: stage.incarnation(),
                    within: matches!(step, Step::ExpectWithin(_)),
                    counts_view: self.counts_view,
                };
                let done = std::mem::take(&mut stage.done);
                let wrong = done.differs(expect, look);
                return Ok(Some(wrong).filter(|wrong| !wrong.is_empty()));
            }
            Step::State(groups) => {
                let mut wrong = Vec::new();
                for (group, keys) in groups {
                    let status = self.stage.controller.status();
                    if !self.groups.contains(group) && !status.groups.contains_key(group) {
                        let what = format!("there is no group {group}; check its name");
                        return Err(self.wrong(at, "state", &what));
                    }
                    self.compare_state(group, keys, &mut wrong);
                }
                return Ok(Some(wrong).filter(|wrong| !wrong.is_empty()));
            }
            Step::Wake(expected) => {
                let wake = stage.controller.plan_wake();
                let got = wake.map(|(at, _)| at.since(stage.local()));
                if expected.0 != got {
                    let say = |span: Option<Span>| {
                        span.map_or("never".to_owned(), |span| {
                            evenkeel::file::Duration(span).to_string()
                        })
                    };
                    let why = wake
                        .map(|(_, why)| format!(" ({})", word(&why)))
                        .unwrap_or_default();
                    let what = format!("wake: expected {}, got {}{why}", say(expected.0), say(got));
                    return Ok(Some(vec![what]));
                }
            }
        }
        Ok(None)
    }

    /// The group that a pod belongs to where it does not say.
    fn group(&self, id: ExecutorId, pod: Option<&Group>, path: &FieldPath) -> Result<Group, Stop> {
        if let Some(group) = pod {
            return Ok(group.clone());
        }
        if let Some(known) = self.stage.cluster.pods.get(&id) {
            return Ok(known.group.clone());
        }
        // Its create may have no answer yet.
        let mut asked_for = self.stage.controller.snapshot().executors();
        if let Some((_, executor)) = asked_for.find(|(its, _)| *its == id) {
            return Ok(executor.group().clone());
        }
        match self.groups.as_slice() {
            [only] => Ok(only.clone()),
            _ => Err(Stop::File(Box::new(self.document.error(
                path.clone(),
                "the file has several groups, and this pod was not created before: write its group, as {running: {group: a}}",
            )))),
        }
    }

    fn revision(
        &self,
        at: usize,
        timed: &Timed,
        key: &str,
    ) -> Result<Option<evenkeel::core::Revision>, Stop> {
        let Some(before) = timed.revision else {
            return Ok(None);
        };
        let known = self.revisions.get(before.0 - 1).copied();
        let wrong = || {
            self.wrong(
                at,
                key,
                &format!(
                    "revision: before {} is a step that is yet to come; name an earlier one",
                    before.0
                ),
            )
        };
        known.map(Some).ok_or_else(wrong)
    }

    fn pods(&mut self, at: usize, timed: &Timed) -> Result<(), Stop> {
        let fixed = self.revision(at, timed, "pods")?;
        let path = FieldPath::default().then("steps").then(at).then("pods");
        for (id, pod) in &timed.pods {
            let id = id.of(self.stage.incarnation());
            let group = self.group(id, pod.keys.group.as_ref(), &path)?;
            let event = self.observe(id, &group, pod, fixed);
            self.stage.event(event)?;
        }
        Ok(())
    }

    /// One observation of a pod, as a watch shows it.
    fn observe(
        &mut self,
        id: ExecutorId,
        group: &Group,
        pod: &Pod,
        fixed: Option<evenkeel::core::Revision>,
    ) -> WatchEvent {
        let known = self.stage.known(id, group);
        let revision = fixed.unwrap_or_else(|| self.stage.cluster.next_revision());
        let view = self
            .stage
            .cluster
            .view(id, &known, pod, self.stage.now, revision);
        let strays = pods::strays(&pod.keys);
        let gone = pod.phase == PodPhase::Gone;
        if fixed.is_none() {
            self.remember(id, group, pod, &view, !gone && !strays);
        }
        if gone || strays {
            WatchEvent::Left(view)
        } else {
            WatchEvent::Seen(view)
        }
    }

    fn remember(&mut self, id: ExecutorId, group: &Group, pod: &Pod, view: &PodView, exists: bool) {
        // Another pod under the name says nothing of ours.
        if pod.keys.uid.is_some() {
            return;
        }
        let mut known = self.stage.known(id, group);
        if let Some(ago) = pod.keys.created {
            known.made = self.stage.now.before(ago.0.0);
        }
        known.exists = exists;
        known.shown = Some(view.clone());
        self.stage.cluster.pods.insert(id, known);
    }

    /// The pods of a whole listing; what is absent is gone.
    fn listed(
        &mut self,
        timed: &Timed,
        incarnation: u32,
        path: &FieldPath,
    ) -> Result<Vec<PodView>, Stop> {
        let at = self.revisions.len().saturating_sub(1);
        let fixed = self.revision(at, timed, "list")?;
        let mut views = Vec::new();
        let mut shown = BTreeSet::new();
        for (id, pod) in &timed.pods {
            let id = id.of(incarnation);
            shown.insert(id);
            let group = self.group(id, pod.keys.group.as_ref(), path)?;
            if let WatchEvent::Seen(view) = self.observe(id, &group, pod, fixed) {
                views.push(view);
            }
        }
        if fixed.is_none() && timed.started.is_none() {
            for (id, known) in &mut self.stage.cluster.pods {
                known.exists &= shown.contains(id);
            }
        }
        Ok(views)
    }

    fn engine(&mut self, keys: &EngineKeys) -> Result<(), Stop> {
        let incarnation = self.stage.incarnation();
        let of = |id: &Id| id.of(incarnation);
        let mut inputs: Vec<Input> = Vec::new();
        let report = |report| Input::Engine(report);
        inputs.extend(
            keys.registered
                .iter()
                .map(|id| report(EngineReport::Registered(of(id)))),
        );
        inputs.extend(keys.idle.iter().map(|id| {
            report(EngineReport::Idle {
                executor: of(id),
                keep: 0,
            })
        }));
        inputs.extend(
            keys.busy
                .iter()
                .map(|id| report(EngineReport::Busy(of(id)))),
        );
        inputs.extend(
            keys.drained
                .iter()
                .map(|id| report(EngineReport::Drained(of(id)))),
        );
        inputs.extend(keys.release.iter().map(|id| {
            Input::Desired(DesiredChange {
                release: BTreeSet::from([of(id)]),
                ..DesiredChange::default()
            })
        }));
        let kill = |id: ExecutorId, reason: KillReason| {
            Input::Desired(DesiredChange {
                kill: BTreeMap::from([(id, reason)]),
                ..DesiredChange::default()
            })
        };
        inputs.extend(keys.kill.iter().map(|id| kill(of(id), KillReason::Asked)));
        inputs.extend(
            keys.failed
                .0
                .iter()
                .map(|(id, reason)| kill(of(id), KillReason::Unhealthy(reason.as_str().into()))),
        );
        if keys.resume {
            inputs.push(Input::Desired(DesiredChange {
                resume_after_halt: true,
                ..DesiredChange::default()
            }));
        }
        for (id, numbers) in &keys.metrics.0 {
            inputs.extend(numbers.0.iter().map(|(name, value)| {
                report(EngineReport::Metric {
                    executor: of(id),
                    name: name.as_str().into(),
                    value: *value,
                })
            }));
        }
        for input in inputs {
            self.stage.tell_and_settle(input)?;
        }
        Ok(())
    }

    fn answer(
        &mut self,
        at: usize,
        sort: &str,
        id: Id,
        reply: super::words::Reply,
    ) -> Result<(), Stop> {
        let id = id.of(self.stage.incarnation());
        let fits = |action: &Action| match (sort, action) {
            ("create", Action::Create { executor, .. })
            | ("delete", Action::Delete { executor, .. })
            | ("label", Action::MarkFinished { executor, .. })
            | ("resize", Action::Resize { executor, .. }) => *executor == id,
            _ => false,
        };
        let held = self.stage.held.iter().find(|(_, action)| fits(action));
        let Some((action, _)) = held else {
            return Err(self.wrong(at, "answer", &format!(
                "no {sort} of {id} waits for an answer; was it asked for after replies: {{{sort}: silence}}?"
            )));
        };
        let action = *action;
        if let Some(effect) = self.stage.held.remove(&action) {
            self.stage.answer(action, &effect, reply);
        }
        self.stage.settle()?;
        Ok(())
    }

    /// The claims, as a listing shows them that changes nothing about pods: it is older than any that nobody has seen.
    fn claims(&mut self, at: usize, claims: &BTreeMap<String, ClaimStep>) -> Result<(), Stop> {
        let now = self.stage.now;
        let incarnation = self.stage.incarnation();
        let named: BTreeSet<Name> = claims.keys().map(|name| name.as_str().into()).collect();
        self.stage
            .cluster
            .claims
            .retain(|name, _| named.contains(name));
        for (name, claim) in claims {
            let group = match (&claim.group, self.groups.as_slice()) {
                (Some(group), _) => group.clone(),
                (None, [only]) => only.clone(),
                _ => {
                    return Err(self.wrong(
                        at,
                        "claims",
                        "the file has several groups; write the claim's group",
                    ));
                }
            };
            let name: Name = name.as_str().into();
            let revision = self.stage.cluster.next_revision();
            let view = ClaimView {
                name: name.clone(),
                revision,
                group,
                class: claim.class.as_deref().map(Into::into),
                bytes: claim.size.0,
                age_ms: 0,
                deleting: false,
            };
            self.stage.cluster.claims.insert(name.clone(), view);
            let made = claim.created.map_or(now, |ago| now.before(ago.0.0));
            let made_at = &mut self.stage.cluster.claims_made;
            if claim.created.is_some() {
                made_at.insert(name.clone(), made);
            } else {
                made_at.entry(name.clone()).or_insert(made);
            }
            if let Some(holder) = claim.held_by
                && let Some(known) = self.stage.cluster.pods.get_mut(&holder.of(incarnation))
            {
                if !known.claims.contains(&name) {
                    known.claims.push(name.clone());
                }
                if let Some(shown) = &mut known.shown {
                    shown.claims.clone_from(&known.claims);
                }
            }
        }
        let unseen = self
            .stage
            .cluster
            .pods
            .values()
            .filter(|known| known.exists && known.shown.is_none());
        let oldest = unseen.filter_map(|known| known.answered).min();
        let views: Vec<PodView> = self
            .stage
            .cluster
            .pods
            .values()
            .filter(|known| known.exists)
            .filter_map(|known| known.shown.clone())
            .collect();
        let revision = oldest.map(|(revision, _)| pods::at(revision.get() - 1));
        let started = oldest.map(|(_, at)| at);
        self.stage.list(views, started, revision)?;
        Ok(())
    }

    fn compare_state(&self, group: &Group, keys: &StateKeys, wrong: &mut Vec<String>) {
        let status = self
            .stage
            .controller
            .status()
            .groups
            .get(group)
            .cloned()
            .unwrap_or_default();
        let class = |class: Class| status.by_class.get(&class).copied().unwrap_or(0);
        let in_flight =
            self.stage.held.values().filter(
                |action| matches!(action, Action::Create { group: its, .. } if its == group),
            );
        let numbers = [
            ("target", keys.target, status.target),
            ("counting", keys.counting, status.counting),
            ("running", keys.running, class(Class::Running)),
            ("pending", keys.pending, class(Class::Pending)),
            ("in_flight", keys.in_flight, in_flight.count() as u64),
        ];
        for (key, expected, got) in numbers {
            if let Some(expected) = expected.filter(|expected| *expected != got) {
                wrong.push(format!("{group}.{key}: expected {expected}, got {got}"));
            }
        }
        if let Some(expected) = &keys.unmet {
            let got: BTreeSet<String> = status.unmet.keys().map(word).collect();
            if *expected != got {
                wrong.push(format!("{group}.unmet: expected {expected:?}, got {got:?}"));
            }
        }
    }
}
