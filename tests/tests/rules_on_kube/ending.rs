//! END-1, END-4, SEE-4: executors that end by what others do, and are replaced.

use crate::{PATIENCE, config, fleet, pod, pod_name, template};
use evenkeel::core::{
    ExecutorId,
    input::Shutdown,
    output::{Cause, Notice},
    plan::Finding,
};
use evenkeel_tests::{
    end_to_end::{Stage, until},
    engine::Engine,
};
use serde_json::{Value, json};
use std::time::Duration;

/// Evicted through the API: no failure, and replaced.
pub async fn evicted(stage: &mut Stage) {
    let place = stage.fleet("evicted").await;
    let builder = fleet(&place, config()).group("workers", 3, template(pod()));
    let engine = Engine::start(builder, place.cluster(stage.kubeconfig()).await);
    engine.at_target(PATIENCE).await;
    let evicted = stage.admin.evict(&place.name, &pod_name(&place, 2)).await;
    evicted.expect("evicted");
    let lost = [(ExecutorId::new(1, 2), Cause::Evicted)];
    engine
        .until("it is told evicted", PATIENCE, |engine| {
            engine.lost() == lost
        })
        .await;
    engine.at_target(PATIENCE).await;
    assert_eq!(engine.status().groups["workers"].failures, 0);
    assert_eq!(engine.lost(), lost);
    engine.end(Shutdown::Delete, PATIENCE).await;
}

/// A pod that loses our label was not deleted: it is a finding, ends as deleted by another, and is deleted by us.
pub async fn lost_label(stage: &mut Stage) {
    let place = stage.fleet("strayed").await;
    let builder = fleet(&place, config()).group("workers", 3, template(pod()));
    let engine = Engine::start(builder, place.cluster(stage.kubeconfig()).await);
    engine.at_target(PATIENCE).await;
    let strays = pod_name(&place, 2);
    let path = format!("{}/{strays}", place.pods_path());
    let none = json!({"metadata": {"labels": {"evenkeel.dev/fleet": Value::Null}}});
    stage.admin.merge(&path, &none).await.expect("relabelled");
    engine
        .until("it is told lost", PATIENCE, |engine| {
            engine.lost() == [(ExecutorId::new(1, 2), Cause::DeletedByOther)]
        })
        .await;
    let finding = Finding::StrayedPod(strays.as_str().into());
    let raised = Notice::Raised(finding.clone());
    assert!(engine.heard().contains(&raised), "{:?}", engine.heard());
    until("the stray is gone", PATIENCE, async || {
        stage.admin.get(&path).await.is_err()
    })
    .await;
    engine
        .until("all is well", PATIENCE, |engine| {
            let status = engine.status();
            status.at_target && !status.findings.contains(&finding)
        })
        .await;
    engine.end(Shutdown::Delete, PATIENCE).await;
    assert_eq!(place.left().await, Vec::<String>::new());
}

/// A node that is deleted takes its executors with it: the cluster says so after a minute.
pub async fn node_deleted(stage: &mut Stage) {
    stage.plane.add_nodes(1).await;
    let node = "kwok-4";
    let place = stage.fleet("node").await;
    let mut there = pod();
    there["spec"]["nodeSelector"] = json!({"kubernetes.io/hostname": node});
    let builder = fleet(&place, config())
        .group("elsewhere", 2, template(pod()))
        .group("there", 2, template(there));
    let engine = Engine::start(builder, place.cluster(stage.kubeconfig()).await);
    engine.at_target(PATIENCE).await;
    let mut on_it: Vec<_> = engine
        .heard()
        .into_iter()
        .filter_map(|notice| match notice {
            Notice::Started {
                executor,
                node: Some(its),
                ..
            } if &*its == node => Some(executor),
            _ => None,
        })
        .collect();
    on_it.sort();
    assert!(on_it.len() >= 2);
    let gone = stage
        .admin
        .delete(&format!("/api/v1/nodes/{node}"), &json!({}))
        .await;
    gone.expect("deleted");
    engine
        .until("all on it are lost", Duration::from_secs(150), |engine| {
            engine.lost().len() >= on_it.len()
        })
        .await;
    let mut lost = engine.lost();
    lost.sort();
    let mut expected: Vec<_> = on_it.iter().map(|id| (*id, Cause::NodeLost)).collect();
    expected.sort();
    assert_eq!(lost, expected);
    engine
        .until("what can be is replaced", PATIENCE, |engine| {
            engine.status().groups["elsewhere"].serving == 2
        })
        .await;
    assert_eq!(engine.status().groups["there"].failures, 0);
    engine.end(Shutdown::Delete, PATIENCE).await;
}
