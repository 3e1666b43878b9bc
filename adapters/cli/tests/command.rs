//! The command as it is used: arguments in, lines and an exit status out.

use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader, Read},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

const FLEET: &str = "fleet: demo
config: {engine: none, healthy_after: 100ms}
groups: {small: {target: 3, image: worker}}
weather: {start: 100ms, stop: 50ms}
";

fn evenkeel() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_evenkeel"));
    command.env_remove("KUBECONFIG").env("HOME", "/nonexistent");
    command
}

fn ran(args: &[&str]) -> (i32, String, String) {
    let output = evenkeel().args(args).output().expect("it starts");
    told(&output)
}

fn told(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let status = output.status.code().expect("no signal ended it");
    (status, text(&output.stdout), text(&output.stderr))
}

/// A folder with a fleet file in it.
fn fleet(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("fleet.yaml");
    fs::write(&path, text).expect("it can be written");
    (folder, path)
}

fn name(path: &Path) -> &str {
    path.to_str().expect("text")
}

#[test]
fn wrong_usage_is_status_2() {
    for args in [
        &[][..],
        &["fly"],
        &["run"],
        &["run", "f", "--for", "90"],
        &["run", "f", "--cluster", "moon"],
    ] {
        let (status, _, err) = ran(args);
        assert_eq!(status, 2, "{args:?}: {err}");
    }
    let (_, _, err) = ran(&["run", "f", "--for", "90"]);
    assert!(
        err.contains("90 has no unit; write 90s for seconds"),
        "{err}"
    );
}

#[test]
fn help_has_examples_and_the_exit_status() {
    for command in ["run", "validate", "config", "replay", "report"] {
        let (status, out, _) = ran(&[command, "--help"]);
        assert_eq!(status, 0);
        assert!(
            out.contains("Examples:") && out.contains("Exit status:"),
            "{out}"
        );
    }
}

#[test]
fn a_file_that_is_missing_or_bad_is_status_2_and_one_line() {
    let missing = "error: no/fleet.yaml: there is no such file; check the path\n";
    for command in ["run", "validate"] {
        let (status, out, err) = ran(&[command, "no/fleet.yaml"]);
        assert_eq!((status, out.as_str(), err.as_str()), (2, "", missing));
    }
    let (_folder, path) = fleet("fleet: demo\ngroups: {small: {target: -3, image: i}}\n");
    let (status, _, err) = ran(&["validate", name(&path)]);
    let expected = format!(
        "error: {}:2:26: groups.small.target: -3 is negative; a target is a whole number from 0 to 1073741824\n",
        path.display()
    );
    assert_eq!((status, err), (2, expected));
}

#[test]
fn validate_says_what_is_good_and_what_is_odd() {
    let (_folder, path) =
        fleet("fleet: demo\nconfig: {watch_silence: 60s}\ngroups: {a: {target: 3, image: i}}\n");
    let (status, out, err) = ran(&["validate", name(&path)]);
    let expected = format!(
        "{}: good: fleet demo on fake, 1 group, 3 executors\n",
        path.display()
    );
    assert_eq!((status, out), (0, expected));
    assert!(
        err.starts_with("warning: ") && err.contains("under 75s"),
        "{err}"
    );
    let (_folder, path) = fleet("fleet: demo\nconfig: {lease: off}\ngroups: {}\n");
    assert_eq!(ran(&["validate", name(&path)]).0, 0);
    assert_eq!(ran(&["validate", name(&path), "--cluster", "kube"]).0, 2);
}

#[test]
fn the_examples_are_good() {
    for name in ["demo.yaml", "kube.yaml", "claims.yaml"] {
        let (status, _, err) = ran(&["validate", &example(name)]);
        assert_eq!((status, err.as_str()), (0, ""), "{name}");
    }
}

