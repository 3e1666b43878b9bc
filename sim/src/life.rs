//! One fleet's life: a discrete-event loop of a controller and the world, with nothing but virtual time.

use crate::{EngineModel, Report};
use evenkeel::{
    core::{
        ActionId, Config, Controller, Group, Input, Name, Output, RequestId, Span, Time,
        flight::Step,
        input::{DesiredChange, GroupWish, Outcome, Refusal, WatchEvent},
        output::{LeaseWish, Notice},
    },
    fake::{WatchId, World, WorldConfig},
    port::{LeaseRequest, ListWish, Request},
    shell::{Identity, LeaseKeeper, LeaseStep, RequestMaker, always_ours},
    template::Templates,
};
use std::{collections::BTreeMap, hash::Hasher};

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
    /// Whether the lease is taken (LIVE-1).
    pub lease: bool,
    /// The world, its weather and its seed.
    pub world: WorldConfig,
    /// How the engine behaves.
    pub engine: EngineModel,
}

/// A life under way.
pub struct Life {
    setup: Setup,
    requests: RequestMaker,
    world: World,
    controller: Controller,
    /// When the controller was started: its clock begins there.
    started: Time,
    /// Which controller it is; what comes for an earlier one is dropped.
    incarnation: u32,
    keeper: LeaseKeeper,
    /// What is under way, in order of time, then of issue.
    agenda: BTreeMap<(Time, u64), Due>,
    issued: u64,
    watches: BTreeMap<RequestId, Watching>,
    seen_signals: u64,
    hasher: fnv::FnvHasher,
    report: Report,
}

/// An open watch, and until when its last event is under way: order is kept.
#[derive(Clone, Copy, Debug)]
struct Watching {
    id: WatchId,
    last: Time,
}

/// What happens at a moment.
#[derive(Debug)]
enum Due {
    /// An effect reaches the API server.
    Effect {
        /// None: the controller that sent it is dead.
        id: Option<ActionId>,
        request: Request,
    },
    /// A listing is read.
    Listing {
        request: RequestId,
        wish: ListWish,
        asked: Time,
    },
    /// A watch is opened.
    Watch {
        request: RequestId,
        from: evenkeel::core::Revision,
    },
    /// A step with the lease reaches the API server.
    Lease(LeaseRequest),
    /// The controller is told.
    Input(Box<Input>),
}

/// How long an event of a watch is under way.
const WATCH_DELAY: Span = Span(2);

impl Life {
    /// A life at its first moment; the engine has said what it wants.
    #[must_use]
    pub fn new(setup: Setup) -> Self {
        let world = World::new(setup.world.clone());
        let controller = Controller::new(setup.config.clone(), setup.fleet.clone());
        let mut life = Self {
            keeper: keeper(&setup, 1),
            requests: RequestMaker {
                fleet: setup.fleet.clone(),
                config: setup.config.clone(),
                templates: setup.templates.clone(),
                claim_paths: BTreeMap::new(),
                owner: None,
                url: None,
            },
            setup,
            world,
            controller,
            started: Time(0),
            incarnation: 1,
            agenda: BTreeMap::new(),
            issued: 0,
            watches: BTreeMap::new(),
            seen_signals: 0,
            hasher: fnv::FnvHasher::default(),
            report: Report::default(),
        };
        life.say_first();
        life
    }

    /// The world, to look at and to make things happen in.
    pub fn world(&mut self) -> &mut World {
        &mut self.world
    }

    /// The controller that runs.
    #[must_use]
    pub fn controller(&self) -> &Controller {
        &self.controller
    }

    /// The engine changes what it wants.
    pub fn update(&mut self, change: DesiredChange) {
        self.handle(Input::Desired(change));
    }

    /// The controller dies with all it knew, and another one starts in its place.
    pub fn crash(&mut self) {
        self.incarnation += 1;
        self.agenda
            .retain(|_, due| matches!(due, Due::Effect { .. }));
        self.watches.clear();
        self.started = self.world.now();
        self.controller = Controller::new(self.setup.config.clone(), self.setup.fleet.clone());
        self.keeper = keeper(&self.setup, self.incarnation);
        self.say_first();
    }

    fn say_first(&mut self) {
        let whole = Some(self.setup.wishes.clone());
        self.handle(Input::Desired(DesiredChange {
            whole,
            ..DesiredChange::default()
        }));
    }

