//! Playing the kubelet, on nodes that KWOK leaves alone: what a node does to a pod, one step at a time.

use super::admin::{Admin, Refusal};
use serde_json::{Value, json};

/// The pod's path in the API.
fn pod(namespace: &str, name: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/pods/{name}")
}

impl Admin {
    /// Binds the pod to a node, as a scheduler does. The node need not exist.
    ///
    /// # Errors
    /// The server's refusal.
    pub async fn bind(&self, namespace: &str, name: &str, node: &str) -> Result<Value, Refusal> {
        let binding = json!({
            "apiVersion": "v1", "kind": "Binding", "metadata": {"name": name},
            "target": {"apiVersion": "v1", "kind": "Node", "name": node},
        });
        self.post(&format!("{}/binding", pod(namespace, name)), &binding)
            .await
    }

    /// Merges this into the pod's status.
    ///
    /// # Errors
    /// The server's refusal.
    pub async fn patch_status(
        &self,
        namespace: &str,
        name: &str,
        status: Value,
    ) -> Result<Value, Refusal> {
        let path = format!("{}/status", pod(namespace, name));
        self.merge(&path, &json!({"status": status})).await
    }

    /// The pod's containers run.
    ///
    /// # Errors
    /// The server's refusal.
    pub async fn run(&self, namespace: &str, name: &str) -> Result<Value, Refusal> {
        let container = json!({"running": {"startedAt": "2026-01-01T00:00:00Z"}});
        let status = json!({
            "phase": "Running", "podIP": "10.1.0.7",
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [container_status(&container, true)],
        });
        self.patch_status(namespace, name, status).await
    }

    /// The main container runs with so much memory, and with a reason (`Deferred`, `Infeasible`), gets no more.
    ///
    /// # Errors
    /// The server's refusal.
    pub async fn has_memory(
        &self,
        namespace: &str,
        name: &str,
        bytes: u64,
        pending: Option<&str>,
    ) -> Result<Value, Refusal> {
        let state = json!({"running": {"startedAt": "2026-01-01T00:00:00Z"}});
        let amount = json!({"memory": bytes.to_string()});
        let mut container = container_status(&state, true);
        container["resources"] = json!({"requests": amount, "limits": amount});
        let mut conditions = vec![json!({"type": "Ready", "status": "True"})];
        let waits =
            |reason| json!({"type": "PodResizePending", "status": "True", "reason": reason});
        conditions.extend(pending.map(waits));
        let status = json!({"conditions": conditions, "containerStatuses": [container]});
        self.patch_status(namespace, name, status).await
    }

    /// The main container waits, for this reason (`ImagePullBackOff`).
    ///
    /// # Errors
    /// The server's refusal.
    pub async fn wait(&self, namespace: &str, name: &str, reason: &str) -> Result<Value, Refusal> {
        let container = json!({"waiting": {"reason": reason}});
        let status =
            json!({"phase": "Pending", "containerStatuses": [container_status(&container, false)]});
        self.patch_status(namespace, name, status).await
    }

    /// The main container ends with this code and reason (`Completed`, `Error`, `OOMKilled`), and so does the pod.
    ///
    /// # Errors
    /// The server's refusal.
    pub async fn finish(
        &self,
        namespace: &str,
        name: &str,
        exit_code: i32,
        reason: &str,
    ) -> Result<Value, Refusal> {
        let container = json!({"terminated": {"exitCode": exit_code, "reason": reason}});
        let status = json!({
            "phase": if exit_code == 0 { "Succeeded" } else { "Failed" },
            "conditions": [{"type": "Ready", "status": "False"}],
            "containerStatuses": [container_status(&container, false)],
        });
        self.patch_status(namespace, name, status).await
    }

    /// The node has stopped the pod's containers and lets it go: a delete without grace.
    ///
    /// # Errors
    /// The server's refusal.
    pub async fn let_go(&self, namespace: &str, name: &str) -> Result<Value, Refusal> {
        self.delete(&pod(namespace, name), &json!({"gracePeriodSeconds": 0}))
            .await
    }

    /// Evicts the pod through the eviction API.
    ///
    /// # Errors
    /// The server's refusal.
    pub async fn evict(&self, namespace: &str, name: &str) -> Result<Value, Refusal> {
        let eviction = json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": namespace}});
        self.post(&format!("{}/eviction", pod(namespace, name)), &eviction)
            .await
    }
}

fn container_status(state: &Value, ready: bool) -> Value {
    json!({
        "name": "main", "image": "registry.example/worker:1", "imageID": "", "restartCount": 0, "ready": ready, "state": state,
    })
}
