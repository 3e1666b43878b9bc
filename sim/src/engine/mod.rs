//! The engine's side of a life: who registers, reports and releases executors. Plug in your own to have it driven through
//! every fault that the simulator knows.

mod plain;

pub use plain::{Habits, Plain};

use crate::story::EngineFault;
use evenkeel::core::{
    Config, ExecutorId, Group, Input, Span, Status, Time,
    config::EngineMode,
    input::{DesiredChange, EngineReport, GroupWish},
    output::Notice,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What an engine does about what it hears. Times are the world's; everything is to follow from what it was told and
/// from [`Say::chance`], so that a life can be repeated.
///
/// An engine lives as long as the fleet: where its controller's process dies, the next controller is told everything
/// anew ([`restarted`](Engine::restarted)). What it says meanwhile reaches nobody.
pub trait Engine {
    /// An executor's process runs, and can reach the engine: it says who it is and of which group.
    fn connected(&mut self, executor: ExecutorId, group: &Group, say: &mut Say<'_>);

    /// An executor's process is gone.
    fn disconnected(&mut self, executor: ExecutorId, say: &mut Say<'_>);

    /// The controller tells it something.
    fn told(&mut self, notice: &Notice, say: &mut Say<'_>);

    /// The controller's status has changed.
    fn status(&mut self, status: &Arc<Status>, say: &mut Say<'_>);

    /// A timer that it set has run out.
    fn timer(&mut self, token: u64, say: &mut Say<'_>);

    /// It talks to a controller that has just been started, and that has been told what is wanted: what it knows of
    /// executors is its own to repeat.
    fn restarted(&mut self, say: &mut Say<'_>);

    /// It is to misbehave so. An engine that can't does nothing.
    fn misbehave(&mut self, _fault: EngineFault, _say: &mut Say<'_>) {}

    /// Faults are over: from now on it does as it should, and lets go what is more than it wants.
    fn calm(&mut self, say: &mut Say<'_>);
}

/// The engine that a fleet of that config has where nobody plugs in another: a plain one, or none.
#[must_use]
pub fn usual(habits: Habits, config: &Config) -> Box<dyn Engine> {
    match config.engine {
        EngineMode::None => Box::new(NoEngine),
        EngineMode::Registering => Box::new(Plain::new(habits, config.clone())),
    }
}

/// How an engine speaks, and what it may draw from.
pub struct Say<'a> {
    /// The world's clock.
    pub now: Time,
    /// All its chance.
    pub chance: &'a mut fastrand::Rng,
    /// What is wanted of each group; a group that is not there is not wanted at all.
    pub wanted: &'a BTreeMap<Group, GroupWish>,
    pub(crate) inputs: &'a mut Vec<(Span, Input)>,
    pub(crate) timers: &'a mut Vec<(Span, u64)>,
}

impl Say<'_> {
    /// Reports something of an executor, so long from now.
    pub fn report(&mut self, after: Span, report: EngineReport) {
        self.inputs.push((after, Input::Engine(report)));
    }

    /// Changes what it wants, so long from now. Targets are the simulator's own business.
    pub fn want(&mut self, after: Span, change: DesiredChange) {
        self.inputs.push((after, Input::Desired(change)));
    }

    /// Lets executors go (SHRINK-2).
    pub fn release(&mut self, after: Span, executors: BTreeSet<ExecutorId>) {
        self.want(
            after,
            DesiredChange {
                release: executors,
                ..DesiredChange::default()
            },
        );
    }

    /// Sets a timer; the token says which.
    pub fn wake(&mut self, after: Span, token: u64) {
        self.timers.push((after, token));
    }
}

/// There is no engine (`engine: none`): nobody registers.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoEngine;

impl Engine for NoEngine {
    fn connected(&mut self, _: ExecutorId, _: &Group, _: &mut Say<'_>) {}
    fn disconnected(&mut self, _: ExecutorId, _: &mut Say<'_>) {}
    fn told(&mut self, _: &Notice, _: &mut Say<'_>) {}
    fn status(&mut self, _: &Arc<Status>, _: &mut Say<'_>) {}
    fn timer(&mut self, _: u64, _: &mut Say<'_>) {}
    fn restarted(&mut self, _: &mut Say<'_>) {}
    fn calm(&mut self, _: &mut Say<'_>) {}
}
