//! Containers that are started again in the same pod; pods of which only a sidecar lives.

use super::super::kit::*;
use super::{condition, state};
use evenkeel::{
    core::Span,
    fake::{Exit, Webhook},
};

#[test]
fn a_container_that_is_restarted_in_place_is_seen_terminated_in_between() {
    let mut world = running("a");
    let exit = Exit::with_code(1);
    world
        .restart_container("a", &exit, Span::seconds(10))
        .expect("there");
    let pod = world.pod("a").expect("there");
    assert_eq!(pod.status.phase, "Running");
    let unready = Some(("False", Some("ContainersNotReady")));
    assert_eq!(condition(pod, "Ready"), unready);
    let ended = state(&world, "a", 0).terminated.expect("ended");
    assert_eq!(ended.exit_code, 1);
    let uid = pod.metadata.uid.clone();
    pass(&mut world, 10_000);
    let pod = world.pod("a").expect("there");
    assert_eq!((&pod.metadata.uid, &*pod.status.phase), (&uid, "Running"));
    let status = &pod.status.container_statuses[0];
    assert!(status.state.running.is_some() && status.ready);
    assert_eq!(status.restart_count, 1);
    assert_eq!(condition(pod, "Ready"), Some(("True", None)));
    let written = serde_json::to_value(status).expect("JSON");
    assert_eq!(written["restartCount"], 1);
}

#[test]
fn a_pod_that_is_deleted_meanwhile_is_not_restarted() {
    let mut world = running("a");
    let exit = Exit::with_code(1);
    world
        .restart_container("a", &exit, Span::seconds(10))
        .expect("there");
    world.delete_as_stranger("a").expect("deleted");
    pass(&mut world, 5_000);
    assert!(world.pod("a").is_none());
    let gone = world.restart_container("a", &exit, Span::seconds(10));
    assert_eq!(gone.map_err(|refused| refused.code), Err(404));
}

#[test]
fn a_sidecar_keeps_its_pod_running_after_the_main_container_has_ended() {
    let mut world = world();
    world.set_webhook(Some(Webhook::with_sidecar("istio-proxy")));
    create(&mut world, "a");
    pass(&mut world, 10_000);
    world
        .end_container("a", &Exit::with_code(0))
        .expect("ended");
    pass(&mut world, 3_600_000);
    assert_eq!(phase(&world, "a"), "Running");
    assert!(state(&world, "a", 0).terminated.is_some());
    assert!(state(&world, "a", 1).running.is_some());
    let pod = world.pod("a").expect("there");
    assert_eq!(condition(pod, "Ready").map(|it| it.0), Some("False"));
}
