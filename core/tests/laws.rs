//! The laws of the design as properties over whole runs in a random world.

mod common;

use common::{moves, play};
use proptest::prelude::*;

/// So many runs, unless `PROPTEST_CASES` says otherwise.
fn cases(usual: u32) -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(usual);
    ProptestConfig {
        cases,
        max_shrink_iters: 3_000,
        max_shrink_time: 8_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases(120))]

    /// All laws, and convergence once the faults stop.
    #[test]
    fn a_fleet_in_bad_weather_keeps_the_laws_and_converges(
        knobs in moves::knobs(),
        moves in prop::collection::vec(moves::weather(), 1..120),
        shutdown in moves::shutdown(),
    ) {
        if let Err(broken) = play(knobs, &moves, shutdown, true) {
            return Err(TestCaseError::fail(broken.to_string()));
        }
    }

    /// All laws, whatever comes in.
    #[test]
    fn nonsense_breaks_no_law(
        knobs in moves::knobs(),
        moves in prop::collection::vec(
            prop_oneof![8 => moves::weather(), 1 => moves::nonsense()], 1..100),
        shutdown in moves::shutdown(),
    ) {
        if let Err(broken) = play(knobs, &moves, shutdown, false) {
            return Err(TestCaseError::fail(broken.to_string()));
        }
    }
}
