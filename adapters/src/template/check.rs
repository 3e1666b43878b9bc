//! What a pod template must be, checked before the first pod is made of it.

use super::{
    names,
    path::{FieldPath, Step},
};
use crate::api::{claim::VOLUME, labels, quantity::Quantity};
use serde_json::{Map, Value, json};

/// What is wrong with a pod template, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct TemplateError {
    /// The field, from the template's root.
    pub field: FieldPath,
    /// What is wrong with it.
    pub problem: TemplateProblem,
}

/// What is wrong with a field of a pod template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateProblem {
    /// Something else than a map.
    #[error("this must be a map of keys to values")]
    NotAMap,
    /// Something else than a list.
    #[error("this must be a list")]
    NotAList,
    /// Something else than text.
    #[error("{0} is no text; put it in quotes")]
    NotText(String),
    /// A key that must be there is not.
    #[error("this is missing, and must be given")]
    Missing,
    /// There is nothing to run.
    #[error("a pod needs at least one container")]
    NoContainers,
    /// A key that a PodTemplateSpec does not have.
    #[error("a pod template has the keys metadata and spec only")]
    NotOfATemplate,
    /// A key of `metadata` that is not the user's to set.
    #[error("Evenkeel sets this itself; leave it out")]
    OursToSet,
    /// The volume that is each executor's own claim (CLAIM).
    #[error(
        "evenkeel-claim is the volume that Evenkeel adds for an executor's own claim; name this one otherwise, or leave it out and mount it only"
    )]
    ClaimVolume,
    /// A pod that restarts its containers by itself.
    #[error(
        "{0} is refused: an executor is never restarted in its pod, but replaced; leave it out or write Never"
    )]
    RestartPolicy(String),
    /// Not the name of a container.
    #[error(
        "{0:?} is no name for a container: at most 63 lower case letters, digits and -, with no - at either end"
    )]
    NotADnsLabel(String),
    /// Two containers of one name.
    #[error("there is another container named {0:?}; names are unique in a pod")]
    DuplicateContainer(String),
    /// No key of a label or an annotation.
    #[error(
        "{0:?} is no key for a label or an annotation: a name of at most 63 letters, digits, -, _ and ., with a DNS name and / before it or without"
    )]
    NotALabelKey(String),
    /// No value of a label.
    #[error(
        "{0:?} is no value for a label: at most 63 letters, digits, -, _ and ., with a letter or digit at both ends"
    )]
    NotALabelValue(String),
    /// Not the name of an environment variable.
    #[error("{0:?} is no name for an environment variable: it must not be empty or hold =")]
    NotAnEnvName(String),
    /// No quantity.
    #[error("{0} is no quantity; a quantity is a number with a unit or without, as 500m, 2, 1Gi")]
    NotAQuantity(String),
    /// Less than nothing.
    #[error("{0} is negative; a resource is 0 or more")]
    NegativeQuantity(String),
    /// A request beyond its limit, which the server refuses.
    #[error("the request {request} is more than the limit {limit}; lower it or raise the limit")]
    RequestOverLimit {
        /// The request.
        request: String,
        /// The limit.
        limit: String,
    },
    /// The main container is not among the containers.
    #[error("there is no container {name:?} in this template; it has {}", has.join(", "))]
    NoSuchContainer {
        /// The one named.
        name: String,
        /// Those that are there.
        has: Vec<String>,
    },
}

type Checked<T> = Result<T, TemplateError>;

/// Keys of `metadata` that a template may have.
const METADATA: [&str; 3] = ["labels", "annotations", "finalizers"];

/// The template in its settled form: what Evenkeel needs of it is written out.
pub(super) fn checked(mut value: Value) -> Checked<Value> {
    let root = FieldPath::default();
    let top = map(&mut value, &root)?;
    // Tools write out what they do not set, as `creationTimestamp: null`.
    top.retain(|_, value| !value.is_null());
    if let Some(key) = top
        .keys()
        .find(|key| !["metadata", "spec"].contains(&key.as_str()))
    {
        return wrong(root.then(key.as_str()), TemplateProblem::NotOfATemplate);
    }
    let containers = {
        let at = root.then("spec");
        let spec = top.get_mut("spec").ok_or_else(|| missing(&at))?;
        checked_spec(map(spec, &at)?, &at)?
    };
    let at = root.then("metadata");
    let metadata = top.entry("metadata").or_insert_with(|| json!({}));
    checked_metadata(map(metadata, &at)?, &at, &containers)?;
    Ok(value)
}

