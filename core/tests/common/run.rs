//! One run: moves drive a real controller over the world, and every law is looked at on the way.

use super::{
    laws::{self, Broken, Law},
    moves::{Fate, Knobs, LeaseFate, Move, Nonsense, Step},
    world::{Asked, Effect, FLEET, Holder, Lease, Pod, Store, Watch, new_view, refusals},
};
use evenkeel_core::{
    Controller, Input, Output,
    config::{Config, Living},
    flight,
    input::{
        BackoffMemory, ContainerView, DesiredChange, EngineReport, Failure, GroupWish, KillReason,
        Labels, LeaseNews, Listing, Memory, Outcome, Phase, Shutdown, WatchEnd, WatchEvent,
    },
    output::{Cause, LeaseWish, Notice},
    plan::{GroupStatus, Unmet},
    words::{ActionId, ExecutorId, Group, Name, RequestId, Revision, Span, Time},
};
use std::collections::{BTreeMap, BTreeSet};

const GROUPS: [&str; 3] = ["a", "b", "c"];

type Done = Result<(), Broken>;

/// A controller, and the world it lives in.
pub struct Run {
    pub knobs: Knobs,
    pub config: Config,
    pub controller: Controller,
    pub serial: u32,
    pub now: u64,
    epoch: u64,
    pub store: Store,
    pub lease: Lease,
    wish: Option<(LeaseWish, Time)>,
    pub effects: Vec<(u64, Effect)>,
    late: Vec<Effect>,
    listing: Option<Asked>,
    old_listing: Option<(Time, Listing)>,
    watch: Option<Watch>,
    pub wishes: BTreeMap<Group, GroupWish>,
    suspended: bool,
    pub shutdown: Option<Shutdown>,
    pub finished: bool,
    /// It had last been told that another one has the lease, when it finished: the fleet was not its own to end.
    pub finished_unled: bool,
    told_other: bool,
    draining: Vec<ExecutorId>,
    /// Until when the lease is ours, as the controller was told last.
    held_until: Option<Time>,
    pub book: laws::Book,
    pub steps: Vec<flight::Step>,
    pub middle: Option<(usize, Controller)>,
    moves: u64,
}

impl Run {
    pub fn new(knobs: Knobs) -> Self {
        let config = knobs.config();
        Self {
            knobs,
            controller: Controller::new(config.clone(), FLEET.into()),
            config,
            serial: 1,
            now: 0,
            epoch: 0,
            store: Store::default(),
            lease: Lease::default(),
            wish: None,
            effects: Vec::new(),
            late: Vec::new(),
            listing: None,
            old_listing: None,
            watch: None,
            wishes: BTreeMap::new(),
            suspended: false,
            shutdown: None,
            finished: false,
            finished_unled: false,
            told_other: false,
            draining: Vec::new(),
            held_until: None,
            book: laws::Book::default(),
            steps: Vec::new(),
            middle: None,
            moves: 0,
        }
    }

    pub fn at(&self) -> Time {
        Time(self.now - self.epoch)
    }

    /// The start that all runs share: the engine says what it wants, and time begins.
    pub fn start(&mut self) -> Done {
        self.wish_whole()?;
        self.handle(Input::Wake)
    }

    fn wish_whole(&mut self) -> Done {
        let change = DesiredChange {
            whole: Some(self.wishes.clone()),
            suspend: Some(self.suspended),
            ..DesiredChange::default()
        };
        self.handle(Input::Desired(change))
    }

    pub fn handle(&mut self, input: Input) -> Done {
        let at = self.at();
        self.handle_at(at, input)
    }

    fn handle_at(&mut self, at: Time, input: Input) -> Done {
        if self.steps.len() % 64 == 20 {
            self.middle = Some((self.steps.len(), self.controller.clone()));
        }
        self.controller.handle(at, input.clone());
        let outputs: Vec<Output> = std::iter::from_fn(|| self.controller.poll()).collect();
        self.steps.push(flight::Step {
            at,
            input: input.clone(),
            outputs: outputs.clone(),
        });
        let at = at.max(self.controller.snapshot().now());
        laws::after_handle(
            &self.controller,
            &self.config,
            at,
            &outputs,
            &mut self.book,
            &self.wishes,
        )?;
        for output in outputs {
            self.take_output(at, output);
        }
        laws::settled(&self.controller, &self.config)?;
        laws::indices(&self.controller, &self.config)?;
        if self.steps.len().is_multiple_of(3) {
            laws::time(&self.controller, &self.config, self.held_until)?;
        }
        if self.steps.len().is_multiple_of(5) {
            laws::order(&self.controller, &self.config, &self.store.history)?;
        }
        Ok(())
    }

