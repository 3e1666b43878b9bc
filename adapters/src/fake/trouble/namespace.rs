//! A namespace that is ending or gone, and one without its service account.

use super::super::{Answer, refusal, world::World};

/// How the namespace is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Namespace {
    /// As it must be.
    #[default]
    Active,
    /// On its way out: nothing more can be made in it. What is there goes when somebody deletes it.
    Terminating,
    /// Not there: nothing can be made in it.
    Missing,
}

impl World {
    /// Changes how the namespace is. That it ends does not delete what is in it: a test deletes what it means to go.
    pub fn set_namespace(&mut self, is: Namespace) {
        self.standing.namespace = is;
    }

    /// Whether the namespace has its service account `default`: that of a new one is made a moment after it, and until
    /// then no pods can be.
    pub fn set_service_account(&mut self, there: bool) {
        self.standing.no_service_account = !there;
    }

    /// Whether the namespace takes an object.
    pub(in crate::fake) fn namespace_takes(&self, resource: &str, name: &str) -> Answer<()> {
        let namespace = &self.config.namespace;
        match self.standing.namespace {
            Namespace::Active => Ok(()),
            Namespace::Terminating => Err(refusal::terminating(resource, name, namespace)),
            Namespace::Missing => Err(refusal::not_found("namespaces", namespace)),
        }
    }

    pub(in crate::fake) fn has_service_account(&self, resource: &str, name: &str) -> Answer<()> {
        if !self.standing.no_service_account {
            return Ok(());
        }
        let namespace = &self.config.namespace;
        let why = format!(
            "error looking up service account {namespace}/default: serviceaccount \"default\" not found"
        );
        Err(refusal::forbidden(resource, name, &why))
    }
}
