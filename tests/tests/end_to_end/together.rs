//! Two commands of one fleet, started at once.

use crate::PATIENCE;
use evenkeel_tests::end_to_end::{Child, Stage, created, doubled, until};
use rustix::process::Signal;
use serde_json::json;
use std::time::{Duration, Instant};

const TARGET: usize = 50;

fn waits_for_the_lease(child: &Child) -> bool {
    let last = child.last(|line| line.is("status"));
    last.is_some_and(|line| line.json["groups"]["workers"]["unmet"]["no_lease"].is_object())
}

pub async fn two_at_once(stage: &mut Stage) {
    let fleet = stage.fleet("two").await;
    let file = fleet.file(TARGET, "delete", json!({}));
    let run = || fleet.run(&file).args(["--format", "json"]).start();
    let mut pair = [run(), run()];
    until("one is at its target", PATIENCE, async || {
        pair.iter()
            .any(|child| child.wrote(|line| line.at_target()))
    })
    .await;
    if !pair[0].wrote(|line| line.at_target()) {
        pair.swap(0, 1);
    }
    let [mut first, mut second] = pair;
    assert!(
        !second.wrote(|line| line.is("action") || line.at_target()),
        "{}",
        second.tail()
    );
    assert!(waits_for_the_lease(&second), "{}", second.tail());
    // And in words.
    let told = fleet.run(&file).args(["--for", "2s"]).run(PATIENCE).await;
    assert_eq!(told.code(), Some(1), "{}", told.errors());
    assert!(told.text().contains("lease"), "{}", told.text());
    assert_eq!(
        (fleet.outside.most(), fleet.outside.live()),
        (TARGET, TARGET)
    );

    let killed = Instant::now();
    first.kill().await;
    for pod in fleet.pods().await.iter().take(5) {
        let path = format!("{}/{pod}", fleet.pods_path());
        stage
            .admin
            .delete(&path, &json!({}))
            .await
            .expect("deleted");
    }
    second
        .line("it makes good", PATIENCE, |line| line.is("action"))
        .await;
    let took = killed.elapsed();
    eprintln!(
        "two_at_once: the other acted {:.1} s after the kill",
        took.as_secs_f64()
    );
    // It tries every fifth of the lease's 15 s.
    assert!(
        took < Duration::from_secs(5),
        "the other acted after {took:?}"
    );
    second
        .line("it is at its target", PATIENCE, |line| line.at_target())
        .await;
    assert_eq!(
        (fleet.outside.most(), fleet.outside.live()),
        (TARGET, TARGET)
    );
    let made = created(&stage.plane.audit(), "two");
    assert_eq!((made.len(), doubled(&made)), (TARGET + 5, vec![]));

    second.signal(Signal::TERM);
    let ended = second.ended(PATIENCE).await;
    assert_eq!(ended.code(), Some(0), "{}", ended.errors());
    assert_eq!(fleet.left().await, Vec::<String>::new());
}
