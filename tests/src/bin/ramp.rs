//! Measures how fast `evenkeel run` makes pods, against a bare loop, both by the API server's audit log.
//!
//! `cargo run --release -p evenkeel-tests --bin ramp [-- EXECUTORS [NODES [ROUNDS]]]`: 500, 0 and 3. The two take turns,
//! each time in a new namespace of one control plane. Without nodes nothing schedules or runs the pods, so the machine
//! has only the API server, etcd and the program measured to work for; with nodes, the same for both.

use evenkeel_tests::{
    control_plane::{ControlPlane, missing, skips},
    end_to_end::{Command, Creates, Stage, created, per_second, until},
};
use serde_json::json;
use std::{error::Error, time::Duration};

const PATIENCE: Duration = Duration::from_secs(300);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    if skips("ramp") {
        return Err(missing().into());
    }
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: usize| arguments.next().map_or(Ok(default), |text| text.parse());
    let (executors, nodes, rounds) = (number(500)?, number(0)?, number(3)?);
    let plane = ControlPlane::builder()
        .scheduler(nodes > 0)
        .controller_manager(nodes > 0)
        .kwok_nodes(nodes);
    let stage = Stage::on(plane.start().await).await;

    // The server's first creates are slow: neither is to pay for that.
    bare(&stage, "warm-up", 100).await?;
    let (mut bares, mut ours) = (Vec::new(), Vec::new());
    for round in 1..=rounds {
        bares.push(bare(&stage, &format!("bare-{round}"), executors).await?);
        ours.push(evenkeel(&stage, &format!("ours-{round}"), executors).await);
        println!(
            "round {round}: bare loop {:.0}/s, evenkeel {:.0}/s",
            bares[round - 1],
            ours[round - 1]
        );
    }
    let (bare, ours) = (median(bares), median(ours));
    println!(
        "{executors} pods, {nodes} nodes, median of {rounds}: bare loop {bare:.0}/s, evenkeel {ours:.0}/s, ratio {:.2}",
        ours / bare
    );
    Ok(())
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

async fn bare(stage: &Stage, namespace: &str, pods: usize) -> Result<f64, Box<dyn Error>> {
    stage.admin.create_namespace(namespace).await;
    let program = std::env::current_exe()?.with_file_name("bare-loop");
    let status = tokio::process::Command::new(&program)
        .arg(stage.plane.kubeconfig())
        .args([namespace, &pods.to_string()])
        .env("NO_PROXY", "127.0.0.1")
        .status()
        .await
        .map_err(|error| format!("{}: {error}; build it too: --bins", program.display()))?;
    if !status.success() {
        return Err("the bare loop failed".into());
    }
    let made = made(stage, namespace, pods).await;
    clear(stage, namespace).await;
    Ok(per_second(&made))
}

async fn evenkeel(stage: &Stage, namespace: &str, executors: usize) -> f64 {
    stage.admin.create_namespace(namespace).await;
    let file = json!({"fleet": namespace, "cluster": "kube", "shutdown": "leave",
        "config": {"engine": "none", "owner": "none"},
        "groups": {"workers": {"target": executors, "image": "registry.example/worker:1"}}});
    let path = stage.folder().join(namespace);
    std::fs::write(&path, file.to_string()).expect("a file");
    let mut child = Command::new()
        .arg("run")
        .arg(path)
        .arg("--kubeconfig")
        .arg(stage.kubeconfig())
        .args(["--namespace", namespace])
        .start();
    let made = made(stage, namespace, executors).await;
    child.kill().await;
    clear(stage, namespace).await;
    per_second(&made)
}

/// Waits until all are made. Looks seldom: it is not to take part.
async fn made(stage: &Stage, namespace: &str, pods: usize) -> Vec<Creates> {
    let mut all = Vec::new();
    until("all are made", PATIENCE, async || {
        tokio::time::sleep(Duration::from_secs(1)).await;
        all = created(&stage.plane.audit(), namespace);
        all.len() >= pods
    })
    .await;
    all
}

/// Away with them, so that each begins with the same.
async fn clear(stage: &Stage, namespace: &str) {
    let path = format!("/api/v1/namespaces/{namespace}/pods");
    let options = json!({"gracePeriodSeconds": 0});
    stage.admin.delete(&path, &options).await.expect("deleted");
    until("they are gone", PATIENCE, async || {
        let pods = stage.admin.get(&path).await.expect("a list");
        pods["items"].as_array().is_some_and(Vec::is_empty)
    })
    .await;
}
