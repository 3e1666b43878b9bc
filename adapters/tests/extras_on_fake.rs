//! Claims and resizes on the fake, through the shell (CLAIM, SIZE).
#![cfg(feature = "fake")]

use evenkeel::{
    Event, Fleet, FleetBuilder, PodTemplate, Running,
    core::{
        ExecutorId,
        config::{Claims, EngineMode, GroupConfig, Resize},
        input::{DesiredChange, GroupWish, Shutdown},
        output::Notice,
        plan::{Finding, Unmet},
    },
    fake::{FakeCluster, Kind, Quota, Verb, World, WorldConfig},
    shell::StartError,
    template::ClaimPathError,
};
use serde_json::{Value, json};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::time::timeout;

const GI: u64 = 1 << 30;

fn template(container: Value) -> PodTemplate {
    let mut main = json!({"name": "main", "image": "worker:1"});
    for (key, value) in container.as_object().expect("a map") {
        main[key] = value.clone();
    }
    PodTemplate::from_value(json!({"spec": {"containers": [main]}})).expect("a good template")
}

fn calm() -> FakeCluster {
    FakeCluster::new(World::new(WorldConfig::default()), "demo")
}

fn with_claims() -> GroupConfig {
    GroupConfig {
        claims: Some(Claims {
            bytes: 10 * GI,
            class: None,
            reuse: true,
            wait: false,
        }),
        ..evenkeel::defaults::group()
    }
}

fn fleet(target: u64) -> FleetBuilder {
    let mut config = evenkeel::defaults::config();
    config.engine = EngineMode::None;
    Fleet::builder("demo")
        .config(config)
        .group("a", target, template(json!({})))
}

async fn at_target(running: &Running) {
    let reached = running.handle.wait_until_at_target();
    let reached = timeout(Duration::from_secs(600), reached).await;
    reached.expect("soon").expect("gets there");
}

/// The claim of each pod, by pod.
fn held(cluster: &FakeCluster) -> Vec<String> {
    cluster.world(|world| {
        let volumes = world.pods().flat_map(|pod| &pod.spec.volumes);
        let claims = volumes.filter_map(|volume| volume.persistent_volume_claim.as_ref());
        claims.map(|claim| claim.claim_name.clone()).collect()
    })
}

fn claims(cluster: &FakeCluster) -> BTreeSet<String> {
    cluster.world(|world| world.claims().map(|it| it.metadata.name.clone()).collect())
}

