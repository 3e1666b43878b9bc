//! The fake, case by case, in virtual time. `cargo test -p evenkeel-tests --test conformance_fake`.

use evenkeel_tests::conformance::{CASES, FakeStage};
use libtest_mimic::{Arguments, Trial};
use std::sync::Arc;

fn main() {
    let arguments = Arguments::from_args();
    let trials = CASES.iter().map(|case| {
        Trial::test(format!("fake::{}", case.name), || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build()?;
            runtime.block_on(async { (case.run)(Arc::new(FakeStage::default())).await });
            Ok(())
        })
    });
    libtest_mimic::run(&arguments, trials.collect()).exit();
}