fn checked_metadata(
    metadata: &mut Map<String, Value>,
    at: &FieldPath,
    containers: &[String],
) -> Checked<()> {
    metadata.retain(|_, value| !value.is_null());
    if let Some(key) = metadata
        .keys()
        .find(|key| !METADATA.contains(&key.as_str()))
    {
        return wrong(at.then(key.as_str()), TemplateProblem::OursToSet);
    }
    let here = at.then("labels");
    for (key, value) in map(metadata.entry("labels").or_insert_with(|| json!({})), &here)? {
        let here = here.then(key.as_str());
        if !names::is_label_key(key) {
            return wrong(here, TemplateProblem::NotALabelKey(key.clone()));
        }
        if key.starts_with("evenkeel.dev/") || key == labels::MANAGED_BY.0 {
            return wrong(here, TemplateProblem::OursToSet);
        }
        let value = text(value, &here)?;
        if !names::is_label_value(value) {
            return wrong(here, TemplateProblem::NotALabelValue(value.to_owned()));
        }
    }
    let here = at.then("annotations");
    let annotations = map(
        metadata.entry("annotations").or_insert_with(|| json!({})),
        &here,
    )?;
    for (key, value) in annotations.iter() {
        let here = here.then(key.as_str());
        if !names::is_label_key(key) {
            return wrong(here, TemplateProblem::NotALabelKey(key.clone()));
        }
        text(value, &here)?;
    }
    let first = containers.first().map_or("", String::as_str);
    let main = annotations
        .entry(labels::MAIN_CONTAINER)
        .or_insert_with(|| first.into());
    let here = here.then(labels::MAIN_CONTAINER);
    let main = text(main, &here)?;
    if !containers.iter().any(|name| name == main) {
        let (name, has) = (main.to_owned(), containers.to_vec());
        return wrong(here, TemplateProblem::NoSuchContainer { name, has });
    }
    Ok(())
}

/// Checks a PodSpec, and gives the names of its containers.
fn checked_spec(spec: &mut Map<String, Value>, at: &FieldPath) -> Checked<Vec<String>> {
    match spec.get("restartPolicy") {
        None | Some(Value::Null) => {
            spec.insert("restartPolicy".to_owned(), "Never".into());
        }
        Some(policy) if policy == "Never" => {}
        Some(policy) => {
            let policy = policy.as_str().map_or(policy.to_string(), str::to_owned);
            return wrong(
                at.then("restartPolicy"),
                TemplateProblem::RestartPolicy(policy),
            );
        }
    }
    let here = at.then("volumes");
    let volumes = list(spec.get("volumes").unwrap_or(&Value::Null), &here)?;
    if let Some(index) = volumes.iter().position(|volume| volume["name"] == VOLUME) {
        return wrong(here.then(index).then("name"), TemplateProblem::ClaimVolume);
    }
    let mut known = Vec::new();
    let here = at.then("containers");
    let containers = list(spec.get("containers").unwrap_or(&Value::Null), &here)?;
    for (index, container) in containers.iter().enumerate() {
        checked_container(container, &here.then(index), &mut known)?;
    }
    if known.is_empty() {
        return wrong(here, TemplateProblem::NoContainers);
    }
    let ours = known.clone();
    let here = at.then("initContainers");
    for (index, container) in list(spec.get("initContainers").unwrap_or(&Value::Null), &here)?
        .iter()
        .enumerate()
    {
        checked_container(container, &here.then(index), &mut known)?;
    }
    Ok(ours)
}

fn checked_container(value: &Value, at: &FieldPath, known: &mut Vec<String>) -> Checked<()> {
    let Value::Object(container) = value else {
        return wrong(at.clone(), TemplateProblem::NotAMap);
    };
    let required = |key: &str| {
        let here = at.then(key);
        match container.get(key) {
            None | Some(Value::Null) => Err(missing(&here)),
            Some(value) => text(value, &here).and_then(|text| match text {
                "" => Err(missing(&here)),
                text => Ok(text.to_owned()),
            }),
        }
    };
    let name = required("name")?;
    if !names::is_dns_label(&name, 63) {
        return wrong(at.then("name"), TemplateProblem::NotADnsLabel(name));
    }
    if known.contains(&name) {
        return wrong(at.then("name"), TemplateProblem::DuplicateContainer(name));
    }
    known.push(name);
    required("image")?;
    for key in ["command", "args"] {
        let here = at.then(key);
        for (index, word) in list(container.get(key).unwrap_or(&Value::Null), &here)?
            .iter()
            .enumerate()
        {
            text(word, &here.then(index))?;
        }
    }
    let here = at.then("env");
    for (index, entry) in list(container.get("env").unwrap_or(&Value::Null), &here)?
        .iter()
        .enumerate()
    {
        checked_env(entry, &here.then(index))?;
    }
    checked_resources(
        container.get("resources").unwrap_or(&Value::Null),
        &at.then("resources"),
    )
}