    /// Lives on for `span`, or until the controller has finished.
    pub fn run(&mut self, span: Span) {
        let end = self.world.now().after(span);
        while !self.report.finished {
            self.show_watches();
            let Some(next) = self.next_moment().filter(|next| *next <= end) else {
                self.world.advance(end);
                return;
            };
            self.world.advance(next);
            self.happen(next);
        }
    }

    /// What it came to so far.
    #[must_use]
    pub fn report(&self) -> Report {
        let mine = format!("{}-exec-", self.setup.fleet);
        let pods = self
            .world
            .pods()
            .filter(|pod| pod.metadata.name.starts_with(&mine))
            .count();
        let claims = self.world.claims();
        let claims = claims
            .filter(|claim| claim.is_of(&self.setup.fleet))
            .count();
        Report {
            digest: format!("{:016x}", self.hasher.finish()),
            virtual_ms: self.world.now().0,
            pods: pods as u64,
            claims: claims as u64,
            status: (**self.controller.status()).clone(),
            ..self.report.clone()
        }
    }

    fn next_moment(&self) -> Option<Time> {
        let wake = self
            .controller
            .wake_at()
            .map(|(at, _)| self.started.after(Span(at.0)));
        let due = self.agenda.keys().next().map(|(at, _)| *at);
        let moments = [wake, due, self.world.next_due()];
        moments
            .into_iter()
            .flatten()
            .min()
            .map(|at| at.max(self.world.now()))
    }

    fn happen(&mut self, now: Time) {
        let due: Vec<(Time, u64)> = self
            .agenda
            .range(..=(now, u64::MAX))
            .map(|(at, _)| *at)
            .collect();
        for at in due {
            if let Some(due) = self.agenda.remove(&at) {
                self.fall_due(due);
            }
        }
        let wake = self
            .controller
            .wake_at()
            .is_some_and(|(at, _)| self.started.after(Span(at.0)) <= now);
        if wake && !self.report.finished {
            self.handle(Input::Wake);
        }
    }

    fn fall_due(&mut self, due: Due) {
        let fleet = self.setup.fleet.clone();
        match due {
            Due::Input(input) => self.handle(*input),
            Due::Effect { id, request } => {
                let outcome = self.world.execute(&fleet, &request);
                if matches!(outcome, Outcome::Done { .. }) {
                    *self.report.effects.entry(verb(&request)).or_default() += 1;
                }
                if let Some(action) = id {
                    self.reply(Input::Answered { action, outcome });
                }
            }
            Due::Listing {
                request,
                wish,
                asked,
            } => {
                let outcome = self.world.listing(&fleet, wish);
                self.reply(Input::Listed {
                    request,
                    started: asked,
                    outcome,
                });
            }
            Due::Watch { request, from } => match self.world.watch_open(&fleet, from) {
                Ok(id) => {
                    self.watches.insert(
                        request,
                        Watching {
                            id,
                            last: self.world.now(),
                        },
                    );
                    self.seen_signals = u64::MAX;
                }
                Err(end) => self.reply(Input::Watched {
                    request,
                    event: WatchEvent::Ended(end),
                }),
            },
            Due::Lease(request) => {
                let answer = self.world.lease(&fleet, &request);
                let (now, wall) = (self.local(), World::wall(self.world.now()));
                let step = self.keeper.answered(now, wall, answer);
                self.lease_step(step);
            }
        }
    }

    /// Passes on what watches show by now.
    fn show_watches(&mut self) {
        if self.seen_signals == self.world.signals() {
            return;
        }
        self.seen_signals = self.world.signals();
        let fleet = self.setup.fleet.clone();
        let open: Vec<RequestId> = self.watches.keys().copied().collect();
        for request in open {
            while let Some(watching) = self.watches.get(&request).copied()
                && let Some(event) = self.world.watch_poll(&fleet, watching.id)
            {
                let at = self.world.now().after(WATCH_DELAY).max(watching.last);
                let over = matches!(event, WatchEvent::Ended(_));
                self.plan(at, Due::Input(Box::new(Input::Watched { request, event })));
                if over {
                    self.watches.remove(&request);
                } else {
                    self.watches.insert(
                        request,
                        Watching {
                            last: at,
                            ..watching
                        },
                    );
                }
            }
        }
    }

