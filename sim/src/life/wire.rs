//! What is under way between a controller's process and the cluster, and how it goes wrong there.

use super::{Life, process::Watching, strike::Dies};
use crate::{
    judge::Fact,
    story::{Fate, Verb},
};
use evenkeel::{
    core::{
        ActionId, Input, Name, RequestId, Revision, Span, Time,
        input::{Failure, Outcome, Refusal, WatchEnd, WatchEvent},
        output::{Action, LeaseWish, Why},
    },
    port::{Lease, LeaseError, LeaseRequest, ListWish, Request},
    shell::{LeaseStep, always_ours},
};
use std::collections::{BTreeMap, VecDeque};

/// How long an event of a watch is under way, at least.
const WATCH_DELAY: Span = Span(2);
/// How many events are kept for an older replica to show again.
const SHOWN: usize = 24;

/// How the network is at present.
#[derive(Debug, Default)]
pub(super) struct Wire {
    /// Requests that will go wrong, in order.
    pub scripted: VecDeque<(Verb, Fate)>,
    /// So many percent of all requests fail, until then.
    pub storm: Option<(u8, Time)>,
    pub watch_slow: Option<(Span, Time)>,
    pub watch_shuffle: Option<(Span, Time)>,
    pub watch_coalesce: Option<Time>,
    pub lag: Option<(Span, Time)>,
    pub namespace_ends: Option<Time>,
    /// Admission refuses creates until then.
    pub rejects_until: Time,
    /// A controller that is started before then is told what is wanted so long after.
    pub speaks_late: Option<(Span, Time)>,
    /// No connection until then.
    pub cut_until: Option<Time>,
    /// The next listing is read from a replica that is so many revisions behind.
    pub list_stale: Option<u32>,
    /// The next listing lacks so many percent of its pods.
    pub list_partial: Option<u8>,
    /// Some event may have to be shown again.
    pub keeps_shown: bool,
    /// The pods that drivers ran in so far.
    pub pods: u32,
}

/// What happens at a moment.
pub(super) enum Due {
    /// An effect reaches the API server.
    Effect(Box<Effect>),
    /// A listing is read.
    Listing {
        process: u32,
        request: RequestId,
        wish: ListWish,
        asked: Time,
        fate: Option<Fate>,
    },
    /// A watch is opened.
    Watch {
        process: u32,
        request: RequestId,
        from: Revision,
        fate: Option<Fate>,
    },
    /// A step with the lease reaches the API server.
    Lease {
        process: u32,
        request: LeaseRequest,
        fate: Option<Fate>,
    },
    /// Its answer reaches the process.
    LeaseAnswer {
        process: u32,
        answer: Result<Option<Lease>, LeaseError>,
    },
    /// A controller is told.
    Input { process: u32, input: Box<Input> },
    /// The engine says something, to whom it talks to by then.
    Says(Box<Input>),
    /// A timer of the engine's runs out.
    Timer(u64),
    /// A process that stood still goes on.
    GoOn(u32),
    /// A process is started.
    Start { elsewhere: bool },
    /// Something that a story began is over.
    Over(super::strike::Over),
}

/// An effect under way.
pub(super) struct Effect {
    pub process: u32,
    pub id: ActionId,
    pub action: Action,
    pub why: Why,
    pub request: Request,
    pub fate: Option<Fate>,
    /// It was answered already: nobody waits for it.
    pub answered: bool,
    /// It landed before.
    pub copy: bool,
    /// The UID of the owner that the object is to have.
    pub owner: Option<String>,
}

impl Due {
    /// Whether it happens though that process is dead.
    pub fn outlives(&self, dead: u32) -> bool {
        match self {
            // What was sent, was sent.
            Self::Effect(_)
            | Self::Says(_)
            | Self::Timer(_)
            | Self::Start { .. }
            | Self::Over(_) => true,
            Self::Lease {
                process, request, ..
            } => *process != dead || !matches!(request, LeaseRequest::Get),
            Self::Listing { process, .. }
            | Self::Watch { process, .. }
            | Self::LeaseAnswer { process, .. }
            | Self::Input { process, .. }
            | Self::GoOn(process) => *process != dead,
        }
    }
}

