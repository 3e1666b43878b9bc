//! Judges: the invariants of a fleet, each in a room of its own, looked at from outside: by what is true in the cluster
//! and by what controllers were told and say, never by what they believe.

pub mod executor;
mod fact;
pub mod known;
mod l1;
mod l2;
mod l4;
mod o1;
mod s1;
mod s10;
mod s11;
mod s12;
mod s13;
mod s2;
mod s3;
mod s4;
mod s5;
mod s6;
mod s7;
mod s8;
mod s9;
pub mod truth;

pub use fact::{About, Fact};
pub use l1::missing;
pub use truth::Truth;

use evenkeel::core::{Config, Controller, ExecutorId, Group, Input, Name, Span, Time};
use std::{collections::BTreeSet, sync::Arc};

/// The UID of an owner that a webhook of the story's gives to pods: not one of ours.
pub(crate) const SECOND_OWNER: &str = "second";

/// What a checker finds: nothing, or in words what is wrong.
pub type Result = std::result::Result<(), String>;

/// An invariant that is broken.
fn violated(what: String) -> Result {
    Err(what)
}

/// How things stand when a fleet should have come to rest.
#[derive(Debug)]
pub struct Rest<'a> {
    /// The controller that runs.
    pub process: u32,
    /// That controller.
    pub controller: &'a Controller,
    /// Groups whose pods can never start.
    pub broken: &'a BTreeSet<Group>,
    /// How long it has been at rest.
    pub lasted: Span,
    /// Nothing is to be done any more: no executor is replaced for its age.
    pub is_quiet: bool,
}

/// One invariant.
pub trait Checker: dyn_clone::DynClone + Send {
    /// Its name, as `S1`.
    fn name(&self) -> &'static str;

    /// The kinds of facts that it looks at.
    fn about(&self) -> &'static [About];

    /// Looks at a fact. `truth` is as it was right before.
    ///
    /// # Errors
    /// The invariant is broken; how, in words.
    fn look(&mut self, fact: &Fact<'_>, truth: &Truth) -> Result;

    /// Whether it keeps more than the ledger has from one input to the next.
    fn remembers(&self) -> bool {
        false
    }

    /// The fleet seems to have come to rest: from here on it is watched.
    fn before_rest(&mut self) {}

    /// It has been at rest for a while, or has not come to rest in time.
    ///
    /// # Errors
    /// As [`look`](Self::look).
    fn rest(&mut self, _truth: &Truth, _rest: &Rest<'_>) -> Result {
        Ok(())
    }
}

dyn_clone::clone_trait_object!(Checker);

/// A broken invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub invariant: &'static str,
    /// When, by the world's clock.
    pub at: Time,
    /// How, in words.
    pub what: String,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            invariant,
            at,
            what,
        } = self;
        write!(f, "{invariant} is broken at {} ms: {what}", at.0)
    }
}

/// All checkers, and the ledger that they share.
#[derive(Clone)]
pub struct Judge {
    truth: Truth,
    checkers: Vec<Box<dyn Checker>>,
    /// For each kind of fact, who looks at it.
    interested: [Vec<usize>; About::COUNT],
    s12: s12::S12,
    violation: Option<Violation>,
}

impl Judge {
    /// A judge with every invariant.
    #[must_use]
    pub fn new(fleet: Name, config: Arc<Config>) -> Self {
        Self::with(fleet, config, every_checker())
    }

    /// A judge with those invariants that need nothing but the ledger: what it thinks of what happens next depends on
    /// nothing else.
    #[must_use]
    pub fn of_the_ledger(fleet: Name, config: Arc<Config>) -> Self {
        let mut checkers = every_checker();
        checkers.retain(|checker| !checker.remembers());
        Self::with(fleet, config, checkers)
    }