    fn take_output(&mut self, at: Time, output: Output) {
        match output {
            Output::Execute {
                id,
                not_after,
                action,
                ..
            } => {
                let effect = Effect {
                    id,
                    not_after,
                    action,
                    outcome: None,
                };
                self.effects.push((self.now, effect));
            }
            Output::List {
                request,
                all,
                claims,
            } => {
                self.listing = Some(Asked {
                    request,
                    all,
                    claims,
                    started: at,
                    taken: None,
                });
            }
            Output::Watch { request, from } => {
                let next = self
                    .store
                    .history
                    .partition_point(|(revision, _)| *revision <= from.get());
                self.watch = Some(Watch { request, next });
            }
            Output::Close { request } => {
                self.watch = self.watch.filter(|watch| watch.request != request);
                self.listing = self
                    .listing
                    .take()
                    .filter(|listing| listing.request != request);
            }
            Output::Lease(wish) => self.wish = Some((wish, at)),
            Output::Notice(Notice::Drain { executor, .. }) => self.draining.push(executor),
            Output::Notice(_) | Output::Status(_) => {}
            Output::Finished => {
                self.finished = true;
                self.finished_unled = self.told_other;
                self.late.clear();
            }
        }
    }

    pub fn act(&mut self, step: Move) -> Done {
        self.moves += 1;
        match step {
            Move::Sleep(ms) => self.sleep(u64::from(ms)),
            Move::Wake => self.handle(Input::Wake),
            Move::WakeAt => self.wake_at(),
            Move::Answer(n, fate) => self.answer(n, fate),
            Move::LandLate(n) => {
                if let Some(n) = pick(n, self.late.len()) {
                    let effect = self.late.remove(n);
                    self.store.execute(&effect.action, self.now);
                }
                Ok(())
            }
            Move::Lease(fate) => self.answer_lease(fate),
            Move::OtherTakesLease => {
                // As a program does that saw it unchanged for long enough.
                let expired = self.held_until.is_none_or(|until| until <= self.at());
                if expired && self.knobs.lease {
                    self.lease.holder = Holder::Other;
                    self.lease.transitions = self.lease.transitions.saturating_add(1);
                }
                Ok(())
            }
            Move::OtherLeavesLease => {
                if self.lease.holder == Holder::Other {
                    self.lease.holder = Holder::Nobody;
                }
                Ok(())
            }
            Move::LeaseLost => {
                if !self.knobs.lease {
                    return Ok(());
                }
                if self.lease.holder == Holder::Controller(self.serial) {
                    self.lease.holder = Holder::Other;
                    self.lease.transitions = self.lease.transitions.saturating_add(1);
                }
                self.handle_lease(LeaseNews::Lost)
            }
            Move::TakeListing => {
                self.take_listing();
                Ok(())
            }
            Move::DeliverListing => self.deliver_listing(),
            Move::FailListing => match self.listing.take() {
                Some(asked) => self.handle(Input::Listed {
                    request: asked.request,
                    started: asked.started,
                    outcome: Err(Failure::Server(500)),
                }),
                None => Ok(()),
            },
            Move::Event => self.event().map(|_| ()),
            Move::DropEvent => {
                if let Some(watch) = &mut self.watch {
                    watch.next = (watch.next + 1).min(self.store.history.len());
                }
                Ok(())
            }
            Move::RepeatEvent => match self.watch {
                Some(watch) if watch.next > 0 => {
                    let event = self.store.history[watch.next - 1].1.clone();
                    self.deliver(watch.request, event)
                }
                _ => Ok(()),
            },
            Move::OldEvent(n) => match (self.watch, pick(n, self.watch.map_or(0, |w| w.next))) {
                (Some(watch), Some(n)) => {
                    let event = self.store.history[n].1.clone();
                    self.deliver(watch.request, event)
                }
                _ => Ok(()),
            },
            Move::Bookmark => match self.watch {
                Some(watch) if watch.next > 0 => {
                    let revision = self.store.history[watch.next - 1].0;
                    let event = WatchEvent::Bookmark(
                        Revision::new(revision).expect("revisions start at 1"),
                    );
                    self.deliver(watch.request, event)
                }
                _ => Ok(()),
            },
            Move::WatchEnds(expired) => match self.watch.take() {
                Some(watch) => {
                    let end = if expired {
                        WatchEnd::Expired
                    } else {
                        WatchEnd::Closed
                    };
                    self.deliver(watch.request, WatchEvent::Ended(end))
                }
                None => Ok(()),
            },
            Move::Pod(n, step) => {
                self.pod_step(n, step);
                Ok(())
            }
            Move::Ghost(n) => {
                self.ghost(n);
                Ok(())
            }
            Move::Register(n) => match self.known(n) {
                Some(id) => self.report(EngineReport::Registered(id)),
                None => Ok(()),
            },
            Move::RegisterUnknown(incarnation, sequence) => self.report(EngineReport::Registered(
                ExecutorId::new(incarnation, sequence),
            )),
            Move::Idle(n, keep) => match self.known(n) {
                Some(executor) => self.report(EngineReport::Idle { executor, keep }),
                None => Ok(()),
            },
            Move::Busy(n) => match self.known(n) {
                Some(id) => self.report(EngineReport::Busy(id)),
                None => Ok(()),
            },
            Move::Drained(n) => match pick(n, self.draining.len()) {
                Some(n) => {
                    let id = self.draining.remove(n);
                    self.report(EngineReport::Drained(id))
                }
                None => Ok(()),
            },
            Move::Disrupt(n, reason, soon) => match self.known(n) {
                Some(executor) => {
                    let deadline = soon.then(|| self.at().after(Span::seconds(30)));
                    let reasons = [
                        Cause::Preempted,
                        Cause::Evicted,
                        Cause::NodeLost,
                        Cause::Completed,
                    ];
                    let reason = reasons[usize::from(reason) % 4].clone();
                    self.report(EngineReport::Disrupted {
                        executor,
                        reason,
                        deadline,
                    })
                }
                None => Ok(()),
            },
            Move::Metric(n, name, value) => match self.known(n) {
                Some(executor) => self.report(EngineReport::Metric {
                    executor,
                    name: ["memory", "tasks", "gc"][usize::from(name) % 3].into(),
                    value,
                }),
                None => Ok(()),
            },
            Move::Relist => self.handle(Input::Relist),
            Move::Target(group, target) => self.set_target(group, u64::from(target)),
            Move::Template(group, template) => {
                let group: Group = GROUPS[usize::from(group % 3)].into();
                let Some(wish) = self.wishes.get_mut(&group) else {
                    return Ok(());
                };
                wish.template = u64::from(template);
                let change = DesiredChange {
                    groups: BTreeMap::from([(group, wish.clone())]),
                    ..DesiredChange::default()
                };
                self.handle(Input::Desired(change))
            }
            Move::Remove(group) => {
                let group: Group = GROUPS[usize::from(group % 3)].into();
                self.wishes.remove(&group);
                let change = DesiredChange {
                    remove: BTreeSet::from([group]),
                    ..DesiredChange::default()
                };
                self.handle(Input::Desired(change))
            }
            Move::Release(n) => match self.known(n) {
                Some(id) => self.handle(Input::Desired(DesiredChange {
                    release: BTreeSet::from([id]),
                    ..DesiredChange::default()
                })),
                None => Ok(()),
            },
            Move::Kill(n) => self.kill(n, KillReason::Asked),
            Move::Unhealthy(n) => self.kill(n, KillReason::Unhealthy("heartbeat".into())),
            Move::Suspend(on) => {
                self.suspended = on;
                self.handle(Input::Desired(DesiredChange {
                    suspend: Some(on),
                    ..DesiredChange::default()
                }))
            }
            Move::Resume => self.handle(Input::Desired(DesiredChange {
                resume_after_halt: true,
                ..DesiredChange::default()
            })),
            Move::Shutdown(shutdown) => {
                self.shutdown = self.shutdown.max(Some(shutdown));
                self.handle(Input::Desired(DesiredChange {
                    shutdown: Some(shutdown),
                    ..DesiredChange::default()
                }))
            }
            Move::Crash => self.crash(),
            Move::Settle => self.settle(200).map(|_| ()),
            Move::Nonsense(nonsense) => self.nonsense(nonsense),
        }
    }

