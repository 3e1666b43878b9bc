//! More memory for a pod where it runs (SIZE).

use super::{Stage, tools::*};
use evenkeel::{
    core::{
        Uid,
        input::{MemoryView, Outcome, Refusal},
    },
    port::Request,
};
use serde_json::{Value, json};

const GI: u64 = 1 << 30;

/// What a pod of [`sized`] asks for.
fn sizes() -> Value {
    json!({"requests": {"cpu": "100m", "memory": "1Gi"}, "limits": {"memory": "1Gi"}})
}

/// Makes executor `1-sequence` with these resources.
async fn with(stage: &dyn Stage, sequence: u32, resources: Value) -> Uid {
    let mut pod = ours(sequence);
    pod["spec"]["containers"][0]["resources"] = resources;
    done(&ask(stage, &pod).await).0
}

/// Makes executor 1-1, which runs on a node that is there, and says what it has.
async fn running(stage: &dyn Stage) -> Uid {
    let uid = with(stage, 1, sizes()).await;
    let node = stage.node().await;
    run_on(stage, &node).await;
    uid
}

/// Runs executor 1-1.
async fn run_on(stage: &dyn Stage, node: &str) {
    stage.bind(&name(1), node).await;
    stage.run(&name(1)).await;
    stage.has_memory(&name(1), GI, None).await;
}

async fn resize(stage: &dyn Stage, uid: &Uid, request: u64, limit: u64) -> Outcome {
    let request = Request::Resize {
        name: name(1).into(),
        uid: uid.clone(),
        container: "main".into(),
        request,
        limit,
    };
    stage.cluster().execute(request).await
}

fn known(limit: u64, asked: u64, infeasible: bool) -> Option<MemoryView> {
    Some(MemoryView {
        limit,
        asked,
        infeasible,
    })
}

#[track_caller]
fn invalid(outcome: &Outcome, says: &str) {
    match outcome {
        Outcome::Refused(Refusal::Invalid(message)) => assert!(message.contains(says), "{message}"),
        other => panic!("{other:?}"),
    }
}

pub(super) async fn what_is_asked_for_and_what_is_in_force_show(stage: &dyn Stage) {
    let uid = running(stage).await;
    let mut watch = Watching::from_now(stage).await;
    let (answered, revision) = done(&resize(stage, &uid, 2 * GI, 2 * GI).await);
    let view = watch.seen().await;
    assert_eq!((&view.uid, view.revision), (&answered, revision));
    assert_eq!((answered, view.memory), (uid, known(GI, 2 * GI, false)));
    stage.has_memory(&name(1), 2 * GI, None).await;
    assert_eq!(watch.seen().await.memory, known(2 * GI, 2 * GI, false));
}

pub(super) async fn what_the_node_can_not_give_shows(stage: &dyn Stage) {
    let uid = running(stage).await;
    done(&resize(stage, &uid, 2 * GI, 2 * GI).await);
    let mut watch = Watching::from_now(stage).await;
    stage.has_memory(&name(1), GI, Some("Deferred")).await;
    assert_eq!(watch.seen().await.memory, known(GI, 2 * GI, false));
    stage.has_memory(&name(1), GI, Some("Infeasible")).await;
    assert_eq!(watch.seen().await.memory, known(GI, 2 * GI, true));
}

pub(super) async fn a_node_that_does_not_say_what_it_has_can_not_resize(stage: &dyn Stage) {
    let uid = with(stage, 1, sizes()).await;
    let node = stage.node().await;
    stage.bind(&name(1), &node).await;
    stage.run(&name(1)).await;
    let refused = resize(stage, &uid, 2 * GI, 2 * GI).await;
    invalid(&refused, "Pod running on node without support for resize");
    assert_eq!(list(stage).await.pods[0].memory, known(GI, GI, false));
}

pub(super) async fn without_a_request_or_a_limit_nothing_shows(stage: &dyn Stage) {
    with(stage, 1, json!({})).await;
    with(stage, 2, json!({"requests": {"memory": "1Gi"}})).await;
    // The server makes the request as large.
    with(stage, 3, json!({"limits": {"memory": "1Gi"}})).await;
    let mut pods = list(stage).await.pods;
    pods.sort_by(|one, other| one.name.cmp(&other.name));
    let shown: Vec<_> = pods.into_iter().map(|pod| pod.memory).collect();
    assert_eq!(shown, [None, None, known(GI, GI, false)]);
}

pub(super) async fn twice_is_done_twice(stage: &dyn Stage) {
    let uid = running(stage).await;
    let (_, first) = done(&resize(stage, &uid, 2 * GI, 2 * GI).await);
    let (_, second) = done(&resize(stage, &uid, 2 * GI, 2 * GI).await);
    assert_eq!(first, second);
}

pub(super) async fn a_wrong_uid_is_changed(stage: &dyn Stage) {
    running(stage).await;
    let changed = resize(stage, &no_ones_uid(), 2 * GI, 2 * GI).await;
    assert_eq!(changed, Outcome::Changed);
    assert_eq!(list(stage).await.pods[0].memory, known(GI, GI, false));
}

pub(super) async fn nothing_there_is_absent(stage: &dyn Stage) {
    let absent = resize(stage, &no_ones_uid(), GI, GI).await;
    assert_eq!(absent, Outcome::Absent);
}

pub(super) async fn a_node_that_is_gone_is_no_matter_of_rights(stage: &dyn Stage) {
    let uid = with(stage, 1, sizes()).await;
    run_on(stage, "no-such-node").await;
    let refused = resize(stage, &uid, 2 * GI, 2 * GI).await;
    invalid(&refused, r#"node "no-such-node" not found"#);
}

pub(super) async fn more_than_the_node_has_is_no_matter_of_rights(stage: &dyn Stage) {
    let uid = running(stage).await;
    let refused = resize(stage, &uid, 2048 * GI, 2048 * GI).await;
    invalid(
        &refused,
        "node didn't have enough allocatable resources: memory",
    );
    assert_eq!(list(stage).await.pods[0].memory, known(GI, GI, false));
}

pub(super) async fn a_quality_of_service_stays_what_it_was(stage: &dyn Stage) {
    let apart =
        json!({"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "1", "memory": "2Gi"}});
    let uid = with(stage, 1, apart).await;
    let node = stage.node().await;
    run_on(stage, &node).await;
    let together = resize(stage, &uid, 3 * GI, 3 * GI).await;
    invalid(&together, "Pod QOS Class may not change");
    done(&resize(stage, &uid, 2 * GI, 3 * GI).await);
}

pub(super) async fn a_container_that_is_not_there_is_invalid(stage: &dyn Stage) {
    let uid = running(stage).await;
    let request = Request::Resize {
        name: name(1).into(),
        uid,
        container: "other".into(),
        request: 2 * GI,
        limit: 2 * GI,
    };
    invalid(&stage.cluster().execute(request).await, "spec");
    assert_eq!(list(stage).await.pods[0].memory, known(GI, GI, false));
}
