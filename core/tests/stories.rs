//! Small stories told input by input, where a rule turns on one of them.

mod common;

use common::{
    moves::Knobs,
    story::{NEW, Story, creates, pod},
};
use evenkeel_core::{
    ExecutorId, Input, Output, Revision,
    input::{
        ClaimView, DesiredChange, EngineReport, Failure, Outcome, Phase, PodView, Refusal,
        Shutdown, WatchEvent,
    },
    output::{Action, Cause, LeaseWish, Notice, Why},
    plan::{Class, Finding, Unmet},
};

/// FAIL-3: a server that has just started refuses all but administrators: no failure, and the same id later.
#[test]
fn who_may_not_create_now_is_held_and_not_charged() {
    let mut story = Story::begin(1, Vec::new());
    story.take();
    let message = "pods is forbidden: User x cannot create resource pods";
    story.answer_to(1, Outcome::Refused(Refusal::NotPermitted(message.into())));
    let status = story.controller.status().clone();
    assert!(status.groups["a"].unmet.contains_key(&Unmet::NotPermitted));
    assert!(
        status
            .findings
            .iter()
            .any(|finding| matches!(finding, Finding::Refused { .. }))
    );
    assert_eq!((story.lost(), creates(&story.take())), (vec![], 0));
    story.wait(9_999);
    assert_eq!(creates(&story.take()), 0);
    story.wait(1);
    assert_eq!(creates(&story.outputs), 1);
    story.answer(Outcome::Done {
        revision: Revision::new(20),
        uid: Some("u-1".into()),
    });
    assert!(story.controller.status().findings.is_empty());
    assert_eq!(story.controller.status().groups["a"].failures, 0);
}

/// A story in which the first try of a create is unclear, and its repeat is refused for good.
fn refused_after_an_unclear_try() -> Story {
    let mut story = Story::begin(1, Vec::new());
    story.answer_to(1, Outcome::Unclear(Failure::TimedOut));
    story.wait(1000);
    story.take();
    story.answer_to(2, Outcome::Refused(Refusal::Forbidden("no".into())));
    assert_eq!(
        (story.lost(), creates(&story.outputs)),
        (vec![], 0),
        "the first try may have worked"
    );
    story
}

/// GROW-3: and it had not: the listing settles it.
#[test]
fn a_refusal_after_an_unclear_try_waits_for_a_listing() {
    let mut story = refused_after_an_unclear_try();
    story.list(20, Vec::new());
    assert_eq!(
        story.lost(),
        [(
            NEW,
            Cause::CreateRejected {
                reason: "forbidden".into()
            }
        )]
    );
    assert_eq!(creates(&story.outputs), 1, "the next id is tried");
}

/// GROW-3: and it had: the pod is ours.
#[test]
fn a_refusal_after_an_unclear_try_falls_when_the_pod_shows() {
    let mut story = refused_after_an_unclear_try();
    story.see(pod(NEW, 15, Phase::Running));
    story.list(20, vec![pod(NEW, 15, Phase::Running)]);
    assert_eq!((story.lost(), creates(&story.outputs)), (vec![], 0));
    assert_eq!(story.controller.status().groups["a"].counting, 1);
    story.see(PodView {
        deleting: Some(30),
        ..pod(NEW, 21, Phase::Running)
    });
    story.tell(Input::Watched {
        request: story.watch,
        event: WatchEvent::Left(PodView {
            deleting: Some(30),
            ..pod(NEW, 22, Phase::Running)
        }),
    });
    assert_eq!(
        story.lost(),
        [(NEW, Cause::DeletedByOther)],
        "of its own end, not of that refusal"
    );
}

const OLD: ExecutorId = ExecutorId::new(1, 1);

