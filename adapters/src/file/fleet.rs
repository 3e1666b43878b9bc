//! The keys of a fleet file, and the checked whole that is made of them.

use super::{
    check, config::ConfigKeys, error::FileError, group::GroupKeys, node::Node, words::Duration,
};
use crate::{
    api::owner::Owner,
    template::{FieldPath, PodTemplate, Templates},
};
use evenkeel_core::{
    Config, Group, Name, Span,
    input::{GroupWish, Shutdown},
};
use serde::Deserialize;
use std::collections::BTreeMap;

#[cfg(feature = "fake")]
pub use crate::fake::Weather;

/// What goes wrong on the fake: without the feature `fake`, not looked into.
#[cfg(not(feature = "fake"))]
pub type Weather = serde_json::Value;

/// Where pods live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClusterKind {
    /// In memory: nothing runs.
    #[default]
    Fake,
    /// In a Kubernetes cluster.
    Kube,
}

/// The keys of a fleet file.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a fleet file: a map with the keys fleet and groups"
)]
pub struct FleetKeys {
    /// The fleet's name: a DNS label of at most 40 characters.
    pub fleet: String,
    /// `fake` (the default) or `kube`.
    #[serde(default)]
    pub cluster: ClusterKind,
    /// The namespace of the pods, with `cluster: kube`. The client's own, else `default`.
    #[serde(default)]
    pub namespace: Option<String>,
    /// LIVE-4: `delete` (the default), `drain` or `leave`: what becomes of the executors at the end.
    #[serde(default = "delete")]
    pub shutdown: Shutdown,
    /// How long `evenkeel run` runs the fleet. Until it is stopped.
    #[serde(default, rename = "for")]
    pub run_for: Option<Duration>,
    /// The fleet's knobs.
    #[serde(default)]
    pub config: ConfigKeys,
    /// The groups.
    pub groups: BTreeMap<Group, GroupKeys>,
    /// What goes wrong, with `cluster: fake`. Nothing.
    #[serde(default)]
    pub weather: Option<Weather>,
}

fn delete() -> Shutdown {
    Shutdown::Delete
}

/// A fleet file, read and checked.
#[derive(Clone, Debug)]
pub struct FleetFile {
    /// The fleet's name.
    pub fleet: Name,
    /// Where its pods live.
    pub cluster: ClusterKind,
    /// The namespace; None: the client's own.
    pub namespace: Option<String>,
    /// What becomes of the executors at the end (LIVE-4).
    pub shutdown: Shutdown,
    /// How long to run it.
    pub run_for: Option<Span>,
    /// The knobs of the decisions.
    pub config: Config,
    /// Whether the fleet's Lease is taken (LIVE-1).
    pub lease: bool,
    /// What the executors are collected with (LIVE-3); None: the pod that we run in, where there is one.
    pub owner: Option<Owner>,
    /// The groups.
    pub groups: BTreeMap<Group, GroupFile>,
    /// What goes wrong, on the fake.
    pub weather: Option<Weather>,
    /// What is allowed and probably not meant.
    pub warnings: Vec<FileError>,
}

/// A group of a fleet file.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupFile {
    /// What is wanted of it.
    pub wish: GroupWish,
    /// What its pods are made from.
    pub template: PodTemplate,
    /// Where the main container finds its claim, where the group uses claims (CLAIM).
    pub claim_path: Option<String>,
}

impl FleetFile {
    /// What is wanted of all groups.
    #[must_use]
    pub fn wishes(&self) -> BTreeMap<Group, GroupWish> {
        let wish = |(name, group): (&Group, &GroupFile)| (name.clone(), group.wish.clone());
        self.groups.iter().map(wish).collect()
    }

    /// The templates of all groups.
    #[must_use]
    pub fn templates(&self) -> Templates {
        let mut templates = Templates::new();
        for (name, group) in &self.groups {
            templates.insert(name.clone(), group.template.clone());
        }
        templates
    }

    /// Where the main containers of the groups that use claims find theirs (CLAIM).
    #[must_use]
    pub fn claim_paths(&self) -> BTreeMap<Group, String> {
        let path =
            |(name, group): (&Group, &GroupFile)| Some((name.clone(), group.claim_path.clone()?));
        self.groups.iter().filter_map(path).collect()
    }
}

/// Checks what was read, and puts it together.
pub(super) fn checked(
    keys: FleetKeys,
    tree: &Node,
    name: &str,
    cluster: Option<ClusterKind>,
) -> Result<FleetFile, FileError> {
    let cluster = cluster.unwrap_or(keys.cluster);
    let remark = |(path, what): (FieldPath, String)| {
        FileError::new(name, Some(tree.locate(&path)), path, &what)
    };
    let mut remarks = check::fleet(&keys, cluster);
    if !remarks.errors.is_empty() {
        return Err(remark(remarks.errors.swap_remove(0)));
    }
    let mut groups = BTreeMap::new();
    for (group, group_keys) in &keys.groups {
        let template = template(group, group_keys, &keys.config).map_err(remark)?;
        let wish = group_keys.wish(template.hash());
        let claim_path = group_keys.claims.as_ref().map(|claims| claims.path.clone());
        if let Some(path) = &claim_path {
            template.check_claim_path(path).map_err(|error| {
                let at = FieldPath::default().then("groups").then(&**group);
                remark((at.then("claims").then("path"), error.to_string()))
            })?;
        }
        groups.insert(
            group.clone(),
            GroupFile {
                wish,
                template,
                claim_path,
            },
        );
    }
    Ok(FleetFile {
        config: keys.config.config(&keys.groups, seed(&keys.fleet)),
        fleet: keys.fleet.into(),
        cluster,
        namespace: keys.namespace,
        shutdown: keys.shutdown,
        run_for: keys.run_for.map(|span| span.0),
        lease: keys.config.lease,
        owner: keys.config.owner,
        groups,
        weather: keys.weather,
        warnings: remarks.warnings.into_iter().map(remark).collect(),
    })
}

fn template(
    group: &Group,
    keys: &GroupKeys,
    config: &ConfigKeys,
) -> Result<PodTemplate, check::Remark> {
    let at = FieldPath::default().then("groups").then(&**group);
    let missing = || (at.clone(), "neither image nor template is given".to_owned());
    let template = keys.pod_template().ok_or_else(missing)?.map_err(|error| {
        match (&keys.template, error.field.0.last()) {
            (Some(_), _) => (
                error.field.below(&at.then("template")),
                error.problem.to_string(),
            ),
            // The short form is checked as the template that it stands for.
            (None, Some(_)) => (
                at.then(error.key().unwrap_or("image")),
                error.problem.to_string(),
            ),
            (None, None) => (at.clone(), error.problem.to_string()),
        }
    })?;
    match &config.main_container {
        None => Ok(template),
        Some(main) => template.with_main_container(main).map_err(|error| {
            let at = FieldPath::default().then("config").then("main_container");
            (at, format!("in group {group}: {}", error.problem))
        }),
    }
}

/// What jitter is drawn from, where nobody says: fleets differ, and a fleet's runs are alike.
fn seed(fleet: &str) -> u64 {
    fleet.bytes().fold(0, |seed: u64, byte| {
        seed.wrapping_mul(0x100_0000_01b3) ^ u64::from(byte)
    })
}
