//! The Kubernetes adapter: kube-rs as a client and nothing more; what to watch, repeat and wait for is the core's business.

mod config;
mod decode;
mod lease;
mod lines;
mod owner;
mod watch;
mod wire;

pub use config::{ConnectError, KubeOptions};
pub use owner::{OwnerError, driver_pod};

use self::{
    config::Source,
    lease::LeaseObject,
    wire::{NoAnswer, Unread, Wire, encode},
};
use crate::{
    api::{
        answer::{self, Write},
        labels,
        owner::Owner,
        pod::OwnerReference,
        quantity::binary,
    },
    port::{Cluster, Lease, LeaseError, LeaseRequest, ListWish, Request},
};
use async_trait::async_trait;
use evenkeel_core::{
    Name, Revision, Uid,
    input::{Failure, Listing, Outcome, Refusal, WatchEnd, WatchEvent},
};
use futures::stream::BoxStream;
use http::Method;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use std::{collections::BTreeMap, time::Duration};

/// How many pods a page of a listing has: client-go's number.
const PAGE: u32 = 500;
/// How long [`KubeCluster::probe`] waits.
const PROBE: Duration = Duration::from_secs(10);

/// A Kubernetes cluster, seen from one fleet in one namespace.
///
/// Needs the verbs `list`, `watch`, `create`, `get`, `delete` and `patch` on pods, and `get`, `create`, `update` and
/// `delete` on `leases.coordination.k8s.io`, in that namespace; `list`, `create`, `get` and `delete` on
/// `persistentvolumeclaims` where a group uses claims (CLAIM), and `patch` on `pods/resize` where one is resized (SIZE).
pub struct KubeCluster {
    fleet: Name,
    namespace: String,
    /// Where requests go, for messages.
    server: String,
    pods: String,
    claims: String,
    wire: Wire,
    lease: LeaseObject,
}

impl KubeCluster {
    /// The cluster that a client of yours reaches. Turn its own retrying off (`Config::default_retry`), or creates may
    /// be repeated behind the controller's back. When the server refuses its credentials, that is yours to mend.
    #[must_use]
    pub fn from_client(client: kube::Client, namespace: &str, fleet: &str) -> Self {
        let server = "the API server".to_owned();
        Self::new(Source::Given, client, server, namespace, fleet)
    }

    /// The cluster that kubectl would reach from here. Makes no request yet: see [`probe`](Self::probe).
    ///
    /// # Errors
    /// No configuration, or one that can't be used.
    pub async fn connect(options: &KubeOptions, fleet: &str) -> Result<Self, ConnectError> {
        let config = config::find(options).await?;
        let server = config::address(&config);
        let namespace = config.default_namespace.clone();
        let client = config::client(config)?;
        let source = Source::Found(options.clone());
        Ok(Self::new(source, client, server, &namespace, fleet))
    }

    fn new(
        source: Source,
        client: kube::Client,
        server: String,
        namespace: &str,
        fleet: &str,
    ) -> Self {
        Self {
            fleet: fleet.into(),
            namespace: namespace.into(),
            server,
            pods: format!("/api/v1/namespaces/{}/pods", encode(namespace)),
            claims: format!(
                "/api/v1/namespaces/{}/persistentvolumeclaims",
                encode(namespace)
            ),
            wire: Wire::new(source, client),
            lease: LeaseObject::new(namespace, fleet),
        }
    }

    /// The namespace that the fleet is in.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Asks the server for its version, and waits for at most 10 seconds: so that a configuration that leads nowhere is
    /// found at the start.
    ///
    /// # Errors
    /// No server, no answer, or no right to one.
    pub async fn probe(&self) -> Result<String, ConnectError> {
        let server = || self.server.clone();
        let timed_out = || ConnectError::TimedOut {
            server: server(),
            seconds: PROBE.as_secs(),
        };
        let read = tokio::time::timeout(PROBE, self.wire.read("get", "/version"));
        let body = match read.await.map_err(|_| timed_out())? {
            Ok((body, _)) => body,
            Err(Unread::Missing(missing)) => {
                return Err(match missing {
                    NoAnswer::NotSent(Failure::Unauthorized) => ConnectError::Credentials,
                    NoAnswer::NotSent(_) | NoAnswer::Lost => ConnectError::Unreachable {
                        server: server(),
                        why: self.wire.last_trouble(),
                    },
                });
            }
            Err(Unread::Refused(refused)) => {
                return Err(match refused.code {
                    401 => ConnectError::Unauthorized { server: server() },
                    code => ConnectError::NotKubernetes {
                        server: server(),
                        code,
                    },
                });
            }
        };
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Version {
            git_version: String,
        }
        serde_json::from_slice::<Version>(&body)
            .map(|version| version.git_version)
            .map_err(|_| ConnectError::NotKubernetes {
                server: server(),
                code: 200,
            })
    }

