//! A run's flight record, played again: as it is, with one thing altered, and broken off.

use crate::PATIENCE;
use evenkeel_tests::end_to_end::{Command, Ended, Fleet, Stage};
use serde_json::{Value, json};

async fn replay(fleet: &Fleet, lines: &[String]) -> Ended {
    let path = fleet.write("played.jsonl", &lines.join("\n"));
    Command::new().arg("replay").arg(path).run(PATIENCE).await
}

/// Alters the first line that `alter` changes, and finds that the replay names one, and which it is.
async fn altered(fleet: &Fleet, lines: &[String], what: &str, alter: impl Fn(&mut Value) -> bool) {
    let mut lines = lines.to_vec();
    let mut found = None;
    for (index, line) in lines.iter_mut().enumerate().skip(1) {
        let mut step: Value = serde_json::from_str(line).expect("JSON");
        if alter(&mut step) {
            *line = step.to_string();
            found = Some(index + 1);
            break;
        }
    }
    let number = found.unwrap_or_else(|| panic!("no line to alter: {what}"));
    let ended = replay(fleet, &lines).await;
    let errors = ended.errors();
    assert_eq!(
        ended.code(),
        Some(1),
        "{what} of line {number}: {}{errors}",
        ended.text()
    );
    let named = errors
        .split_once("line ")
        .and_then(|(_, rest)| rest.split(':').next()?.parse::<usize>().ok());
    let named = named.unwrap_or_else(|| panic!("{what}: no line is named: {errors}"));
    assert!(
        named >= number,
        "{what} of line {number} was found in line {named}"
    );
    assert!(
        errors.contains("recorded:") && errors.contains("replayed:"),
        "{errors}"
    );
}

pub async fn flight(stage: &mut Stage) {
    let fleet = stage.fleet("flight").await;
    let file = fleet.file(40, "delete", json!({}));
    let record = fleet.path("flight.jsonl");
    let ended = fleet
        .run(&file)
        .args(["--until-converged", "--record"])
        .arg(&record)
        .run(PATIENCE)
        .await;
    assert_eq!(ended.code(), Some(0), "{}", ended.errors());
    let text = std::fs::read_to_string(&record).expect("a record");
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();

    let ended = Command::new()
        .arg("replay")
        .arg(&record)
        .run(PATIENCE)
        .await;
    assert_eq!(ended.code(), Some(0), "{}", ended.errors());
    assert!(
        ended.text().contains(&format!("{} steps", lines.len() - 1)),
        "{}",
        ended.text()
    );
    assert!(ended.err.is_empty(), "{}", ended.errors());

    altered(&fleet, &lines, "a pod's phase", |step| {
        let phase = step.pointer_mut("/input/Watched/event/Seen/phase");
        let Some(phase) = phase.filter(|phase| *phase == "Running") else {
            return false;
        };
        *phase = json!("Failed");
        true
    })
    .await;
    altered(&fleet, &lines, "the end of the lease", |step| {
        let Some(until) = step.pointer_mut("/input/Lease/Held/until") else {
            return false;
        };
        let at = until.as_u64().expect("a time");
        *until = json!(at + 1);
        true
    })
    .await;
    altered(&fleet, &lines, "an output", |step| {
        let outputs = step["outputs"].as_array_mut().expect("outputs");
        !outputs.is_empty() && outputs.pop().is_some()
    })
    .await;

    // As SIGKILL leaves it.
    let mut broken = lines.clone();
    let last = broken.last_mut().expect("lines");
    last.truncate(last.len() / 2);
    let ended = replay(&fleet, &broken).await;
    assert_eq!(ended.code(), Some(0), "{}", ended.errors());
    assert!(
        ended.errors().contains("middle of a line"),
        "{}",
        ended.errors()
    );
    // In the middle that is no break-off.
    let mut broken = lines.clone();
    broken[3].truncate(20);
    let ended = replay(&fleet, &broken).await;
    assert_eq!(ended.code(), Some(2), "{}", ended.errors());
    assert!(ended.errors().contains("line 4"), "{}", ended.errors());
}
