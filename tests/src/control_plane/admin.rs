//! An administrator: what a test does to the cluster behind the fleet's back, as plain JSON over the API.

use http::{Method, Request};
use serde_json::{Value, json};

/// Has every right.
#[derive(Clone)]
pub struct Admin {
    client: kube::Client,
}

/// The server would not.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The HTTP status code; 0 where there was no answer.
    pub code: u16,
    /// What it said.
    pub message: String,
}

impl Admin {
    pub(super) fn new(client: kube::Client) -> Self {
        Self { client }
    }

    /// GET.
    ///
    /// # Errors
    /// The server's refusal.
    pub async fn get(&self, path: &str) -> Result<Value, Refusal> {
        self.send(Method::GET, path, "application/json", None).await
    }

    /// POST.
    ///
    /// # Errors
    /// The server's refusal.
    pub async fn post(&self, path: &str, object: &Value) -> Result<Value, Refusal> {
        self.send(Method::POST, path, "application/json", Some(object))
            .await
    }

    /// PATCH, as a merge.
    ///
    /// # Errors
    /// The server's refusal.
    pub async fn merge(&self, path: &str, patch: &Value) -> Result<Value, Refusal> {
        self.send(
            Method::PATCH,
            path,
            "application/merge-patch+json",
            Some(patch),
        )
        .await
    }

    /// DELETE, with these options.
    ///
    /// # Errors
    /// The server's refusal.
    pub async fn delete(&self, path: &str, options: &Value) -> Result<Value, Refusal> {
        self.send(Method::DELETE, path, "application/json", Some(options))
            .await
    }

    /// GET of something that is no JSON.
    ///
    /// # Errors
    /// The server's refusal.
    pub async fn text(&self, path: &str) -> Result<String, Refusal> {
        let request = Request::get(path).body(Vec::new()).expect("a path");
        self.client.request_text(request).await.map_err(refusal)
    }

    /// Makes a namespace, and waits for nothing.
    pub async fn create_namespace(&self, name: &str) {
        let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        self.post("/api/v1/namespaces", &object)
            .await
            .unwrap_or_else(|error| panic!("namespace {name}: {error:?}"));
    }

    /// Makes a node of 64 CPUs, 256 GiB and 1,000 pods, with these annotations.
    pub async fn create_node(&self, name: &str, annotations: Value) {
        let room = json!({"cpu": "64", "memory": "256Gi", "pods": "1000"});
        let object = json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": {"name": name, "annotations": annotations, "labels": {"kubernetes.io/hostname": name}},
            "status": {"allocatable": room, "capacity": room},
        });
        self.post("/api/v1/nodes", &object)
            .await
            .unwrap_or_else(|error| panic!("node {name}: {error:?}"));
    }

    /// Whether the node is there and ready.
    pub async fn node_is_ready(&self, name: &str) -> bool {
        let node = self.get(&format!("/api/v1/nodes/{name}")).await;
        let conditions = node
            .ok()
            .and_then(|node| node["status"]["conditions"].as_array().cloned());
        conditions
            .unwrap_or_default()
            .iter()
            .any(|it| it["type"] == "Ready" && it["status"] == "True")
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        kind: &str,
        body: Option<&Value>,
    ) -> Result<Value, Refusal> {
        let body = body.map_or_else(Vec::new, |body| body.to_string().into_bytes());
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(http::header::CONTENT_TYPE, kind);
        let request = request.body(body).expect("a path");
        self.client.request(request).await.map_err(refusal)
    }
}

fn refusal(error: kube::Error) -> Refusal {
    match error {
        kube::Error::Api(status) => Refusal {
            code: status.code,
            message: status.message,
        },
        error => Refusal {
            code: 0,
            message: error.to_string(),
        },
    }
}
