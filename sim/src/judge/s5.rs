//! S5: nobody acts on an executor before its view has caught up with its own last write.

use super::{About, Checker, Fact, Result, Truth, violated};
use evenkeel::core::Output;

/// The checker.
#[derive(Clone, Debug, Default)]
pub struct S5;

impl Checker for S5 {
    fn name(&self) -> &'static str {
        "S5"
    }

    fn about(&self) -> &'static [About] {
        &[About::Said]
    }

    fn look(&mut self, fact: &Fact<'_>, truth: &Truth) -> Result {
        let Fact::Said {
            process,
            output: Output::Execute { action, .. },
            ..
        } = fact
        else {
            return Ok(());
        };
        let Some(executor) = action.executor() else {
            return Ok(());
        };
        let Some(of) = truth.known(*process, executor) else {
            return Ok(());
        };
        if of.open > 0 {
            return violated(format!(
                "{action:?} is begun while another write of {executor} has no answer"
            ));
        }
        // One that a listing lacked was taken for gone, write and all.
        let pod = truth.pods.get(&executor.pod_name(&truth.fleet));
        let hidden = pod.is_some_and(|pod| pod.was_out_of_view);
        if let Some(revision) = of.closes_at.filter(|_| !hidden) {
            return violated(format!(
                "{action:?} is begun before the view has {executor} at revision {revision}, where its last write took effect"
            ));
        }
        Ok(())
    }
}
