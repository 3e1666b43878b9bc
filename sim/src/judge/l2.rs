//! L2: no ghosts: what a controller says it has is there.

use super::{About, Checker, Fact, Rest, Result, Truth, violated};

/// The checker.
#[derive(Clone, Debug, Default)]
pub struct L2;

impl Checker for L2 {
    fn name(&self) -> &'static str {
        "L2"
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
        for (group, status) in &rest.controller.status().groups {
            if rest.broken.contains(group) {
                continue;
            }
            let there = truth
                .pods
                .values()
                .filter(|pod| pod.is_in_view() && pod.view.labels.group.as_ref() == Some(group));
            let there = there.count() as u64;
            let told: u64 = status.by_class.values().sum();
            if told > there {
                return violated(format!(
                    "group {group}: the status says {told}, and there are {there}"
                ));
            }
        }
        Ok(())
    }
}
