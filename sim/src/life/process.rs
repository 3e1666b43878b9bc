//! One controller's process: its clock, its lease, its watches, and how it starts and dies.

use super::{Life, wire::Due};
use crate::judge::Fact;
use evenkeel::{
    core::{
        Controller, Input, RequestId, Span, Time,
        input::{DesiredChange, WatchEvent},
    },
    fake::{WatchId, World},
    port::{Lease, LeaseError},
    shell::{Identity, LeaseKeeper},
};
use jiff::Timestamp;
use std::collections::{BTreeMap, VecDeque};

/// A process that lives.
pub(super) struct Process {
    /// Its number, from 1.
    pub serial: u32,
    pub controller: Controller,
    /// When it was started: its clock begins there.
    pub started: Time,
    pub keeper: LeaseKeeper,
    pub watches: BTreeMap<RequestId, Watching>,
    /// Until when it stands still.
    pub stands_still: Option<Time>,
    /// What came while it stood still.
    pub waiting: Vec<Input>,
    /// An answer about the lease that came while it stood still.
    pub lease_waiting: Option<Result<Option<Lease>, LeaseError>>,
    /// How far its wall clock is off, in milliseconds.
    pub wall_off: i64,
    /// The incarnation in which it was last given a listing.
    pub listed_as: Option<u32>,
}

/// An open watch.
pub(super) struct Watching {
    pub id: WatchId,
    /// Until when its last event is under way: order is kept.
    pub last: Time,
    /// Until when the last event of each object is under way, where only their order is kept.
    pub of_object: BTreeMap<evenkeel::core::Name, (Time, u64)>,
    /// Until when a bookmark is under way, or an event that kept the order of all: nothing overtakes those.
    pub barrier: Time,
    /// What it showed last.
    pub shown: VecDeque<WatchEvent>,
}

impl Process {
    /// Its own time.
    pub fn local(&self, now: Time) -> Time {
        Time(now.since(self.started).0)
    }

    /// When it is to be woken, by the world's clock.
    pub fn wakes_at(&self) -> Option<Time> {
        if self.stands_still.is_some() {
            return None;
        }
        let (at, _) = self.controller.wake_at()?;
        (at != Time::NEVER).then(|| self.started.after(Span(at.0)))
    }

    /// Its wall clock.
    pub fn wall(&self, now: Time) -> Timestamp {
        let right = World::wall(now).as_millisecond();
        Timestamp::from_millisecond(right.saturating_add(self.wall_off)).unwrap_or(Timestamp::MAX)
    }
}

impl Life {
    /// Starts a process, to which the engine talks from now on. `elsewhere`: in another pod, so that it can't tell
    /// whether those before it are dead.
    pub(super) fn start_process(&mut self, elsewhere: bool) {
        self.started += 1;
        let serial = self.started;
        if elsewhere {
            self.wire.pods += 1;
        }
        let pod = format!("driver-{}", self.wire.pods);
        let now = self.world.now();
        let process = Process {
            serial,
            controller: Controller::new(self.setup.config.clone(), self.setup.fleet.clone()),
            started: now,
            keeper: LeaseKeeper::new(
                Identity::made_up(&pod, serial),
                self.setup.config.living.lease_duration,
            ),
            watches: BTreeMap::new(),
            stands_still: None,
            waiting: Vec::new(),
            lease_waiting: None,
            wall_off: 0,
            listed_as: None,
        };
        self.processes.push(process);
        self.report.controllers += 1;
        if let Some(recorder) = &mut self.recorder {
            recorder.began(serial, now);
        }
        self.look(&Fact::Began { process: serial });
        self.introduce(serial);
    }

    /// The process that the engine talks to dies. What it had sent is under way still.
    pub(super) fn kill_newest(&mut self) {
        if let Some(process) = self.processes.pop() {
            self.bury(&process);
        }
        // Where an older one lives on, the engine talks to that again.
        if let Some(serial) = self.processes.last().map(|process| process.serial) {
            self.introduce(serial);
        }
    }

    /// A process that has finished exits, while a newer one lives on.
    pub(super) fn exit(&mut self, serial: u32) {
        let place = self.processes.iter().position(|it| it.serial == serial);
        if let Some(place) = place {
            let process = self.processes.remove(place);
            self.bury(&process);
        }
    }

    /// The engine begins to talk to that process: it says what it wants, and repeats what it knows.
    fn introduce(&mut self, serial: u32) {
        let now = self.world.now();
        if let Some((by, _)) = self.wire.speaks_late.filter(|(_, until)| now < *until) {
            let over = super::strike::Over::Silence(serial);
            return self.plan(now.after(by), super::wire::Due::Over(over));
        }
        self.speak_to(serial);
    }

    pub(super) fn speak_to(&mut self, serial: u32) {
        let whole = DesiredChange {
            whole: Some(self.wished.groups.clone()),
            suspend: Some(self.wished.suspended),
            shutdown: self.wished.shutdown,
            ..DesiredChange::default()
        };
        self.handle(serial, Input::Desired(whole));
        if serial > 1 {
            self.ask_engine(|engine, say| engine.restarted(say));
        }
    }

    pub(super) fn bury(&mut self, process: &Process) {
        let serial = process.serial;
        for watching in process.watches.values() {
            self.world.watch_close(watching.id);
        }
        self.agenda.retain(|_, due| due.outlives(serial));
        self.look(&Fact::Died { process: serial });
        let now = self.world.now();
        if let Some(recorder) = &mut self.recorder {
            recorder.died(serial, now);
        }
    }

    /// The newest process stands still until then.
    pub(super) fn stand_still(&mut self, lasts: Span) {
        let until = self.world.now().after(lasts);
        let Some(process) = self.processes.last_mut() else {
            return;
        };
        let first = process.stands_still.is_none();
        process.stands_still = process.stands_still.max(Some(until));
        let serial = process.serial;
        if first {
            self.plan(until, Due::GoOn(serial));
        }
    }

    /// A process that stood still goes on: what came meanwhile is there at once.
    pub(super) fn go_on(&mut self, serial: u32) {
        let now = self.world.now();
        let Some(index) = self.index(serial) else {
            return;
        };
        let process = &mut self.processes[index];
        if let Some(until) = process.stands_still.filter(|until| *until > now) {
            return self.plan(until, Due::GoOn(serial));
        }
        process.stands_still = None;
        let lease = process.lease_waiting.take();
        for input in std::mem::take(&mut process.waiting) {
            self.handle(serial, input);
        }
        if let Some(answer) = lease {
            self.lease_answered(serial, answer);
        }
    }
}
