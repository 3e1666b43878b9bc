//! All scenarios of the project hold.

use evenkeel_sim::check;
use std::{
    path::PathBuf,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// More than so many need not be told: what breaks them all is one thing.
const MOST_TOLD: usize = 20;

/// The project's scenarios.
fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/scenarios"))
}

#[test]
fn every_scenario_of_the_project_holds() {
    let files = check::files(&[folder()]).expect("the folder has scenarios");
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let told = || wrong.lock().expect("no panic");
    let play = || {
        while told().len() < MOST_TOLD
            && let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed))
        {
            match check::play(file) {
                Ok(played) => {
                    if let Some(failed) = played.failed {
                        let name = played.name;
                        told().push(format!("FAILED {name}\n  {}: {failed}", file.display()));
                    }
                }
                Err(error) => told().push(error.to_string()),
            }
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(play))));
    let wrong = told();
    assert!(
        wrong.is_empty(),
        "{}\n{} of {} failed",
        wrong.join("\n"),
        wrong.len(),
        files.len()
    );
}

#[test]
fn the_example_in_the_book_holds() {
    let page = include_str!("../../docs/scenarios.md");
    let example = page.split("```yaml\n").nth(1);
    let example = example.and_then(|rest| rest.split("```").next());
    let example = example.expect("the page has an example");
    let played = check::play_text(example, "docs/scenarios.md").expect("it is a scenario");
    assert!(played.failed.is_none());
}
