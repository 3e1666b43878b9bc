//! A persistent volume claim: the part of it that a fleet looks at (CLAIM).

use super::{
    labels,
    pod::{Metadata, Resources},
    quantity::Quantity,
};
use evenkeel_core::{
    Name, Uid,
    input::{ClaimView, Outcome},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The volume by which an executor's pod uses its claim. A template has none of that name.
pub const VOLUME: &str = "evenkeel-claim";
/// What holds a claim that is in use: it goes when no pod uses it any more.
pub const PROTECTION: &str = "kubernetes.io/pvc-protection";

/// A persistent volume claim.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Claim {
    /// Who it is.
    pub metadata: Metadata,
    /// What it was asked to be.
    pub spec: ClaimSpec,
}

/// A claim's `spec`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs, reason = "the fields are Kubernetes' own")]
pub struct ClaimSpec {
    pub access_modes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_class_name: Option<String>,
    pub resources: Resources,
}

impl Claim {
    /// Whether it is that fleet's.
    #[must_use]
    pub fn is_of(&self, fleet: &str) -> bool {
        let its = self.metadata.labels.get(labels::FLEET);
        its.is_some_and(|its| its == fleet)
    }

    /// The answer to the making of a claim under this one's name: done, where it is that fleet's own and not on its way
    /// out; else the name is not to be used.
    #[must_use]
    pub fn taken(&self, fleet: &str) -> Outcome {
        let meta = &self.metadata;
        if !self.is_of(fleet) || meta.deletion_timestamp.is_some() {
            return Outcome::Exists(None);
        }
        Outcome::Done {
            revision: meta.resource_version.parse().ok(),
            uid: Some(&*meta.uid)
                .filter(|uid| !uid.is_empty())
                .map(Uid::from),
        }
    }

    /// The view of it that its fleet keeps, at `server_now` by the server's own clock; None where it has no name, no
    /// group or no size.
    #[must_use]
    pub fn view(&self, server_now: Timestamp) -> Option<ClaimView> {
        let meta = &self.metadata;
        let size = self.spec.resources.requests.get("storage")?;
        Some(ClaimView {
            name: Some(&*meta.name).filter(|name| !name.is_empty())?.into(),
            revision: meta.resource_version.parse().ok()?,
            group: meta.labels.get(labels::GROUP)?.as_str().into(),
            // An empty one says that there is none, not that the default will do.
            class: self.spec.storage_class_name.as_deref().map(Name::from),
            bytes: size.parse::<Quantity>().ok()?.bytes()?,
            age_ms: meta.age_ms(server_now),
            deleting: meta.deletion_timestamp.is_some(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn claim(of: serde_json::Value) -> Claim {
        serde_json::from_value(of).expect("a claim")
    }

    #[test]
    fn a_claim_is_seen_as_the_fleet_needs_it() {
        let now: Timestamp = "2026-01-01T00:01:00Z".parse().expect("a time");
        let whole = claim(json!({
            "metadata": {
                "name": "c", "resourceVersion": "7", "uid": "u", "creationTimestamp": "2026-01-01T00:00:00Z",
                "deletionTimestamp": "2026-01-01T00:00:30Z",
                "labels": {"evenkeel.dev/fleet": "f", "evenkeel.dev/group": "g"},
            },
            "spec": {"storageClassName": "", "resources": {"requests": {"storage": "1.5Ki"}}},
            "status": {"phase": "Bound"},
        }));
        assert!(whole.is_of("f") && !whole.is_of("g"));
        assert_eq!(whole.taken("f"), Outcome::Exists(None), "it is going");
        let mut stays = whole.clone();
        stays.metadata.deletion_timestamp = None;
        assert_eq!(stays.taken("g"), Outcome::Exists(None), "a stranger's");
        let (revision, uid) = ("7".parse().ok(), Some("u".into()));
        assert_eq!(stays.taken("f"), Outcome::Done { revision, uid });
        let view = whole.view(now).expect("a view");
        assert_eq!((&*view.name, view.revision.get()), ("c", 7));
        assert_eq!((&*view.group, view.class.as_deref()), ("g", Some("")));
        assert_eq!(
            (view.bytes, view.age_ms, view.deleting),
            (1536, 60_000, true)
        );
    }

    #[test]
    fn what_lacks_a_group_or_a_size_is_none_of_ours() {
        let labels = json!({"evenkeel.dev/fleet": "f"});
        let meta = |labels| json!({"name": "c", "resourceVersion": "7", "labels": labels});
        let size = json!({"resources": {"requests": {"storage": "1Gi"}}});
        let groupless = claim(json!({"metadata": meta(labels), "spec": size}));
        assert_eq!(groupless.view(Timestamp::UNIX_EPOCH), None);
        let labels = json!({"evenkeel.dev/fleet": "f", "evenkeel.dev/group": "g"});
        for size in [
            json!({}),
            json!({"resources": {"requests": {"storage": "much"}}}),
        ] {
            let odd = claim(json!({"metadata": meta(labels.clone()), "spec": size}));
            assert_eq!(odd.view(Timestamp::UNIX_EPOCH), None);
        }
    }
}
