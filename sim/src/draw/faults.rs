//! Draws when and how each kind of fault strikes.

use super::{Draw, Size};
use crate::story::{
    EngineFault, Fate, Happening, Kind, PodFate, Report, Story, Strange, Verb, What, Wish,
};
use evenkeel::core::{Group, Span, Time};

/// The ids of strangers' pods begin here: no controller comes so far in a story.
const STRANGE: u32 = 1_000_000;

/// All that one kind of fault does in a story.
pub(super) fn strikes(draw: &mut Draw, kind: Kind, size: Size, story: &Story) -> Vec<Happening> {
    let most = match kind {
        Kind::BrokenGroup => 1,
        Kind::OwnerGone | Kind::SecondController | Kind::LeaseTaken | Kind::LeaseRemoved => {
            1 + size.strikes() / 12
        }
        Kind::Flapping => size.strikes() * 3,
        _ => size.strikes(),
    };
    let count = 1 + draw.below(u64::from(most));
    // Faults that strike together find what single ones don't.
    let focus = draw.percent(40).then(|| draw.below(story.lasts.0));
    let mut all = Vec::new();
    for _ in 0..count {
        let at = match focus {
            Some(focus) if draw.percent(70) => focus.saturating_add(draw.below(8000)),
            _ => draw.below(story.lasts.0),
        };
        for (after, what) in one(draw, kind, size, story) {
            all.push(Happening {
                at: Time(at.saturating_add(after.0)),
                what,
            });
        }
    }
    all
}

fn verb(draw: &mut Draw) -> Verb {
    draw.one(&[
        Verb::Create,
        Verb::Create,
        Verb::Create,
        Verb::Delete,
        Verb::Delete,
        Verb::Patch,
        Verb::Claim,
        Verb::List,
        Verb::Watch,
        Verb::Lease,
    ])
}

