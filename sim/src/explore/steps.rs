//! What happens, one thing at a time: to what is under way, to the pods, and to the engine.

use super::{
    Choice, Order,
    cluster::{Now, Pod},
    state::{MOST_AT_ONCE, State},
    wire::{Answer, Next, Watch},
};
use crate::judge::Fact;
use evenkeel::core::{
    ActionId, Input,
    input::{
        DesiredChange, EngineReport, Failure, Listing, Outcome, Refusal, WatchEnd, WatchEvent,
    },
};

impl State {
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
                    effect.awaited = None;
                    let lost = Outcome::Unclear(Failure::TimedOut);
                    self.wire.answers.push(Answer::new(ActionId(id), lost));
                }
            }
            Choice::Refuse(process, id) => {
                if self.wire.take_effect(process, id).is_some() {
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
        self.forget();
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

    fn land(&mut self, process: u32, id: u64) {
        let Some(effect) = self.wire.take_effect(process, id) else {
            return;
        };
        let outcome = self.cluster.at(self.now).land(&effect.action);
        self.look(&Fact::Landed {
            process,
            action: &effect.action,
            why: effect.why,
            outcome: &outcome,
            late: effect.is_forgotten(),
        });
        self.tell_changes();
        if let Some(action) = effect.awaited {
            self.wire.answers.push(Answer::new(action, outcome));
        }
    }

    /// Something happens to the pods.
    fn in_cluster(&mut self, happens: impl FnOnce(&mut Now<'_>)) {
        happens(&mut self.cluster.at(self.now));
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
            if !there.is_some_and(Pod::runs) {
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
            pods: self.cluster.list(self.now, listing.all),
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
            self.wire.shown = self.wire.shown.max(event.revision());
            self.handle(Input::Watched { request, event });
        }
    }

    fn end_watch(&mut self, end: WatchEnd) {
        if let Some(watch) = self.wire.watch.take() {
            if end == WatchEnd::Expired {
                // No watch goes on from there.
                self.wire.shown = None;
            }
            let event = WatchEvent::Ended(end);
            self.handle(Input::Watched {
                request: watch.request,
                event,
            });
        }
    }
}
