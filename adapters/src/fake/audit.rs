//! The audit log: what was asked of the API server, by whom, and how it answered, so that tests can count from outside.

use evenkeel_core::{Name, Time};
use im::Vector;

/// Kinds of objects that the API server holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `pods`.
    Pods,
    /// `pods/resize`: the subresource, of which there is only PATCH.
    PodResize,
    /// `persistentvolumeclaims`.
    Claims,
    /// `leases`.
    Leases,
}

impl Kind {
    /// Kubernetes' name of the resource.
    #[must_use]
    pub const fn resource(self) -> &'static str {
        match self {
            Self::Pods => "pods",
            Self::PodResize => "pods/resize",
            Self::Claims => "persistentvolumeclaims",
            Self::Leases => "leases.coordination.k8s.io",
        }
    }
}

/// What may be asked of the API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the verbs are Kubernetes' own")]
pub enum Verb {
    Create,
    Delete,
    Get,
    List,
    Patch,
    Update,
    Watch,
}

impl Verb {
    /// Kubernetes' name of it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Delete => "delete",
            Self::Get => "get",
            Self::List => "list",
            Self::Patch => "patch",
            Self::Update => "update",
            Self::Watch => "watch",
        }
    }
}

/// One request, as the server saw and answered it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub at: Time,
    /// Who asked: a fleet's name, or the one given to [`World::api`](super::World::api).
    pub by: Name,
    /// Of what kind of object.
    pub kind: Kind,
    /// What was asked.
    pub verb: Verb,
    /// The object's name; empty for lists and watches.
    pub name: Name,
    /// The HTTP status code of the answer. Where the reply was lost, of the one that nobody got.
    pub code: u16,
    /// The revision in the answer.
    pub revision: Option<u64>,
    /// Whether the answer reached the one who asked.
    pub delivered: bool,
}

/// The newest entries, up to a bound.
#[derive(Clone, Debug)]
pub(super) struct Audit {
    entries: Vector<Entry>,
    most: usize,
}

impl Audit {
    pub fn new(most: usize) -> Self {
        Self {
            entries: Vector::new(),
            most,
        }
    }

    pub fn note(&mut self, entry: Entry) {
        if self.most == 0 {
            return;
        }
        if self.entries.len() >= self.most {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    pub fn entries(&self) -> &Vector<Entry> {
        &self.entries
    }
}
