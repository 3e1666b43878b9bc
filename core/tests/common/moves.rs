//! What may happen in a run: plain enums, so that a failing run shrinks to a readable one.

use evenkeel_core::{
    config::{
        Claims, Config, DeleteBudget, Ending, EngineMode, Failing, GroupConfig, Growing, Living,
        Ramp, Replace, Resize, Roll, RollPolicy, Seeing, Shrink, Shrinking,
    },
    input::Shutdown,
    words::Span,
};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// How one effect goes.
#[derive(Clone, Copy, Debug)]
pub enum Fate {
    Honest,
    /// Carried out now; the answer comes later.
    DoneUnanswered,
    /// Carried out, and the answer is lost.
    LostDone,
    /// Never arrived, and nobody knows.
    LostUndone,
    /// Unclear now, and carried out later.
    LostLate,
    ServerError,
    /// Which of the refusals.
    Refused(u8),
    /// AlreadyExists, and nothing there when asked; for creates.
    ExistsNothing,
}

/// How a wish about the lease goes.
#[derive(Clone, Copy, Debug)]
pub enum LeaseFate {
    Honest,
    LostDone,
    LostUndone,
}

/// What becomes of a pod.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    Schedule,
    Run,
    Succeed,
    Fail(i32),
    OutOfMemory,
    SidecarFails,
    EvictedAtOnce,
    Disrupted,
    UnknownPhase,
    /// A stranger deletes it, gracefully.
    Deleted,
    /// What is terminating goes; anything else vanishes by force.
    Gone,
    LoseLabel,
    RegainLabel,
    ImagePull,
    BadImage,
    /// Its node can't give it more memory.
    CantGrow,
}

/// What comes in that makes no sense.
#[derive(Clone, Copy, Debug)]
pub enum Nonsense {
    StrayAnswer(u8),
    /// A listing or event for a request that is not open.
    OldRequest,
    /// A view out of nowhere: which id, phase, and revision.
    View {
        incarnation: u32,
        sequence: u32,
        phase: u8,
        huge: bool,
    },
    BadLabels(u8),
    HugeTarget,
    TimeBack,
    FarFuture,
    LeaseNumber(u32),
    EndOfLeaseInPast,
    Memory,
    Undecodable,
    OldListing,
    EndlessGrace,
}

/// One thing that happens. Numbers pick among what there is, modulo how many there are.
#[derive(Clone, Copy, Debug)]
pub enum Move {
    /// Time passes, and nobody says so.
    Sleep(u32),
    /// A wake-up nobody asked for.
    Wake,
    /// To the moment asked for, and a wake-up there.
    WakeAt,
    Answer(u8, Fate),
    LandLate(u8),
    Lease(LeaseFate),
    OtherTakesLease,
    OtherLeavesLease,
    LeaseLost,
    TakeListing,
    DeliverListing,
    FailListing,
    Event,
    DropEvent,
    RepeatEvent,
    OldEvent(u8),
    Bookmark,
    WatchEnds(bool),
    Pod(u8, Step),
    Ghost(u8),
    Register(u8),
    RegisterUnknown(u32, u32),
    Idle(u8, i32),
    Busy(u8),
    Drained(u8),
    Disrupt(u8, u8, bool),
    Metric(u8, u8, i64),
    Relist,
    Target(u8, u8),
    Template(u8, u8),
    Remove(u8),
    Release(u8),
    Kill(u8),
    Unhealthy(u8),
    Suspend(bool),
    Resume,
    Shutdown(Shutdown),
    Crash,
    /// All that is under way arrives well.
    Settle,
    Nonsense(Nonsense),
}

