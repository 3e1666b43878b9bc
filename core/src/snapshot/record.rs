//! What is remembered of one executor: its pod, its open write, the engine's facts and its fate.

use crate::{
    config::{Config, EngineMode},
    input::MemoryView,
    output::{Cause, Evidence, Why},
    plan::{Class, WakeReason},
    words::{ActionId, Group, Moment, Name, Revision, Span, Time, Uid},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};

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
    /// What is kept only of executors whose group has a use for it.
    pub extra: Option<Arc<Extra>>,
    /// SPOT: it will soon be lost, and why; once known, it stays so.
    pub disruption: Option<Disruption>,
    /// It was made by an earlier incarnation.
    pub adopted: bool,
    /// FAIL-2: it had started well, or was adopted running: its failure is no startup failure.
    pub proven: bool,
    /// FAIL-1: its failure is counted.
    pub charged: bool,
    /// FAIL-2: it goes before it has started well, through nobody's fault, and that is counted.
    pub owed: bool,
    /// ROLL: it was made from another template than its group's.
    pub outdated: bool,
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
    /// When it was made.
    pub born: Moment,
    pub uid: Uid,
    pub revision: Revision,
    /// Its grace in seconds, where it has a deletion timestamp.
    pub deleting: Option<u32>,
    pub on_node: bool,
    /// None of its containers runs any more, nor will one.
    pub over: bool,
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
    Resize,
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
        /// When it will be lost in any case, where that is known (SPOT).
        until: Option<Time>,
    },
    /// Its deletion is decided.
    Condemned {
        why: Why,
        cause: Cause,
        /// SHRINK-1: only the pod at this revision; let live if that has changed.
        precondition: Option<Revision>,
        /// It was drained first: ended well, it ended by that.
        drained: bool,
        /// What the engine asked meanwhile, for when it is let live.
        then: Option<Then>,
    },
    /// It is seen finished or gone, or as good as.
    Ended {
        told: bool,
    },
}

/// What is to be done with an executor that is let live.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Then {
    Release(Why, Cause),
    Delete(Why, Cause),
}

impl Fate {
    /// Its deletion is decided, whatever its pod comes to meanwhile.
    pub fn condemned(why: Why, cause: Cause, drained: bool) -> Self {
        Self::Condemned {
            why,
            cause,
            precondition: None,
            drained,
            then: None,
        }
    }

    /// SHRINK-2: drained first, where `drains`.
    pub fn released(why: Why, cause: Cause, drains: bool) -> Self {
        if !drains {
            return Self::condemned(why, cause, false);
        }
        Self::Draining {
            why,
            cause,
            asked: None,
            until: None,
        }
    }
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
    /// Its condition Ready, when the disruption was seen.
    pub ready: bool,
    pub waiting: Option<Waiting>,
}

/// GROW-6: a container can't be made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Waiting {
    /// The reason that the newest view shows; None: none for now.
    pub shows: Option<Name>,
    /// Since when there are such reasons.
    pub since: Time,
    /// Waiting can't mend it.
    pub hopeless: bool,
}

/// SPOT: why an executor will soon be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Disruption {
    Preempted,
    Evicted,
    NodeLost,
}

impl Disruption {
    pub fn cause(self) -> Cause {
        match self {
            Self::Preempted => Cause::Preempted,
            Self::Evicted => Cause::Evicted,
            Self::NodeLost => Cause::NodeLost,
        }
    }

    pub fn of(cause: &Cause) -> Self {
        match cause {
            Cause::Evicted => Self::Evicted,
            Cause::NodeLost => Self::NodeLost,
            _ => Self::Preempted,
        }
    }
}

/// What ROLL, CLAIM and SIZE look at.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Extra {
    pub metrics: BTreeMap<Name, i64>,
    pub memory: Option<MemoryView>,
    /// SIZE: its node can't grant more, or the server will not have it.
    pub no_resize: bool,
    /// The claims that its pod uses, or is to use.
    pub claims: Vec<Name>,
}

/// GROW-6: whether an executor is given up.
pub(crate) enum Patience {
    /// Now, with this cause.
    Over(Cause),
    /// By time alone then, for this.
    Until(Time, WakeReason),
    /// There is nothing to wait for.
    Endless,
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
            extra: None,
            disruption: None,
            adopted: false,
            proven: false,
            charged: false,
            owed: false,
            outdated: false,
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