    pub fn set_target(&mut self, group: u8, target: u64) -> Done {
        let group: Group = GROUPS[usize::from(group % 3)].into();
        let wish = self.wishes.entry(group.clone()).or_insert(GroupWish {
            target,
            maximum: None,
            template: 1,
        });
        wish.target = target;
        let change = DesiredChange {
            groups: BTreeMap::from([(group, wish.clone())]),
            ..DesiredChange::default()
        };
        self.handle(Input::Desired(change))
    }

    fn kill(&mut self, n: u8, reason: KillReason) -> Done {
        match self.known(n) {
            Some(id) => self.handle(Input::Desired(DesiredChange {
                kill: BTreeMap::from([(id, reason)]),
                ..DesiredChange::default()
            })),
            None => Ok(()),
        }
    }

    pub fn report(&mut self, report: EngineReport) -> Done {
        self.handle(Input::Engine(report))
    }

    /// An executor that the controller or the store knows.
    fn known(&self, n: u8) -> Option<ExecutorId> {
        let mut ids: BTreeSet<ExecutorId> = self
            .controller
            .snapshot()
            .executors()
            .map(|(id, _)| id)
            .collect();
        ids.extend(self.store.pods.values().filter_map(Pod::id));
        let n = pick(n, ids.len())?;
        ids.into_iter().nth(n)
    }

    /// Time passes; what is owed for longer than the request's time-out is answered first.
    fn sleep(&mut self, ms: u64) -> Done {
        self.now += ms;
        while let Some(n) = self
            .effects
            .iter()
            .position(|(asked, _)| asked + 30_000 <= self.now)
        {
            let (_, effect) = self.effects.remove(n);
            let outcome = Outcome::Unclear(Failure::TimedOut);
            if effect.outcome.is_none() && self.now.is_multiple_of(2) {
                self.late.push(effect.clone());
            }
            self.answered(effect.id, outcome)?;
        }
        Ok(())
    }

