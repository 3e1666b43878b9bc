//! S7: each end is told once, with its first cause; and what was no fault of the executor's is not charged to it.

use super::{About, Checker, Fact, Rest, Result, Truth, truth::End, violated};
use evenkeel::core::{
    Output, Status,
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
        let (process, executor, cause) = match fact {
            Fact::Said {
                process,
                output:
                    Output::Notice(Notice::Lost {
                        executor, cause, ..
                    }),
                ..
            } => (process, executor, cause),
            Fact::Said {
                process,
                output: Output::Status(status),
                ..
            } => return counted(truth, *process, status),
            _ => return Ok(()),
        };
        if !truth.ids.contains_key(executor) {
            // A stranger's, with our labels: what became of it before it was taken in is no matter.
            return Ok(());
        }
        let known = truth.known(*process, *executor);
        let transient = known.is_some_and(|of| !of.rejected);
        if matches!(cause, Cause::CreateRejected { .. }) && transient {
            return violated(format!(
                "{executor} is told {cause:?}, and nothing was refused for good"
            ));
        }
        if *cause == Cause::DeletedByOther
            && known.is_some_and(|of| {
                let deleted = of.done.iter().any(|(verb, _)| *verb == "delete");
                of.deleted_first && deleted && !of.bound && !of.strayed && !of.strange
            })
        {
            return violated(format!(
                "{executor} is told deleted by others, and this controller deleted it"
            ));
        }
        let Some(of) = known else {
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
            let there = pod.is_in_view() && !pod.was_out_of_view;
            there && pod.is_alive() && of.uid.as_ref() == Some(&pod.view.uid)
        });
        // One that lost our label has left the view: SEE-4 takes it for gone, whatever became of it since.
        // One that was shown to have ended is not taken back, whatever its pod does since.
        let out_of_view = of.gone || of.end.is_some();
        // One whose name was taken never had a pod: what is there is a stranger's.
        let never_was = of.made.is_none() && matches!(cause, Cause::CreateRejected { .. });
        if lives && !out_of_view && !never_was && !of.condemned && *cause != Cause::Missing {
            return violated(format!(
                "{executor} is told lost ({}), and lives",
                cause.name()
            ));
        }
        // What was shown decides; where nothing was shown of its end, what truly happened does.
        let decided = of.condemned;
        let shown = of.end.as_ref().filter(|_| !of.end_doubted);
        match shown {
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
                // Asked for before it was seen going: that decides, though somebody else's delete came first.
                let own = decided || of.deleted_first || of.failed.is_some();
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

    fn rest(&mut self, truth: &Truth, rest: &Rest<'_>) -> Result {
        let Some(known) = truth.processes.get(&rest.process) else {
            return Ok(());
        };
        for (executor, (uid, end)) in &truth.ends {
            // One that was started again in place goes on, where that was not seen.
            let pod = truth.pods.get(&executor.pod_name(&truth.fleet));
            if pod.is_some_and(|pod| pod.view.uid == *uid) {
                continue;
            }
            let untold = known
                .executors
                .get(executor)
                .is_some_and(|of| of.started && of.lost.is_none() && of.uid.as_ref() == Some(uid));
            if untold && rest.is_quiet {
                return violated(format!(
                    "{executor} was told started, has ended ({end:?}), and nobody was told"
                ));
            }
        }
        Ok(())
    }
}

/// Each failure is counted once: no more of them than were told, and are about to be.
fn counted(truth: &Truth, process: u32, status: &Status) -> Result {
    let Some(known) = truth.processes.get(&process) else {
        return Ok(());
    };
    let counted: u64 = status.groups.values().map(|group| group.failures).sum();
    // Statuses are many, and executors may have been thousands: no more are looked for than are missing, newest first.
    let Some(missing) = counted.checked_sub(known.failures) else {
        return Ok(());
    };
    let all = known.executors.values().rev();
    let untold = all.filter(|of| {
        // GROW-6: charged when its delete is answered.
        of.lost.is_none() && (of.condemned || of.end.is_some() || of.gone || of.rejected)
    });
    let untold = untold.take(usize::try_from(missing).unwrap_or(usize::MAX));
    let most = known.failures + untold.count() as u64;
    if counted > most {
        return violated(format!(
            "{counted} failures are counted, of {most} that were told"
        ));
    }
    Ok(())
}