/// What differs from fleet to fleet.
#[derive(Clone, Copy, Debug)]
pub struct Knobs {
    pub no_engine: bool,
    pub keep_finished: bool,
    pub fixed_ramp: bool,
    pub group_cap: Option<u64>,
    pub fleet_cap: Option<u64>,
    pub max_executors: Option<u64>,
    pub after_termination: bool,
    pub idle: bool,
    pub lease: bool,
    pub jitter: bool,
    pub max_in_flight: u32,
    pub max_failures: Option<u64>,
    pub protection: u8,
    pub give_up: bool,
    pub backoff: bool,
    pub delete_budget: bool,
    pub doubts: bool,
    pub before_loss: bool,
    pub policy: u8,
    pub claims: bool,
    pub reuse: bool,
    pub wait: bool,
    pub resize: bool,
    #[cfg(feature = "mutants")]
    pub mutant: Option<evenkeel_core::mutants::Mutant>,
}

impl Knobs {
    /// Nothing out of the ordinary.
    pub const PLAIN: Self = Self {
        no_engine: false,
        keep_finished: false,
        fixed_ramp: false,
        group_cap: None,
        fleet_cap: None,
        max_executors: None,
        after_termination: false,
        idle: false,
        lease: false,
        jitter: false,
        max_in_flight: 8,
        max_failures: None,
        protection: 60,
        give_up: false,
        backoff: false,
        delete_budget: false,
        doubts: false,
        before_loss: true,
        policy: 0,
        claims: false,
        reuse: true,
        wait: false,
        resize: false,
        #[cfg(feature = "mutants")]
        mutant: None,
    };

    pub fn config(&self) -> Config {
        let group = GroupConfig {
            before_loss: self.before_loss,
            roll: Roll {
                every: None,
                at_once: 1 + u32::from(self.policy / 4),
                policy: match self.policy % 4 {
                    0 => RollPolicy::Oldest,
                    1 => RollPolicy::LowestId,
                    2 => RollPolicy::Highest("gc".into()),
                    _ => RollPolicy::Outlier("gc".into()),
                },
                min_tasks: 0,
                on_change: true,
            },
            claims: self.claims.then_some(Claims {
                bytes: 10,
                class: None,
                reuse: self.reuse,
                wait: self.wait,
            }),
            resize: self.resize.then_some(Resize {
                threshold: 90,
                percent: 10,
                max: Some(2000),
            }),
            max_pending: self.group_cap,
            replace: if self.after_termination {
                Replace::AfterTermination
            } else {
                Replace::AtOnce
            },
            shrink: if self.idle {
                Shrink::Idle {
                    timeout: Span::seconds(60),
                }
            } else {
                Shrink::Asked
            },
        };
        Config {
            seed: 7,
            jitter: self.jitter,
            engine: if self.no_engine {
                EngineMode::None
            } else {
                EngineMode::Registering
            },
            seeing: Seeing {
                watch_silence: Span::seconds(90),
                relist_every: Some(Span::seconds(300)),
                check_all_containers: self.keep_finished,
            },
            growing: Growing {
                ramp: if self.fixed_ramp {
                    Ramp::Fixed {
                        size: 2,
                        every: Span::seconds(5),
                    }
                } else {
                    Ramp::Governed
                },
                max_in_flight: self.max_in_flight,
                request_timeout: Span::seconds(30),
                max_pending: self.fleet_cap,
                max_executors: self.max_executors,
                start_timeout: self.give_up.then_some(Span::seconds(120)),
                register_timeout: self.give_up.then_some(Span::seconds(90)),
                image_pull_patience: self.give_up.then_some(Span::seconds(30)),
            },
            shrinking: Shrinking {
                pending_protection: Span::seconds(u64::from(self.protection)),
                drain_timeout: Span::seconds(300),
                max_deletes: self.delete_budget.then_some(DeleteBudget {
                    size: 1,
                    every: Span::seconds(20),
                }),
                suspicious_loss: self.doubts.then_some(50),
            },
            ending: Ending {
                keep_finished: self.keep_finished,
                stuck_after: Span::seconds(300),
                overdue_after: Span::seconds(60),
                missing_tolerance: Span::seconds(30),
            },
            failing: Failing {
                max_failures: self.max_failures,
                failure_window: Some(Span::seconds(3600)),
                healthy_after: Span::seconds(10),
                backoff_after: if self.backoff { 2 } else { u32::MAX },
                backoff_window: Span::seconds(600),
                backoff_first: Span::seconds(30),
                backoff_max: Span::seconds(300),
                quota_retry: Span::seconds(10),
                quota_retry_max: Span::seconds(120),
            },
            living: Living {
                lease_duration: Span::seconds(15),
            },
            groups: BTreeMap::from([("a".into(), group.clone())]),
            other_groups: group,
            #[cfg(feature = "mutants")]
            mutant: self.mutant,
        }
    }
}

