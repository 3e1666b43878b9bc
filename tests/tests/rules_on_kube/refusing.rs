//! FAIL-3: what the server refuses, and what follows.

use crate::{PATIENCE, config, fleet, pod, pod_name, template};
use evenkeel::core::{
    ExecutorId,
    input::{Failure, Shutdown},
    output::{Cause, Notice},
    plan::{Finding, Unmet},
};
use evenkeel_tests::{
    end_to_end::{Stage, created, creates, rights, until},
    engine::Engine,
};
use serde_json::json;
use std::time::Duration;

/// A quota holds its group, keeps the ids, and is no failure; freed, the same ids come.
pub async fn quota_full_and_freed(stage: &mut Stage) {
    let place = stage.fleet("quota").await;
    let path = "/api/v1/namespaces/quota/resourcequotas";
    let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"},
        "spec": {"hard": {"pods": "3"}}});
    stage.admin.post(path, &quota).await.expect("made");
    until("the quota is counted", PATIENCE, async || {
        let quota = stage.admin.get(&format!("{path}/few")).await;
        quota.is_ok_and(|quota| quota["status"]["used"]["pods"] == "0")
    })
    .await;

    let builder = fleet(&place, config()).group("workers", 5, template(pod()));
    let engine = Engine::start(builder, place.cluster(stage.kubeconfig()).await);
    engine
        .until("two wait for the quota", PATIENCE, |engine| {
            engine.unmet("workers", Unmet::Quota) == 2
                && engine.status().groups["workers"].serving == 3
        })
        .await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    let refused = |stage: &Stage| {
        let audit = stage.plane.audit();
        creates(&audit, "quota").len() - created(&audit, "quota").len()
    };
    // Held for 1, 2, 2, 2 s: at most two tries each.
    let tries = refused(stage);
    assert!((4..=14).contains(&tries), "{tries} refused creates");
    assert_eq!((place.outside.most(), place.outside.live()), (3, 3));

    let more = json!({"spec": {"hard": {"pods": "10"}}});
    let raised = stage.admin.merge(&format!("{path}/few"), &more).await;
    raised.expect("raised");
    engine.at_target(PATIENCE).await;
    let mut pods = place.pods().await;
    pods.sort();
    let ids: Vec<_> = (1..=5).map(|sequence| pod_name(&place, sequence)).collect();
    assert_eq!(pods, ids, "no id is lost to a refusal");
    assert_eq!(engine.lost(), []);
    assert_eq!(engine.status().groups["workers"].failures, 0);
    engine.end(Shutdown::Delete, PATIENCE).await;
    assert_eq!(place.left().await, Vec::<String>::new());
}

/// What no waiting mends is a failure with the server's words; its group backs off, and no other is held up.
pub async fn limit_range(stage: &mut Stage) {
    let place = stage.fleet("limits").await;
    let path = "/api/v1/namespaces/limits/limitranges";
    let range = json!({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "small"},
        "spec": {"limits": [{"type": "Container", "max": {"cpu": "1"}}]}});
    stage.admin.post(path, &range).await.expect("made");
    let mut large = pod();
    large["spec"]["containers"][0]["resources"] = json!({"requests": {"cpu": "2", "memory": "16Mi"}, "limits": {"cpu": "2", "memory": "16Mi"}});
    // The server's own view of its limits lags a little.
    until("it is enforced", PATIENCE, async || {
        let mut probe = large.clone();
        probe["metadata"] = json!({"name": "probe"});
        let made = stage.admin.post(&place.pods_path(), &probe).await;
        let probe = format!("{}/probe", place.pods_path());
        let _ = stage
            .admin
            .delete(&probe, &json!({"gracePeriodSeconds": 0}))
            .await;
        made.is_err()
    })
    .await;

    let builder = fleet(&place, config())
        .group("large", 2, template(large))
        .group("small", 2, template(pod()));
    let engine = Engine::start(builder, place.cluster(stage.kubeconfig()).await);
    engine
        .until("the one backs off, the other runs", PATIENCE, |engine| {
            let status = engine.status();
            let backs_off = status.groups.get("large").and_then(|large| {
                let unmet = large.unmet.get(&Unmet::BackingOff)?;
                unmet.until
            });
            backs_off.is_some() && status.groups["small"].serving == 2
        })
        .await;
    engine
        .until("a probe was tried", PATIENCE, |engine| {
            engine.lost().len() >= 3
        })
        .await;
    let rejected = Cause::CreateRejected {
        reason: "forbidden".into(),
    };
    assert!(engine.lost().iter().all(|(_, cause)| *cause == rejected));
    let told = engine.heard().into_iter().find_map(|notice| match notice {
        Notice::Lost { evidence, .. } => evidence.message.clone(),
        _ => None,
    });
    let told = told.expect("evidence");
    assert!(
        told.contains("maximum cpu usage per Container is 1"),
        "{told}"
    );
    assert!(engine.status().groups["large"].failures >= 3);

    let removed = stage
        .admin
        .delete(&format!("{path}/small"), &json!({}))
        .await;
    removed.expect("removed");
    engine.at_target(PATIENCE).await;
    let over = |notice: &Notice| matches!(notice, Notice::Backoff { until: None, .. });
    assert!(
        engine.heard().iter().any(over),
        "it is told that it is over"
    );
    engine.end(Shutdown::Delete, PATIENCE).await;
}

