//! The pod of one executor, from its group's template.

use super::{ClaimMount, PodTemplate, claim};
use crate::api::{labels, pod::OwnerReference};
use evenkeel_core::{ExecutorId, Group, Name};
use serde_json::{Value, json};

/// Where the pods of a group belong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The fleet.
    pub fleet: Name,
    /// The group.
    pub group: Group,
    /// The executors' only owner, with which the cluster collects them (LIVE-3).
    pub owner: Option<OwnerReference>,
    /// Where executors find their engine: `EVENKEEL_URL`.
    pub url: Option<String>,
    /// The claim that the pod uses (CLAIM).
    pub claim: Option<ClaimMount>,
}

impl Place {
    /// Writes the owner into an object's metadata.
    pub(super) fn set_owner(&self, metadata: &mut Value) {
        if let Some(owner) = &self.owner {
            metadata["ownerReferences"] = json!([{
                "apiVersion": owner.api_version,
                "kind": owner.kind,
                "name": owner.name,
                "uid": owner.uid,
                "controller": true,
                "blockOwnerDeletion": false,
            }]);
        }
    }
}

impl PodTemplate {
    /// The pod of that executor, as JSON for the API server.
    #[must_use]
    pub fn manifest(&self, place: &Place, executor: ExecutorId) -> String {
        self.manifest_as(place, executor, self.hash())
    }

    /// The pod of that executor, labelled as made from the template of that hash.
    pub(super) fn manifest_as(&self, place: &Place, executor: ExecutorId, hash: u64) -> String {
        let mut pod = Value::clone(self.value());
        pod["apiVersion"] = "v1".into();
        pod["kind"] = "Pod".into();
        let metadata = &mut pod["metadata"];
        metadata["name"] = (*executor.pod_name(&place.fleet)).into();
        let id = executor.to_string();
        let ours = [
            (labels::FLEET, &*place.fleet),
            (labels::GROUP, &*place.group),
            (labels::EXECUTOR, &id),
            (labels::TEMPLATE, &labels::template_value(hash)),
            labels::MANAGED_BY,
        ];
        for (key, value) in ours {
            metadata["labels"][key] = value.into();
        }
        place.set_owner(metadata);
        if let Some(mount) = &place.claim {
            claim::mount(&mut pod, self.main_container(), mount);
        }
        let mut variables = vec![
            ("EVENKEEL_FLEET", &*place.fleet),
            ("EVENKEEL_GROUP", &*place.group),
            ("EVENKEEL_EXECUTOR_ID", &id),
        ];
        variables.extend(place.url.as_deref().map(|url| ("EVENKEEL_URL", url)));
        for key in ["initContainers", "containers"] {
            let containers = pod["spec"].get_mut(key).and_then(Value::as_array_mut);
            for container in containers.into_iter().flatten() {
                complete(container, &variables);
            }
        }
        pod.to_string()
    }
}

/// Writes into a container what every one of ours has.
fn complete(container: &mut Value, variables: &[(&str, &str)]) {
    // Ours come first, so that the user's may refer to them as $(EVENKEEL_GROUP).
    let ours = variables
        .iter()
        .map(|(name, value)| json!({"name": name, "value": value}));
    let theirs = container["env"].as_array().into_iter().flatten();
    let kept = theirs.filter(|entry| variables.iter().all(|(name, _)| entry["name"] != **name));
    container["env"] = ours.chain(kept.cloned()).collect();
    let policy = &mut container["terminationMessagePolicy"];
    if policy.is_null() {
        *policy = "FallbackToLogsOnError".into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(template: Value, place: &Place) -> Value {
        let template = PodTemplate::from_value(template).expect("a good template");
        let text = template.manifest(place, ExecutorId::new(2, 17));
        serde_json::from_str(&text).expect("JSON")
    }

    fn place() -> Place {
        Place {
            fleet: "demo".into(),
            group: "small".into(),
            owner: None,
            url: None,
            claim: None,
        }
    }

    #[test]
    fn a_pod_is_the_template_and_what_is_ours() {
        let template = json!({
            "metadata": {"labels": {"team": "blue"}, "annotations": {"note": "x"}},
            "spec": {"containers": [{"name": "a", "image": "i"}], "priorityClassName": "low"},
        });
        let hash = PodTemplate::from_value(template.clone())
            .expect("good")
            .hash();
        assert_eq!(
            pod(template, &place()),
            json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "name": "demo-exec-2-17",
                "labels": {"team": "blue", "evenkeel.dev/fleet": "demo", "evenkeel.dev/group": "small",
                    "evenkeel.dev/executor": "2-17", "evenkeel.dev/template": format!("{hash:016x}"),
                    "app.kubernetes.io/managed-by": "evenkeel"},
                "annotations": {"note": "x", "kubectl.kubernetes.io/default-container": "a"},
            },
            "spec": {"restartPolicy": "Never", "priorityClassName": "low", "containers": [{
                "name": "a", "image": "i", "terminationMessagePolicy": "FallbackToLogsOnError",
                "env": [{"name": "EVENKEEL_FLEET", "value": "demo"}, {"name": "EVENKEEL_GROUP", "value": "small"},
                    {"name": "EVENKEEL_EXECUTOR_ID", "value": "2-17"}],
            }]}})
        );
    }

    #[test]
    fn ours_win_and_theirs_are_kept_in_every_container() {
        let env = json!([{"name": "EVENKEEL_GROUP", "value": "mine"}, {"name": "A", "value": "b"},
            {"name": "EVENKEEL_URL", "value": "http://other"}]);
        let container = |name| json!({"name": name, "image": "i", "env": env, "terminationMessagePolicy": "File"});
        let template = json!({"spec": {"containers": [container("a"), container("b")], "initContainers": [container("c")]}});
        let place = Place {
            url: Some("http://engine:1".to_owned()),
            ..place()
        };
        let pod = pod(template, &place);
        for at in [
            "/spec/containers/0",
            "/spec/containers/1",
            "/spec/initContainers/0",
        ] {
            let container = pod.pointer(at).expect("there");
            assert_eq!(container["terminationMessagePolicy"], "File");
            let env: Vec<_> = container["env"]
                .as_array()
                .expect("a list")
                .iter()
                .map(|entry| {
                    format!(
                        "{}={}",
                        entry["name"].as_str().unwrap_or("?"),
                        entry["value"].as_str().unwrap_or("?")
                    )
                })
                .collect();
            assert_eq!(
                env,
                [
                    "EVENKEEL_FLEET=demo",
                    "EVENKEEL_GROUP=small",
                    "EVENKEEL_EXECUTOR_ID=2-17",
                    "EVENKEEL_URL=http://engine:1",
                    "A=b"
                ]
            );
        }
    }

    #[test]
    fn the_owner_is_the_only_one() {
        let owner = OwnerReference {
            api_version: "v1".to_owned(),
            kind: "Pod".to_owned(),
            name: "driver".to_owned(),
            uid: "u-1".to_owned(),
        };
        let place = Place {
            owner: Some(owner),
            ..place()
        };
        let pod = pod(
            json!({"spec": {"containers": [{"name": "a", "image": "i"}]}}),
            &place,
        );
        assert_eq!(
            pod["metadata"]["ownerReferences"],
            json!([{"apiVersion": "v1", "kind": "Pod", "name": "driver", "uid": "u-1",
                "controller": true, "blockOwnerDeletion": false}])
        );
    }
}
