//! The fleet's Lease: compare and swap over coordination.k8s.io/v1.

use super::wire::{NoAnswer, Wire, encode};
use crate::{
    api::{
        answer::{self, Refused},
        labels,
    },
    port::{Lease, LeaseError, LeaseRequest, LeaseSpec},
};
use evenkeel_core::{Revision, Uid, input::Failure};
use http::Method;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

/// Annotations with this prefix are ours; others are kept as they are.
const OURS: &str = "evenkeel.dev/";

/// The fleet's Lease object, and how it was last seen.
pub(super) struct LeaseObject {
    fleet: String,
    collection: String,
    path: String,
    /// What a replace starts from, so that it keeps what is not ours.
    last: Mutex<Option<(Lease, Value)>>,
}

impl LeaseObject {
    pub(super) fn new(namespace: &str, fleet: &str) -> Self {
        let collection = format!(
            "/apis/coordination.k8s.io/v1/namespaces/{}/leases",
            encode(namespace)
        );
        Self {
            fleet: fleet.to_owned(),
            path: format!("{collection}/{}", encode(&name(fleet))),
            collection,
            last: Mutex::default(),
        }
    }

    pub(super) async fn step(
        &self,
        wire: &Wire,
        request: LeaseRequest,
    ) -> Result<Option<Lease>, LeaseError> {
        match request {
            LeaseRequest::Get => self.get(wire).await.map(|(lease, _)| Some(lease)),
            LeaseRequest::Create(spec) => {
                let object = self.fresh(&spec);
                let path = format!("{}?fieldManager=evenkeel", self.collection);
                let body = self
                    .write(wire, "create", Method::POST, &path, &object)
                    .await?;
                self.remember(body).map(|(lease, _)| Some(lease))
            }
            LeaseRequest::Replace {
                uid,
                revision,
                spec,
            } => {
                let (last, mut object) = match self.last_at(&uid, revision) {
                    Some(last) => last,
                    None => self.get(wire).await?,
                };
                if (&last.uid, last.revision) != (&uid, revision) {
                    return Err(LeaseError::Conflict);
                }
                write_into(&mut object, &spec);
                let path = format!("{}?fieldManager=evenkeel", self.path);
                let body = self
                    .write(wire, "update", Method::PUT, &path, &object)
                    .await?;
                self.remember(body).map(|(lease, _)| Some(lease))
            }
            LeaseRequest::Delete { uid, revision } => {
                let options = json!({
                    "apiVersion": "v1", "kind": "DeleteOptions",
                    "preconditions": {"uid": uid.to_string(), "resourceVersion": revision.to_string()},
                });
                self.write(wire, "delete", Method::DELETE, &self.path, &options)
                    .await?;
                Ok(None)
            }
        }
    }

    async fn get(&self, wire: &Wire) -> Result<(Lease, Value), LeaseError> {
        match wire.read("get", &self.path).await {
            Ok((body, _)) => self.remember(serde_json::from_slice(&body).unwrap_or_default()),
            Err(super::wire::Unread::Refused(refused)) => Err(error(Method::GET, &refused)),
            Err(unread) => Err(LeaseError::Failed(unread.failure())),
        }
    }

    async fn write(
        &self,
        wire: &Wire,
        verb: &'static str,
        method: Method,
        path: &str,
        object: &Value,
    ) -> Result<Value, LeaseError> {
        let lost = |lost: NoAnswer| LeaseError::Failed(lost.failure());
        let content = Some(("application/json", object.to_string().into_bytes()));
        let answer = wire
            .send(verb, method.clone(), path, content)
            .await
            .map_err(lost)?;
        if !answer.is_success() {
            return Err(error(method, &answer.refused().await.map_err(lost)?));
        }
        let body = answer.bytes().await.map_err(lost)?;
        serde_json::from_slice(&body).map_err(|_| LeaseError::Failed(Failure::Undecodable))
    }

    fn remember(&self, object: Value) -> Result<(Lease, Value), LeaseError> {
        let lease = read(&object).ok_or(LeaseError::Failed(Failure::Undecodable))?;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some((lease.clone(), object.clone()));
        Ok((lease, object))
    }

    fn last_at(&self, uid: &Uid, revision: Revision) -> Option<(Lease, Value)> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.clone()
            .filter(|(lease, _)| lease.uid == *uid && lease.revision == revision)
    }

    fn fresh(&self, spec: &LeaseSpec) -> Value {
        let mut object = json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {
                "name": name(&self.fleet),
                "labels": {labels::FLEET: self.fleet, labels::MANAGED_BY.0: labels::MANAGED_BY.1},
            },
        });
        write_into(&mut object, spec);
        object
    }
}

