//! Each way to end a fleet leaves nothing of it, and says how far it is.

use crate::PATIENCE;
use evenkeel_tests::end_to_end::{Child, Ended, Fleet, Line, Stage};
use rustix::process::Signal;
use serde_json::json;
use std::time::{Duration, Instant};

const TARGET: usize = 60;

async fn nothing_left(fleet: &Fleet) {
    assert_eq!(fleet.left().await, Vec::<String>::new());
}

/// How many executors the last status counts, of all classes.
fn there(line: &Line) -> u64 {
    let classes = line.json["groups"]["workers"]["by_class"].as_object();
    classes.map_or(0, |classes| {
        classes.values().filter_map(serde_json::Value::as_u64).sum()
    })
}

async fn at_target(fleet: &Fleet, file: &std::path::Path) -> Child {
    let mut child = fleet.run(file).args(["--format", "json"]).start();
    child
        .line("the fleet is at its target", PATIENCE, |line| {
            line.at_target()
        })
        .await;
    child
}

/// It said that it stops, then how many are still there, down to none.
fn shows_progress(ended: &Ended) {
    let stopping = ended.out.iter().position(|line| line.is("stopping"));
    let after = &ended.out[stopping.expect("it says that it stops")..];
    let counts: Vec<u64> = after
        .iter()
        .filter(|line| line.is("status"))
        .map(there)
        .collect();
    let target = TARGET as u64;
    assert!(
        counts.iter().any(|count| (1..target).contains(count)),
        "{counts:?}"
    );
    assert_eq!(counts.last(), Some(&0), "{counts:?}");
}

/// Left standing by one run, taken down to 0 by the next.
pub async fn nothing_left_at_target_0(stage: &mut Stage) {
    let fleet = stage.fleet("to-zero").await;
    let file = fleet.file(TARGET, "leave", json!({}));
    let converged = ["--until-converged", "--format", "json"];
    let ended = fleet.run(&file).args(converged).run(PATIENCE).await;
    assert_eq!(ended.code(), Some(0), "{}", ended.errors());
    assert_eq!(fleet.pods().await.len(), TARGET);
    let lease = fleet.lease().await.expect("it keeps its number");
    assert_eq!(
        lease["spec"]["holderIdentity"].as_str().unwrap_or_default(),
        ""
    );

    let file = fleet.file(0, "delete", json!({}));
    let ended = fleet.run(&file).args(converged).run(PATIENCE).await;
    assert_eq!(ended.code(), Some(0), "{}{}", ended.text(), ended.errors());
    let summary = ended.summary();
    assert_eq!(summary["lost"], json!({"shrunk": TARGET}), "{summary}");
    assert_eq!(
        (&summary["created"], &summary["deleted"]),
        (&json!(0), &json!(TARGET))
    );
    nothing_left(&fleet).await;
}

/// SIGTERM, as `kill` and Kubernetes send it.
pub async fn nothing_left_after_sigterm(stage: &mut Stage) {
    let fleet = stage.fleet("sigterm").await;
    let child = at_target(&fleet, &fleet.file(TARGET, "delete", json!({}))).await;
    child.signal(Signal::TERM);
    let ended = child.ended(PATIENCE).await;
    assert_eq!(ended.code(), Some(0), "{}", ended.errors());
    assert_eq!(ended.summary()["lost"], json!({"killed": TARGET}));
    shows_progress(&ended);
    nothing_left(&fleet).await;
}

/// Once with an engine, for which the command stands in, and once without; and as people read it.
pub async fn nothing_left_after_a_drain(stage: &mut Stage) {
    for engine in ["registering", "none"] {
        // A fleet each: names begin anew with the next run, and this kubelet deletes by name, whichever pod has it by then.
        let fleet = stage.fleet(&format!("drain-{engine}")).await;
        let file = fleet.file(TARGET, "drain", json!({"engine": engine}));
        let child = at_target(&fleet, &file).await;
        child.signal(Signal::INT);
        let ended = child.ended(PATIENCE).await;
        assert_eq!(ended.code(), Some(0), "{}", ended.errors());
        assert_eq!(
            ended.summary()["lost"],
            json!({"released": TARGET}),
            "{engine}"
        );
        let drains = ended.out.iter().filter(|line| line.notice("drain")).count();
        assert_eq!(
            drains,
            if engine == "none" { 0 } else { TARGET },
            "{engine}"
        );
        shows_progress(&ended);
        nothing_left(&fleet).await;
    }
    let fleet = stage.fleet("drain").await;
    let file = fleet.file(TARGET, "drain", json!({}));
    let ended = fleet
        .run(&file)
        .arg("--until-converged")
        .run(PATIENCE)
        .await;
    let text = ended.text();
    assert_eq!(ended.code(), Some(0), "{text}{}", ended.errors());
    assert!(text.contains("at target"), "{text}");
    assert!(text.contains("60 released"), "{text}");
    nothing_left(&fleet).await;
}

/// The pods can't go, so the first one does not come to an end; the second one ends it and leaves all as it is.
pub async fn a_second_ctrl_c(stage: &mut Stage) {
    let fleet = stage.fleet("ctrl-c").await;
    let group = json!({"target": 5, "template": {
        "metadata": {"finalizers": ["test.example/hold"]},
        "spec": {"containers": [{"name": "main", "image": "registry.example/worker:1"}]},
    }});
    let file = fleet.file_of(group, "delete", json!({}));
    let mut child = at_target(&fleet, &file).await;
    child.signal(Signal::INT);
    child
        .line("it says that it stops", PATIENCE, |line| {
            line.is("stopping")
        })
        .await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let second = Instant::now();
    child.signal(Signal::INT);
    let ended = child.ended(PATIENCE).await;
    let took = second.elapsed();
    assert_eq!(ended.code(), Some(130), "{}", ended.errors());
    assert!(took < Duration::from_secs(1), "it ended after {took:?}");
    let pods = fleet.pods().await;
    assert_eq!(pods.len(), 5);
    assert!(fleet.lease().await.is_some());

    for pod in pods {
        let path = format!("{}/{pod}", fleet.pods_path());
        let patch = json!({"metadata": {"finalizers": null}});
        stage.admin.merge(&path, &patch).await.expect("patched");
    }
    // The next run takes the dead one's lease, and finds nothing to do but to end.
    let file = fleet.file(0, "delete", json!({}));
    let ended = fleet
        .run(&file)
        .arg("--until-converged")
        .run(PATIENCE)
        .await;
    assert_eq!(ended.code(), Some(0), "{}{}", ended.text(), ended.errors());
    nothing_left(&fleet).await;
}