    fn wake_at(&mut self) -> Done {
        let Some((at, _)) = self.controller.wake_at() else {
            return Ok(());
        };
        let ahead = at.0.saturating_sub(self.at().0);
        if ahead > 1 << 40 {
            return Ok(());
        }
        self.sleep(ahead)?;
        self.handle(Input::Wake)?;
        // Whatever was due by then is done: no spinning.
        for _ in 0..2 {
            match self.controller.wake_at() {
                Some((next, _)) if next <= self.at() => self.handle(Input::Wake)?,
                _ => return Ok(()),
            }
        }
        match self.controller.wake_at() {
            Some((next, why)) if next <= self.at() => Err(Broken::new(
                Law::Time,
                format!("at {:?} it still asks for {next:?} ({why:?})", self.at()),
            )),
            _ => Ok(()),
        }
    }

    pub fn answered(&mut self, action: ActionId, outcome: Outcome) -> Done {
        self.book.answered(action);
        self.handle(Input::Answered { action, outcome })
    }

    fn answer(&mut self, n: u8, fate: Fate) -> Done {
        let Some(n) = pick(n, self.effects.len()) else {
            return Ok(());
        };
        let begun = self.effects[n].1.outcome.is_some();
        if matches!(fate, Fate::DoneUnanswered) {
            if !begun && self.effects[n].1.not_after >= self.at() {
                let action = self.effects[n].1.action.clone();
                let outcome = self.store.execute(&action, self.now);
                self.effects[n].1.outcome = Some(outcome);
            }
            return Ok(());
        }
        let (_, effect) = self.effects.remove(n);
        let outcome = self.outcome(&effect, fate);
        self.answered(effect.id, outcome)
    }

    fn outcome(&mut self, effect: &Effect, fate: Fate) -> Outcome {
        let unclear = || Outcome::Unclear(Failure::TimedOut);
        if let Some(outcome) = &effect.outcome {
            return match fate {
                Fate::LostDone | Fate::LostUndone | Fate::LostLate => unclear(),
                Fate::ServerError => Outcome::Unclear(Failure::Server(500)),
                _ => outcome.clone(),
            };
        }
        if effect.not_after < self.at() {
            return Outcome::Refused(evenkeel_core::input::Refusal::TooLate);
        }
        match fate {
            Fate::Honest | Fate::DoneUnanswered => self.store.execute(&effect.action, self.now),
            Fate::LostDone => {
                self.store.execute(&effect.action, self.now);
                unclear()
            }
            Fate::LostUndone => unclear(),
            Fate::LostLate => {
                self.late.push(effect.clone());
                unclear()
            }
            Fate::ServerError => Outcome::Unclear(Failure::Server(500)),
            Fate::Refused(n) => {
                let all = refusals();
                Outcome::Refused(all[usize::from(n) % all.len()].clone())
            }
            Fate::ExistsNothing => match effect.action {
                evenkeel_core::output::Action::Create { .. } => Outcome::Exists(None),
                _ => self.store.execute(&effect.action, self.now),
            },
        }
    }

    fn handle_lease(&mut self, news: LeaseNews) -> Done {
        self.told_other = matches!(news, LeaseNews::HeldByOther | LeaseNews::Lost);
        match &news {
            LeaseNews::Held { until, .. } | LeaseNews::Renewed { until } => {
                self.held_until = Some(*until);
            }
            LeaseNews::Failed(_) => {}
            _ => self.held_until = None,
        }
        self.handle(Input::Lease(news))
    }

    fn answer_lease(&mut self, fate: LeaseFate) -> Done {
        let Some((wish, asked)) = self.wish.take() else {
            return Ok(());
        };
        let duration = self
            .knobs
            .lease
            .then_some(self.config.living.lease_duration);
        let mut real = || self.lease.carry_out(self.serial, asked, duration, &wish);
        let news = match fate {
            LeaseFate::Honest => real(),
            LeaseFate::LostDone => {
                real();
                LeaseNews::Failed(Failure::TimedOut)
            }
            LeaseFate::LostUndone => LeaseNews::Failed(Failure::TimedOut),
        };
        self.handle_lease(news)
    }

    fn take_listing(&mut self) {
        if let Some(asked) = &mut self.listing {
            asked
                .taken
                .get_or_insert_with(|| self.store.listing(asked.all, asked.claims, self.now));
        }
    }

    fn deliver_listing(&mut self) -> Done {
        self.take_listing();
        let Some(asked) = self.listing.take() else {
            return Ok(());
        };
        let Some(listing) = asked.taken else {
            return Ok(());
        };
        let input = Input::Listed {
            request: asked.request,
            started: asked.started,
            outcome: Ok(listing.clone()),
        };
        self.handle(input.clone())?;
        laws::again_listing(&self.controller, &self.config, &input, &self.store.history)?;
        self.old_listing = Some((asked.started, listing));
        Ok(())
    }

