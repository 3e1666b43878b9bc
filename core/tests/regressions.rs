//! Bugs that the laws or a close reading found, each as the smallest run that shows it.

mod common;

use common::{
    laws::Broken,
    moves::{Fate, Knobs, LeaseFate, Move, Nonsense, Step},
    play,
    run::Run,
    world::FLEET,
};
use evenkeel_core::{
    Controller, Input,
    input::{LeaseNews, Memory, Shutdown},
    output::Action,
    words::Time,
};

const PLAIN: Knobs = Knobs::PLAIN;

const LEASED: Knobs = Knobs {
    lease: true,
    ..PLAIN
};

/// A run whose creates are under way: so many, all in group `a`.
fn creating(knobs: Knobs, target: u64) -> Result<Run, Broken> {
    let mut run = Run::new(knobs);
    run.start()?;
    run.set_target(0, target)?;
    run.act(Move::Lease(LeaseFate::Honest))?;
    run.act(Move::DeliverListing)?;
    assert_eq!(run.effects.len() as u64, target);
    Ok(run)
}

#[track_caller]
fn keeps(result: Result<(), Broken>) {
    if let Err(broken) = result {
        panic!("{broken}");
    }
}

/// The stray was forgotten, and its pod ran on.
#[test]
fn a_stray_is_deleted_though_its_event_comes_twice() {
    keeps(play(
        PLAIN,
        &[
            Move::Pod(0, Step::LoseLabel),
            Move::Event,
            Move::RepeatEvent,
        ],
        None,
        true,
    ));
}

/// Only the first deadline was folded in: the drain never ended.
#[test]
fn two_deadlines_that_pass_at_once_both_count() -> Result<(), Broken> {
    let mut run = creating(PLAIN, 1)?;
    run.act(Move::Answer(0, Fate::LostUndone))?;
    // Registered, and accounted for by nothing: missing after 30 s. Drained: deleted after 5 min.
    run.act(Move::Register(0))?;
    run.act(Move::Release(0))?;
    run.act(Move::Sleep(400_000))?;
    run.act(Move::Wake)?;
    let deletes = run
        .effects
        .iter()
        .filter(|(_, effect)| matches!(effect.action, Action::Delete { .. }));
    assert_eq!(deletes.count(), 1);
    Ok(())
}

/// Both went out in one plan once a hold ended.
#[test]
fn a_victims_create_is_not_repeated_beside_its_delete() -> Result<(), Broken> {
    let mut run = creating(PLAIN, 2)?;
    run.act(Move::Answer(0, Fate::LostUndone))?;
    run.act(Move::Answer(0, Fate::Refused(2)))?;
    run.act(Move::Target(0, 0))?;
    run.act(Move::Sleep(3000))?;
    run.act(Move::Wake)?;
    assert_eq!(run.effects.len(), 1);
    assert!(matches!(run.effects[0].1.action, Action::Delete { .. }));
    Ok(())
}

/// The cap, which repeats do not ask, hid the moment of the next batch.
#[test]
fn repeats_under_a_full_cap_wake_for_the_next_batch() -> Result<(), Broken> {
    let knobs = Knobs {
        fixed_ramp: true,
        group_cap: Some(2),
        ..PLAIN
    };
    let mut run = creating(knobs, 2)?;
    run.act(Move::Answer(0, Fate::Refused(4)))?;
    run.act(Move::Answer(0, Fate::Refused(4)))?;
    run.act(Move::Sleep(1000))?;
    run.act(Move::Wake)?;
    let wake = run.controller.wake_at().map(|(at, _)| at);
    assert_eq!(wake, Some(Time(5000)));
    Ok(())
}

/// With the lease off nothing else ever woke it.
#[test]
fn a_first_listing_that_failed_is_asked_for_again() -> Result<(), Broken> {
    let mut run = Run::new(PLAIN);
    run.start()?;
    run.act(Move::Lease(LeaseFate::Honest))?;
    run.act(Move::FailListing)?;
    let wake = run.controller.wake_at().map(|(at, _)| at);
    assert_eq!(wake, Some(Time(1000)));
    Ok(())
}

