//! A cluster as small as can be: pods, each change of them, and what becomes of requests.

use evenkeel::core::{
    ExecutorId, Group, Revision, Span, Time, Uid,
    input::{ContainerView, Labels, Outcome, Phase, PodView, Refusal},
    output::Action,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// The fleet's name.
pub(super) const FLEET: &str = "sim";
/// The grace of all pods, in seconds.
pub(super) const GRACE: u32 = 1;

/// The longest deadline of this world: what is further away, or longer ago, is all the same.
pub(super) const LONGEST: Span = Span::seconds(10);

/// What is in the cluster.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Cluster {
    pub pods: BTreeMap<ExecutorId, Pod>,
    /// How many pods there were of each id: what tells their UIDs apart.
    made: BTreeMap<ExecutorId, u32>,
    /// The newest revision; None: there was no change yet.
    newest: Option<Revision>,
    /// Which pod changed at each revision, from the second on.
    #[serde(skip)]
    owners: Vec<ExecutorId>,
    /// What changed since it was taken last.
    #[serde(skip)]
    changes: Vec<Changed>,
}

/// A pod.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Pod {
    /// As its newest revision shows it, but for its age.
    view: PodView,
    made: Time,
    /// It never starts.
    pub stuck: bool,
}

/// A change of a pod.
#[derive(Clone, Debug)]
pub(super) struct Changed {
    pub executor: ExecutorId,
    pub view: PodView,
    pub gone: bool,
}

impl Pod {
    pub fn phase(&self) -> Phase {
        self.view.phase
    }

    pub fn is_deleted(&self) -> bool {
        self.view.deleting.is_some()
    }

    /// Its main container runs.
    pub fn runs(&self) -> bool {
        matches!(self.view.main, Some(ContainerView::Running))
    }

    /// As who looks now sees it. Ages beyond the longest deadline are all the same.
    fn seen(&self, now: Time) -> PodView {
        PodView {
            age_ms: now.since(self.made).min(LONGEST).0,
            ..self.view.clone()
        }
    }
}

/// A cluster at a moment.
pub(super) struct Now<'a> {
    cluster: &'a mut Cluster,
    now: Time,
}

impl Cluster {
    /// The cluster at that moment.
    pub fn at(&mut self, now: Time) -> Now<'_> {
        Now { cluster: self, now }
    }

    /// What changed since this was asked last.
    pub fn take_changes(&mut self) -> Vec<Changed> {
        std::mem::take(&mut self.changes)
    }

    /// The newest revision: what a listing is at.
    pub fn revision(&self) -> Revision {
        self.newest.unwrap_or(FIRST)
    }

    /// Which pod changed at that revision.
    pub fn owner(&self, revision: u64) -> u64 {
        let index = revision
            .checked_sub(2)
            .and_then(|index| usize::try_from(index).ok());
        let owner = index.and_then(|index| self.owners.get(index));
        owner.map_or(0, |executor| (*executor).into())
    }

    /// What a listing shows; `all`: with those that ended and were kept.
    pub fn list(&self, now: Time, all: bool) -> Vec<PodView> {
        let pods = self.pods.values();
        let pods = pods.filter(|pod| all || !pod.view.labels.finished);
        pods.map(|pod| pod.seen(now)).collect()
    }
}

/// The revision before any change.
const FIRST: Revision = match std::num::NonZeroU64::new(1) {
    Some(first) => Revision(first),
    None => unreachable!(),
};

