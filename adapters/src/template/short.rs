//! The short form of a pod template: one container, and what most executors need.

use super::{PodTemplate, TemplateError};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The name of the container in the short form.
pub(super) const CONTAINER: &str = "executor";

/// One container named `executor`, under the rules of Pod Security's `restricted` as far as any image can keep them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShortTemplate {
    /// The image.
    pub image: String,
    /// What to run, in place of the image's entry point.
    pub command: Vec<String>,
    /// Its arguments.
    pub args: Vec<String>,
    /// The environment.
    pub env: BTreeMap<String, String>,
    /// What it needs.
    pub resources: ShortResources,
}

/// What one executor needs, as Kubernetes quantities.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShortResources {
    /// Requested, not limited: spare cores may be used.
    pub cpu: Option<String>,
    /// Requested, and the limit as well: memory can't be taken back.
    pub memory: Option<String>,
}

impl TryFrom<&ShortTemplate> for PodTemplate {
    type Error = TemplateError;

    /// # Errors
    /// A quantity or a variable's name is none, or the image is empty.
    fn try_from(short: &ShortTemplate) -> Result<Self, TemplateError> {
        let mut container = json!({
            "name": CONTAINER,
            "image": short.image,
            // `runAsNonRoot` is left to full templates: many images run as root and would not start.
            "securityContext": {
                "allowPrivilegeEscalation": false,
                "capabilities": {"drop": ["ALL"]},
                "seccompProfile": {"type": "RuntimeDefault"},
            },
        });
        if !short.command.is_empty() {
            container["command"] = short.command.as_slice().into();
        }
        if !short.args.is_empty() {
            container["args"] = short.args.as_slice().into();
        }
        if !short.env.is_empty() {
            let variable = |(name, value)| json!({"name": name, "value": value});
            container["env"] = short.env.iter().map(variable).collect();
        }
        let mut requests = Map::new();
        if let Some(cpu) = &short.resources.cpu {
            requests.insert("cpu".to_owned(), cpu.as_str().into());
        }
        if let Some(memory) = &short.resources.memory {
            requests.insert("memory".to_owned(), memory.as_str().into());
            container["resources"]["limits"]["memory"] = memory.as_str().into();
        }
        if !requests.is_empty() {
            container["resources"]["requests"] = Value::Object(requests);
        }
        Self::from_value(json!({"spec": {"containers": [container]}}))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_form_becomes_one_container() {
        let short = ShortTemplate {
            image: "worker:1".to_owned(),
            command: vec!["worker".to_owned()],
            args: vec!["--fast".to_owned()],
            env: BTreeMap::from([("LEVEL".to_owned(), "info".to_owned())]),
            resources: ShortResources {
                cpu: Some("500m".to_owned()),
                memory: Some("1Gi".to_owned()),
            },
        };
        let template = PodTemplate::try_from(&short).expect("a good template");
        assert_eq!(template.main_container(), "executor");
        assert_eq!(
            template.value()["spec"],
            json!({"restartPolicy": "Never", "containers": [{
                "name": "executor", "image": "worker:1", "command": ["worker"], "args": ["--fast"],
                "env": [{"name": "LEVEL", "value": "info"}],
                "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"memory": "1Gi"}},
                "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]},
                    "seccompProfile": {"type": "RuntimeDefault"}},
            }]})
        );
    }

    #[test]
    fn what_is_not_given_is_not_written() {
        let short = ShortTemplate {
            image: "worker:1".to_owned(),
            ..ShortTemplate::default()
        };
        let template = PodTemplate::try_from(&short).expect("a good template");
        let container = &template.value()["spec"]["containers"][0];
        for key in ["command", "args", "env", "resources"] {
            assert!(container.get(key).is_none(), "{key}");
        }
    }
}
