//! A small cluster, lease and engine around a real controller: consistent underneath, as faulty as asked on top.

use evenkeel_core::{
    input::{
        ClaimView, ContainerView, Failure, Labels, LeaseNews, Listing, Memory, MemoryView, Outcome,
        Phase, PodView, Refusal, WatchEvent,
    },
    output::{Action, LeaseWish},
    words::{ActionId, ExecutorId, Name, RequestId, Revision, Span, Time, Uid},
};
use std::collections::BTreeMap;

pub const FLEET: &str = "demo";

/// One pod in the store.
#[derive(Clone, Debug)]
pub struct Pod {
    pub view: PodView,
    /// It has the fleet's label.
    pub in_fleet: bool,
    pub made: u64,
}

impl Pod {
    fn in_view(&self) -> bool {
        self.in_fleet && !self.view.labels.finished
    }

    pub fn is_finished(&self) -> bool {
        matches!(self.view.phase, Phase::Succeeded | Phase::Failed)
            || matches!(self.view.main, Some(ContainerView::Terminated { .. }))
    }

    pub fn id(&self) -> Option<ExecutorId> {
        self.view.labels.executor.as_deref()?.parse().ok()
    }
}

/// The store: pods by name, one revision for all, and every change that a watch shows.
#[derive(Clone, Debug, Default)]
pub struct Store {
    pub pods: BTreeMap<Name, Pod>,
    pub claims: BTreeMap<Name, ClaimView>,
    pub revision: u64,
    uids: u64,
    pub history: Vec<(u64, WatchEvent)>,
}

impl Store {
    pub fn revision(&self) -> Revision {
        Revision::new(self.revision.max(1)).expect("revisions start at 1")
    }

    fn record(&mut self, event: WatchEvent) {
        self.history.push((self.revision, event));
    }

    /// Changes a pod; the watch shows it by what it was and is.
    pub fn change(&mut self, name: &str, now: u64, change: impl FnOnce(&mut Pod)) {
        let Some(pod) = self.pods.get_mut(name) else {
            return;
        };
        let before = pod.clone();
        change(pod);
        if pod.view == before.view && pod.in_fleet == before.in_fleet {
            return;
        }
        self.revision += 1;
        pod.view.revision = Revision::new(self.revision).expect("above 0");
        pod.view.age_ms = now - pod.made;
        let (old, new) = (before.in_view(), pod.in_view());
        let event = match (old, new) {
            (_, true) => WatchEvent::Seen(pod.view.clone()),
            // The server shows the object as it was, at the revision of the change.
            (true, false) => WatchEvent::Left(PodView {
                revision: pod.view.revision,
                age_ms: pod.view.age_ms,
                ..before.view
            }),
            (false, false) => return,
        };
        self.record(event);
    }

    pub fn insert(&mut self, mut pod: Pod) {
        self.revision += 1;
        self.uids += 1;
        pod.view.revision = Revision::new(self.revision).expect("above 0");
        pod.view.uid = Uid::from(format!("u-{}", self.uids).as_str());
        let view = pod.view.clone();
        if pod.in_view() {
            self.record(WatchEvent::Seen(view.clone()));
        }
        self.pods.insert(view.name.clone(), pod);
    }

    /// The object goes; its last revision is that of its going.
    pub fn remove(&mut self, name: &str) {
        let Some(mut pod) = self.pods.remove(name) else {
            return;
        };
        self.revision += 1;
        pod.view.revision = Revision::new(self.revision).expect("above 0");
        if pod.in_view() {
            self.record(WatchEvent::Left(pod.view));
        }
    }

    /// Graceful deletion, as the API server does it.
    pub fn delete(&mut self, name: &str, now: u64) {
        let Some(pod) = self.pods.get(name) else {
            return;
        };
        let at_once = pod.view.node.is_none() || pod.is_finished();
        let grace = if at_once { 0 } else { 30 };
        if pod.view.deleting.is_none() {
            self.change(name, now, |pod| pod.view.deleting = Some(grace));
        }
        if at_once {
            self.remove(name);
        }
    }

    pub fn listing(&self, all: bool, claims: bool, now: u64) -> Listing {
        let shown = |pod: &&Pod| pod.in_fleet && (all || !pod.view.labels.finished);
        Listing {
            revision: self.revision(),
            pods: self
                .pods
                .values()
                .filter(shown)
                .map(|pod| PodView {
                    age_ms: now - pod.made,
                    ..pod.view.clone()
                })
                .collect(),
            claims: if claims {
                self.claims.values().cloned().collect()
            } else {
                Vec::new()
            },
            undecodable: Vec::new(),
        }
    }