pub fn knobs() -> impl Strategy<Value = Knobs> {
    let flags = prop::array::uniform16(any::<bool>());
    let caps = (
        prop::option::weighted(0.3, 1..4u64),
        prop::option::weighted(0.3, 2..6u64),
        prop::option::weighted(0.3, Just(12u64)),
    );
    let rest = (
        1..9u32,
        prop::option::weighted(0.7, 2..200u64),
        prop_oneof![Just(0u8), Just(60u8)],
        0..8u8,
    );
    (flags, caps, rest).prop_map(|(flags, caps, rest)| Knobs {
        no_engine: flags[0],
        keep_finished: flags[1],
        fixed_ramp: flags[2],
        group_cap: caps.0,
        fleet_cap: caps.1,
        max_executors: caps.2,
        after_termination: flags[3],
        idle: flags[4],
        lease: flags[5],
        jitter: flags[6],
        max_in_flight: rest.0,
        max_failures: rest.1,
        protection: rest.2,
        give_up: flags[7],
        backoff: flags[8],
        delete_budget: flags[9],
        doubts: flags[10],
        before_loss: flags[11],
        policy: rest.3,
        claims: flags[12],
        reuse: flags[13],
        wait: flags[14],
        resize: flags[15],
        #[cfg(feature = "mutants")]
        mutant: None,
    })
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        8 => Just(Fate::Honest),
        2 => Just(Fate::DoneUnanswered),
        2 => Just(Fate::LostDone),
        2 => Just(Fate::LostUndone),
        2 => Just(Fate::LostLate),
        1 => Just(Fate::ServerError),
        3 => (0..9u8).prop_map(Fate::Refused),
        1 => Just(Fate::ExistsNothing),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Schedule),
        6 => Just(Step::Run),
        2 => Just(Step::Succeed),
        2 => (0..3i32).prop_map(Step::Fail),
        1 => Just(Step::OutOfMemory),
        1 => Just(Step::SidecarFails),
        1 => Just(Step::EvictedAtOnce),
        1 => Just(Step::Disrupted),
        1 => Just(Step::UnknownPhase),
        2 => Just(Step::Deleted),
        3 => Just(Step::Gone),
        1 => Just(Step::LoseLabel),
        1 => Just(Step::RegainLabel),
        1 => Just(Step::ImagePull),
        1 => Just(Step::BadImage),
        1 => Just(Step::CantGrow),
    ]
}