    /// The controller's own time.
    fn local(&self) -> Time {
        Time(self.world.now().since(self.started).0)
    }

    fn handle(&mut self, input: Input) {
        let at = self.local();
        self.report.inputs += 1;
        self.controller.handle(at, input.clone());
        let outputs: Vec<Output> = std::iter::from_fn(|| self.controller.poll()).collect();
        self.digest(&Step {
            at,
            input,
            outputs: outputs.clone(),
        });
        for output in outputs {
            self.interpret(output);
        }
    }

    fn digest(&mut self, step: &Step) {
        // Everything in a step is data that serde can write.
        if let Ok(text) = serde_json::to_vec(step) {
            self.hasher.write(&text);
        }
    }

    fn interpret(&mut self, output: Output) {
        let now = self.world.now();
        match output {
            Output::Execute {
                id,
                not_after,
                action,
                ..
            } => {
                let (before, _) = self.world.latency();
                let request = match self.requests.request(&action) {
                    Ok(_) if self.local() > not_after => Err(Refusal::TooLate),
                    request => request,
                };
                match request {
                    Ok(request) => {
                        let id = Some(id);
                        self.plan(now.after(before), Due::Effect { id, request });
                    }
                    Err(refusal) => self.reply(Input::Answered {
                        action: id,
                        outcome: Outcome::Refused(refusal),
                    }),
                }
            }
            Output::List {
                request,
                all,
                claims,
            } => {
                let (before, _) = self.world.latency();
                let asked = self.local();
                self.plan(
                    now.after(before),
                    Due::Listing {
                        request,
                        wish: ListWish { all, claims },
                        asked,
                    },
                );
            }
            Output::Watch { request, from } => {
                let (before, _) = self.world.latency();
                self.plan(now.after(before), Due::Watch { request, from });
            }
            Output::Close { request } => {
                if let Some(watching) = self.watches.remove(&request) {
                    self.world.watch_close(watching.id);
                }
            }
            Output::Lease(wish) => self.wish(wish),
            Output::Notice(notice) => self.notice(&notice),
            Output::Status(_) => {}
            Output::Finished => self.report.finished = true,
        }
    }

    fn notice(&mut self, notice: &Notice) {
        if let Notice::Lost { cause, .. } = notice {
            *self.report.lost.entry(cause.name()).or_default() += 1;
        }
        if let Some((after, input)) = self.setup.engine.reply(notice) {
            self.plan(self.world.now().after(after), Due::Input(Box::new(input)));
        }
    }

    fn wish(&mut self, wish: LeaseWish) {
        if !self.setup.lease {
            let news = always_ours(&wish);
            return self.reply(Input::Lease(news));
        }
        let (now, wall) = (self.local(), World::wall(self.world.now()));
        let step = self.keeper.begin(now, wall, wish);
        self.lease_step(step);
    }

    fn lease_step(&mut self, step: LeaseStep) {
        match step {
            LeaseStep::Say(news) => self.reply(Input::Lease(news)),
            LeaseStep::Ask(request) => {
                let (before, after) = self.world.latency();
                let at = self.world.now().after(before).after(after);
                self.plan(at, Due::Lease(request));
            }
        }
    }

    /// The answer is on its way.
    fn reply(&mut self, input: Input) {
        let (_, after) = self.world.latency();
        self.plan(self.world.now().after(after), Due::Input(Box::new(input)));
    }

    fn plan(&mut self, at: Time, due: Due) {
        self.issued += 1;
        self.agenda.insert((at, self.issued), due);
    }
}

fn keeper(setup: &Setup, life: u32) -> LeaseKeeper {
    LeaseKeeper::new(
        Identity::made_up("sim", life),
        setup.config.living.lease_duration,
    )
}

/// What an effect is counted as: Kubernetes' verb, and what it is done to where that is no pod.
fn verb(request: &Request) -> &'static str {
    match request {
        Request::Create { .. } => "create",
        Request::Delete { .. } => "delete",
        Request::MarkFinished { .. } => "patch",
        Request::Resize { .. } => "resize",
        Request::CreateClaim { .. } => "create claim",
        Request::DeleteClaim { .. } => "delete claim",
    }
}
