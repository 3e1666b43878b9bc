//! One fleet's life: a discrete-event loop of controllers, an engine and the world, with nothing but virtual time.
//!
//! The rooms: `process` is one controller's process, `wire` what is under way between it and the cluster, `sight` what it
//! is shown, `strike` makes things happen, `calm` makes all well again.

mod calm;
mod process;
mod sight;
mod strike;
mod wire;

use crate::{
    Report,
    engine::{Engine, Say},
    judge::{Fact, Judge},
    recorder::{Recorder, Step},
    story::What,
};
pub use calm::Rested;
use evenkeel::{
    api::{
        pod::{OwnerReference, Pod},
        view::view,
    },
    core::{
        Config, Controller, ExecutorId, Group, Input, Name, Output, Span, Time,
        input::{ContainerView, DesiredChange, GroupWish, Phase, PodView, Shutdown},
        output::Notice,
    },
    fake::{World, WorldConfig},
    shell::RequestMaker,
    template::Templates,
};
use process::Process;
use siphasher::sip128::{Hasher128, SipHasher13};
use std::{
    collections::{BTreeMap, BTreeSet},
    hash::Hash,
    sync::Arc,
};
use wire::{Due, Wire};

/// What a life begins with.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The fleet's name.
    pub fleet: Name,
    /// The knobs.
    pub config: Config,
    /// What the engine wants at first.
    pub wishes: BTreeMap<Group, GroupWish>,
    /// What the pods are made from.
    pub templates: Templates,
    /// The hashes of the versions of each group's template, the first one first.
    pub versions: BTreeMap<Group, Vec<u64>>,
    /// Whether the lease is taken (LIVE-1).
    pub lease: bool,
    /// Whether the pods have an owner (LIVE-3).
    pub owner: bool,
    /// The world, its weather and its seed.
    pub world: WorldConfig,
}

/// So many inputs at one moment are none that a fleet can need.
const MOST_AT_ONCE: u64 = 100_000;

/// A life under way.
pub struct Life {
    setup: Setup,
    requests: RequestMaker,
    world: World,
    /// Those that live; the last one is the one that the engine talks to.
    processes: Vec<Process>,
    started: u32,
    engine: Box<dyn Engine>,
    chance: fastrand::Rng,
    /// What is under way, in order of time, then of issue.
    agenda: BTreeMap<(Time, u64), Due>,
    issued: u64,
    wire: Wire,
    wished: Wished,
    seen_signals: u64,
    /// The revision up to which changes of pods were told.
    told: u64,
    /// The executors whose main container runs.
    running: BTreeSet<ExecutorId>,
    /// Those of whom the engine said that they registered, whether they did or not.
    false_registrations: BTreeSet<ExecutorId>,
    owners: u32,
    spare_nodes: u32,
    broken: BTreeSet<Group>,
    /// The process dies at one of its effects.
    dies_at: Option<strike::DiesAt>,
    /// The moment of the last input, and how many came at it.
    moment: (Time, u64),
    judge: Option<Judge>,
    tally: Option<crate::table::Tally>,
    recorder: Option<Recorder>,
    hasher: SipHasher13,
    report: Report,
}

/// What the engine wants, as it would say it to a new controller.
#[derive(Clone, Debug, Default)]
struct Wished {
    groups: BTreeMap<Group, GroupWish>,
    suspended: bool,
    shutdown: Option<Shutdown>,
}

impl Life {
    /// A life at its first moment; the engine has said what it wants.
    #[must_use]
    pub fn new(setup: Setup, engine: impl Engine + 'static) -> Self {
        Self::watched(setup, Box::new(engine), None, None, None)
    }

    /// A life that a judge looks at, that keeps a tally of what met what, and a recorder of all that goes in and comes out.
    #[must_use]
    pub fn watched(
        setup: Setup,
        engine: Box<dyn Engine>,
        judge: Option<Judge>,
        tally: Option<crate::table::Tally>,
        recorder: Option<Recorder>,
    ) -> Self {
        let world = World::new(setup.world.clone());
        let mut life = Self {
            requests: RequestMaker {
                fleet: setup.fleet.clone(),
                config: setup.config.clone(),
                templates: setup.templates.clone(),
                claim_paths: BTreeMap::new(),
                owner: None,
                url: None,
            },
            wished: Wished {
                groups: setup.wishes.clone(),
                ..Wished::default()
            },
            chance: fastrand::Rng::with_seed(setup.world.weather.seed),
            wire: Wire::default(),
            told: world.revision(),
            world,
            processes: Vec::new(),
            started: 0,
            engine,
            agenda: BTreeMap::new(),
            issued: 0,
            seen_signals: 0,
            running: BTreeSet::new(),
            false_registrations: BTreeSet::new(),
            owners: 0,
            spare_nodes: 0,
            broken: BTreeSet::new(),
            dies_at: None,
            moment: (Time(0), 0),
            judge,
            tally,
            recorder,
            hasher: SipHasher13::new(),
            report: Report::default(),
            setup,
        };
        if life.setup.owner {
            life.new_owner();
        }
        life.start_process(false);
        life
    }

