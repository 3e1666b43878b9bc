//! S13: the view never goes back: what is older than what a controller was shown before leads to nothing.

use super::{About, Checker, Fact, Result, Truth, violated};
use evenkeel::core::{ExecutorId, Input, Output, Revision, input::WatchEvent, output::Notice};

/// The checker.
#[derive(Clone, Debug, Default)]
pub struct S13 {
    /// What the controller is being given is old: of one executor, or a whole listing.
    old: Option<Old>,
}

#[derive(Clone, Debug)]
enum Old {
    Of(ExecutorId, Revision),
    Listing(Revision),
}

impl Checker for S13 {
    fn name(&self) -> &'static str {
        "S13"
    }

    fn about(&self) -> &'static [About] {
        &[About::Given, About::Said]
    }

    fn look(&mut self, fact: &Fact<'_>, truth: &Truth) -> Result {
        match fact {
            Fact::Given {
                process,
                input,
                due,
                ..
            } => {
                self.old = if *due {
                    None
                } else {
                    old(truth, *process, input)
                };
                Ok(())
            }
            Fact::Said { output, .. } => match (&self.old, output) {
                (Some(Old::Of(executor, revision)), output) if about(output) == Some(*executor) => {
                    violated(format!(
                        "{executor} is shown at revision {revision}, older than before, and that leads to {output:?}"
                    ))
                }
                (Some(Old::Listing(revision)), Output::Notice(Notice::Lost { .. })) => {
                    violated(format!(
                        "a listing of revision {revision}, older than the last one, leads to {output:?}"
                    ))
                }
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }
}

fn old(truth: &Truth, process: u32, input: &Input) -> Option<Old> {
    let known = truth
        .processes
        .get(&process)
        .filter(|known| known.awaits(input))?;
    match input {
        Input::Watched {
            event: WatchEvent::Seen(view) | WatchEvent::Left(view),
            ..
        } => {
            let id = view.labels.executor.as_deref()?.parse().ok()?;
            let of = known.executors.get(&id)?;
            let same = of.uid.as_ref() == Some(&view.uid);
            (same && of.surely_shown? > view.revision).then_some(Old::Of(id, view.revision))
        }
        Input::Listed {
            outcome: Ok(listing),
            ..
        } => {
            let old = known.is_old(truth.now, listing);
            old.then_some(Old::Listing(listing.revision))
        }
        _ => None,
    }
}

/// Whether that shows a controller what is older than what it was shown before.
pub(super) fn is_old(truth: &Truth, process: u32, input: &Input) -> bool {
    old(truth, process, input).is_some()
}

fn about(output: &Output) -> Option<ExecutorId> {
    match output {
        Output::Execute { action, .. } => action.executor(),
        Output::Notice(
            Notice::Started { executor, .. }
            | Notice::Drain { executor, .. }
            | Notice::Lost { executor, .. },
        ) => Some(*executor),
        _ => None,
    }
}
