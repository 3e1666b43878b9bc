//! What is told beside what is done: how many are short, the evidence of an end, how long is waited, what is remembered.

mod common;

use common::{
    moves::Knobs,
    story::{NEW, Story, creates, pod},
};
use evenkeel_core::{
    Config, ExecutorId, Input, Output, Span, Time, Uid,
    input::{
        DesiredChange, EngineReport, Failure, GroupWish, KillReason, LeaseNews, Memory, Outcome,
        Phase, PodView, Refusal, WatchEnd, WatchEvent,
    },
    output::{Action, Cause, Evidence, LeaseWish, Notice},
    plan::{Finding, Unmet},
};
use std::{collections::BTreeSet, sync::Arc};

fn config() -> Config {
    Knobs {
        lease: true,
        protection: 0,
        ..Knobs::PLAIN
    }
    .config()
}

fn unmet(story: &Story, why: Unmet) -> u64 {
    let status = story.controller.status();
    let unfilled = status.groups["a"].unmet.get(&why);
    unfilled.map_or(0, |unfilled| unfilled.executors)
}

fn evidence(story: &Story) -> Vec<Arc<Evidence>> {
    let outputs = story.outputs.iter();
    let lost = outputs.filter_map(|output| match output {
        Output::Notice(Notice::Lost { evidence, .. }) => Some(evidence.clone()),
        _ => None,
    });
    lost.collect()
}

/// GROW-2: the numbers are those of executors, each under one reason.
#[test]
fn a_cap_is_told_with_how_many_it_holds_back() {
    let knobs = Knobs {
        group_cap: Some(2),
        ..Knobs::PLAIN
    };
    let story = Story::with(knobs, 5, Vec::new());
    assert_eq!(unmet(&story, Unmet::PendingCap), 3);
    assert_eq!(unmet(&story, Unmet::WaitingForAnswer), 2);
}

/// FAIL-3: the server's own words go to the engine.
#[test]
fn a_rejection_is_told_in_the_servers_words() {
    let mut story = Story::begin(1, Vec::new());
    story.answer_to(
        1,
        Outcome::Refused(Refusal::Invalid("no such field".into())),
    );
    let told = evidence(&story);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].message.as_deref(), Some("no such field"));
}

/// END-1: a disruption that was seen before the pod was gone is in the evidence.
#[test]
fn a_disruption_seen_before_the_end_is_evidence() {
    let mut story = Story::begin(1, Vec::new());
    let uid = Some(Uid::from("u-1"));
    let revision = pod(NEW, 11, Phase::Pending).revision;
    story.answer(Outcome::Done {
        revision: Some(revision),
        uid,
    });
    story.see(pod(NEW, 12, Phase::Running));
    story.see(PodView {
        disruption: Some("EvictionByEvictionAPI".into()),
        ..pod(NEW, 13, Phase::Running)
    });
    story.tell(Input::Relist);
    story.list(20, Vec::new());
    let told = evidence(&story);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].disruption.as_deref(), Some("EvictionByEvictionAPI"));
}

/// An executor's pod is known by its UID, by the answer to its create or by its first sight (SEE-3).
#[test]
fn the_uid_is_known_by_answer_or_sight() {
    let mut story = Story::begin(1, Vec::new());
    let uid = |story: &Story| {
        let mut all = story.controller.snapshot().executors();
        let (_, state) = all.find(|(id, _)| *id == NEW).expect("it is known");
        state.uid().cloned()
    };
    assert_eq!(uid(&story), None);
    story.see(pod(NEW, 12, Phase::Pending));
    assert_eq!(uid(&story), Some(Uid::from("u-1")));
}

/// SEE-4: waits are spread by the seed, by at most a quarter, so that many fleets do not knock all at once.
#[test]
fn waits_are_spread_by_the_seed() {
    let waits: BTreeSet<u64> = (0..16)
        .map(|seed| {
            let config = Config {
                seed,
                jitter: true,
                ..config()
            };
            let mut story = Story::with_config(config, 0, Vec::new());
            story.tell(Input::Watched {
                request: story.watch,
                event: WatchEvent::Ended(WatchEnd::Closed),
            });
            let (at, _) = story.controller.wake_at().expect("it is resumed");
            at.since(story.now).0
        })
        .collect();
    assert!(
        waits.iter().all(|wait| (750..=1000).contains(wait)),
        "{waits:?}"
    );
    assert!(waits.len() > 12, "{waits:?}");
}

