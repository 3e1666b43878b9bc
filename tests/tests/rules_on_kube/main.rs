//! The decision rules on a real control plane, case by case: fleets kept in this process, judged by what the server has.
//! `cargo test -p evenkeel-tests --test rules_on_kube [-- CASE]`.

mod ending;
mod extras;
mod refusing;
mod rolling;
mod starting;

use evenkeel::{
    Fleet, FleetBuilder, PodTemplate,
    core::{Config, Span},
};
use evenkeel_tests::{
    control_plane::skips,
    end_to_end::{self, Stage},
};
use futures::future::LocalBoxFuture;
use libtest_mimic::{Arguments, Trial};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tokio::{runtime::Runtime, sync::Mutex};

type Case = for<'a> fn(&'a mut Stage) -> LocalBoxFuture<'a, ()>;

macro_rules! cases {
    ($($room:ident: $($case:ident),+;)+) => {
        &[$($((
            stringify!($case),
            |stage: &mut Stage| Box::pin($room::$case(stage)) as LocalBoxFuture<'_, ()>,
        ),)+)+]
    };
}

const CASES: &[(&str, Case)] = cases! {
    refusing: quota_full_and_freed, limit_range, create_forbidden, delete_forbidden;
    starting: image_never_pulls, sidecar_failed;
    ending: evicted, lost_label, node_deleted;
    rolling: new_template;
    extras: claims_used_again, claims_of_an_owner, memory_grown, memory_not_grown;
};

/// Whatever takes longer than this on a machine of two busy cores hangs.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() {
    let mut arguments = Arguments::from_args();
    // They share one server, and some look at the time.
    arguments.test_threads = Some(1);
    let missing = !arguments.list && skips("rules_on_kube");
    let runtime = Arc::new(Runtime::new().expect("a runtime"));
    let stage = (!missing && !arguments.list)
        .then(|| Arc::new(Mutex::new(runtime.block_on(Stage::start()))));
    let trials = CASES.iter().map(|(name, case)| {
        let (runtime, stage) = (runtime.clone(), stage.clone());
        let trial = Trial::test(*name, move || {
            let stage = stage.expect("not run where there is no control plane");
            let mut stage = runtime.block_on(stage.lock());
            runtime.block_on(case(&mut stage));
            Ok(())
        });
        trial.with_ignored_flag(missing)
    });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    // Before the process ends: exit runs no destructors.
    drop(stage);
    conclusion.exit();
}

/// A pod of one container, as its template's JSON.
fn pod() -> Value {
    let resources = json!({"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"cpu": "100m", "memory": "64Mi"}});
    json!({"spec": {"containers": [{"name": "main", "image": "registry.example/worker:1", "resources": resources}]}})
}

/// The same, left alone by the scheduler: the test binds it, and plays its kubelet.
fn pod_by_hand() -> Value {
    let mut pod = pod();
    pod["spec"]["schedulerName"] = json!("by-hand");
    pod
}

fn template(pod: Value) -> PodTemplate {
    PodTemplate::from_value(pod).expect("a good template")
}

/// Waits that suit a test.
fn config() -> Config {
    let mut config = evenkeel::defaults::config();
    config.failing.quota_retry = Span::seconds(1);
    config.failing.quota_retry_max = Span::seconds(2);
    config.failing.backoff_first = Span::seconds(2);
    config.failing.backoff_max = Span::seconds(4);
    config.failing.max_failures = Some(1000);
    config
}

/// A fleet of that name and these knobs.
fn fleet(fleet: &end_to_end::Fleet, config: Config) -> FleetBuilder {
    Fleet::builder(fleet.name.as_str()).config(config)
}

/// The name of the pod `1-SEQUENCE`.
fn pod_name(fleet: &end_to_end::Fleet, sequence: u32) -> String {
    let id = evenkeel::core::ExecutorId::new(1, sequence);
    id.pod_name(&fleet.name).to_string()
}
