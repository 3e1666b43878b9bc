//! ROLL: executors are replaced while they serve.

use crate::{PATIENCE, config, fleet, pod, template};
use evenkeel::{
    core::{
        ExecutorId,
        input::{DesiredChange, GroupWish, Shutdown},
        output::Cause,
    },
    template::Templates,
};
use evenkeel_tests::{end_to_end::Stage, engine::Engine};
use std::collections::BTreeMap;

const TARGET: u64 = 10;

/// A new template replaces all ten, and never are there fewer than ten that run.
pub async fn new_template(stage: &mut Stage) {
    let place = stage.fleet("rolled").await;
    let mut newer = pod();
    newer["spec"]["containers"][0]["image"] = "registry.example/worker:2".into();
    let mut templates = Templates::new();
    let wish = |template| {
        let wish = GroupWish {
            target: TARGET,
            maximum: None,
            template,
        };
        BTreeMap::from([("workers".into(), wish)])
    };
    let first = wish(templates.insert("workers", template(pod())));
    let second = wish(templates.insert("workers", template(newer)));
    let mut knobs = config();
    knobs.other_groups.roll.at_once = 2;
    let builder = fleet(&place, knobs).templates(templates).wish(first);
    let engine = Engine::start(builder, place.cluster(stage.kubeconfig()).await);
    engine.at_target(PATIENCE).await;

    place.outside.mark();
    let change = DesiredChange {
        groups: second,
        ..DesiredChange::default()
    };
    engine.handle.update(change).expect("it runs");
    engine
        .until("all are replaced", PATIENCE, |engine| {
            engine.lost().len() >= 10 && engine.status().at_target
        })
        .await;
    let mut lost = engine.lost();
    lost.sort();
    let all: Vec<_> = (1..=10)
        .map(|sequence| (ExecutorId::new(1, sequence), Cause::Rolled))
        .collect();
    assert_eq!(lost, all);
    let (least, most) = (place.outside.least_running(), place.outside.most());
    assert!(least >= 10, "only {least} ran at one moment");
    assert!(
        most <= 12,
        "{most} at one moment: two at a time were asked for"
    );
    let status = engine.status();
    assert_eq!(
        (
            status.groups["workers"].outdated,
            status.groups["workers"].failures
        ),
        (0, 0)
    );
    for name in place.pods().await {
        let pod = stage
            .admin
            .get(&format!("{}/{name}", place.pods_path()))
            .await;
        let pod = pod.expect("it is there");
        assert_eq!(
            pod["spec"]["containers"][0]["image"],
            "registry.example/worker:2"
        );
    }
    engine.end(Shutdown::Delete, PATIENCE).await;
}
