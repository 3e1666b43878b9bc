//! L4: where pods can never start, a bounded number is tried, and the status says why there are none.

use super::{About, Checker, Fact, Rest, Result, Truth, violated};
use evenkeel::core::{Group, Input, Output, Time, output::Action, plan::Unmet};
use std::collections::BTreeMap;

/// The checker.
#[derive(Clone, Debug, Default)]
pub struct L4 {
    since: Option<Time>,
    /// How often the engine has lifted a halt since, or would have.
    lifts: u64,
    tries: BTreeMap<Group, u64>,
}

impl Checker for L4 {
    fn name(&self) -> &'static str {
        "L4"
    }

    fn about(&self) -> &'static [About] {
        &[About::Given, About::Said, About::Calm]
    }

    fn remembers(&self) -> bool {
        true
    }

    fn look(&mut self, fact: &Fact<'_>, truth: &Truth) -> Result {
        match fact {
            Fact::Calm => self.since = Some(truth.now),
            Fact::Given {
                input: Input::Desired(change),
                ..
            } if self.since.is_some() => self.lifts += u64::from(change.resume_after_halt),
            Fact::Said {
                output:
                    Output::Execute {
                        action: Action::Create { group, .. },
                        ..
                    },
                ..
            } if self.since.is_some() => *self.tries.entry(group.clone()).or_default() += 1,
            _ => {}
        }
        Ok(())
    }

    fn rest(&mut self, truth: &Truth, rest: &Rest<'_>) -> Result {
        let Some(since) = self.since else {
            return Ok(());
        };
        let known = truth.processes.get(&rest.process);
        for group in rest.broken {
            let target = known.and_then(|known| known.groups.get(group));
            let target = target.map_or(0, |wish| wish.target);
            let failing = &truth.config.failing;
            // Without a wait between them, or with failures forgotten at once, there is no bound.
            let endless = failing.backoff_first.0 < 1000 || failing.backoff_window.0 < 60_000;
            if target == 0 || endless {
                continue;
            }
            let tries = self.tries.get(group).copied().unwrap_or(0);
            let span = truth.now.since(since).0;
            // What may go out before the backoff, and the probes of that time; twice, for what calm itself started.
            let probes = span / failing.backoff_first.0.max(1000) + 1;
            let before = target.saturating_mul(2) + u64::from(failing.backoff_after.min(1000));
            // A whole budget of failures, and those under way when it ran out; that again after each halt that is lifted.
            let budget = failing.max_failures.filter(|_| {
                let window = failing.failure_window;
                window.is_none_or(|window| window.0 >= span)
            });
            let each = |most: u64| most.saturating_add(2 * target + 4);
            let within =
                budget.is_none_or(|most| tries <= each(most).saturating_mul(1 + self.lifts));
            if tries > 2 * (probes + before) + 4 || !within {
                return violated(format!(
                    "group {group} can never start, and was tried {tries} times in {} s",
                    span / 1000
                ));
            }
            let status = rest
                .controller
                .status()
                .groups
                .get(group)
                .cloned()
                .unwrap_or_default();
            let reasons = [
                Unmet::BackingOff,
                Unmet::Halted,
                Unmet::Starting,
                Unmet::WaitingForAnswer,
                Unmet::WaitingForSchedule,
            ];
            if !reasons
                .iter()
                .any(|reason| status.unmet.contains_key(reason))
            {
                return violated(format!(
                    "group {group} can never start, and the status says only {:?}",
                    status.unmet
                ));
            }
        }
        Ok(())
    }
}