    /// Remembers what watches showed, for [`What::WatchReplay`].
    pub fn remember_shown(&mut self) {
        self.wire.keeps_shown = true;
    }

    /// What was kept.
    #[must_use]
    pub fn recorder(&self) -> Option<&Recorder> {
        self.recorder.as_ref()
    }

    /// The world, to look at and to make things happen in.
    pub fn world(&mut self) -> &mut World {
        &mut self.world
    }

    /// The controller that the engine talks to; none between the death of one and the start of the next.
    #[must_use]
    pub fn controller(&self) -> Option<&Controller> {
        self.processes.last().map(|process| &process.controller)
    }

    /// Who looks at it.
    #[must_use]
    pub fn judge(&self) -> Option<&Judge> {
        self.judge.as_ref()
    }

    /// What met what so far.
    #[must_use]
    pub fn tally(&self) -> Option<&crate::table::Tally> {
        self.tally.as_ref()
    }

    /// The engine changes what it wants.
    pub fn update(&mut self, change: DesiredChange) {
        self.wish(change);
    }

    /// The engine wants the fleet to end.
    pub fn shut_down(&mut self, how: Shutdown) {
        self.wish(DesiredChange {
            shutdown: Some(how),
            ..DesiredChange::default()
        });
    }

    /// The controller dies with all it knew, and another one starts in its place.
    pub fn crash(&mut self) {
        self.kill_newest();
        self.start_process(false);
    }

    /// Lives on until that moment of the world's clock, as [`Life::run`] does.
    pub fn run_to(&mut self, at: Time) {
        let now = self.world.now();
        self.run(at.since(now));
    }

    /// Lives on for `span`, or until the controller has finished, or an invariant is broken.
    pub fn run(&mut self, span: Span) {
        let end = self.world.now().after(span);
        while !self.is_over() {
            self.show_watches();
            let Some(next) = self.next_moment().filter(|next| *next <= end) else {
                self.world.advance(end);
                self.tell_truth();
                return;
            };
            self.world.advance(next);
            self.tell_truth();
            self.happen(next);
        }
    }