    /// A judge with these checkers, and S12.
    #[must_use]
    pub fn with(fleet: Name, config: Arc<Config>, checkers: Vec<Box<dyn Checker>>) -> Self {
        let mut interested: [Vec<usize>; About::COUNT] = Default::default();
        for (which, checker) in checkers.iter().enumerate() {
            for about in checker.about() {
                interested[*about as usize].push(which);
            }
        }
        Self {
            truth: Truth::new(fleet, config),
            checkers,
            interested,
            s12: s12::S12::default(),
            violation: None,
        }
    }

    /// Claims were deleted.
    pub fn claims_lost(&mut self) {
        self.truth.claims_lost = true;
    }

    /// A listing lacks these pods, and should not: who reads it can't know better.
    pub fn hide(&mut self, names: &[Name]) {
        self.truth.hide(names);
    }

    /// Whether that shows a controller what is older than what it was shown before.
    #[must_use]
    pub fn is_old(&self, process: u32, input: &Input) -> bool {
        s13::is_old(&self.truth, process, input)
    }

    /// The ledger.
    #[must_use]
    pub fn truth(&self) -> &Truth {
        &self.truth
    }

    /// Of executors that are over, only what can count still is kept in the ledger. `comes`: whether something may be
    /// seen yet of one.
    pub fn forget(&mut self, comes: impl Fn(ExecutorId) -> bool) {
        for known in self.truth.processes.values_mut() {
            known.forget(&comes);
        }
    }

    /// The first broken invariant.
    #[must_use]
    pub fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    /// Looks at a fact, then takes it in.
    pub fn look(&mut self, now: Time, fact: &Fact<'_>) {
        self.truth.now = now;
        if self.violation.is_none() {
            for which in &self.interested[fact.about() as usize] {
                let checker = &mut self.checkers[*which];
                if let Err(what) = checker.look(fact, &self.truth) {
                    let invariant = checker.name();
                    self.violation = Some(Violation {
                        invariant,
                        at: now,
                        what,
                    });
                    break;
                }
            }
            if let Err(what) = self.s12.look(fact, &self.truth) {
                self.broken(now, "S12", what);
            }
        }
        self.truth.note(fact);
    }

    /// Right before an input is given: now and then a copy of the controller is asked what it would do.
    pub fn before(&mut self, process: u32, controller: &Controller, at: Time, input: &Input) {
        if self.s12.is_due() {
            self.s12.ask(process, controller.clone(), at, input.clone());
        }
    }

    /// The fleet seems to have come to rest.
    pub fn before_rest(&mut self) {
        for checker in &mut self.checkers {
            checker.before_rest();
        }
    }

    /// The fleet has been at rest for a while, or should have been.
    pub fn rest(&mut self, now: Time, rest: &Rest<'_>) {
        self.truth.now = now;
        for checker in &mut self.checkers {
            if self.violation.is_none()
                && let Err(what) = checker.rest(&self.truth, rest)
            {
                let invariant = checker.name();
                self.violation = Some(Violation {
                    invariant,
                    at: now,
                    what,
                });
            }
        }
    }

    /// Notes a broken invariant that was found elsewhere, if it is the first.
    pub fn broken(&mut self, at: Time, invariant: &'static str, what: String) {
        self.violation.get_or_insert(Violation {
            invariant,
            at,
            what,
        });
    }
}

fn every_checker() -> Vec<Box<dyn Checker>> {
    vec![
        Box::<s1::S1>::default(),
        Box::<s2::S2>::default(),
        Box::<s3::S3>::default(),
        Box::<s4::S4>::default(),
        Box::<s5::S5>::default(),
        Box::<s6::S6>::default(),
        Box::<s7::S7>::default(),
        Box::<s8::S8>::default(),
        Box::<s9::S9>::default(),
        Box::<s10::S10>::default(),
        Box::<s11::S11>::default(),
        Box::<s13::S13>::default(),
        Box::<l1::L1>::default(),
        Box::<l2::L2>::default(),
        Box::<l4::L4>::default(),
        Box::<o1::O1>::default(),
    ]
}

impl std::fmt::Debug for Judge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Judge")
            .field("truth", &self.truth)
            .field("violation", &self.violation)
            .finish_non_exhaustive()
    }
}
