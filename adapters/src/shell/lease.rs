//! LIVE-1, LIVE-2: what a wish about the Lease takes, step by step, by compare and swap. No I/O: requests out, answers in.

use super::identity::Identity;
use crate::port::{Lease, LeaseError, LeaseRequest, LeaseSpec};
use evenkeel_core::{
    Span, Time,
    input::{Failure, LeaseNews, Memory},
    output::LeaseWish,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The annotation that carries the [`Memory`].
const MEMORY: &str = "evenkeel.dev/memory";

/// Keeps one fleet's Lease for one holder.
#[derive(Clone, Debug)]
pub struct LeaseKeeper {
    me: Identity,
    duration: Span,
    doing: Doing,
    /// As we last read or wrote it.
    known: Option<Lease>,
    /// Since when, by our own clock, another's lease has not changed.
    still_since: Option<(Lease, Time)>,
}

/// What becomes of a wish where no lease is taken: nobody else knows the cluster, it is ours.
#[must_use]
pub fn always_ours(wish: &LeaseWish) -> LeaseNews {
    match wish {
        LeaseWish::Take => LeaseNews::Held {
            incarnation: 1,
            until: Time::NEVER,
            memory: Memory::default(),
        },
        LeaseWish::Renew { .. } => LeaseNews::Renewed { until: Time::NEVER },
        LeaseWish::GiveUp | LeaseWish::Remove => LeaseNews::Gone,
    }
}

/// What comes next.
#[derive(Clone, Debug, PartialEq)]
pub enum LeaseStep {
    /// Send this, and pass the answer in.
    Ask(LeaseRequest),
    /// That is what became of the wish.
    Say(LeaseNews),
}

#[derive(Clone, Debug)]
enum Doing {
    Nothing,
    Looking { to_take: bool, wish: LeaseWish },
    Taking { asked: Time, wall: Timestamp },
    Renewing { asked: Time, wish: LeaseWish },
    GivingUp,
    Removing,
}

/// The memory as it is written down: with the moment, since ages go on.
#[derive(Serialize, Deserialize)]
struct Written {
    format: u32,
    /// By the writer's wall clock.
    at: Timestamp,
    #[serde(flatten)]
    memory: Memory,
}

impl LeaseKeeper {
    /// A keeper that takes a lease for `duration`.
    #[must_use]
    pub fn new(me: Identity, duration: Span) -> Self {
        Self {
            me,
            duration,
            doing: Doing::Nothing,
            known: None,
            still_since: None,
        }
    }

    /// Begins with a wish. `now` is the shell's own clock, `wall` the wall clock, which only others read.
    pub fn begin(&mut self, now: Time, wall: Timestamp, wish: LeaseWish) -> LeaseStep {
        match (wish, self.known.clone()) {
            (LeaseWish::Take, _) => self.look(true, LeaseWish::Take),
            (wish @ LeaseWish::Renew { .. }, Some(known)) => self.renew(now, wall, wish, &known),
            (LeaseWish::GiveUp, Some(known)) => self.give_up(wall, &known),
            (LeaseWish::Remove, Some(known)) => self.remove(&known),
            (LeaseWish::Renew { .. }, None) => self.say(LeaseNews::Lost),
            (LeaseWish::GiveUp | LeaseWish::Remove, None) => self.say(LeaseNews::Gone),
        }
    }

    /// Goes on with the answer to what was asked.
    pub fn answered(
        &mut self,
        now: Time,
        wall: Timestamp,
        answer: Result<Option<Lease>, LeaseError>,
    ) -> LeaseStep {
        match (std::mem::replace(&mut self.doing, Doing::Nothing), answer) {
            (Doing::Looking { to_take: true, .. }, Err(LeaseError::Absent)) => {
                self.found_to_take(now, wall, None)
            }
            (Doing::Looking { wish, .. }, Err(LeaseError::Absent)) => {
                self.found_changed(now, wall, wish, None)
            }
            (Doing::Looking { to_take: true, .. }, Ok(found)) => {
                self.found_to_take(now, wall, found)
            }
            (Doing::Looking { wish, .. }, Ok(found)) => self.found_changed(now, wall, wish, found),
            (Doing::Taking { asked, wall }, Ok(Some(lease))) => self.taken(asked, wall, lease),
            (Doing::Renewing { asked, .. }, Ok(Some(lease))) => {
                self.known = Some(lease);
                self.say(LeaseNews::Renewed {
                    until: asked.after(self.duration),
                })
            }
            (Doing::GivingUp | Doing::Removing, Ok(_)) => {
                self.known = None;
                self.say(LeaseNews::Gone)
            }
            // Somebody wrote it since. It may have been a request of our own whose answer was lost.
            (Doing::Renewing { wish, .. }, Err(LeaseError::Conflict)) => self.look(false, wish),
            (Doing::GivingUp, Err(LeaseError::Conflict)) => self.look(false, LeaseWish::GiveUp),
            (Doing::Removing, Err(LeaseError::Conflict)) => self.look(false, LeaseWish::Remove),
            (Doing::Renewing { .. }, Err(LeaseError::Absent)) => self.lost(),
            (Doing::GivingUp | Doing::Removing, Err(LeaseError::Absent)) => {
                self.known = None;
                self.say(LeaseNews::Gone)
            }
            (_, Err(LeaseError::Conflict | LeaseError::Absent)) => self.say(LeaseNews::HeldByOther),
            (_, Err(LeaseError::Failed(failure))) => self.say(LeaseNews::Failed(failure)),
            (Doing::Nothing | Doing::Taking { .. } | Doing::Renewing { .. }, Ok(_)) => {
                self.say(LeaseNews::Failed(Failure::Undecodable))
            }
        }
    }

    fn look(&mut self, to_take: bool, wish: LeaseWish) -> LeaseStep {
        self.doing = Doing::Looking { to_take, wish };
        LeaseStep::Ask(LeaseRequest::Get)
    }

    fn say(&mut self, news: LeaseNews) -> LeaseStep {
        self.doing = Doing::Nothing;
        LeaseStep::Say(news)
    }

    fn lost(&mut self) -> LeaseStep {
        self.known = None;
        self.say(LeaseNews::Lost)
    }

    fn found_to_take(&mut self, now: Time, wall: Timestamp, found: Option<Lease>) -> LeaseStep {
        let Some(lease) = found else {
            self.known = None;
            self.doing = Doing::Taking { asked: now, wall };
            return LeaseStep::Ask(LeaseRequest::Create(self.spec(wall, 1, BTreeMap::new())));
        };
        if !self.may_take(now, &lease) {
            return self.say(LeaseNews::HeldByOther);
        }
        let transitions = lease.spec.transitions.saturating_add(1);
        let spec = self.spec(wall, transitions, lease.spec.annotations.clone());
        self.doing = Doing::Taking { asked: now, wall };
        LeaseStep::Ask(LeaseRequest::Replace {
            uid: lease.uid,
            revision: lease.revision,
            spec,
        })
    }

    /// Free, ours, a dead process's, or not renewed for so long by our own clock.
    fn may_take(&mut self, now: Time, lease: &Lease) -> bool {
        let Some(holder) = &lease.spec.holder else {
            return true;
        };
        if *holder == self.me.to_string() || self.me.knows_dead(holder) {
            return true;
        }
        match &self.still_since {
            Some((seen, since)) if seen == lease => now.since(*since) >= self.duration,
            _ => {
                self.still_since = Some((lease.clone(), now));
                false
            }
        }
    }

    fn taken(&mut self, asked: Time, wall: Timestamp, lease: Lease) -> LeaseStep {
        let memory = lease
            .spec
            .annotations
            .get(MEMORY)
            .and_then(|text| recall(text, wall));
        let incarnation = lease.spec.transitions;
        self.known = Some(lease);
        self.still_since = None;
        let until = asked.after(self.duration);
        self.say(LeaseNews::Held {
            incarnation,
            until,
            memory: memory.unwrap_or_default(),
        })
    }

    /// What was written meanwhile: if by ourselves, the wish goes on from there.
    fn found_changed(
        &mut self,
        now: Time,
        wall: Timestamp,
        wish: LeaseWish,
        found: Option<Lease>,
    ) -> LeaseStep {
        let mine = found.filter(|lease| lease.spec.holder.as_deref() == Some(&self.me.to_string()));
        match (mine, wish) {
            (None, LeaseWish::GiveUp | LeaseWish::Remove) => {
                self.known = None;
                self.say(LeaseNews::Gone)
            }
            (None, LeaseWish::Take | LeaseWish::Renew { .. }) => self.lost(),
            (Some(lease), wish) => {
                self.known = Some(lease);
                self.begin(now, wall, wish)
            }
        }
    }

    fn renew(&mut self, now: Time, wall: Timestamp, wish: LeaseWish, known: &Lease) -> LeaseStep {
        let LeaseWish::Renew {
            incarnation,
            memory,
        } = &wish
        else {
            return self.say(LeaseNews::Lost);
        };
        let mut spec = LeaseSpec {
            renewed: Some(wall),
            transitions: *incarnation,
            ..known.spec.clone()
        };
        if let Some(memory) = memory {
            remember(&mut spec.annotations, memory, wall);
        }
        let (uid, revision) = (known.uid.clone(), known.revision);
        self.doing = Doing::Renewing { asked: now, wish };
        LeaseStep::Ask(LeaseRequest::Replace {
            uid,
            revision,
            spec,
        })
    }

    /// An orderly end: the next one starts with a clean slate, under the next number.
    fn give_up(&mut self, wall: Timestamp, known: &Lease) -> LeaseStep {
        let mut spec = LeaseSpec {
            holder: None,
            renewed: Some(wall),
            ..known.spec.clone()
        };
        spec.annotations.remove(MEMORY);
        self.doing = Doing::GivingUp;
        LeaseStep::Ask(LeaseRequest::Replace {
            uid: known.uid.clone(),
            revision: known.revision,
            spec,
        })
    }

    fn remove(&mut self, known: &Lease) -> LeaseStep {
        self.doing = Doing::Removing;
        LeaseStep::Ask(LeaseRequest::Delete {
            uid: known.uid.clone(),
            revision: known.revision,
        })
    }

    fn spec(
        &self,
        wall: Timestamp,
        transitions: u32,
        annotations: BTreeMap<String, String>,
    ) -> LeaseSpec {
        LeaseSpec {
            holder: Some(self.me.to_string()),
            transitions,
            duration_s: u32::try_from(self.duration.0.div_ceil(1000)).unwrap_or(u32::MAX),
            acquired: Some(wall),
            renewed: Some(wall),
            annotations,
        }
    }
}

fn remember(annotations: &mut BTreeMap<String, String>, memory: &Memory, wall: Timestamp) {
    if *memory == Memory::default() {
        annotations.remove(MEMORY);
        return;
    }
    let written = Written {
        format: 1,
        at: wall,
        memory: memory.clone(),
    };
    if let Ok(text) = serde_json::to_string(&written) {
        annotations.insert(MEMORY.to_owned(), text);
    }
}

/// What was written down, as old as it is by now. None where it can't be read: it is an aid, not a truth.
fn recall(text: &str, wall: Timestamp) -> Option<Memory> {
    let written: Written = serde_json::from_str(text)
        .ok()
        .filter(|written: &Written| written.format == 1)?;
    let passed = u64::try_from(wall.as_millisecond() - written.at.as_millisecond()).unwrap_or(0);
    let mut memory = written.memory;
    let failures = memory.failures.iter_mut();
    for (_, age) in failures.chain(&mut memory.startup_failures) {
        *age = age.saturating_add(passed);
    }
    for backoff in memory.backoffs.values_mut() {
        backoff.since = backoff.since.saturating_add(passed);
    }
    Some(memory)
}

#[cfg(test)]
mod tests {
    use super::*;
    use evenkeel_core::{ExecutorId, Revision, Uid, input::BackoffMemory};

    const TERM: Span = Span::seconds(15);

    fn wall(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_900_000_000 + seconds).expect("a moment")
    }

    /// A store with one lease in it.
    #[derive(Default)]
    struct Store {
        lease: Option<Lease>,
        revision: u64,
    }

    impl Store {
        fn lease(&mut self, request: LeaseRequest) -> Result<Option<Lease>, LeaseError> {
            let matches = |lease: &Option<Lease>, uid: &Uid, revision: Revision| match lease {
                None => Err(LeaseError::Absent),
                Some(lease) if lease.uid != *uid || lease.revision != revision => {
                    Err(LeaseError::Conflict)
                }
                Some(_) => Ok(()),
            };
            let spec = match request {
                LeaseRequest::Get => return self.lease.clone().map(Some).ok_or(LeaseError::Absent),
                LeaseRequest::Create(_) if self.lease.is_some() => {
                    return Err(LeaseError::Conflict);
                }
                LeaseRequest::Create(spec) => spec,
                LeaseRequest::Replace {
                    uid,
                    revision,
                    spec,
                } => {
                    matches(&self.lease, &uid, revision)?;
                    spec
                }
                LeaseRequest::Delete { uid, revision } => {
                    matches(&self.lease, &uid, revision)?;
                    self.lease = None;
                    return Ok(None);
                }
            };
            self.revision += 1;
            let revision = Revision::new(self.revision).expect("not 0");
            self.lease = Some(Lease {
                uid: "u".into(),
                revision,
                spec,
            });
            Ok(self.lease.clone())
        }

        fn wish(&mut self, keeper: &mut LeaseKeeper, now: Time, wish: LeaseWish) -> LeaseNews {
            let at = wall(i64::try_from(now.0 / 1000).expect("small"));
            let mut step = keeper.begin(now, at, wish);
            loop {
                match step {
                    LeaseStep::Say(news) => return news,
                    LeaseStep::Ask(request) => step = keeper.answered(now, at, self.lease(request)),
                }
            }
        }
    }

    fn keeper() -> LeaseKeeper {
        LeaseKeeper::new(Identity::of_this_process(None), TERM)
    }

    fn renew(incarnation: u32) -> LeaseWish {
        LeaseWish::Renew {
            incarnation,
            memory: None,
        }
    }

    #[test]
    fn each_taking_is_one_more_transition() {
        let (mut store, mut first, mut second) = (Store::default(), keeper(), keeper());
        let held = store.wish(&mut first, Time(0), LeaseWish::Take);
        assert!(matches!(
            held,
            LeaseNews::Held {
                incarnation: 1,
                until: Time(15_000),
                ..
            }
        ));
        assert_eq!(
            store.wish(&mut first, Time(1000), LeaseWish::GiveUp),
            LeaseNews::Gone
        );
        let held = store.wish(&mut second, Time(2000), LeaseWish::Take);
        assert!(matches!(held, LeaseNews::Held { incarnation: 2, .. }));
    }

    #[test]
    fn anothers_lease_is_taken_when_it_stood_still_for_its_term() {
        let (mut store, mut first, mut second) = (Store::default(), keeper(), keeper());
        store.wish(&mut first, Time(0), LeaseWish::Take);
        assert_eq!(
            store.wish(&mut second, Time(100), LeaseWish::Take),
            LeaseNews::HeldByOther
        );
        store.wish(&mut first, Time(5000), renew(1));
        for late in [6_000, 15_100, 20_999] {
            assert_eq!(
                store.wish(&mut second, Time(late), LeaseWish::Take),
                LeaseNews::HeldByOther,
                "{late}"
            );
        }
        let held = store.wish(&mut second, Time(21_000), LeaseWish::Take);
        assert!(matches!(held, LeaseNews::Held { incarnation: 2, .. }));
        assert_eq!(
            store.wish(&mut first, Time(21_001), renew(1)),
            LeaseNews::Lost
        );
    }

    #[test]
    fn a_renewal_whose_answer_was_lost_is_no_loss() {
        let (mut store, mut keeper) = (Store::default(), keeper());
        store.wish(&mut keeper, Time(0), LeaseWish::Take);
        let LeaseStep::Ask(request) = keeper.begin(Time(5000), wall(5), renew(1)) else {
            panic!("asks")
        };
        store.lease(request).expect("lands");
        let lost = keeper.answered(
            Time(9000),
            wall(9),
            Err(LeaseError::Failed(Failure::TimedOut)),
        );
        assert_eq!(lost, LeaseStep::Say(LeaseNews::Failed(Failure::TimedOut)));
        let renewed = store.wish(&mut keeper, Time(10_000), renew(1));
        assert_eq!(
            renewed,
            LeaseNews::Renewed {
                until: Time(25_000)
            }
        );
    }

    #[test]
    fn a_higher_incarnation_is_written_back() {
        let (mut store, mut keeper) = (Store::default(), keeper());
        store.wish(&mut keeper, Time(0), LeaseWish::Take);
        store.wish(&mut keeper, Time(1), renew(8));
        assert_eq!(
            store.lease.as_ref().map(|lease| lease.spec.transitions),
            Some(8)
        );
    }

    fn backoff(since: u64) -> BackoffMemory {
        BackoffMemory {
            since,
            probes: 2,
            probe: Some(ExecutorId::new(1, 7)),
        }
    }

    #[test]
    fn failures_are_as_old_as_they_are_when_the_next_one_reads_them() {
        let (mut store, mut first, mut second) = (Store::default(), keeper(), keeper());
        store.wish(&mut first, Time(0), LeaseWish::Take);
        let memory = Memory {
            failures: vec![("a".into(), 4000)],
            halted: true,
            startup_failures: vec![("a".into(), 3000)],
            backoffs: [("a".into(), backoff(2000))].into(),
        };
        let wish = LeaseWish::Renew {
            incarnation: 1,
            memory: Some(memory),
        };
        store.wish(&mut first, Time(5000), wish);
        store.wish(&mut second, Time(5000), LeaseWish::Take);
        let held = store.wish(&mut second, Time(20_000), LeaseWish::Take);
        let LeaseNews::Held { memory, .. } = held else {
            panic!("{held:?}")
        };
        assert_eq!(
            memory,
            Memory {
                failures: vec![("a".into(), 19_000)],
                halted: true,
                startup_failures: vec![("a".into(), 18_000)],
                backoffs: [("a".into(), backoff(17_000))].into(),
            }
        );
    }

    #[test]
    fn what_is_removed_is_gone_and_only_ours_is() {
        let (mut store, mut first, mut second) = (Store::default(), keeper(), keeper());
        store.wish(&mut first, Time(0), LeaseWish::Take);
        store.wish(&mut second, Time(0), LeaseWish::Take);
        let held = store.wish(&mut second, Time(15_000), LeaseWish::Take);
        assert!(matches!(held, LeaseNews::Held { .. }));
        assert_eq!(
            store.wish(&mut first, Time(15_001), LeaseWish::Remove),
            LeaseNews::Gone
        );
        assert!(store.lease.is_some(), "it is the other's");
        assert_eq!(
            store.wish(&mut second, Time(15_002), LeaseWish::Remove),
            LeaseNews::Gone
        );
        assert!(store.lease.is_none());
    }

    #[test]
    fn a_memory_of_another_format_is_no_memory() {
        assert_eq!(recall("{}", wall(0)), None);
        let newer = r#"{"format":2,"at":"2030-01-01T00:00:00Z","failures":[],"halted":true}"#;
        assert_eq!(recall(newer, wall(0)), None);
    }
}
