//! The Kubernetes adapter on a real control plane, case by case. `cargo test -p evenkeel-tests --test conformance_kube`.

use evenkeel_tests::{
    conformance::{CASES, KubeStage},
    control_plane::{ControlPlane, skips},
};
use libtest_mimic::{Arguments, Trial};
use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, PoisonError, RwLock},
};
use tokio::{runtime::Runtime, sync::Mutex};

fn main() {
    let mut arguments = Arguments::from_args();
    // One case waits for a minute, others for seconds: they need not wait for each other.
    arguments.test_threads.get_or_insert(12);
    let missing = !arguments.list && skips("conformance_kube");
    let runtime = Arc::new(Runtime::new().expect("a runtime"));
    let running = (!missing && !arguments.list).then(|| {
        let plane = runtime.block_on(ControlPlane::builder().start());
        Arc::new(Mutex::new(plane))
    });
    // Those that stop the server hold it for writing.
    let server = Arc::new(RwLock::new(()));
    let trials = CASES.iter().enumerate().map(|(number, case)| {
        let (runtime, running, server) = (runtime.clone(), running.clone(), server.clone());
        let trial = Trial::test(format!("kube::{}", case.name), move || {
            let plane = running.expect("not run where there is no control plane");
            let _shared;
            let _alone;
            if case.alone {
                _alone = server.write().unwrap_or_else(PoisonError::into_inner);
            } else {
                _shared = server.read().unwrap_or_else(PoisonError::into_inner);
            }
            let run = || {
                runtime.block_on(async {
                    let stage = KubeStage::new(plane.clone(), &format!("case-{number}")).await;
                    (case.run)(Arc::new(stage)).await;
                });
            };
            let failed = std::panic::catch_unwind(AssertUnwindSafe(run));
            // A case that failed midway may have left the server down.
            runtime.block_on(async { plane.lock().await.start_api_server().await });
            failed.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            Ok(())
        });
        trial.with_ignored_flag(missing)
    });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    // Before the process ends: exit runs no destructors.
    drop(running);
    conclusion.exit();
}
