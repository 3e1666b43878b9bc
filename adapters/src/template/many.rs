//! The templates of all groups, found by group or by hash.

use super::{Place, PodTemplate};
use evenkeel_core::{ExecutorId, Group};
use std::{collections::BTreeMap, fmt, sync::Arc};

/// What the pods of a group are made from.
#[derive(Clone)]
pub enum Template {
    /// The same for each.
    Same(PodTemplate),
    /// One for each executor. The function must give the same for the same executor: a create may be repeated (GROW-3).
    PerExecutor(Arc<dyn Fn(&ExecutorId) -> PodTemplate + Send + Sync>),
}

impl Template {
    /// A template that depends on the executor.
    pub fn per_executor(make: impl Fn(&ExecutorId) -> PodTemplate + Send + Sync + 'static) -> Self {
        Self::PerExecutor(Arc::new(make))
    }

    /// The template of that executor.
    #[must_use]
    pub fn of(&self, executor: ExecutorId) -> PodTemplate {
        match self {
            Self::Same(template) => template.clone(),
            Self::PerExecutor(make) => make(&executor),
        }
    }

    /// What tells it from others. Of a function it is the hash of what it makes for executor 1-1: so it changes with
    /// what the function makes, and not from process to process.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.of(ExecutorId::new(1, 1)).hash()
    }
}

impl From<PodTemplate> for Template {
    fn from(template: PodTemplate) -> Self {
        Self::Same(template)
    }
}

impl<F: Fn(&ExecutorId) -> PodTemplate + Send + Sync + 'static> From<F> for Template {
    fn from(make: F) -> Self {
        Self::per_executor(make)
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Template({:016x})", self.hash())
    }
}

/// The templates of a fleet: each group's newest, and older ones, which repeats of earlier creates may still ask for.
#[derive(Clone, Debug, Default)]
pub struct Templates {
    newest: BTreeMap<Group, u64>,
    all: BTreeMap<u64, Template>,
}

impl Templates {
    /// No templates.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes this the group's template, and gives its hash.
    pub fn insert(&mut self, group: impl Into<Group>, template: impl Into<Template>) -> u64 {
        let template = template.into();
        let hash = template.hash();
        self.newest.insert(group.into(), hash);
        self.all.insert(hash, template);
        hash
    }

    /// The hash of the group's newest template.
    #[must_use]
    pub fn newest(&self, group: &str) -> Option<u64> {
        self.newest.get(group).copied()
    }

    /// The template of that hash.
    #[must_use]
    pub fn get(&self, hash: u64) -> Option<&Template> {
        self.all.get(&hash)
    }

    /// Each group and the hash of its newest template.
    pub fn groups(&self) -> impl Iterator<Item = (&Group, u64)> {
        self.newest.iter().map(|(group, hash)| (group, *hash))
    }

    /// The pod of that executor, made from the template of that hash; None where there is no such template.
    #[must_use]
    pub fn manifest(&self, place: &Place, hash: u64, executor: ExecutorId) -> Option<String> {
        let template = self.get(hash)?.of(executor);
        Some(template.manifest_as(place, executor, hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::pod::Pod;
    use serde_json::json;

    fn template(image: &str) -> PodTemplate {
        PodTemplate::from_value(json!({"spec": {"containers": [{"name": "a", "image": image}]}}))
            .expect("a good template")
    }

    fn pod(templates: &Templates, hash: u64, sequence: u32) -> Option<Pod> {
        let place = Place {
            fleet: "demo".into(),
            group: "small".into(),
            owner: None,
            url: None,
            claim: None,
        };
        let text = templates.manifest(&place, hash, ExecutorId::new(1, sequence))?;
        Some(serde_json::from_str(&text).expect("JSON"))
    }

    #[test]
    fn an_older_template_is_still_found() {
        let mut templates = Templates::new();
        let old = templates.insert("small", template("one"));
        let new = templates.insert("small", template("two"));
        assert_eq!(templates.newest("small"), Some(new));
        let image = |hash| pod(&templates, hash, 1)?.spec.containers[0].image.clone();
        assert_eq!(image(old).as_deref(), Some("one"));
        assert_eq!(image(new).as_deref(), Some("two"));
        assert_eq!(image(old ^ new), None);
    }

    #[test]
    fn a_function_makes_a_pod_for_each_executor_under_one_hash() {
        let mut templates = Templates::new();
        let hash = templates.insert("small", |id: &ExecutorId| template(&format!("worker:{id}")));
        let pods = [1, 2].map(|sequence| pod(&templates, hash, sequence).expect("a template"));
        let images = pods
            .each_ref()
            .map(|pod| pod.spec.containers[0].image.as_deref());
        assert_eq!(images, [Some("worker:1-1"), Some("worker:1-2")]);
        let label = |pod: &Pod| pod.metadata.labels[crate::api::labels::TEMPLATE].clone();
        assert_eq!(label(&pods[0]), format!("{hash:016x}"));
        assert_eq!(label(&pods[1]), label(&pods[0]));
    }
}
