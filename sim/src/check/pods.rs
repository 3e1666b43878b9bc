//! The cluster as a story has shown it: pods, what their views look like, and the fleet's claims.

use super::file::{Pod, PodKeys};
use super::words::PodPhase;
use evenkeel::core::{
    ExecutorId, Group, Name, Revision, Time, Uid,
    input::{ClaimView, ContainerView, Labels, MemoryView, Phase, PodView},
};
use std::collections::BTreeMap;

/// How far apart two revisions of the story are: some may be between them.
const STEP: u64 = 10;

/// What a story's cluster has.
pub struct Cluster {
    pub fleet: Name,
    revision: u64,
    pub pods: BTreeMap<ExecutorId, Known>,
    pub claims: BTreeMap<Name, ClaimView>,
    /// When each claim was made.
    pub claims_made: BTreeMap<Name, Time>,
}

/// A pod that was made, or shown.
#[derive(Clone, Debug)]
pub struct Known {
    pub group: Group,
    /// The hash of the template that it is made from.
    pub template: u64,
    pub made: Time,
    /// What was last shown of it; None: nothing yet.
    pub shown: Option<PodView>,
    /// The revision that its making was answered with.
    pub answered: Option<(Revision, Time)>,
    /// It is there.
    pub exists: bool,
    pub memory: Option<MemoryView>,
    pub claims: Vec<Name>,
}

/// `status.reason`s that say something of the pod, not of its container.
const OF_CONTAINERS: [&str; 6] = [
    "OOMKilled",
    "Error",
    "Completed",
    "ContainerCannotRun",
    "ContainerStatusUnknown",
    "StartError",
];

impl Cluster {
    pub fn new(fleet: Name) -> Self {
        Self {
            fleet,
            revision: STEP,
            pods: BTreeMap::new(),
            claims: BTreeMap::new(),
            claims_made: BTreeMap::new(),
        }
    }

    /// The newest revision.
    pub fn revision(&self) -> Revision {
        at(self.revision)
    }

    /// The next revision.
    pub fn next_revision(&mut self) -> Revision {
        self.revision += STEP;
        at(self.revision)
    }

    /// A pod of ours as it is observed at `now`, with that revision.
    pub fn view(
        &self,
        id: ExecutorId,
        known: &Known,
        pod: &Pod,
        now: Time,
        revision: Revision,
    ) -> PodView {
        let keys = &pod.keys;
        let made = keys.created.map_or(known.made, |ago| now.before(ago.0.0));
        let base = known.shown.clone().unwrap_or_else(|| self.fresh(id, known));
        let phase = match pod.phase {
            PodPhase::Pending => Phase::Pending,
            PodPhase::Running => Phase::Running,
            PodPhase::Succeeded => Phase::Succeeded,
            PodPhase::Failed => Phase::Failed,
            PodPhase::Unknown => Phase::Unknown,
            PodPhase::Terminating if base.phase == Phase::Pending => Phase::Pending,
            PodPhase::Terminating => Phase::Running,
            PodPhase::Gone => base.phase,
        };
        let grace = match keys.grace {
            Some(grace) => u32::try_from(grace.0.0 / 1000).unwrap_or(u32::MAX),
            None => base.deleting.unwrap_or(30),
        };
        let goes = matches!(pod.phase, PodPhase::Terminating | PodPhase::Gone)
            || keys.deleting == Some(true);
        let on_node = keys.on_node.unwrap_or(true) || keys.node.is_some();
        let node = keys.node.clone().unwrap_or_else(|| "node-1".to_owned());
        let name = |text: &String| -> Name { text.as_str().into() };
        let by_container = keys
            .reason
            .as_ref()
            .filter(|reason| OF_CONTAINERS.contains(&reason.as_str()));
        let reason = keys.reason.as_ref().filter(|_| by_container.is_none());
        let mut labels = Labels {
            executor: Some(id.to_string().into()),
            group: Some(keys.group.clone().unwrap_or_else(|| known.group.clone())),
            finished: false,
            template: Some(known.template),
        };
        for (label, value) in &keys.labels {
            let value = value.as_deref();
            match label.as_str() {
                "evenkeel.dev/executor" => labels.executor = value.map(Into::into),
                "evenkeel.dev/group" => labels.group = value.map(Into::into),
                "evenkeel.dev/finished" => labels.finished = value == Some("true"),
                "evenkeel.dev/template" => labels.template = value.map(template),
                _ => {}
            }
        }
        PodView {
            name: base.name.clone(),
            labels,
            uid: uid(id, keys.uid.as_deref()),
            revision,
            age_ms: now.since(made).0,
            deleting: goes.then_some(grace),
            phase,
            node: on_node.then(|| node.as_str().into()),
            ip: (phase == Phase::Running).then(|| "10.0.0.1".into()),
            reason: reason.map(name),
            disruption: keys.condition.as_ref().map(name),
            ready: keys.ready.unwrap_or(phase == Phase::Running && !goes),
            main: main(pod, phase, by_container, reason.is_some(), &base),
            sidecar_failed: keys.sidecars.values().any(|exit| exit.exit_code != 0),
            waiting: keys.waiting.iter().map(name).collect(),
            memory: known.memory,
            claims: known.claims.clone(),
            message: keys.message.as_ref().map(name),
        }
    }

