//! A mutating webhook.

use super::super::kit::*;
use evenkeel::{
    api::{
        labels,
        pod::{OwnerReference, Pod},
    },
    core::input::Outcome,
    fake::{Quota, Sidecar, Webhook},
    port::ListWish,
};
use std::{collections::BTreeMap, sync::Arc};

fn containers(pod: &Pod) -> Vec<&str> {
    let all = pod.spec.containers.iter();
    all.map(|container| &*container.name).collect()
}

#[test]
fn a_webhook_changes_each_pod_that_is_made() {
    let mut world = world();
    world.add_owner("mesh");
    let owner = OwnerReference {
        api_version: "v1".into(),
        kind: "ConfigMap".into(),
        name: "mesh".into(),
        uid: "mesh".into(),
    };
    world.set_webhook(Some(Webhook {
        sidecar: Some(Sidecar {
            name: "istio-proxy".into(),
            first: true,
            ..Sidecar::default()
        }),
        labels: BTreeMap::from([("mesh".into(), "on".into())]),
        annotations: BTreeMap::from([("sidecar.istio.io/status".into(), "injected".into())]),
        owner: Some(owner.clone()),
    }));
    let made = world.execute(FLEET, &create_request("a"));
    assert!(matches!(made, Outcome::Done { .. }));
    let pod = Arc::clone(world.pod("a").expect("made"));
    assert_eq!(containers(&pod), ["istio-proxy", "main"]);
    assert_eq!(pod.metadata.labels["mesh"], "on");
    assert_eq!(pod.metadata.labels[labels::FLEET], FLEET);
    let status = &pod.metadata.annotations["sidecar.istio.io/status"];
    assert_eq!(status, "injected");
    assert_eq!(pod.metadata.owner_references, [owner]);
    pass(&mut world, 10_000);
    assert_eq!(phase(&world, "a"), "Running");
    let listing = world.listing(FLEET, ListWish::default()).expect("listed");
    assert_eq!(listing.pods.len(), 1, "its labels are still ours");
    world.set_webhook(None);
    let plain = create(&mut world, "b");
    assert_eq!(containers(&plain), ["main"]);
}

#[test]
fn what_a_webhook_adds_is_checked_as_the_rest() {
    let mut world = world();
    world.set_webhook(Some(Webhook::with_sidecar("Not A Name")));
    let refused = world.create_as_stranger(&manifest("a")).expect_err("422");
    assert_eq!((refused.code, &*refused.reason), (422, "Invalid"));
    world.set_webhook(Some(Webhook::with_sidecar("main")));
    let pod = create(&mut world, "a");
    assert_eq!(containers(&pod), ["main"], "there is one already");
    // A quota of memory wants every container to say what it needs.
    world.set_webhook(Some(Webhook::with_sidecar("istio-proxy")));
    world.set_quota(Some(Quota {
        name: "mem".into(),
        memory: Some(1 << 40),
        ..Quota::default()
    }));
    let text = r#"{"metadata": {"name": "b"}, "spec": {"containers": [
        {"name": "main", "image": "i", "resources": {"requests": {"memory": "1Gi"}}}]}}"#;
    let refused = world.create_as_stranger(text).expect_err("403");
    let words = r#"pods "b" is forbidden: failed quota: mem: must specify requests.memory for: istio-proxy"#;
    assert_eq!((refused.code, &*refused.message), (403, words));
}
