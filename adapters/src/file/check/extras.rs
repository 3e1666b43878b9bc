//! ROLL, CLAIM, SIZE: keys of a group that do not go together, or not with an engine that says nothing.

use super::{
    super::{config::ConfigKeys, group::GroupKeys, words::QuantityText},
    Remarks,
};
use crate::{api::labels, template::FieldPath};
use evenkeel_core::{
    Span,
    config::{EngineMode, RollPolicy},
};
use serde_json::Value;

pub(super) fn extras(group: &GroupKeys, at: &FieldPath, keys: &ConfigKeys, found: &mut Remarks) {
    roll(group, &at.then("roll"), found);
    if keys.engine == EngineMode::None {
        silent(group, at, found);
    }
    claims(group, &at.then("claims"), found);
    resize(group, at, keys, found);
}

fn roll(group: &GroupKeys, at: &FieldPath, found: &mut Remarks) {
    let roll = &group.roll;
    if roll.every.0 == Some(Span(0)) {
        found.error(
            at.then("every"),
            "0 would replace executors without pause; write 1h, say, or never",
        );
    }
    if roll.min_tasks > 0 && roll.every.0.is_none() {
        found.warn(
            at.then("min_tasks"),
            "this does nothing without roll.every; write that too, or leave this out",
        );
    }
    if group.target > 0 && u64::from(roll.at_once) > group.target && roll.every.0.is_some() {
        found.warn(
            at.then("at_once"),
            format!(
                "{} is more than target, which is {}: all are replaced at once; lower it",
                roll.at_once, group.target
            ),
        );
    }
}

/// What nobody reports where there is no engine.
fn silent(group: &GroupKeys, at: &FieldPath, found: &mut Remarks) {
    let silent = "does not go with config.engine: none, where nobody reports metrics";
    let policy = &group.roll.policy;
    if matches!(policy, RollPolicy::Highest(_) | RollPolicy::Outlier(_)) {
        found.error(
            at.then("roll").then("policy"),
            format!("a metric {silent}; write oldest or lowest_id"),
        );
    }
    if group.roll.min_tasks > 0 {
        found.error(
            at.then("roll").then("min_tasks"),
            format!("this {silent}; leave it out"),
        );
    }
    if group.resize.is_some() {
        found.error(
            at.then("resize"),
            format!("this {silent}; leave it out, or write config.engine: registering"),
        );
    }
}

fn claims(group: &GroupKeys, at: &FieldPath, found: &mut Remarks) {
    let Some(claims) = &group.claims else {
        return;
    };
    if claims.wait && !claims.reuse {
        found.error(at.then("wait"),
            "true does not go with reuse: false: no claim would ever come free; leave one of them out");
    }
}

fn resize(group: &GroupKeys, at: &FieldPath, keys: &ConfigKeys, found: &mut Remarks) {
    let Some(resize) = &group.resize else {
        return;
    };
    if resize.threshold > 99 {
        found.error(at.then("resize").then("threshold"), format!(
            "{} is never passed: an executor is out of memory before that; write a percentage from 1 to 99, as 90",
            resize.threshold
        ));
    }
    let (limit, named, write) = match (&group.template, &group.image) {
        (Some(template), _) => (
            memory_of(template, keys),
            "a memory request and limit of the template's main container",
            "write both",
        ),
        (None, Some(_)) => (
            group.resources.memory.clone(),
            "resources.memory",
            "write one, as 4Gi",
        ),
        (None, None) => return,
    };
    let Some(limit) = limit else {
        found.error(at.then("resize"), format!(
            "this does not go without {named}: an executor without a memory limit can't be given more; {write}"
        ));
        return;
    };
    let bytes = limit.bytes().ok();
    if let (Some(bytes), Some(max)) = (bytes, resize.max)
        && max.0 < bytes
    {
        found.error(
            at.then("resize").then("max"),
            format!(
                "this is less than {}, which is {}; lower the one or raise the other",
                if group.template.is_some() {
                    "the memory limit of the template's main container"
                } else {
                    named
                },
                limit.0
            ),
        );
    }
}

/// The memory limit of a template's main container, where it has a request too.
fn memory_of(template: &Value, keys: &ConfigKeys) -> Option<QuantityText> {
    let annotated = template["metadata"]["annotations"][labels::MAIN_CONTAINER].as_str();
    let main = keys.main_container.as_deref().or(annotated);
    let containers = template["spec"]["containers"].as_array()?;
    let mut those = containers.iter();
    let container = those.find(|container| main.is_none_or(|main| container["name"] == main))?;
    let resources = &container["resources"];
    let amount = |value: &Value| match value {
        Value::String(text) => Some(QuantityText(text.clone())),
        Value::Number(number) => Some(QuantityText(number.to_string())),
        _ => None,
    };
    amount(&resources["requests"]["memory"])?;
    amount(&resources["limits"]["memory"])
}
