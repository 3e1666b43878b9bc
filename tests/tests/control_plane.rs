//! The control plane itself: with all its parts a pod is scheduled, run, and collected; and it ends with its test.

use evenkeel_tests::{control_plane::ControlPlane, needs_control_plane};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

async fn until(what: &str, mut check: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !check().await {
        assert!(Instant::now() < end, "waited a minute until {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn phases(pods: &Value) -> Vec<&str> {
    let items = pods["items"].as_array().expect("a list");
    items
        .iter()
        .filter_map(|pod| pod["status"]["phase"].as_str())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_are_scheduled_run_and_collected_with_their_owner() {
    needs_control_plane!("pods_are_scheduled_run_and_collected_with_their_owner");
    let plane = ControlPlane::builder()
        .scheduler(true)
        .controller_manager(true)
        .service_accounts(true)
        .kwok_nodes(2)
        .start()
        .await;
    let admin = plane.admin();
    let path = "/api/v1/namespaces/default/pods";
    until("the service account is there", async || {
        admin
            .get("/api/v1/namespaces/default/serviceaccounts/default")
            .await
            .is_ok()
    })
    .await;
    let owner = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "owner"}});
    let owners = "/api/v1/namespaces/default/configmaps";
    let owner = admin.post(owners, &owner).await.expect("made");
    for n in 0..20 {
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": format!("p-{n}"), "ownerReferences": [{
                "apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"],
            }]},
            "spec": {"containers": [{"name": "main", "image": "registry.example/worker:1"}]},
        });
        admin.post(path, &pod).await.expect("made");
    }
    until("all run", async || {
        let pods = admin.get(path).await.expect("a list");
        phases(&pods) == ["Running"; 20]
    })
    .await;
    admin
        .delete(&format!("{owners}/owner"), &json!({}))
        .await
        .expect("deleted");
    until("all are collected", async || {
        phases(&admin.get(path).await.expect("a list")).is_empty()
    })
    .await;
    let kubeconfig = plane.kubeconfig();
    assert!(kubeconfig.exists());
    drop(plane);
    assert!(!kubeconfig.exists());
    assert!(admin.text("/readyz").await.is_err());
}