impl Life {
    /// How the next request of that verb goes wrong, if it does.
    fn fate(&mut self, verb: Verb) -> Option<Fate> {
        let scripted = &mut self.wire.scripted;
        if let Some(index) = scripted.iter().position(|(of, _)| *of == verb) {
            return scripted.remove(index).map(|(_, fate)| fate);
        }
        if verb == Verb::Create && self.world.now() < self.wire.rejects_until {
            return Some(Fate::Forbidden);
        }
        let (percent, until) = self.wire.storm?;
        if self.world.now() >= until || self.chance.u8(0..100) >= percent {
            return None;
        }
        Some(match self.chance.u8(0..8) {
            0 => Fate::ReplyLost,
            1 => Fate::RequestLost,
            2 => Fate::ServerError(500),
            3 => Fate::ServerErrorAfter(504),
            4 => Fate::Throttled(Some(1000)),
            5 => Fate::NotSent,
            6 => Fate::Slow(Span(self.chance.u64(100..20_000))),
            _ => Fate::ServerError(503),
        })
    }

    /// How long a request is under way, before it lands and after.
    fn delays(&mut self, fate: Option<Fate>) -> (Span, Span) {
        let (before, after) = self.world.latency();
        match fate {
            Some(Fate::LandsLate(by) | Fate::Slow(by)) => (Span(before.0 + by.0), after),
            _ => (before, after),
        }
    }

    /// The answer is on its way.
    fn reply(&mut self, process: u32, input: Input) {
        let (_, after) = self.world.latency();
        let at = self.world.now().after(after);
        let input = Box::new(input);
        self.plan(at, Due::Input { process, input });
    }

    /// The shell begins an effect.
    pub(super) fn begin(
        &mut self,
        process: u32,
        at: Time,
        id: ActionId,
        not_after: Time,
        action: Action,
        why: Why,
    ) {
        let now = self.world.now();
        let request = match self.requests.request(&action) {
            Ok(_) if at > not_after => Err(Refusal::TooLate),
            request => request,
        };
        let request = match request {
            Ok(request) => request,
            Err(refusal) => {
                let outcome = Outcome::Refused(refusal);
                return self.reply(
                    process,
                    Input::Answered {
                        action: id,
                        outcome,
                    },
                );
            }
        };
        self.look(&Fact::Sent {
            process,
            at,
            action: id,
        });
        let fate = self.fate(match action {
            Action::Create { .. } => Verb::Create,
            Action::Delete { .. } => Verb::Delete,
            Action::MarkFinished { .. } | Action::Resize { .. } => Verb::Patch,
            Action::CreateClaim { .. } | Action::DeleteClaim { .. } => Verb::Claim,
        });
        if fate == Some(Fate::NotSent) || self.wire_is_cut() {
            let outcome = Outcome::Refused(Refusal::NotSent(Failure::Unreachable));
            return self.reply(
                process,
                Input::Answered {
                    action: id,
                    outcome,
                },
            );
        }
        let (before, _) = self.delays(fate);
        // The shell gives an answer in time, if only "unclear".
        let patience = self.setup.config.growing.request_timeout;
        let answered = before >= patience;
        if answered {
            let input = Box::new(Input::Answered {
                action: id,
                outcome: Outcome::Unclear(Failure::TimedOut),
            });
            self.plan(now.after(patience), Due::Input { process, input });
        }
        let effect = Effect {
            process,
            id,
            action,
            why,
            request,
            fate,
            answered,
            copy: false,
            owner: self.requests.owner.as_ref().map(|owner| owner.uid.clone()),
        };
        self.plan(now.after(before), Due::Effect(Box::new(effect)));
    }

    fn wire_is_cut(&self) -> bool {
        self.wire
            .cut_until
            .is_some_and(|until| self.world.now() < until)
    }