    /// The next event of the watch; whether there was one.
    fn event(&mut self) -> Result<bool, Broken> {
        let Some(watch) = &mut self.watch else {
            return Ok(false);
        };
        let Some((_, event)) = self.store.history.get(watch.next) else {
            return Ok(false);
        };
        watch.next += 1;
        let (request, event) = (watch.request, event.clone());
        self.deliver(request, event)?;
        Ok(true)
    }

    fn deliver(&mut self, request: RequestId, event: WatchEvent) -> Done {
        let input = Input::Watched { request, event };
        self.handle(input.clone())?;
        laws::again_event(&self.controller, &self.config, &input, &self.store.history)
    }

    fn pod_step(&mut self, n: u8, step: Step) {
        let Some(n) = pick(n, self.store.pods.len()) else {
            return;
        };
        let name = self.store.pods.keys().nth(n).cloned().expect("picked");
        let now = self.now;
        let finished = self.store.pods[&name].is_finished();
        let running = self.store.pods[&name].view.phase == Phase::Running;
        let node = self.store.pods[&name].view.node.is_some();
        let end = |pod: &mut Pod, phase: Phase, exit_code: i32, reason: &str| {
            pod.view.phase = phase;
            pod.view.ready = false;
            pod.view.main = Some(ContainerView::Terminated {
                exit_code,
                reason: reason.into(),
            });
        };
        match step {
            Step::Schedule if !finished => self.store.change(&name, now, |pod| {
                pod.view.node.get_or_insert_with(|| "n1".into());
            }),
            Step::Run
                if !finished
                    && self.store.pods[&name].view.deleting.is_none()
                    && self.store.has_claims_of(&name) =>
            {
                self.store.change(&name, now, run);
            }
            Step::Succeed if running && !finished => {
                self.store
                    .change(&name, now, |pod| end(pod, Phase::Succeeded, 0, "Completed"));
            }
            Step::Fail(code) if running && !finished => self.store.change(&name, now, |pod| {
                // With a sidecar that runs on the phase stays.
                let phase = if code == 2 {
                    Phase::Running
                } else {
                    Phase::Failed
                };
                end(pod, phase, code, "Error");
            }),
            Step::OutOfMemory if running && !finished => self
                .store
                .change(&name, now, |pod| end(pod, Phase::Failed, 137, "OOMKilled")),
            Step::SidecarFails if running => {
                self.store
                    .change(&name, now, |pod| pod.view.sidecar_failed = true);
            }
            Step::EvictedAtOnce if node && !finished => self.store.change(&name, now, |pod| {
                pod.view.phase = Phase::Failed;
                pod.view.reason = Some("Evicted".into());
            }),
            Step::Disrupted if !finished => {
                self.store.change(&name, now, |pod| {
                    pod.view.disruption = Some("EvictionByEvictionAPI".into());
                });
                self.store.delete(&name, now);
            }
            Step::UnknownPhase if running && !finished => {
                self.store
                    .change(&name, now, |pod| pod.view.phase = Phase::Unknown);
            }
            Step::Deleted => self.store.delete(&name, now),
            Step::Gone => self.store.remove(&name),
            Step::LoseLabel => self.store.change(&name, now, |pod| pod.in_fleet = false),
            Step::RegainLabel => self.store.change(&name, now, |pod| pod.in_fleet = true),
            Step::ImagePull if !running && !finished => self.store.change(&name, now, |pod| {
                pod.view.main = Some(ContainerView::Waiting("ImagePullBackOff".into()));
                pod.view.waiting = vec!["ImagePullBackOff".into()];
            }),
            Step::BadImage if !running && !finished => self.store.change(&name, now, |pod| {
                pod.view.waiting = vec!["InvalidImageName".into()];
            }),
            Step::CantGrow => self.store.change(&name, now, |pod| {
                if let Some(memory) = &mut pod.view.memory {
                    memory.infeasible = true;
                }
            }),
            _ => {}
        }
    }

    /// A copy of a create that was sent long ago lands.
    fn ghost(&mut self, n: u8) {
        let issued: Vec<_> = self.book.created.iter().collect();
        let Some(n) = pick(n, issued.len()) else {
            return;
        };
        let (id, (_, group)) = issued[n];
        let action = evenkeel_core::output::Action::Create {
            executor: *id,
            group: group.clone(),
            template: 1,
            claims: Vec::new(),
        };
        let id = *id;
        let live = self
            .controller
            .snapshot()
            .executors()
            .any(|(known, _)| known == id);
        if !live {
            self.store.execute(&action, self.now);
        }
    }

