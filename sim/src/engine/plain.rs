//! An engine like most: executors register a while after they run, and drain a while after they are asked to.

use super::{Engine, Say};
use crate::story::EngineFault;
use evenkeel::core::{
    Config, ExecutorId, Group, Span, Status, Time,
    config::{EngineMode, Shrink},
    input::EngineReport,
    output::Notice,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// How long a plain engine takes. What is drawn around a span is between half and one and a half of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Habits {
    /// From an executor's start to its registration.
    pub registers_after: Span,
    /// From the request to drain to its end.
    pub drains_after: Span,
    /// Whether executors are reported as idle once they have registered.
    pub idle: bool,
    /// Whether it lets go what is more than it wants, as soon as it hears of it.
    pub releases_excess: bool,
}

impl Habits {
    /// Quick and obliging.
    pub const PROMPT: Self = Self {
        registers_after: Span(1000),
        drains_after: Span(2000),
        idle: false,
        releases_excess: true,
    };
}

/// A plain engine.
#[derive(Clone, Debug)]
pub struct Plain {
    habits: Habits,
    config: Config,
    executors: BTreeMap<ExecutorId, Executor>,
    /// Which group an executor is of, as it says itself.
    groups: BTreeMap<ExecutorId, Group>,
    /// The newest status.
    heard: Option<Arc<Status>>,
    late: Option<(Span, Time)>,
    twice_until: Time,
    never_until: Time,
    deaf_until: Time,
    calm: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Executor {
    /// It runs, and is about to register.
    Starting,
    Registered,
    /// It runs, and does not register.
    Mute,
    /// It was refused, and is not spoken to any more.
    Refused,
}

/// How often it looks in calm whether there is more than it wants.
const LOOKS_EVERY: Span = Span::seconds(30);
/// The timer for that.
const LOOK_AGAIN: u64 = u64::MAX;

const REGISTER: u64 = 0;
const DRAINED: u64 = 1;

impl Plain {
    /// An engine with these habits, of a fleet with that config.
    #[must_use]
    pub fn new(habits: Habits, config: Config) -> Self {
        Self {
            habits,
            config,
            executors: BTreeMap::new(),
            groups: BTreeMap::new(),
            heard: None,
            late: None,
            twice_until: Time(0),
            never_until: Time(0),
            deaf_until: Time(0),
            calm: false,
        }
    }

    fn register_later(&mut self, executor: ExecutorId, say: &mut Say<'_>) {
        let mut wait = around(self.habits.registers_after, say);
        if let Some((by, until)) = self.late
            && say.now < until
        {
            wait = Span(wait.0 + by.0);
        }
        say.wake(wait, token(REGISTER, executor));
    }

    fn register(&mut self, executor: ExecutorId, say: &mut Say<'_>) {
        self.say_registered(executor, Span(1), say);
        if say.now < self.twice_until {
            let again = Span(say.chance.u64(1..20_000));
            say.report(again, EngineReport::Registered(executor));
        }
    }

    /// It has registered, and has no work yet.
    fn say_registered(&self, executor: ExecutorId, after: Span, say: &mut Say<'_>) {
        say.report(after, EngineReport::Registered(executor));
        if self.habits.idle {
            say.report(Span(after.0 + 1), EngineReport::Idle { executor, keep: 0 });
        }
    }
}

impl Plain {
    /// What it knows of executors is its own to repeat.
    fn repeat_registrations(&self, say: &mut Say<'_>) {
        let registered = self.executors.iter();
        let registered: Vec<ExecutorId> = registered
            .filter(|(_, state)| **state == Executor::Registered)
            .map(|(id, _)| *id)
            .collect();
        for executor in registered {
            let wait = Span(say.chance.u64(1..1000));
            self.say_registered(executor, wait, say);
        }
    }

    /// The controller lets go those of a group that are more than wanted, since it hears who is idle (SHRINK-2).
    fn shrinks_by_itself(&self, group: &Group) -> bool {
        self.habits.idle && matches!(self.config.group(group).shrink, Shrink::Idle { .. })
    }

