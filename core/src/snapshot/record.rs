//! What is remembered of one executor: its pod, its open write, the engine's facts and its fate.

use crate::{
    config::{Config, EngineMode},
    output::{Cause, Evidence, Why},
    plan::Class,
    words::{ActionId, Group, Name, Revision, Span, Time, Uid},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One executor, made by whichever speaks first: a create, a pod, or a registration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Executor {
    pub group: Group,
    /// The hash of the template that its pod is made from.
    pub template: u64,
    pub pod: Pod,
    pub write: Write,
    pub engine: EngineFact,
    pub fate: Fate,
    /// END-1: the cause, once a view of the pod has settled it; not changed by later ones.
    pub verdict: Option<Arc<Verdict>>,
    /// What the pod's views said beside its class, as far as something may still ask for it.
    pub notes: Option<Arc<Notes>>,
    /// It was made by an earlier incarnation.
    pub adopted: bool,
    /// `Started` was told, or will not be.
    pub started_told: bool,
    /// A delete was issued at least once: an end after that is our doing.
    pub delete_issued: bool,
}

/// How far an executor's pod has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Pod {
    /// Nobody has seen it.
    Unseen {
        /// What the answer to its create said, once there is one.
        answered: Option<Answered>,
    },
    Seen(Seen),
    Gone,
}

/// What the answer to a create said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Answered {
    pub at: Time,
    pub uid: Option<Uid>,
    pub revision: Option<Revision>,
}

/// The newest view of a pod, compact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub class: Class,
    /// Since when it is of that class.
    pub since: Time,
    /// When it was made: before this controller's start it is negative.
    pub born: i64,
    pub uid: Uid,
    pub revision: Revision,
    /// Its grace in seconds, where it has a deletion timestamp.
    pub deleting: Option<u32>,
    pub on_node: bool,
    /// Its condition DisruptionTarget is true.
    pub disrupted: bool,
}

