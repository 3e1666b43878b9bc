//! S11: what a controller remembers is bounded by what lives and what died lately.

use super::{About, Checker, Fact, Rest, Result, Truth, violated};
use std::collections::BTreeSet;

/// The checker.
#[derive(Clone, Debug, Default)]
pub struct S11;

impl Checker for S11 {
    fn name(&self) -> &'static str {
        "S11"
    }

    fn about(&self) -> &'static [About] {
        &[]
    }

    fn look(&mut self, _fact: &Fact<'_>, _truth: &Truth) -> Result {
        Ok(())
    }

    fn rest(&mut self, truth: &Truth, rest: &Rest<'_>) -> Result {
        if !rest.is_quiet {
            // One that was replaced for its age may have gone just now.
            return Ok(());
        }
        let there: BTreeSet<_> = truth.pods.values().filter_map(|pod| pod.executor).collect();
        let kept = rest.controller.snapshot().executors();
        let ghosts: Vec<String> = kept
            .filter(|(id, of)| !there.contains(id) && !rest.broken.contains(of.group()))
            .map(|(id, _)| id.to_string())
            .collect();
        if !ghosts.is_empty() {
            return violated(format!("at rest it still remembers {}", ghosts.join(", ")));
        }
        Ok(())
    }
}
