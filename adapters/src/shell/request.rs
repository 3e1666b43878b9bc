//! From an action, which knows only ids and hashes, to a request that a cluster can carry out.

use crate::{
    api::pod::OwnerReference,
    port::Request,
    template::{Place, Templates},
};
use evenkeel_core::{ExecutorId, Name, input::Refusal, output::Action};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a fleet's requests are made with.
#[derive(Clone, Debug)]
pub struct RequestMaker {
    /// The fleet.
    pub fleet: Name,
    /// What its pods are made from.
    pub templates: Templates,
    /// The pods' only owner (LIVE-3).
    pub owner: Option<OwnerReference>,
    /// Where executors find their engine.
    pub url: Option<String>,
}

impl RequestMaker {
    /// The request of that action.
    ///
    /// # Errors
    /// There is no template of the hash that it asks for, or its function panicked: certainly no effect.
    pub fn request(&self, action: &Action) -> Result<Request, Refusal> {
        let name = |executor: &ExecutorId| executor.pod_name(&self.fleet);
        Ok(match action {
            Action::Create {
                executor,
                group,
                template,
                ..
            } => {
                let place = Place {
                    fleet: self.fleet.clone(),
                    group: group.clone(),
                    owner: self.owner.clone(),
                    url: self.url.clone(),
                };
                let refused = |why: &str| Refusal::Invalid(format!("group {group}: {why}").into());
                // A template may be a function of the user's: its panic is that executor's failure, and no more.
                let make = || self.templates.manifest(&place, *template, *executor);
                let made = catch_unwind(AssertUnwindSafe(make)).map_err(|_| {
                    refused(&format!("the template's function panicked for {executor}"))
                })?;
                let manifest = made
                    .ok_or_else(|| refused(&format!("no template has the hash {template:016x}")))?;
                Request::Create {
                    name: name(executor),
                    manifest,
                }
            }
            Action::Delete {
                executor,
                uid,
                revision,
            } => Request::Delete {
                name: name(executor),
                uid: uid.clone(),
                revision: *revision,
            },
            Action::MarkFinished { executor, uid } => Request::MarkFinished {
                name: name(executor),
                uid: uid.clone(),
            },
            Action::Resize { .. } | Action::CreateClaim { .. } | Action::DeleteClaim { .. } => {
                return Err(Refusal::Invalid("no cluster can do that yet".into()));
            }
        })
    }
}
