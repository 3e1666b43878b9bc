//! S9: every pod that is made carries the fleet's labels, and exactly the intended owner.

use super::{About, Checker, Fact, Result, Truth, violated};
use evenkeel::{api::labels, core::output::Action};

/// The checker.
#[derive(Clone, Debug, Default)]
pub struct S9;

impl Checker for S9 {
    fn name(&self) -> &'static str {
        "S9"
    }

    fn about(&self) -> &'static [About] {
        &[About::Made]
    }

    fn look(&mut self, fact: &Fact<'_>, truth: &Truth) -> Result {
        let Fact::Made {
            action:
                Action::Create {
                    executor,
                    group,
                    template,
                    ..
                },
            metadata,
            owner,
        } = fact
        else {
            return Ok(());
        };
        let label = |key: &str| metadata.labels.get(key).map(|value| &**value);
        let wanted = [
            (labels::FLEET, (*truth.fleet).to_owned()),
            (labels::GROUP, (**group).to_owned()),
            (labels::EXECUTOR, executor.to_string()),
            (labels::TEMPLATE, labels::template_value(*template)),
        ];
        for (key, value) in wanted {
            if label(key) != Some(&value) {
                return violated(format!(
                    "{executor} is made with label {key}: {:?}",
                    label(key)
                ));
            }
        }
        let owners: Vec<&str> = metadata
            .owner_references
            .iter()
            .map(|owner| &*owner.uid)
            .filter(|uid| *uid != super::SECOND_OWNER)
            .collect();
        if owners != owner.iter().copied().collect::<Vec<_>>() {
            return violated(format!(
                "{executor} is made with the owners {owners:?}, not {owner:?}"
            ));
        }
        Ok(())
    }
}
