//! One state of a small world: a controller, the cluster, and what is under way between them.

use super::{
    Choice, Order, Scope,
    canon::fingerprint,
    cluster::{Cluster, LONGEST, Now},
    wire::{Answer, Effect, Listed, Next, Watch, Wire, revision_of},
};
use crate::{
    judge::{Fact, Judge, Rest, Violation, missing},
    recorder::{Recorder, Step},
};
use evenkeel::core::{
    ActionId, Controller, ExecutorId, Input, Name, Output, Span, Time,
    config::EngineMode,
    flight,
    input::{
        DesiredChange, EngineReport, Failure, GroupWish, LeaseNews, Listing, Memory, Outcome,
        Refusal, WatchEnd, WatchEvent,
    },
    output::{Action, LeaseWish, Notice},
};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

const FLEET: &str = "sim";
const GROUP: &str = "a";
/// So many inputs in a row are none that one event can need.
const MOST_AT_ONCE: u32 = 100;

/// A state.
#[derive(Clone)]
pub(super) struct State {
    pub(super) scope: Arc<Scope>,
    pub now: Time,
    /// The process that lives: the how-manieth.
    process: u32,
    pub(super) controller: Controller,
    pub(super) cluster: Cluster,
    pub(super) wire: Wire,
    pub(super) engine: Engine,
    /// What a controller left in the lease for the next, and when.
    memory: (Time, Memory),
    pub(super) spent: Spent,
    judge: Judge,
    /// What went in and came out, where somebody wants to know.
    recorder: Option<Recorder>,
}

/// What was used up on the way to a state.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Spent {
    pub faults: u32,
    pub crashes: u32,
    creates: u32,
}

/// What the engine does.
#[derive(Clone, Default, Serialize)]
pub(super) struct Engine {
    /// How many of its wishes it has said.
    pub wishes: usize,
    /// Those that run and are known to it as registered.
    pub registered: BTreeSet<ExecutorId>,
    /// Those of whom it told the controller that lives.
    pub told: BTreeSet<ExecutorId>,
    pub draining: BTreeSet<ExecutorId>,
}

impl State {
    /// The first one: a controller has just started, and the engine has said what it wants.
    pub fn first(scope: Arc<Scope>, recorder: Option<Recorder>) -> Self {
        let config = scope.config();
        let judge = Judge::of_the_ledger(FLEET.into(), Arc::new(config.clone()));
        let mut state = Self {
            now: Time(0),
            process: 0,
            controller: Controller::new(config, FLEET.into()),
            cluster: Cluster::default(),
            wire: Wire::default(),
            engine: Engine {
                wishes: 1,
                ..Engine::default()
            },
            memory: (Time(0), Memory::default()),
            spent: Spent::default(),
            judge,
            recorder,
            scope,
        };
        state.start();
        state
    }

    /// What tells it from other states: what may follow is the same where this is.
    pub fn fingerprint(&self) -> u128 {
        let all = (
            &self.controller,
            self.judge.truth(),
            &self.cluster,
            &self.wire,
            &self.engine,
            &self.memory,
            &self.spent,
            self.process,
        );
        fingerprint(&all, self.now, LONGEST.0, &|revision| {
            self.cluster.owner(revision)
        })
    }

    /// The invariant that is broken.
    pub fn violation(&self) -> Option<&Violation> {
        self.judge.violation()
    }

    /// More pods were asked for on the way here than are looked at.
    pub fn is_beyond(&self) -> bool {
        self.spent.creates > self.scope.creates()
    }

    /// Nothing can go wrong any more.
    pub fn is_spent(&self) -> bool {
        self.spent.faults == self.scope.faults && self.spent.crashes == self.scope.crashes
    }

    /// What was kept.
    pub fn into_recorder(self) -> Recorder {
        self.recorder.unwrap_or_default()
    }

