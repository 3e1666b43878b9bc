//! The keys of a group: their rules, units and defaults.

use super::words::{
    Bound, Bytes, Duration, OrNever, QuantityText, at_least_one, maximum, target, tasks,
};
use crate::template::{CLAIM_PATH, PodTemplate, ShortResources, ShortTemplate, TemplateError};
use evenkeel_core::{
    Span,
    config::{Claims, GroupConfig, Replace, Resize, Roll, RollPolicy, Shrink},
    input::GroupWish,
};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// The keys of a group, each with its default where it is not given.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(
    default,
    deny_unknown_fields,
    expecting = "a map of the group's keys, as {target: 3, image: worker:1}"
)]
pub struct GroupKeys {
    /// GROW-1: how many executors. 0.
    #[serde(deserialize_with = "target")]
    pub target: u64,
    /// FAIL-1: the most that will be asked for. The largest target so far.
    #[serde(deserialize_with = "maximum")]
    pub maximum: Option<u64>,
    /// GROW-2: the most of its executors that are requested, created or pending. `none`.
    pub max_pending: Bound,
    /// GROW-1: `at_once` (the default) or `after_termination`: when the place of a leaving executor is free.
    pub replace: Replace,
    /// SHRINK-2: `asked` (the default) or `idle`: who lets running executors go.
    pub shrink: ShrinkKey,
    /// SHRINK-2: with `shrink: idle`, an executor is let go when it was idle for this long. 60s.
    pub idle_timeout: Option<Duration>,
    /// SPOT: an executor that will soon be lost is replaced before it is, or, with false, only after. true.
    pub before_loss: bool,
    /// ROLL: when running executors are replaced by newer ones.
    pub roll: RollKeys,
    /// CLAIM: the persistent volume claim that each executor uses. None.
    pub claims: Option<ClaimKeys>,
    /// SIZE: when an executor is given more memory where it runs. Never.
    pub resize: Option<ResizeKeys>,
    /// A PodTemplateSpec, in place of the keys below.
    pub template: Option<Value>,
    /// The image of the one container, named `executor`.
    pub image: Option<String>,
    /// What it runs, in place of the image's entry point.
    pub command: Vec<String>,
    /// The arguments.
    pub args: Vec<String>,
    /// The environment.
    pub env: BTreeMap<String, String>,
    /// What it needs.
    pub resources: ResourceKeys,
}

/// What an executor needs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(
    default,
    deny_unknown_fields,
    expecting = "a map, as {cpu: 500m, memory: 1Gi}"
)]
pub struct ResourceKeys {
    /// Requested, not limited.
    pub cpu: Option<QuantityText>,
    /// Requested, and the limit.
    pub memory: Option<QuantityText>,
}

/// ROLL: when running executors are replaced by newer ones.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(
    default,
    deny_unknown_fields,
    expecting = "a map, as {every: 1h, policy: oldest}"
)]
pub struct RollKeys {
    /// Some are replaced this often, or `never`. never; not 0.
    pub every: OrNever,
    /// At most so many at a time. 1; at least 1.
    #[serde(deserialize_with = "at_least_one")]
    pub at_once: u32,
    /// Which: `lowest_id`, `oldest`, `{highest: METRIC}` or `{outlier: METRIC}`. oldest.
    pub policy: RollPolicy,
    /// Only those that have done so many tasks (metric `tasks`). 0.
    #[serde(deserialize_with = "tasks")]
    pub min_tasks: i64,
    /// Those made from another template than the group's are replaced first, and at once. true.
    pub on_change: bool,
}

impl Default for RollKeys {
    fn default() -> Self {
        let Roll {
            every,
            at_once,
            policy,
            min_tasks,
            on_change,
        } = crate::defaults::group().roll;
        Self {
            every: OrNever(every),
            at_once,
            policy,
            min_tasks,
            on_change,
        }
    }
}

impl RollKeys {
    fn config(&self) -> Roll {
        Roll {
            every: self.every.0,
            at_once: self.at_once,
            policy: self.policy.clone(),
            min_tasks: self.min_tasks,
            on_change: self.on_change,
        }
    }
}

/// CLAIM: the persistent volume claim that each executor uses.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a map, as {size: 10Gi, class: fast}")]
pub struct ClaimKeys {
    /// How large it is.
    pub size: Bytes,
    /// Its storage class. The cluster's default.
    #[serde(default)]
    pub class: Option<String>,
    /// Where the main container finds it, unless the template mounts the volume `evenkeel-claim` for itself. /data.
    #[serde(default = "data")]
    pub path: String,
    /// One that is free is used again, or, with false, deleted. true.
    #[serde(default = "yes")]
    pub reuse: bool,
    /// No claim is made beyond the group's target: an executor waits for one to come free. false.
    #[serde(default)]
    pub wait: bool,
}