/// The regular relist asked to be woken at a moment that had passed.
#[test]
fn a_relist_that_failed_does_not_spin() {
    let moves = [
        Move::Sleep(300_000),
        Move::Wake,
        Move::FailListing,
        Move::WakeAt,
    ];
    keeps(play(PLAIN, &moves, None, true));
}

/// It had begun to finish when another held the lease; the Take under way won it, and the pods were left behind.
#[test]
fn a_shutdown_that_wins_the_lease_after_all_leaves_nothing() {
    let moves = [
        Move::Sleep(30_000),
        Move::OtherTakesLease,
        Move::Remove(0),
        Move::Settle,
        Move::Sleep(5000),
    ];
    keeps(play(LEASED, &moves, Some(Shutdown::Delete), true));
}

/// It finished at once, and what an earlier incarnation had made was left behind.
#[test]
fn a_shutdown_before_the_lease_waits_for_it() -> Result<(), Broken> {
    let mut run = Run::new(LEASED);
    run.start()?;
    run.act(Move::Shutdown(Shutdown::Delete))?;
    run.act(Move::Lease(LeaseFate::LostUndone))?;
    assert!(!run.finished);
    run.converge()?;
    assert!(run.finished);
    Ok(())
}

/// With no engine a stray registration made it no victim for ever.
#[test]
fn with_no_engine_a_registration_spares_nobody() {
    let knobs = Knobs {
        no_engine: true,
        ..PLAIN
    };
    let moves = [
        Move::Pod(0, Step::Run),
        Move::Settle,
        Move::Register(0),
        Move::Target(0, 0),
    ];
    keeps(play(knobs, &moves, None, true));
}

/// Its last event had been seen alone; an older one brought it back.
#[test]
fn a_ghost_that_was_only_seen_going_stays_gone() {
    let moves = [
        Move::Pod(0, Step::Gone),
        Move::Settle,
        Move::Ghost(0),
        Move::Pod(0, Step::Deleted),
        Move::DropEvent,
        Move::DropEvent,
        Move::Event,
    ];
    keeps(play(PLAIN, &moves, None, true));
}

/// The next incarnation was one beyond what can be counted.
#[test]
fn the_last_incarnation_is_no_panic() {
    let last = Move::Nonsense(Nonsense::LeaseNumber(u32::MAX));
    keeps(play(LEASED, &[last, last, Move::WakeAt], None, false));
}

/// The age of a failure from before the start, at the end of time.
#[test]
fn a_failure_of_old_at_the_end_of_time_is_no_panic() {
    let mut controller = Controller::new(PLAIN.config(), FLEET.into());
    let memory = Memory {
        failures: vec![("a".into(), 5)],
        halted: false,
        ..Memory::default()
    };
    let held = LeaseNews::Held {
        incarnation: 1,
        until: Time::NEVER,
        memory,
    };
    controller.handle(Time(0), Input::Lease(held));
    controller.handle(Time::NEVER, Input::Wake);
    assert_eq!(controller.snapshot().now(), Time::NEVER);
}

/// The next renewal was a third of its span after the answer, and the lease had run out by then.
#[test]
fn a_slow_answer_to_a_renewal_does_not_let_the_lease_lapse() -> Result<(), Broken> {
    let mut run = creating(LEASED, 0)?;
    run.act(Move::WakeAt)?;
    run.act(Move::Sleep(9999))?;
    run.act(Move::Lease(LeaseFate::Honest))?;
    run.act(Move::Lease(LeaseFate::Honest))?;
    assert!(run.controller.snapshot().is_acting());
    run.act(Move::Sleep(4900))?;
    run.act(Move::Wake)?;
    assert!(run.controller.snapshot().is_acting());
    Ok(())
}
