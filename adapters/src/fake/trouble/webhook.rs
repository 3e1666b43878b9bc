//! A mutating webhook: what it changes in each pod that is made.

use super::super::world::World;
use crate::api::pod::{Container, OwnerReference, Pod, Resources};
use std::{collections::BTreeMap, sync::Arc};

/// What a mutating webhook does to each new pod, whoever makes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Webhook {
    /// A container that it adds, unless there is one of that name.
    pub sidecar: Option<Sidecar>,
    /// Labels that it adds or overwrites.
    pub labels: BTreeMap<String, String>,
    /// Annotations that it adds or overwrites.
    pub annotations: BTreeMap<String, String>,
    /// An owner that it adds.
    pub owner: Option<OwnerReference>,
}

/// A container that a webhook adds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sidecar {
    /// Its name, as `istio-proxy`.
    pub name: String,
    /// Whether it comes before the others.
    pub first: bool,
    /// What it needs.
    pub resources: Resources,
}

impl Webhook {
    /// One that adds a container of that name behind the others.
    #[must_use]
    pub fn with_sidecar(name: &str) -> Self {
        let sidecar = Sidecar {
            name: name.to_owned(),
            ..Sidecar::default()
        };
        Self {
            sidecar: Some(sidecar),
            ..Self::default()
        }
    }

    fn change(&self, pod: &mut Pod) {
        let containers = &mut Arc::make_mut(&mut pod.spec).containers;
        if let Some(sidecar) = &self.sidecar
            && containers.iter().all(|it| it.name != sidecar.name)
        {
            let container = Container {
                name: sidecar.name.clone(),
                image: Some("registry.example/sidecar:1".to_owned()),
                resources: sidecar.resources.clone(),
            };
            let at = if sidecar.first { 0 } else { containers.len() };
            containers.insert(at, container);
        }
        let meta = &mut pod.metadata;
        let added = |of: &BTreeMap<String, String>| of.clone().into_iter();
        Arc::make_mut(&mut meta.labels).extend(added(&self.labels));
        Arc::make_mut(&mut meta.annotations).extend(added(&self.annotations));
        meta.owner_references.extend(self.owner.clone());
    }
}

impl World {
    /// Sets the cluster's mutating webhook, or takes it away. It is asked of each pod that is made, before anything is
    /// checked.
    pub fn set_webhook(&mut self, webhook: Option<Webhook>) {
        self.standing.webhook = webhook.map(Arc::new);
    }

    pub(in crate::fake) fn ask_webhook(&self, pod: &mut Pod) {
        if let Some(webhook) = &self.standing.webhook {
            webhook.change(pod);
        }
    }
}
