//! The kinds of faults, by name: what `--faults` takes and the table of pairs is made of.

use std::{fmt, str::FromStr};

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $kind:ident = $name:literal,)*) => {
        /// A kind of fault, or of rough treatment by the engine: the vocabulary of field/faults.md, section A6.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $($(#[doc = $doc])+ $kind,)*
        }

        impl Kind {
            /// All of them.
            pub const ALL: &[Kind] = &[$(Kind::$kind),*];

            /// Its name, as `--faults` takes it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$kind => $name),* }
            }

            /// What happens, in a sentence.
            #[must_use]
            pub const fn says(self) -> &'static str {
                match self { $(Self::$kind => concat!($($doc),+).trim_ascii()),* }
            }
        }
    };
}

kinds! {
    /// A request takes effect, and its answer is lost.
    ReplyLost = "reply-lost",
    /// A request is lost on its way, and nobody can tell.
    RequestLost = "request-lost",
    /// A request is given up as timed out, and lands later.
    LandsLate = "lands-late",
    /// A request takes long.
    Slow = "slow",
    /// A request lands twice, as where something between repeats it.
    Twice = "twice",
    /// The server answers 500, 503 or 504, with effect or without.
    ServerError = "server-error",
    /// The server answers 429.
    Throttled = "throttled",
    /// The server refuses for good: 400, 422, 403 by admission.
    Rejected = "rejected",
    /// Admission refuses all creates for a while.
    Rejecting = "rejecting",
    /// Two writers raced for the quota's status: 409.
    QuotaRace = "quota-race",
    /// The token is no longer good: 401.
    Unauthorized = "unauthorized",
    /// No connection for a while.
    Outage = "outage",
    /// Many requests fail for a while, each in its own way.
    Storm = "storm",
    /// Events of the watch come late.
    WatchSlow = "watch-slow",
    /// Events of different objects overtake each other.
    WatchShuffle = "watch-shuffle",
    /// Of several changes of an object only the last is shown.
    WatchCoalesce = "watch-coalesce",
    /// An event is lost for good.
    EventLost = "event-lost",
    /// The watch says nothing any more, and stays open.
    WatchStall = "watch-stall",
    /// The watch is closed.
    WatchClose = "watch-close",
    /// History is forgotten: 410.
    WatchExpire = "watch-expire",
    /// An older replica shows again what was shown before.
    WatchReplay = "watch-replay",
    /// A listing is answered by a replica that is behind.
    ListStale = "list-stale",
    /// A page of a listing fails.
    ListFails = "list-fails",
    /// A listing lacks a part of the pods, and does not say so.
    ListPartial = "list-partial",
    /// Lists and watches are served by a replica that lags.
    ReplicaLag = "replica-lag",
    /// An executor's main container fails.
    PodFails = "pod-fails",
    /// An executor's main container ends with exit code 0.
    PodCompletes = "pod-completes",
    /// An executor goes over its memory limit.
    OutOfMemory = "out-of-memory",
    /// A sidecar fails, or is all that still runs.
    Sidecar = "sidecar",
    /// A pod is put out through the eviction API.
    Evicted = "evicted",
    /// A pod is put out by its node for want of memory.
    EvictedByNode = "evicted-by-node",
    /// A pod is put out for one of higher priority.
    Preempted = "preempted",
    /// A pod is put out by a taint of its node.
    Tainted = "tainted",
    /// A node is lost with all that is on it.
    NodeLost = "node-lost",
    /// No pod finds a node.
    Unschedulable = "unschedulable",
    /// Images can't be pulled.
    PullError = "pull-error",
    /// Nodes refuse pods that the API server took.
    KubeletRejects = "kubelet-rejects",
    /// Pods take long to start.
    SlowStart = "slow-start",
    /// Pods take long to end.
    SlowStop = "slow-stop",
    /// A finalizer holds a pod.
    Finalizer = "finalizer",
    /// A container is started again in place.
    Restart = "restart",
    /// A webhook changes what is created.
    Webhook = "webhook",
    /// A stranger deletes a pod.
    StrangerDeletes = "stranger-deletes",
    /// A stranger deletes a pod by force.
    StrangerForces = "stranger-forces",
    /// A stranger makes a pod with our labels, or under a name that ours will take.
    StrangerCreates = "stranger-creates",
    /// A stranger takes our label off a pod, and puts it back or not.
    StrangerRelabels = "stranger-relabels",
    /// The owner of the pods is gone, and another one takes over.
    OwnerGone = "owner-gone",
    /// A webhook gives pods a second owner, which goes.
    SecondOwner = "second-owner",
    /// The controller's process dies, and another takes its place.
    Crash = "crash",
    /// It dies right before, or right after, one of its effects.
    CrashAtEffect = "crash-at-effect",
    /// A second controller is started while the first one lives.
    SecondController = "second-controller",
    /// The process is stopped, and goes on later.
    Pause = "pause",
    /// The wall clock of the process jumps.
    ClockJump = "clock-jump",
    /// A stranger takes the lease, and does not renew it.
    LeaseTaken = "lease-taken",
    /// Somebody removes the lease.
    LeaseRemoved = "lease-removed",
    /// The engine takes its time to tell a new controller what it wants.
    LateEngine = "late-engine",
    /// A stranger deletes a persistent volume claim.
    ClaimDeleted = "claim-deleted",
    /// Registrations come late.
    LateRegistration = "late-registration",
    /// Registrations come twice.
    DoubleRegistration = "double-registration",
    /// The engine says that one registered which did not, or is dead, or was never asked for.
    FalseRegistration = "false-registration",
    /// An executor never registers.
    NeverRegisters = "never-registers",
    /// The engine hears nothing of an executor any more, and gives it up.
    Silence = "silence",
    /// The engine is warned that an executor will be lost.
    Warning = "warning",
    /// Drains are never answered.
    DeafDrain = "deaf-drain",
    /// A quota is set, and lifted.
    Quota = "quota",
    /// A verb is taken away, and given back.
    Forbidden = "forbidden",
    /// The namespace is ending, as far as creates can tell.
    NamespaceEnding = "namespace-ending",
    /// Targets go up and down faster than pods start.
    Flapping = "flapping",
    /// All targets go to 0 for a while.
    ToZero = "to-zero",
    /// A group is removed, and comes back.
    GroupRemoved = "group-removed",
    /// The fleet is suspended for a while.
    Suspended = "suspended",
    /// A group gets another template.
    Template = "template",
    /// The engine releases executors.
    Released = "released",
    /// The engine kills executors.
    Killed = "killed",
    /// One group's pods can never start; the others must not mind.
    BrokenGroup = "broken-group",
    /// Knobs at zero, at one, and beyond all reason.
    AbsurdConfig = "absurd-config",
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|kind| kind.name() == text);
        found
            .copied()
            .ok_or_else(|| format!("{text:?} is no kind of fault; `--faults list` shows all"))
    }
}
