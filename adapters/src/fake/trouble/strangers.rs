//! What strangers do to pods, by kubectl or as controllers of their own.

use super::super::{Answer, DeleteOptions, Patch, world::World};
use crate::api::pod::Pod;
use std::{collections::BTreeMap, sync::Arc};

/// Who strangers are in the audit log.
const STRANGER: &str = "stranger";

#[allow(
    clippy::missing_errors_doc,
    reason = "each is refused as the API server refuses it: 404 where there is no such pod"
)]
impl World {
    /// Somebody makes a pod.
    pub fn create_as_stranger(&mut self, manifest: &str) -> Answer<Arc<Pod>> {
        self.api(STRANGER).create(manifest)
    }

    /// Somebody makes a pod of one container, with these labels.
    pub fn create_labelled(&mut self, name: &str, labels: &[(&str, &str)]) -> Answer<Arc<Pod>> {
        let labels: BTreeMap<&str, &str> = labels.iter().copied().collect();
        let manifest = serde_json::json!({
            "metadata": {"name": name, "labels": labels},
            "spec": {"containers": [{"name": "main", "image": "registry.example/stranger:1"}]},
        });
        self.create_as_stranger(&manifest.to_string())
    }

    /// Somebody deletes the pod, with its own grace.
    pub fn delete_as_stranger(&mut self, name: &str) -> Answer<Arc<Pod>> {
        self.api(STRANGER).delete(name, &DeleteOptions::default())
    }

    /// Somebody deletes the pod by force, as `kubectl delete --force` does: with grace 0. It goes at once, wherever it
    /// is, but where a finalizer holds it.
    pub fn delete_by_force(&mut self, name: &str) -> Answer<Arc<Pod>> {
        let at_once = DeleteOptions {
            grace: Some(0),
            ..DeleteOptions::default()
        };
        self.api(STRANGER).delete(name, &at_once)
    }

    /// Somebody sets labels of a pod, or with None takes them away.
    pub fn set_labels(&mut self, name: &str, labels: &[(&str, Option<&str>)]) -> Answer<Arc<Pod>> {
        let labels: BTreeMap<String, Option<String>> = labels
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.map(str::to_owned)))
            .collect();
        let patch = Patch {
            labels,
            ..Patch::default()
        };
        self.api(STRANGER).patch(name, &patch)
    }

    /// Somebody adds a finalizer to a pod: it will not go before that is removed. To one that is being deleted no new
    /// one can be added (422).
    pub fn add_finalizer(&mut self, name: &str, finalizer: &str) -> Answer<Arc<Pod>> {
        self.change_finalizers(name, |all| {
            if all.iter().all(|it| it != finalizer) {
                all.push(finalizer.to_owned());
            }
        })
    }

    /// Somebody removes a finalizer: a pod that waits for nothing else goes. The answer is then the pod as it was last,
    /// at a revision older than its going.
    pub fn remove_finalizer(&mut self, name: &str, finalizer: &str) -> Answer<Arc<Pod>> {
        self.change_finalizers(name, |all| all.retain(|it| it != finalizer))
    }

    fn change_finalizers(
        &mut self,
        name: &str,
        change: impl FnOnce(&mut Vec<String>),
    ) -> Answer<Arc<Pod>> {
        let mut finalizers = self.get_pod(name)?.metadata.finalizers.clone();
        change(&mut finalizers);
        let patch = Patch {
            finalizers: Some(finalizers),
            ..Patch::default()
        };
        self.api(STRANGER).patch(name, &patch)
    }
}