    /// When its pod was made: by the answer to its create, or the server's clock.
    pub fn born(&self) -> Option<Moment> {
        match &self.pod {
            Pod::Seen(seen) => Some(seen.born),
            Pod::Unseen { answered } => answered.as_ref().map(|answer| answer.at.into()),
            Pod::Gone => None,
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
        let terminating = self.class() == Some(Class::Terminating);
        !matches!(self.fate, Fate::Wanted) || self.disruption.is_some() || terminating
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

    /// Whether letting it go takes a drain: the engine may have given it work (SHRINK-2).
    pub fn drains(&self, config: &Config) -> bool {
        config.engine == EngineMode::Registering && (self.is_registered() || self.is_running())
    }

    /// A delete, mark or resize that is to be sent as soon as effects may be.
    pub fn write_due(&self, config: &Config, now: Time) -> Option<Sort> {
        let due = self.write_wanted(config, now)?;
        let ready = match &self.write {
            Write::None => true,
            Write::Again {
                sort: Sort::Create,
                unclear,
                ..
            } => *unclear,
            // A resize that had no effect holds up nothing else.
            Write::Again { sort, at, .. } => *at <= now || (*sort == Sort::Resize && due != *sort),
            Write::Sent { .. } | Write::Answered { .. } | Write::Stale { .. } => false,
        };
        ready.then_some(due)
    }

    fn write_wanted(&self, config: &Config, now: Time) -> Option<Sort> {
        match (&self.fate, &self.pod) {
            (Fate::Ended { .. }, Pod::Seen(seen)) => {
                let finished =
                    self.is_finished() && seen.deleting.is_none() && !planted!(config, End2);
                // One with a sidecar that goes on, or a container that is started again, is not kept: nobody would see it end.
                let sort = if config.ending.keep_finished && seen.over {
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
            (Fate::Wanted, Pod::Seen(_)) => match self.patience(config, now) {
                Patience::Over(_) => Some(Sort::Delete),
                _ => self.resize_due(config).map(|_| Sort::Resize),
            },
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

    /// GROW-6: whether it is given up, for being pending, or running without having registered, for too long.
    pub fn patience(&self, config: &Config, now: Time) -> Patience {
        let growing = &config.growing;
        let Some(seen) = self
            .seen()
            .filter(|_| !self.is_registered() && !self.leaves())
        else {
            return Patience::Endless;
        };
        let (ends, reason) = match seen.class {
            Class::Pending if !planted!(config, Grow6) => (
                growing.start_timeout.map(|span| seen.born.after(span)),
                WakeReason::StartTimeout,
            ),
            Class::Running
                if config.engine == EngineMode::Registering && !planted!(config, Grow6) =>
            {
                let ends = growing.register_timeout.map(|span| seen.since.after(span));
                (ends, WakeReason::RegisterTimeout)
            }
            _ => return Patience::Endless,
        };
        if ends.is_some_and(|at| at <= now) {
            return Patience::Over(Cause::StartTimeout);
        }
        let waits = self
            .notes
            .as_deref()
            .and_then(|notes| notes.waiting.as_ref());
        let waits = waits.filter(|_| seen.class == Class::Pending);
        let stuck = waits.and_then(|waiting| {
            let shows = waiting.shows.clone()?;
            if waiting.hopeless {
                return Some((Time(0), shows));
            }
            let patience = growing.image_pull_patience?;
            Some((waiting.since.after(patience), shows))
        });
        match (stuck, ends) {
            (Some((at, reason)), _) if at <= now => Patience::Over(Cause::StartFailed { reason }),
            (Some((at, _)), ends) if ends.is_none_or(|ends| at < ends) => {
                Patience::Until(at, WakeReason::ImagePatience)
            }
            (_, Some(ends)) => Patience::Until(ends, reason),
            (_, None) => Patience::Endless,
        }
    }

    /// SIZE: how much memory it is to be given.
    pub fn resize_due(&self, config: &Config) -> Option<u64> {
        let resize = config.group(&self.group).resize?;
        let extra = self.extra.as_deref().filter(|extra| !extra.no_resize)?;
        let memory = extra.memory.filter(|memory| !memory.infeasible)?;
        let used = u128::try_from(*extra.metrics.get(Extra::MEMORY)?).ok()?;
        let limit = u128::from(memory.limit);
        if !self.is_running() || self.leaves() || planted!(config, Size) {
            return None;
        }
        if used * 100 <= limit * u128::from(resize.threshold) {
            return None;
        }
        let more = limit * (100 + u128::from(resize.percent)) / 100;
        let more = u64::try_from(more).unwrap_or(u64::MAX);
        let more = more.min(resize.max.unwrap_or(u64::MAX));
        let asked = if planted!(config, ResizeRepeated) {
            memory.limit
        } else {
            memory.asked.max(memory.limit)
        };
        (more > asked).then_some(more)
    }

    /// SIZE: one that is to be tried again, and that nobody needs any more, is over.
    pub fn settle_resize(&mut self, config: &Config) {
        let again = matches!(
            self.write,
            Write::Again {
                sort: Sort::Resize,
                ..
            }
        );
        if again && self.resize_due(config).is_none() {
            self.write = Write::None;
        }
    }

    /// Changes what is kept beside.
    pub fn with_extra(&mut self, change: impl FnOnce(&mut Extra)) {
        change(Arc::make_mut(self.extra.get_or_insert_default()));
    }

    pub fn claims(&self) -> &[Name] {
        self.extra.as_deref().map_or(&[], |extra| &extra.claims)
    }

    pub fn metric(&self, name: &str) -> Option<i64> {
        self.extra.as_deref()?.metrics.get(name).copied()
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

impl Extra {
    /// The metric that SIZE looks at, in bytes.
    pub const MEMORY: &str = "memory";
    /// The metric that ROLL's `min_tasks` looks at.
    pub const TASKS: &str = "tasks";
}
