//! S2: a while after the last fault, no pod of the fleet is left that is not wanted, finished ones included.

use super::{About, Checker, Fact, Rest, Result, Truth, violated};

/// The checker.
#[derive(Clone, Debug, Default)]
pub struct S2;

impl Checker for S2 {
    fn name(&self) -> &'static str {
        "S2"
    }

    fn about(&self) -> &'static [About] {
        &[]
    }

    fn look(&mut self, _fact: &Fact<'_>, _truth: &Truth) -> Result {
        Ok(())
    }

    fn rest(&mut self, truth: &Truth, rest: &Rest<'_>) -> Result {
        let Some(known) = truth.processes.get(&rest.process) else {
            return Ok(());
        };
        for pod in truth.pods.values() {
            let view = &pod.view;
            let Some(id) = pod.executor.filter(|_| pod.is_in_view()) else {
                continue;
            };
            // One of our incarnation that nobody asked for is a stranger's: told, and never touched.
            let issued = truth.ids.contains_key(&id) || id.incarnation < known.incarnation;
            let Some(group) = view.labels.group.as_ref().filter(|_| issued) else {
                continue;
            };
            if rest.broken.contains(group) || view.name != id.pod_name(&truth.fleet) {
                continue;
            }
            if pod.finished || view.deleting.is_some() {
                return violated(format!("{} ended, and is still there", view.name));
            }
            if !known.groups.contains_key(group) {
                return violated(format!(
                    "{} is of group {group}, which is not wanted",
                    view.name
                ));
            }
        }
        Ok(())
    }
}
