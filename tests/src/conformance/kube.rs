//! The stage on a real control plane: a namespace of its own for each case.

use super::{FLEET, Stage};
use crate::control_plane::{Admin, ControlPlane, Refusal};
use async_trait::async_trait;
use evenkeel::{core::Revision, kube::KubeCluster, port::Cluster};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tokio::sync::Mutex;

/// A namespace of a control plane that other cases may use at the same time.
pub struct KubeStage {
    plane: Arc<Mutex<ControlPlane>>,
    client: kube::Client,
    admin: Admin,
    namespace: String,
    cluster: Arc<KubeCluster>,
}

impl KubeStage {
    /// Makes the namespace.
    pub async fn new(plane: Arc<Mutex<ControlPlane>>, namespace: &str) -> Self {
        let (client, admin) = {
            let plane = plane.lock().await;
            (plane.client(), plane.admin())
        };
        admin.create_namespace(namespace).await;
        let cluster = Arc::new(KubeCluster::from_client(client.clone(), namespace, FLEET));
        Self {
            plane,
            client,
            admin,
            namespace: namespace.into(),
            cluster,
        }
    }

    fn pods(&self) -> String {
        format!("/api/v1/namespaces/{}/pods", self.namespace)
    }

    fn claims(&self) -> String {
        format!(
            "/api/v1/namespaces/{}/persistentvolumeclaims",
            self.namespace
        )
    }

    fn pod(&self, name: &str) -> String {
        format!("{}/{name}", self.pods())
    }
}

#[track_caller]
fn revision(answer: Result<Value, Refusal>) -> Revision {
    let object = answer.unwrap_or_else(|refusal| panic!("{refusal:?}"));
    let text = object["metadata"]["resourceVersion"].as_str();
    text.and_then(|text| text.parse().ok())
        .unwrap_or_else(|| panic!("no revision in {object}"))
}

#[async_trait]
impl Stage for KubeStage {
    fn cluster(&self) -> Arc<dyn Cluster> {
        self.cluster.clone()
    }

    fn cluster_of(&self, fleet: &str) -> Arc<dyn Cluster> {
        Arc::new(KubeCluster::from_client(
            self.client.clone(),
            &self.namespace,
            fleet,
        ))
    }

    async fn create(&self, manifest: &str) -> Revision {
        let manifest = serde_json::from_str(manifest).expect("JSON");
        revision(self.admin.post(&self.pods(), &manifest).await)
    }

    async fn delete(&self, pod: &str, grace: Option<u32>) -> Revision {
        let options = grace.map_or_else(|| json!({}), |grace| json!({"gracePeriodSeconds": grace}));
        revision(self.admin.delete(&self.pod(pod), &options).await)
    }

    async fn label(&self, pod: &str, key: &str, value: Option<&str>) -> Revision {
        let patch = json!({"metadata": {"labels": {key: value}}});
        revision(self.admin.merge(&self.pod(pod), &patch).await)
    }

    async fn finalizers(&self, pod: &str, finalizers: &[&str]) -> Revision {
        let patch = json!({"metadata": {"finalizers": finalizers}});
        revision(self.admin.merge(&self.pod(pod), &patch).await)
    }

    async fn bind(&self, pod: &str, node: &str) {
        let bound = self.admin.bind(&self.namespace, pod, node).await;
        bound.expect("bound");
        // A busy server decides a DELETE's grace on what its cache shows, where the binding may still be missing.
        let cached = format!("{}?resourceVersion=0", self.pod(pod));
        while self.admin.get(&cached).await.unwrap_or_default()["spec"]["nodeName"] != node {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn wait(&self, pod: &str, reason: &str) -> Revision {
        revision(self.admin.wait(&self.namespace, pod, reason).await)
    }

    async fn run(&self, pod: &str) -> Revision {
        revision(self.admin.run(&self.namespace, pod).await)
    }

    async fn finish(&self, pod: &str, exit_code: i32, reason: &str) -> Revision {
        revision(
            self.admin
                .finish(&self.namespace, pod, exit_code, reason)
                .await,
        )
    }

    async fn let_go(&self, pod: &str) {
        self.admin.let_go(&self.namespace, pod).await.expect("gone");
    }

    async fn evict(&self, pod: &str) {
        self.admin
            .evict(&self.namespace, pod)
            .await
            .expect("evicted");
    }

    async fn create_claim(&self, manifest: &str) -> Revision {
        let manifest = serde_json::from_str(manifest).expect("JSON");
        revision(self.admin.post(&self.claims(), &manifest).await)
    }

    async fn let_claim_go(&self, claim: &str) {
        let path = format!("{}/{claim}", self.claims());
        let patch = json!({"metadata": {"finalizers": []}});
        self.admin.merge(&path, &patch).await.expect("let go");
    }

    async fn node(&self) -> String {
        let name = format!("node-{}", self.namespace);
        self.admin.create_node(&name, json!({})).await;
        name
    }

    async fn has_memory(&self, pod: &str, bytes: u64, pending: Option<&str>) -> Revision {
        let said = self.admin.has_memory(&self.namespace, pod, bytes, pending);
        revision(said.await)
    }

    async fn restart(&self) {
        self.plane.lock().await.restart_api_server().await;
    }

    async fn reachable(&self, reachable: bool) {
        let mut plane = self.plane.lock().await;
        if reachable {
            plane.start_api_server().await;
        } else {
            plane.stop_api_server();
        }
    }

    async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}