fn example(name: &str) -> String {
    format!("{}/../../examples/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_example_with_claims_makes_one_for_each_executor_and_takes_them_down() {
    let path = example("claims.yaml");
    let args = ["run", &path, "--until-converged", "--format", "json"];
    let (status, out, err) = ran(&args);
    assert_eq!((status, err.as_str()), (0, ""), "{out}");
    let lines: Vec<Value> = out
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let named = |action: &str| -> Vec<&str> {
        let told = lines.iter().filter(|line| line["action"] == action);
        told.filter_map(|line| line["name"].as_str()).collect()
    };
    let mut claims = named("create_claim");
    claims.sort_unstable();
    claims.dedup();
    assert_eq!(claims.len(), 6);
    let creates = lines.iter().filter(|line| line["action"] == "create");
    for create in creates {
        let given = create["claims"][0].as_str().expect("a claim");
        assert!(claims.contains(&given), "{given}");
    }
    let mut deleted = named("delete_claim");
    deleted.sort_unstable();
    deleted.dedup();
    assert_eq!(deleted, claims);
}

#[test]
fn a_cluster_that_cannot_be_reached_is_status_3() {
    let (folder, path) = fleet("fleet: demo\ncluster: kube\ngroups: {a: {image: i}}\n");
    let (status, _, err) = ran(&["run", name(&path)]);
    assert_eq!(status, 3, "{err}");
    let config = folder.path().join("kubeconfig");
    let text = "apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}]
users: [{name: u, user: {}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
";
    fs::write(&config, text).expect("it can be written");
    let (status, _, err) = ran(&["run", name(&path), "--kubeconfig", name(&config)]);
    assert_eq!(status, 3, "{err}");
    assert_eq!(err.lines().count(), 1, "{err}");
}

#[test]
fn a_fleet_converges_and_its_record_can_be_replayed() {
    let (folder, path) = fleet(FLEET);
    let record = folder.path().join("flight.jsonl");
    let args = [
        "run",
        name(&path),
        "--until-converged",
        "--for",
        "60s",
        "--format",
        "json",
        "--record",
        name(&record),
    ];
    let (status, out, err) = ran(&args);
    assert_eq!((status, err.as_str()), (0, ""), "{out}");
    let lines: Vec<Value> = out
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert!(lines.iter().all(|line| line["type"].is_string()));
    let summary = lines.last().expect("a summary");
    assert_eq!(summary["type"], "summary");
    assert_eq!(
        (&summary["at_target"], &summary["created"]),
        (&true.into(), &3.into())
    );
    assert!(
        summary["seconds_to_target"]
            .as_f64()
            .is_some_and(|seconds| seconds < 60.0)
    );
    assert_eq!(
        summary["api_calls"]["create"], 4,
        "three pods and the lease"
    );
    let mode = fs::metadata(&record)
        .expect("it was written")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);

    let (status, out, err) = ran(&["replay", name(&record)]);
    assert_eq!((status, err.as_str()), (0, ""), "{out}");
    assert!(out.contains("the same: fleet demo"), "{out}");
    let page = folder.path().join("flight.html");
    let (status, out, err) = ran(&["report", name(&record)]);
    assert_eq!((status, err.as_str()), (0, ""), "{out}");
    assert!(
        out.ends_with("flight.html: played again, it comes out as it was recorded\n"),
        "{out}"
    );
    let html = fs::read_to_string(&page).expect("the page");
    assert!(html.contains("GROW-1"), "{html}");
    let over = name(&record);
    let (status, _, err) = ran(&["report", over, "-o", over]);
    assert_eq!(status, 2);
    assert!(
        err.contains("it is there, and is no such page; name another file"),
        "{err}"
    );

    let text = fs::read_to_string(&record).expect("text");
    let changed = text.replacen("\"Create\"", "\"Crate\"", 1);
    fs::write(&record, changed).expect("it can be written");
    assert_eq!(ran(&["replay", name(&record)]).0, 2);
    let first = text
        .lines()
        .position(|line| line.contains("\"Create\""))
        .expect("a create");
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    lines[first] = lines[first].replacen("\"group\":\"small\"", "\"group\":\"large\"", 1);
    fs::write(&record, lines.join("\n")).expect("it can be written");
    let (status, _, err) = ran(&["replay", name(&record)]);
    assert_eq!(status, 1, "{err}");
    assert!(
        err.contains("differs") && err.contains("recorded:") && err.contains("large"),
        "{err}"
    );
    let (status, out, _) = ran(&["report", name(&record)]);
    assert_eq!(status, 1, "{out}");
    assert!(
        out.contains("something else than was recorded: step"),
        "{out}"
    );
}

#[test]
fn a_fleet_that_cannot_get_there_is_status_1() {
    let (_folder, path) = fleet(&FLEET.replace("start: 100ms", "start: 1h"));
    let (status, out, _) = ran(&["run", name(&path), "--for", "300ms"]);
    assert_eq!(status, 1, "{out}");
    assert!(
        out.contains("the time is over: deleting all executors") && out.contains("never at target"),
        "{out}"
    );
}

#[test]
fn a_fleet_whose_executors_register_is_stood_in_for() {
    let (_folder, path) = fleet(&FLEET.replace("engine: none, ", ""));
    let (status, out, _) = ran(&["run", name(&path), "--until-converged", "--for", "60s"]);
    assert_eq!(status, 0, "{out}");
}

/// Starts a fleet that runs until it is stopped, and waits until it has said `word`.
fn started(path: &Path, word: &str) -> (std::process::Child, BufReader<std::process::ChildStdout>) {
    let mut command = evenkeel();
    command
        .args(["run", name(path)])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut out = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut line = String::new();
    while !line.contains(word) {
        line.clear();
        assert_ne!(
            out.read_line(&mut line).expect("text"),
            0,
            "it ended without {word}"
        );
    }
    (child, out)
}

fn kill(child: &std::process::Child, signal: &str) {
    let pid = child.id().to_string();
    let sent = Command::new("kill")
        .args([signal, &pid])
        .status()
        .expect("kill runs");
    assert!(sent.success());
}

fn ended(child: &mut std::process::Child) -> i32 {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(status) = child.try_wait().expect("it is ours") {
            return status.code().expect("no signal ended it");
        }
        assert!(Instant::now() < deadline, "it does not end");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_signal_ends_it_by_the_files_policy() {
    for signal in ["-INT", "-TERM"] {
        let (_folder, path) = fleet(FLEET);
        let (mut child, mut out) = started(&path, "at target");
        kill(&child, signal);
        let mut rest = String::new();
        out.read_to_string(&mut rest).expect("text");
        assert_eq!(ended(&mut child), 0, "{rest}");
        assert!(
            rest.contains("stopped: deleting all executors") && rest.contains("lost: 3 killed"),
            "{rest}"
        );
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    // Pods that take an hour to stop: the shutdown would not end.
    let text = FLEET.replace("image: worker", "template: {spec: {terminationGracePeriodSeconds: 7200, containers: [{name: a, image: i}]}}");
    let (_folder, path) = fleet(&text.replace("stop: 50ms", "stop: 1h"));
    let (mut child, mut out) = started(&path, "at target");
    kill(&child, "-INT");
    let mut line = String::new();
    while !line.contains("stopped") {
        line.clear();
        assert_ne!(out.read_line(&mut line).expect("text"), 0);
    }
    kill(&child, "-INT");
    assert_eq!(ended(&mut child), 130);
}

#[test]
fn when_nobody_reads_it_is_shut_down_without_a_word() {
    let (_folder, path) = fleet(FLEET);
    let (mut child, out) = started(&path, "create");
    drop(out);
    assert_eq!(ended(&mut child), 0);
    let mut err = String::new();
    child
        .stderr
        .take()
        .expect("it is piped")
        .read_to_string(&mut err)
        .expect("text");
    assert_eq!(err, "");
}

#[test]
fn a_record_writes_over_nothing_but_a_record() {
    let (folder, path) = fleet(FLEET);
    let before = fs::read_to_string(&path).expect("it is there");
    let (status, _, err) = ran(&["run", name(&path), "--for", "0s", "--record", name(&path)]);
    assert_eq!(status, 2, "{err}");
    assert!(err.contains("no flight record"), "{err}");
    assert_eq!(fs::read_to_string(&path).expect("it is there"), before);
    let record = folder.path().join("flight.jsonl");
    for _ in 0..2 {
        let (status, _, err) = ran(&["run", name(&path), "--for", "0s", "--record", name(&record)]);
        assert_ne!(status, 2, "{err}");
    }
}