    /// Lets go what is more than it wants, as far as it knows.
    fn release_excess(&mut self, say: &mut Say<'_>) {
        let obliging = self.calm || self.habits.releases_excess;
        let Some(status) = self.heard.as_ref().filter(|_| obliging) else {
            return;
        };
        if self.config.engine == EngineMode::None {
            return;
        }
        let mut release = BTreeSet::new();
        for (group, status) in &status.groups {
            let wanted = status.target + status.rolling;
            let excess = status.counting.saturating_sub(wanted) as usize;
            // That those of a group that is not wanted go is the controller's business (SHRINK-4).
            if excess == 0 || !say.wanted.contains_key(group) || self.shrinks_by_itself(group) {
                continue;
            }
            let registered = self.executors.iter().rev().filter(|(id, state)| {
                **state == Executor::Registered && self.groups.get(*id) == Some(group)
            });
            release.extend(registered.map(|(id, _)| *id).take(excess));
        }
        if !release.is_empty() {
            say.release(Span(1), release);
        }
    }
}

impl Engine for Plain {
    fn connected(&mut self, executor: ExecutorId, group: &Group, say: &mut Say<'_>) {
        if self.config.engine == EngineMode::None {
            return;
        }
        self.groups.insert(executor, group.clone());
        if say.now < self.never_until {
            self.executors.insert(executor, Executor::Mute);
            return;
        }
        self.executors.insert(executor, Executor::Starting);
        self.register_later(executor, say);
    }

    fn disconnected(&mut self, executor: ExecutorId, _say: &mut Say<'_>) {
        self.executors.remove(&executor);
        self.groups.remove(&executor);
    }

    fn told(&mut self, notice: &Notice, say: &mut Say<'_>) {
        match notice {
            Notice::Drain { executor, .. } if say.now >= self.deaf_until => {
                let wait = around(self.habits.drains_after, say);
                say.wake(wait, token(DRAINED, *executor));
            }
            Notice::Refuse { executor } => {
                self.executors.insert(*executor, Executor::Refused);
            }
            // A later controller has it after all: so does the engine.
            Notice::Started { executor, .. }
                if self.executors.get(executor) == Some(&Executor::Refused) =>
            {
                self.executors.insert(*executor, Executor::Starting);
                self.register_later(*executor, say);
            }
            _ => {}
        }
    }

    fn status(&mut self, status: &Arc<Status>, say: &mut Say<'_>) {
        self.heard = Some(Arc::clone(status));
        self.release_excess(say);
    }

    fn timer(&mut self, token: u64, say: &mut Say<'_>) {
        if token == LOOK_AGAIN {
            self.release_excess(say);
            return say.wake(LOOKS_EVERY, LOOK_AGAIN);
        }
        let (what, executor) = read(token);
        match what {
            REGISTER if self.executors.get(&executor) == Some(&Executor::Starting) => {
                self.executors.insert(executor, Executor::Registered);
                self.register(executor, say);
            }
            DRAINED => say.report(Span(1), EngineReport::Drained(executor)),
            _ => {}
        }
    }

    fn restarted(&mut self, say: &mut Say<'_>) {
        self.repeat_registrations(say);
    }

    fn misbehave(&mut self, fault: EngineFault, say: &mut Say<'_>) {
        match fault {
            EngineFault::Late { by, lasts } => self.late = Some((by, say.now.after(lasts))),
            EngineFault::Twice(lasts) => self.twice_until = say.now.after(lasts),
            EngineFault::Never(lasts) => self.never_until = say.now.after(lasts),
            EngineFault::DeafDrain(lasts) => self.deaf_until = say.now.after(lasts),
        }
    }

    fn calm(&mut self, say: &mut Say<'_>) {
        self.calm = true;
        self.late = None;
        self.twice_until = Time(0);
        self.never_until = Time(0);
        self.deaf_until = Time(0);
        let mute = self
            .executors
            .iter_mut()
            .filter(|(_, state)| **state == Executor::Mute);
        let mut starting = Vec::new();
        for (executor, state) in mute {
            *state = Executor::Starting;
            starting.push(*executor);
        }
        for executor in starting {
            self.register_later(executor, say);
        }
        self.repeat_registrations(say);
        say.wake(LOOKS_EVERY, LOOK_AGAIN);
    }
}

fn around(mean: Span, say: &mut Say<'_>) -> Span {
    Span(
        say.chance
            .u64(mean.0 / 2..=mean.0.saturating_add(mean.0 / 2)),
    )
}

/// What a timer is for: the kind in the lowest bit, the executor above.
fn token(what: u64, executor: ExecutorId) -> u64 {
    u64::from(executor) << 1 | what
}

fn read(token: u64) -> (u64, ExecutorId) {
    let packed = token >> 1;
    let executor = ExecutorId::new((packed >> 32) as u32, packed as u32);
    (token & 1, executor)
}