fn checked_env(value: &Value, at: &FieldPath) -> Checked<()> {
    let Value::Object(entry) = value else {
        return wrong(at.clone(), TemplateProblem::NotAMap);
    };
    let here = at.then("name");
    let name = text(entry.get("name").ok_or_else(|| missing(&here))?, &here)?;
    if !names::is_env_name(name) {
        return wrong(here, TemplateProblem::NotAnEnvName(name.to_owned()));
    }
    match entry.get("value") {
        None | Some(Value::Null) => Ok(()),
        Some(value) => text(value, &at.then("value")).map(drop),
    }
}

fn checked_resources(value: &Value, at: &FieldPath) -> Checked<()> {
    let resources = match value {
        Value::Null => return Ok(()),
        Value::Object(resources) => resources,
        _ => return wrong(at.clone(), TemplateProblem::NotAMap),
    };
    let side = |key: &str| -> Checked<Vec<(String, String, Quantity)>> {
        let here = at.then(key);
        match resources.get(key) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Object(amounts)) => amounts
                .iter()
                .map(|(name, value)| {
                    let (text, amount) = quantity(value, &here.then(name.as_str()))?;
                    Ok((name.clone(), text, amount))
                })
                .collect(),
            Some(_) => wrong(here, TemplateProblem::NotAMap),
        }
    };
    let (requests, limits) = (side("requests")?, side("limits")?);
    for (name, request, amount) in requests {
        let limit = limits.iter().find(|(limited, ..)| *limited == name);
        if let Some((_, limit, _)) = limit.filter(|(.., most)| amount > *most) {
            let limit = limit.clone();
            let here = at.then("requests").then(name.as_str());
            return wrong(here, TemplateProblem::RequestOverLimit { request, limit });
        }
    }
    Ok(())
}

/// A quantity as written and as an amount: text, or a plain number.
fn quantity(value: &Value, at: &FieldPath) -> Checked<(String, Quantity)> {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match text.parse::<Quantity>() {
        Err(_) => wrong(at.clone(), TemplateProblem::NotAQuantity(text)),
        Ok(amount) if amount.is_negative() => {
            wrong(at.clone(), TemplateProblem::NegativeQuantity(text))
        }
        Ok(amount) => Ok((text, amount)),
    }
}

fn map<'a>(value: &'a mut Value, at: &FieldPath) -> Checked<&'a mut Map<String, Value>> {
    if value.is_null() {
        *value = json!({});
    }
    match value {
        Value::Object(map) => Ok(map),
        _ => wrong(at.clone(), TemplateProblem::NotAMap),
    }
}

/// The list that is there; an absent one is empty.
fn list<'a>(value: &'a Value, at: &FieldPath) -> Checked<&'a [Value]> {
    match value {
        Value::Null => Ok(&[]),
        Value::Array(values) => Ok(values),
        _ => wrong(at.clone(), TemplateProblem::NotAList),
    }
}

fn text<'a>(value: &'a Value, at: &FieldPath) -> Checked<&'a str> {
    match value {
        Value::String(text) => Ok(text),
        Value::Array(_) | Value::Object(_) => wrong(
            at.clone(),
            TemplateProblem::NotText("a list or map".to_owned()),
        ),
        other => wrong(at.clone(), TemplateProblem::NotText(other.to_string())),
    }
}

fn missing(at: &FieldPath) -> TemplateError {
    TemplateError {
        field: at.clone(),
        problem: TemplateProblem::Missing,
    }
}

fn wrong<T>(field: FieldPath, problem: TemplateProblem) -> Checked<T> {
    Err(TemplateError { field, problem })
}

impl TemplateError {
    /// The same, of a template that is itself a field of something.
    #[must_use]
    pub fn below(self, parent: &FieldPath) -> Self {
        Self {
            field: self.field.below(parent),
            problem: self.problem,
        }
    }

