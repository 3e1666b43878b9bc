//! What a fleet is started with.

use super::{
    Identity, LeaseKeeper, RequestMaker, Sink,
    clock::Clock,
    flight::Recorder,
    handle::{Handle, Running},
    task::{Lease, Task},
};
use crate::{
    api::pod::OwnerReference,
    port::Cluster,
    template::{
        CLAIM_PATH, ClaimPathError, Template, Templates,
        names::{is_dns_label, is_label_value},
    },
};
use evenkeel_core::{
    Config, Controller, ExecutorId, Group, Input, Name,
    config::GroupConfig,
    flight::Head,
    input::{DesiredChange, GroupWish},
};
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::{mpsc, oneshot, watch};
use tracing::Instrument;

/// A fleet of executors: all those of one application.
#[derive(Debug)]
pub struct Fleet;

impl Fleet {
    /// Begins with the fleet's name: a DNS label of at most 40 characters, unique in its namespace.
    pub fn builder(name: impl Into<Name>) -> FleetBuilder {
        FleetBuilder {
            name: name.into(),
            config: crate::defaults::config(),
            groups: BTreeMap::new(),
            claim_paths: BTreeMap::new(),
            templates: Templates::new(),
            wishes: BTreeMap::new(),
            owner: None,
            url: None,
            lease: true,
            identity: None,
            effects: false,
            recorder: None,
        }
    }
}

/// What a fleet is started with; see its methods.
#[must_use = "a builder does nothing until it is started"]
pub struct FleetBuilder {
    name: Name,
    config: Config,
    groups: BTreeMap<Group, GroupConfig>,
    claim_paths: BTreeMap<Group, String>,
    templates: Templates,
    wishes: BTreeMap<Group, GroupWish>,
    owner: Option<OwnerReference>,
    url: Option<String>,
    lease: bool,
    identity: Option<Identity>,
    effects: bool,
    recorder: Option<Sink>,
}

