//! The executors' owner (LIVE-3): from what the user names to the reference that pods carry.

use super::{
    config,
    wire::{Unread, Wire, encode},
};
use crate::api::{
    owner::Owner,
    pod::{Metadata, OwnerReference},
};
use evenkeel_core::input::Failure;
use serde::Deserialize;

/// Why there is no such owner: whose fault that is, and the way out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OwnerError {
    /// `owner: driver`, outside a pod.
    #[error(
        "owner: driver is the pod that this runs in, and this is none; name another owner, or none"
    )]
    NotInPod,
    /// An owner must be in its executors' namespace: the cluster collects what has one elsewhere at once.
    #[error(
        "the driver's pod is in namespace {own:?} and its executors would be in {fleet:?}; an owner must be in the same namespace"
    )]
    OtherNamespace {
        /// The driver's.
        own: String,
        /// The executors'.
        fleet: String,
    },
    /// The kind is none of those known, and no `api_version` was given.
    #[error(
        "owner kind {kind:?} is none of {}; give its api_version too",
        known_kinds()
    )]
    UnknownKind {
        /// The kind.
        kind: String,
    },
    /// The server has no such kind, or not in namespaces.
    #[error("the server has no kind {kind:?} in {api_version:?} that lives in namespaces")]
    NoSuchKind {
        /// The kind.
        kind: String,
        /// Where it was looked for.
        api_version: String,
    },
    /// There is no such object.
    #[error("there is no {kind} {name:?} in namespace {namespace:?} to own the executors")]
    Missing {
        /// Its kind.
        kind: String,
        /// Its name.
        name: String,
        /// Where it was looked for.
        namespace: String,
    },
    /// It may not be read.
    #[error(
        "the {kind} {name:?} may not be read in namespace {namespace:?}: grant `get` on it, or name no owner"
    )]
    Forbidden {
        /// Its kind.
        kind: String,
        /// Its name.
        name: String,
        /// Where it is.
        namespace: String,
    },
    /// The request failed.
    #[error("the {kind} {name:?} could not be read: {why:?}")]
    Failed {
        /// Its kind.
        kind: String,
        /// Its name.
        name: String,
        /// What went wrong.
        why: Failure,
    },
}

/// Kinds that need no `api_version`: the kind, where it is, and its plural.
const KNOWN: [(&str, &str, &str); 7] = [
    ("Pod", "v1", "pods"),
    ("ConfigMap", "v1", "configmaps"),
    ("Service", "v1", "services"),
    ("Deployment", "apps/v1", "deployments"),
    ("StatefulSet", "apps/v1", "statefulsets"),
    ("ReplicaSet", "apps/v1", "replicasets"),
    ("Job", "batch/v1", "jobs"),
];

fn known_kinds() -> String {
    KNOWN.map(|(kind, ..)| kind).join(", ")
}

/// The name of the pod that this process runs in, by `POD_NAME` or else its host name; None outside a cluster.
#[must_use]
pub fn driver_pod() -> Option<String> {
    if !config::in_cluster() {
        return None;
    }
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    set("POD_NAME").or_else(|| set("HOSTNAME")).or_else(|| {
        let name = std::fs::read_to_string("/etc/hostname").ok()?;
        Some(name.trim().to_owned())
    })
}

pub(super) async fn resolve(
    wire: &Wire,
    namespace: &str,
    owner: &Owner,
) -> Result<Option<OwnerReference>, OwnerError> {
    let (api_version, kind, name) = match owner {
        Owner::None => return Ok(None),
        Owner::Driver => {
            let name = driver_pod().ok_or(OwnerError::NotInPod)?;
            match config::own_namespace() {
                Some(own) if own != namespace => {
                    return Err(OwnerError::OtherNamespace {
                        own,
                        fleet: namespace.into(),
                    });
                }
                _ => (None, "Pod".to_owned(), name),
            }
        }
        Owner::Object {
            api_version,
            kind,
            name,
        } => (api_version.as_deref(), kind.clone(), name.clone()),
    };
    let (api_version, plural) = place(wire, api_version, &kind).await?;
    let path = format!(
        "{}/namespaces/{}/{}/{}",
        root(&api_version),
        encode(namespace),
        encode(&plural),
        encode(&name)
    );
    let failed = |why| OwnerError::Failed {
        kind: kind.clone(),
        name: name.clone(),
        why,
    };
    let body = match wire.read("get", &path).await {
        Ok((body, _)) => body,
        Err(Unread::Refused(refused)) if refused.code == 404 => {
            return Err(OwnerError::Missing {
                kind,
                name,
                namespace: namespace.into(),
            });
        }
        Err(Unread::Refused(refused)) if refused.code == 403 => {
            return Err(OwnerError::Forbidden {
                kind,
                name,
                namespace: namespace.into(),
            });
        }
        Err(unread) => return Err(failed(unread.failure())),
    };
    #[derive(Deserialize)]
    struct Object {
        metadata: Metadata,
    }
    match serde_json::from_slice::<Object>(&body) {
        Ok(object) if !object.metadata.uid.is_empty() => Ok(Some(OwnerReference {
            api_version,
            kind,
            name,
            uid: object.metadata.uid,
        })),
        _ => Err(failed(Failure::Undecodable)),
    }
}

/// The kind's API version and plural: from the table, else by asking the server.
async fn place(
    wire: &Wire,
    api_version: Option<&str>,
    kind: &str,
) -> Result<(String, String), OwnerError> {
    let known = KNOWN.iter().find(|(known, home, _)| {
        *known == kind && api_version.is_none_or(|api_version| api_version == *home)
    });
    if let Some((_, home, plural)) = known {
        return Ok(((*home).into(), (*plural).into()));
    }
    let api_version = api_version.ok_or_else(|| OwnerError::UnknownKind { kind: kind.into() })?;
    let no_such = || OwnerError::NoSuchKind {
        kind: kind.into(),
        api_version: api_version.into(),
    };
    #[derive(Deserialize)]
    struct Resources {
        resources: Vec<Resource>,
    }
    #[derive(Deserialize)]
    struct Resource {
        name: String,
        kind: String,
        namespaced: bool,
    }
    let (body, _) = match wire.read("get", &root(api_version)).await {
        Ok(read) => read,
        Err(Unread::Refused(refused)) if refused.code == 404 => return Err(no_such()),
        Err(unread) => {
            return Err(OwnerError::Failed {
                kind: kind.into(),
                name: api_version.into(),
                why: unread.failure(),
            });
        }
    };
    let resources: Resources = serde_json::from_slice(&body).map_err(|_| no_such())?;
    resources
        .resources
        .into_iter()
        // `pods/status` has the kind Pod too.
        .find(|it| it.kind == kind && it.namespaced && !it.name.contains('/'))
        .map(|it| (api_version.to_owned(), it.name))
        .ok_or_else(no_such)
}

/// `/api/v1`, or `/apis/apps/v1`.
fn root(api_version: &str) -> String {
    match api_version.split_once('/') {
        Some((group, version)) => format!("/apis/{}/{}", encode(group), encode(version)),
        None => format!("/api/{}", encode(api_version)),
    }
}
