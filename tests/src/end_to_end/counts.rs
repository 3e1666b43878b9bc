//! What the audit log says of a fleet: which creates there were, and how fast.

use crate::control_plane::AuditEvent;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// A create of a pod: when it came, when it was answered, with what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Creates {
    /// The pod.
    pub name: String,
    /// When it came to the server.
    pub requested: Timestamp,
    /// When it was answered.
    pub answered: Timestamp,
    /// The HTTP status code.
    pub code: u16,
    /// Who asked.
    pub user: String,
}

/// All POSTs of pods in the namespace, whatever came of them, in order of their coming.
#[must_use]
pub fn creates(audit: &[AuditEvent], namespace: &str) -> Vec<Creates> {
    let mut creates: Vec<_> = audit
        .iter()
        .filter(|event| {
            event.verb == "create"
                && event.resource() == "pods"
                && event.subresource().is_empty()
                && event.namespace() == namespace
        })
        .map(|event| Creates {
            name: event.name().to_owned(),
            requested: event.requested,
            answered: event.answered,
            code: event.code(),
            user: event.user().to_owned(),
        })
        .collect();
    creates.sort_by_key(|create| create.requested);
    creates
}

/// Those that made a pod.
#[must_use]
pub fn created(audit: &[AuditEvent], namespace: &str) -> Vec<Creates> {
    let mut creates = creates(audit, namespace);
    creates.retain(|create| create.code == 201);
    creates
}

/// The names among them.
#[must_use]
pub fn names(creates: &[Creates]) -> BTreeSet<&str> {
    creates.iter().map(|create| &*create.name).collect()
}

/// The names that were made more than once.
#[must_use]
pub fn doubled(created: &[Creates]) -> Vec<&str> {
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for create in created {
        *times.entry(&create.name).or_default() += 1;
    }
    times.retain(|_, times| *times > 1);
    times.into_keys().collect()
}

/// From the coming of the first to the answer of the last, in seconds.
#[must_use]
pub fn rate(created: &[Creates]) -> Option<f64> {
    let first = created.iter().map(|create| create.requested).min()?;
    let last = created.iter().map(|create| create.answered).max()?;
    Some(last.duration_since(first).as_secs_f64())
}

/// Creates a second, from the coming of the first to the answer of the last.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "a few thousand pods")]
pub fn per_second(created: &[Creates]) -> f64 {
    rate(created).map_or(0.0, |seconds| created.len() as f64 / seconds)
}
