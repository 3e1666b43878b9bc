//! The keys of `config`: their rules, units and defaults.

use super::{
    group::GroupKeys,
    words::{Bound, Duration, OrNever, Share, at_least_one, failures, switch},
};
use crate::{api::owner::Owner, defaults};
use evenkeel_core::{
    Config, Group,
    config::{DeleteBudget, Ending, EngineMode, Failing, Growing, Living, Ramp, Seeing, Shrinking},
};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Unexpected, Visitor, value::MapAccessDeserializer},
};
use std::{collections::BTreeMap, fmt};

/// The keys of a fleet file's `config`, each with its default where it is not given.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(
    default,
    deny_unknown_fields,
    expecting = "a map of the fleet's keys, as {max_failures: 100}"
)]
pub struct ConfigKeys {
    /// FAIL-2, SHRINK-2: `registering` (the default), where executors register with an engine, or `none`.
    pub engine: EngineMode,

    /// GROW-4: `governed` (the default), or `{fixed: {size: 5, every: 1s}}`.
    pub ramp: RampKey,
    /// GROW-4: the most creates under way. 128; at least 1.
    #[serde(deserialize_with = "at_least_one")]
    pub max_in_flight: u32,
    /// GROW-4: within this time each request is answered, if only by "unclear". 30s; not 0.
    pub request_timeout: Duration,
    /// GROW-2: the most executors of the fleet that are requested, created or pending. `none`.
    pub max_pending: Bound,
    /// GROW-2: the most executors of the fleet, those that leave included. `none`.
    pub max_executors: Bound,
    /// GROW-6: a pod that was pending for so long, unregistered, is given up, or `never`. 10m; not 0.
    pub start_timeout: OrNever,
    /// GROW-6: an executor that has run for so long without registering is given up, or `never`. 10m; not 0.
    pub register_timeout: OrNever,
    /// GROW-6: a pod whose containers can't be made, for its image or its settings, is given up after this, or `never`. 2m.
    pub image_pull_patience: OrNever,

    /// SHRINK-1: younger ones are no victims. 60s.
    pub pending_protection: Duration,
    /// SHRINK-2: a drain lasts no longer. 5m.
    pub drain_timeout: Duration,
    /// SHRINK-5: an excess takes at most so many, as `{size: 10, every: 1m}`, or `none`. none.
    pub max_deletes: MaxDeletes,
    /// SHRINK-5: a listing that lacks such a share of the counting executors, or more, is believed only after a second
    /// one, or `never`. 0.5.
    pub suspicious_loss: Share,

    /// END-2: finished pods are labelled and left, not deleted. false.
    pub keep_finished: bool,
    /// SEE-1: a sidecar that ended with an exit code other than 0 makes its pod failed. false.
    pub check_all_containers: bool,
    /// SEE-1: the container whose end is the executor's, in every group. The template's own annotation, else its first.
    pub main_container: Option<String>,
    /// SEE-5: nothing waits on an open write for longer. 5m; not 0.
    pub stuck_after: Duration,
    /// END-1: a pod that outlives its grace by this is overdue. 60s.
    pub overdue_after: Duration,
    /// END-3: how long after its registration an executor may be absent from listings. 30s.
    pub missing_tolerance: Duration,

    /// FAIL-1: more failures than this within the window halt the fleet. max(3, 2 × the sum of the groups' maxima).
    #[serde(deserialize_with = "failures")]
    pub max_failures: Option<u64>,
    /// FAIL-1: failures as old as this are forgotten, or `never`. 1h; not 0.
    pub failure_window: OrNever,
    /// FAIL-2: with no engine, an executor that has run for this long has started well. 10s.
    pub healthy_after: Duration,
    /// FAIL-2: so many startup failures within `backoff_window` put their group in backoff. 2; at least 1.
    #[serde(deserialize_with = "at_least_one")]
    pub backoff_after: u32,
    /// FAIL-2: startup failures as old as this are forgotten. 10m; not 0.
    pub backoff_window: Duration,
    /// FAIL-2: how long a group in backoff waits for its first probe, doubling from probe to probe. 30s; not 0.
    pub backoff_first: Duration,
    /// FAIL-2: how long a group in backoff waits for a probe at most. 5m.
    pub backoff_max: Duration,
    /// FAIL-3: how long a full quota holds a group at first, doubling from try to try. 10s; not 0.
    pub quota_retry: Duration,
    /// FAIL-3: how long a full quota holds a group at most. 2m.
    pub quota_retry_max: Duration,