    /// An effect reaches the API server.
    fn land(&mut self, effect: Effect) {
        let dies = self.dies_now(&effect);
        if dies == Some(Dies::Before) {
            return self.die();
        }
        let outcome = self.land_as(&effect);
        if dies.is_some() {
            return self.die();
        }
        if !effect.answered {
            let input = Input::Answered {
                action: effect.id,
                outcome,
            };
            self.reply(effect.process, input);
        }
    }

    /// What comes of an effect, as its sender is told.
    fn land_as(&mut self, effect: &Effect) -> Outcome {
        let refused = |refusal| Outcome::Refused(refusal);
        let create = matches!(
            effect.action,
            Action::Create { .. } | Action::CreateClaim { .. }
        );
        if create
            && self
                .wire
                .namespace_ends
                .is_some_and(|until| self.world.now() < until)
        {
            return refused(Refusal::NamespaceGone);
        }
        match effect.fate {
            Some(Fate::RequestLost) => Outcome::Unclear(Failure::Unreachable),
            Some(Fate::ServerError(code)) => Outcome::Unclear(Failure::Server(code)),
            Some(Fate::Throttled(retry_after_ms)) => refused(Refusal::Throttled { retry_after_ms }),
            Some(Fate::Invalid) => refused(Refusal::Invalid("the story says so".into())),
            Some(Fate::Forbidden) => refused(Refusal::Forbidden("the story says so".into())),
            Some(Fate::QuotaRace) => refused(Refusal::QuotaRace),
            Some(Fate::Unauthorized) => refused(Refusal::Unauthorized),
            Some(Fate::ReplyLost) => {
                self.effect(effect);
                Outcome::Unclear(Failure::Unreachable)
            }
            Some(Fate::ServerErrorAfter(code)) => {
                self.effect(effect);
                Outcome::Unclear(Failure::Server(code))
            }
            Some(Fate::Twice(after)) if !effect.copy => {
                let copy = Effect {
                    process: effect.process,
                    id: effect.id,
                    action: effect.action.clone(),
                    why: effect.why,
                    request: effect.request.clone(),
                    fate: None,
                    answered: true,
                    copy: true,
                    owner: effect.owner.clone(),
                };
                let at = self.world.now().after(after);
                self.plan(at, Due::Effect(Box::new(copy)));
                self.effect(effect)
            }
            _ => self.effect(effect),
        }
    }

    /// It takes effect.
    fn effect(&mut self, effect: &Effect) -> Outcome {
        let fleet = self.setup.fleet.clone();
        let outcome = self.world.execute(&fleet, &effect.request);
        if matches!(outcome, Outcome::Done { .. }) {
            *self
                .report
                .effects
                .entry(crate::judge::executor::verb(&effect.action))
                .or_default() += 1;
            self.made(effect);
        }
        self.look(&Fact::Landed {
            process: effect.process,
            action: &effect.action,
            why: effect.why,
            outcome: &outcome,
            late: effect.copy || effect.answered,
        });
        self.tell_truth();
        outcome
    }

    /// What a create has made, to be looked at.
    fn made(&mut self, effect: &Effect) {
        let Request::Create { name, manifest: _ } = &effect.request else {
            return;
        };
        if let (Some(judge), Some(pod)) = (&mut self.judge, self.world.pod(name)) {
            judge.look(
                self.world.now(),
                &Fact::Made {
                    action: &effect.action,
                    metadata: &pod.metadata,
                    owner: effect.owner.as_deref(),
                },
            );
        }
    }

    pub(super) fn begin_listing(
        &mut self,
        process: u32,
        asked: Time,
        request: RequestId,
        all: bool,
        claims: bool,
    ) {
        let fate = self.fate(Verb::List);
        let (mut before, _) = self.delays(fate);
        before = Span(before.0 + self.lag().0);
        self.plan(
            self.world.now().after(before),
            Due::Listing {
                process,
                request,
                wish: ListWish { all, claims },
                asked,
                fate,
            },
        );
    }

    fn lag(&self) -> Span {
        let now = self.world.now();
        let lag = self.wire.lag.filter(|(_, until)| now < *until);
        lag.map_or(Span(0), |(by, _)| by)
    }

