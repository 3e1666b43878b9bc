//! A ramp, and what makes good a loss.

use crate::PATIENCE;
use evenkeel_tests::{
    control_plane::workspace,
    end_to_end::{Stage, USER, created, creates, doubled, names, per_second, until},
};
use jiff::{SignedDuration, Timestamp};
use rustix::process::Signal;
use serde_json::json;
use std::{collections::BTreeMap, process::Command};

/// The example of the README, as it is but for its number.
pub async fn ramp(stage: &mut Stage) {
    let target: usize = std::env::var("EVENKEEL_E2E_EXECUTORS")
        .map_or(200, |number| number.parse().expect("a number"));
    let fleet = stage.fleet("ramp").await;
    let example = std::fs::read_to_string(workspace().join("examples/kube.yaml"));
    let example = example.expect("the example");
    assert_eq!(example.matches("target: 500").count(), 1, "{example}");
    let file = fleet.write(
        "kube.yaml",
        &example.replace("target: 500", &format!("target: {target}")),
    );

    let ended = fleet
        .run(&file)
        .args(["--cluster", "kube", "--until-converged", "--format", "json"])
        .run(PATIENCE)
        .await;
    assert_eq!(ended.code(), Some(0), "{}", ended.errors());
    assert!(ended.err.is_empty(), "{}", ended.errors());
    assert_eq!(
        (fleet.outside.most(), fleet.outside.live()),
        (target, target)
    );

    let audit = stage.plane.audit();
    let (posts, made) = (creates(&audit, "ramp"), created(&audit, "ramp"));
    assert!(posts.iter().all(|post| post.user == USER));
    assert_eq!((names(&made).len(), doubled(&made)), (target, vec![]));
    assert!(
        posts.len() * 100 <= target * 105,
        "{} creates for {target} pods",
        posts.len()
    );

    for line in &ended.out {
        assert!(line.json["type"].is_string(), "{}", line.text);
    }
    let summary = ended.summary();
    assert_eq!(summary["at_target"], true);
    assert_eq!(
        (&summary["created"], &summary["deleted"]),
        (&json!(target), &json!(0))
    );
    assert_eq!(
        (&summary["lost"], &summary["findings"]),
        (&json!({}), &json!([]))
    );
    assert_eq!(
        summary["api_calls"]["create"].as_u64(),
        Some(posts.len() as u64 + 1),
        "the lease and the pods: {summary}"
    );
    let seconds = summary["seconds_to_target"].as_f64().expect("a number");
    eprintln!(
        "ramp: {target} executors, {} POSTs, {:.0} creates/s, at target after {seconds:.1} s",
        posts.len(),
        per_second(&made)
    );
}

/// Somebody deletes 50 of 100: each is made good within 2 seconds, and never is one too many.
pub async fn deleted_by_kubectl(stage: &mut Stage) {
    const TARGET: usize = 100;
    let fleet = stage.fleet("deleted").await;
    let file = fleet.file(TARGET, "delete", json!({}));
    let mut child = fleet.run(&file).args(["--format", "json"]).start();
    child
        .line("the fleet is at its target", PATIENCE, |line| {
            line.at_target()
        })
        .await;

    let victims: Vec<_> = fleet.pods().await.into_iter().take(50).collect();
    let status = Command::new("kubectl")
        .arg("--kubeconfig")
        .arg(stage.plane.kubeconfig())
        .args(["delete", "pod", "--namespace", "deleted", "--wait=false"])
        .args(&victims)
        .stdout(std::process::Stdio::null())
        .env("NO_PROXY", "127.0.0.1")
        .status();
    if !status.is_ok_and(|status| status.success()) {
        for victim in &victims {
            let path = format!("{}/{victim}", fleet.pods_path());
            stage
                .admin
                .delete(&path, &json!({}))
                .await
                .expect("deleted");
        }
    }
    let lost = |child: &evenkeel_tests::end_to_end::Child| {
        child
            .out()
            .iter()
            .filter(|line| line.notice("lost"))
            .count()
    };
    until("all are told lost", PATIENCE, async || {
        lost(&child) >= victims.len()
    })
    .await;
    let from = child.out().len();
    child
        .line_from(from, "it is at its target again", PATIENCE, |line| {
            line.at_target()
        })
        .await;

    let audit = stage.plane.audit();
    // KWOK deletes each again when it has ended.
    let mut first: BTreeMap<&str, Timestamp> = BTreeMap::new();
    let deletes = audit
        .iter()
        .filter(|event| event.verb == "delete" && event.resource() == "pods");
    for event in deletes.filter(|event| event.namespace() == "deleted") {
        let at = first.entry(event.name()).or_insert(event.answered);
        *at = event.answered.min(*at);
    }
    let mut deletions: Vec<_> = first.into_values().collect();
    deletions.sort();
    assert_eq!(deletions.len(), victims.len());
    let made = created(&audit, "deleted");
    let mut posts = made[TARGET..].iter().map(|post| post.requested);
    let mut slowest = SignedDuration::ZERO;
    for deletion in &deletions {
        // The first that no earlier deletion has claimed.
        let post = posts.next().expect("a create for each deletion");
        let took = post.duration_since(*deletion);
        // The server answers a delete after its watchers know: a create may come a moment before the answer is logged.
        assert!(
            took > SignedDuration::from_millis(-100),
            "a create before its deletion: {took}"
        );
        assert!(
            took <= SignedDuration::from_secs(2),
            "{took} for a replacement"
        );
        slowest = slowest.max(took);
    }
    assert_eq!(posts.next(), None, "a create for no deletion");
    assert_eq!(doubled(&made), Vec::<&str>::new());
    assert_eq!(
        (fleet.outside.most(), fleet.outside.live()),
        (TARGET, TARGET)
    );
    eprintln!(
        "deleted_by_kubectl: the slowest replacement came after {} ms",
        slowest.as_millis()
    );

    child.signal(Signal::TERM);
    let ended = child.ended(PATIENCE).await;
    assert_eq!(ended.code(), Some(0), "{}", ended.errors());
    assert_eq!(ended.summary()["lost"]["deleted_by_other"], victims.len());
}
