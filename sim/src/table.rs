//! The table of pairs met: which rules decided something within a minute of which faults.

use crate::story::Kind;
use evenkeel::core::{
    Input, Output, Span, Time,
    input::{LeaseNews, Memory},
    output::{Cause, Notice, Why},
    plan::{Finding, Status, Unmet},
};

macro_rules! rules {
    ($($rule:ident = $name:literal,)*) => {
        /// The rules that can be seen to decide, from outside, by their names in the design.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[allow(missing_docs, reason = "the rules are described in docs/rules.md")]
        pub enum Rule {
            $($rule,)*
        }

        impl Rule {
            /// All of them.
            pub const ALL: &[Rule] = &[$(Rule::$rule),*];

            /// Its name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$rule => $name),* }
            }
        }
    };
}

rules! {
    See1 = "SEE-1",
    See2 = "SEE-2",
    See3 = "SEE-3",
    See4 = "SEE-4",
    See5 = "SEE-5",
    Grow1 = "GROW-1",
    Grow2 = "GROW-2",
    Grow3 = "GROW-3",
    Grow4 = "GROW-4",
    Grow5 = "GROW-5",
    Grow6 = "GROW-6",
    Shrink1 = "SHRINK-1",
    Shrink2 = "SHRINK-2",
    Shrink3 = "SHRINK-3",
    Shrink4 = "SHRINK-4",
    Shrink5 = "SHRINK-5",
    End1 = "END-1",
    End2 = "END-2",
    End3 = "END-3",
    End4 = "END-4",
    Fail1 = "FAIL-1",
    Fail2 = "FAIL-2",
    Fail3 = "FAIL-3",
    Live1 = "LIVE-1",
    Live2 = "LIVE-2",
    Live4 = "LIVE-4",
    Roll = "ROLL",
    Claim = "CLAIM",
    Size = "SIZE",
    Spot = "SPOT",
}

/// How many rules there are.
const COUNT: usize = Rule::ALL.len();

/// How long after a fault a decision counts as having met it.
const MEETS: Span = Span::seconds(60);

/// How often each rule decided something within a minute of each kind of fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// By kind, then rule.
    met: Vec<[u64; COUNT]>,
    /// How often each kind struck.
    struck: Vec<u64>,
    /// Until when each kind is met.
    until: Vec<Time>,
    /// What is met at all times.
    standing: Vec<bool>,
    /// The kinds that are met now, and some that were.
    active: Vec<usize>,
}

impl Default for Tally {
    fn default() -> Self {
        let kinds = Kind::ALL.len();
        Self {
            met: vec![[0; COUNT]; kinds],
            struck: vec![0; kinds],
            until: vec![Time(0); kinds],
            standing: vec![false; kinds],
            active: Vec::new(),
        }
    }
}

impl Tally {
    /// A fault strikes, and goes on for that long.
    pub(crate) fn struck(&mut self, now: Time, kind: Kind, lasts: Span) {
        let kind = kind as usize;
        self.struck[kind] += 1;
        let until = now.after(lasts).after(MEETS);
        self.until[kind] = self.until[kind].max(until);
        self.activate(kind);
    }

    /// That fault is met by everything in this life.
    pub fn stands(&mut self, kind: Kind) {
        self.struck[kind as usize] += 1;
        self.standing[kind as usize] = true;
        self.activate(kind as usize);
    }

    fn activate(&mut self, kind: usize) {
        if !self.active.contains(&kind) {
            self.active.push(kind);
        }
    }

    /// A controller is given something; `old`: it shows what is over.
    pub(crate) fn given(&mut self, now: Time, input: &Input, old: bool) {
        if old {
            self.decided(now, Rule::See2);
        }
        if let Input::Lease(LeaseNews::Held { memory, .. }) = input
            && *memory != Memory::default()
        {
            self.decided(now, Rule::Live2);
        }
    }

    pub(crate) fn said(&mut self, now: Time, output: &Output) {
        match output {
            Output::Execute { why, .. } => self.decided(now, of_why(*why)),
            Output::List { .. } | Output::Watch { .. } => self.decided(now, Rule::See4),
            Output::Lease(_) => self.decided(now, Rule::Live1),
            Output::Notice(notice) => {
                for rule in of_notice(notice) {
                    self.decided(now, rule);
                }
            }
            Output::Status(status) => {
                for rule in of_status(status) {
                    self.decided(now, rule);
                }
            }
            Output::Finished => self.decided(now, Rule::Live4),
            Output::Close { .. } => {}
        }
    }

    fn decided(&mut self, now: Time, rule: Rule) {
        let (until, standing) = (&self.until, &self.standing);
        self.active
            .retain(|kind| standing[*kind] || now < until[*kind]);
        for kind in &self.active {
            self.met[*kind][rule as usize] += 1;
        }
    }

