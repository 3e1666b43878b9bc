//! What the namespace and its administrators allow: quotas, a limit range, rights.

use super::{
    Answer,
    audit::{Kind, Verb},
    containers, nodes, refusal,
    world::World,
};
use crate::api::{
    pod::{Container, Pod},
    quantity::{Quantity, binary},
};
use std::sync::Arc;

/// What a ResourceQuota of the namespace allows in all; None: no bound.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    /// Its name.
    pub name: String,
    /// `pods`: those that have not finished.
    pub pods: Option<u64>,
    /// `requests.memory` in bytes: of pods that have not finished.
    pub memory: Option<u64>,
    /// `persistentvolumeclaims`.
    pub claims: Option<u64>,
}

/// What is asked of one resource of a quota, in its own unit.
struct Asked {
    resource: &'static str,
    more: u64,
    used: u64,
    limit: u64,
    write: fn(u64) -> String,
}

impl World {
    /// Sets the namespace's one quota, or with None takes it away. What is there already stays.
    pub fn set_quota(&mut self, quota: Option<Quota>) {
        self.quota = quota;
    }

    /// A LimitRange of the namespace allows each container so many bytes of memory, and gives as much to those that do
    /// not say; None: there is no LimitRange.
    pub fn set_max_memory(&mut self, bytes: Option<u64>) {
        self.max_memory = bytes;
    }

    /// Takes a right from all fleets: such requests are refused as by RBAC. Those made through [`World::api`] are not.
    pub fn deny(&mut self, kind: Kind, verb: Verb) {
        self.denied.insert((kind, verb));
    }

    /// Gives a right back.
    pub fn permit(&mut self, kind: Kind, verb: Verb) {
        self.denied.remove(&(kind, verb));
    }

    /// The LimitRange fills in what a new pod does not say.
    pub(super) fn default_memory(&self, pod: &mut Pod) {
        let Some(most) = self.max_memory else {
            return;
        };
        for container in &mut Arc::make_mut(&mut pod.spec).containers {
            let resources = &mut container.resources;
            let limit = || binary(most);
            resources
                .limits
                .entry("memory".to_owned())
                .or_insert_with(limit);
        }
    }

    /// The LimitRange, of a pod that is made or resized.
    pub(super) fn within_limit_range(&self, pod: &Pod) -> Answer<()> {
        let Some(most) = self.max_memory else {
            return Ok(());
        };
        for container in &pod.spec.containers {
            let text = container.resources.limits.get("memory");
            let limit = text.and_then(|text| text.parse::<Quantity>().ok());
            if let (Some(text), Some(limit)) = (text, limit)
                && limit > Quantity::units(most)
            {
                let most = binary(most);
                let why =
                    format!("maximum memory usage per Container is {most}, but limit is {text}");
                return Err(refusal::forbidden(PODS, &pod.metadata.name, &why));
            }
        }
        Ok(())
    }

    /// The quota, for a pod that is made, or with `before` resized.
    pub(super) fn quota_for_pod(&self, pod: &Pod, before: Option<&Pod>) -> Answer<()> {
        let Some(quota) = &self.quota else {
            return Ok(());
        };
        let name = &*pod.metadata.name;
        let silent = |container: &&Container| !container.resources.requests.contains_key("memory");
        if quota.memory.is_some()
            && let Some(container) = pod.spec.containers.iter().find(silent)
        {
            let which = (&*quota.name, &*container.name);
            let why = format!(
                "failed quota: {}: must specify requests.memory for: {}",
                which.0, which.1
            );
            return Err(refusal::forbidden(PODS, name, &why));
        }
        let live = || {
            self.store
                .pods()
                .values()
                .filter(|pod| !containers::finished(pod))
        };
        let had = before.map_or(0, memory);
        let asked = [
            quota.pods.filter(|_| before.is_none()).map(|limit| Asked {
                resource: "pods",
                more: 1,
                used: live().count() as u64,
                limit,
                write: |count| count.to_string(),
            }),
            quota.memory.map(|limit| Asked {
                resource: "requests.memory",
                more: memory(pod).saturating_sub(had),
                used: live().map(|pod| memory(pod)).fold(0, u64::saturating_add),
                limit,
                write: binary,
            }),
        ];
        within(&quota.name, PODS, name, asked.into_iter().flatten())
    }

    /// The quota, for a claim that is made.
    pub(super) fn quota_for_claim(&self, name: &str) -> Answer<()> {
        let Some(quota) = &self.quota else {
            return Ok(());
        };
        let resource = Kind::Claims.resource();
        let asked = quota.claims.map(|limit| Asked {
            resource,
            more: 1,
            used: self.claims.now().len() as u64,
            limit,
            write: |count| count.to_string(),
        });
        within(&quota.name, resource, name, asked.into_iter())
    }
}

const PODS: &str = Kind::Pods.resource();

fn within(
    quota: &str,
    resource: &str,
    name: &str,
    asked: impl Iterator<Item = Asked>,
) -> Answer<()> {
    let over: Vec<Asked> = asked
        .filter(|it| it.more > 0 && it.used.saturating_add(it.more) > it.limit)
        .collect();
    if over.is_empty() {
        return Ok(());
    }
    let list = |amount: fn(&Asked) -> u64| {
        let parts = over
            .iter()
            .map(|it| format!("{}={}", it.resource, (it.write)(amount(it))));
        parts.collect::<Vec<_>>().join(",")
    };
    let why = format!(
        "exceeded quota: {quota}, requested: {}, used: {}, limited: {}",
        list(|it| it.more),
        list(|it| it.used),
        list(|it| it.limit)
    );
    Err(refusal::forbidden(resource, name, &why))
}

/// What a pod requests.
pub(super) fn memory(pod: &Pod) -> u64 {
    let requests = pod.spec.containers.iter().map(|it| &it.resources.requests);
    let amounts = requests.filter_map(|of| of.get("memory")?.parse::<Quantity>().ok());
    amounts
        .map(|amount| nodes::counted(amount.whole()))
        .fold(0, u64::saturating_add)
}