/// What really happens to fleets.
pub fn weather() -> impl Strategy<Value = Move> {
    let time = prop_oneof![
        4 => prop::sample::select(vec![
            0u32, 1, 400, 999, 1000, 5000, 9999, 10_000, 14_000, 30_000, 60_000, 90_000, 300_000, 400_000,
        ]).prop_map(Move::Sleep),
        2 => Just(Move::Wake),
        6 => Just(Move::WakeAt),
    ];
    let cluster = prop_oneof![
        12 => (any::<u8>(), fate()).prop_map(|(n, fate)| Move::Answer(n, fate)),
        2 => any::<u8>().prop_map(Move::LandLate),
        3 => Just(Move::TakeListing),
        3 => Just(Move::DeliverListing),
        1 => Just(Move::FailListing),
        10 => Just(Move::Event),
        1 => Just(Move::DropEvent),
        1 => Just(Move::RepeatEvent),
        1 => any::<u8>().prop_map(Move::OldEvent),
        1 => Just(Move::Bookmark),
        1 => any::<bool>().prop_map(Move::WatchEnds),
        12 => (any::<u8>(), step()).prop_map(|(n, step)| Move::Pod(n, step)),
        1 => any::<u8>().prop_map(Move::Ghost),
        8 => Just(Move::Settle),
    ];
    let life = prop_oneof![
        3 => prop_oneof![
            3 => Just(LeaseFate::Honest),
            1 => Just(LeaseFate::LostDone),
            1 => Just(LeaseFate::LostUndone),
        ].prop_map(Move::Lease),
        1 => Just(Move::OtherTakesLease),
        2 => Just(Move::OtherLeavesLease),
        1 => Just(Move::LeaseLost),
        1 => Just(Move::Crash),
    ];
    let engine = prop_oneof![
        8 => any::<u8>().prop_map(Move::Register),
        1 => (1..4u32, 1..6u32).prop_map(|(i, s)| Move::RegisterUnknown(i, s)),
        2 => (any::<u8>(), -1..2i32).prop_map(|(n, keep)| Move::Idle(n, keep)),
        1 => any::<u8>().prop_map(Move::Busy),
        3 => any::<u8>().prop_map(Move::Drained),
        1 => (any::<u8>(), 0..4u8, any::<bool>()).prop_map(|(n, why, soon)| Move::Disrupt(n, why, soon)),
        2 => (any::<u8>(), 0..3u8, prop_oneof![0..1200i64, any::<i64>()])
            .prop_map(|(n, name, value)| Move::Metric(n, name, value)),
        1 => Just(Move::Relist),
        6 => (0..3u8, 0..6u8).prop_map(|(g, n)| Move::Target(g, n)),
        1 => (0..3u8, any::<u8>()).prop_map(|(g, n)| Move::Template(g, n)),
        1 => (0..3u8).prop_map(Move::Remove),
        2 => any::<u8>().prop_map(Move::Release),
        2 => any::<u8>().prop_map(Move::Kill),
        1 => any::<u8>().prop_map(Move::Unhealthy),
        1 => any::<bool>().prop_map(Move::Suspend),
        1 => Just(Move::Resume),
    ];
    prop_oneof![5 => time, 16 => cluster, 2 => life, 8 => engine]
}

/// What should never come in, and does not hurt.
pub fn nonsense() -> impl Strategy<Value = Move> {
    let odd = prop_oneof![Just(1u32), Just(2), Just(1 << 30), Just(u32::MAX)];
    prop_oneof![
        any::<u8>().prop_map(Nonsense::StrayAnswer),
        Just(Nonsense::OldRequest),
        (0..4u32, 1..6u32, any::<u8>(), any::<bool>()).prop_map(
            |(incarnation, sequence, phase, huge)| Nonsense::View {
                incarnation,
                sequence,
                phase,
                huge
            }
        ),
        any::<u8>().prop_map(Nonsense::BadLabels),
        Just(Nonsense::HugeTarget),
        Just(Nonsense::TimeBack),
        Just(Nonsense::FarFuture),
        odd.prop_map(Nonsense::LeaseNumber),
        Just(Nonsense::EndOfLeaseInPast),
        Just(Nonsense::Memory),
        Just(Nonsense::Undecodable),
        Just(Nonsense::OldListing),
        Just(Nonsense::EndlessGrace),
    ]
    .prop_map(Move::Nonsense)
}

pub fn shutdown() -> impl Strategy<Value = Option<Shutdown>> {
    prop_oneof![
        3 => Just(None),
        1 => Just(Some(Shutdown::Delete)),
        1 => Just(Some(Shutdown::Drain)),
        1 => Just(Some(Shutdown::Leave)),
    ]
}
