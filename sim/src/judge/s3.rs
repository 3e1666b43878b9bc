//! S3: an id is given to one executor, once, for the life of the fleet, over all incarnations.
//!
//! A create may be repeated only while nobody knows whether it took effect, and only by the one who asked first.

use super::{About, Checker, Fact, Result, Truth, truth::TruePod, violated};
use evenkeel::core::{
    Output,
    output::{Action, Notice},
};

/// The checker.
#[derive(Clone, Debug, Default)]
pub struct S3;

impl Checker for S3 {
    fn name(&self) -> &'static str {
        "S3"
    }

    fn about(&self) -> &'static [About] {
        &[About::Said]
    }

    fn look(&mut self, fact: &Fact<'_>, truth: &Truth) -> Result {
        let Fact::Said {
            process, output, ..
        } = fact
        else {
            return Ok(());
        };
        match output {
            Output::Execute {
                action: Action::Create { executor, .. },
                ..
            } => {
                match truth.ids.get(executor) {
                    None => {}
                    Some(first) if first != process => {
                        return violated(format!(
                            "{executor} is asked for by process {process}, and was by process {first}"
                        ));
                    }
                    Some(_) => {
                        let of = truth.known(*process, *executor);
                        if of.is_some_and(|of| of.definite) {
                            return violated(format!(
                                "{executor} is asked for again, though it is known to be made"
                            ));
                        }
                        if of.is_some_and(|of| of.lost.is_some()) {
                            return violated(format!(
                                "{executor} is asked for again, though it has ended"
                            ));
                        }
                    }
                }
                Ok(())
            }
            Output::Notice(Notice::Started { executor, .. }) => {
                let of = truth.known(*process, *executor);
                if of.is_some_and(|of| of.started) {
                    return violated(format!("{executor} is told started twice"));
                }
                let never_shown = of.is_some_and(|of| of.shown.is_none());
                let pod = truth.pods.get(&executor.pod_name(&truth.fleet));
                // It may have lost our label since its create was answered with it (GROW-3).
                let answered =
                    |pod: &TruePod| of.is_some_and(|of| of.uid.as_ref() == Some(&pod.view.uid));
                let strange =
                    |pod: &TruePod| pod.executor.is_none() || !pod.is_in_view() && !answered(pod);
                if never_shown && pod.is_some_and(strange) {
                    return violated(format!(
                        "{executor} is told started, and the pod of that name is a stranger's"
                    ));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