/// LIVE-1, FAIL-1: its failure was counted, and told, in the life that saw it.
#[test]
fn what_failed_while_nobody_looked_is_cleaned_up_and_not_counted() {
    let story = Story::begin(0, vec![pod(OLD, 5, Phase::Failed)]);
    assert_eq!(story.lost(), []);
    assert_eq!(story.deletes().len(), 1);
    let failures: u64 = story
        .controller
        .status()
        .groups
        .values()
        .map(|group| group.failures)
        .sum();
    assert_eq!(failures, 0);
}

/// SHRINK-1: the Conflict on the repeat may be the first try's own doing.
#[test]
fn a_victim_whose_delete_was_unclear_is_not_anothers_doing() {
    let mut story = Story::begin(0, vec![pod(OLD, 5, Phase::Pending)]);
    assert_eq!(story.deletes().len(), 1);
    story.answer(Outcome::Unclear(Failure::TimedOut));
    story.take();
    story.wait(1000);
    assert_eq!(story.deletes().len(), 1, "repeated");
    story.answer(Outcome::Changed);
    let terminating = PodView {
        deleting: Some(30),
        ..pod(OLD, 12, Phase::Pending)
    };
    story.tell(Input::Watched {
        request: story.watch,
        event: WatchEvent::Left(terminating),
    });
    assert_eq!(story.lost(), [(OLD, Cause::Shrunk)]);
}

/// SHRINK-1: it runs by now: let live, as it is.
#[test]
fn a_victim_that_has_changed_is_let_live() {
    let mut story = Story::begin(0, vec![pod(OLD, 5, Phase::Pending)]);
    story.answer(Outcome::Changed);
    story.take();
    story.see(pod(OLD, 12, Phase::Running));
    story.wait(3_600_000);
    assert_eq!(story.deletes(), []);
}

/// END-1: the engine is asked to drain what goes, also where it learns of it only then.
#[test]
fn who_registers_while_its_pod_goes_is_to_drain_at_once() {
    let mut story = Story::begin(1, vec![pod(OLD, 5, Phase::Running)]);
    story.see(PodView {
        deleting: Some(30),
        ..pod(OLD, 12, Phase::Running)
    });
    story.take();
    story.tell(Input::Engine(EngineReport::Registered(OLD)));
    let drains = story.take().into_iter().filter(|output| {
        matches!(
            output,
            Output::Notice(Notice::Drain {
                executor: OLD,
                why: Why::End1,
                ..
            })
        )
    });
    assert_eq!(drains.count(), 1);
}

/// SEE-2: restored from an older state, the cluster shows lower revisions from now on.
#[test]
fn a_cluster_that_has_gone_back_is_believed_after_a_while() {
    let mut story = Story::begin(1, vec![pod(OLD, 5, Phase::Running)]);
    story.wait(300_000);
    let back = || vec![pod(OLD, 3, Phase::Pending)];
    let mut raised = false;
    for _ in 0..200 {
        story.list(4, back());
        raised |= story.take().iter().any(|output| {
            matches!(output, Output::Notice(Notice::Raised(Finding::RevisionWentBack)))
                || matches!(output, Output::Status(status) if status.findings.contains(&Finding::RevisionWentBack))
        });
        let status = story.controller.status().groups["a"].clone();
        if status.by_class.contains_key(&Class::Pending) {
            assert!(raised);
            story.see(pod(OLD, 6, Phase::Running));
            let status = story.controller.status().groups["a"].clone();
            assert!(
                status.by_class.contains_key(&Class::Running),
                "it watches from there"
            );
            return;
        }
        story.wait_for_listing();
    }
    panic!("never believed");
}

const CLAIMS: Knobs = Knobs {
    claims: true,
    reuse: true,
    ..Knobs::PLAIN
};

const DONE: Outcome = Outcome::Done {
    revision: None,
    uid: None,
};

/// The names of the claims that are to be made, in order; then those to be deleted.
fn claims(outputs: &[Output]) -> [Vec<&str>; 2] {
    let mut told = [Vec::new(), Vec::new()];
    for output in outputs {
        match output {
            Output::Execute {
                action: Action::CreateClaim { name, .. },
                ..
            } => told[0].push(&**name),
            Output::Execute {
                action: Action::DeleteClaim { name },
                ..
            } => told[1].push(&**name),
            _ => {}
        }
    }
    told
}