    fn read_listing(
        &mut self,
        process: u32,
        request: RequestId,
        wish: ListWish,
        asked: Time,
        fate: Option<Fate>,
    ) {
        let fleet = self.setup.fleet.clone();
        let cut = self.wire_is_cut();
        let mut outcome = match failure(fate) {
            _ if cut => Err(Failure::Unreachable),
            Some(failure) => Err(failure),
            None => self.world.listing(&fleet, wish),
        };
        let Some(index) = self.index(process) else {
            return;
        };
        let of = &mut self.processes[index];
        let incarnation = Some(of.controller.snapshot().incarnation());
        let first = of.listed_as != incarnation;
        if outcome.is_ok() {
            of.listed_as = incarnation;
        }
        if let Ok(listing) = &mut outcome {
            // Against a first listing that lies, nobody has anything to hold.
            if !first && let Some(behind) = self.wire.list_stale.take() {
                let then = self.world.revision().saturating_sub(u64::from(behind));
                if let Some(older) = self.world.listing_at(&fleet, wish, then) {
                    *listing = older;
                }
            }
            // Nor has a fleet that ends by what its last listing shows.
            let holds = !first && self.wished.shutdown.is_none();
            if holds && let Some(percent) = self.wire.list_partial.take() {
                let lacks = (listing.pods.len() * usize::from(percent)).div_ceil(100);
                let shown = listing.pods.len().saturating_sub(lacks);
                let lacking = listing.pods.split_off(shown);
                if let Some(judge) = &mut self.judge {
                    let names: Vec<Name> = lacking.into_iter().map(|pod| pod.name).collect();
                    judge.hide(&names);
                }
            }
        }
        self.reply(
            process,
            Input::Listed {
                request,
                started: asked,
                outcome,
            },
        );
    }

    pub(super) fn begin_watch(&mut self, process: u32, request: RequestId, from: Revision) {
        let fate = self.fate(Verb::Watch);
        let (before, _) = self.delays(fate);
        self.plan(
            self.world.now().after(before),
            Due::Watch {
                process,
                request,
                from,
                fate,
            },
        );
    }

    fn open_watch(&mut self, process: u32, request: RequestId, from: Revision, fate: Option<Fate>) {
        let fleet = self.setup.fleet.clone();
        let opened = match failure(fate) {
            _ if self.wire_is_cut() => Err(WatchEnd::Failed(Failure::Unreachable)),
            Some(failure) => Err(WatchEnd::Failed(failure)),
            None => self.world.watch_open(&fleet, from),
        };
        let Some(index) = self.index(process) else {
            return;
        };
        match opened {
            Ok(id) => {
                let last = self.world.now();
                let watching = Watching {
                    id,
                    last,
                    of_object: BTreeMap::new(),
                    barrier: Time(0),
                    shown: VecDeque::new(),
                };
                let before = self.processes[index].watches.insert(request, watching);
                debug_assert!(before.is_none(), "a request opens one watch");
                self.seen_signals = u64::MAX;
            }
            Err(end) => self.reply(
                process,
                Input::Watched {
                    request,
                    event: WatchEvent::Ended(end),
                },
            ),
        }
    }

    pub(super) fn close(&mut self, process: u32, request: RequestId) {
        let Some(index) = self.index(process) else {
            return;
        };
        if let Some(watching) = self.processes[index].watches.remove(&request) {
            self.world.watch_close(watching.id);
        }
        // A request that was not opened yet never is.
        self.agenda.retain(|_, due| match due {
            Due::Watch {
                process: of,
                request: which,
                ..
            }
            | Due::Listing {
                process: of,
                request: which,
                ..
            } => *of != process || *which != request,
            _ => true,
        });
    }

