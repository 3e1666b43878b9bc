//! The API server's audit log: what it was asked, by whom, when, and with what result.

use jiff::Timestamp;
use serde::Deserialize;
use std::path::Path;

/// One request for pods or leases, as the API server saw it end (a watch: also begin).
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditEvent {
    /// `ResponseComplete`, or `ResponseStarted` for a watch that goes on.
    pub stage: String,
    /// Kubernetes' verb: `create`, `delete`, `get`, `list`, `patch`, `update`, `watch`.
    pub verb: String,
    /// Path and query.
    #[serde(rename = "requestURI")]
    pub request_uri: String,
    /// The client's `User-Agent`.
    #[serde(default)]
    pub user_agent: String,
    user: User,
    #[serde(default)]
    object_ref: ObjectRef,
    #[serde(default)]
    response_status: ResponseStatus,
    /// When it came.
    #[serde(rename = "requestReceivedTimestamp")]
    pub requested: Timestamp,
    /// When this stage was reached.
    #[serde(rename = "stageTimestamp")]
    pub answered: Timestamp,
}

/// Empty where the server did not know who it was.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct User {
    username: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct ObjectRef {
    resource: String,
    namespace: String,
    name: String,
    subresource: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct ResponseStatus {
    code: u16,
}

impl AuditEvent {
    /// `pods` or `leases`.
    #[must_use]
    pub fn resource(&self) -> &str {
        &self.object_ref.resource
    }

    /// `status`, `binding`, `eviction`, or nothing.
    #[must_use]
    pub fn subresource(&self) -> &str {
        &self.object_ref.subresource
    }

    /// The object's namespace.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.object_ref.namespace
    }

    /// The object's name; nothing for lists.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.object_ref.name
    }

    /// The HTTP status code of the answer.
    #[must_use]
    pub fn code(&self) -> u16 {
        self.response_status.code
    }

    /// Who asked.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user.username
    }
}

/// Reads what is there. The last line may be half written.
pub(super) fn read(path: &Path) -> Vec<AuditEvent> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole
        .lines()
        .map(|line| {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("audit log: {error}: {line}"))
        })
        .collect()
}