fn renewals(story: &mut Story) -> usize {
    let renews = |output: &Output| matches!(output, Output::Lease(LeaseWish::Renew { .. }));
    story.take().iter().filter(|output| renews(output)).count()
}

fn leased() -> Story {
    let mut story = Story::begin(0, Vec::new());
    let until = Time(15_000);
    story.tell(Input::Lease(LeaseNews::Renewed { until }));
    story.take();
    story
}

/// LIVE-1: the lease is renewed every third of its span; while another one holds it, it is looked at every fifth.
#[test]
fn the_lease_is_renewed_every_third_of_its_span() {
    let mut story = leased();
    let (at, _) = story.controller.wake_at().expect("a renewal");
    assert_eq!(at, Time(5_000));
    story.wait(4_999);
    assert_eq!(renewals(&mut story), 0);
    story.wait(1);
    assert_eq!(renewals(&mut story), 1);
    // One is under way: no second beside it, however long it takes.
    story.wait(1_000);
    assert_eq!(renewals(&mut story), 0);
    story.tell(Input::Lease(LeaseNews::HeldByOther));
    story.take();
    let (at, _) = story.controller.wake_at().expect("another try");
    assert_eq!(at.since(story.now), Span::seconds(3));
}

/// LIVE-1: no effect begins within two seconds of the lease's end.
#[test]
fn nothing_begins_in_the_margin_before_the_leases_end() {
    let mut story = leased();
    story.wait(5_000);
    story.take();
    story.wait(8_000);
    story.set_target(1);
    assert_eq!(creates(&story.take()), 1, "at the margin exactly, it may");
    let mut story = leased();
    story.wait(5_000);
    story.take();
    story.wait(8_001);
    story.set_target(1);
    assert_eq!(creates(&story.take()), 0);
    assert_eq!(unmet(&story, Unmet::NoLease), 1);
}

/// LIVE-2: a group's startup failures and its backoff are written down whenever they change, and only then.
#[test]
fn startup_failures_are_written_down_when_they_change() {
    let mut story = leased();
    story.wait(5_000);
    let until = Time(20_000);
    story.tell(Input::Lease(LeaseNews::Renewed { until }));
    story.take();
    story.set_target(1);
    story.answer_newest_create(Outcome::Refused(Refusal::Invalid("no".into())));
    story.wait(5_000);
    let written = story.outputs.iter().rev().find_map(|output| match output {
        Output::Lease(LeaseWish::Renew { memory, .. }) => Some(memory.clone()),
        _ => None,
    });
    let memory: Memory = written.flatten().expect("it is written down");
    assert_eq!(memory.startup_failures.len(), 1);
    assert_eq!(memory.failures.len(), 1);
}

/// SEE-3: a ghost that listings go on showing is told once, and is over when it is gone.
#[test]
fn a_ghost_is_told_once_and_clears() {
    let mut story = Story::begin(1, Vec::new());
    story.answer(Outcome::Done {
        revision: pod(NEW, 11, Phase::Pending).revision.into(),
        uid: Some(Uid::from("u-1")),
    });
    story.see(pod(NEW, 12, Phase::Running));
    let ghost = PodView {
        uid: Uid::from("u-2"),
        ..pod(NEW, 13, Phase::Running)
    };
    story.see(ghost.clone());
    let finding = Finding::GhostPod(NEW.pod_name("demo"));
    let told = |outputs: &[Output]| {
        let ghosts = outputs.iter().filter_map(|output| match output {
            Output::Notice(Notice::Raised(Finding::GhostPod(_))) => Some(true),
            Output::Notice(Notice::Cleared(Finding::GhostPod(_))) => Some(false),
            _ => None,
        });
        ghosts.collect::<Vec<_>>()
    };
    assert_eq!(told(&story.take()), [true], "{finding:?}");
    story.tell(Input::Relist);
    story.list(20, vec![ghost]);
    assert!(told(&story.take()).is_empty());
    story.wait(1_000);
    story.tell(Input::Relist);
    story.list(30, Vec::new());
    assert_eq!(told(&story.take()), [false]);
}

