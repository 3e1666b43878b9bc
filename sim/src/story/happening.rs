//! What happens in a story, moment by moment: plain data, so that a story can be written down, read and made smaller.

use super::kinds::Kind;
use evenkeel::core::{Group, Span, Time};
use serde::{Deserialize, Serialize};

/// One thing that happens at a moment of the world's clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happening {
    /// When, in milliseconds since the world began.
    pub at: Time,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// Which requests a fault is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the verbs are Kubernetes' own")]
pub enum Verb {
    Create,
    Delete,
    /// Labels and resizes.
    Patch,
    /// Creating and deleting claims.
    Claim,
    List,
    Watch,
    Lease,
}

/// How one request goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It takes effect, and the connection breaks before the answer.
    ReplyLost,
    /// No effect, and the connection breaks.
    RequestLost,
    /// It takes effect so long after it was sent; the client gives up before.
    LandsLate(Span),
    /// It takes so much longer.
    Slow(Span),
    /// It lands a second time so much later.
    Twice(Span),
    /// That status code, without effect.
    ServerError(u16),
    /// That status code, with effect.
    ServerErrorAfter(u16),
    /// 429, with so many milliseconds of Retry-After, or none.
    Throttled(Option<u64>),
    /// 422, 400 and the like.
    Invalid,
    /// 403 by admission.
    Forbidden,
    /// 409 on the quota's status.
    QuotaRace,
    /// 401.
    Unauthorized,
    /// Connection refused.
    NotSent,
}

/// What becomes of a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "named as their kinds, which say what happens")]
pub enum PodFate {
    Fails(i32),
    Completes,
    OutOfMemory,
    Evicted,
    EvictedByNode,
    Preempted,
    Tainted,
    StrangerDeletes,
    StrangerForces,
    /// The label goes, and comes back after so long, or never.
    LosesLabel(Option<Span>),
    /// The next change is shown by no watch.
    EventLost,
    /// A finalizer holds it for so long.
    Finalizer(Span),
    /// Its main container ends, and is started again in place.
    Restarts,
}

/// What a stranger makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strange {
    /// A pod with our labels and an id of that incarnation and sequence.
    Executor {
        /// The incarnation, counted from the present one.
        ahead: i32,
        /// The sequence.
        sequence: u32,
        /// The group that it says.
        group: Group,
    },
    /// A pod with our label and an id that is none.
    Malformed(String),
    /// A pod without our labels under the name of an executor that is so many away from being asked for.
    Name(u32),
}

/// How the engine misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EngineFault {
    /// Registrations take so much longer, for so long.
    Late {
        /// By how much.
        by: Span,
        /// For how long.
        lasts: Span,
    },
    /// Each registration is told twice, for so long.
    Twice(Span),
    /// Executors that start within this time never register.
    Never(Span),
    /// Drains asked for within this time are never answered.
    DeafDrain(Span),
}

/// What the engine says of one executor; which is counted among those in the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Report {
    /// It has nothing to do; higher stays longer.
    Idle(i32),
    /// It has work.
    Busy,
    /// It registered, whether it did or not.
    Registered,
    /// It will be lost after so long, or nobody knows when.
    Disrupted(Option<Span>),
    /// A number of its own.
    Metric {
        /// `memory`, `tasks`, or any.
        name: String,
        /// Its value.
        value: i64,
    },
    /// The engine lets it go.
    Release,
    /// The engine kills it.
    Kill,
    /// The engine gives it up.
    Unhealthy,
}

/// What the engine wants from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wish {
    /// A target.
    Target {
        /// Whose.
        group: Group,
        /// How many.
        target: u64,
    },
    /// A group is no longer wanted.
    Remove(Group),
    /// A group is made from another version of its template.
    Template {
        /// Which group.
        group: Group,
        /// Which version.
        version: u32,
    },
    /// Suspended, or not.
    Suspend(bool),
    /// A halt is lifted.
    Resume,
    /// The whole is said again.
    Whole,
}

