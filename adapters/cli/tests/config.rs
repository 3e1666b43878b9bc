//! `evenkeel config`, and docs/config.md, which it makes.

use serde_json::Value;
use std::{fs, process::Command};

fn config(args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_evenkeel"));
    let output = command
        .arg("config")
        .args(args)
        .output()
        .expect("it starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let status = output.status.code().expect("no signal ended it");
    (status, text(&output.stdout), text(&output.stderr))
}

#[test]
fn every_key_has_its_rule_default_and_meaning() {
    let (status, out, err) = config(&[]);
    assert_eq!((status, err.as_str()), (0, ""));
    let expected = "config.max_in_flight   GROW-4\n    a whole number, at least 1; default: 128\n    The most creates";
    assert!(out.contains(expected), "{out}");
    let (_, json, _) = config(&["--format", "json"]);
    let keys: Vec<Value> = serde_json::from_str(&json).expect("an array");
    assert!(keys.len() > 80);
    let key = |path: &str| {
        let mut those = keys.iter().filter(|key| key["key"] == path);
        those.next().unwrap_or_else(|| panic!("no {path}"))
    };
    assert_eq!(key("config.lease_duration")["default"], "15s");
    assert_eq!(key("groups.NAME.claims.size")["required"], true);
    assert_eq!(out.matches("    ").count(), 2 * keys.len());
}

#[test]
fn one_key_or_the_nearest_to_it() {
    let (status, out, _) = config(&["backoff_first"]);
    assert_eq!(status, 0);
    assert!(out.starts_with("config.backoff_first   FAIL-2\n"), "{out}");
    assert_eq!(out.lines().count(), 3);
    let (status, out, _) = config(&["groups.small.roll", "--format", "json"]);
    assert_eq!((status, out.matches("\"key\"").count()), (0, 6));
    let (status, out, err) = config(&["config.max_failure"]);
    let expected =
        "error: there is no key \"config.max_failure\"; did you mean config.max_failures";
    assert_eq!((status, out.as_str()), (2, ""));
    assert!(
        err.starts_with(expected) && err.lines().count() == 1,
        "{err}"
    );
    let (status, _, err) = config(&["qqqqqqqqqqqqqqqq"]);
    assert_eq!(status, 2);
    assert!(err.contains("`evenkeel config` lists them all"), "{err}");
    assert_eq!(config(&["max_failures", "--format", "yaml"]).0, 2);
}

#[test]
fn the_fleet_file_to_start_from_is_good() {
    let (_, yaml, _) = config(&["--format", "yaml"]);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("fleet.yaml");
    fs::write(&path, yaml).expect("it can be written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_evenkeel"));
    let output = command
        .arg("validate")
        .arg(&path)
        .output()
        .expect("it starts");
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), err.as_ref()), (Some(0), ""));
}

#[test]
fn the_page_is_what_the_command_prints() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/config.md");
    let page = fs::read_to_string(path).unwrap_or_default();
    let (_, made, _) = config(&["--format", "markdown"]);
    let way_out = "cargo run -p evenkeel-cli -- config --format markdown > docs/config.md";
    assert!(
        page == made,
        "docs/config.md is not what the table says; make it anew:\n  {way_out}"
    );
}