    /// Carries an effect out; what the server answers.
    pub fn execute(&mut self, action: &Action, now: u64) -> Outcome {
        match action {
            Action::Create {
                executor,
                group,
                template,
                claims,
            } => {
                let name = executor.pod_name(FLEET);
                if let Some(pod) = self.pods.get(&name) {
                    let mut view = pod.view.clone();
                    if !pod.in_fleet {
                        view.labels = Labels::default();
                    }
                    return Outcome::Exists(Some(Box::new(view)));
                }
                let labels = Labels {
                    executor: Some(executor.to_string().into()),
                    group: Some(group.clone()),
                    finished: false,
                    template: Some(*template),
                };
                self.insert(Pod {
                    view: PodView {
                        claims: claims.clone(),
                        ..new_view(name.clone(), labels)
                    },
                    in_fleet: true,
                    made: now,
                });
                self.done(&name)
            }
            Action::Delete {
                executor,
                uid,
                revision,
            } => {
                let name = executor.pod_name(FLEET);
                let Some(pod) = self.pods.get(&name) else {
                    return Outcome::Absent;
                };
                let other = uid.as_ref().is_some_and(|uid| *uid != pod.view.uid)
                    || revision.is_some_and(|revision| revision != pod.view.revision);
                if other {
                    return Outcome::Changed;
                }
                let uid = pod.view.uid.clone();
                self.delete(&name, now);
                match self.pods.get(&name) {
                    Some(_) => self.done(&name),
                    None => Outcome::Done {
                        revision: Some(self.revision()),
                        uid: Some(uid),
                    },
                }
            }
            Action::CreateClaim { name, group } => {
                self.revision += 1;
                let revision = self.revision();
                let claim = self
                    .claims
                    .entry(name.clone())
                    .or_insert_with(|| ClaimView {
                        name: name.clone(),
                        revision,
                        group: group.clone(),
                        class: None,
                        bytes: 10,
                        age_ms: 0,
                        deleting: false,
                    });
                Outcome::Done {
                    revision: Some(claim.revision),
                    uid: None,
                }
            }
            Action::DeleteClaim { name } => match self.claims.remove(name) {
                Some(_) => Outcome::Done {
                    revision: None,
                    uid: None,
                },
                None => Outcome::Absent,
            },
            Action::Resize {
                executor,
                uid,
                memory,
                ..
            } => {
                let name = executor.pod_name(FLEET);
                let Some(pod) = self.pods.get(&name) else {
                    return Outcome::Absent;
                };
                if pod.view.uid != *uid {
                    return Outcome::Changed;
                }
                self.change(&name, now, |pod| {
                    if let Some(known) = &mut pod.view.memory {
                        known.asked = *memory;
                        known.limit = *memory;
                    }
                });
                self.done(&name)
            }
            Action::MarkFinished { executor, uid } => {
                let name = executor.pod_name(FLEET);
                let Some(pod) = self.pods.get(&name) else {
                    return Outcome::Absent;
                };
                if pod.view.uid != *uid {
                    return Outcome::Changed;
                }
                self.change(&name, now, |pod| pod.view.labels.finished = true);
                self.done(&name)
            }
        }
    }

    /// Whether the claims that the pod uses are there: it does not run without.
    pub fn has_claims_of(&self, name: &str) -> bool {
        let mut claims = self.pods[name].view.claims.iter();
        claims.all(|claim| self.claims.contains_key(claim))
    }

    fn done(&self, name: &str) -> Outcome {
        let pod = &self.pods[name];
        Outcome::Done {
            revision: Some(pod.view.revision),
            uid: Some(pod.view.uid.clone()),
        }
    }
}

pub fn new_view(name: Name, labels: Labels) -> PodView {
    let revision = Revision::new(1).expect("above 0");
    PodView {
        memory: Some(MemoryView {
            limit: 1000,
            asked: 1000,
            infeasible: false,
        }),
        ..PodView::accepted(name, labels, Uid::from("none"), revision)
    }
}

/// Who holds the lease.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Holder {
    #[default]
    Nobody,
    /// The controller of that serial number.
    Controller(u32),
    /// Some other program.
    Other,
}

/// The fleet's Lease.
#[derive(Clone, Debug, Default)]
pub struct Lease {
    pub holder: Holder,
    pub transitions: u32,
    pub memory: Memory,
}

impl Lease {
    /// Carries a wish out for the controller of that serial number, as asked at `at` of its clock.
    pub fn carry_out(
        &mut self,
        me: u32,
        at: Time,
        duration: Option<Span>,
        wish: &LeaseWish,
    ) -> LeaseNews {
        let until = duration.map_or(Time::NEVER, |duration| at.after(duration));
        let mine = self.holder == Holder::Controller(me);
        match wish {
            LeaseWish::Take if self.holder == Holder::Other => LeaseNews::HeldByOther,
            LeaseWish::Take => {
                self.holder = Holder::Controller(me);
                self.transitions = self.transitions.saturating_add(1);
                LeaseNews::Held {
                    incarnation: self.transitions,
                    until,
                    memory: self.memory.clone(),
                }
            }
            _ if !mine => LeaseNews::Lost,
            LeaseWish::Renew {
                incarnation,
                memory,
            } => {
                self.transitions = self.transitions.max(*incarnation);
                if let Some(memory) = memory {
                    self.memory = memory.clone();
                }
                LeaseNews::Renewed { until }
            }
            LeaseWish::GiveUp => {
                self.holder = Holder::Nobody;
                LeaseNews::Gone
            }
            LeaseWish::Remove => {
                *self = Self::default();
                LeaseNews::Gone
            }
        }
    }
}

/// An effect that the controller asked for and that is not answered.
#[derive(Clone, Debug)]
pub struct Effect {
    pub id: ActionId,
    pub not_after: Time,
    pub action: Action,
    /// It was carried out already; only the answer is under way.
    pub outcome: Option<Outcome>,
}

/// A listing that was asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    pub request: RequestId,
    pub all: bool,
    pub claims: bool,
    pub started: Time,
    pub taken: Option<Listing>,
}

/// An open watch, and the next place in the history that it shows.
#[derive(Clone, Copy, Debug)]
pub struct Watch {
    pub request: RequestId,
    pub next: usize,
}

/// Every refusal that there is.
pub fn refusals() -> [Refusal; 9] {
    [
        Refusal::NotSent(Failure::Unreachable),
        Refusal::Throttled {
            retry_after_ms: None,
        },
        Refusal::Throttled {
            retry_after_ms: Some(3000),
        },
        Refusal::Quota("exceeded quota".into()),
        Refusal::QuotaRace,
        Refusal::Forbidden("no".into()),
        Refusal::Invalid("no".into()),
        Refusal::NamespaceGone,
        Refusal::Unauthorized,
    ]
}
