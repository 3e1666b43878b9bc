//! Pages in a real browser: they draw themselves without an error, and do what keys and the mouse ask for.
//! `cargo test -p evenkeel-sim --test browser [-- CASE]`.
//!
//! Without Chromium the cases are skipped, and say so by name; with `CI` set they fail. `EVENKEEL_CHROMIUM` names one.

mod cases;
mod chromium;
mod files;

use libtest_mimic::{Arguments, Failed, Trial};
use std::path::Path;

type Case = fn(&Path);

const CASES: &[(&str, Case)] = &[
    ("a_story", cases::a_story),
    ("a_flight_record", cases::a_flight_record),
    ("light_and_dark", cases::light_and_dark),
    ("a_broken_invariant", cases::a_broken_invariant),
    ("markup_in_names", cases::markup_in_names),
    ("filters", cases::filters),
    ("zoom_and_pan", cases::zoom_and_pan),
    ("narrow", cases::narrow),
    ("accessible", cases::accessible),
    ("large", cases::large),
];

fn main() {
    let arguments = Arguments::from_args();
    let program = chromium::program();
    let required = std::env::var_os("CI").is_some();
    let trials = CASES.iter().map(|(name, case)| {
        let program = program.clone();
        let skipped = program.is_none() && !required;
        let trial = Trial::test(*name, move || match program {
            Some(program) => {
                case(&program);
                Ok(())
            }
            None => Err(Failed::from(
                "there is no Chromium: install the package chromium, or name one in EVENKEEL_CHROMIUM",
            )),
        });
        trial.with_ignored_flag(skipped)
    });
    if program.is_none() && !required {
        eprintln!("skipped, as there is no Chromium; CI requires it");
    }
    libtest_mimic::run(&arguments, trials.collect()).exit();
}
