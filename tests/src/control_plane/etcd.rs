//! etcd itself, behind the API server's back: what a restore or a compaction does to the store.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use serde_json::{Value, json};

/// The store behind the API server, by etcd's JSON gateway.
pub struct Etcd {
    port: u16,
}

impl Etcd {
    pub(super) fn new(port: u16) -> Self {
        Self { port }
    }

    /// Removes a pod from the store, as if it had never been: no API server sees it go.
    ///
    /// # Panics
    /// There was no such pod.
    pub async fn erase_pod(&self, namespace: &str, name: &str) {
        let key = STANDARD.encode(format!("/registry/pods/{namespace}/{name}"));
        let answer = self.post("kv/deleterange", &json!({"key": key})).await;
        assert_eq!(answer["deleted"], "1", "{namespace}/{name}: {answer}");
    }

    /// Forgets all history before now.
    ///
    /// # Panics
    /// It could not.
    pub async fn compact(&self) {
        let key = STANDARD.encode("/");
        let answer = self
            .post("kv/range", &json!({"key": key, "count_only": true}))
            .await;
        let revision = &answer["header"]["revision"];
        let answer = self
            .post(
                "kv/compaction",
                &json!({"revision": revision, "physical": true}),
            )
            .await;
        assert!(answer["error"].is_null(), "{answer}");
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
        let request = Request::post(format!("http://127.0.0.1:{}/v3/{path}", self.port))
            .body(Full::from(body.to_string()))
            .expect("a request");
        let answer = client.request(request).await.expect("an answer of etcd");
        let body = answer.into_body().collect().await.expect("the whole of it");
        serde_json::from_slice(&body.to_bytes()).expect("JSON")
    }
}