impl Now<'_> {
    /// A request lands: what truly becomes of it.
    pub fn land(&mut self, action: &Action) -> Outcome {
        match action {
            Action::Create {
                executor,
                group,
                template,
                ..
            } => self.create(*executor, group, *template),
            Action::Delete {
                executor,
                uid,
                revision,
            } => self.delete(*executor, uid.as_ref(), *revision),
            Action::MarkFinished { executor, uid } => self.mark(*executor, uid),
            // No group here has claims or is resized.
            Action::Resize { .. } | Action::CreateClaim { .. } | Action::DeleteClaim { .. } => {
                Outcome::Refused(Refusal::Invalid("there is no such thing here".into()))
            }
        }
    }

    fn create(&mut self, executor: ExecutorId, group: &Group, template: u64) -> Outcome {
        if let Some(pod) = self.cluster.pods.get(&executor) {
            return Outcome::Exists(Some(Box::new(pod.seen(self.now))));
        }
        let times = self.cluster.made.entry(executor).or_default();
        *times += 1;
        let uid = Uid::from(&*format!("{executor}/{times}"));
        let labels = Labels {
            executor: Some(executor.to_string().into()),
            group: Some(group.clone()),
            finished: false,
            template: Some(template),
        };
        let name = executor.pod_name(FLEET);
        let view = PodView::accepted(name, labels, uid.clone(), self.cluster.revision());
        let pod = Pod {
            view,
            made: self.now,
            stuck: false,
        };
        self.cluster.pods.insert(executor, pod);
        self.change(executor, |_| {});
        Outcome::Done {
            revision: Some(self.cluster.revision()),
            uid: Some(uid),
        }
    }

    fn delete(
        &mut self,
        executor: ExecutorId,
        uid: Option<&Uid>,
        revision: Option<Revision>,
    ) -> Outcome {
        let Some(pod) = self.cluster.pods.get(&executor) else {
            return Outcome::Absent;
        };
        let other = uid.is_some_and(|uid| *uid != pod.view.uid);
        let moved = revision.is_some_and(|revision| revision != pod.view.revision);
        if other || moved {
            return Outcome::Changed;
        }
        let uid = pod.view.uid.clone();
        if pod.view.node.is_none() {
            self.remove(executor);
        } else if pod.view.deleting.is_none() {
            self.change(executor, |view| view.deleting = Some(GRACE));
        }
        // Of one that was being deleted already, that is its own as it was.
        let left = self.cluster.pods.get(&executor);
        let revision = left.map_or(self.cluster.revision(), |pod| pod.view.revision);
        Outcome::Done {
            revision: Some(revision),
            uid: Some(uid),
        }
    }

    fn mark(&mut self, executor: ExecutorId, uid: &Uid) -> Outcome {
        let Some(pod) = self.cluster.pods.get(&executor) else {
            return Outcome::Absent;
        };
        if pod.view.uid != *uid {
            return Outcome::Changed;
        }
        self.change(executor, |view| view.labels.finished = true);
        Outcome::Done {
            revision: Some(self.cluster.revision()),
            uid: Some(uid.clone()),
        }
    }

    /// A pod starts.
    pub fn start(&mut self, executor: ExecutorId) {
        self.change(executor, |view| {
            view.phase = Phase::Running;
            view.node = Some("node".into());
            view.ip = Some("10.0.0.1".into());
            view.ready = true;
            view.main = Some(ContainerView::Running);
        });
    }

    /// A pod's main container ends with that exit code.
    pub fn fail(&mut self, executor: ExecutorId, exit_code: i32) {
        self.change(executor, |view| {
            view.phase = Phase::Failed;
            view.ready = false;
            view.main = Some(ContainerView::Terminated {
                exit_code,
                reason: "Error".into(),
            });
        });
    }

    /// A pod that was deleted is gone, at last.
    pub fn remove(&mut self, executor: ExecutorId) {
        self.change(executor, |view| view.deleting = Some(0));
        self.cluster.pods.remove(&executor);
        if let Some(change) = self.cluster.changes.last_mut() {
            change.gone = true;
        }
    }

    /// Somebody else deletes a pod.
    pub fn delete_by_stranger(&mut self, executor: ExecutorId) {
        self.delete(executor, None, None);
    }

    fn change(&mut self, executor: ExecutorId, change: impl FnOnce(&mut PodView)) {
        let next = Revision::new(self.cluster.revision().get() + 1);
        let Some(pod) = self.cluster.pods.get_mut(&executor) else {
            return;
        };
        change(&mut pod.view);
        pod.view.revision = next.unwrap_or(FIRST);
        self.cluster.newest = next;
        self.cluster.owners.push(executor);
        let view = pod.seen(self.now);
        self.cluster.changes.push(Changed {
            executor,
            view,
            gone: false,
        });
    }
}
