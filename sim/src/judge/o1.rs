//! O1: whenever a fleet is not as wanted, its status says why, per group and by a reason that a machine can read; and it
//! is said to be at its target only when as many as are wanted have started.

use super::{About, Checker, Fact, Result, Truth, violated};
use evenkeel::core::Output;

/// The checker.
#[derive(Clone, Debug, Default)]
pub struct O1;

impl Checker for O1 {
    fn name(&self) -> &'static str {
        "O1"
    }

    fn about(&self) -> &'static [About] {
        &[About::Said]
    }

    fn look(&mut self, fact: &Fact<'_>, truth: &Truth) -> Result {
        let Fact::Said {
            process,
            output: Output::Status(status),
            ..
        } = fact
        else {
            return Ok(());
        };
        for (group, of) in &status.groups {
            // A fleet that ends needs no reason.
            let ends = truth
                .processes
                .get(process)
                .is_some_and(|known| known.shutdown.is_some());
            let short = !ends
                && (!(of.target..=of.target + of.rolling).contains(&of.counting)
                    || of.serving < of.target);
            if short && of.unmet.is_empty() {
                return violated(format!(
                    "group {group} counts {} and serves {} of {}, and no reason is given",
                    of.counting, of.serving, of.target
                ));
            }
        }
        let Some(known) = truth.processes.get(process).filter(|known| known.spoke) else {
            return Ok(());
        };
        for (group, wish) in &known.groups {
            let told = status.groups.get(group).map(|of| of.target);
            let right = known.suspended
                || known.shutdown.is_some()
                || told.is_none_or(|told| told == wish.target);
            if !right {
                return violated(format!(
                    "group {group}: {} are wanted, and the status says {told:?}",
                    wish.target
                ));
            }
            if !status.at_target || told != Some(wish.target) {
                continue;
            }
            let mine = known.executors.values().filter(|of| of.group == *group);
            // Whether they are there still is for S7 and L2.
            let up = mine.filter(|of| of.lost.is_none() && (of.started || of.registered));
            let up = up.count() as u64;
            if up < wish.target {
                return violated(format!(
                    "the fleet is said to be at its target, and {up} of {} in group {group} have started",
                    wish.target
                ));
            }
        }
        Ok(())
    }
}
