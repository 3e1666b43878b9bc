//! What no single key can tell: contradictions, zeros that make no sense, and what deserves a warning.

mod between;
mod extras;
mod together;

use super::{
    config::{ConfigKeys, RampKey},
    fleet::{ClusterKind, FleetKeys},
    group::{GroupKeys, ShrinkKey},
    words::Duration,
};
use crate::{
    api::owner::Owner,
    template::{FieldPath, names},
};
use evenkeel_core::{Span, config::EngineMode, input::Shutdown};

/// What was found: the field, and what is to be said of it.
pub(super) type Remark = (FieldPath, String);

/// Errors and warnings, each in the order of the keys.
#[derive(Default)]
pub(super) struct Remarks {
    pub errors: Vec<Remark>,
    pub warnings: Vec<Remark>,
}

impl Remarks {
    fn error(&mut self, at: FieldPath, what: impl Into<String>) {
        self.errors.push((at, what.into()));
    }

    fn warn(&mut self, at: FieldPath, what: impl Into<String>) {
        self.warnings.push((at, what.into()));
    }
}

fn root(key: &str) -> FieldPath {
    FieldPath::default().then(key)
}

fn config(key: &str) -> FieldPath {
    root("config").then(key)
}

/// All that is to be said of a fleet on that cluster.
pub(super) fn fleet(keys: &FleetKeys, cluster: ClusterKind) -> Remarks {
    let mut found = Remarks::default();
    if !names::is_dns_label(&keys.fleet, 40) {
        found.error(root("fleet"), format!(
            "{:?} is no name for a fleet: at most 40 lower case letters, digits and -, with no - at either end",
            keys.fleet
        ));
    }
    if let Some(namespace) = keys
        .namespace
        .as_ref()
        .filter(|name| !names::is_dns_label(name, 63))
    {
        found.error(root("namespace"), format!(
            "{namespace:?} is no name for a namespace: at most 63 lower case letters, digits and -, with no - at either end"
        ));
    }
    zeros(&keys.config, &mut found);
    together::together(&keys.config, &mut found);
    with_the_cluster(keys, cluster, &mut found);
    for (name, group) in &keys.groups {
        let at = root("groups").then(&**name);
        if name.is_empty() || !names::is_label_value(name) {
            found.error(at, format!(
                "{name:?} is no name for a group: at most 63 letters, digits, -, _ and ., with a letter or digit at both ends"
            ));
            continue;
        }
        one_group(group, &at, &keys.config, &mut found);
    }
    between::between(keys, &mut found);
    found
}

/// Zero times and numbers that would mean no rest, or nothing at all.
fn zeros(keys: &ConfigKeys, found: &mut Remarks) {
    let mut refuse = |key: &str, value: Span, why: &str, instead: &str| {
        if value == Span(0) {
            found.error(config(key), format!("0 would {why}; write {instead}"));
        }
    };
    let some = |span: Option<Span>| span.unwrap_or(Span(1));
    refuse(
        "request_timeout",
        keys.request_timeout.0,
        "give every request up at once",
        "30s, say",
    );
    refuse(
        "stuck_after",
        keys.stuck_after.0,
        "list without pause",
        "5m, say",
    );
    refuse(
        "failure_window",
        some(keys.failure_window.0),
        "forget each failure at once",
        "1h, say, or raise max_failures",
    );
    let periods = [
        (
            "start_timeout",
            some(keys.start_timeout.0),
            "give every pod up at once",
            "10m, say, or never",
        ),
        (
            "register_timeout",
            some(keys.register_timeout.0),
            "give every executor up at once",
            "10m, say, or never",
        ),
        (
            "backoff_window",
            keys.backoff_window.0,
            "forget each failure at once",
            "10m, say",
        ),
        (
            "backoff_first",
            keys.backoff_first.0,
            "probe without pause",
            "30s, say",
        ),
    ];
    for (key, value, why, instead) in periods {
        refuse(key, value, why, instead);
    }
    if let Some(budget) = keys.max_deletes.0 {
        let every = config("max_deletes").then("every");
        if budget.every == Span(0) {
            found.error(
                every,
                "0 would be no bound at all; write 1m, say, or max_deletes: none",
            );
        }
    }
    let mut refuse = |key: &str, value: Span, why: &str, instead: &str| {
        if value == Span(0) {
            found.error(config(key), format!("0 would {why}; write {instead}"));
        }
    };
    refuse(
        "quota_retry",
        keys.quota_retry.0,
        "knock at a full quota without pause",
        "10s, say",
    );
    refuse(
        "watch_silence",
        keys.watch_silence.0,
        "replace the watch without pause",
        "90s, say",
    );
    refuse(
        "relist_every",
        some(keys.relist_every.0),
        "list without pause",
        "5m, say, or never",
    );
    if let RampKey::Fixed(ramp) = keys.ramp
        && ramp.every.0 == Span(0)
    {
        let at = config("ramp").then("fixed").then("every");
        found.error(
            at,
            "0 would be no ramp at all; write 1s, say, or ramp: governed",
        );
    }
}

/// What the place where pods live does not allow.
fn with_the_cluster(keys: &FleetKeys, cluster: ClusterKind, found: &mut Remarks) {
    if cluster == ClusterKind::Kube && !keys.config.lease {
        found.error(config("lease"),
            "off goes with cluster: fake only: with cluster: kube two controllers could act for one fleet; leave it out");
    }
    if keys.shutdown == Shutdown::Leave && keys.config.owner == Some(Owner::Driver) {
        found.error(config("owner"),
            "driver does not go with shutdown: leave: the executors would be collected with the driver's pod; write owner: none, or shutdown: delete");
    }
    if cluster == ClusterKind::Kube && keys.weather.is_some() {
        found.warn(
            root("weather"),
            "this is for cluster: fake only, and does nothing with cluster: kube",
        );
    }
}

fn one_group(group: &GroupKeys, at: &FieldPath, config: &ConfigKeys, found: &mut Remarks) {
    if let Some(most) = group.maximum.filter(|most| *most < group.target) {
        found.error(
            at.then("maximum"),
            format!(
                "{most} is less than target, which is {}; lower the target or raise the maximum",
                group.target
            ),
        );
    }
    if group.max_pending.0 == Some(0) {
        found.warn(
            at.then("max_pending"),
            "with 0 nothing is ever created; leave it out for no bound",
        );
    }
    if group.shrink == ShrinkKey::Idle && config.engine == EngineMode::None {
        found.error(at.then("shrink"),
            "idle does not go with config.engine: none, where nobody says who is idle; leave it out: a smaller target is enough");
    }
    if let (Some(Duration(_)), ShrinkKey::Asked) = (group.idle_timeout, group.shrink) {
        found.warn(
            at.then("idle_timeout"),
            "this does nothing without shrink: idle",
        );
    }
    extras::extras(group, at, config, found);
    let short = group.short_keys();
    match (&group.template, short.first()) {
        (Some(_), Some(key)) => found.error(at.then(*key), format!(
            "{key} does not go with template; write it into the template's container"
        )),
        (None, _) if group.image.is_none() => found.error(at.clone(),
            "neither image nor template is given; write image: NAME, or template: with a PodTemplateSpec"),
        _ => {}
    }
}
