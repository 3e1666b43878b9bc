//! The controller is driven: it is given inputs, and what it says is done.

use super::{
    state::{MOST_AT_ONCE, State},
    wire::{Effect, Listed, Watch},
};
use crate::{judge::Fact, recorder::Step};
use evenkeel::core::{
    Input, Output, Revision, Time,
    config::EngineMode,
    flight,
    input::{LeaseNews, Memory, WatchEnd, WatchEvent},
    output::{Action, LeaseWish, Notice},
};
use std::collections::VecDeque;

impl State {
    /// Gives the controller an input, and does what it says; it is woken too, where it is time.
    pub(super) fn handle(&mut self, input: Input) {
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
                self.wire.send(Effect {
                    process,
                    id,
                    action,
                    why,
                    awaited: Some(id),
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
                if from < self.forgotten() {
                    let event = WatchEvent::Ended(WatchEnd::Expired);
                    return Some(Input::Watched { request, event });
                }
                // Whenever it is opened, it shows the same: what came after `from`.
                let events = self.wire.history.iter();
                let queue = events.filter(|event| event.revision() > Some(from));
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

    /// Up to here, the server has forgotten what changed: it is what no watch should ask for.
    fn forgotten(&self) -> Revision {
        let kept = self.wire.history.len() as u64;
        let newest = self.cluster.revision();
        newest
            .get()
            .checked_sub(kept)
            .and_then(Revision::new)
            .unwrap_or(newest)
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
}