#[tokio::test(start_paused = true)]
async fn each_executor_has_a_claim_that_outlives_it_and_ends_with_the_fleet() {
    let cluster = calm();
    let builder = fleet(5).group_config("a", with_claims());
    let mut running = builder.start(Arc::new(cluster.clone())).expect("starts");
    at_target(&running).await;
    let first: BTreeSet<String> = held(&cluster).into_iter().collect();
    assert_eq!(first.len(), 5);
    assert_eq!(claims(&cluster), first);
    // Two die, and their successors find what they left.
    for name in ["demo-exec-1-2", "demo-exec-1-4"] {
        cluster
            .world(|world| world.kill_container(name, 1, None))
            .expect("it runs");
    }
    let grown = running.handle.wait_until(|status| !status.at_target);
    grown.await.expect("it shows");
    at_target(&running).await;
    assert_eq!(held(&cluster).into_iter().collect::<BTreeSet<_>>(), first);
    running.handle.shutdown(Shutdown::Delete).expect("runs");
    running.finished().await.expect("an orderly end");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(claims(&cluster).is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_next_controller_uses_what_the_last_one_left() {
    let cluster = calm();
    let builder = fleet(3).group_config("a", with_claims());
    let mut running = builder.start(Arc::new(cluster.clone())).expect("starts");
    at_target(&running).await;
    let left = claims(&cluster);
    running.handle.shutdown(Shutdown::Leave).expect("runs");
    running.finished().await.expect("an orderly end");
    assert_eq!(claims(&cluster), left);
    // All executors go while nobody looks; their claims stay.
    cluster.world(|world| {
        for sequence in 1..=3 {
            let name = format!("demo-exec-1-{sequence}");
            world.delete_as_stranger(&name).expect("there");
        }
    });
    tokio::time::sleep(Duration::from_secs(60)).await;
    let builder = fleet(3).group_config("a", with_claims());
    let running = builder.start(Arc::new(cluster.clone())).expect("starts");
    at_target(&running).await;
    assert_eq!(claims(&cluster), left);
    assert_eq!(held(&cluster).into_iter().collect::<BTreeSet<_>>(), left);
}

#[tokio::test(start_paused = true)]
async fn a_strangers_claim_is_left_alone() {
    let cluster = calm();
    let theirs = json!({
        "metadata": {"name": "demo-claim-1-1"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    });
    cluster
        .world(|world| world.api("somebody").create_claim(&theirs.to_string()))
        .expect("made");
    let builder = fleet(2).group_config("a", with_claims());
    let mut running = builder.start(Arc::new(cluster.clone())).expect("starts");
    at_target(&running).await;
    let expected = ["demo-claim-1-2", "demo-claim-1-3"].map(str::to_owned);
    assert_eq!(held(&cluster), expected);
    running.handle.shutdown(Shutdown::Delete).expect("runs");
    running.finished().await.expect("an orderly end");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(claims(&cluster), ["demo-claim-1-1".to_owned()].into());
}

#[tokio::test(start_paused = true)]
async fn a_fleet_without_claims_asks_for_none() {
    let cluster = calm();
    cluster.world(|world| {
        for verb in [Verb::List, Verb::Create, Verb::Get, Verb::Delete] {
            world.deny(Kind::Claims, verb);
        }
    });
    let mut running = fleet(3).start(Arc::new(cluster.clone())).expect("starts");
    at_target(&running).await;
    running.handle.shutdown(Shutdown::Delete).expect("runs");
    running.finished().await.expect("an orderly end");
    let asked = cluster.world(|world| {
        let mut audit = world.audit().iter();
        audit.any(|entry| entry.kind == Kind::Claims)
    });
    assert!(!asked);
}

#[tokio::test(start_paused = true)]
async fn a_full_quota_of_claims_holds_the_group_until_there_is_room() {
    let cluster = calm();
    let quota = |claims| {
        cluster.world(|world| {
            world.set_quota(Some(Quota {
                name: "few".into(),
                claims: Some(claims),
                ..Quota::default()
            }));
        });
    };
    quota(1);
    let builder = fleet(3).group_config("a", with_claims());
    let running = builder.start(Arc::new(cluster.clone())).expect("starts");
    let held_up = running.handle.wait_until(|status| {
        let group = status.groups.get("a");
        group.is_some_and(|group| group.serving == 1 && group.unmet.contains_key(&Unmet::Quota))
    });
    let held_up = timeout(Duration::from_secs(600), held_up).await;
    held_up.expect("soon").expect("it is held");
    quota(3);
    at_target(&running).await;
    assert_eq!(claims(&cluster).len(), 3);
}

#[test]
fn a_path_that_is_no_place_is_refused_at_start() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let _inside = runtime.enter();
    let refused = |builder: FleetBuilder| match builder.start(Arc::new(calm())) {
        Err(StartError::ClaimPath(group, error)) if *group == *"a" => error,
        other => panic!("{other:?}"),
    };
    let builder = || fleet(1).group_config("a", with_claims());
    assert_eq!(
        refused(builder().claim_path("a", "data")),
        ClaimPathError::NotAbsolute("data".into())
    );
    let mounts = json!({"volumeMounts": [{"name": "v", "mountPath": "/data"}]});
    let taken = refused(builder().group("a", 1, template(mounts.clone())));
    assert!(matches!(taken, ClaimPathError::Taken { .. }), "{taken}");
    let elsewhere = builder()
        .group("a", 1, template(mounts))
        .claim_path("a", "/scratch");
    assert!(elsewhere.start(Arc::new(calm())).is_ok());
    // Without claims nobody mounts one.
    assert!(
        fleet(1)
            .claim_path("a", "data")
            .start(Arc::new(calm()))
            .is_ok()
    );
}

/// A fleet of executors that register as they start, and grow by half at nine tenths.
fn growing(cluster: &FakeCluster) -> Running {
    let resources = json!({"requests": {"cpu": "1", "memory": "4Gi"}, "limits": {"memory": "4Gi"}});
    let group = GroupConfig {
        resize: Some(Resize {
            threshold: 90,
            percent: 50,
            max: Some(8 * GI),
        }),
        ..evenkeel::defaults::group()
    };
    Fleet::builder("demo")
        .group("a", 2, template(json!({"resources": resources})))
        .group_config("a", group)
        .start(Arc::new(cluster.clone()))
        .expect("starts")
}

async fn registered(running: &mut Running) {
    for _ in 0..2 {
        loop {
            let event = running.events.recv().await.expect("it runs");
            if let Event::Notice(Notice::Started { executor, .. }) = event {
                running.handle.registered(executor).expect("runs");
                break;
            }
        }
    }
    at_target(running).await;
}

fn limit(cluster: &FakeCluster, sequence: u32) -> String {
    let name = format!("demo-exec-1-{sequence}");
    cluster.world(|world| {
        let pod = world.pod(&name).expect("there");
        let has = pod.status.container_statuses[0].resources.as_ref();
        has.expect("it says").limits["memory"].clone()
    })
}

#[tokio::test(start_paused = true)]
async fn an_executor_that_runs_short_of_memory_is_grown_where_it_runs() {
    let cluster = calm();
    let mut running = growing(&cluster);
    registered(&mut running).await;
    let report = |bytes: u64| {
        let executor = ExecutorId::new(1, 1);
        let bytes = i64::try_from(bytes).expect("it fits");
        running
            .handle
            .metric(executor, "memory", bytes)
            .expect("runs");
    };
    let minute = || tokio::time::sleep(Duration::from_secs(60));
    for (used, has) in [
        (3 * GI, "4Gi"),
        (4 * GI, "6Gi"),
        // Reported again, it is enough.
        (4 * GI, "6Gi"),
        (6 * GI, "8Gi"),
        (8 * GI, "8Gi"),
    ] {
        report(used);
        minute().await;
        assert_eq!(limit(&cluster, 1), has, "at {used}");
    }
    assert_eq!(limit(&cluster, 2), "4Gi");
    assert_eq!(running.handle.calls()["patch"], 2);
    let restarts = cluster.world(|world| world.pods().count());
    assert_eq!(restarts, 2, "nobody was replaced");
}

#[tokio::test(start_paused = true)]
async fn one_that_can_not_be_grown_is_left_alone() {
    let cluster = calm();
    cluster.world(|world| world.deny(Kind::PodResize, Verb::Patch));
    let mut running = growing(&cluster);
    registered(&mut running).await;
    for _ in 0..5 {
        let used = i64::try_from(4 * GI).expect("it fits");
        let executor = ExecutorId::new(1, 1);
        running
            .handle
            .metric(executor, "memory", used)
            .expect("runs");
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    assert_eq!(running.handle.calls()["patch"], 1);
    let mut raised = Vec::new();
    while let Ok(event) = running.events.try_recv() {
        if let Event::Notice(Notice::Raised(finding)) = event {
            raised.push(finding);
        }
    }
    assert!(
        matches!(raised.as_slice(), [Finding::Refused { verb, .. }] if **verb == *"patch"),
        "{raised:?}"
    );
    let status = running.handle.status().borrow().clone();
    assert!(status.at_target);
}

#[tokio::test(start_paused = true)]
async fn a_group_that_goes_takes_its_claims_along() {
    let cluster = calm();
    let builder = fleet(2).group_config("b", with_claims());
    let template_hash = {
        let mut templates = evenkeel::template::Templates::new();
        templates.insert("b", template(json!({})))
    };
    let running = builder
        .group("b", 2, template(json!({})))
        .start(Arc::new(cluster.clone()))
        .expect("starts");
    at_target(&running).await;
    assert_eq!(claims(&cluster).len(), 2);
    // Fewer executors keep their claims for the next.
    let fewer = GroupWish {
        target: 0,
        maximum: None,
        template: template_hash,
    };
    let change = |change| running.handle.update(change).expect("runs");
    change(DesiredChange {
        groups: [("b".into(), fewer)].into(),
        ..DesiredChange::default()
    });
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(claims(&cluster).len(), 2);
    running.handle.remove_group("b").expect("runs");
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert!(claims(&cluster).is_empty());
}
