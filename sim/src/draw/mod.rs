//! Draws a story from a seed: a fleet, its world, what its engine wants, and a mix of faults.

mod config;
mod faults;

use crate::{
    engine::Habits,
    story::{Cluster, Happening, Kind, Report, Story, Wanted, What, Wish},
};
use evenkeel::core::{Group, Span, Time, config::Claims, input::Shutdown};
use std::{collections::BTreeMap, str::FromStr};

/// How large a fleet is, and how long it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Up to 8 executors, 10 minutes.
    Small,
    /// Up to 50, 2 hours.
    Middle,
    /// Up to 200, 3 days.
    Large,
}

impl Size {
    /// All of them.
    pub const ALL: [Size; 3] = [Self::Small, Self::Middle, Self::Large];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Middle => "middle",
            Self::Large => "large",
        }
    }

    fn executors(self) -> u64 {
        match self {
            Self::Small => 8,
            Self::Middle => 50,
            Self::Large => 200,
        }
    }

    fn lasts(self) -> Span {
        match self {
            Self::Small => Span::seconds(600),
            Self::Middle => Span::seconds(7200),
            Self::Large => Span::seconds(3 * 86_400),
        }
    }

    /// How many faults of one kind there are at most.
    fn strikes(self) -> u32 {
        match self {
            Self::Small => 6,
            Self::Middle => 24,
            Self::Large => 240,
        }
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|size| size.name() == text);
        found.ok_or_else(|| format!("{text:?} is no size: small, middle or large"))
    }
}

/// Which faults a story may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mix {
    /// Each story has some kinds, drawn anew.
    Swarm,
    /// Each story has these.
    Only(Vec<Kind>),
}

/// The story of that seed. Without a size: nine in ten are small, most others middle, one in a hundred large.
#[must_use]
pub fn story(seed: u64, size: Option<Size>, mix: &Mix) -> Story {
    let mut draw = Draw(fastrand::Rng::with_seed(seed));
    let size = size.unwrap_or_else(|| match draw.below(100) {
        0 => Size::Large,
        1..=9 => Size::Middle,
        _ => Size::Small,
    });
    let kinds = kinds(&mut draw, mix);
    let has = |kind: Kind| kinds.contains(&kind);
    let processes = PROCESSES.into_iter().any(has) || has(Kind::LeaseRemoved);
    // Without a lease nobody knows what an earlier process did.
    let lease = draw.percent(85) || processes;
    let groups = groups(&mut draw, size, &kinds);
    let names: Vec<Group> = groups.keys().cloned().collect();
    let config = config::draw(&mut draw, size, &names, &kinds);
    let lasts = size.lasts();
    let mut story = Story {
        seed: draw.0.u64(..),
        lease,
        owner: draw.percent(50) || has(Kind::OwnerGone),
        cluster: cluster(&mut draw, size),
        engine: Habits {
            registers_after: draw.one(&[Span(10), Span(1000), Span(5000)]),
            drains_after: draw.one(&[Span(10), Span(2000), Span(60_000)]),
            idle: draw.percent(60),
            releases_excess: draw.percent(50),
        },
        groups,
        config,
        lasts,
        happenings: Vec::new(),
        ends: None,
        ends_at: None,
        absurd: has(Kind::AbsurdConfig),
    };
    story.ends = match draw.below(8) {
        0 => Some(Shutdown::Delete),
        1 => Some(Shutdown::Drain),
        2 => Some(Shutdown::Leave),
        _ => None,
    };
    story.ends_at = (story.ends.is_some() && draw.percent(30)).then(|| Time(draw.below(lasts.0)));
    let mut happenings = wanted(&mut draw, size, &names);
    for kind in &kinds {
        happenings.extend(faults::strikes(&mut draw, *kind, size, &story));
    }
    happenings.retain(|happening| happening.at.0 < lasts.0);
    happenings.sort_by_key(|happening| happening.at);
    story.happenings = happenings;
    story
}

/// What befalls processes.
const PROCESSES: [Kind; 7] = [
    Kind::LateEngine,
    Kind::Crash,
    Kind::CrashAtEffect,
    Kind::SecondController,
    Kind::OwnerGone,
    Kind::LeaseTaken,
    Kind::Pause,
];