    /// The reference that the executors' pods carry (LIVE-3); None for `owner: none`.
    ///
    /// # Errors
    /// There is no such owner, or it can't be read.
    pub async fn resolve_owner(&self, owner: &Owner) -> Result<Option<OwnerReference>, OwnerError> {
        owner::resolve(&self.wire, &self.namespace, owner).await
    }

    fn pod(&self, name: &str) -> String {
        format!("{}/{}", self.pods, encode(name))
    }

    fn claim(&self, name: &str) -> String {
        format!("{}/{}", self.claims, encode(name))
    }

    /// One write, and what is known of its effect.
    async fn write(&self, write: Write, path: &str, kind: &'static str, body: Vec<u8>) -> Outcome {
        let (verb, method) = match write {
            Write::Create => ("create", Method::POST),
            Write::Delete => ("delete", Method::DELETE),
            Write::Patch | Write::Resize => ("patch", Method::PATCH),
        };
        let unknown = |lost: NoAnswer| match lost {
            NoAnswer::NotSent(failure) => Outcome::Refused(Refusal::NotSent(failure)),
            NoAnswer::Lost => Outcome::Unclear(Failure::Unreachable),
        };
        let answer = match self.wire.send(verb, method, path, Some((kind, body))).await {
            Ok(answer) => answer,
            Err(lost) => return unknown(lost),
        };
        if answer.is_success() {
            answer
                .bytes()
                .await
                .map_or_else(unknown, |body| decode::done(&body))
        } else {
            answer
                .refused()
                .await
                .map_or_else(unknown, |refused| answer::outcome(write, &refused))
        }
    }

    /// Reads all pages of a list, and gives the one revision that they have.
    async fn pages(
        &self,
        objects: &str,
        selector: &str,
        mut each: impl FnMut(&str, Timestamp),
    ) -> Result<Revision, Failure> {
        let first = format!("{objects}?labelSelector={}&limit={PAGE}", encode(selector));
        let (mut path, mut revision) = (first.clone(), None);
        loop {
            let read = self.wire.read("list", &path).await;
            let (body, clock) = read.map_err(|unread| unread.failure())?;
            let page = decode::page(&body)?;
            // Two revisions are two listings, and half of each is none (SEE-2).
            if *revision.get_or_insert(page.revision) != page.revision {
                return Err(Failure::Expired);
            }
            for item in page.items {
                each(item.get(), clock.now());
            }
            match page.next {
                Some(token) => path = format!("{first}&continue={}", encode(&token)),
                None => return Ok(page.revision),
            }
        }
    }

    /// Whether the claim under a name that was taken is ours to use.
    async fn taken_claim(&self, name: &str) -> Outcome {
        match self.wire.read("get", &self.claim(name)).await {
            Ok((body, _)) => decode::own_claim(&body, &self.fleet),
            Err(Unread::Refused(refused)) if refused.code == 404 => Outcome::Exists(None),
            Err(unread) => Outcome::Unclear(unread.failure()),
        }
    }

    /// What is there under a name that was taken (GROW-3).
    async fn taken(&self, name: &str) -> Outcome {
        match self.wire.read("get", &self.pod(name)).await {
            Ok((body, clock)) => std::str::from_utf8(&body)
                .ok()
                .and_then(|json| decode::pod(json, &self.fleet, clock.now()).ok())
                .map_or(Outcome::Unclear(Failure::Undecodable), |view| {
                    Outcome::Exists(Some(Box::new(view)))
                }),
            Err(Unread::Refused(refused)) if refused.code == 404 => Outcome::Exists(None),
            Err(unread) => Outcome::Unclear(unread.failure()),
        }
    }
}

#[async_trait]
impl Cluster for KubeCluster {
    fn fleet(&self) -> &str {
        &self.fleet
    }