    /// Lets it happen, where it can; whether it could.
    pub fn try_take(&mut self, choice: Choice) -> bool {
        let can = self.choices().contains(&choice);
        if can {
            self.take(choice);
        }
        can
    }

    /// Lets it happen.
    pub fn take(&mut self, choice: Choice) {
        self.spent.faults += u32::from(choice.is_fault());
        match choice {
            Choice::Land(process, id) => self.land(process, id),
            Choice::LandSlowly(process, id) => {
                self.land(process, id);
                if let Some(answer) = self.wire.answers.last_mut() {
                    answer.slow = true;
                }
            }
            Choice::Answer(id) => self.show_answer(id),
            Choice::ReadSlowly => {
                self.read_listing();
                if let Some(listing) = &mut self.wire.listing {
                    listing.slow = true;
                }
            }
            Choice::Read => self.read_listing(),
            Choice::List => self.show_listing(),
            Choice::FailListing => {
                if let Some(listing) = self.wire.listing.take() {
                    self.handle(Input::Listed {
                        request: listing.request,
                        started: listing.started,
                        outcome: Err(Failure::Unreachable),
                    });
                }
            }
            Choice::Event => self.show_event(|watch| watch.queue.pop_front()),
            Choice::LateEvent => self.show_event(|watch| watch.late.take()),
            Choice::Hold => self.waylay(Next::Late),
            Choice::Lose => self.waylay(Next::Lost),
            Choice::Close => self.end_watch(WatchEnd::Closed),
            Choice::Expire => self.end_watch(WatchEnd::Expired),
            Choice::Start(id) => self.in_cluster(|cluster| cluster.start(id)),
            Choice::End(id) => self.in_cluster(|cluster| cluster.remove(id)),
            Choice::Fail(id) => self.in_cluster(|cluster| cluster.fail(id, 1)),
            Choice::Stranger(id) => self.in_cluster(|cluster| cluster.delete_by_stranger(id)),
            Choice::Stick(id) => {
                if let Some(pod) = self.cluster.pods.get_mut(&id) {
                    pod.stuck = true;
                }
            }
            Choice::Register(id) => {
                self.engine.registered.insert(id);
                self.engine.told.insert(id);
                self.handle(Input::Engine(EngineReport::Registered(id)));
                // There is no work here: whatever registers may go.
                self.handle(Input::Engine(EngineReport::Idle {
                    executor: id,
                    keep: 0,
                }));
            }
            Choice::Drain(id) => {
                self.engine.draining.remove(&id);
                self.handle(Input::Engine(EngineReport::Drained(id)));
            }
            Choice::Wish => {
                self.engine.wishes += 1;
                let groups = self.wishes();
                self.handle(Input::Desired(DesiredChange {
                    groups,
                    ..DesiredChange::default()
                }));
            }
            Choice::Wait | Choice::Delay => {
                if let Some((at, _)) = self.controller.wake_at() {
                    self.now = at;
                }
                self.handle(Input::Wake);
            }
            Choice::Unclear(process, id) => {
                let mut effects = self.wire.effects.iter_mut();
                let found = effects.find(|of| of.process == process && of.id.0 == id);
                if let Some(effect) = found {
                    effect.forgotten = true;
                    let lost = Outcome::Unclear(Failure::TimedOut);
                    self.wire.answers.push(Answer::new(ActionId(id), lost));
                }
            }
            Choice::Refuse(process, id) => {
                if self.take_effect(process, id).is_some() {
                    let refused = Outcome::Refused(Refusal::Throttled {
                        retry_after_ms: None,
                    });
                    self.wire.answers.push(Answer::new(ActionId(id), refused));
                }
            }
            Choice::Crash => self.crash(),
        }
        if self.scope.order == Order::Prompt {
            self.arrive();
        }
        self.wire.forget_history();
    }