    /// A pod that has just been made.
    pub fn fresh(&self, id: ExecutorId, known: &Known) -> PodView {
        let labels = Labels {
            executor: Some(id.to_string().into()),
            group: Some(known.group.clone()),
            finished: false,
            template: Some(known.template),
        };
        PodView {
            memory: known.memory,
            claims: known.claims.clone(),
            ..PodView::accepted(id.pod_name(&self.fleet), labels, uid(id, None), at(1))
        }
    }

    /// The claims as a listing shows them.
    pub fn claim_views(&self, now: Time) -> Vec<ClaimView> {
        let view = |(name, claim): (&Name, &ClaimView)| ClaimView {
            age_ms: self
                .claims_made
                .get(name)
                .map_or(0, |made| now.since(*made).0),
            ..claim.clone()
        };
        self.claims.iter().map(view).collect()
    }
}

/// The hash that a template label says. A story can't know the group's own: any other text is another template.
fn template(label: &str) -> u64 {
    u64::from_str_radix(label, 16).unwrap_or_else(|_| {
        use std::hash::Hasher;
        let mut hasher = fnv::FnvHasher::default();
        hasher.write(label.as_bytes());
        hasher.finish()
    })
}

/// Whether its labels take a pod out of the fleet's view.
pub fn strays(keys: &PodKeys) -> bool {
    keys.labels.contains_key("evenkeel.dev/fleet")
}

fn main(
    pod: &Pod,
    phase: Phase,
    reason: Option<&String>,
    of_pod: bool,
    base: &PodView,
) -> Option<ContainerView> {
    let keys = &pod.keys;
    let ended = |exit_code: i32, usual: &str| ContainerView::Terminated {
        exit_code,
        reason: reason.map_or(usual, String::as_str).into(),
    };
    if let Some(exit) = &keys.main {
        let usual = if exit.exit_code == 0 {
            "Completed"
        } else {
            "Error"
        };
        return Some(ContainerView::Terminated {
            exit_code: exit.exit_code,
            reason: exit.reason.as_deref().unwrap_or(usual).into(),
        });
    }
    match pod.phase {
        PodPhase::Gone => base.main.clone(),
        PodPhase::Succeeded => Some(ended(keys.exit_code.unwrap_or(0), "Completed")),
        // A reason of the pod's own, and no exit code: no container ever started.
        PodPhase::Failed if of_pod && keys.exit_code.is_none() => waiting(keys),
        PodPhase::Failed if keys.waiting.is_some() => waiting(keys),
        PodPhase::Failed => {
            let usual = if reason.is_some_and(|reason| reason == "OOMKilled") {
                137
            } else {
                1
            };
            Some(ended(keys.exit_code.unwrap_or(usual), "Error"))
        }
        PodPhase::Running | PodPhase::Unknown => Some(ContainerView::Running),
        PodPhase::Terminating if phase == Phase::Running => Some(ContainerView::Running),
        PodPhase::Terminating | PodPhase::Pending => waiting(keys),
    }
}

fn waiting(keys: &PodKeys) -> Option<ContainerView> {
    let reason = keys.waiting.as_deref()?;
    Some(ContainerView::Waiting(reason.into()))
}

/// The UID of an executor's pod, or of another one under its name.
pub fn uid(id: ExecutorId, other: Option<&str>) -> Uid {
    Uid::from(
        format!(
            "{id}{}",
            other.map(|other| format!("-{other}")).unwrap_or_default()
        )
        .as_str(),
    )
}

/// That revision; none is below 1.
pub fn at(revision: u64) -> Revision {
    Revision::new(revision.max(1)).unwrap_or(Revision(std::num::NonZeroU64::MIN))
}
