//! One state of a small world: a controller, the cluster, and what is under way between them.

use super::{
    Order, Scope,
    canon::fingerprint,
    cluster::{Cluster, FLEET, LONGEST},
    wire::Wire,
};
use crate::{
    judge::{Fact, Judge, Rest, Violation, missing},
    recorder::Recorder,
};
use evenkeel::core::{
    Controller, ExecutorId, Group, Input, Revision, Span, Time,
    input::{DesiredChange, GroupWish, Memory},
};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

const GROUP: &str = "a";
/// So many inputs in a row are none that one event can need.
pub(super) const MOST_AT_ONCE: u32 = 100;

/// A state.
#[derive(Clone)]
pub(super) struct State {
    pub(super) scope: Arc<Scope>,
    pub now: Time,
    /// The process that lives: the how-manieth.
    pub(super) process: u32,
    pub(super) controller: Controller,
    pub(super) cluster: Cluster,
    pub(super) wire: Wire,
    pub(super) engine: Engine,
    /// What a controller left in the lease for the next, and when.
    pub(super) memory: (Time, Memory),
    pub(super) spent: Spent,
    pub(super) judge: Judge,
    /// What went in and came out, where somebody wants to know.
    pub(super) recorder: Option<Recorder>,
}

/// The listing that may come next.
#[derive(Serialize)]
struct Ahead {
    revision: Option<Revision>,
}

/// What was used up on the way to a state.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Spent {
    pub faults: u32,
    pub crashes: u32,
    pub creates: u32,
}

/// What the engine does.
#[derive(Clone, Default, Serialize)]
pub(super) struct Engine {
    /// How many of its wishes it has said.
    pub wishes: usize,
    /// Those that run and are known to it as registered.
    pub registered: BTreeSet<ExecutorId>,
    /// Those of whom it told the controller that lives.
    pub told: BTreeSet<ExecutorId>,
    pub draining: BTreeSet<ExecutorId>,
}

impl State {
    /// The first one: a controller has just started, and the engine has said what it wants.
    pub fn first(scope: Arc<Scope>, recorder: Option<Recorder>) -> Self {
        let config = scope.config();
        let judge = Judge::of_the_ledger(FLEET.into(), Arc::new(config.clone()));
        let mut state = Self {
            now: Time(0),
            process: 0,
            controller: Controller::new(config, FLEET.into()),
            cluster: Cluster::default(),
            wire: Wire::default(),
            engine: Engine {
                wishes: 1,
                ..Engine::default()
            },
            memory: (Time(0), Memory::default()),
            spent: Spent::default(),
            judge,
            recorder,
            scope,
        };
        state.start();
        state
    }

    /// What tells it from other states: what may follow is the same where this is.
    pub fn fingerprint(&self) -> u128 {
        // Whether what was seen last is of the next listing's very revision counts only where that may come late.
        let is_late = self.scope.order == Order::Free || self.spent.faults < self.scope.faults;
        let ahead = Ahead {
            revision: is_late.then(|| self.cluster.revision()),
        };
        let all = (
            ahead,
            &self.controller,
            self.judge.truth(),
            &self.cluster,
            &self.wire,
            &self.engine,
            &self.memory,
            &self.spent,
            self.process,
        );
        fingerprint(&all, self.now, LONGEST.0, &|revision| {
            self.cluster.owner(revision)
        })
    }

    /// The invariant that is broken.
    pub fn violation(&self) -> Option<&Violation> {
        self.judge.violation()
    }

    /// More pods were asked for on the way here than are looked at.
    pub fn is_beyond(&self) -> bool {
        self.spent.creates > self.scope.creates()
    }

    /// Nothing can go wrong any more.
    pub fn is_spent(&self) -> bool {
        self.spent.faults == self.scope.faults && self.spent.crashes == self.scope.crashes
    }

    /// What was kept.
    pub fn into_recorder(self) -> Recorder {
        self.recorder.unwrap_or_default()
    }

    /// A process starts; the engine says to it what it wants.
    fn start(&mut self) {
        self.process += 1;
        self.controller = Controller::new(self.controller.config().clone(), FLEET.into());
        if let Some(recorder) = &mut self.recorder {
            recorder.began(self.process, self.now);
        }
        self.look(&Fact::Began {
            process: self.process,
        });
        let whole = Some(self.wishes());
        self.handle(Input::Desired(DesiredChange {
            whole,
            ..DesiredChange::default()
        }));
    }

    pub(super) fn crash(&mut self) {
        self.spent.crashes += 1;
        if let Some(recorder) = &mut self.recorder {
            recorder.died(self.process, self.now);
        }
        self.look(&Fact::Died {
            process: self.process,
        });
        for effect in &mut self.wire.effects {
            effect.awaited = None;
        }
        let effects = std::mem::take(&mut self.wire.effects);
        self.wire = Wire {
            effects,
            ..Wire::default()
        };
        self.engine.told.clear();
        self.engine.draining.clear();
        self.start();
    }

    /// What the engine wants by now.
    pub(super) fn wishes(&self) -> BTreeMap<Group, GroupWish> {
        let target = self.scope.targets[self.engine.wishes - 1];
        let wish = GroupWish {
            target,
            maximum: None,
            template: 1,
        };
        BTreeMap::from([(GROUP.into(), wish)])
    }

    /// The ledger forgets who is over: not there, and with nothing under way that could show them.
    pub(super) fn forget(&mut self) {
        let (cluster, wire) = (&self.cluster, &self.wire);
        let is_there = |id| cluster.pods.contains_key(&id);
        let comes = |id| wire.executors().any(|other| other == id);
        self.judge.forget(|id| is_there(id) || comes(id));
    }

    pub(super) fn look(&mut self, fact: &Fact<'_>) {
        self.judge.look(self.now, fact);
    }

    /// What is not as it is wanted; None where all is.
    pub fn missing(&self) -> Option<String> {
        missing(self.judge.truth(), &self.rest(&BTreeSet::new()))
    }

    fn rest<'a>(&'a self, broken: &'a BTreeSet<Group>) -> Rest<'a> {
        Rest {
            process: self.process,
            controller: &self.controller,
            broken,
            lasted: Span(0),
            is_quiet: true,
        }
    }

    /// It is at rest: the judge looks at what is left.
    pub fn judge_rest(&mut self) {
        let mut judge = self.judge.clone();
        judge.rest(self.now, &self.rest(&BTreeSet::new()));
        self.judge = judge;
    }

    /// It does not come to rest.
    pub fn never_rests(&mut self, what: String) {
        self.judge.broken(self.now, "L1", what);
    }
}
