//! Pod templates, and the pods made from them.

mod check;
mod claim;
mod manifest;
mod many;
pub mod names;
pub mod path;
mod short;

pub use check::{TemplateError, TemplateProblem};
pub use claim::{CLAIM_PATH, ClaimMount, ClaimPathError};
pub use manifest::Place;
pub use many::{Template, Templates};
pub use path::FieldPath;
pub use short::{ShortResources, ShortTemplate};

pub(crate) use claim::claim_manifest;

use crate::api::{labels, quantity::Quantity};
use serde_json::Value;
use std::sync::Arc;

/// A checked PodTemplateSpec: what the pods of a group are made from. Cheap to clone.
#[derive(Clone, Debug, PartialEq)]
pub struct PodTemplate {
    /// `metadata` and `spec`, with the annotation that names the main container, and `restartPolicy: Never`.
    pod: Arc<Value>,
    hash: u64,
}

impl PodTemplate {
    /// A template from a PodTemplateSpec as JSON.
    ///
    /// # Errors
    /// It would be refused by the server, or Evenkeel could not keep its word with it; the error names the field.
    pub fn from_value(value: Value) -> Result<Self, TemplateError> {
        check::checked(value).map(Self::of_checked)
    }

    /// This template with that main container (SEE-1), whatever its annotation says.
    ///
    /// # Errors
    /// It has no container of that name.
    pub fn with_main_container(&self, name: &str) -> Result<Self, TemplateError> {
        let mut pod = Value::clone(&self.pod);
        pod["metadata"]["annotations"][labels::MAIN_CONTAINER] = name.into();
        Self::from_value(pod)
    }

    fn of_checked(pod: Value) -> Self {
        let mut canonical = String::new();
        write_canonical(&pod, &mut canonical);
        Self {
            hash: fnv1a(canonical.as_bytes()),
            pod: Arc::new(pod),
        }
    }

    /// What tells this template from others: the same in every process and version, whatever the order of keys.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// The PodTemplateSpec.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.pod
    }

    /// The name of the main container, whose end is the executor's (SEE-1).
    #[must_use]
    pub fn main_container(&self) -> &str {
        self.pod["metadata"]["annotations"][labels::MAIN_CONTAINER]
            .as_str()
            .unwrap_or_default()
    }

    /// By how many bytes the main container's memory limit is above its request; 0 where the template does not say (SIZE).
    #[must_use]
    pub fn memory_to_spare(&self) -> u64 {
        let containers = self.pod["spec"]["containers"].as_array();
        let mut main = containers.into_iter().flatten();
        let main = main.find(|container| container["name"] == self.main_container());
        let amount = |side: &str| {
            let amount = &main?["resources"][side]["memory"];
            let text = amount.as_str().map_or(amount.to_string(), str::to_owned);
            text.parse::<Quantity>().ok()?.bytes()
        };
        let (request, limit) = (amount("requests"), amount("limits"));
        limit
            .zip(request)
            .map_or(0, |(limit, request)| limit.saturating_sub(request))
    }
}

/// JSON with its keys in order, whatever serde_json was built with.
fn write_canonical(value: &Value, out: &mut String) {
    let separate = |out: &mut String, at: usize| {
        if at > 0 {
            out.push(',');
        }
    };
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            out.push('{');
            for (at, (key, value)) in entries.into_iter().enumerate() {
                separate(out, at);
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                write_canonical(value, out);
            }
            out.push('}');
        }
        Value::Array(values) => {
            out.push('[');
            for (at, value) in values.iter().enumerate() {
                separate(out, at);
                write_canonical(value, out);
            }
            out.push(']');
        }
        plain => out.push_str(&plain.to_string()),
    }
}

/// The 64-bit hash FNV-1a: its definition will not change under us.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn template(value: Value) -> PodTemplate {
        PodTemplate::from_value(value).expect("a good template")
    }

    #[test]
    fn the_hash_is_that_of_the_algorithm() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn the_hash_stays_what_it_was_in_earlier_versions() {
        let one = template(json!({"spec": {"containers": [{"name": "a", "image": "b"}]}}));
        assert_eq!(one.hash(), HASH_OF_THE_FIRST_VERSION);
    }

    /// Of the template above. Should this change, every pod of every fleet would look outdated after an upgrade.
    const HASH_OF_THE_FIRST_VERSION: u64 = 0xae586a1c10433a2f;

    #[test]
    fn the_hash_is_of_what_is_meant() {
        let container = json!({"name": "a", "image": "b"});
        let plain = template(json!({"spec": {"containers": [container]}}));
        let spelt_out = template(
            json!({"spec": {"restartPolicy": "Never", "containers": [container]},
            "metadata": {"annotations": {labels::MAIN_CONTAINER: "a"}}}),
        );
        let other = template(json!({"spec": {"containers": [{"name": "a", "image": "c"}]}}));
        assert_eq!(plain.hash(), spelt_out.hash());
        assert_ne!(plain.hash(), other.hash());
    }

    #[test]
    fn memory_to_spare_is_the_main_containers() {
        let spare = |resources: Value| {
            let side =
                json!({"name": "a", "image": "i", "resources": {"limits": {"memory": "9Gi"}}});
            let main = json!({"name": "b", "image": "i", "resources": resources});
            template(json!({"spec": {"containers": [side, main]},
                "metadata": {"annotations": {labels::MAIN_CONTAINER: "b"}}}))
            .memory_to_spare()
        };
        let of = |request: Value, limit: Value| {
            spare(json!({"requests": {"memory": request}, "limits": {"memory": limit}}))
        };
        assert_eq!(of(json!("1Gi"), json!("1Gi")), 0);
        assert_eq!(of(json!("1Gi"), json!("3Gi")), 2 << 30);
        assert_eq!(of(json!(1000), json!(3000)), 2000);
        assert_eq!(spare(json!({"limits": {"memory": "3Gi"}})), 0);
        assert_eq!(spare(json!({})), 0);
    }

    #[test]
    fn the_main_container_is_the_first_the_annotated_or_the_given() {
        let containers = json!([{"name": "a", "image": "i"}, {"name": "b", "image": "i"}]);
        let first = template(json!({"spec": {"containers": containers}}));
        assert_eq!(first.main_container(), "a");
        let annotated = template(json!({"spec": {"containers": containers},
            "metadata": {"annotations": {labels::MAIN_CONTAINER: "b"}}}));
        assert_eq!(annotated.main_container(), "b");
        let given = annotated.with_main_container("a").expect("it has an a");
        assert_eq!(given.main_container(), "a");
        assert_ne!(given.hash(), annotated.hash());
        let missing = annotated.with_main_container("c").expect_err("it has no c");
        assert_eq!(
            missing.to_string(),
            r#"metadata.annotations["kubectl.kubernetes.io/default-container"]: there is no container "c" in this template; it has a, b"#
        );
    }
}
