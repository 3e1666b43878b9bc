//! `evenkeel run` says what the rules do: causes, why a group is short, a backoff with its next probe, rolls.

use std::{fs, process::Command};

/// What a run of that fleet file prints.
fn shown(text: &str, format: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("fleet.yaml");
    fs::write(&path, text).expect("it can be written");
    let output = Command::new(env!("CARGO_BIN_EXE_evenkeel"))
        .arg("run")
        .arg(&path)
        .args(["--for", "6s", "--format", format])
        .output()
        .expect("it starts");
    String::from_utf8(output.stdout).expect("text")
}

#[track_caller]
fn says(shown: &str, words: &[&str]) {
    for word in words {
        assert!(shown.contains(word), "{word:?} is not in\n{shown}");
    }
}

#[test]
fn a_backoff_is_shown_with_its_next_probe() {
    let fleet = "fleet: demo
config: {engine: none, healthy_after: 60s, backoff_first: 20s, max_failures: 100}
groups: {small: {target: 3, image: worker}}
weather: {start: 50ms, stop: 50ms, crash_rate: 600/min}
";
    let text = shown(fleet, "text");
    says(
        &text,
        &[
            ": app_failed, exit code ",
            "group small backs off, next try at ",
            "backing off (1",
        ],
    );
    let json = shown(fleet, "json");
    says(
        &json,
        &[
            r#""notice":"backoff""#,
            r#""backing_off":{"executors":"#,
            r#""cause":{"app_failed":{"exit_code":"#,
        ],
    );
}

#[test]
fn a_roll_is_shown_while_it_goes() {
    let fleet = "fleet: demo
config: {engine: none, healthy_after: 100ms}
groups: {small: {target: 2, image: worker, roll: {every: 1s}}}
weather: {start: 300ms, stop: 300ms}
";
    let text = shown(fleet, "text");
    says(
        &text,
        &["1 being replaced", "lost 1-1: rolled", "delete 1-1"],
    );
    says(
        &shown(fleet, "json"),
        &[r#""rolling":1"#, r#""cause":"rolled""#],
    );
}

#[test]
fn a_cap_that_holds_a_group_is_named() {
    let fleet = "fleet: demo
config: {engine: none, healthy_after: 100ms, max_executors: 3}
groups: {a: {target: 2, image: worker}, b: {target: 4, image: worker}}
weather: {start: 300ms, stop: 300ms}
";
    says(&shown(fleet, "text"), &["b 1/4 (3 max_executors)"]);
}
