//! CLAIM with volumes that a real controller binds, and SIZE with a kubelet that the test plays.

use crate::{PATIENCE, config, fleet, pod, pod_by_hand, pod_name, template};
use evenkeel::{
    api::owner::Owner,
    core::{
        ExecutorId,
        config::{Claims, GroupConfig, Resize},
        input::Shutdown,
    },
};
use evenkeel_tests::{
    control_plane::Admin,
    end_to_end::{Fleet, Stage, rights, until},
    engine::Engine,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::PathBuf};

/// One who has the rights that claims and resizes take, and no other.
async fn user(stage: &Stage) -> PathBuf {
    let mut rules = rights();
    let more = [
        json!({"apiGroups": [""], "resources": ["persistentvolumeclaims"], "verbs": ["list", "create", "get", "delete"]}),
        json!({"apiGroups": [""], "resources": ["pods/resize"], "verbs": ["patch"]}),
        json!({"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}),
    ];
    rules.as_array_mut().expect("a list").extend(more);
    stage.user("nobody-much", rules).await
}

/// Makes volumes of that class for a controller to bind.
async fn volumes(admin: &Admin, class: &str, count: usize) {
    for number in 1..=count {
        let volume = json!({
            "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": format!("{class}-{number}")},
            "spec": {
                "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": class,
                "persistentVolumeReclaimPolicy": "Retain", "hostPath": {"path": "/tmp/none"},
            },
        });
        admin
            .post("/api/v1/persistentvolumes", &volume)
            .await
            .expect("made");
    }
}

fn with_claims(class: &str) -> GroupConfig {
    GroupConfig {
        claims: Some(Claims {
            bytes: 1 << 30,
            class: Some(class.into()),
            reuse: true,
            // There are no more volumes: the claim of one that is on its way out is waited for.
            wait: true,
        }),
        ..evenkeel::defaults::group()
    }
}

/// The claim that each pod uses.
async fn held(stage: &Stage, place: &Fleet) -> BTreeMap<String, String> {
    let pods = stage.admin.get(&place.pods_path()).await.expect("a list");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let claim = |pod: &Value| {
        let volumes = pod["spec"]["volumes"].as_array()?;
        let ours = volumes.iter().find(|it| it["name"] == "evenkeel-claim")?;
        let claim = text(&ours["persistentVolumeClaim"]["claimName"]);
        Some((text(&pod["metadata"]["name"]), claim))
    };
    let pods = pods["items"].as_array().expect("items");
    pods.iter().filter_map(claim).collect()
}

/// Somebody deletes all of the fleet's pods.
async fn deleted(stage: &Stage, place: &Fleet) {
    for name in place.pods().await {
        let path = format!("{}/{name}", place.pods_path());
        let deleted = stage.admin.delete(&path, &json!({})).await;
        deleted.expect("deleted");
    }
}

/// Each executor has a claim, and its successors find it: over three generations, the last one under a new controller.
/// None is left at the end.
pub async fn claims_used_again(stage: &mut Stage) {
    volumes(&stage.admin, "again", 3).await;
    let place = stage.fleet("again").await;
    let user = user(stage).await;
    let builder = || {
        fleet(&place, config())
            .group("workers", 3, template(pod()))
            .group_config("workers", with_claims("again"))
    };
    let expected = [1, 2, 3].map(|number| format!("again-claim-1-{number}"));
    let same_claims = async || {
        let mut claims: Vec<_> = held(stage, &place).await.into_values().collect();
        claims.sort_unstable();
        assert_eq!(claims, expected);
        let path = "/api/v1/namespaces/again/persistentvolumeclaims";
        let all = stage.admin.get(path).await.expect("a list");
        assert_eq!(all["items"].as_array().map(Vec::len), Some(3));
    };
    let engine = Engine::start(builder(), place.cluster(&user).await);
    engine.at_target(PATIENCE).await;
    same_claims().await;
    for generation in 1..=2 {
        deleted(stage, &place).await;
        engine
            .until("all are made good", PATIENCE, |engine| {
                engine.lost().len() == 3 * generation && engine.status().at_target
            })
            .await;
        same_claims().await;
    }
    engine.end(Shutdown::Leave, PATIENCE).await;
    let engine = Engine::start(builder(), place.cluster(&user).await);
    engine.at_target(PATIENCE).await;
    deleted(stage, &place).await;
    engine
        .until("all are made good", PATIENCE, |engine| {
            engine.lost().len() == 3 && engine.status().at_target
        })
        .await;
    same_claims().await;
    let pods = place.pods().await;
    assert!(
        pods.iter().all(|name| name.starts_with("again-exec-2-")),
        "{pods:?}"
    );
    engine.end(Shutdown::Delete, PATIENCE).await;
    until("nothing is left", PATIENCE, async || {
        place.left().await.is_empty()
    })
    .await;
}

/// Claims are owned as pods are: what is left running goes with its owner.
pub async fn claims_of_an_owner(stage: &mut Stage) {
    volumes(&stage.admin, "owned", 2).await;
    let place = stage.fleet("owned").await;
    let user = user(stage).await;
    let maps = "/api/v1/namespaces/owned/configmaps";
    let owner = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "app"}});
    stage.admin.post(maps, &owner).await.expect("made");
    let cluster = place.cluster(&user).await;
    let owner = Owner::Object {
        api_version: None,
        kind: "ConfigMap".into(),
        name: "app".into(),
    };
    let owner = cluster.resolve_owner(&owner).await.expect("it is there");
    let builder = fleet(&place, config())
        .group("workers", 2, template(pod()))
        .group_config("workers", with_claims("owned"))
        .owner(owner);
    let engine = Engine::start(builder, cluster);
    engine.at_target(PATIENCE).await;
    engine.end(Shutdown::Leave, PATIENCE).await;
    let left = |what: &'static str| {
        let place = &place;
        async move {
            let left = place.left().await;
            left.iter().filter(|path| path.contains(what)).count()
        }
    };
    assert_eq!(left("persistentvolumeclaims").await, 2);
    let gone = stage.admin.delete(&format!("{maps}/app"), &json!({})).await;
    gone.expect("deleted");
    until("pods and claims are collected", PATIENCE, async || {
        left("/pods/").await + left("persistentvolumeclaims").await == 0
    })
    .await;
}