/// SEE-5: at most one write of ours per executor is open, and a second is not begun before it closes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Write {
    None,
    /// Not answered yet.
    Sent {
        action: ActionId,
        sort: Sort,
        at: Time,
        tries: u8,
        /// An earlier try may have taken effect.
        unclear: bool,
    },
    /// Closes when the view has the object at this revision or newer, or a listing at least that new (no revision: a
    /// listing started later) was applied.
    Answered {
        sort: Sort,
        at: Time,
        revision: Option<Revision>,
    },
    /// Due again at `at`: the last try was refused without effect, or is unclear.
    Again {
        sort: Sort,
        at: Time,
        tries: u8,
        unclear: bool,
    },
    /// A precondition failed: nothing is begun before the view is beyond this revision, or a listing started after
    /// `at` was applied.
    Stale {
        beyond: Revision,
        at: Time,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Sort {
    Create,
    Delete,
    Mark,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum EngineFact {
    Unknown,
    Registered { at: Time, idle: Option<Idle> },
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Idle {
    pub since: Time,
    pub keep: i32,
}

/// What was decided on an executor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Fate {
    Wanted,
    /// The engine is to drain it, then it is deleted.
    Draining {
        why: Why,
        cause: Cause,
        /// When the engine was asked; None: it is to be.
        asked: Option<Time>,
    },
    /// Its deletion is decided.
    Condemned {
        why: Why,
        cause: Cause,
        /// SHRINK-1: only the pod at this revision; let live if that has changed.
        precondition: Option<Revision>,
    },
    /// It is seen finished or gone, or as good as.
    Ended {
        told: bool,
    },
}

/// END-1: why an executor ended, and what was seen of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Verdict {
    pub cause: Cause,
    pub evidence: Arc<Evidence>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Notes {
    pub node: Option<Name>,
    pub ip: Option<Name>,
    pub disruption: Option<Name>,
}

impl Executor {
    pub fn new(group: Group, template: u64) -> Self {
        Self {
            group,
            template,
            pod: Pod::Unseen { answered: None },
            write: Write::None,
            engine: EngineFact::Unknown,
            fate: Fate::Wanted,
            verdict: None,
            notes: None,
            adopted: false,
            started_told: false,
            delete_issued: false,
        }
    }

    pub fn class(&self) -> Option<Class> {
        match &self.pod {
            Pod::Gone => None,
            Pod::Seen(seen) => Some(seen.class),
            Pod::Unseen { answered: None } if !self.is_registered() => Some(Class::Requested),
            Pod::Unseen { .. } => Some(Class::Created),
        }
    }

    pub fn seen(&self) -> Option<&Seen> {
        match &self.pod {
            Pod::Seen(seen) => Some(seen),
            Pod::Unseen { .. } | Pod::Gone => None,
        }
    }

    /// The UID of its pod, by its create's answer or its first sight (SEE-3).
    pub fn uid(&self) -> Option<&Uid> {
        match &self.pod {
            Pod::Seen(seen) => Some(&seen.uid),
            Pod::Unseen { answered } => answered.as_ref()?.uid.as_ref(),
            Pod::Gone => None,
        }
    }

    pub fn is_registered(&self) -> bool {
        matches!(self.engine, EngineFact::Registered { .. })
    }

    /// Registered; with no engine, running counts as that (SHRINK-2).
    pub fn serves(&self, config: &Config) -> bool {
        match config.engine {
            EngineMode::Registering => self.is_registered(),
            EngineMode::None => self.is_running(),
        }
    }

    pub fn is_running(&self) -> bool {
        self.class() == Some(Class::Running)
    }

    pub fn is_finished(&self) -> bool {
        matches!(self.class(), Some(Class::Failed | Class::Succeeded))
    }

    pub fn has_ended(&self) -> bool {
        matches!(self.fate, Fate::Ended { .. })
    }

    /// GROW-1.
    pub fn leaves(&self) -> bool {
        let disrupted = self.seen().is_some_and(|seen| seen.disrupted);
        !matches!(self.fate, Fate::Wanted) || disrupted || self.class() == Some(Class::Terminating)
    }

    /// GROW-1.
    pub fn counts(&self) -> bool {
        let class = self.class().is_some_and(|class| {
            use Class::{Created, Pending, Requested, Running, Unknown};
            matches!(class, Requested | Created | Pending | Running | Unknown)
        });
        class && !self.leaves()
    }

    /// Whether it has started well (FAIL-2), and if not yet, when it will have by time alone.
    pub fn started_well(&self, config: &Config, now: Time) -> Result<(), Option<Time>> {
        match config.engine {
            EngineMode::Registering if self.is_registered() => Ok(()),
            EngineMode::Registering => Err(None),
            EngineMode::None => match self.seen() {
                Some(seen) if seen.class == Class::Running => {
                    let healthy = seen.since.after(config.failing.healthy_after);
                    if healthy <= now {
                        Ok(())
                    } else {
                        Err(Some(healthy))
                    }
                }
                _ => Err(None),
            },
        }
    }

    /// A delete or mark that is to be sent as soon as effects may be.
    pub fn write_due(&self, config: &Config, now: Time) -> Option<Sort> {
        let ready = match &self.write {
            Write::None => true,
            Write::Again {
                sort: Sort::Create,
                unclear,
                ..
            } => *unclear,
            Write::Again { at, .. } => *at <= now,
            Write::Sent { .. } | Write::Answered { .. } | Write::Stale { .. } => false,
        };
        if !ready {
            return None;
        }
        match (&self.fate, &self.pod) {
            (Fate::Ended { .. }, Pod::Seen(seen)) => {
                let finished = self.is_finished() && seen.deleting.is_none();
                let sort = if config.ending.keep_finished {
                    Sort::Mark
                } else {
                    Sort::Delete
                };
                finished.then_some(sort)
            }
            (Fate::Condemned { .. }, Pod::Seen(seen)) => {
                seen.deleting.is_none().then_some(Sort::Delete)
            }
            (Fate::Condemned { .. }, Pod::Unseen { .. }) => Some(Sort::Delete),
            _ => None,
        }
    }

    /// A create that is to be repeated: refused, or unclear, and still wanted.
    pub fn create_again(&self) -> Option<Time> {
        match (&self.write, &self.fate) {
            (
                Write::Again {
                    sort: Sort::Create,
                    at,
                    ..
                },
                Fate::Wanted,
            ) if self.verdict.is_none() => Some(*at),
            _ => None,
        }
    }

    /// END-3: revisions say nothing of it.
    pub fn is_unaccounted(&self) -> bool {
        matches!(self.pod, Pod::Unseen { answered: None })
    }

    /// How long its pod has been waiting to go, and is allowed to (END-1).
    pub fn overdue_at(&self, config: &Config) -> Option<Time> {
        let seen = self
            .seen()
            .filter(|seen| seen.class == Class::Terminating)?;
        let grace = Span::seconds(u64::from(seen.deleting?));
        Some(seen.since.after(grace).after(config.ending.overdue_after))
    }
}
