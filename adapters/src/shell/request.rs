//! From an action, which knows only ids and hashes, to a request that a cluster can carry out.

use crate::{
    api::pod::OwnerReference,
    port::Request,
    template::{CLAIM_PATH, ClaimMount, Place, PodTemplate, Templates, claim_manifest},
};
use evenkeel_core::{Config, ExecutorId, Group, Name, input::Refusal, output::Action};
use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// What a fleet's requests are made with.
#[derive(Clone, Debug)]
pub struct RequestMaker {
    /// The fleet.
    pub fleet: Name,
    /// The knobs: claims are made as their groups' say (CLAIM).
    pub config: Config,
    /// What its pods are made from.
    pub templates: Templates,
    /// Where the main containers of groups find their claims; [`CLAIM_PATH`] for groups that are not among these.
    pub claim_paths: BTreeMap<Group, String>,
    /// The only owner of pods and claims (LIVE-3).
    pub owner: Option<OwnerReference>,
    /// Where executors find their engine.
    pub url: Option<String>,
}

impl RequestMaker {
    /// The request of that action.
    ///
    /// # Errors
    /// There is nothing to make it from (no template of the hash, no claims in the group's config), or the template's
    /// function panicked: certainly no effect.
    pub fn request(&self, action: &Action) -> Result<Request, Refusal> {
        let name = |executor: &ExecutorId| executor.pod_name(&self.fleet);
        Ok(match action {
            Action::Create {
                executor,
                group,
                template,
                claims,
            } => Request::Create {
                name: name(executor),
                manifest: self.pod(*executor, group, *template, claims)?,
            },
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
            Action::Resize {
                executor,
                group,
                uid,
                memory,
            } => {
                let template = self.newest(*executor, group)?;
                Request::Resize {
                    name: name(executor),
                    uid: uid.clone(),
                    container: template.main_container().into(),
                    // The request grows by as much as the limit: so the pod keeps its quality of service, which a resize
                    // may not change.
                    request: memory.saturating_sub(template.memory_to_spare()),
                    limit: *memory,
                }
            }
            Action::CreateClaim { name, group } => {
                let claims = self.config.group(group).claims.as_ref();
                let claims = claims.ok_or_else(|| refused(group, "it uses no claims"))?;
                let manifest = claim_manifest(&self.place(group, None), name, claims);
                Request::CreateClaim {
                    name: name.clone(),
                    manifest,
                }
            }
            Action::DeleteClaim { name } => Request::DeleteClaim { name: name.clone() },
        })
    }

    fn pod(
        &self,
        executor: ExecutorId,
        group: &Group,
        template: u64,
        claims: &[Name],
    ) -> Result<String, Refusal> {
        let claim = match claims {
            [] => None,
            [claim] => Some(ClaimMount {
                claim: claim.clone(),
                path: self.claim_path(group).to_owned(),
            }),
            _ => return Err(refused(group, "an executor uses one claim")),
        };
        let place = self.place(group, claim);
        let made = guarded(group, executor, || {
            self.templates.manifest(&place, template, executor)
        })?;
        made.ok_or_else(|| refused(group, &format!("no template has the hash {template:016x}")))
    }

    /// The group's newest template, as it is for that executor.
    fn newest(&self, executor: ExecutorId, group: &Group) -> Result<PodTemplate, Refusal> {
        let newest = self.templates.newest(group);
        let template = newest.and_then(|hash| self.templates.get(hash));
        let template = template.ok_or_else(|| refused(group, "it has no template"))?;
        guarded(group, executor, || template.of(executor))
    }

    fn claim_path(&self, group: &Group) -> &str {
        self.claim_paths
            .get(group)
            .map_or(CLAIM_PATH, String::as_str)
    }

    fn place(&self, group: &Group, claim: Option<ClaimMount>) -> Place {
        Place {
            fleet: self.fleet.clone(),
            group: group.clone(),
            owner: self.owner.clone(),
            url: self.url.clone(),
            claim,
        }
    }
}

fn refused(group: &Group, why: &str) -> Refusal {
    Refusal::Invalid(format!("group {group}: {why}").into())
}

