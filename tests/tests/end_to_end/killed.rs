//! The command is killed at a create, started again, and killed again: the fleet comes out as if nothing had been.

use crate::{PATIENCE, set};
use evenkeel_tests::{
    control_plane::AuditEvent,
    end_to_end::{Command, Moment, Stage, USER, created, doubled, names, until},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::time::Duration;

const TARGET: usize = 200;
const FULL: [u64; 10] = [1, 20, 40, 60, 80, 100, 120, 140, 160, 180];
const SHORT: [u64; 4] = [1, 60, 120, 180];

/// The command's first write after that moment: each life writes its lease before all else. (Creates that the dead one
/// had sent may still land.)
fn first_write(audit: &[AuditEvent], namespace: &str, after: Timestamp) -> Option<Timestamp> {
    let writes = audit.iter().filter(|event| {
        event.user() == USER
            && event.namespace() == namespace
            && event.resource() == "leases"
            && ["create", "update"].contains(&event.verb.as_str())
            && event.requested > after
    });
    writes.map(|event| event.requested).min()
}

/// At ten moments of a ramp up to 200, half of them with the create sent and half with it answered.
pub async fn killed_at_every_post(stage: &mut Stage) {
    let fleet = stage.fleet("killed").await;
    let proxy = stage.proxy().await;
    let file = fleet.file(TARGET, "leave", json!({}));
    let moments: &[u64] = if set("EVENKEEL_E2E_FULL") {
        &FULL
    } else {
        &SHORT
    };
    let run = |number: usize| {
        fleet
            .run_by(&file, proxy.kubeconfig())
            .args(["--until-converged", "--format", "json", "--record"])
            .arg(fleet.path(&format!("flight-{number}.jsonl")))
    };
    let mut starts = Vec::new();
    for (number, at) in moments.iter().enumerate() {
        let moment = if number % 2 == 0 {
            Moment::Sent
        } else {
            Moment::Answered
        };
        let trap = proxy.trap(*at, moment);
        starts.push(Timestamp::now());
        let mut child = run(number).start();
        let release = tokio::time::timeout(PATIENCE, trap.sprung()).await;
        let release = release.unwrap_or_else(|_| panic!("no {at}th create\n{}", child.tail()));
        child.kill().await;
        drop(release);
    }
    starts.push(Timestamp::now());
    let ended = run(moments.len()).run(PATIENCE).await;
    assert_eq!(ended.code(), Some(0), "{}{}", ended.text(), ended.errors());

    // A late create would be here by now.
    tokio::time::sleep(Duration::from_secs(3)).await;
    until("the watch is there too", PATIENCE, async || {
        fleet.outside.pods() == TARGET
    })
    .await;
    assert_eq!(fleet.outside.live(), TARGET);
    let pods = fleet.pods().await;
    assert_eq!(pods.len(), TARGET, "{pods:?}");
    let audit = stage.plane.audit();
    let made = created(&audit, "killed");
    assert_eq!(doubled(&made), Vec::<&str>::new());
    assert!(pods.iter().all(|pod| names(&made).contains(&**pod)));

    let mut slowest = SignedDuration::ZERO;
    for start in &starts[1..] {
        let write = first_write(&audit, "killed", *start).expect("each life writes its lease");
        slowest = slowest.max(write.duration_since(*start));
    }
    eprintln!(
        "killed_at_every_post: {} kills, {} pods made for {TARGET}, at most {} live; the slowest restart wrote after {} ms",
        moments.len(),
        made.len(),
        fleet.outside.most(),
        slowest.as_millis()
    );
    assert!(
        slowest <= SignedDuration::from_secs(2),
        "{slowest} until a restart wrote"
    );
    // A create that was held until its sender was dead may land when the next one has counted: one too many, for a while.
    let late = moments.len().div_ceil(2);
    assert!(made.len() <= TARGET + late, "{} made", made.len());
    assert!(fleet.outside.most() <= TARGET + late);

    for number in 0..=moments.len() {
        let flight = fleet.path(&format!("flight-{number}.jsonl"));
        let replay = Command::new().arg("replay").arg(flight).run(PATIENCE).await;
        assert_eq!(replay.code(), Some(0), "life {number}: {}", replay.errors());
    }
}
