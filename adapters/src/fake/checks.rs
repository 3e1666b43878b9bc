//! What the API server checks of a pod or a claim before it is made, and what it fills in.

use super::{
    Answer, fields,
    refusal::{self, Wrong},
};
use crate::api::{
    answer::Refused,
    claim::Claim,
    pod::{Container, Metadata, Pod},
    quantity::Quantity,
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

const POD: &str = "Pod";
const CLAIM: &str = "PersistentVolumeClaim";

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', \
    and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
    '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must \
    start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
    '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and \
    must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for \
    validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const KEY: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
    alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
    '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

const QUANTITY: &str = "quantities must match the regular expression \
    '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

/// Decodes a pod's manifest, strictly.
pub(super) fn decode(manifest: &str) -> Answer<Pod> {
    decode_as(POD, fields::unknown, manifest)
}

/// Decodes a claim's manifest, strictly.
pub(super) fn decode_claim(manifest: &str) -> Answer<Claim> {
    decode_as(CLAIM, fields::unknown_of_claim, manifest)
}

fn decode_as<T: DeserializeOwned>(
    kind: &str,
    unknown: fn(&Value) -> Option<String>,
    manifest: &str,
) -> Answer<T> {
    let wrong = |error: serde_json::Error| unreadable(kind, &error.to_string());
    let value = serde_json::from_str(manifest).map_err(wrong)?;
    if let Some(field) = unknown(&value) {
        let why = format!("strict decoding error: unknown field \"{field}\"");
        return Err(unreadable(kind, &why));
    }
    serde_json::from_value(value).map_err(wrong)
}

fn unreadable(kind: &str, why: &str) -> Refused {
    refusal::bad_request(format!(
        "{kind} in version \"v1\" cannot be handled as a {kind}: {why}"
    ))
}

/// Checks the pod, and fills in what the server fills in.
pub(super) fn admissible(pod: &mut Pod, namespace: &str) -> Answer<()> {
    for container in &pod.spec.containers {
        let resources = &container.resources;
        for text in resources.requests.values().chain(resources.limits.values()) {
            text.parse::<Quantity>()
                .map_err(|_| unreadable(POD, QUANTITY))?;
        }
    }
    placed(&mut pod.metadata, namespace)?;
    let wrong = wrongs(pod);
    if !wrong.is_empty() {
        return Err(refusal::invalid(POD, &pod.metadata.name, &wrong));
    }
    let spec = Arc::make_mut(&mut pod.spec);
    spec.termination_grace_period_seconds.get_or_insert(30);
    for container in &mut spec.containers {
        // Where only a limit is given, the request is as large.
        let resources = &mut container.resources;
        for (what, limit) in &resources.limits {
            resources
                .requests
                .entry(what.clone())
                .or_insert_with(|| limit.clone());
        }
    }
    Ok(())
}

/// Checks a claim.
pub(super) fn admissible_claim(claim: &mut Claim, namespace: &str) -> Answer<()> {
    let size = claim.spec.resources.requests.get("storage").cloned();
    let amount = size.as_deref().map(str::parse::<Quantity>);
    let amount = amount
        .transpose()
        .map_err(|_| unreadable(CLAIM, QUANTITY))?;
    placed(&mut claim.metadata, namespace)?;
    let mut wrong: Vec<Wrong> = name_wrong(&claim.metadata.name).into_iter().collect();
    wrong.extend(labels(&claim.metadata));
    if claim.spec.access_modes.is_empty() {
        let why = "at least 1 access mode is required";
        wrong.push(Wrong::required("spec.accessModes", why));
    }
    match (amount, size) {
        (Some(amount), Some(size)) if amount <= Quantity::default() => {
            let field = "spec.resources[storage]";
            wrong.push(Wrong::invalid(field, &size, "must be greater than zero"));
        }
        (None, _) | (_, None) => wrong.push(Wrong::required("spec.resources[storage]", "")),
        _ => {}
    }
    if wrong.is_empty() {
        return Ok(());
    }
    Err(refusal::invalid(CLAIM, &claim.metadata.name, &wrong))
}

/// Puts a new object into its namespace.
fn placed(meta: &mut Metadata, namespace: &str) -> Answer<()> {
    if !meta.namespace.is_empty() && meta.namespace != namespace {
        return Err(refusal::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
                .to_owned(),
        ));
    }
    if !meta.resource_version.is_empty() {
        return Err(refusal::bad_request(
            "resourceVersion should not be set on objects to be created".to_owned(),
        ));
    }
    namespace.clone_into(&mut meta.namespace);
    Ok(())
}