    /// Another life begins: what struck in the one before is not met in it.
    pub fn begin(&mut self) {
        self.active.clear();
        self.until.fill(Time(0));
        self.standing.fill(false);
    }

    /// Adds what another life met.
    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.met.iter_mut().zip(&other.met) {
            for (mine, theirs) in mine.iter_mut().zip(theirs) {
                *mine += theirs;
            }
        }
        for (mine, theirs) in self.struck.iter_mut().zip(&other.struck) {
            *mine += theirs;
        }
    }

    /// How often that rule decided within a minute of that fault.
    #[must_use]
    pub fn met(&self, kind: Kind, rule: Rule) -> u64 {
        self.met[kind as usize][rule as usize]
    }

    /// How often that kind struck.
    #[must_use]
    pub fn times(&self, kind: Kind) -> u64 {
        self.struck[kind as usize]
    }
}

fn of_notice(notice: &Notice) -> Vec<Rule> {
    match notice {
        Notice::Started { .. } => vec![Rule::See1],
        Notice::Drain { why, .. } => vec![of_why(*why)],
        Notice::Refuse { .. } => vec![Rule::Shrink3],
        Notice::Lost { cause, .. } => {
            let mut rules = vec![Rule::End1];
            match cause {
                Cause::Missing => rules.push(Rule::End3),
                Cause::Vanished => rules.push(Rule::Grow5),
                Cause::StartTimeout | Cause::StartFailed { .. } => rules.push(Rule::Grow6),
                Cause::CreateRejected { .. } => rules.extend([Rule::Fail3, Rule::Grow3]),
                _ => {}
            }
            if !cause.is_failure() {
                rules.push(Rule::End4);
            }
            rules
        }
        Notice::Raised(finding) | Notice::Cleared(finding) => match finding {
            Finding::MalformedPod(_) => vec![Rule::See1],
            Finding::RevisionWentBack => vec![Rule::See2],
            Finding::GhostPod(_) | Finding::Superseded | Finding::IllegalState(_) => {
                vec![Rule::See3]
            }
            Finding::UnknownExecutor(_) => vec![Rule::Shrink3],
            Finding::StrayedPod(_) | Finding::Undecodable(_) => vec![Rule::See4],
            Finding::UnknownGroup(_) => vec![Rule::Shrink4],
            Finding::NameTaken(_) => vec![Rule::Grow3],
            Finding::Stuck(_) | Finding::StrayAnswer => vec![Rule::See5],
            Finding::SuspiciousLoss => vec![Rule::Shrink5],
            Finding::Refused { .. } => vec![Rule::Fail3],
            Finding::TargetTooLarge(_) => vec![Rule::Grow2],
        },
        Notice::Halted => vec![Rule::Fail1],
        Notice::Backoff { .. } => vec![Rule::Fail2],
    }
}

fn of_status(status: &Status) -> Vec<Rule> {
    let unmet = status.groups.values().flat_map(|group| group.unmet.keys());
    let mut rules: Vec<Rule> = unmet
        .filter_map(|unmet| {
            Some(match unmet {
                Unmet::NoDesired | Unmet::NoLease | Unmet::NotSynced => Rule::Live1,
                Unmet::Suspended => Rule::Shrink4,
                Unmet::Halted => Rule::Fail1,
                Unmet::BackingOff => Rule::Fail2,
                Unmet::NamespaceGone | Unmet::Quota | Unmet::NotPermitted | Unmet::Unreachable => {
                    Rule::Fail3
                }
                Unmet::Throttled | Unmet::Ramp => Rule::Grow4,
                Unmet::PendingCap | Unmet::FleetPendingCap | Unmet::MaxExecutors => Rule::Grow2,
                Unmet::WaitingForTermination => Rule::Grow1,
                Unmet::WaitingForClaim => Rule::Claim,
                Unmet::WaitingForAnswer => Rule::See5,
                Unmet::WaitingForSchedule
                | Unmet::Starting
                | Unmet::WaitingForRegistration
                | Unmet::Excess => return None,
            })
        })
        .collect();
    if status.groups.values().any(|group| group.rolling > 0) {
        rules.push(Rule::Roll);
    }
    rules.sort_unstable();
    rules.dedup();
    rules
}

fn of_why(why: Why) -> Rule {
    match why {
        Why::Grow1 => Rule::Grow1,
        Why::Grow6 => Rule::Grow6,
        Why::Shrink1 => Rule::Shrink1,
        Why::Shrink2 => Rule::Shrink2,
        Why::Shrink4 => Rule::Shrink4,
        Why::End1 => Rule::End1,
        Why::End2 => Rule::End2,
        Why::Live4 => Rule::Live4,
        Why::See3 => Rule::See3,
        Why::Roll => Rule::Roll,
        Why::Claim => Rule::Claim,
        Why::Size => Rule::Size,
        Why::Spot => Rule::Spot,
    }
}