/// The name of that fleet's Lease (LIVE-1).
fn name(fleet: &str) -> String {
    format!("evenkeel-{fleet}")
}

fn error(method: Method, refused: &Refused) -> LeaseError {
    match refused.code {
        409 => LeaseError::Conflict,
        // Else the namespace is missing.
        404 if method != Method::POST => LeaseError::Absent,
        _ => LeaseError::Failed(answer::failure(refused)),
    }
}

#[derive(Deserialize)]
struct Object {
    metadata: Meta,
    #[serde(default)]
    spec: Option<Spec>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Meta {
    uid: String,
    resource_version: String,
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    holder_identity: Option<String>,
    lease_transitions: Option<u32>,
    lease_duration_seconds: Option<u32>,
    acquire_time: Option<Timestamp>,
    renew_time: Option<Timestamp>,
}

fn read(object: &Value) -> Option<Lease> {
    let Object { metadata, spec } = Object::deserialize(object).ok()?;
    let spec = spec.unwrap_or_default();
    let ours = |(key, _): &(String, String)| key.starts_with(OURS);
    Some(Lease {
        uid: Uid::from(metadata.uid.as_str()),
        revision: metadata.resource_version.parse().ok()?,
        spec: LeaseSpec {
            // client-go writes an empty holder where it gives a lease up.
            holder: spec.holder_identity.filter(|holder| !holder.is_empty()),
            transitions: spec.lease_transitions.unwrap_or(0),
            duration_s: spec.lease_duration_seconds.unwrap_or(0),
            acquired: spec.acquire_time,
            renewed: spec.renew_time,
            annotations: metadata
                .annotations
                .unwrap_or_default()
                .into_iter()
                .filter(ours)
                .collect(),
        },
    })
}

/// Writes the spec and our annotations; leaves the rest as it is.
fn write_into(object: &mut Value, spec: &LeaseSpec) {
    let micro = |time: Timestamp| json!(format!("{time:.6}"));
    let wanted = [
        ("holderIdentity", spec.holder.as_ref().map(|it| json!(it))),
        ("leaseTransitions", Some(json!(spec.transitions))),
        ("leaseDurationSeconds", Some(json!(spec.duration_s))),
        ("acquireTime", spec.acquired.map(micro)),
        ("renewTime", spec.renewed.map(micro)),
    ];
    let written = map(object, "spec");
    for (key, value) in wanted {
        match value {
            Some(value) => written.insert(key.into(), value),
            None => written.remove(key),
        };
    }
    let mut metadata = Value::Object(std::mem::take(map(object, "metadata")));
    let annotations = map(&mut metadata, "annotations");
    annotations.retain(|key, _| !key.starts_with(OURS));
    for (key, value) in &spec.annotations {
        annotations.insert(key.clone(), json!(value));
    }
    object["metadata"] = metadata;
}

/// The object in that field, made where there is none.
fn map<'a>(object: &'a mut Value, field: &str) -> &'a mut Map<String, Value> {
    let value = &mut object[field];
    if !value.is_object() {
        *value = json!({});
    }
    match value {
        Value::Object(map) => map,
        _ => unreachable!("made an object just before"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> LeaseSpec {
        LeaseSpec {
            holder: None,
            transitions: 3,
            duration_s: 15,
            acquired: None,
            renewed: Some("2026-11-22T21:00:00.5Z".parse().expect("a time")),
            annotations: BTreeMap::from([("evenkeel.dev/halted".into(), "true".into())]),
        }
    }

    #[test]
    fn a_replace_keeps_what_is_not_ours() {
        let mut object = json!({
            "metadata": {"uid": "u", "resourceVersion": "4", "labels": {"a": "b"},
                "annotations": {"theirs": "kept", "evenkeel.dev/old": "dropped"}},
            "spec": {"holderIdentity": "me", "strategy": "kept", "acquireTime": "2026-11-22T21:00:00.000000Z"},
        });
        write_into(&mut object, &spec());
        assert_eq!(
            object,
            json!({
                "metadata": {"uid": "u", "resourceVersion": "4", "labels": {"a": "b"},
                    "annotations": {"theirs": "kept", "evenkeel.dev/halted": "true"}},
                "spec": {"strategy": "kept", "leaseTransitions": 3, "leaseDurationSeconds": 15,
                    "renewTime": "2026-11-22T21:00:00.500000Z"},
            })
        );
        let lease = read(&object).expect("a lease");
        assert_eq!(lease.spec, spec());
    }
}