fn kinds(draw: &mut Draw, mix: &Mix) -> Vec<Kind> {
    match mix {
        Mix::Only(kinds) => kinds.clone(),
        Mix::Swarm => {
            // Few kinds often, many now and then: some faults hide others.
            let share = draw.one(&[2u8, 5, 10, 20, 40]);
            let kinds = Kind::ALL.iter().copied();
            let mut kinds: Vec<Kind> = kinds.filter(|_| draw.percent(share)).collect();
            // Who removes the lease takes away what the next process has to know: then the one there is must live on.
            if kinds.iter().any(|kind| PROCESSES.contains(kind)) {
                kinds.retain(|kind| *kind != Kind::LeaseRemoved);
            }
            kinds
        }
    }
}

fn groups(draw: &mut Draw, size: Size, kinds: &[Kind]) -> BTreeMap<Group, Wanted> {
    let many = kinds.contains(&Kind::BrokenGroup);
    let count = if many { 2 } else { 1 + draw.below(3) };
    let mut left = 1 + draw.below(size.executors());
    let sidecar = kinds.contains(&Kind::Sidecar);
    (0..count)
        .map(|nth| {
            let name: Group = ["a", "b", "c"][nth as usize].into();
            let last = nth + 1 == count;
            let target = if last { left } else { draw.below(left + 1) };
            left -= target;
            let sidecar = sidecar && draw.percent(70);
            (name, Wanted { target, sidecar })
        })
        .collect()
}

fn cluster(draw: &mut Draw, size: Size) -> Cluster {
    let plain = Cluster::default();
    Cluster {
        nodes: match size {
            Size::Small => 1 + draw.below(4) as u32,
            Size::Middle => 3 + draw.below(6) as u32,
            Size::Large => 10,
        },
        latency: draw.one(&[Span(2), Span(5), Span(50), Span(400)]),
        schedule: draw.one(&[Span(1), Span(16), Span(200)]),
        start: draw.one(&[Span(100), Span(2000), Span(8000)]),
        stop: draw.one(&[Span(50), Span(1000), Span(10_000)]),
        grace: draw.one(&[0, 5, 30]),
        ..plain
    }
}

/// What engines do in any case: targets change now and then, executors are idle or busy, and have numbers of their own.
fn wanted(draw: &mut Draw, size: Size, groups: &[Group]) -> Vec<Happening> {
    let mut happenings = Vec::new();
    let lasts = size.lasts();
    for _ in 0..draw.below(u64::from(size.strikes()) + 1) {
        let group = draw.one(groups);
        let most = size.executors() / groups.len() as u64 + 1;
        let target = draw.below(most + 1);
        let at = Time(draw.below(lasts.0));
        happenings.push(Happening {
            at,
            what: What::Wish(Wish::Target { group, target }),
        });
    }
    for _ in 0..draw.below(u64::from(size.strikes()) * 2 + 1) {
        let report = match draw.below(5) {
            0 => Report::Busy,
            1 => Report::Metric {
                name: "memory".to_owned(),
                value: draw.one(&[1 << 28, 1 << 30, 5 << 30]),
            },
            2 => Report::Metric {
                name: draw.one(&["tasks", "gc"]).to_owned(),
                value: draw.below(1000) as i64,
            },
            _ => Report::Idle(draw.below(3) as i32 - 1),
        };
        happenings.push(Happening {
            at: Time(draw.below(lasts.0)),
            what: What::Report {
                pod: draw.below(256) as u32,
                report,
            },
        });
    }
    happenings
}

/// Where all of a story is drawn from.
struct Draw(fastrand::Rng);

impl Draw {
    /// One of 0 … `bound` - 1.
    fn below(&mut self, bound: u64) -> u64 {
        self.0.u64(0..bound.max(1))
    }

    fn percent(&mut self, percent: u8) -> bool {
        self.0.u8(0..100) < percent
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.0.usize(0..of.len())].clone()
    }

    /// A span of `low` to `high`, of any order of magnitude.
    fn span(&mut self, low: u64, high: u64) -> Span {
        let (mut from, mut to) = (low.max(1), high.max(1));
        while from < to && self.percent(50) {
            if self.percent(50) {
                from = (from * 2).min(to);
            } else {
                to = (to / 2).max(from);
            }
        }
        Span(self.0.u64(from..=to))
    }
}

/// The claims that a group may use.
fn claims(draw: &mut Draw) -> Claims {
    Claims {
        bytes: 1 << 30,
        class: None,
        reuse: draw.percent(70),
        wait: draw.percent(40),
    }
}
