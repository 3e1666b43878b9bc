//! L1: when faults stop and what is wanted stays, what lives is what is wanted, and stays so.
//!
//! Each pod of a group runs and is registered, as many as its target says, and the controller says so too. Where a group
//! can never start, the others must not mind (L3), as long as its failures do not halt them all (FAIL-1).

use super::{About, Checker, Fact, Rest, Result, Truth, violated};
use evenkeel::core::{Group, config::EngineMode, plan::Unmet};
use std::collections::BTreeMap;

/// The checker.
#[derive(Clone, Debug, Default)]
pub struct L1;

/// What is not as it should be at rest; None where all is.
#[must_use]
pub fn missing(truth: &Truth, rest: &Rest<'_>) -> Option<String> {
    let known = truth.processes.get(&rest.process)?;
    if !known.spoke {
        return Some("the engine has not said what it wants".to_owned());
    }
    let mut live: BTreeMap<&Group, u64> = BTreeMap::new();
    for pod in truth.pods.values() {
        let view = &pod.view;
        let group = truth.group_of(pod, known.incarnation);
        let group = group.filter(|group| !rest.broken.contains(*group));
        let Some((id, group)) = pod.executor.zip(group) else {
            continue;
        };
        let of = known.executors.get(&id);
        // Where more is wanted than there may be, one on its way out can be in the place of one that is short.
        if of.is_some_and(|of| of.draining.is_some()) {
            return Some(format!("{} is being drained", view.name));
        }
        let registered =
            truth.config.engine == EngineMode::None || of.is_some_and(|of| of.registered);
        if !pod.runs() || !registered {
            return Some(format!(
                "{} is {:?}{}{}",
                view.name,
                view.phase,
                if pod.is_alive() {
                    ""
                } else {
                    ", ended or terminating"
                },
                if registered { "" } else { ", not registered" },
            ));
        }
        *live.entry(group).or_default() += 1;
    }
    let status = rest.controller.status();
    let wanted = known
        .groups
        .iter()
        .filter(|(group, _)| !rest.broken.contains(*group));
    // Where more is wanted than there may be, somebody is short.
    let most = truth.config.growing.max_executors.unwrap_or(u64::MAX);
    let total: u64 = known.groups.values().map(|wish| wish.target).sum();
    let there: u64 = live.values().sum();
    // More than that may be there where a late copy of a dead controller's create came: none is let go for it.
    if total > most && there < most {
        return Some(format!(
            "there are {there}, of {total} wanted and at most {most}"
        ));
    }
    for (group, wish) in wanted {
        let live = live.remove(group).unwrap_or(0);
        let said = status.groups.get(group);
        let halts = said.is_some_and(|said| said.unmet.contains_key(&Unmet::Halted));
        let halted = halts && !rest.broken.is_empty();
        if live > wish.target || (live < wish.target && total <= most && !halted) {
            return Some(format!("group {group} has {live} of {}", wish.target));
        }
        if said.is_some_and(|said| said.rolling > 0 && total + said.rolling <= most) {
            return Some(format!("group {group} is being rolled"));
        }
    }
    if let Some((group, live)) = live.into_iter().next() {
        return Some(format!("group {group} is not wanted, and has {live}"));
    }
    let rolls: u64 = status.groups.values().map(|group| group.rolling).sum();
    if rest.broken.is_empty() && total + rolls <= most && !status.at_target {
        let open = rest.controller.snapshot().executors();
        let open: Vec<String> = open
            .filter(|(_, of)| of.has_open_write())
            .map(|(id, _)| id.to_string())
            .collect();
        return Some(format!(
            "all is as wanted, and the status says it is not; writes are open of {open:?}"
        ));
    }
    None
}

impl Checker for L1 {
    fn name(&self) -> &'static str {
        "L1"
    }

    fn about(&self) -> &'static [About] {
        &[]
    }

    fn look(&mut self, _fact: &Fact<'_>, _truth: &Truth) -> Result {
        Ok(())
    }

    fn rest(&mut self, truth: &Truth, rest: &Rest<'_>) -> Result {
        missing(truth, rest).map_or(Ok(()), violated)
    }
}
