//! S7: each end is told once, with its first cause; and what was no fault of the executor's is not charged to it.

use super::{About, Checker, Fact, Result, Truth, truth::End, violated};
use evenkeel::core::{
    Output,
    output::{Cause, Notice},
};

/// The checker.
#[derive(Clone, Debug, Default)]
pub struct S7;

impl Checker for S7 {
    fn name(&self) -> &'static str {
        "S7"
    }

    fn about(&self) -> &'static [About] {
        &[About::Said]
    }

    fn look(&mut self, fact: &Fact<'_>, truth: &Truth) -> Result {
        let Fact::Said {
            process,
            output: Output::Notice(Notice::Lost {
                executor, cause, ..
            }),
            ..
        } = fact
        else {
            return Ok(());
        };
        if !truth.ids.contains_key(executor) {
            // A stranger's, with our labels: what became of it before it was taken in is no matter.
            return Ok(());
        }
        let Some(of) = truth.known(*process, *executor) else {
            return violated(format!(
                "{executor} is told lost, and nobody ever spoke of it"
            ));
        };
        if let Some(before) = &of.lost {
            return violated(format!(
                "{executor} is told lost twice: {before:?}, then {cause:?}"
            ));
        }
        let there = truth.pods.get(&executor.pod_name(&truth.fleet));
        let lives = there.is_some_and(|pod| {
            pod.is_in_view() && pod.is_alive() && of.uid.as_ref() == Some(&pod.view.uid)
        });
        // One that lost our label has left the view: SEE-4 takes it for gone, whatever became of it since.
        // One that was shown to have ended is not taken back, whatever its pod does since.
        let out_of_view = of.gone || of.end.is_some();
        // One whose name was taken never had a pod: what is there is a stranger's.
        let never_was = of.made.is_none() && matches!(cause, Cause::CreateRejected { .. });
        if lives && !out_of_view && !never_was && of.condemned.is_none() && *cause != Cause::Missing
        {
            return violated(format!(
                "{executor} is told lost ({}), and lives",
                cause.name()
            ));
        }
        // What was shown decides; where nothing was shown of its end, what truly happened does.
        let decided = of.condemned.is_some();
        match &of.end {
            Some(End::Failed { exit_code }) if !decided && !of.disrupted => {
                let right = match cause {
                    Cause::AppFailed { exit_code: told } => *told == Some(*exit_code),
                    Cause::OomKilled => true,
                    // It ended before it had started well, or was already given up.
                    Cause::StartFailed { .. } | Cause::Missing => true,
                    _ => false,
                };
                if !right {
                    return violated(format!(
                        "{executor} was shown to have failed with exit code {exit_code}, and is told {cause:?}"
                    ));
                }
            }
            Some(End::Voluntary) => {
                let blamed = matches!(
                    cause,
                    Cause::AppFailed { .. } | Cause::OomKilled | Cause::StartFailed { .. }
                );
                let own = decided || of.failed.is_some();
                if blamed && !own {
                    return violated(format!(
                        "{executor} was put out or deleted, and is told {cause:?}, which is charged to it"
                    ));
                }
            }
            _ => {}
        }
        let truly = truth
            .ends
            .get(executor)
            .filter(|(uid, _)| of.uid.as_ref() == Some(uid));
        if let Some((_, End::Voluntary)) = truly
            && matches!(cause, Cause::AppFailed { .. } | Cause::OomKilled)
        {
            return violated(format!(
                "{executor} was put out or deleted, and is told {cause:?}, which is charged to it"
            ));
        }
        Ok(())
    }
}