    /// The last key on the way to the field.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.field.0.iter().rev().find_map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            Step::Index(_) => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(value: Value) -> String {
        checked(value).expect_err("a bad template").to_string()
    }

    fn container(extra: Value) -> Value {
        let mut container = json!({"name": "a", "image": "i"});
        for (key, value) in extra.as_object().expect("a map") {
            container[key] = value.clone();
        }
        json!({"spec": {"containers": [container]}})
    }

    #[test]
    fn every_fault_names_its_field() {
        let spec = |spec: Value| json!({ "spec": spec });
        let metadata = |metadata: Value| json!({"metadata": metadata, "spec": {"containers": [{"name": "a", "image": "i"}]}});
        let good = json!({"name": "a", "image": "i"});
        for (value, field, fault) in [
            (json!("pod"), "", "must be a map"),
            (json!({}), "spec", "missing"),
            (
                json!({"kind": "Pod", "spec": {}}),
                "kind",
                "metadata and spec only",
            ),
            (spec(json!([])), "spec", "must be a map"),
            (spec(json!({})), "spec.containers", "at least one"),
            (
                spec(json!({"containers": []})),
                "spec.containers",
                "at least one",
            ),
            (
                spec(json!({"containers": {}})),
                "spec.containers",
                "must be a list",
            ),
            (
                spec(json!({"containers": [1]})),
                "spec.containers[0]",
                "must be a map",
            ),
            (
                spec(json!({"containers": [{"image": "i"}]})),
                "spec.containers[0].name",
                "missing",
            ),
            (
                spec(json!({"containers": [{"name": "a"}]})),
                "spec.containers[0].image",
                "missing",
            ),
            (
                spec(json!({"containers": [{"name": "A", "image": "i"}]})),
                "spec.containers[0].name",
                "no name for a container",
            ),
            (
                spec(json!({"containers": [good], "initContainers": [good]})),
                "spec.initContainers[0].name",
                "another container named",
            ),
            (
                spec(json!({"restartPolicy": "Always", "containers": [good]})),
                "spec.restartPolicy",
                "Always is refused",
            ),
            (
                metadata(json!({"name": "x"})),
                "metadata.name",
                "sets this itself",
            ),
            (
                metadata(json!({"labels": {"evenkeel.dev/group": "x"}})),
                r#"metadata.labels["evenkeel.dev/group"]"#,
                "sets this itself",
            ),
            (
                metadata(json!({"labels": {"app.kubernetes.io/managed-by": "x"}})),
                r#"metadata.labels["app.kubernetes.io/managed-by"]"#,
                "sets this itself",
            ),
            (
                metadata(json!({"labels": {"a": "b c"}})),
                "metadata.labels.a",
                "no value for a label",
            ),
            (
                metadata(json!({"labels": {"a": 1}})),
                "metadata.labels.a",
                "1 is no text",
            ),
            (
                metadata(json!({"labels": {"-": "b"}})),
                "metadata.labels.-",
                "no key for a label",
            ),
            (
                metadata(json!({"annotations": {"a": true}})),
                "metadata.annotations.a",
                "no text",
            ),
            (
                container(json!({"command": "run"})),
                "spec.containers[0].command",
                "must be a list",
            ),
            (
                container(json!({"args": [5]})),
                "spec.containers[0].args[0]",
                "5 is no text",
            ),
            (
                container(json!({"env": [{"name": "A=B"}]})),
                "spec.containers[0].env[0].name",
                "no name for an environment",
            ),
            (
                container(json!({"env": [{"name": "A", "value": 5}]})),
                "spec.containers[0].env[0].value",
                "5 is no text",
            ),
            (
                container(json!({"resources": {"limits": {"cpu": "much"}}})),
                "spec.containers[0].resources.limits.cpu",
                "much is no quantity",
            ),
            (
                spec(
                    json!({"containers": [good], "volumes": [{"name": "a"}, {"name": "evenkeel-claim"}]}),
                ),
                "spec.volumes[1].name",
                "evenkeel-claim is the volume that Evenkeel adds",
            ),
            (
                spec(json!({"containers": [good], "volumes": {}})),
                "spec.volumes",
                "must be a list",
            ),
            (
                container(json!({"resources": {"requests": {"cpu": -1}}})),
                "spec.containers[0].resources.requests.cpu",
                "-1 is negative",
            ),
            (
                container(
                    json!({"resources": {"requests": {"cpu": 2}, "limits": {"cpu": "1500m"}}}),
                ),
                "spec.containers[0].resources.requests.cpu",
                "request 2 is more than the limit 1500m",
            ),
        ] {
            let line = error(value);
            assert!(line.starts_with(&format!("{field}: ")), "{line}");
            assert!(line.contains(fault), "{line}");
        }
    }

    #[test]
    fn what_tools_write_out_is_no_fault() {
        let value = json!({"metadata": {"creationTimestamp": null, "labels": null},
            "spec": {"containers": [{"name": "a", "image": "i", "resources": {}, "env": null}]}});
        let settled = checked(value).expect("a good template");
        assert_eq!(settled["spec"]["restartPolicy"], "Never");
        assert!(settled["metadata"].get("creationTimestamp").is_none());
    }
}
