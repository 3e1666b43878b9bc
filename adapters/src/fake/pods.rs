//! What the API server does with pods, verb by verb.

use super::{
    Answer, DeleteOptions, ListOptions, ListRefused, Patch, PodList, audit::Kind, checks,
    containers, refusal, refusal::Wrong, selector::Selector, world::World,
};
use crate::api::{
    answer::Refused,
    pod::{Pod, PodStatus},
};
use evenkeel_core::Name;
use std::sync::Arc;

const PODS: &str = Kind::Pods.resource();
/// The kind as it stands in the words about its fields and preconditions.
const POD: &str = "Pod";

impl World {
    pub(super) fn create_pod(&mut self, asked: Pod) -> Answer<Arc<Pod>> {
        let mut pod = asked;
        self.namespace_takes(PODS, &pod.metadata.name)?;
        self.default_memory(&mut pod);
        self.has_service_account(PODS, &pod.metadata.name)?;
        self.ask_webhook(&mut pod);
        checks::admissible(&mut pod, &self.config.namespace)?;
        self.within_limit_range(&pod)?;
        self.quota_for_pod(&pod, None)?;
        let name = pod.metadata.name.as_str();
        if let Some(there) = self.store.pod(name) {
            let deleting = there.metadata.deletion_timestamp.is_some();
            return Err(refusal::already_exists(PODS, name, deleting));
        }
        pod.metadata.uid = self.chance.names.uuid();
        pod.metadata.creation_timestamp = Some(self.wall_second());
        pod.metadata.deletion_timestamp = None;
        pod.metadata.deletion_grace_period_seconds = None;
        pod.status = PodStatus {
            phase: "Pending".to_owned(),
            ..PodStatus::default()
        };
        Ok(self.put(pod))
    }

    pub(super) fn get_pod(&self, name: &str) -> Answer<Arc<Pod>> {
        self.store
            .pod(name)
            .cloned()
            .ok_or_else(|| refusal::not_found(PODS, name))
    }

    /// The steps of a deletion, as `rest.BeforeDelete` takes them. The answer is the object as it was last written:
    /// where it went at once, at the revision of its going.
    pub(super) fn delete_pod(&mut self, name: &str, options: &DeleteOptions) -> Answer<Arc<Pod>> {
        let there = self.get_pod(name)?;
        let meta = &there.metadata;
        if let Some(uid) = options.uid.as_ref().map(ToString::to_string)
            && uid != meta.uid
        {
            return Err(refusal::other_uid(POD, name, &uid, &meta.uid));
        }
        if let Some(revision) = options.revision.map(|revision| revision.to_string())
            && revision != meta.resource_version
        {
            let is = &meta.resource_version;
            return Err(refusal::other_revision(POD, name, &revision, is));
        }
        let (until, grace) = match meta.deletion_timestamp {
            None => {
                let own = there.spec.termination_grace_period_seconds.unwrap_or(0);
                let asked = options.grace.map_or(own, i64::from).max(0);
                let at_once = there.spec.node_name.is_none() || containers::finished(&there);
                let grace = if at_once { 0 } else { asked };
                (self.wall_second_in(grace), grace)
            }
            Some(until) => {
                let grace = meta.deletion_grace_period_seconds.unwrap_or(0);
                let shorter = options.grace.map(i64::from);
                let Some(shorter) = shorter.filter(|shorter| *shorter < grace) else {
                    // Only a shorter grace changes a deletion that is under way.
                    return Ok(there);
                };
                let now = self.wall_second();
                let moved = until.as_second() - grace + shorter;
                match jiff::Timestamp::from_second(moved) {
                    Ok(moved) if moved >= now => (moved, shorter),
                    // Its time has passed already: as little as is still graceful.
                    _ => (now, shorter.min(1)),
                }
            }
        };
        let mut pod = Pod::clone(&there);
        pod.metadata.deletion_timestamp = Some(until);
        pod.metadata.deletion_grace_period_seconds = Some(grace);
        let terminating = self.put(pod);
        if grace > 0 {
            return Ok(terminating);
        }
        Ok(self.go_if_free(terminating))
    }

    fn go_if_free(&mut self, pod: Arc<Pod>) -> Arc<Pod> {
        if pod.metadata.finalizers.is_empty() {
            self.drop_pod(&pod.metadata.name).unwrap_or(pod)
        } else {
            pod
        }
    }

    pub(super) fn patch_pod(&mut self, name: &str, patch: &Patch) -> Answer<Arc<Pod>> {
        let there = self.get_pod(name)?;
        let meta = &there.metadata;
        if let Some(uid) = patch.uid.as_ref().map(ToString::to_string)
            && uid != meta.uid
        {
            let wrong = Wrong::invalid("metadata.uid", &uid, "field is immutable");
            return Err(refusal::invalid(POD, name, &[wrong]));
        }
        if let Some(revision) = patch.revision.map(|revision| revision.to_string())
            && revision != meta.resource_version
        {
            return Err(refusal::modified(PODS, name));
        }
        let mut pod = Pod::clone(&there);
        merge(&mut pod.metadata.labels, &patch.labels);
        merge(&mut pod.metadata.annotations, &patch.annotations);
        if let Some(finalizers) = &patch.finalizers {
            let new = finalizers.iter().find(|f| !meta.finalizers.contains(f));
            if let (Some(new), Some(_)) = (new, meta.deletion_timestamp) {
                let why = format!(
                    "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{new:?}}}"
                );
                let wrong = Wrong::forbidden("metadata.finalizers", &why);
                return Err(refusal::invalid(POD, name, &[wrong]));
            }
            pod.metadata.finalizers.clone_from(finalizers);
        }
        let wrong = checks::labels(&pod.metadata);
        if !wrong.is_empty() {
            return Err(refusal::invalid(POD, name, &wrong));
        }
        let going = meta.deletion_timestamp.is_some()
            && meta.deletion_grace_period_seconds.unwrap_or(0) == 0
            && pod.metadata.finalizers.is_empty();
        if going {
            // The object goes with its last finalizer; the answer has a revision older than its going.
            self.drop_pod(name);
            return Ok(there);
        }
        if pod == *there {
            // A write that changes nothing makes no revision.
            return Ok(there);
        }
        Ok(self.put(pod))
    }

