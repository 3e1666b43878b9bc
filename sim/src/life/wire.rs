//! What is under way between a controller's process and the cluster, and how it goes wrong there.

use super::{Life, strike::Dies};
use crate::{
    judge::Fact,
    story::{Fate, Verb},
};
use evenkeel::{
    core::{
        ActionId, Input, RequestId, Revision, Span, Time,
        input::{Failure, Outcome, Refusal},
        output::{Action, LeaseWish, Why},
    },
    port::{Lease, LeaseError, LeaseRequest, ListWish, Request},
    shell::{LeaseStep, always_ours},
};
use std::collections::VecDeque;

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
    pub(super) fn fate(&mut self, verb: Verb) -> Option<Fate> {
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
    pub(super) fn delays(&mut self, fate: Option<Fate>) -> (Span, Span) {
        let (before, after) = self.world.latency();
        match fate {
            Some(Fate::LandsLate(by) | Fate::Slow(by)) => (Span(before.0 + by.0), after),
            _ => (before, after),
        }
    }

    /// The answer is on its way.
    pub(super) fn reply(&mut self, process: u32, input: Input) {
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

    pub(super) fn wire_is_cut(&self) -> bool {
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
pub(super) fn failure(fate: Option<Fate>) -> Option<Failure> {
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