    /// There is nothing more to live for: the controller has finished, or something is wrong.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.report.finished
            || self
                .judge
                .as_ref()
                .is_some_and(|judge| judge.violation().is_some())
    }

    /// What it came to so far.
    #[must_use]
    pub fn report(&self) -> Report {
        let mine = format!("{}-exec-", self.setup.fleet);
        let pods = self.world.pods();
        let pods = pods
            .filter(|pod| pod.metadata.name.starts_with(&mine))
            .count();
        let claims = self.world.claims();
        let claims = claims
            .filter(|claim| claim.is_of(&self.setup.fleet))
            .count();
        let status = self
            .controller()
            .map(|controller| (**controller.status()).clone());
        Report {
            digest: self.digest(),
            virtual_ms: self.world.now().0,
            pods: pods as u64,
            claims: claims as u64,
            status: status.unwrap_or_default(),
            ..self.report.clone()
        }
    }

    /// Over every input and output of every controller, and the state of the world now.
    fn digest(&self) -> String {
        let mut hasher = self.hasher;
        self.world.now().hash(&mut hasher);
        for pod in self.world.pods() {
            if let Ok(view) = view(pod, &self.setup.fleet, self.world.wall_second()) {
                view.hash(&mut hasher);
            }
        }
        for claim in self.world.claims() {
            claim.metadata.name.hash(&mut hasher);
            claim.metadata.uid.hash(&mut hasher);
        }
        format!("{:032x}", hasher.finish128().as_u128())
    }

    fn next_moment(&self) -> Option<Time> {
        let wakes = self.processes.iter().filter_map(Process::wakes_at);
        let due = self.agenda.keys().next().map(|(at, _)| *at);
        wakes
            .chain(due)
            .chain(self.world.next_due())
            .min()
            .map(|at| at.max(self.world.now()))
    }

    fn happen(&mut self, now: Time) {
        while let Some(entry) = self
            .agenda
            .first_entry()
            .filter(|entry| entry.key().0 <= now)
        {
            let due = entry.remove();
            self.fall_due(due);
            if self.is_over() {
                return;
            }
        }
        let woken = self.processes.iter();
        let woken = woken.filter(|process| process.wakes_at().is_some_and(|at| at <= now));
        let woken: Vec<u32> = woken.map(|process| process.serial).collect();
        for serial in woken {
            if !self.is_over() {
                self.handle(serial, Input::Wake);
            }
        }
    }

    /// What changed of pods since it was told last: to the judge, and to the executors' processes.
    fn tell_truth(&mut self) {
        while self.told != self.world.revision() {
            self.tell_changes();
        }
    }

    fn tell_changes(&mut self) {
        let fleet = self.setup.fleet.clone();
        let changes = self.world.changes_after(self.told);
        let changes = changes.map(|change| (Arc::clone(change.now), change.removed));
        let changes: Vec<(Arc<Pod>, bool)> = changes.collect();
        self.told = self.world.revision();
        for (pod, gone) in changes {
            let Ok(view) = self.world.view(&pod, &fleet) else {
                continue;
            };
            let executor = executor_of(&fleet, &view);
            self.look(&Fact::Pod {
                executor,
                now: &view,
                gone,
            });
            let runs = !gone
                && view.phase == Phase::Running
                && matches!(view.main, Some(ContainerView::Running));
            let broken = view
                .labels
                .group
                .as_ref()
                .is_some_and(|group| self.broken.contains(group));
            if runs && broken {
                self.try_world(|world| world.kill_container(&view.name, 1, None));
            } else if let Some(executor) = executor {
                let group = view.labels.group.clone();
                self.connection(executor, group, runs);
            }
        }
    }

    /// An executor's process began or ended.
    fn connection(&mut self, executor: ExecutorId, group: Option<Group>, runs: bool) {
        if let (true, Some(group)) = (runs, group) {
            if self.running.insert(executor) {
                self.ask_engine(|engine, say| engine.connected(executor, &group, say));
            }
        } else if !runs && self.running.remove(&executor) {
            self.ask_engine(|engine, say| engine.disconnected(executor, say));
        }
    }

    /// Lets the engine act, and puts on its way what it says.
    fn ask_engine(&mut self, act: impl FnOnce(&mut dyn Engine, &mut Say<'_>)) {
        let (mut inputs, mut timers) = (Vec::new(), Vec::new());
        let now = self.world.now();
        act(
            &mut *self.engine,
            &mut Say {
                now,
                chance: &mut self.chance,
                wanted: &self.wished.groups,
                inputs: &mut inputs,
                timers: &mut timers,
            },
        );
        for (after, input) in inputs {
            self.plan(now.after(after), Due::Says(Box::new(input)));
        }
        for (after, token) in timers {
            self.plan(now.after(after), Due::Timer(token));
        }
    }

    fn look(&mut self, fact: &Fact<'_>) {
        if let Some(judge) = &mut self.judge {
            judge.look(self.world.now(), fact);
        }
    }

    fn index(&self, serial: u32) -> Option<usize> {
        self.processes
            .iter()
            .position(|process| process.serial == serial)
    }

    /// Gives a controller an input; one that stands still gets it later.
    fn handle(&mut self, serial: u32, input: Input) {
        let Some(index) = self.index(serial) else {
            return;
        };
        let now = self.world.now();
        let process = &mut self.processes[index];
        if process.stands_still.is_some() {
            process.waiting.push(input);
            return;
        }
        let at = process.local(now);
        let due = process
            .controller
            .wake_at()
            .is_some_and(|(wake, _)| wake <= at);
        self.report.inputs += 1;
        self.turns_in_circles(now);
        let process = &mut self.processes[index];
        if let Some(judge) = &mut self.judge {
            judge.before(serial, &process.controller, at, &input);
            judge.look(
                now,
                &Fact::Given {
                    process: serial,
                    at,
                    input: &input,
                    due,
                },
            );
        }
        if let Some(tally) = &mut self.tally {
            let old = self
                .judge
                .as_ref()
                .is_some_and(|judge| judge.is_old(serial, &input));
            tally.given(now, &input, old);
        }
        (serial, at).hash(&mut self.hasher);
        input.hash(&mut self.hasher);
        let kept = self.recorder.is_some().then(|| input.clone());
        process.controller.handle(at, input);
        let mut outputs = Vec::new();
        while let Some(output) = process.controller.poll() {
            output.hash(&mut self.hasher);
            outputs.push(output);
        }
        if let (Some(recorder), Some(input)) = (&mut self.recorder, kept) {
            recorder.step(Step {
                process: serial,
                world: now,
                step: evenkeel::core::flight::Step {
                    at,
                    input,
                    outputs: outputs.clone(),
                },
            });
        }
        let exits = outputs.contains(&Output::Finished);
        for output in outputs {
            self.say(serial, at, output);
        }
        let index = self.index(serial);
        if let (Some(judge), Some(index)) = (&mut self.judge, index) {
            judge.look(
                now,
                &Fact::Silent {
                    process: serial,
                    controller: &self.processes[index].controller,
                },
            );
        }
        if exits && !self.is_newest(serial) {
            self.exit(serial);
        }
    }

    /// Ends a life that does not get on: time would stand still in it for ever.
    fn turns_in_circles(&mut self, now: Time) {
        if self.moment.0 == now {
            self.moment.1 += 1;
        } else {
            self.moment = (now, 0);
        }
        if self.moment.1 > MOST_AT_ONCE
            && let Some(judge) = &mut self.judge
        {
            let what = format!("{MOST_AT_ONCE} inputs at one moment: it turns in circles");
            judge.broken(now, "S6", what);
        }
    }

    fn say(&mut self, serial: u32, at: Time, output: Output) {
        self.look(&Fact::Said {
            process: serial,
            at,
            output: &output,
        });
        let now = self.world.now();
        if let Some(tally) = &mut self.tally {
            tally.said(now, &output);
        }
        match output {
            Output::Execute {
                id,
                not_after,
                action,
                why,
            } => self.begin(serial, at, id, not_after, action, why),
            Output::List {
                request,
                all,
                claims,
            } => self.begin_listing(serial, at, request, all, claims),
            Output::Watch { request, from } => self.begin_watch(serial, request, from),
            Output::Close { request } => self.close(serial, request),
            Output::Lease(wish) => self.begin_lease(serial, wish),
            Output::Notice(notice) => self.notice(serial, &notice),
            Output::Status(status) => {
                if self.is_newest(serial) {
                    self.ask_engine(|engine, say| engine.status(&status, say));
                }
            }
            Output::Finished => self.report.finished |= self.is_newest(serial),
        }
    }

    fn is_newest(&self, serial: u32) -> bool {
        self.processes
            .last()
            .is_some_and(|process| process.serial == serial)
    }

    fn notice(&mut self, serial: u32, notice: &Notice) {
        if let Notice::Lost { cause, .. } = notice {
            *self.report.lost.entry(cause.name()).or_default() += 1;
        }
        if self.is_newest(serial) {
            self.ask_engine(|engine, say| engine.told(notice, say));
        }
    }

    /// The engine changes what it wants, and says so to the controller that it talks to.
    fn wish(&mut self, change: DesiredChange) {
        let wished = &mut self.wished;
        if let Some(whole) = &change.whole {
            wished.groups.clone_from(whole);
        }
        for (group, wish) in &change.groups {
            wished.groups.insert(group.clone(), wish.clone());
        }
        for group in &change.remove {
            wished.groups.remove(group);
        }
        wished.suspended = change.suspend.unwrap_or(wished.suspended);
        wished.shutdown = wished.shutdown.max(change.shutdown);
        if let Some(serial) = self.processes.last().map(|process| process.serial) {
            self.handle(serial, Input::Desired(change));
        }
    }

    /// The owner that pods have from now on.
    fn new_owner(&mut self) {
        self.owners += 1;
        let uid = format!("driver-{}", self.owners);
        self.world.add_owner(&uid);
        self.requests.owner = Some(OwnerReference {
            api_version: "v1".into(),
            kind: "Pod".into(),
            name: "driver".into(),
            uid,
        });
    }

    /// Something goes wrong, as a story says.
    pub fn strike(&mut self, what: &What) {
        let now = self.world.now();
        if let (Some(tally), Some(kind)) = (&mut self.tally, what.kind()) {
            tally.struck(now, kind, what.lasts());
        }
        if let Some(recorder) = &mut self.recorder {
            recorder.struck(now, what);
        }
        self.carry_out(what);
        self.tell_truth();
    }

    fn plan(&mut self, at: Time, due: Due) {
        self.issued += 1;
        self.agenda.insert((at, self.issued), due);
    }
}

/// The executor whose pod this is: by its label, else by its name.
fn executor_of(fleet: &str, view: &PodView) -> Option<ExecutorId> {
    if let Some(label) = &view.labels.executor {
        return label.parse().ok();
    }
    let rest = view.name.strip_prefix(fleet)?.strip_prefix("-exec-")?;
    rest.parse().ok()
}