    pub(super) fn write_status(&mut self, name: &str, status: PodStatus) -> Answer<Arc<Pod>> {
        let there = self.get_pod(name)?;
        if there.status == status {
            return Ok(there);
        }
        let mut pod = Pod::clone(&there);
        pod.status = status;
        Ok(self.put(pod))
    }

    pub(super) fn bind_pod(&mut self, name: &str, node: &str) -> Answer<Arc<Pod>> {
        let there = self.get_pod(name)?;
        let refused = |why: &str| Refused {
            code: 409,
            reason: "Conflict".to_owned(),
            message: format!("Operation cannot be fulfilled on pods/binding {name:?}: {why}"),
            ..Refused::default()
        };
        if there.metadata.deletion_timestamp.is_some() {
            let why = format!("pod {name} is being deleted, cannot be assigned to a host");
            return Err(refused(&why));
        }
        if let Some(node) = &there.spec.node_name {
            let why = format!("pod {name} is already assigned to node {node:?}");
            return Err(refused(&why));
        }
        let mut pod = Pod::clone(&there);
        Arc::make_mut(&mut pod.spec).node_name = Some(node.to_owned());
        containers::condition(&mut pod.status, "PodScheduled", "True", None, None);
        Ok(self.put(pod))
    }

    /// Sets the condition `DisruptionTarget`, and in the next revision the deletion timestamp.
    pub(super) fn disrupt_pod(
        &mut self,
        name: &str,
        reason: &str,
        message: &str,
        options: &DeleteOptions,
    ) -> Answer<Arc<Pod>> {
        let there = self.get_pod(name)?;
        if let Some(uid) = options.uid.as_ref().map(ToString::to_string)
            && uid != there.metadata.uid
        {
            return Err(refusal::other_uid(POD, name, &uid, &there.metadata.uid));
        }
        let mut pod = Pod::clone(&there);
        let status = &mut pod.status;
        containers::condition(
            status,
            "DisruptionTarget",
            "True",
            Some(reason),
            Some(message),
        );
        if pod != *there {
            self.put(pod);
        }
        self.delete_pod(
            name,
            &DeleteOptions {
                revision: None,
                ..options.clone()
            },
        )
    }

    pub(super) fn list_pods(&self, options: &ListOptions) -> Result<PodList, ListRefused> {
        let selector = Selector::parse(&options.selector)?;
        let newest = self.store.revision();
        if let Some(asked) = options.resource_version
            && asked > newest
        {
            return Err(refusal::too_new(asked, newest).into());
        }
        let (revision, after) = match &options.continue_token {
            None => (newest, None),
            Some(token) => match token.split_once('/') {
                Some(("now", after)) => (newest, Some(after)),
                Some((revision, after)) => {
                    let revision = revision.parse().map_err(|_| bad_token(token))?;
                    (revision, Some(after))
                }
                None => return Err(bad_token(token).into()),
            },
        };
        let Some(pods) = self.store.at(revision).filter(|_| revision <= newest) else {
            return Err(ListRefused {
                answer: refusal::continue_expired(),
                fresh: after.map(|after| format!("now/{after}")),
            });
        };
        let mut selected = pods
            .iter()
            .skip_while(|(name, _)| after.is_some_and(|after| &***name <= after))
            .filter(|(_, pod)| selector.matches(&pod.metadata.labels))
            .map(|(_, pod)| Arc::clone(pod));
        let limit = options.limit.filter(|limit| *limit > 0);
        let items: Vec<_> = selected
            .by_ref()
            .take(limit.unwrap_or(usize::MAX))
            .collect();
        let more = selected.next().is_some();
        let next = items
            .last()
            .filter(|_| more)
            .map(|last| format!("{revision}/{}", last.metadata.name));
        Ok(PodList {
            revision,
            items,
            next,
        })
    }
}

fn bad_token(token: &str) -> Refused {
    refusal::bad_request(format!("continue key is not valid: {token:?}"))
}

fn merge(
    into: &mut Arc<std::collections::BTreeMap<String, String>>,
    patch: &std::collections::BTreeMap<String, Option<String>>,
) {
    if patch.is_empty() {
        return;
    }
    let into = Arc::make_mut(into);
    for (key, value) in patch {
        match value {
            Some(value) => into.insert(key.clone(), value.clone()),
            None => into.remove(key),
        };
    }
}

/// The name in a manifest, decoded or not, for the audit log.
pub(super) fn name_of(decoded: &Answer<Pod>) -> Name {
    decoded
        .as_ref()
        .map_or_else(|_| "".into(), |pod| pod.metadata.name.as_str().into())
}