/// What happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// The next request of that verb goes wrong.
    Call {
        /// Of which kind.
        verb: Verb,
        /// How.
        fate: Fate,
    },
    /// No connection for so long.
    Outage(Span),
    /// So many percent of all requests fail.
    Storm {
        /// How many percent.
        percent: u8,
        /// For how long.
        lasts: Span,
    },
    /// Events come later.
    WatchSlow {
        /// By how much.
        by: Span,
        /// For how long.
        lasts: Span,
    },
    /// Events overtake each other by up to so much.
    WatchShuffle {
        /// By how much.
        by: Span,
        /// For how long.
        lasts: Span,
    },
    /// Events of one object are merged while they are under way.
    WatchCoalesce(Span),
    /// All open watches fall silent.
    WatchStall,
    /// All open watches are closed.
    WatchClose,
    /// History is forgotten, and the watch ends with 410.
    WatchExpire,
    /// The last so many changes are shown once more.
    WatchReplay(u32),
    /// The next listing is as it was so many changes ago.
    ListStale(u32),
    /// The next listing lacks so many percent of the pods, from its end.
    ListPartial(u8),
    /// Lists and watches lag.
    ReplicaLag {
        /// By how much.
        by: Span,
        /// For how long.
        lasts: Span,
    },
    /// Something becomes of a pod.
    Pod {
        /// Which: counted among the fleet's, and around again.
        pod: u32,
        /// What.
        fate: PodFate,
    },
    /// A container beside the main one ends with that exit code.
    Sidecar {
        /// Which pod.
        pod: u32,
        /// The exit code.
        exit_code: i32,
    },
    /// A node is lost.
    NodeLost {
        /// Which.
        node: u32,
        /// After how long another takes its place.
        back: Span,
    },
    /// The scheduler stands still.
    Unschedulable(Span),
    /// Images of pods that start within this time can't be pulled.
    PullError {
        /// How many percent of them.
        percent: u8,
        /// For how long.
        lasts: Span,
    },
    /// Nodes refuse the next so many pods.
    KubeletRejects(u32),
    /// Pods take ten times as long to start.
    SlowStart {
        /// How many percent.
        percent: u8,
        /// For how long.
        lasts: Span,
    },
    /// Pods take so long to end.
    SlowStop {
        /// How long.
        stop: Span,
        /// For how long.
        lasts: Span,
    },
    /// Pods created within this time get a sidecar from a webhook.
    Webhook(Span),
    /// Pods created within this time get a second owner, which is deleted after it.
    SecondOwner(Span),
    /// Somebody else makes a pod.
    Stranger(Strange),
    /// The owner goes with the process; another of both comes after so long.
    OwnerGone(Span),
    /// The process dies; another comes after so long.
    Crash {
        /// After how long.
        back: Span,
        /// It runs elsewhere: nobody knows that the first is dead.
        elsewhere: bool,
    },
    /// The process dies at one of its effects.
    CrashAtEffect {
        /// So many effects from now.
        nth: u32,
        /// After it has taken effect, else before.
        after: bool,
        /// After how long another comes.
        back: Span,
    },
    /// A second controller is started, while the first one lives on.
    SecondController,
    /// The process stands still for so long.
    Pause(Span),
    /// The wall clock jumps by so many milliseconds.
    ClockJump(i64),
    /// Somebody else holds the lease for so long.
    LeaseTaken(Span),
    /// Somebody removes the lease.
    LeaseRemoved,
    /// The engine misbehaves.
    Engine(EngineFault),
    /// The engine says something of an executor.
    Report {
        /// Which: counted among the fleet's, and around again.
        pod: u32,
        /// What.
        report: Report,
    },
    /// The engine says that one registered whom nobody asked for.
    Unknown {
        /// The incarnation.
        incarnation: u32,
        /// The sequence.
        sequence: u32,
    },
    /// A quota of so many pods.
    Quota {
        /// How many.
        pods: u64,
        /// For how long.
        lasts: Span,
    },
    /// A verb is taken away.
    Deny {
        /// Which.
        verb: Verb,
        /// For how long.
        lasts: Span,
    },
    /// Admission refuses all creates.
    Rejecting(Span),
    /// Controllers that start while it lasts are told what is wanted only so long after.
    LateEngine {
        /// How long they wait.
        by: Span,
        /// For how long.
        lasts: Span,
    },
    /// A stranger deletes one of the fleet's claims: the nth, modulo how many there are.
    ClaimDeleted(u32),
    /// Creates are answered as by a namespace that is ending.
    NamespaceEnding(Span),
    /// The engine changes its mind.
    Wish(Wish),
    /// The pods of this group fail as soon as they run from now on; also when all else is well again.
    Break(Group),
}

