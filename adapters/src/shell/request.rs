//! From an action, which knows only ids and hashes, to a request that a cluster can carry out.

use crate::{
    api::pod::OwnerReference,
    port::Request,
    template::{Place, Templates},
};
use evenkeel_core::{ExecutorId, Name, input::Refusal, output::Action};

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
    /// There is no template of the hash that it asks for: certainly no effect.
    pub fn request(&self, action: &Action) -> Result<Request, Refusal> {
        let name = |executor: &ExecutorId| executor.pod_name(&self.fleet);
        Ok(match action {
            Action::Create {
                executor,
                group,
                template,
            } => {
                let place = Place {
                    fleet: self.fleet.clone(),
                    group: group.clone(),
                    owner: self.owner.clone(),
                    url: self.url.clone(),
                };
                let made = self.templates.manifest(&place, *template, *executor);
                let manifest = made.ok_or_else(|| {
                    Refusal::Invalid(
                        format!("group {group} has no template of the hash {template:016x}").into(),
                    )
                })?;
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
        })
    }
}