/// GROW-4: an answer that never came is unclear, and the same create goes out again.
#[test]
fn an_unclear_create_is_repeated_under_its_id() {
    let mut story = Story::begin(1, Vec::new());
    story.answer(Outcome::Unclear(Failure::TimedOut));
    story.take();
    story.wait(1_000);
    let again: Vec<ExecutorId> = story
        .take()
        .into_iter()
        .filter_map(|output| match output {
            Output::Execute {
                action: Action::Create { executor, .. },
                ..
            } => Some(executor),
            _ => None,
        })
        .collect();
    assert_eq!(again, [NEW]);
}

/// SEE-2: when the cluster has gone back, a ghost that it does not show any more is over, whatever its revision was.
#[test]
fn a_ghost_of_a_future_that_never_was_is_over() {
    const OLD: ExecutorId = ExecutorId::new(1, 1);
    let mut story = Story::begin(1, vec![pod(OLD, 5, Phase::Running)]);
    story.see(PodView {
        uid: Uid::from("u-2"),
        ..pod(OLD, 500, Phase::Running)
    });
    story.answer_newest_create(Outcome::Done {
        revision: None,
        uid: Some(Uid::from("u-1")),
    });
    let ghost = |story: &Story| {
        let findings = &story.controller.status().findings;
        findings
            .iter()
            .any(|finding| matches!(finding, Finding::GhostPod(_)))
    };
    assert!(ghost(&story));
    story.wait(300_000);
    for _ in 0..200 {
        story.list(4, vec![pod(NEW, 3, Phase::Running)]);
        story.take();
        if !ghost(&story) {
            return;
        }
        story.wait_for_listing();
    }
    panic!("it is a finding for ever");
}

/// A killed executor, whose pod the server says it does not have; then a listing that was asked for `later` in
/// milliseconds, and an event of that very pod after it. Whether that event is taken for a ghost.
fn ghost_after_absence(later: u64) -> bool {
    let mut story = Story::begin(1, Vec::new());
    story.answer(Outcome::Done {
        revision: pod(NEW, 11, Phase::Pending).revision.into(),
        uid: Some(Uid::from("u-1")),
    });
    story.see(pod(NEW, 12, Phase::Running));
    story.set_target(0);
    story.tell(Input::Desired(DesiredChange {
        kill: [(NEW, KillReason::Asked)].into(),
        ..DesiredChange::default()
    }));
    story.answer(Outcome::Absent);
    story.wait(later);
    story.tell(Input::Relist);
    story.list(20, Vec::new());
    story.see(pod(NEW, 21, Phase::Running));
    let findings = &story.controller.status().findings;
    findings
        .iter()
        .any(|finding| matches!(finding, Finding::GhostPod(_)))
}

/// SEE-2: that a pod is gone by an answer is remembered until a listing that was asked for after it: what was on its way
/// by then is old, what comes later is not.
#[test]
fn an_absence_is_remembered_until_a_later_listing() {
    assert!(!ghost_after_absence(0));
    assert!(ghost_after_absence(1));
}

/// SEE-2: a pod under an id that we may give out is shown before the first listing, and later than it: it is taken in as it
/// was shown last, and nothing is kept beside the executor.
#[test]
fn what_is_remembered_of_a_pod_is_taken_in_with_it() {
    const STRANGE: ExecutorId = ExecutorId::new(3, 9);
    let mut story = Story::begin(0, Vec::new());
    story.tell(Input::Lease(LeaseNews::Held {
        incarnation: 3,
        until: Time(60_000),
        memory: Memory::default(),
    }));
    story.see(pod(STRANGE, 15, Phase::Running));
    let kept = |story: &Story| {
        let snapshot = serde_json::to_value(story.controller.snapshot()).expect("it is data");
        snapshot["removed"].to_string().contains("\"phase\"")
    };
    assert!(kept(&story));
    story.list(14, vec![pod(STRANGE, 13, Phase::Pending)]);
    let started = |output: &Output| matches!(output, Output::Notice(Notice::Started { executor, .. }) if *executor == STRANGE);
    assert!(story.outputs.iter().any(started), "it runs");
    assert!(!kept(&story));
}