    async fn list(&self, wish: ListWish) -> Result<Listing, Failure> {
        let fleet = &*self.fleet;
        let (mut pods, mut claims, mut undecodable) = (Vec::new(), Vec::new(), Vec::new());
        let selector = labels::selector(fleet, wish.all);
        let revision = self
            .pages(&self.pods, &selector, |item, now| {
                match decode::pod(item, fleet, now) {
                    Ok(view) => pods.push(view),
                    Err(name) => undecodable.push(name),
                }
            })
            .await?;
        if wish.claims {
            let selector = labels::selector(fleet, true);
            self.pages(&self.claims, &selector, |item, now| {
                match decode::claim(item, now) {
                    Ok(view) => claims.push(view),
                    Err(name) => undecodable.push(name),
                }
            })
            .await?;
        }
        Ok(Listing {
            revision,
            pods,
            claims,
            undecodable,
        })
    }

    async fn watch(&self, from: Revision) -> Result<BoxStream<'static, WatchEvent>, WatchEnd> {
        let path = format!(
            "{}?watch=1&allowWatchBookmarks=true&resourceVersion={from}&labelSelector={}&timeoutSeconds={}",
            self.pods,
            encode(&labels::selector(&self.fleet, false)),
            watch::timeout_s(),
        );
        let lost = |lost: NoAnswer| WatchEnd::Failed(lost.failure());
        let answer = self.wire.send("watch", Method::GET, &path, None).await;
        let answer = answer.map_err(lost)?;
        if !answer.is_success() {
            return Err(decode::gone(&answer.refused().await.map_err(lost)?));
        }
        Ok(watch::events(answer, self.fleet.clone()))
    }

    async fn execute(&self, request: Request) -> Outcome {
        const JSON: &str = "application/json";
        match request {
            Request::Create { name, manifest } => {
                let path = format!("{}?fieldValidation=Strict&fieldManager=evenkeel", self.pods);
                let outcome = self
                    .write(Write::Create, &path, JSON, manifest.into_bytes())
                    .await;
                match outcome {
                    Outcome::Exists(_) => self.taken(&name).await,
                    outcome => outcome,
                }
            }
            Request::Delete {
                name,
                uid,
                revision,
            } => {
                let options = delete_options(uid, revision);
                self.write(Write::Delete, &self.pod(&name), JSON, options)
                    .await
            }
            Request::MarkFinished { name, uid } => {
                let path = format!("{}?fieldManager=evenkeel", self.pod(&name));
                let patch = json!({"metadata": {"uid": uid.to_string(), "labels": {labels::FINISHED: "true"}}});
                let kind = "application/merge-patch+json";
                self.write(Write::Patch, &path, kind, patch.to_string().into_bytes())
                    .await
            }
            Request::Resize {
                name,
                uid,
                container,
                request,
                limit,
            } => {
                let path = format!("{}/resize?fieldManager=evenkeel", self.pod(&name));
                let amount = |bytes: u64| json!({"memory": binary(bytes)});
                let resources = json!({"requests": amount(request), "limits": amount(limit)});
                let patch = json!({
                    "metadata": {"uid": uid.to_string()},
                    "spec": {"containers": [{"name": &*container, "resources": resources}]},
                });
                let kind = "application/strategic-merge-patch+json";
                self.write(Write::Resize, &path, kind, patch.to_string().into_bytes())
                    .await
            }
            Request::CreateClaim { name, manifest } => {
                let path = format!(
                    "{}?fieldValidation=Strict&fieldManager=evenkeel",
                    self.claims
                );
                let outcome = self
                    .write(Write::Create, &path, JSON, manifest.into_bytes())
                    .await;
                match outcome {
                    Outcome::Exists(_) => self.taken_claim(&name).await,
                    outcome => outcome,
                }
            }
            Request::DeleteClaim { name } => {
                let options = delete_options(None, None);
                self.write(Write::Delete, &self.claim(&name), JSON, options)
                    .await
            }
        }
    }

    async fn lease(&self, request: LeaseRequest) -> Result<Option<Lease>, LeaseError> {
        self.lease.step(&self.wire, request).await
    }

    fn calls(&self) -> BTreeMap<&'static str, u64> {
        self.wire.calls()
    }
}

/// With the object's own grace, never another.
fn delete_options(uid: Option<Uid>, revision: Option<Revision>) -> Vec<u8> {
    let mut preconditions = serde_json::Map::new();
    if let Some(uid) = uid {
        preconditions.insert("uid".into(), json!(uid.to_string()));
    }
    if let Some(revision) = revision {
        preconditions.insert("resourceVersion".into(), json!(revision.to_string()));
    }
    json!({
        "apiVersion": "v1", "kind": "DeleteOptions",
        "propagationPolicy": "Background", "preconditions": preconditions,
    })
    .to_string()
    .into_bytes()
}