    /// What is not slow arrives at once.
    fn arrive(&mut self) {
        for _ in 0..MOST_AT_ONCE {
            let wire = &self.wire;
            let answer = wire.answers.iter().find(|answer| !answer.slow);
            let listing = wire.listing.as_ref();
            let watch = wire.watch.as_ref();
            if self.violation().is_some() {
                return;
            } else if let Some(answer) = answer {
                self.show_answer(answer.action.0);
            } else if listing.is_some_and(|listing| listing.read.is_some() && !listing.slow) {
                self.show_listing();
            } else if watch.is_some_and(Watch::has_next) {
                self.show_event(|watch| watch.queue.pop_front());
            } else {
                return;
            }
        }
        let what = format!("{MOST_AT_ONCE} answers at one moment: it turns in circles");
        self.judge.broken(self.now, "S6", what);
    }

    /// The next event of the watch is late, or lost: one that is on its way, or else the one that comes next.
    fn waylay(&mut self, how: Next) {
        if let Some(watch) = &mut self.wire.watch {
            match watch.queue.pop_front() {
                Some(event) if how == Next::Late => watch.late = Some(event),
                Some(_) => {}
                None => watch.next = Some(how),
            }
        }
    }

    fn show_answer(&mut self, id: u64) {
        let answers = &mut self.wire.answers;
        if let Some(index) = answers.iter().position(|answer| answer.action.0 == id) {
            let Answer {
                action, outcome, ..
            } = answers.remove(index);
            self.handle(Input::Answered { action, outcome });
        }
    }

    /// A process starts; the engine says to it what it wants.
    fn start(&mut self) {
        self.process += 1;
        self.controller = Controller::new(self.controller.config().clone(), FLEET.into());
        if let Some(recorder) = &mut self.recorder {
            recorder.began(self.process, self.now);
        }
        self.look(&Fact::Began {
            process: self.process,
        });
        let whole = Some(self.wishes());
        self.handle(Input::Desired(DesiredChange {
            whole,
            ..DesiredChange::default()
        }));
    }

    fn crash(&mut self) {
        self.spent.crashes += 1;
        if let Some(recorder) = &mut self.recorder {
            recorder.died(self.process, self.now);
        }
        self.look(&Fact::Died {
            process: self.process,
        });
        for effect in &mut self.wire.effects {
            effect.forgotten = true;
        }
        let effects = std::mem::take(&mut self.wire.effects);
        self.wire = Wire {
            effects,
            ..Wire::default()
        };
        self.engine.told.clear();
        self.engine.draining.clear();
        self.start();
    }

    /// What the engine wants by now.
    fn wishes(&self) -> BTreeMap<evenkeel::core::Group, GroupWish> {
        let target = self.scope.targets[self.engine.wishes - 1];
        let wish = GroupWish {
            target,
            maximum: None,
            template: 1,
        };
        BTreeMap::from([(GROUP.into(), wish)])
    }

    fn take_effect(&mut self, process: u32, id: u64) -> Option<Effect> {
        let effects = &mut self.wire.effects;
        let is = |effect: &Effect| effect.process == process && effect.id.0 == id;
        let index = effects.iter().position(is)?;
        Some(effects.remove(index))
    }

    fn land(&mut self, process: u32, id: u64) {
        let Some(effect) = self.take_effect(process, id) else {
            return;
        };
        let fleet: Name = FLEET.into();
        let outcome = Now {
            cluster: &mut self.cluster,
            fleet: &fleet,
            now: self.now,
            oldest: LONGEST.0,
        }
        .land(&effect.action);
        self.look(&Fact::Landed {
            process,
            action: &effect.action,
            why: effect.why,
            outcome: &outcome,
            late: effect.forgotten,
        });
        self.tell_changes();
        if !effect.forgotten {
            self.wire.answers.push(Answer::new(effect.id, outcome));
        }
    }

