//! All scenarios of the project hold.

use evenkeel_sim::check;
use std::path::PathBuf;

/// The project's scenarios.
fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/scenarios"))
}

#[test]
fn every_scenario_of_the_project_holds() {
    let files = check::files(&[folder()]).expect("the folder has scenarios");
    let mut wrong = Vec::new();
    for file in &files {
        match check::play(file) {
            Ok(played) => {
                if let Some(failed) = played.failed {
                    wrong.push(format!(
                        "FAILED {}\n  {}: {failed}",
                        played.name,
                        file.display()
                    ));
                }
            }
            Err(error) => wrong.push(error.to_string()),
        }
    }
    assert!(
        wrong.is_empty(),
        "{}\n{} of {} failed",
        wrong.join("\n"),
        wrong.len(),
        files.len()
    );
}
