//! The API server goes away, the store forgets its history, and the server comes back.

use crate::PATIENCE;
use evenkeel_tests::end_to_end::{Child, Ended, Fleet, Stage, created, doubled, until};
use rustix::process::Signal;
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

const TARGET: usize = 100;
/// How soon after a fault all is to be well again.
const MENDED: Duration = Duration::from_secs(30);

/// Each executor is told started, and lost, at most once; those that are lost.
fn lost(ended: &Ended) -> BTreeSet<String> {
    let mut told: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for line in ended.out.iter().filter(|line| line.is("notice")) {
        let notice = line.json["notice"].as_str().expect("a notice has a name");
        *told.entry((notice, line.executor())).or_default() += 1;
    }
    let once = ["started", "lost"];
    for ((notice, executor), times) in &told {
        assert!(
            !once.contains(notice) || *times == 1,
            "{executor} {notice} {times} times"
        );
    }
    let lost = told.keys().filter(|(notice, _)| *notice == "lost");
    lost.map(|(_, executor)| (*executor).to_owned()).collect()
}

async fn end(mut child: Child) -> Ended {
    // What comes late comes now.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let at_target = child.last(|line| line.is("status"));
    assert!(
        at_target.is_some_and(|line| line.at_target()),
        "{}",
        child.tail()
    );
    child.signal(Signal::TERM);
    child
        .line("it says that it stops", PATIENCE, |line| {
            line.is("stopping")
        })
        .await;
    let ended = child.ended(PATIENCE).await;
    assert_eq!(ended.code(), Some(0), "{}", ended.errors());
    ended
}

fn before_the_end(mut ended: Ended) -> Ended {
    let stopping = ended.out.iter().position(|line| line.is("stopping"));
    ended.out.truncate(stopping.expect("it was stopped"));
    ended
}

fn check_pods(stage: &Stage, fleet: &Fleet) {
    let made = created(&stage.plane.audit(), &fleet.name);
    assert_eq!(doubled(&made), Vec::<&str>::new());
    assert_eq!(
        (fleet.outside.live(), fleet.outside.pods()),
        (TARGET, TARGET)
    );
}

/// Five pods vanish from the store while the server is down: no watch ever tells of that.
pub async fn outage_of_a_standing_fleet(stage: &mut Stage) {
    let fleet = stage.fleet("standing").await;
    let file = fleet.file(TARGET, "delete", json!({}));
    let mut child = fleet.run(&file).args(["--format", "json"]).start();
    child
        .line("the fleet is at its target", PATIENCE, |line| {
            line.at_target()
        })
        .await;

    let victims: Vec<_> = fleet.pods().await.into_iter().step_by(20).collect();
    assert_eq!(victims.len(), 5);
    let executors: BTreeSet<_> = victims.iter().map(|name| executor(&fleet, name)).collect();
    let from = child.out().len();
    stage.plane.stop_api_server();
    for victim in &victims {
        stage.plane.etcd().erase_pod(&fleet.name, victim).await;
    }
    stage.plane.etcd().compact().await;
    stage.plane.start_api_server().await;
    let mended = Instant::now();

    until("the losses are made good", PATIENCE, async || {
        let out = child.out();
        let lost = out[from..].iter().rposition(|line| line.notice("lost"));
        let lost_all = out.iter().filter(|line| line.notice("lost")).count() >= victims.len();
        lost_all && lost.is_some_and(|at| out[from + at..].iter().any(|line| line.at_target()))
    })
    .await;
    let took = mended.elapsed();
    eprintln!(
        "outage_of_a_standing_fleet: at target {:.1} s after its end",
        took.as_secs_f64()
    );
    assert!(took < MENDED, "at target after {took:?}");
    check_pods(stage, &fleet);
    let ended = end(child).await;
    assert_eq!(lost(&before_the_end(ended)), executors);
    assert_eq!(fleet.left().await, Vec::<String>::new());
}

/// `standing-exec-1-17` is `1-17`.
fn executor(fleet: &Fleet, pod: &str) -> String {
    let prefix = format!("{}-exec-", fleet.name);
    pod.strip_prefix(&prefix).expect("our pod").to_owned()
}

/// All that the command wrote but statuses, for a message.
fn story(child: &Child) -> String {
    let lines = child.out().into_iter().filter(|line| !line.is("status"));
    lines.map(|line| line.text + "\n").collect()
}

/// The server goes down in the middle of the creates.
///
/// A server that has just started refuses all but administrators until it has read its roles (kubernetes#121635): that
/// is no failure of an executor (FAIL-3).
pub async fn outage_in_a_ramp(stage: &mut Stage) {
    let fleet = stage.fleet("rising").await;
    let file = fleet.file(TARGET, "delete", json!({}));
    let mut child = fleet.run(&file).args(["--format", "json"]).start();
    until("some are made", PATIENCE, async || {
        fleet.outside.pods() >= 20
    })
    .await;
    stage.plane.stop_api_server();
    let pods = fleet.outside.pods();
    stage.plane.etcd().compact().await;
    stage.plane.start_api_server().await;
    let mended = Instant::now();
    assert!(pods < TARGET, "the fault came too late to be one");
    child
        .line("the fleet is at its target", PATIENCE, |line| {
            line.at_target()
        })
        .await;
    let took = mended.elapsed();
    eprintln!(
        "outage_in_a_ramp: it came at {pods} pods of {TARGET}; at target {:.1} s after its end",
        took.as_secs_f64()
    );
    assert!(took < MENDED, "at target after {took:?}");
    check_pods(stage, &fleet);
    let most = fleet.outside.most();
    assert!(most <= TARGET, "{most} live at once\n{}", story(&child));
    let ended = end(child).await;
    assert_eq!(lost(&before_the_end(ended)), BTreeSet::new());
    assert_eq!(fleet.left().await, Vec::<String>::new());
}