    /// SEE-4: a watch that says nothing for this long is replaced. 90s; under 75s it is replaced without need.
    pub watch_silence: Duration,
    /// SEE-4: a listing is made this often in any case, or `never`. 5m; not 0.
    pub relist_every: OrNever,

    /// LIVE-1: `on` (the default) or `off`: whether the fleet's Lease is taken. Off is for the fake only.
    #[serde(deserialize_with = "switch")]
    pub lease: bool,
    /// LIVE-1: a lease that was not renewed for this long is free. 15s; whole seconds, at least 5.
    pub lease_duration: Duration,
    /// LIVE-3: `driver`, `none`, or `{kind: Deployment, name: engine}` in the same namespace: what the executors are
    /// collected with. The pod that we run in, where there is one.
    #[serde(deserialize_with = "owner")]
    pub owner: Option<Owner>,
}

impl Default for ConfigKeys {
    fn default() -> Self {
        let Config {
            engine,
            seeing,
            growing,
            shrinking,
            ending,
            failing,
            living,
            ..
        } = defaults::config();
        Self {
            engine,
            ramp: growing.ramp.into(),
            max_in_flight: growing.max_in_flight,
            request_timeout: Duration(growing.request_timeout),
            max_pending: Bound(growing.max_pending),
            max_executors: Bound(growing.max_executors),
            start_timeout: OrNever(growing.start_timeout),
            register_timeout: OrNever(growing.register_timeout),
            image_pull_patience: OrNever(growing.image_pull_patience),
            pending_protection: Duration(shrinking.pending_protection),
            drain_timeout: Duration(shrinking.drain_timeout),
            max_deletes: MaxDeletes(shrinking.max_deletes),
            suspicious_loss: Share(shrinking.suspicious_loss),
            keep_finished: ending.keep_finished,
            check_all_containers: seeing.check_all_containers,
            main_container: None,
            stuck_after: Duration(ending.stuck_after),
            overdue_after: Duration(ending.overdue_after),
            missing_tolerance: Duration(ending.missing_tolerance),
            max_failures: failing.max_failures,
            failure_window: OrNever(failing.failure_window),
            healthy_after: Duration(failing.healthy_after),
            backoff_after: failing.backoff_after,
            backoff_window: Duration(failing.backoff_window),
            backoff_first: Duration(failing.backoff_first),
            backoff_max: Duration(failing.backoff_max),
            quota_retry: Duration(failing.quota_retry),
            quota_retry_max: Duration(failing.quota_retry_max),
            watch_silence: Duration(seeing.watch_silence),
            relist_every: OrNever(seeing.relist_every),
            lease: true,
            lease_duration: Duration(living.lease_duration),
            owner: None,
        }
    }
}

