//! The claims of a group's executors: what they are made from, and where pods mount them (CLAIM).

use super::{Place, PodTemplate};
use crate::api::{claim::VOLUME, labels, quantity::binary};
use evenkeel_core::{Name, config::Claims};
use serde_json::{Value, json};

/// Where the main container finds its claim where nobody says.
pub const CLAIM_PATH: &str = "/data";

/// A claim that a pod is to use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimMount {
    /// The claim's name.
    pub claim: Name,
    /// Where the main container finds it.
    pub path: String,
}

/// Why pods of a template can't mount a claim at a path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimPathError {
    /// It is no place for a volume.
    #[error("{0:?} is no place for a claim; write an absolute path below /, as /data")]
    NotAbsolute(String),
    /// The template mounts something else there.
    #[error(
        "container {container:?} of the template mounts {volume:?} at {path}; write another path"
    )]
    Taken {
        /// The path.
        path: String,
        /// The container.
        container: String,
        /// What it mounts there.
        volume: String,
    },
}

impl PodTemplate {
    /// Whether pods of this template can mount a claim at that path. One that mounts it for itself, as the volume
    /// `evenkeel-claim`, is not asked.
    ///
    /// # Errors
    /// They can't, and why.
    pub fn check_claim_path(&self, path: &str) -> Result<(), ClaimPathError> {
        let below_root = path
            .strip_prefix('/')
            .is_some_and(|rest| rest.bytes().any(|byte| byte != b'/'));
        if !below_root || path.contains(':') {
            return Err(ClaimPathError::NotAbsolute(path.to_owned()));
        }
        if mounts_claim(self.value()) {
            return Ok(());
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut main = containers(self.value(), "containers")
            .filter(|container| container["name"] == self.main_container())
            .flat_map(mounts);
        match main.find(|mount| mount["mountPath"] == path) {
            None => Ok(()),
            Some(mount) => Err(ClaimPathError::Taken {
                path: path.to_owned(),
                container: self.main_container().to_owned(),
                volume: text(&mount["name"]),
            }),
        }
    }
}

/// Gives the pod its claim. A template that mounts it for itself has the last word on where.
pub(super) fn mount(pod: &mut Value, main: &str, mount: &ClaimMount) {
    let theirs = mounts_claim(pod);
    let spec = &mut pod["spec"];
    let volume = json!({"name": VOLUME, "persistentVolumeClaim": {"claimName": &*mount.claim}});
    push(&mut spec["volumes"], volume);
    let containers = spec["containers"].as_array_mut();
    for container in containers.into_iter().flatten() {
        if !theirs && container["name"] == main {
            let ours = json!({"name": VOLUME, "mountPath": mount.path});
            push(&mut container["volumeMounts"], ours);
        }
    }
}

/// The claim of that name, as JSON for the API server.
pub(crate) fn claim_manifest(place: &Place, name: &str, claims: &Claims) -> String {
    let mut claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": name,
            "labels": {
                labels::FLEET: &*place.fleet, labels::GROUP: &*place.group,
                labels::MANAGED_BY.0: labels::MANAGED_BY.1,
            },
        },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": binary(claims.bytes)}},
        },
    });
    if let Some(class) = &claims.class {
        claim["spec"]["storageClassName"] = (**class).into();
    }
    place.set_owner(&mut claim["metadata"]);
    claim.to_string()
}

fn containers<'a>(pod: &'a Value, list: &str) -> impl Iterator<Item = &'a Value> {
    pod["spec"][list].as_array().into_iter().flatten()
}

fn mounts(container: &Value) -> impl Iterator<Item = &Value> {
    container["volumeMounts"].as_array().into_iter().flatten()
}

fn mounts_claim(pod: &Value) -> bool {
    let mut all = ["containers", "initContainers"]
        .into_iter()
        .flat_map(|list| containers(pod, list))
        .flat_map(mounts);
    all.any(|mount| mount["name"] == VOLUME)
}