    /// Something happens to the pods.
    fn in_cluster(&mut self, happens: impl FnOnce(&mut Now<'_>)) {
        let fleet: Name = FLEET.into();
        happens(&mut Now {
            cluster: &mut self.cluster,
            fleet: &fleet,
            now: self.now,
            oldest: LONGEST.0,
        });
        self.tell_changes();
    }

    /// What changed: to the judge, to the engine, and to the watch.
    fn tell_changes(&mut self) {
        for change in self.cluster.take_changes() {
            self.look(&Fact::Pod {
                executor: Some(change.executor),
                now: &change.view,
                gone: change.gone,
            });
            let there = self.cluster.pods.get(&change.executor);
            if !there.is_some_and(super::cluster::Pod::runs) {
                self.engine.registered.remove(&change.executor);
            }
            if change.gone {
                self.engine.told.remove(&change.executor);
                self.engine.draining.remove(&change.executor);
            }
            let event = if change.gone || change.view.labels.finished {
                WatchEvent::Left(change.view)
            } else {
                WatchEvent::Seen(change.view)
            };
            if let Some(watch) = &mut self.wire.watch {
                match watch.next.take() {
                    None => watch.queue.push_back(event.clone()),
                    Some(Next::Late) => watch.late = Some(event.clone()),
                    Some(Next::Lost) => {}
                }
            }
            self.wire.history.push_back(event);
        }
    }

    fn read_listing(&mut self) {
        let Some(listing) = &mut self.wire.listing else {
            return;
        };
        listing.read = Some(Listing {
            revision: self.cluster.revision(),
            pods: self.cluster.list(self.now, LONGEST.0, listing.all),
            claims: Vec::new(),
            undecodable: Vec::new(),
        });
    }

    fn show_listing(&mut self) {
        let Some(listing) = self.wire.listing.take() else {
            return;
        };
        if let Some(read) = listing.read {
            self.wire.shown = self.wire.shown.max(Some(read.revision));
            self.handle(Input::Listed {
                request: listing.request,
                started: listing.started,
                outcome: Ok(read),
            });
        }
    }

    fn show_event(&mut self, which: impl FnOnce(&mut Watch) -> Option<WatchEvent>) {
        let Some(watch) = &mut self.wire.watch else {
            return;
        };
        let request = watch.request;
        if let Some(event) = which(watch) {
            self.wire.shown = self.wire.shown.max(revision_of(&event));
            self.handle(Input::Watched { request, event });
        }
    }

    fn end_watch(&mut self, end: WatchEnd) {
        if let Some(watch) = self.wire.watch.take() {
            let event = WatchEvent::Ended(end);
            self.handle(Input::Watched {
                request: watch.request,
                event,
            });
        }
    }

    /// Gives the controller an input, and does what it says; it is woken too, where it is time.
    fn handle(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        let due = |state: &Self| {
            let wake = state.controller.wake_at();
            wake.filter(|(at, _)| *at <= state.now).map(|_| Input::Wake)
        };
        let mut times = 0;
        while let Some(input) = inputs.pop_front().or_else(|| due(self)) {
            times += 1;
            if times > MOST_AT_ONCE {
                let what = format!("{MOST_AT_ONCE} inputs at one moment: it turns in circles");
                return self.judge.broken(self.now, "S6", what);
            }
            let (process, at) = (self.process, self.now);
            let wake = self.controller.wake_at();
            self.look(&Fact::Given {
                process,
                at,
                input: &input,
                due: wake.is_some_and(|(wake, _)| wake <= at),
            });
            let kept = self.recorder.is_some().then(|| input.clone());
            self.controller.handle(at, input);
            let outputs: Vec<Output> = std::iter::from_fn(|| self.controller.poll()).collect();
            if let (Some(recorder), Some(input)) = (&mut self.recorder, kept) {
                recorder.step(Step {
                    process,
                    world: at,
                    step: flight::Step {
                        at,
                        input,
                        outputs: outputs.clone(),
                    },
                });
            }
            for output in outputs {
                self.look(&Fact::Said {
                    process,
                    at,
                    output: &output,
                });
                inputs.extend(self.say(output));
            }
            self.judge.look(
                self.now,
                &Fact::Silent {
                    process,
                    controller: &self.controller,
                },
            );
        }
    }

    /// Does what the controller says; the lease answers at once.
    fn say(&mut self, output: Output) -> Option<Input> {
        let process = self.process;
        match output {
            Output::Execute {
                id, action, why, ..
            } => {
                self.look(&Fact::Sent {
                    process,
                    at: self.now,
                    action: id,
                });
                self.spent.creates += u32::from(matches!(action, Action::Create { .. }));
                self.wire.effects.push(Effect {
                    process,
                    id,
                    action,
                    why,
                    forgotten: false,
                });
            }
            Output::List { request, all, .. } => {
                self.wire.listing = Some(Listed {
                    request,
                    all,
                    started: self.now,
                    read: None,
                    slow: false,
                });
            }
            Output::Watch { request, from } => {
                // Whenever it is opened, it shows the same: what came after `from`.
                let events = self.wire.history.iter();
                let queue = events.filter(|event| revision_of(event) > Some(from));
                self.wire.watch = Some(Watch {
                    request,
                    queue: queue.cloned().collect(),
                    late: None,
                    next: None,
                });
            }
            Output::Close { request } => {
                let wire = &mut self.wire;
                wire.listing.take_if(|listing| listing.request == request);
                wire.watch.take_if(|watch| watch.request == request);
            }
            Output::Lease(wish) => return Some(Input::Lease(self.lease(wish))),
            Output::Notice(Notice::Drain { executor, .. })
                if self.scope.engine == EngineMode::Registering
                    && self.engine.registered.contains(&executor) =>
            {
                self.engine.draining.insert(executor);
            }
            Output::Notice(_) | Output::Status(_) | Output::Finished => {}
        }
        None
    }

    /// Nobody else wants the lease, and its requests do not fail.
    fn lease(&mut self, wish: LeaseWish) -> LeaseNews {
        let until = Time::NEVER;
        match wish {
            LeaseWish::Take => LeaseNews::Held {
                incarnation: self.process,
                until,
                memory: self.aged_memory(),
            },
            LeaseWish::Renew { memory, .. } => {
                if let Some(memory) = memory {
                    self.memory = (self.now, memory);
                }
                LeaseNews::Renewed { until }
            }
            LeaseWish::GiveUp | LeaseWish::Remove => LeaseNews::Gone,
        }
    }

    /// What is written down has ages, which go on.
    fn aged_memory(&self) -> Memory {
        let (at, mut memory) = self.memory.clone();
        let by = self.now.since(at).0;
        let failures = memory.failures.iter_mut();
        for (_, age) in failures.chain(&mut memory.startup_failures) {
            *age += by;
        }
        for backoff in memory.backoffs.values_mut() {
            backoff.since += by;
        }
        memory
    }

    fn look(&mut self, fact: &Fact<'_>) {
        self.judge.look(self.now, fact);
    }

    /// What is not as it is wanted; None where all is.
    pub fn missing(&self) -> Option<String> {
        missing(self.judge.truth(), &self.rest(&BTreeSet::new()))
    }

    fn rest<'a>(&'a self, broken: &'a BTreeSet<evenkeel::core::Group>) -> Rest<'a> {
        Rest {
            process: self.process,
            controller: &self.controller,
            broken,
            lasted: Span(0),
            is_quiet: true,
        }
    }

    /// It is at rest: the judge looks at what is left.
    pub fn judge_rest(&mut self) {
        let mut judge = self.judge.clone();
        judge.rest(self.now, &self.rest(&BTreeSet::new()));
        self.judge = judge;
    }

    /// It does not come to rest.
    pub fn never_rests(&mut self, what: String) {
        self.judge.broken(self.now, "L1", what);
    }
}