impl What {
    /// The kind of fault that this is; None for what any engine does.
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        Some(match self {
            Self::Call {
                verb: Verb::List, ..
            } => Kind::ListFails,
            Self::Call { fate, .. } => match fate {
                Fate::ReplyLost => Kind::ReplyLost,
                Fate::RequestLost | Fate::NotSent => Kind::RequestLost,
                Fate::LandsLate(_) => Kind::LandsLate,
                Fate::Slow(_) => Kind::Slow,
                Fate::Twice(_) => Kind::Twice,
                Fate::ServerError(_) | Fate::ServerErrorAfter(_) => Kind::ServerError,
                Fate::Throttled(_) => Kind::Throttled,
                Fate::Invalid | Fate::Forbidden => Kind::Rejected,
                Fate::QuotaRace => Kind::QuotaRace,
                Fate::Unauthorized => Kind::Unauthorized,
            },
            Self::Outage(_) => Kind::Outage,
            Self::Storm { .. } => Kind::Storm,
            Self::WatchSlow { .. } => Kind::WatchSlow,
            Self::WatchShuffle { .. } => Kind::WatchShuffle,
            Self::WatchCoalesce(_) => Kind::WatchCoalesce,
            Self::WatchStall => Kind::WatchStall,
            Self::WatchClose => Kind::WatchClose,
            Self::WatchExpire => Kind::WatchExpire,
            Self::WatchReplay(_) => Kind::WatchReplay,
            Self::ListStale(_) => Kind::ListStale,
            Self::ListPartial(_) => Kind::ListPartial,
            Self::ReplicaLag { .. } => Kind::ReplicaLag,
            Self::Pod { fate, .. } => match fate {
                PodFate::Fails(_) => Kind::PodFails,
                PodFate::Completes => Kind::PodCompletes,
                PodFate::OutOfMemory => Kind::OutOfMemory,
                PodFate::Evicted => Kind::Evicted,
                PodFate::EvictedByNode => Kind::EvictedByNode,
                PodFate::Preempted => Kind::Preempted,
                PodFate::Tainted => Kind::Tainted,
                PodFate::StrangerDeletes => Kind::StrangerDeletes,
                PodFate::StrangerForces => Kind::StrangerForces,
                PodFate::LosesLabel(_) => Kind::StrangerRelabels,
                PodFate::EventLost => Kind::EventLost,
                PodFate::Finalizer(_) => Kind::Finalizer,
                PodFate::Restarts => Kind::Restart,
            },
            Self::Sidecar { .. } => Kind::Sidecar,
            Self::NodeLost { .. } => Kind::NodeLost,
            Self::Unschedulable(_) => Kind::Unschedulable,
            Self::PullError { .. } => Kind::PullError,
            Self::KubeletRejects(_) => Kind::KubeletRejects,
            Self::SlowStart { .. } => Kind::SlowStart,
            Self::SlowStop { .. } => Kind::SlowStop,
            Self::Webhook(_) => Kind::Webhook,
            Self::SecondOwner(_) => Kind::SecondOwner,
            Self::Stranger(_) => Kind::StrangerCreates,
            Self::OwnerGone(_) => Kind::OwnerGone,
            Self::Crash { .. } => Kind::Crash,
            Self::CrashAtEffect { .. } => Kind::CrashAtEffect,
            Self::SecondController => Kind::SecondController,
            Self::Pause(_) => Kind::Pause,
            Self::ClockJump(_) => Kind::ClockJump,
            Self::LeaseTaken(_) => Kind::LeaseTaken,
            Self::LeaseRemoved => Kind::LeaseRemoved,
            Self::Engine(fault) => match fault {
                EngineFault::Late { .. } => Kind::LateRegistration,
                EngineFault::Twice(_) => Kind::DoubleRegistration,
                EngineFault::Never(_) => Kind::NeverRegisters,
                EngineFault::DeafDrain(_) => Kind::DeafDrain,
            },
            Self::Report { report, .. } => match report {
                Report::Registered => Kind::FalseRegistration,
                Report::Disrupted(_) => Kind::Warning,
                Report::Unhealthy => Kind::Silence,
                Report::Release => Kind::Released,
                Report::Kill => Kind::Killed,
                Report::Idle(_) | Report::Busy | Report::Metric { .. } => return None,
            },
            Self::Unknown { .. } => Kind::FalseRegistration,
            Self::Quota { .. } => Kind::Quota,
            Self::Deny { .. } => Kind::Forbidden,
            Self::NamespaceEnding(_) => Kind::NamespaceEnding,
            Self::Rejecting(_) => Kind::Rejecting,
            Self::LateEngine { .. } => Kind::LateEngine,
            Self::ClaimDeleted(_) => Kind::ClaimDeleted,
            Self::Wish(wish) => match wish {
                Wish::Target { target: 0, .. } => Kind::ToZero,
                Wish::Target { .. } => Kind::Flapping,
                Wish::Whole | Wish::Resume => return None,
                Wish::Remove(_) => Kind::GroupRemoved,
                Wish::Template { .. } => Kind::Template,
                Wish::Suspend(_) => Kind::Suspended,
            },
            Self::Break(_) => Kind::BrokenGroup,
        })
    }

    /// Whether this is what the engine wants, rather than something that goes wrong: it happens in the run without
    /// faults too.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        matches!(
            self,
            Self::Wish(_)
                | Self::Report {
                    report: Report::Idle(_)
                        | Report::Busy
                        | Report::Metric { .. }
                        | Report::Release
                        | Report::Kill,
                    ..
                }
        )
    }

    /// How long it goes on.
    #[must_use]
    pub fn lasts(&self) -> Span {
        match self {
            Self::Outage(lasts)
            | Self::Storm { lasts, .. }
            | Self::WatchSlow { lasts, .. }
            | Self::WatchShuffle { lasts, .. }
            | Self::WatchCoalesce(lasts)
            | Self::ReplicaLag { lasts, .. }
            | Self::Unschedulable(lasts)
            | Self::PullError { lasts, .. }
            | Self::SlowStart { lasts, .. }
            | Self::SlowStop { lasts, .. }
            | Self::Webhook(lasts)
            | Self::SecondOwner(lasts)
            | Self::Pause(lasts)
            | Self::LeaseTaken(lasts)
            | Self::Engine(
                EngineFault::Late { lasts, .. }
                | EngineFault::Twice(lasts)
                | EngineFault::Never(lasts)
                | EngineFault::DeafDrain(lasts),
            )
            | Self::Quota { lasts, .. }
            | Self::Deny { lasts, .. }
            | Self::NamespaceEnding(lasts)
            | Self::Rejecting(lasts)
            | Self::LateEngine { lasts, .. }
            | Self::OwnerGone(lasts)
            | Self::Crash { back: lasts, .. }
            | Self::CrashAtEffect { back: lasts, .. }
            | Self::Pod {
                fate: PodFate::Finalizer(lasts) | PodFate::LosesLabel(Some(lasts)),
                ..
            } => *lasts,
            Self::Break(_) => Span(u64::MAX),
            _ => Span(0),
        }
    }
}
