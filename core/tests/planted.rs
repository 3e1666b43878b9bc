//! Planted bugs are found: each makes the law fail that it was made to break.

mod common;

use common::{
    laws::Law,
    moves::{self, Knobs},
    play,
};
use evenkeel_core::mutants::Mutant;
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

/// Searches for a run that breaks that law, always the same runs.
fn finds(mutant: Option<Mutant>, law: Law, cases: u32, set: fn(&mut Knobs)) -> bool {
    let config = Config {
        cases,
        max_shrink_iters: 0,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let runs = (
        moves::knobs(),
        prop::collection::vec(moves::weather(), 1..80),
    );
    let found = TestRunner::new_with_rng(config, rng).run(&runs, |(mut knobs, moves)| {
        set(&mut knobs);
        knobs.mutant = mutant;
        match play(knobs, &moves, None, law == Law::Convergence) {
            Err(broken) if broken.law == law => Err(TestCaseError::fail(broken.to_string())),
            _ => Ok(()),
        }
    });
    found.is_err()
}

/// With the bug the law is broken; without it, in as many of the same runs, it holds.
fn breaks(mutant: Mutant, law: Law, set: fn(&mut Knobs)) {
    assert!(
        finds(Some(mutant), law, 400, set),
        "{mutant:?} keeps {law:?}"
    );
    assert!(
        !finds(None, law, 20, set),
        "{law:?} is broken without {mutant:?}"
    );
}

#[test]
fn settled() {
    breaks(Mutant::DrainNotFolded, Law::Settled, |knobs| {
        knobs.no_engine = false;
    });
}

#[test]
fn time() {
    breaks(Mutant::LateProtection, Law::Time, |knobs| {
        knobs.protection = 60;
    });
}

#[test]
fn order() {
    breaks(Mutant::FirstToRun, Law::Order, |_| {});
}

#[test]
fn again() {
    breaks(Mutant::ByArrival, Law::Again, |_| {});
}

#[test]
fn replay() {
    breaks(Mutant::OutsideJitter, Law::Replay, |knobs| {
        knobs.jitter = true
    });
}

#[test]
fn indices() {
    breaks(Mutant::StaleVictims, Law::Indices, |_| {});
}

#[test]
fn once() {
    breaks(Mutant::LostAgain, Law::Once, |_| {});
}

#[test]
fn led() {
    breaks(Mutant::NoMargin, Law::Led, |knobs| knobs.lease = true);
}

#[test]
fn target() {
    breaks(Mutant::OneTooMany, Law::Target, |_| {});
}

#[test]
fn convergence() {
    breaks(Mutant::NeverAgain, Law::Convergence, |knobs| {
        knobs.max_failures = None;
    });
}
