//! Requests that go wrong: scripted by a test, or drawn from the weather.

use super::{
    api::Api,
    audit::{Kind, Verb},
    refusal,
    world::World,
};
use crate::api::answer::Refused;
use evenkeel_core::Name;

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is answered so, and has no effect.
    Answer(Refused),
    /// It takes effect, and is answered so none the less.
    AnswerAfterEffect(Refused),
    /// It takes effect, and the connection breaks before the answer.
    LostReply,
    /// The connection breaks after it was sent and before the server has it: no effect, and nobody can tell.
    LostRequest,
    /// No connection: certainly no effect.
    NotSent,
}

impl Fault {
    /// 500, without effect.
    #[must_use]
    pub fn internal_error() -> Self {
        Self::Answer(refusal::internal())
    }

    /// 503, without effect.
    #[must_use]
    pub fn unavailable() -> Self {
        Self::Answer(refusal::unavailable())
    }

    /// 429 with `Retry-After: 1`.
    #[must_use]
    pub fn throttled() -> Self {
        Self::throttled_for(1)
    }

    /// 429 with a `Retry-After` of so many seconds.
    #[must_use]
    pub fn throttled_for(seconds: u32) -> Self {
        Self::Answer(refusal::throttled(seconds))
    }

    /// 504, without effect.
    #[must_use]
    pub fn timeout() -> Self {
        Self::Answer(refusal::timeout())
    }

    /// 500 with reason `ServerTimeout`, without effect.
    #[must_use]
    pub fn server_timeout() -> Self {
        Self::Answer(refusal::server_timeout())
    }

    /// 409 `Conflict` on the quota of that name: what a create is answered where two API servers settle it at once.
    #[must_use]
    pub fn quota_race(quota: &str) -> Self {
        Self::Answer(refusal::quota_race(quota))
    }

    /// 400 with that message.
    #[must_use]
    pub fn bad_request(message: &str) -> Self {
        Self::Answer(refusal::bad_request(message.to_owned()))
    }

    /// 422 with that message.
    #[must_use]
    pub fn invalid(message: &str) -> Self {
        Self::Answer(refusal::unprocessable(message))
    }

    /// The same, but the request takes effect: its answer misleads. What has no answer stays as it is.
    #[must_use]
    pub fn after_effect(self) -> Self {
        match self {
            Self::Answer(refused) => Self::AnswerAfterEffect(refused),
            other => other,
        }
    }
}

/// Why a request has no answer, or a bad one.
#[derive(Clone, Debug)]
pub(super) enum Missed {
    Refused(Refused),
    Lost,
    NotSent,
}

impl World {
    /// The next request of that verb to that kind of object that a fleet sends goes wrong so. Several are taken in the
    /// order in which they were given. Requests made through [`World::api`] are not touched.
    pub fn fail_next(&mut self, kind: Kind, verb: Verb, fault: Fault) {
        let script = self.script.entry((kind, verb)).or_default();
        script.push_back(fault);
    }

    /// Takes the API server away from all fleets: open watches end, and no request is sent until it is back. It comes
    /// back as after [`restart_api_server`](Self::restart_api_server).
    pub fn set_reachable(&mut self, reachable: bool) {
        if self.gone == reachable {
            self.restart_api_server();
        }
        self.gone = !reachable;
    }

    /// What the weather or the script does to this request.
    fn fault(&mut self, kind: Kind, verb: Verb) -> Option<Fault> {
        if self.gone {
            return Some(Fault::NotSent);
        }
        let scripted = self.script.get_mut(&(kind, verb));
        if let Some(fault) = scripted.and_then(im::Vector::pop_front) {
            return Some(fault);
        }
        if let Some(fault) = self.standing_fault(kind, verb) {
            return Some(fault);
        }
        let chance = &mut self.chance.api;
        if !chance.percent(self.config.weather.api_errors.get()) {
            return None;
        }
        Some(match chance.below(7) {
            0 => Fault::internal_error(),
            1 => Fault::unavailable(),
            2 => Fault::throttled(),
            3 => Fault::AnswerAfterEffect(refusal::internal()),
            4 => Fault::LostReply,
            5 => Fault::LostRequest,
            _ => Fault::NotSent,
        })
    }

    /// Sends one request of a fleet through the weather.
    pub(super) fn send<T, E: Into<Refused>>(
        &mut self,
        who: &Name,
        (kind, verb, name): (Kind, Verb, &str),
        request: impl FnOnce(&mut Api<'_>) -> Result<T, E>,
    ) -> Result<T, Missed> {
        let fault = match self.fault(kind, verb) {
            None if self.denied.contains(&(kind, verb)) => {
                let namespace = &self.config.namespace;
                let refused = refusal::not_permitted(who, (kind, verb, name), namespace);
                Some(Fault::Answer(refused))
            }
            fault => fault,
        };
        let mut api = self.client(who.clone(), fault.is_none());
        match fault {
            None => request(&mut api).map_err(|refused| Missed::Refused(refused.into())),
            Some(Fault::Answer(refused)) => {
                let mut api = self.client(who.clone(), true);
                api.refuse(kind, verb, name, refused.clone());
                Err(Missed::Refused(refused))
            }
            Some(Fault::AnswerAfterEffect(refused)) => {
                discard(request(&mut api));
                Err(Missed::Refused(refused))
            }
            Some(Fault::LostReply) => {
                discard(request(&mut api));
                Err(Missed::Lost)
            }
            Some(Fault::LostRequest) => {
                self.count_call(who, verb);
                Err(Missed::Lost)
            }
            Some(Fault::NotSent) => Err(Missed::NotSent),
        }
    }
}

/// The answer that nobody got.
fn discard<T, E>(_answer: Result<T, E>) {}