    /// Puts on its way what watches show by now.
    pub(super) fn show_watches(&mut self) {
        if self.seen_signals == self.world.signals() {
            return;
        }
        self.seen_signals = self.world.signals();
        let fleet = self.setup.fleet.clone();
        for index in 0..self.processes.len() {
            let open: Vec<RequestId> = self.processes[index].watches.keys().copied().collect();
            for request in open {
                while let Some(watching) = self.processes[index].watches.get(&request)
                    && let Some(event) = self.world.watch_poll(&fleet, watching.id)
                {
                    self.show(index, request, event);
                }
            }
        }
    }

    /// One event of a watch sets out.
    fn show(&mut self, index: usize, request: RequestId, event: WatchEvent) {
        let now = self.world.now();
        let open = |until: Time| now < until;
        let wire = &self.wire;
        let mut delay = WATCH_DELAY.0 + self.lag().0;
        if let Some((by, _)) = wire.watch_slow.filter(|(_, until)| open(*until)) {
            delay += by.0;
        }
        let shuffle = wire.watch_shuffle.filter(|(_, until)| open(*until));
        let coalesce = wire.watch_coalesce.is_some_and(open);
        if let Some((by, _)) = shuffle {
            delay += self.chance.u64(0..=by.0);
        }
        let process = self.processes[index].serial;
        let Some(watching) = self.processes[index].watches.get_mut(&request) else {
            return;
        };
        if self.wire.keeps_shown {
            watching.shown.push_back(event.clone());
            if watching.shown.len() > SHOWN {
                watching.shown.pop_front();
            }
        }
        let object: Option<Name> = match &event {
            WatchEvent::Seen(view) | WatchEvent::Left(view) => Some(view.name.clone()),
            _ => None,
        };
        let mut at = now.after(Span(delay));
        let over = matches!(event, WatchEvent::Ended(_));
        let mut merged = None;
        match &object {
            Some(name) if shuffle.is_some() || coalesce => {
                at = at.max(watching.barrier);
                if let Some((last, key)) = watching.of_object.get(name) {
                    at = at.max(*last);
                    if coalesce && *last > now && matches!(event, WatchEvent::Seen(_)) {
                        merged = Some((*last, *key));
                    }
                }
                if shuffle.is_none() {
                    at = at.max(watching.last);
                }
                watching
                    .of_object
                    .insert(name.clone(), (at, self.issued + 1));
            }
            // A bookmark, the end, and all that is in order, comes after all that came before.
            _ => {
                at = at.max(watching.last);
                watching.barrier = at;
                watching.of_object.clear();
            }
        }
        watching.last = watching.last.max(at);
        if over {
            self.processes[index].watches.remove(&request);
        }
        if let Some(key) = merged
            && matches!(
                self.agenda.get(&key),
                Some(Due::Input { input, .. }) if matches!(**input, Input::Watched { event: WatchEvent::Seen(_), .. })
            )
        {
            self.agenda.remove(&key);
        }
        let input = Box::new(Input::Watched { request, event });
        self.plan(at, Due::Input { process, input });
    }

    /// An older replica shows again what the newest process was shown before.
    pub(super) fn show_again(&mut self, back: u32) {
        let Some(process) = self.processes.last() else {
            return;
        };
        let serial = process.serial;
        let mut again = Vec::new();
        for (request, watching) in &process.watches {
            let skip = watching.shown.len().saturating_sub(back as usize);
            for event in watching.shown.iter().skip(skip) {
                if !matches!(event, WatchEvent::Ended(_)) {
                    again.push((*request, watching.last, event.clone()));
                }
            }
        }
        for (request, last, event) in again {
            let at = self.world.now().after(WATCH_DELAY).max(last);
            let input = Box::new(Input::Watched { request, event });
            self.plan(
                at,
                Due::Input {
                    process: serial,
                    input,
                },
            );
        }
    }

    pub(super) fn begin_lease(&mut self, serial: u32, wish: LeaseWish) {
        let Some(index) = self.index(serial) else {
            return;
        };
        if !self.setup.lease {
            return self.reply(serial, Input::Lease(always_ours(&wish)));
        }
        let now = self.world.now();
        let process = &mut self.processes[index];
        let (local, wall) = (process.local(now), process.wall(now));
        let step = process.keeper.begin(local, wall, wish);
        self.lease_step(serial, step);
    }