/// One fault: what happens, and how long after the moment.
fn one(draw: &mut Draw, kind: Kind, size: Size, story: &Story) -> Vec<(Span, What)> {
    let now = Span(0);
    let groups: Vec<Group> = story.groups.keys().cloned().collect();
    let call = |draw: &mut Draw, fate: Fate| {
        let verb = verb(draw);
        vec![(now, What::Call { verb, fate })]
    };
    let pod = |draw: &mut Draw, fate: PodFate| {
        let pod = draw.below(256) as u32;
        vec![(now, What::Pod { pod, fate })]
    };
    let report = |draw: &mut Draw, report: Report| {
        let pod = draw.below(256) as u32;
        vec![(now, What::Report { pod, report })]
    };
    let short = |draw: &mut Draw| draw.span(500, 30_000);
    let long = |draw: &mut Draw| draw.span(5000, 300_000);
    match kind {
        Kind::ReplyLost => call(draw, Fate::ReplyLost),
        Kind::RequestLost => {
            let fate = draw.one(&[Fate::RequestLost, Fate::NotSent]);
            call(draw, fate)
        }
        Kind::LandsLate => {
            let over = story.config.growing.request_timeout.0;
            let by = draw.span(over, over + 60_000);
            call(draw, Fate::LandsLate(by))
        }
        Kind::Slow => {
            let by = short(draw);
            call(draw, Fate::Slow(by))
        }
        Kind::Twice => {
            let after = long(draw);
            call(draw, Fate::Twice(after))
        }
        Kind::ServerError => {
            let code = draw.one(&[500, 503, 504]);
            let fate = draw.one(&[Fate::ServerError(code), Fate::ServerErrorAfter(code)]);
            call(draw, fate)
        }
        Kind::Throttled => {
            let retry_after = draw.one(&[None, Some(1000), Some(15_000)]);
            call(draw, Fate::Throttled(retry_after))
        }
        Kind::Rejected => {
            let fate = draw.one(&[Fate::Invalid, Fate::Forbidden]);
            vec![(
                now,
                What::Call {
                    verb: draw.one(&[Verb::Create, Verb::Create, Verb::Delete, Verb::Patch]),
                    fate,
                },
            )]
        }
        Kind::Rejecting => vec![(now, What::Rejecting(long(draw)))],
        Kind::LateEngine => vec![
            (
                now,
                What::LateEngine {
                    by: draw.span(1000, 60_000),
                    lasts: long(draw),
                },
            ),
            (
                Span(1),
                What::Crash {
                    back: draw.one(&[Span(0), Span(1000), Span(20_000)]),
                    elsewhere: false,
                },
            ),
        ],
        Kind::ClaimDeleted => vec![(now, What::ClaimDeleted(draw.below(16) as u32))],
        Kind::QuotaRace => vec![(
            now,
            What::Call {
                verb: Verb::Create,
                fate: Fate::QuotaRace,
            },
        )],
        Kind::Unauthorized => call(draw, Fate::Unauthorized),
        Kind::Outage => vec![(now, What::Outage(long(draw)))],
        Kind::Storm => vec![(
            now,
            What::Storm {
                percent: draw.one(&[10, 30, 80]),
                lasts: long(draw),
            },
        )],
        Kind::WatchSlow => vec![(
            now,
            What::WatchSlow {
                by: draw.span(10, 60_000),
                lasts: long(draw),
            },
        )],
        Kind::WatchShuffle => vec![(
            now,
            What::WatchShuffle {
                by: draw.span(10, 20_000),
                lasts: long(draw),
            },
        )],
        Kind::WatchCoalesce => vec![
            (now, What::WatchCoalesce(Span(120_000))),
            (
                now,
                What::WatchSlow {
                    by: draw.span(100, 20_000),
                    lasts: Span(120_000),
                },
            ),
        ],
        Kind::EventLost => pod(draw, PodFate::EventLost),
        Kind::WatchStall => vec![(now, What::WatchStall)],
        Kind::WatchClose => vec![(now, What::WatchClose)],
        Kind::WatchExpire => vec![(now, What::WatchExpire)],
        Kind::WatchReplay => vec![(now, What::WatchReplay(1 + draw.below(20) as u32))],
        Kind::ListStale => {
            let behind = draw.one(&[1, 3, 10, 40]);
            vec![(now, What::ListStale(behind)), (Span(1), What::WatchClose)]
        }
        Kind::ListPartial => {
            let percent = draw.one(&[10, 30, 60, 100]);
            vec![
                (now, What::ListPartial(percent)),
                (Span(1), What::WatchExpire),
            ]
        }
        Kind::ListFails => {
            let fate = draw.one(&[
                Fate::ServerError(500),
                Fate::RequestLost,
                Fate::Throttled(None),
            ]);
            let verb = Verb::List;
            vec![(now, What::Call { verb, fate })]
        }
        Kind::ReplicaLag => vec![(
            now,
            What::ReplicaLag {
                by: draw.span(50, 20_000),
                lasts: long(draw),
            },
        )],
        Kind::PodFails => {
            let code = draw.one(&[1, 2, 137, 143]);
            pod(draw, PodFate::Fails(code))
        }
        Kind::PodCompletes => pod(draw, PodFate::Completes),
        Kind::OutOfMemory => pod(draw, PodFate::OutOfMemory),
        Kind::Sidecar => {
            let which = draw.below(256) as u32;
            let exit_code = draw.one(&[0, 1]);
            vec![(
                now,
                What::Sidecar {
                    pod: which,
                    exit_code,
                },
            )]
        }
        Kind::Evicted => pod(draw, PodFate::Evicted),
        Kind::EvictedByNode => pod(draw, PodFate::EvictedByNode),
        Kind::Preempted => pod(draw, PodFate::Preempted),
        Kind::Tainted => pod(draw, PodFate::Tainted),
        Kind::NodeLost => vec![(
            now,
            What::NodeLost {
                node: draw.below(16) as u32,
                back: long(draw),
            },
        )],
        Kind::Unschedulable => vec![(now, What::Unschedulable(long(draw)))],
        Kind::PullError => vec![(
            now,
            What::PullError {
                percent: draw.one(&[30, 100]),
                lasts: long(draw),
            },
        )],
        Kind::KubeletRejects => vec![(now, What::KubeletRejects(1 + draw.below(6) as u32))],
        Kind::SlowStart => vec![(
            now,
            What::SlowStart {
                percent: draw.one(&[30, 100]),
                lasts: long(draw),
            },
        )],
        Kind::SlowStop => vec![(
            now,
            What::SlowStop {
                stop: draw.span(5000, 600_000),
                lasts: long(draw),
            },
        )],
        Kind::Finalizer => {
            let lasts = long(draw);
            pod(draw, PodFate::Finalizer(lasts))
        }
        Kind::Restart => pod(draw, PodFate::Restarts),
        Kind::Webhook => vec![(now, What::Webhook(long(draw)))],
        Kind::SecondOwner => vec![(now, What::SecondOwner(long(draw)))],
        Kind::StrangerDeletes => pod(draw, PodFate::StrangerDeletes),
        Kind::StrangerForces => pod(draw, PodFate::StrangerForces),
        Kind::StrangerCreates => vec![(now, What::Stranger(strange(draw, &groups)))],
        Kind::StrangerRelabels => {
            let back = draw.percent(50).then(|| short(draw));
            pod(draw, PodFate::LosesLabel(back))
        }
        Kind::OwnerGone => vec![(now, What::OwnerGone(short(draw)))],
        Kind::Crash => vec![(
            now,
            What::Crash {
                back: draw.one(&[Span(0), Span(1000), Span(90_000)]),
                elsewhere: draw.percent(50),
            },
        )],
        Kind::CrashAtEffect => vec![(
            now,
            What::CrashAtEffect {
                nth: draw.below(6) as u32,
                after: draw.percent(60),
                back: draw.one(&[Span(0), Span(1000), Span(20_000)]),
            },
        )],
        Kind::SecondController => vec![(now, What::SecondController)],
        Kind::Pause => vec![(now, What::Pause(draw.span(1000, 400_000)))],
        Kind::ClockJump => {
            let by = draw.below(7_200_000) as i64 - 3_600_000;
            vec![(now, What::ClockJump(by))]
        }
        Kind::LeaseTaken => vec![(now, What::LeaseTaken(Span(0)))],
        Kind::LeaseRemoved => vec![(now, What::LeaseRemoved)],
        Kind::LateRegistration => vec![(
            now,
            What::Engine(EngineFault::Late {
                by: long(draw),
                lasts: long(draw),
            }),
        )],
        Kind::DoubleRegistration => vec![(now, What::Engine(EngineFault::Twice(long(draw))))],
        Kind::NeverRegisters => vec![(now, What::Engine(EngineFault::Never(long(draw))))],
        Kind::DeafDrain => vec![(now, What::Engine(EngineFault::DeafDrain(long(draw))))],
        Kind::FalseRegistration => match draw.percent(60) {
            true => report(draw, Report::Registered),
            false => vec![(
                now,
                What::Unknown {
                    incarnation: draw.below(4) as u32,
                    sequence: draw.below(40) as u32,
                },
            )],
        },
        Kind::Silence => report(draw, Report::Unhealthy),
        Kind::Warning => {
            let within = draw.percent(70).then(|| short(draw));
            report(draw, Report::Disrupted(within))
        }
        Kind::Released => report(draw, Report::Release),
        Kind::Killed => report(draw, Report::Kill),
        Kind::Quota => vec![(
            now,
            What::Quota {
                pods: draw.below(size.executors()),
                lasts: long(draw),
            },
        )],
        Kind::Forbidden => vec![(
            now,
            What::Deny {
                verb: verb(draw),
                lasts: long(draw),
            },
        )],
        Kind::NamespaceEnding => vec![(now, What::NamespaceEnding(long(draw)))],
        Kind::Flapping => {
            let group = draw.one(&groups);
            let target = draw.below(size.executors() / groups.len() as u64 + 1);
            vec![(now, What::Wish(Wish::Target { group, target }))]
        }
        Kind::ToZero => {
            let lasts = long(draw);
            let mut all = Vec::new();
            for group in groups {
                let back = 1 + draw.below(size.executors() / story.groups.len() as u64);
                let target = |group: &Group, target| {
                    What::Wish(Wish::Target {
                        group: group.clone(),
                        target,
                    })
                };
                all.push((now, target(&group, 0)));
                all.push((lasts, target(&group, back)));
            }
            all
        }
        Kind::GroupRemoved => {
            let group = draw.one(&groups);
            let mut all = vec![(now, What::Wish(Wish::Remove(group.clone())))];
            if draw.percent(70) {
                let target = 1 + draw.below(size.executors() / groups.len() as u64);
                all.push((long(draw), What::Wish(Wish::Target { group, target })));
            }
            all
        }
        Kind::Suspended => {
            let lasts = long(draw);
            vec![
                (now, What::Wish(Wish::Suspend(true))),
                (lasts, What::Wish(Wish::Suspend(false))),
            ]
        }
        Kind::Template => vec![(
            now,
            What::Wish(Wish::Template {
                group: draw.one(&groups),
                version: draw.below(3) as u32,
            }),
        )],
        Kind::BrokenGroup => vec![(now, What::Break(groups[0].clone()))],
        Kind::AbsurdConfig => Vec::new(),
    }
}

fn strange(draw: &mut Draw, groups: &[Group]) -> Strange {
    match draw.below(4) {
        0 => Strange::Malformed(
            draw.one(&["", "x", "0-1", "01-2", "1-1073741825"])
                .to_owned(),
        ),
        1 => Strange::Name(1 + draw.below(3) as u32),
        _ => Strange::Executor {
            ahead: draw.one(&[-1, -1, 0]),
            sequence: STRANGE + draw.below(1000) as u32,
            group: draw.one(groups),
        },
    }
}
