//! One process on a page: its controller is played again, so that what it knew at each moment is known.

use super::{
    Limits,
    bounded::Bounded,
    marks::{self, Answered},
    model::{Process, Request},
    words,
};
use evenkeel_core::{
    ActionId, Controller, ExecutorId, Input, Output, RequestId, Time,
    flight::{Difference, Head, Replay, Step},
    input::{LeaseNews, WatchEvent},
};
use std::collections::BTreeMap;

/// What a request is answered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Action(ActionId),
    Listing(RequestId),
    Watch(RequestId),
    Lease,
}

/// A process.
pub struct Watched {
    number: u32,
    began: Time,
    pub died: Option<Time>,
    replay: Replay,
    led: Vec<(Time, Time)>,
    /// Since when it leads, and until when the lease is its own, by the page's clock.
    leads: Option<(Time, Time)>,
    /// Its lease, by its own clock.
    held_until: Time,
    open: BTreeMap<Key, (Option<ExecutorId>, Request)>,
}

impl Watched {
    pub fn new(number: u32, began: Time, head: Head) -> Self {
        Self {
            number,
            began,
            died: None,
            replay: Replay::new(head),
            led: Vec::new(),
            leads: None,
            held_until: Time::NEVER,
            open: BTreeMap::new(),
        }
    }

    pub fn controller(&self) -> &Controller {
        self.replay.controller()
    }

    pub fn is_acting(&self) -> bool {
        self.controller().snapshot().is_acting()
    }

    /// Whether it lives, and led when it was last heard of.
    pub fn leads_at(&self, at: Time) -> bool {
        self.died.is_none() && self.leads.is_some_and(|(_, until)| at <= until)
    }

    /// Plays a step.
    ///
    /// # Errors
    /// Something else comes out than the record says.
    pub fn play(&mut self, at: Time, step: &Step) -> Result<(), Difference> {
        let played = self.replay.step(step);
        if let Input::Lease(LeaseNews::Held { until, .. } | LeaseNews::Renewed { until }) =
            &step.input
        {
            self.held_until = *until;
        }
        self.note_leading(at, step.at);
        played
    }

    /// While it stands still nobody knows that its lease has run out; so that is noted ahead.
    fn note_leading(&mut self, at: Time, own: Time) {
        let until = at.after(self.held_until.since(own));
        self.leads = match (self.leads, self.is_acting()) {
            (Some((since, before)), true) if before >= at => Some((since, until)),
            (led, acts) => {
                self.led
                    .extend(led.map(|(since, before)| (since, before.min(at))));
                acts.then_some((at, until))
            }
        };
    }

    /// The effect that is answered by this step, before it is closed.
    pub fn answered(&self, step: &Step) -> Option<Answered<'_>> {
        let Input::Answered { action, .. } = &step.input else {
            return None;
        };
        let (executor, request) = self.open.get(&Key::Action(*action))?;
        Some(Answered {
            executor: *executor,
            what: &request.what,
            rule: request.rule,
        })
    }

    /// Closes the request that the step answers, and opens those that it asks for.
    pub fn note_requests(&mut self, at: Time, step: &Step, done: &mut Bounded<Request>) {
        match &step.input {
            Input::Answered { action, .. } => self.close(at, Key::Action(*action), done),
            Input::Listed { request, .. } => self.close(at, Key::Listing(*request), done),
            Input::Lease(_) => self.close(at, Key::Lease, done),
            Input::Watched {
                request,
                event: WatchEvent::Ended(_),
            } => self.close(at, Key::Watch(*request), done),
            _ => {}
        }
        for output in &step.outputs {
            let (key, executor) = match output {
                Output::Execute { id, action, .. } => (Key::Action(*id), action.executor()),
                Output::List { request, .. } => (Key::Listing(*request), None),
                Output::Watch { request, .. } => (Key::Watch(*request), None),
                Output::Lease(_) => (Key::Lease, None),
                Output::Close { request } => {
                    self.close(at, Key::Listing(*request), done);
                    self.close(at, Key::Watch(*request), done);
                    continue;
                }
                Output::Notice(_) | Output::Status(_) | Output::Finished => continue,
            };
            let request = Request {
                process: self.number,
                sent: at,
                until: None,
                what: match output {
                    Output::Execute { action, .. } => words::action(action),
                    output => words::output(output),
                },
                rule: marks::rule(output),
            };
            self.open.insert(key, (executor, request));
        }
    }

    fn close(&mut self, at: Time, key: Key, done: &mut Bounded<Request>) {
        if let Some((_, request)) = self.open.remove(&key) {
            done.push(
                at,
                Request {
                    until: Some(at),
                    ..request
                },
            );
        }
    }

    /// What is left of it at the end.
    pub fn finish(mut self, ends: Time, limits: &Limits) -> (Process, Vec<Request>) {
        let last = self.died.unwrap_or(ends);
        self.led
            .extend(self.leads.map(|(since, until)| (since, until.min(last))));
        self.led.truncate(limits.marks);
        let open = self.open.into_values().map(|(_, request)| Request {
            until: self.died,
            ..request
        });
        let process = Process {
            number: self.number,
            began: self.began,
            died: self.died,
            led: self.led,
        };
        (process, open.collect())
    }
}