    fn lease_step(&mut self, process: u32, step: LeaseStep) {
        match step {
            LeaseStep::Say(news) => self.reply(process, Input::Lease(news)),
            LeaseStep::Ask(request) => {
                let fate = self.fate(Verb::Lease);
                let (before, _) = self.delays(fate);
                let at = self.world.now().after(before);
                self.plan(
                    at,
                    Due::Lease {
                        process,
                        request,
                        fate,
                    },
                );
            }
        }
    }

    fn land_lease(&mut self, process: u32, request: &LeaseRequest, fate: Option<Fate>) {
        let fleet = self.setup.fleet.clone();
        let took_effect = !matches!(
            fate,
            Some(
                Fate::RequestLost
                    | Fate::NotSent
                    | Fate::ServerError(_)
                    | Fate::Throttled(_)
                    | Fate::Unauthorized
                    | Fate::Forbidden
            )
        );
        let cut = self.wire_is_cut();
        let real = (took_effect && !cut).then(|| self.world.lease(&fleet, request));
        let answer = match (failure(fate), real) {
            (None, Some(answer)) => answer,
            (failed, _) => Err(LeaseError::Failed(failed.unwrap_or(Failure::Unreachable))),
        };
        let (_, after) = self.world.latency();
        let at = self.world.now().after(after);
        self.plan(at, Due::LeaseAnswer { process, answer });
    }

    pub(super) fn lease_answered(
        &mut self,
        serial: u32,
        answer: Result<Option<Lease>, LeaseError>,
    ) {
        let now = self.world.now();
        let Some(index) = self.index(serial) else {
            return;
        };
        let process = &mut self.processes[index];
        if process.stands_still.is_some() {
            process.lease_waiting = Some(answer);
            return;
        }
        let (local, wall) = (process.local(now), process.wall(now));
        let step = process.keeper.answered(local, wall, answer);
        self.lease_step(serial, step);
    }

    pub(super) fn fall_due(&mut self, due: Due) {
        match due {
            Due::Input { process, input } => self.handle(process, *input),
            Due::Says(input) => self.engine_says(*input),
            Due::Timer(token) => self.ask_engine(|engine, say| engine.timer(token, say)),
            Due::Effect(effect) => self.land(*effect),
            Due::Listing {
                process,
                request,
                wish,
                asked,
                fate,
            } => self.read_listing(process, request, wish, asked, fate),
            Due::Watch {
                process,
                request,
                from,
                fate,
            } => self.open_watch(process, request, from, fate),
            Due::Lease {
                process,
                request,
                fate,
            } => self.land_lease(process, &request, fate),
            Due::LeaseAnswer { process, answer } => self.lease_answered(process, answer),
            Due::GoOn(process) => self.go_on(process),
            Due::Start { elsewhere } => self.start_after_death(elsewhere),
            Due::Over(over) => self.over(over),
        }
    }

    /// What the engine says reaches the controller that it talks to; while there is none, nobody.
    fn engine_says(&mut self, input: Input) {
        match input {
            Input::Desired(change) => self.wish(change),
            input => {
                if let Some(serial) = self.processes.last().map(|process| process.serial) {
                    self.handle(serial, input);
                }
            }
        }
    }
}

/// What a request that can't be answered is answered with; None where it is answered after all.
fn failure(fate: Option<Fate>) -> Option<Failure> {
    Some(match fate? {
        Fate::ReplyLost | Fate::RequestLost | Fate::NotSent => Failure::Unreachable,
        Fate::ServerError(code) | Fate::ServerErrorAfter(code) => Failure::Server(code),
        Fate::Throttled(_) => Failure::Throttled,
        Fate::Unauthorized => Failure::Unauthorized,
        Fate::Forbidden => Failure::Forbidden,
        Fate::LandsLate(_) => Failure::TimedOut,
        Fate::Slow(_) | Fate::Twice(_) | Fate::Invalid | Fate::QuotaRace => return None,
    })
}
