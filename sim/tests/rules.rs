//! Each rule matters: with the rule left out, a scenario that names it fails.

use evenkeel::core::mutants::Mutant;
use evenkeel_sim::check;
use std::{
    fs,
    path::PathBuf,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// Each rule by its name, and the switch that leaves it out. LIVE-3 (owners) is not the core's: see the template's tests.
const RULES: [(&str, Mutant); 30] = [
    ("SEE-1", Mutant::See1),
    ("SEE-2", Mutant::See2),
    ("SEE-3", Mutant::See3),
    ("SEE-4", Mutant::See4),
    ("SEE-5", Mutant::See5),
    ("GROW-1", Mutant::Grow1),
    ("GROW-2", Mutant::Grow2),
    ("GROW-3", Mutant::Grow3),
    ("GROW-4", Mutant::Grow4),
    ("GROW-5", Mutant::Grow5),
    ("GROW-6", Mutant::Grow6),
    ("SHRINK-1", Mutant::Shrink1),
    ("SHRINK-2", Mutant::Shrink2),
    ("SHRINK-3", Mutant::Shrink3),
    ("SHRINK-4", Mutant::Shrink4),
    ("SHRINK-5", Mutant::Shrink5),
    ("END-1", Mutant::End1),
    ("END-2", Mutant::End2),
    ("END-3", Mutant::End3),
    ("END-4", Mutant::End4),
    ("FAIL-1", Mutant::Fail1),
    ("FAIL-2", Mutant::Fail2),
    ("FAIL-3", Mutant::Fail3),
    ("LIVE-1", Mutant::Live1),
    ("LIVE-2", Mutant::Live2),
    ("LIVE-4", Mutant::Live4),
    ("ROLL", Mutant::Roll),
    ("CLAIM", Mutant::Claim),
    ("SIZE", Mutant::Size),
    ("SPOT", Mutant::Spot),
];

/// Whether the file's `about` names the rule.
fn names(text: &str, rule: &str) -> bool {
    let about = text.lines().find_map(|line| line.strip_prefix("about:"));
    let mut words = about
        .unwrap_or_default()
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    words.any(|word| word == rule)
}

#[test]
fn a_rule_that_is_left_out_fails_a_scenario_that_names_it() {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/scenarios"));
    let files = check::files(&[folder]).expect("the folder has scenarios");
    let files: Vec<(PathBuf, String)> = files
        .into_iter()
        .map(|file| {
            let text = fs::read_to_string(&file).expect("it can be read");
            (file, text)
        })
        .collect();
    let (next, kept) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let play = || {
        while let Some((rule, mutant)) = RULES.get(next.fetch_add(1, Ordering::Relaxed)) {
            let about: Vec<&PathBuf> = files
                .iter()
                .filter(|(_, text)| names(text, rule))
                .map(|(file, _)| file)
                .collect();
            let fails = |file: &PathBuf| {
                let played = check::play_with(file, |config| config.mutant = Some(*mutant));
                played.is_ok_and(|played| played.failed.is_some())
            };
            if !about.iter().copied().any(fails) {
                kept.lock().expect("no panic").push(format!(
                    "{rule}: none of the {} scenarios that name it fails without it",
                    about.len()
                ));
            }
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(play))));
    let kept = kept.into_inner().expect("no panic");
    assert!(kept.is_empty(), "{}", kept.join("\n"));
}