fn deleted(story: &Story) -> Vec<ExecutorId> {
    let ids = story
        .deletes()
        .into_iter()
        .filter_map(|action| match action {
            Action::Delete { executor, .. } => Some(executor),
            _ => None,
        });
    ids.collect()
}

/// CLAIM: an executor of an earlier life that appears late, and whose claim is not there any more, goes.
#[test]
fn who_appears_late_without_its_claim_goes() {
    const OLD: ExecutorId = ExecutorId::new(1, 1);
    let knobs = Knobs {
        claims: true,
        ..Knobs::PLAIN
    };
    let mut story = Story::with(knobs, 1, Vec::new());
    story.take();
    story.see(PodView {
        claims: vec!["demo-claim-1-1".into()],
        ..pod(OLD, 11, Phase::Pending)
    });
    assert_eq!(deleted(&story), [OLD]);
}

/// END-1: what the last view says, that of a pod that leaves the watch too, is the cause.
#[test]
fn the_view_of_its_going_tells_the_cause() {
    let mut story = Story::begin(1, Vec::new());
    story.see(pod(NEW, 12, Phase::Running));
    story.tell(Input::Watched {
        request: story.watch,
        event: WatchEvent::Left(PodView {
            disruption: Some("EvictionByEvictionAPI".into()),
            deleting: Some(0),
            ..pod(NEW, 13, Phase::Running)
        }),
    });
    assert_eq!(story.lost(), [(NEW, Cause::Evicted)]);
}

/// ROLL: with another template the executors are outdated, and the first replacement is made at once.
#[test]
fn another_template_makes_executors_outdated() {
    let mut story = Story::begin(1, Vec::new());
    story.see(pod(NEW, 12, Phase::Running));
    story.tell(Input::Engine(EngineReport::Registered(NEW)));
    story.take();
    story.set_target(1);
    assert_eq!(creates(&story.take()), 0, "the same template");
    let wish = GroupWish {
        target: 1,
        maximum: None,
        template: 8,
    };
    story.tell(Input::Desired(DesiredChange {
        groups: [("a".into(), wish)].into(),
        ..DesiredChange::default()
    }));
    assert_eq!(story.controller.status().groups["a"].outdated, 1);
    assert_eq!(creates(&story.take()), 1);
}

/// LIVE-2: that a probe was asked for is written down with the next renewal, though nothing failed; what has not changed
/// is not written again.
#[test]
fn a_probe_that_was_asked_for_is_written_down() {
    let knobs = Knobs {
        backoff: true,
        ..Knobs::PLAIN
    };
    let mut story = Story::with(knobs, 0, Vec::new());
    let until = Time(1_000_000);
    story.tell(Input::Lease(LeaseNews::Renewed { until }));
    story.set_target(1);
    for _ in 0..2 {
        story.answer_newest_create(Outcome::Refused(Refusal::Invalid("no".into())));
    }
    story.take();
    // At each renewal: how many probes were written down, where anything was.
    let mut written = Vec::new();
    for _ in 0..9 {
        story.wait(5_000);
        let wishes = story.take();
        let memory = wishes.iter().find_map(|output| match output {
            Output::Lease(LeaseWish::Renew { memory, .. }) => Some(memory.clone()),
            _ => None,
        });
        let memory = memory.expect("it is renewed every 5 s");
        written.push(memory.map(|memory| memory.backoffs["a"].probes));
        story.tell(Input::Lease(LeaseNews::Renewed { until }));
    }
    let wrote: Vec<u32> = written.iter().flatten().copied().collect();
    assert_eq!(wrote, [0, 1], "{written:?}");
}
