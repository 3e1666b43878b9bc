//! What may happen next in a state, and in which order it does where all goes well.

use super::{Choice, Order, state::State};
use evenkeel::core::{ExecutorId, Time, config::EngineMode, input::Phase, plan::WakeReason};

impl State {
    /// All that may happen next.
    pub fn choices(&self) -> Vec<Choice> {
        let mut all = self.orderly();
        let is_prompt = all.iter().any(|choice| choice.is_prompt());
        if is_prompt {
            // Time passes only where nothing else is about to happen, or as a fault.
            all.retain(|choice| *choice != Choice::Wait);
        }
        // What nobody waits for may land at any time, or never.
        let effects = self.wire.effects.iter();
        let forgotten = effects.filter(|effect| {
            let pod = effect.action.executor();
            effect.is_forgotten() && !pod.is_some_and(|pod| self.is_out_of_sight(pod))
        });
        all.extend(forgotten.map(|effect| Choice::Land(effect.process, effect.id.0)));
        if self.spent.crashes < self.scope.crashes {
            all.push(Choice::Crash);
        }
        let watch = self.wire.watch.as_ref();
        if watch.is_some_and(|watch| watch.next.is_some()) {
            // That it is the next event which is lost or late is only said right before that comes.
            all.retain(|choice| choice.may_show());
            return all;
        }
        if self.spent.faults < self.scope.faults {
            self.faults(is_prompt, &mut all);
        }
        all
    }

    /// What happens next where all goes well.
    pub fn next_in_order(&self) -> Option<Choice> {
        self.orderly().into_iter().next()
    }

    /// What becomes of that pod now can as well become of it once the controller has seen what is on its way to it: nothing
    /// under way could tell the difference. Of two orders that come to the same, only one is gone through.
    fn can_wait(&self, pod: ExecutorId) -> bool {
        if self.is_out_of_sight(pod) {
            return true;
        }
        let wire = &self.wire;
        let watch = wire.watch.as_ref();
        let to_see = watch.is_some_and(|watch| !watch.queue.is_empty());
        let mut effects = wire.effects.iter();
        to_see && !wire.is_to_read() && !effects.any(|effect| effect.action.executor() == Some(pod))
    }

    /// A watch that was closed is about to be opened again, and nothing that somebody waits for is on its way to that pod:
    /// what happens to it now can as well happen once it would be seen, one after the other, by a pod that is a second
    /// older.
    fn is_out_of_sight(&self, pod: ExecutorId) -> bool {
        let wire = &self.wire;
        let blind = wire.watch.is_none() && wire.listing.is_none();
        let resumes = || {
            let wake = self.controller.wake_at();
            wake.is_some_and(|(_, why)| why == WakeReason::WatchResume)
        };
        let mut awaited = wire.awaited();
        blind && resumes() && !awaited.any(|effect| effect.action.executor() == Some(pod))
    }

    /// What may happen without a fault, in the order in which it does where all goes well.
    fn orderly(&self) -> Vec<Choice> {
        let mut all = Vec::new();
        let wire = &self.wire;
        all.extend(
            wire.awaited()
                .map(|effect| Choice::Land(effect.process, effect.id.0)),
        );
        all.extend(
            wire.answers
                .iter()
                .map(|answer| Choice::Answer(answer.action.0)),
        );
        if wire.listing.is_some() {
            all.push(match wire.is_to_read() {
                true => Choice::Read,
                false => Choice::List,
            });
        }
        if let Some(watch) = &wire.watch {
            all.extend(watch.has_next().then_some(Choice::Event));
            all.extend(watch.late.as_ref().map(|_| Choice::LateEvent));
        }
        for (id, pod) in &self.cluster.pods {
            if self.can_wait(*id) {
                continue;
            }
            if pod.is_deleted() {
                all.push(Choice::End(*id));
            } else if pod.phase() == Phase::Pending && !pod.stuck {
                all.push(Choice::Start(*id));
            }
        }
        let registers = |id: &&ExecutorId| !self.engine.told.contains(id);
        if self.scope.engine == EngineMode::Registering {
            let running = self.cluster.pods.iter().filter(|(_, pod)| pod.runs());
            let running = running.map(|(id, _)| id);
            all.extend(running.filter(registers).map(|id| Choice::Register(*id)));
            let draining = self.engine.draining.iter();
            all.extend(draining.map(|id| Choice::Drain(*id)));
        }
        if self.engine.wishes < self.scope.targets.len() {
            all.push(Choice::Wish);
        }
        if self.waits() {
            all.push(Choice::Wait);
        }
        all
    }

    /// The controller wants to be woken some time.
    fn waits(&self) -> bool {
        let wake = self.controller.wake_at();
        wake.is_some_and(|(at, _)| at > self.now && at < Time::NEVER)
    }

    /// What may go wrong.
    fn faults(&self, is_prompt: bool, all: &mut Vec<Choice>) {
        let wire = &self.wire;
        // The shell owes each effect an answer within moments.
        let owes = !wire.answers.is_empty() || wire.awaited().next().is_some();
        // That a pod takes its time is a fault of its own.
        let starts = all.iter().any(|choice| matches!(choice, Choice::Start(_)));
        if is_prompt && !owes && !starts && self.waits() {
            all.push(Choice::Delay);
        }
        for effect in wire.awaited() {
            if self.scope.order == Order::Prompt {
                all.push(Choice::LandSlowly(effect.process, effect.id.0));
            }
            all.push(Choice::Unclear(effect.process, effect.id.0));
            all.push(Choice::Refuse(effect.process, effect.id.0));
        }
        if wire.is_to_read() {
            all.push(Choice::FailListing);
            if self.scope.order == Order::Prompt {
                all.push(Choice::ReadSlowly);
            }
        }
        if let Some(watch) = &wire.watch {
            all.push(Choice::Expire);
            all.push(Choice::Close);
            if !watch.queue.is_empty() || self.scope.order == Order::Prompt {
                all.push(Choice::Lose);
                if watch.late.is_none() {
                    all.push(Choice::Hold);
                }
            }
        }
        for (id, pod) in &self.cluster.pods {
            if pod.is_deleted() || self.can_wait(*id) {
                continue;
            }
            all.push(Choice::Stranger(*id));
            if pod.runs() {
                all.push(Choice::Fail(*id));
            } else if pod.phase() == Phase::Pending && !pod.stuck {
                all.push(Choice::Stick(*id));
            }
        }
    }
}