/// How often the server was asked to resize a pod of that namespace, and how it answered.
fn resizes(stage: &Stage, namespace: &str) -> Vec<u16> {
    let audit = stage.plane.audit();
    let of = audit.iter().filter(|event| {
        event.namespace() == namespace
            && event.stage == "ResponseComplete"
            && event.subresource() == "resize"
    });
    of.map(|event| event.code()).collect()
}

/// One that runs short of memory is given more where it runs, as often as it takes; and as much as `max`.
pub async fn memory_grown(stage: &mut Stage) {
    stage.admin.create_node("hand-memory", json!({})).await;
    let place = stage.fleet("memory").await;
    let user = user(stage).await;
    let group = GroupConfig {
        resize: Some(Resize {
            threshold: 90,
            percent: 50,
            max: Some(144 << 20),
        }),
        ..evenkeel::defaults::group()
    };
    let builder = fleet(&place, config())
        .group("workers", 1, template(pod_by_hand()))
        .group_config("workers", group);
    let engine = Engine::start(builder, place.cluster(&user).await);
    let pod = pod_name(&place, 1);
    let path = format!("{}/{pod}", place.pods_path());
    until("the pod is there", PATIENCE, async || {
        stage.admin.get(&path).await.is_ok()
    })
    .await;
    let admin = &stage.admin;
    let bound = admin.bind(&place.name, &pod, "hand-memory").await;
    bound.expect("bound");
    admin.run(&place.name, &pod).await.expect("runs");
    engine.at_target(PATIENCE).await;
    // It requests 16Mi, and may have 64Mi.
    for (has, limit, request) in [(64u64, "96Mi", "48Mi"), (96, "144Mi", "96Mi")] {
        let said = admin.has_memory(&place.name, &pod, has << 20, None).await;
        said.expect("said");
        let used = i64::try_from(has << 20).expect("it fits");
        let executor = ExecutorId::new(1, 1);
        engine
            .handle
            .metric(executor, "memory", used)
            .expect("runs");
        until("it is given more", PATIENCE, async || {
            let pod = admin.get(&path).await.unwrap_or_default();
            let resources = &pod["spec"]["containers"][0]["resources"];
            resources["limits"]["memory"] == limit && resources["requests"]["memory"] == request
        })
        .await;
    }
    let said = admin.has_memory(&place.name, &pod, 144 << 20, None).await;
    said.expect("said");
    let executor = ExecutorId::new(1, 1);
    engine
        .handle
        .metric(executor, "memory", 144 << 20)
        .expect("runs");
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert_eq!(resizes(stage, "memory"), [200, 200]);
    assert_eq!(engine.lost(), []);
    engine.handle.kill([executor]).expect("it runs");
    engine.handle.shutdown(Shutdown::Delete).expect("it runs");
    until("it is being deleted", PATIENCE, async || {
        let shown = stage.admin.get(&path).await;
        shown.is_ok_and(|pod| pod["metadata"]["deletionTimestamp"].is_string())
    })
    .await;
    stage.admin.let_go(&place.name, &pod).await.expect("gone");
    engine.end(Shutdown::Delete, PATIENCE).await;
}

/// One whose node does not resize is left alone, and lives.
pub async fn memory_not_grown(stage: &mut Stage) {
    let place = stage.fleet("not-grown").await;
    let user = user(stage).await;
    let group = GroupConfig {
        resize: Some(Resize {
            threshold: 90,
            percent: 10,
            max: None,
        }),
        ..evenkeel::defaults::group()
    };
    let builder = fleet(&place, config())
        .group("workers", 1, template(pod()))
        .group_config("workers", group);
    let engine = Engine::start(builder, place.cluster(&user).await);
    engine.at_target(PATIENCE).await;
    for used in [64 << 20, 65 << 20, 66 << 20] {
        let executor = ExecutorId::new(1, 1);
        engine
            .handle
            .metric(executor, "memory", used)
            .expect("runs");
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    // KWOK's pods do not say what they have.
    assert_eq!(resizes(stage, "not-grown"), [422]);
    assert_eq!(engine.lost(), []);
    assert!(engine.status().at_target);
    engine.end(Shutdown::Delete, PATIENCE).await;
}