    /// The process dies, and another takes over on the same store.
    fn crash(&mut self) -> Done {
        if self.finished || self.shutdown.is_some() {
            return Ok(());
        }
        laws::replay(self)?;
        self.serial += 1;
        self.now += 1;
        self.epoch = self.now;
        // Half of what was on its way arrives all the same.
        for (n, (_, effect)) in std::mem::take(&mut self.effects).into_iter().enumerate() {
            if n % 2 == 0 && effect.outcome.is_none() {
                self.late.push(effect);
            }
        }
        self.controller = Controller::new(self.config.clone(), FLEET.into());
        self.wish = None;
        self.listing = None;
        self.old_listing = None;
        self.watch = None;
        self.draining.clear();
        self.held_until = None;
        self.book.new_controller(self.serial);
        self.steps.clear();
        self.middle = None;
        self.start()
    }

    /// Everything that is under way arrives, in order and well.
    /// Whether that came to an end.
    pub fn settle(&mut self, most: u32) -> Result<bool, Broken> {
        for _ in 0..most {
            if self.wish.is_some() {
                self.answer_lease(LeaseFate::Honest)?;
            } else if !self.effects.is_empty() {
                self.answer(0, Fate::Honest)?;
            } else if self.listing.is_some() {
                self.deliver_listing()?;
            } else if !self.event()? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn calm(&mut self) -> Done {
        if self.settle(2000)? {
            return Ok(());
        }
        Err(Broken::new(
            Law::Convergence,
            "no end of effects, listings and events at one moment".into(),
        ))
    }

    fn nonsense(&mut self, nonsense: Nonsense) -> Done {
        let watch = self.watch.map(|watch| watch.request);
        match nonsense {
            Nonsense::StrayAnswer(n) => self.handle(Input::Answered {
                action: ActionId(1_000_000 + u64::from(n)),
                outcome: Outcome::Absent,
            }),
            Nonsense::OldRequest => {
                self.handle(Input::Listed {
                    request: RequestId(0),
                    started: Time(0),
                    outcome: Ok(self.store.listing(true, true, self.now)),
                })?;
                self.handle(Input::Watched {
                    request: RequestId(u64::MAX),
                    event: WatchEvent::Ended(WatchEnd::Expired),
                })
            }
            Nonsense::View {
                incarnation,
                sequence,
                phase,
                huge,
            } => {
                let Some(request) = watch else { return Ok(()) };
                let id = ExecutorId::new(incarnation, sequence);
                let labels = Labels {
                    executor: Some(id.to_string().into()),
                    group: Some("z".into()),
                    finished: phase & 32 > 0,
                    template: None,
                };
                let mut view = new_view(id.pod_name(FLEET), labels);
                view.phase = match phase % 5 {
                    0 => Phase::Pending,
                    1 => Phase::Running,
                    2 => Phase::Succeeded,
                    3 => Phase::Failed,
                    _ => Phase::Unknown,
                };
                view.uid = format!("u-{}", phase % 3).as_str().into();
                view.deleting = (phase & 16 > 0).then_some(u32::MAX);
                view.age_ms = if huge { u64::MAX } else { 0 };
                view.revision = if huge {
                    Revision(std::num::NonZeroU64::MAX)
                } else {
                    Revision::new(self.store.revision + 1).expect("above 0")
                };
                let event = if phase & 64 > 0 {
                    WatchEvent::Left(view)
                } else {
                    WatchEvent::Seen(view)
                };
                self.handle(Input::Watched { request, event })
            }
            Nonsense::BadLabels(n) => {
                let texts = ["", "x", "0-1", "1-1073741825", "01-2", "1-2", "-", "1--1"];
                let text = texts[usize::from(n) % texts.len()];
                let labels = Labels {
                    executor: Some(text.into()),
                    group: (n & 8 > 0).then(|| "a".into()),
                    ..Labels::default()
                };
                let name: Name = format!("{FLEET}-exec-odd{}", n % 4).into();
                if !self.store.pods.contains_key(&name) {
                    self.store.insert(Pod {
                        view: new_view(name, labels),
                        in_fleet: true,
                        made: self.now,
                    });
                }
                Ok(())
            }
            Nonsense::HugeTarget => self.set_target(2, u64::MAX),
            Nonsense::TimeBack => {
                let at = self.at().before(Span::seconds(100));
                self.handle_at(at, Input::Wake)
            }
            Nonsense::FarFuture => {
                self.sleep(1 << 50)?;
                self.handle(Input::Wake)
            }
            Nonsense::LeaseNumber(incarnation) => {
                let until = self.at().after(Span::seconds(15));
                self.lease.holder = Holder::Controller(self.serial);
                // However odd, no number is given twice.
                let incarnation = incarnation.max(self.lease.transitions.saturating_add(1));
                self.lease.transitions = incarnation;
                self.handle_lease(LeaseNews::Held {
                    incarnation,
                    until,
                    memory: Memory::default(),
                })
            }
            Nonsense::EndOfLeaseInPast => {
                let until = self.at().before(Span::seconds(1));
                self.handle_lease(LeaseNews::Renewed { until })
            }
            Nonsense::Memory => {
                let memory = Memory {
                    failures: vec![
                        ("a".into(), u64::MAX),
                        ("y".into(), 0),
                        ("a".into(), 1 << 62),
                    ],
                    halted: false,
                    startup_failures: vec![("a".into(), u64::MAX), ("y".into(), 0)],
                    backoffs: BTreeMap::from([(
                        "b".into(),
                        BackoffMemory {
                            since: u64::MAX,
                            probes: u32::MAX,
                            probe: Some(ExecutorId::new(1, 1)),
                        },
                    )]),
                };
                let until = self.at().after(Span::seconds(15));
                self.lease.holder = Holder::Controller(self.serial);
                self.lease.transitions = self.lease.transitions.saturating_add(1);
                self.handle_lease(LeaseNews::Held {
                    incarnation: self.lease.transitions,
                    until,
                    memory,
                })
            }
            Nonsense::Undecodable => match watch {
                Some(request) => self.handle(Input::Watched {
                    request,
                    event: WatchEvent::Undecodable("demo-exec-1-1".into()),
                }),
                None => Ok(()),
            },
            Nonsense::OldListing => {
                if let (Some(asked), Some((started, listing))) =
                    (self.listing.take(), self.old_listing.clone())
                {
                    return self.handle(Input::Listed {
                        request: asked.request,
                        started,
                        outcome: Ok(listing),
                    });
                }
                Ok(())
            }
            Nonsense::EndlessGrace => {
                let now = self.now;
                if let Some(name) = self.store.pods.keys().next().cloned() {
                    self.store
                        .change(&name, now, |pod| pod.view.deleting = Some(u32::MAX));
                }
                Ok(())
            }
        }
    }
}

pub fn run(pod: &mut Pod) {
    pod.view.waiting.clear();
    pod.view.node.get_or_insert_with(|| "n1".into());
    pod.view.phase = Phase::Running;
    pod.view.ip = Some("10.0.0.1".into());
    pod.view.ready = true;
    pod.view.main = Some(ContainerView::Running);
}

fn pick(n: u8, len: usize) -> Option<usize> {
    (len > 0).then(|| usize::from(n) % len.max(1))
}

/// From when on the lease's coming end changes what may be done.
pub fn margin(until: Time) -> Time {
    until.before(Living::MARGIN)
}

/// CONVERGENCE: the faults stop, and everything is delivered in order.
impl Run {
    pub fn converge(&mut self) -> Done {
        if self.lease.holder == Holder::Other {
            self.lease.holder = Holder::Nobody;
        }
        for effect in std::mem::take(&mut self.late) {
            self.store.execute(&effect.action, self.now);
        }
        let strays: Vec<Name> = self.store.pods.keys().cloned().collect();
        for name in strays {
            let now = self.now;
            self.store.change(&name, now, |pod| {
                if pod.view.phase == Phase::Unknown {
                    pod.view.phase = Phase::Running;
                }
            });
        }
        for wish in self.wishes.values_mut() {
            wish.target = wish.target.min(4);
        }
        self.suspended = false;
        self.wish_whole()?;
        self.act(Move::Resume)?;
        let start = self.now;
        let mut good_since = None;
        while self.now < start + 3_600_000 {
            self.calm()?;
            self.engine_turn()?;
            self.calm()?;
            // What went wrong before the calm may be charged in it.
            if self.is_halted() && self.now < start + 600_000 {
                self.act(Move::Resume)?;
            }
            if self.is_good() {
                let since = *good_since.get_or_insert(self.now);
                // It stays so over the next relist.
                if self.finished || self.now - since > 320_000 {
                    return Ok(());
                }
            } else if good_since.take().is_some() && self.effects.is_empty() {
                let how = format!(
                    "at {:?} it left its rest: {}",
                    self.at(),
                    self.why_not_good()
                );
                return Err(Broken::new(Law::Convergence, how));
            }
            self.pods_turn();
            self.calm()?;
            let next = self.controller.wake_at().map_or(1000, |(at, _)| {
                at.0.saturating_sub(self.at().0)
                    .clamp(0, 1000.max(if good_since.is_some() { 5000 } else { 0 }))
            });
            if next == 0 {
                self.wake_at()?;
            } else {
                self.sleep(next)?;
                if self
                    .controller
                    .wake_at()
                    .is_some_and(|(at, _)| at <= self.at())
                {
                    self.handle(Input::Wake)?;
                }
            }
        }
        Err(Broken::new(Law::Convergence, self.why_not_good()))
    }

    fn is_halted(&self) -> bool {
        let status = self.controller.status();
        let mut groups = status.groups.values();
        groups.any(|group| group.unmet.contains_key(&Unmet::Halted))
    }

    /// Pods move on by themselves.
    fn pods_turn(&mut self) {
        let names: Vec<Name> = self.store.pods.keys().cloned().collect();
        for name in names {
            let pod = &self.store.pods[&name];
            if pod.view.deleting.is_some() {
                self.store.remove(&name);
            } else if pod.view.disruption.is_some() && !pod.is_finished() {
                self.store.delete(&name, self.now);
            } else if pod.view.phase == Phase::Pending
                && pod.id().is_some()
                && self.store.has_claims_of(&name)
            {
                self.store.change(&name, self.now, run);
            }
        }
    }

    /// The engine registers what runs, drains what it is asked to, and lets an excess go.
    fn engine_turn(&mut self) -> Done {
        if self.finished {
            return Ok(());
        }
        let snapshot = self.controller.snapshot();
        let registered: BTreeSet<ExecutorId> = snapshot
            .executors()
            .filter(|(_, state)| state.is_registered())
            .map(|(id, _)| id)
            .collect();
        let running: Vec<ExecutorId> = self
            .store
            .pods
            .values()
            .filter(|pod| {
                pod.view.phase == Phase::Running
                    && !pod.is_finished()
                    && pod.view.deleting.is_none()
            })
            .filter_map(Pod::id)
            .filter(|id| !registered.contains(id) && !self.knobs.no_engine)
            .collect();
        for id in running {
            self.report(EngineReport::Registered(id))?;
            self.report(EngineReport::Idle {
                executor: id,
                keep: 0,
            })?;
        }
        for id in std::mem::take(&mut self.draining) {
            self.report(EngineReport::Drained(id))?;
        }
        let status = self.controller.status().clone();
        let mut release = BTreeSet::new();
        for (group, status) in &status.groups {
            let excess = status
                .counting
                .saturating_sub(status.target + status.rolling);
            let snapshot = self.controller.snapshot();
            let serving = snapshot.executors().filter(|(_, state)| {
                state.group() == group && state.counts() && state.is_registered()
            });
            release.extend(serving.map(|(id, _)| id).take(excess as usize));
        }
        if !release.is_empty() && !self.knobs.no_engine {
            self.handle(Input::Desired(DesiredChange {
                release,
                ..DesiredChange::default()
            }))?;
        }
        Ok(())
    }

    /// Pods that the fleet answers for.
    fn own_pods(&self) -> impl Iterator<Item = &Pod> {
        self.store.pods.values().filter(|pod| {
            let named = pod
                .id()
                .is_some_and(|id| pod.view.name == id.pod_name(FLEET));
            pod.in_fleet && named && pod.view.labels.group.is_some()
        })
    }

    fn is_good(&self) -> bool {
        match self.shutdown {
            Some(Shutdown::Leave) => self.finished,
            Some(Shutdown::Drain | Shutdown::Delete) => {
                let nothing = self.own_pods().next().is_none() && self.store.claims.is_empty();
                self.finished && (self.finished_unled || nothing)
            }
            None => {
                let mut alive = BTreeMap::<&str, u64>::new();
                let kept = |pod: &&Pod| !pod.view.labels.finished;
                for pod in self.own_pods().filter(kept) {
                    let runs = pod.view.phase == Phase::Running
                        && !pod.is_finished()
                        && pod.view.deleting.is_none();
                    if !runs {
                        return false;
                    }
                    *alive
                        .entry(pod.view.labels.group.as_deref().unwrap_or(""))
                        .or_default() += 1;
                }
                let wanted: BTreeMap<&str, u64> = self
                    .wishes
                    .iter()
                    .filter(|(_, wish)| wish.target > 0)
                    .map(|(group, wish)| (&**group, wish.target))
                    .collect();
                let rolled = |group: &GroupStatus| group.outdated == 0 && group.rolling == 0;
                self.controller.status().groups.values().all(rolled)
                    && alive == wanted
                    && self.controller.status().at_target
                    && self.claims_are_good()
            }
        }
    }

    /// Each pod has a claim of its own, and no claim is left over that nobody will use.
    fn claims_are_good(&self) -> bool {
        if !self.knobs.claims {
            return self.store.claims.is_empty();
        }
        let pods = self.own_pods().filter(|pod| !pod.view.labels.finished);
        let held: Vec<&Name> = pods.flat_map(|pod| &pod.view.claims).collect();
        let distinct: BTreeSet<&Name> = held.iter().copied().collect();
        let there = held
            .iter()
            .all(|name| self.store.claims.contains_key(*name));
        let needed = self.knobs.reuse || self.store.claims.len() == held.len();
        held.len() == distinct.len() && there && needed
    }

    fn why_not_good(&self) -> String {
        let pods: Vec<_> = self
            .own_pods()
            .map(|pod| {
                let view = &pod.view;
                format!(
                    "{} {:?} deleting {:?} finished {}",
                    view.name,
                    view.phase,
                    view.deleting,
                    pod.is_finished()
                )
            })
            .collect();
        format!(
            "not at rest after an hour\nclaims {:?}\nshutdown {:?} finished {}\npods {pods:#?}\nstatus {:?}\nexecutors {:?}\nwake {:?} finished_unled {}",
            self.store.claims.keys().collect::<Vec<_>>(),
            self.shutdown,
            self.finished,
            self.controller.status(),
            self.controller.snapshot().executors().collect::<Vec<_>>(),
            self.controller.wake_at(),
            self.finished_unled,
        )
    }
}
