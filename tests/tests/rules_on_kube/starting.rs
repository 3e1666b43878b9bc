//! GROW-6 and SEE-1 with a kubelet that the test plays.

use crate::{PATIENCE, config, fleet, pod_by_hand, pod_name, template};
use evenkeel::core::{
    ExecutorId, Span,
    input::Shutdown,
    output::{Cause, Notice},
    plan::Unmet,
};
use evenkeel_tests::{
    end_to_end::{Fleet, Stage, until},
    engine::Engine,
};
use serde_json::{Value, json};

/// A node that nobody keeps but the test, and that gets no pods but those that the test binds to it.
async fn node(stage: &Stage, name: &str) {
    stage.admin.create_node(name, json!({})).await;
    let cordoned = json!({"spec": {"unschedulable": true}});
    let path = format!("/api/v1/nodes/{name}");
    stage.admin.merge(&path, &cordoned).await.expect("cordoned");
}

async fn shown(stage: &Stage, place: &Fleet, pod: &str) -> Option<Value> {
    let path = format!("{}/{pod}", place.pods_path());
    stage.admin.get(&path).await.ok()
}

async fn bound(stage: &Stage, place: &Fleet, pod: &str, node: &str) {
    until("the pod is there", PATIENCE, async || {
        shown(stage, place, pod).await.is_some()
    })
    .await;
    stage
        .admin
        .bind(&place.name, pod, node)
        .await
        .expect("bound");
}

/// Waits until the server is asked to delete the pod, and lets it go as its node would.
async fn deleted(stage: &Stage, place: &Fleet, pod: &str) {
    until("it is being deleted", PATIENCE, async || {
        let shown = shown(stage, place, pod).await;
        shown.is_none_or(|pod| pod["metadata"]["deletionTimestamp"].is_string())
    })
    .await;
    // It may have gone by itself: one on no node does.
    let _ = stage.admin.let_go(&place.name, pod).await;
}

/// An image that never comes is waited for as long as `image_pull_patience` says, and told with the kubelet's reason.
pub async fn image_never_pulls(stage: &mut Stage) {
    node(stage, "hand-image").await;
    let place = stage.fleet("image").await;
    let mut config = config();
    config.growing.image_pull_patience = Some(Span::seconds(3));
    config.failing.backoff_first = Span::seconds(600);
    config.failing.backoff_max = Span::seconds(600);
    let builder = fleet(&place, config).group("workers", 1, template(pod_by_hand()));
    let engine = Engine::start(builder, place.cluster(stage.kubeconfig()).await);
    // The third was asked for with the second's deletion: a failure counts when that is answered.
    for sequence in [1, 2, 3] {
        let pod = pod_name(&place, sequence);
        bound(stage, &place, &pod, "hand-image").await;
        for reason in ["ErrImagePull", "ImagePullBackOff"] {
            let waits = stage.admin.wait(&place.name, &pod, reason).await;
            waits.expect("told");
        }
        let shown = shown(stage, &place, &pod).await.expect("it has patience");
        assert_eq!(shown["metadata"]["deletionTimestamp"], Value::Null);
        deleted(stage, &place, &pod).await;
    }
    let failed = Cause::StartFailed {
        reason: "ImagePullBackOff".into(),
    };
    let all = [1, 2, 3].map(|sequence| (ExecutorId::new(1, sequence), failed.clone()));
    engine
        .until(
            "all are told, and the group backs off",
            PATIENCE,
            |engine| engine.lost() == all && engine.unmet("workers", Unmet::BackingOff) == 1,
        )
        .await;
    let backs_off = |notice: &Notice| matches!(notice, Notice::Backoff { until: Some(_), .. });
    assert!(engine.heard().iter().any(backs_off));
    assert_eq!(place.pods().await, Vec::<String>::new());
    engine.end(Shutdown::Delete, PATIENCE).await;
}

/// With `check_all_containers` a sidecar that fails is its executor's end, though the main container runs on.
pub async fn sidecar_failed(stage: &mut Stage) {
    node(stage, "hand-sidecar").await;
    let place = stage.fleet("sidecar").await;
    let mut pod = pod_by_hand();
    let sidecar = json!({"name": "logs", "image": "registry.example/logs:1"});
    let containers = pod["spec"]["containers"].as_array_mut();
    containers.expect("a list").push(sidecar);
    let mut config = config();
    config.seeing.check_all_containers = true;
    let builder = fleet(&place, config).group("workers", 1, template(pod));
    let engine = Engine::start(builder, place.cluster(stage.kubeconfig()).await);
    let first = pod_name(&place, 1);
    bound(stage, &place, &first, "hand-sidecar").await;
    stage.admin.run(&place.name, &first).await.expect("runs");
    engine.at_target(PATIENCE).await;

    let status = |name: &str, state: Value| json!({"name": name, "image": "i", "imageID": "", "restartCount": 0, "ready": false, "state": state});
    let running = json!({"running": {"startedAt": "2026-01-01T00:00:00Z"}});
    let ended = json!({"terminated": {"exitCode": 3, "reason": "Error"}});
    let statuses = json!({"containerStatuses": [status("main", running), status("logs", ended)]});
    let patched = stage
        .admin
        .patch_status(&place.name, &first, statuses)
        .await;
    patched.expect("told");
    deleted(stage, &place, &first).await;
    let lost = (ExecutorId::new(1, 1), Cause::AppFailed { exit_code: None });
    engine
        .until("it is lost once", PATIENCE, |engine| {
            engine.lost() == [lost.clone()]
        })
        .await;
    let second = pod_name(&place, 2);
    bound(stage, &place, &second, "hand-sidecar").await;
    stage.admin.run(&place.name, &second).await.expect("runs");
    engine.at_target(PATIENCE).await;
    engine
        .handle
        .kill([ExecutorId::new(1, 2)])
        .expect("it runs");
    deleted(stage, &place, &second).await;
    engine.end(Shutdown::Delete, PATIENCE).await;
}