/// Without the right to create, a fleet waits, says so, and charges nobody.
pub async fn create_forbidden(stage: &mut Stage) {
    let place = stage.fleet("no-create").await;
    let mut few = rights();
    few[0]["verbs"] = json!(["list", "watch", "get", "delete", "patch"]);
    let kubeconfig = stage.user("no-create", few).await;
    let builder = fleet(&place, config()).group("workers", 3, template(pod()));
    let engine = Engine::start(builder, place.cluster(&kubeconfig).await);
    let refused = Finding::Refused {
        verb: "create".into(),
        why: Failure::Forbidden,
    };
    engine
        .until("it is not permitted", PATIENCE, |engine| {
            engine.unmet("workers", Unmet::NotPermitted) == 3
                && engine.status().findings.contains(&refused)
        })
        .await;
    stage.user("no-create", rights()).await;
    engine.at_target(PATIENCE).await;
    assert_eq!(engine.status().findings.len(), 0);
    assert_eq!(engine.lost(), []);
    let ids: Vec<_> = (1..=3).map(|sequence| pod_name(&place, sequence)).collect();
    let mut pods = place.pods().await;
    pods.sort();
    assert_eq!(pods, ids);
    engine.end(Shutdown::Delete, PATIENCE).await;
}

/// Without the right to delete, what is to go stays, is replaced all the same, and goes when the right comes.
pub async fn delete_forbidden(stage: &mut Stage) {
    let place = stage.fleet("no-delete").await;
    let mut few = rights();
    few[0]["verbs"] = json!(["list", "watch", "create", "get", "patch"]);
    let kubeconfig = stage.user("no-delete", few).await;
    let builder = fleet(&place, config()).group("workers", 2, template(pod()));
    let engine = Engine::start(builder, place.cluster(&kubeconfig).await);
    engine.at_target(PATIENCE).await;
    engine
        .handle
        .kill([ExecutorId::new(1, 1)])
        .expect("it runs");
    let refused = Finding::Refused {
        verb: "delete".into(),
        why: Failure::Forbidden,
    };
    engine
        .until("it is refused, and replaced", PATIENCE, |engine| {
            let status = engine.status();
            status.findings.contains(&refused) && status.groups["workers"].serving == 2
        })
        .await;
    assert_eq!(place.pods().await.len(), 3);
    assert_eq!(engine.lost(), [], "it is not gone");
    stage.user("no-delete", rights()).await;
    engine.at_target(PATIENCE).await;
    assert_eq!(engine.lost(), [(ExecutorId::new(1, 1), Cause::Killed)]);
    assert_eq!(
        (engine.status().findings.len(), place.pods().await.len()),
        (0, 2)
    );
    engine.end(Shutdown::Delete, PATIENCE).await;
}