/// What is wrong with the name of a new object.
fn name_wrong(name: &str) -> Option<Wrong> {
    let field = "metadata.name";
    if name.is_empty() {
        Some(Wrong::required(field, "name or generateName is required"))
    } else if name.len() > 253 {
        let why = "must be no more than 253 bytes";
        Some(Wrong::invalid(field, name, why))
    } else if !name.split('.').all(is_dns_label) {
        Some(Wrong::invalid(field, name, SUBDOMAIN))
    } else {
        None
    }
}

fn wrongs(pod: &Pod) -> Vec<Wrong> {
    let mut wrong: Vec<Wrong> = name_wrong(&pod.metadata.name).into_iter().collect();
    wrong.extend(labels(&pod.metadata));
    if let Some(grace) = pod.spec.termination_grace_period_seconds
        && grace < 0
    {
        wrong.push(Wrong::invalid(
            "spec.terminationGracePeriodSeconds",
            &grace.to_string(),
            "must be greater than or equal to 0",
        ));
    }
    if pod.spec.containers.is_empty() {
        wrong.push(Wrong::required("spec.containers", ""));
    }
    let mut names = BTreeSet::new();
    for (at, container) in pod.spec.containers.iter().enumerate() {
        wrong.extend(container_wrongs(
            &format!("spec.containers[{at}]"),
            container,
        ));
        if !container.name.is_empty() && !names.insert(&container.name) {
            let field = format!("spec.containers[{at}].name");
            wrong.push(Wrong::duplicate(field, &container.name));
        }
    }
    wrong
}

fn container_wrongs(path: &str, container: &Container) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    let name = &container.name;
    let field = format!("{path}.name");
    if name.is_empty() {
        wrong.push(Wrong::required(field, ""));
    } else if name.len() > 63 {
        wrong.push(Wrong::invalid(field, name, "must be no more than 63 bytes"));
    } else if !is_dns_label(name) {
        wrong.push(Wrong::invalid(field, name, LABEL));
    }
    if container.image.as_deref().unwrap_or_default().is_empty() {
        wrong.push(Wrong::required(format!("{path}.image"), ""));
    }
    let amounts = |of: &BTreeMap<String, String>, what: &str| {
        of.get(what).and_then(|text| text.parse::<Quantity>().ok())
    };
    let resources = &container.resources;
    for (what, request) in &resources.requests {
        let (asked, limit) = (
            amounts(&resources.requests, what),
            amounts(&resources.limits, what),
        );
        if asked.is_some_and(Quantity::is_negative) {
            let field = format!("{path}.resources.requests[{what}]");
            let why = "must be greater than or equal to 0";
            wrong.push(Wrong::invalid(field, request, why));
        }
        if let (Some(asked), Some(limit)) = (asked, limit)
            && asked > limit
        {
            let limit = &resources.limits[what];
            let why = format!("must be less than or equal to {what} limit of {limit}");
            let field = format!("{path}.resources.requests");
            wrong.push(Wrong::invalid(field, request, &why));
        }
    }
    wrong
}

/// What is wrong with an object's labels.
pub(super) fn labels(meta: &Metadata) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    for (key, value) in &*meta.labels {
        let (prefix, name) = match key.split_once('/') {
            Some((prefix, name)) => (Some(prefix), name),
            None => (None, key.as_str()),
        };
        let prefix_good = prefix.is_none_or(|prefix| prefix.split('.').all(is_dns_label));
        if name.is_empty() || !is_label_value(name) || !prefix_good {
            wrong.push(Wrong::invalid("metadata.labels", key, KEY));
        }
        if value.len() > 63 {
            let why = "must be no more than 63 bytes";
            wrong.push(Wrong::invalid("metadata.labels", value, why));
        } else if !is_label_value(value) {
            wrong.push(Wrong::invalid("metadata.labels", value, VALUE));
        }
    }
    wrong
}

fn is_dns_label(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    !text.is_empty()
        && text.bytes().all(|b| inner(b) || b == b'-')
        && text.bytes().next().is_some_and(inner)
        && text.bytes().next_back().is_some_and(inner)
}

fn is_label_value(text: &str) -> bool {
    let outer = |b: u8| b.is_ascii_alphanumeric();
    text.bytes().all(|b| outer(b) || b"-_.".contains(&b))
        && text.bytes().next().is_none_or(outer)
        && text.bytes().next_back().is_none_or(outer)
}