fn push(list: &mut Value, item: Value) {
    match list {
        Value::Array(items) => items.push(item),
        other => *other = json!([item]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::pod::OwnerReference;
    use evenkeel_core::ExecutorId;

    fn template(spec: Value) -> PodTemplate {
        PodTemplate::from_value(json!({ "spec": spec })).expect("a good template")
    }

    fn place() -> Place {
        Place {
            fleet: "demo".into(),
            group: "small".into(),
            owner: None,
            url: None,
            claim: Some(ClaimMount {
                claim: "demo-claim-1-1".into(),
                path: "/scratch".into(),
            }),
        }
    }

    fn pod(spec: Value) -> Value {
        let text = template(spec).manifest(&place(), ExecutorId::new(1, 1));
        serde_json::from_str(&text).expect("JSON")
    }

    fn ours() -> Value {
        json!({"name": "evenkeel-claim", "persistentVolumeClaim": {"claimName": "demo-claim-1-1"}})
    }

    #[test]
    fn the_main_container_mounts_the_claim() {
        let pod = pod(json!({
            "containers": [
                {"name": "main", "image": "i", "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}]},
                {"name": "side", "image": "i"},
            ],
            "volumes": [{"name": "tmp", "emptyDir": {}}],
        }));
        let spec = &pod["spec"];
        assert_eq!(
            spec["volumes"],
            json!([{"name": "tmp", "emptyDir": {}}, ours()])
        );
        assert_eq!(
            spec["containers"][0]["volumeMounts"],
            json!([{"name": "tmp", "mountPath": "/tmp"}, {"name": "evenkeel-claim", "mountPath": "/scratch"}])
        );
        assert_eq!(spec["containers"][1].get("volumeMounts"), None);
    }

    #[test]
    fn a_template_that_mounts_it_for_itself_has_the_last_word() {
        let theirs = json!([{"name": "evenkeel-claim", "mountPath": "/shuffle", "subPath": "a"}]);
        for list in ["containers", "initContainers"] {
            let mut spec = json!({"containers": [{"name": "main", "image": "i"}]});
            let mut other = json!({"name": "other", "image": "i"});
            other["volumeMounts"] = theirs.clone();
            push(&mut spec[list], other);
            assert_eq!(template(spec.clone()).check_claim_path("/a"), Ok(()));
            let pod = pod(spec);
            assert_eq!(pod["spec"]["volumes"], json!([ours()]));
            assert_eq!(pod["spec"]["containers"][0].get("volumeMounts"), None);
            let last = pod["spec"][list].as_array().and_then(|all| all.last());
            assert_eq!(last.map(|it| &it["volumeMounts"]), Some(&theirs));
        }
    }

    #[test]
    fn a_path_must_be_absolute_and_free() {
        let mounts = json!([{"name": "tmp", "mountPath": "/data"}]);
        let template = template(json!({
            "containers": [{"name": "main", "image": "i", "volumeMounts": mounts}, {"name": "side", "image": "i"}],
            "volumes": [{"name": "tmp", "emptyDir": {}}],
        }));
        for path in ["", "data", "./data", "/", "//", "/a:b"] {
            let error = template.check_claim_path(path).expect_err("no place");
            assert!(error.to_string().contains("absolute path"), "{error}");
        }
        let error = template.check_claim_path("/data").expect_err("taken");
        let line = r#"container "main" of the template mounts "tmp" at /data; write another path"#;
        assert_eq!(error.to_string(), line);
        assert_eq!(template.check_claim_path("/data/claim"), Ok(()));
        let side = template.with_main_container("side").expect("it has one");
        assert_eq!(side.check_claim_path("/data"), Ok(()));
    }

    #[test]
    fn a_claim_is_as_the_config_says_and_owned_as_the_pods_are() {
        let claims = Claims {
            bytes: 10 << 30,
            class: None,
            reuse: true,
            wait: false,
        };
        let made = |place: &Place, claims: &Claims| -> Value {
            let text = claim_manifest(place, "demo-claim-1-1", claims);
            serde_json::from_str(&text).expect("JSON")
        };
        let labels = json!({"evenkeel.dev/fleet": "demo", "evenkeel.dev/group": "small",
            "app.kubernetes.io/managed-by": "evenkeel"});
        assert_eq!(
            made(&place(), &claims),
            json!({
                "apiVersion": "v1", "kind": "PersistentVolumeClaim",
                "metadata": {"name": "demo-claim-1-1", "labels": labels},
                "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}},
            })
        );
        let owner = OwnerReference {
            api_version: "v1".to_owned(),
            kind: "Pod".to_owned(),
            name: "driver".to_owned(),
            uid: "u-1".to_owned(),
        };
        let owned = Place {
            owner: Some(owner),
            ..place()
        };
        let class = Some("fast".into());
        let claim = made(&owned, &Claims { class, ..claims });
        assert_eq!(claim["spec"]["storageClassName"], "fast");
        assert_eq!(claim["metadata"]["ownerReferences"][0]["uid"], "u-1");
    }
}