/// A template may be a function of the user's: its panic is that executor's failure, and no more.
fn guarded<T>(group: &Group, executor: ExecutorId, make: impl FnOnce() -> T) -> Result<T, Refusal> {
    catch_unwind(AssertUnwindSafe(make)).map_err(|_| {
        let why = format!("the template's function panicked for {executor}");
        refused(group, &why)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::defaults;
    use evenkeel_core::config::Claims;
    use serde_json::{Value, json};

    fn maker(resources: Value) -> RequestMaker {
        let container = json!({"name": "main", "image": "i", "resources": resources});
        let template = PodTemplate::from_value(json!({"spec": {"containers": [container]}}));
        let mut templates = Templates::new();
        templates.insert("small", template.expect("a good template"));
        let mut config = defaults::config();
        let mut group = defaults::group();
        group.claims = Some(Claims {
            bytes: 1 << 30,
            class: None,
            reuse: true,
            wait: false,
        });
        config.groups.insert("small".into(), group);
        RequestMaker {
            fleet: "demo".into(),
            config,
            templates,
            claim_paths: BTreeMap::new(),
            owner: None,
            url: None,
        }
    }

    fn resize(maker: &RequestMaker, group: &str) -> Result<(u64, u64), Refusal> {
        let request = maker.request(&Action::Resize {
            executor: ExecutorId::new(1, 1),
            group: group.into(),
            uid: "u".into(),
            memory: 5000,
        })?;
        match request {
            Request::Resize {
                request,
                limit,
                container,
                ..
            } if *container == *"main" => Ok((request, limit)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_resize_keeps_the_distance_of_request_and_limit() {
        let both = |request: u64, limit: u64| {
            maker(json!({"requests": {"memory": request}, "limits": {"memory": limit}}))
        };
        assert_eq!(resize(&both(1000, 1000), "small"), Ok((5000, 5000)));
        assert_eq!(resize(&both(1000, 3000), "small"), Ok((3000, 5000)));
        assert_eq!(resize(&maker(json!({})), "small"), Ok((5000, 5000)));
        let unknown = Refusal::Invalid("group other: it has no template".into());
        assert_eq!(resize(&both(1, 1), "other"), Err(unknown));
    }

    #[test]
    fn a_pod_gets_its_claim_at_the_groups_path() {
        let mut maker = maker(json!({}));
        let template = maker.templates.newest("small").expect("it has one");
        let create = |maker: &RequestMaker, claims: Vec<Name>| {
            let action = Action::Create {
                executor: ExecutorId::new(1, 1),
                group: "small".into(),
                template,
                claims,
            };
            match maker.request(&action)? {
                Request::Create { manifest, .. } => {
                    let pod: Value = serde_json::from_str(&manifest).expect("JSON");
                    let main = &pod["spec"]["containers"][0];
                    Ok(main["volumeMounts"][0]["mountPath"].clone())
                }
                other => panic!("{other:?}"),
            }
        };
        let one = || vec!["demo-claim-1-1".into()];
        assert_eq!(create(&maker, Vec::new()), Ok(Value::Null));
        assert_eq!(create(&maker, one()), Ok("/data".into()));
        maker.claim_paths.insert("small".into(), "/scratch".into());
        assert_eq!(create(&maker, one()), Ok("/scratch".into()));
        let two = create(&maker, vec!["a".into(), "b".into()]);
        let why = Refusal::Invalid("group small: an executor uses one claim".into());
        assert_eq!(two, Err(why));
    }

    #[test]
    fn a_claim_is_made_only_for_a_group_that_uses_them() {
        let maker = maker(json!({}));
        let create = |group: &str| {
            maker.request(&Action::CreateClaim {
                name: "demo-claim-1-1".into(),
                group: group.into(),
            })
        };
        assert!(matches!(
            create("small"),
            Ok(Request::CreateClaim { manifest, .. }) if manifest.contains("1Gi")
        ));
        let why = Refusal::Invalid("group other: it uses no claims".into());
        assert_eq!(create("other"), Err(why));
    }
}
