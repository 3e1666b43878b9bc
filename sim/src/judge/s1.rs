//! S1: live pods and creates under way are never more than what is wanted and the surge that a roll may take.
//!
//! Looked at when a create is asked for: what a controller could not know of (a late copy of a dead controller's
//! create, a stranger's pod) is not its fault. And nobody begins an effect while another one holds the lease.

use super::{About, Checker, Fact, Result, Truth, known::Known, truth::End, violated};
use evenkeel::core::{Group, Output, output::Action};

/// The checker.
#[derive(Clone, Debug, Default)]
pub struct S1;

impl Checker for S1 {
    fn name(&self) -> &'static str {
        "S1"
    }

    fn about(&self) -> &'static [About] {
        &[About::Said, About::Sent]
    }

    fn look(&mut self, fact: &Fact<'_>, truth: &Truth) -> Result {
        match fact {
            Fact::Said {
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
            } => {
                let Some(known) = truth.processes.get(process) else {
                    return Ok(());
                };
                let again = known
                    .executors
                    .get(executor)
                    .is_some_and(|of| of.creates > 0);
                if again {
                    return Ok(());
                }
                in_group(truth, known, group)?;
                in_fleet(truth, known)
            }
            Fact::Sent {
                process,
                at,
                action,
            } => alone(truth, *process, *at, *action),
            _ => Ok(()),
        }
    }
}

fn in_group(truth: &Truth, known: &Known, group: &Group) -> Result {
    let target = known.groups.get(group).map_or(0, |wish| wish.target);
    let mut live = 0;
    let mut outdated = false;
    for pod in truth.counting(known) {
        if pod.view.labels.group.as_ref() != Some(group) {
            continue;
        }
        live += 1;
        outdated |= known.groups.get(group).is_some_and(|wish| {
            pod.view
                .labels
                .template
                .is_some_and(|made| made != wish.template)
        });
    }
    let under_way = truth.counting_under_way(known);
    let under_way = under_way.filter(|of| *of == group).count() as u64;
    let roll = &truth.config.group(group).roll;
    let surge = match roll.every.is_some() || (roll.on_change && outdated) {
        true => u64::from(roll.at_once),
        false => 0,
    };
    if live + under_way + 1 > target.saturating_add(surge) {
        return violated(format!(
            "group {group}: one more is asked for, with {live} alive and {under_way} under way of {target} wanted"
        ));
    }
    Ok(())
}

fn in_fleet(truth: &Truth, known: &Known) -> Result {
    let Some(most) = truth.config.growing.max_executors else {
        return Ok(());
    };
    // One that was shown finished, or gone, is not in the way, though it may be back since; nor is a ghost, nor one that
    // was told as lost after a listing had lacked it, as missing, or as refused and was never shown (GROW-3).
    let there = truth.answered_for(known).filter(|pod| {
        let of = pod.executor.and_then(|id| known.executors.get(&id));
        let over = of.is_some_and(|of| {
            let lacked = pod.was_out_of_view && of.lost.is_some();
            of.gone
                || of.strange
                || lacked
                || of.rejected && of.shown.is_none()
                || of.is_missing()
                || of.end.as_ref().is_some_and(|end| *end != End::Voluntary)
        });
        !pod.finished && !over
    });
    let there = there.count() as u64;
    let under_way = truth.under_way(known).count() as u64;
    if there + under_way + 1 > most {
        return violated(format!(
            "one more is asked for, with {there} in the cluster and {under_way} under way of at most {most}"
        ));
    }
    Ok(())
}

fn alone(
    truth: &Truth,
    process: u32,
    at: evenkeel::core::Time,
    action: evenkeel::core::ActionId,
) -> Result {
    let Some(known) = truth.processes.get(&process) else {
        return Ok(());
    };
    let effect = known.open.get(&action).map(|effect| &effect.action);
    let mine = known.held_until.is_some_and(|until| at <= until);
    if !mine {
        return violated(format!("{effect:?} is begun without the lease"));
    }
    let others = truth
        .processes
        .iter()
        .filter(|(other, _)| **other != process);
    for (other, of) in others {
        let its_now = truth.now.since(of.started);
        let holds = of.held_until.is_some_and(|until| its_now.0 <= until.0);
        if holds && of.incarnation > known.incarnation {
            return violated(format!(
                "{effect:?} is begun while process {other} holds the lease, as incarnation {}",
                of.incarnation
            ));
        }
    }
    Ok(())
}