fn data() -> String {
    CLAIM_PATH.to_owned()
}

fn yes() -> bool {
    true
}

impl ClaimKeys {
    fn config(&self) -> Claims {
        Claims {
            bytes: self.size.0,
            class: self.class.as_deref().map(Into::into),
            reuse: self.reuse,
            wait: self.wait,
        }
    }
}

/// SIZE: when an executor is given more memory where it runs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(
    default,
    deny_unknown_fields,
    expecting = "a map, as {threshold: 90, percent: 10, max: 8Gi}"
)]
pub struct ResizeKeys {
    /// When its metric `memory` is over so many percent of its limit… 90; at least 1.
    #[serde(deserialize_with = "at_least_one")]
    pub threshold: u32,
    /// …it is given so many percent more… 10; at least 1.
    #[serde(deserialize_with = "at_least_one")]
    pub percent: u32,
    /// …up to this. No bound.
    pub max: Option<Bytes>,
}

impl Default for ResizeKeys {
    fn default() -> Self {
        Self {
            threshold: 90,
            percent: 10,
            max: None,
        }
    }
}

impl ResizeKeys {
    fn config(&self) -> Resize {
        Resize {
            threshold: self.threshold,
            percent: self.percent,
            max: self.max.map(|max| max.0),
        }
    }
}

/// SHRINK-2: who lets running executors go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShrinkKey {
    /// The engine, one by one.
    #[default]
    Asked,
    /// A smaller target does, among those that are idle.
    Idle,
}

impl Default for GroupKeys {
    fn default() -> Self {
        Self {
            target: 0,
            maximum: None,
            max_pending: Bound(None),
            replace: Replace::AtOnce,
            shrink: ShrinkKey::Asked,
            idle_timeout: None,
            before_loss: crate::defaults::group().before_loss,
            roll: RollKeys::default(),
            claims: None,
            resize: None,
            template: None,
            image: None,
            command: Vec::new(),
            args: Vec::new(),
            env: BTreeMap::new(),
            resources: ResourceKeys::default(),
        }
    }
}

impl GroupKeys {
    /// The default of `idle_timeout`.
    pub const IDLE_TIMEOUT: Span = Span::seconds(60);

    /// What the core takes.
    #[must_use]
    pub fn config(&self) -> GroupConfig {
        GroupConfig {
            max_pending: self.max_pending.0,
            replace: self.replace,
            shrink: match self.shrink {
                ShrinkKey::Asked => Shrink::Asked,
                ShrinkKey::Idle => Shrink::Idle {
                    timeout: self.idle_timeout.map_or(Self::IDLE_TIMEOUT, |span| span.0),
                },
            },
            before_loss: self.before_loss,
            roll: self.roll.config(),
            claims: self.claims.as_ref().map(ClaimKeys::config),
            resize: self.resize.as_ref().map(ResizeKeys::config),
        }
    }

    /// What is wanted of the group at first, with pods from the template of that hash.
    #[must_use]
    pub fn wish(&self, template: u64) -> GroupWish {
        GroupWish {
            target: self.target,
            maximum: self.maximum,
            template,
        }
    }

    /// The template; None where neither `template` nor `image` is given.
    ///
    /// # Errors
    /// It is no good template.
    pub fn pod_template(&self) -> Option<Result<PodTemplate, TemplateError>> {
        if let Some(template) = &self.template {
            return Some(PodTemplate::from_value(template.clone()));
        }
        let text = |quantity: &Option<QuantityText>| quantity.as_ref().map(|text| text.0.clone());
        let short = ShortTemplate {
            image: self.image.clone()?,
            command: self.command.clone(),
            args: self.args.clone(),
            env: self.env.clone(),
            resources: ShortResources {
                cpu: text(&self.resources.cpu),
                memory: text(&self.resources.memory),
            },
        };
        Some(PodTemplate::try_from(&short))
    }

    /// The keys of the short form that are given.
    pub(super) fn short_keys(&self) -> Vec<&'static str> {
        [
            ("image", self.image.is_some()),
            ("command", !self.command.is_empty()),
            ("args", !self.args.is_empty()),
            ("env", !self.env.is_empty()),
            ("resources", self.resources != ResourceKeys::default()),
        ]
        .into_iter()
        .filter_map(|(key, given)| given.then_some(key))
        .collect()
    }
}