/// CLAIM: it was repeated under the same name for ever.
#[test]
fn a_claims_name_that_is_a_strangers_is_given_up() {
    let mut story = Story::with(CLAIMS, 1, Vec::new());
    assert_eq!(claims(&story.outputs)[0], ["demo-claim-2-1"]);
    story.answer(Outcome::Exists(None));
    assert_eq!(
        claims(&story.outputs)[0],
        ["demo-claim-2-1", "demo-claim-2-2"]
    );
    story.outputs.clear();
    story.answer_to(2, DONE);
    assert_eq!(creates(&story.outputs), 1);
    let used = story.outputs.iter().find_map(|output| match output {
        Output::Execute {
            action: Action::Create { claims, .. },
            ..
        } => Some(claims.clone()),
        _ => None,
    });
    assert_eq!(used, Some(vec!["demo-claim-2-2".into()]));
    assert_eq!(claims(&story.outputs), [Vec::<&str>::new(), Vec::new()]);
}

#[test]
fn a_claims_name_that_is_taken_after_an_unclear_try_is_given_up_too() {
    let mut story = Story::with(CLAIMS, 1, Vec::new());
    story.answer(Outcome::Unclear(Failure::TimedOut));
    story.outputs.clear();
    story.wait(1000);
    assert_eq!(claims(&story.outputs)[0], ["demo-claim-2-1"]);
    story.outputs.clear();
    story.answer_to(2, Outcome::Exists(None));
    assert_eq!(claims(&story.outputs)[0], ["demo-claim-2-2"]);
}

#[test]
fn a_claim_that_may_not_be_deleted_is_a_finding_until_it_may() {
    let mut story = Story::with(CLAIMS, 1, Vec::new());
    story.answer(DONE);
    story.answer(DONE);
    story.outputs.clear();
    story.tell(Input::Desired(DesiredChange {
        shutdown: Some(Shutdown::Delete),
        ..DesiredChange::default()
    }));
    story.answer(Outcome::Absent);
    assert_eq!(claims(&story.outputs)[1], ["demo-claim-2-1"]);
    let refused = Finding::Refused {
        verb: "delete claim".into(),
        why: Failure::Forbidden,
    };
    let told = |outputs: &[Output], notice: Notice| outputs.contains(&Output::Notice(notice));
    story.answer(Outcome::Refused(Refusal::Forbidden("no".into())));
    assert!(told(&story.outputs, Notice::Raised(refused.clone())));
    story.wait(1000);
    story.answer(DONE);
    assert!(told(&story.outputs, Notice::Cleared(refused)));
}

/// CLAIM, LIVE-4: claims are held for a while after their deletion was decided. The next listing shows them so, and the
/// end waited for one that does not.
#[test]
fn an_end_does_not_wait_for_claims_that_go_by_themselves() {
    let mut story = Story::with(CLAIMS, 1, Vec::new());
    story.answer(DONE);
    story.answer(DONE);
    story.tell(Input::Desired(DesiredChange {
        shutdown: Some(Shutdown::Delete),
        ..DesiredChange::default()
    }));
    story.answer(Outcome::Absent);
    story.wait(1);
    story.answer(DONE);
    assert_eq!(claims(&story.outputs)[1], ["demo-claim-2-1"]);
    story
        .outputs
        .retain(|output| matches!(output, Output::List { .. }));
    let going = ClaimView {
        name: "demo-claim-2-1".into(),
        revision: Revision::new(20).expect("not 0"),
        group: "a".into(),
        class: None,
        bytes: 10,
        age_ms: 0,
        deleting: true,
    };
    story.list_with(21, Vec::new(), vec![going]);
    assert!(story.outputs.contains(&Output::Lease(LeaseWish::Remove)));
}