/// Why a fleet could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The fleet's name does not do.
    #[error(
        "{0:?} is no fleet name: it must be a DNS label of at most 40 characters (a-z, 0-9 and -, beginning with a letter, not ending with -)"
    )]
    Name(String),
    /// A group's name does not do.
    #[error(
        "{0:?} is no group name: it must be a label value (at most 63 of a-z, A-Z, 0-9, -, _ and ., with a letter or digit at both ends)"
    )]
    Group(String),
    /// A group is wanted whose template is not there.
    #[error("group {0} has no template of the hash {1:016x}; give it one with template()")]
    NoTemplate(Group, u64),
    /// A group's pods can't mount their claims where they should.
    #[error("group {0}: claims.path: {1}")]
    ClaimPath(Group, #[source] ClaimPathError),
    /// The cluster is seen from another fleet.
    #[error("the cluster given is seen from the fleet {0:?}; make it with this fleet's own name")]
    OtherFleet(String),
    /// The flight record can't be written.
    #[error("the flight record can't be written: {0}")]
    Record(#[from] std::io::Error),
    /// It was started outside a tokio runtime.
    #[error("a fleet must be started within a tokio runtime")]
    NoRuntime,
}

impl FleetBuilder {
    /// The knobs; the defaults where this is not called.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// A group with its target and its template: a [`PodTemplate`](crate::template::PodTemplate), or a function of the
    /// executor's id that gives the same for the same id.
    pub fn group(
        mut self,
        group: impl Into<Group>,
        target: u64,
        template: impl Into<Template>,
    ) -> Self {
        let group = group.into();
        let template = self.templates.insert(group.clone(), template);
        self.wishes.insert(
            group,
            GroupWish {
                target,
                maximum: None,
                template,
            },
        );
        self
    }

    /// The knobs of that group, whatever [`config`](Self::config) says of it: how its executors are replaced, let go,
    /// rolled and grown, and which claims they use. [`defaults::group`](crate::defaults::group) is where to begin.
    pub fn group_config(mut self, group: impl Into<Group>, config: GroupConfig) -> Self {
        self.groups.insert(group.into(), config);
        self
    }

    /// Where the main container of that group's pods finds its claim (CLAIM): an absolute path; `/data` where this is
    /// not called. A template that mounts the volume `evenkeel-claim` for itself has the last word.
    pub fn claim_path(mut self, group: impl Into<Group>, path: impl Into<String>) -> Self {
        self.claim_paths.insert(group.into(), path.into());
        self
    }

    /// All templates at once.
    pub fn templates(mut self, templates: Templates) -> Self {
        self.templates = templates;
        self
    }

    /// All wishes at once: the engine's first, whole statement (LIVE-1).
    pub fn wish(mut self, wishes: BTreeMap<Group, GroupWish>) -> Self {
        self.wishes = wishes;
        self
    }

    /// The executors' only owner, with which the cluster collects them (LIVE-3).
    pub fn owner(mut self, owner: Option<OwnerReference>) -> Self {
        self.owner = owner;
        self
    }

    /// Where executors find the engine: `EVENKEEL_URL` in their environment.
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }

    /// Whether the fleet's Lease is taken (LIVE-1). Off is for clusters that only this process knows.
    pub fn lease(mut self, lease: bool) -> Self {
        self.lease = lease;
        self
    }

    /// Who takes the lease; this process where this is not called.
    pub fn identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Whether effects and their answers are among the events, for those who show what happens.
    pub fn effects(mut self, effects: bool) -> Self {
        self.effects = effects;
        self
    }

    /// Where the flight record goes.
    pub fn recorder(mut self, recorder: Option<Sink>) -> Self {
        self.recorder = recorder;
        self
    }

    /// Starts keeping the fleet.
    ///
    /// # Errors
    /// Something given does not do, or there is no tokio runtime.
    pub fn start(mut self, cluster: Arc<dyn Cluster>) -> Result<Running, StartError> {
        let span = tracing::info_span!("fleet", name = %self.name);
        let runtime = tokio::runtime::Handle::try_current().map_err(|_| StartError::NoRuntime)?;
        self.config.groups.append(&mut self.groups);
        self.check()?;
        if *self.name != *cluster.fleet() {
            return Err(StartError::OtherFleet(cluster.fleet().to_owned()));
        }
        let head = Head::new(self.config.clone(), self.name.clone());
        let recorder = self
            .recorder
            .map(|sink| Recorder::begin(sink, &head))
            .transpose()?;
        let controller = Controller::new(self.config.clone(), self.name.clone());
        let (inputs, inbox) = mpsc::unbounded_channel();
        let (say_status, status) = watch::channel(controller.status().clone());
        let (say_event, events) = mpsc::unbounded_channel();
        let (alive, gone) = oneshot::channel();
        let identity = self
            .identity
            .unwrap_or_else(|| Identity::of_this_process(None));
        let lease = if self.lease {
            Lease::On(Box::new(LeaseKeeper::new(
                identity,
                self.config.living.lease_duration,
            )))
        } else {
            Lease::Off
        };
        let first = DesiredChange {
            whole: Some(self.wishes),
            ..DesiredChange::default()
        };
        let clock = Clock::start();
        let task = Task {
            clock,
            controller,
            cluster: cluster.clone(),
            requests: RequestMaker {
                fleet: self.name,
                config: self.config.clone(),
                templates: self.templates,
                claim_paths: self.claim_paths,
                owner: self.owner,
                url: self.url,
            },
            request_timeout: self.config.growing.request_timeout,
            lease: Some(lease),
            recorder,
            effects: self.effects,
            inputs: inputs.clone(),
            inbox,
            status: say_status,
            events: say_event,
            gone,
            tasks: tokio::task::JoinSet::new(),
            streams: BTreeMap::new(),
            troubles: super::trouble::Troubles::default(),
        };
        let task = runtime.spawn(task.run(Input::Desired(first)).instrument(span));
        let handle = Handle {
            inputs,
            status,
            cluster,
            clock,
            _alive: Arc::new(alive),
        };
        Ok(Running {
            handle,
            events,
            task,
        })
    }

    fn check(&self) -> Result<(), StartError> {
        if !is_dns_label(&self.name, 40) {
            return Err(StartError::Name(self.name.to_string()));
        }
        for (group, wish) in &self.wishes {
            if group.is_empty() || !is_label_value(group) {
                return Err(StartError::Group(group.to_string()));
            }
            let Some(template) = self.templates.get(wish.template) else {
                return Err(StartError::NoTemplate(group.clone(), wish.template));
            };
            if self.config.group(group).claims.is_some() {
                let path = self.claim_paths.get(group);
                let path = path.map_or(CLAIM_PATH, String::as_str);
                template
                    .of(ExecutorId::new(1, 1))
                    .check_claim_path(path)
                    .map_err(|error| StartError::ClaimPath(group.clone(), error))?;
            }
        }
        Ok(())
    }
}
