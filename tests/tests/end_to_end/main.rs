//! The built `evenkeel` command on a real control plane, case by case.
//! `cargo test -p evenkeel-tests --test end_to_end [-- CASE]`.
//!
//! `EVENKEEL_E2E_EXECUTORS=500` ramps up to 500 executors (200), `EVENKEEL_E2E_FULL=1` kills at ten moments (four).

mod ending;
mod faults;
mod growing;
mod killed;
mod nowhere;
mod records;
mod together;

use evenkeel_tests::{
    control_plane::skips,
    end_to_end::{Stage, binary},
};
use futures::future::LocalBoxFuture;
use libtest_mimic::{Arguments, Trial};
use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};
use tokio::{runtime::Runtime, sync::Mutex};

type Case = for<'a> fn(&'a mut Stage) -> LocalBoxFuture<'a, ()>;

const CASES: &[(&str, Case)] = &[
    ("ramp", |stage| Box::pin(growing::ramp(stage))),
    ("deleted_by_kubectl", |stage| {
        Box::pin(growing::deleted_by_kubectl(stage))
    }),
    ("outage_of_a_standing_fleet", |stage| {
        Box::pin(faults::outage_of_a_standing_fleet(stage))
    }),
    ("outage_in_a_ramp", |stage| {
        Box::pin(faults::outage_in_a_ramp(stage))
    }),
    ("killed_at_every_post", |stage| {
        Box::pin(killed::killed_at_every_post(stage))
    }),
    ("nothing_left_at_target_0", |stage| {
        Box::pin(ending::nothing_left_at_target_0(stage))
    }),
    ("nothing_left_after_sigterm", |stage| {
        Box::pin(ending::nothing_left_after_sigterm(stage))
    }),
    ("nothing_left_after_a_drain", |stage| {
        Box::pin(ending::nothing_left_after_a_drain(stage))
    }),
    ("a_second_ctrl_c", |stage| {
        Box::pin(ending::a_second_ctrl_c(stage))
    }),
    ("flight", |stage| Box::pin(records::flight(stage))),
    ("nowhere", |stage| Box::pin(nowhere::nowhere(stage))),
    ("two_at_once", |stage| {
        Box::pin(together::two_at_once(stage))
    }),
];

/// Whatever takes longer than this on a machine of two busy cores hangs.
const PATIENCE: Duration = Duration::from_secs(120);

fn main() {
    let mut arguments = Arguments::from_args();
    // They share one server, some stop it, and all look at the time.
    arguments.test_threads = Some(1);
    let missing = !arguments.list && skips("end_to_end");
    let runtime = Arc::new(Runtime::new().expect("a runtime"));
    let stage = (!missing && !arguments.list).then(|| {
        // Built before the clock runs.
        let _ = binary();
        Arc::new(Mutex::new(runtime.block_on(Stage::start())))
    });
    let trials = CASES.iter().map(|(name, case)| {
        let (runtime, stage) = (runtime.clone(), stage.clone());
        let trial = Trial::test(*name, move || {
            let stage = stage.expect("not run where there is no control plane");
            let mut stage = runtime.block_on(stage.lock());
            let run = || runtime.block_on(case(&mut stage));
            let failed = std::panic::catch_unwind(AssertUnwindSafe(run));
            // A case that failed midway may have left the server down.
            runtime.block_on(stage.plane.start_api_server());
            failed.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            Ok(())
        });
        trial.with_ignored_flag(missing)
    });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    // Before the process ends: exit runs no destructors.
    drop(stage);
    conclusion.exit();
}

/// Whether an environment variable is set, and to something.
fn set(name: &str) -> bool {
    std::env::var(name).is_ok_and(|value| !["", "0"].contains(&value.as_str()))
}
