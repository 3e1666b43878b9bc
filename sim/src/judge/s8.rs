//! S8: those that are asked for and do not run yet are never more than the caps allow, of the group and of the fleet.

use super::{About, Checker, Fact, Result, Truth, violated};
use evenkeel::core::{Group, Output, input::Phase, output::Action};

/// The checker.
#[derive(Clone, Debug, Default)]
pub struct S8;

impl Checker for S8 {
    fn name(&self) -> &'static str {
        "S8"
    }

    fn about(&self) -> &'static [About] {
        &[About::Said]
    }

    fn look(&mut self, fact: &Fact<'_>, truth: &Truth) -> Result {
        let Fact::Said {
            process,
            output:
                Output::Execute {
                    action:
                        Action::Create {
                            executor, group, ..
                        },
                    ..
                },
            ..
        } = fact
        else {
            return Ok(());
        };
        let of_group = truth.config.group(group).max_pending;
        let of_fleet = truth.config.growing.max_pending;
        let Some(known) = truth.processes.get(process) else {
            return Ok(());
        };
        let again = known
            .executors
            .get(executor)
            .is_some_and(|of| of.creates > 0);
        if again || (of_group.is_none() && of_fleet.is_none()) {
            return Ok(());
        }
        let pending = truth
            .counting(known)
            .filter(|pod| pod.view.phase == Phase::Pending);
        // Those of a group that is not wanted any more are on their way out.
        let wanted = |group: &Group| known.groups.contains_key(group);
        let pending = pending.filter(|pod| pod.view.labels.group.as_ref().is_some_and(wanted));
        let pending = pending.map(|pod| pod.view.labels.group.as_ref());
        let under_way = truth.counting_under_way(known).map(Some);
        let under_way = under_way.filter(|group| group.is_some_and(wanted));
        let (mut all, mut same) = (1, 1);
        for its in pending.chain(under_way) {
            all += 1;
            same += u64::from(its == Some(group));
        }
        if of_group.is_some_and(|most| same > most) {
            return violated(format!(
                "group {group}: {same} pending, of at most {of_group:?}"
            ));
        }
        if of_fleet.is_some_and(|most| all > most) {
            return violated(format!("{all} pending, of at most {of_fleet:?}"));
        }
        Ok(())
    }
}