impl ConfigKeys {
    /// What the core takes, with the knobs of these groups.
    #[must_use]
    pub fn config(&self, groups: &BTreeMap<Group, GroupKeys>, seed: u64) -> Config {
        Config {
            seed,
            jitter: true,
            engine: self.engine,
            seeing: Seeing {
                watch_silence: self.watch_silence.0,
                relist_every: self.relist_every.0,
                check_all_containers: self.check_all_containers,
            },
            growing: Growing {
                ramp: self.ramp.into(),
                max_in_flight: self.max_in_flight,
                request_timeout: self.request_timeout.0,
                max_pending: self.max_pending.0,
                max_executors: self.max_executors.0,
                start_timeout: self.start_timeout.0,
                register_timeout: self.register_timeout.0,
                image_pull_patience: self.image_pull_patience.0,
            },
            shrinking: Shrinking {
                pending_protection: self.pending_protection.0,
                drain_timeout: self.drain_timeout.0,
                max_deletes: self.max_deletes.0,
                suspicious_loss: self.suspicious_loss.0,
            },
            ending: Ending {
                keep_finished: self.keep_finished,
                stuck_after: self.stuck_after.0,
                overdue_after: self.overdue_after.0,
                missing_tolerance: self.missing_tolerance.0,
            },
            failing: Failing {
                max_failures: self.max_failures,
                failure_window: self.failure_window.0,
                healthy_after: self.healthy_after.0,
                quota_retry: self.quota_retry.0,
                quota_retry_max: self.quota_retry_max.0,
                backoff_after: self.backoff_after,
                backoff_window: self.backoff_window.0,
                backoff_first: self.backoff_first.0,
                backoff_max: self.backoff_max.0,
            },
            living: Living {
                lease_duration: self.lease_duration.0,
            },
            groups: groups
                .iter()
                .map(|(name, keys)| (name.clone(), keys.config()))
                .collect(),
            other_groups: GroupKeys::default().config(),
            #[cfg(feature = "mutants")]
            mutant: None,
        }
    }
}

/// GROW-4: what bounds creates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RampKey {
    /// A window that grows with each success and halves on trouble.
    #[default]
    Governed,
    /// At most `size` creates per `every` and group.
    Fixed(FixedRamp),
}

/// GROW-4: a fixed number per interval and group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a map, as {size: 5, every: 1s}")]
pub struct FixedRamp {
    /// At most so many creates… At least 1.
    #[serde(deserialize_with = "at_least_one")]
    pub size: u32,
    /// …in each such interval. Not 0.
    pub every: Duration,
}

impl From<Ramp> for RampKey {
    fn from(ramp: Ramp) -> Self {
        match ramp {
            Ramp::Governed => Self::Governed,
            Ramp::Fixed { size, every } => Self::Fixed(FixedRamp {
                size,
                every: Duration(every),
            }),
        }
    }
}

impl From<RampKey> for Ramp {
    fn from(key: RampKey) -> Self {
        match key {
            RampKey::Governed => Self::Governed,
            RampKey::Fixed(FixedRamp { size, every }) => Self::Fixed {
                size,
                every: every.0,
            },
        }
    }
}

/// SHRINK-5: what an excess may take, or `none` (None).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MaxDeletes(pub Option<DeleteBudget>);

impl<'de> Deserialize<'de> for MaxDeletes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MaxDeletesVisitor)
    }
}

struct MaxDeletesVisitor;

impl<'de> Visitor<'de> for MaxDeletesVisitor {
    type Value = MaxDeletes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map, as {size: 10, every: 1m}, or none")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<MaxDeletes, E> {
        match text {
            "none" => Ok(MaxDeletes(None)),
            _ => Err(E::invalid_value(Unexpected::Str(text), &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<MaxDeletes, A::Error> {
        let keys = BudgetKeys::deserialize(MapAccessDeserializer::new(map))?;
        Ok(MaxDeletes(Some(DeleteBudget {
            size: keys.size,
            every: keys.every.0,
        })))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a map, as {size: 10, every: 1m}")]
struct BudgetKeys {
    #[serde(deserialize_with = "at_least_one")]
    size: u32,
    every: Duration,
}

/// LIVE-3: what the executors are collected with.
fn owner<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Owner>, D::Error> {
    deserializer.deserialize_any(OwnerVisitor).map(Some)
}

struct OwnerVisitor;

impl<'de> Visitor<'de> for OwnerVisitor {
    type Value = Owner;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("driver, none, or a map, as {kind: Deployment, name: engine}")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Owner, E> {
        match text {
            "driver" => Ok(Owner::Driver),
            "none" => Ok(Owner::None),
            _ => Err(E::invalid_value(Unexpected::Str(text), &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Owner, A::Error> {
        let object = OwnerObject::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Owner::Object {
            api_version: object.api_version,
            kind: object.kind,
            name: object.name,
        })
    }
}

#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a map, as {kind: Deployment, name: engine}"
)]
struct OwnerObject {
    #[serde(default)]
    api_version: Option<String>,
    kind: String,
    name: String,
}
