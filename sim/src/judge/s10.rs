//! S10: a claim is held by at most one pod that exists; one that ended and is kept (END-2) holds none. And who runs is not
//! deleted for a claim that is there, and that nobody else was ever given.
//!
//! A create that a dead controller sent, or that was given up and lands late, and a copy that something between made,
//! nobody could know of: what they lead to is to be mended. So with a pod that lost our label and was not shown doing so.

use super::{About, Checker, Fact, Rest, Result, Truth, violated};
use evenkeel::core::{
    ExecutorId, Name, Output,
    output::{Action, Why},
};
use std::collections::{BTreeMap, BTreeSet};

/// The checker.
#[derive(Clone, Debug, Default)]
pub struct S10 {
    /// Those whose create landed late.
    late: BTreeSet<ExecutorId>,
    /// Whose creates named each claim.
    given: BTreeMap<Name, BTreeSet<ExecutorId>>,
    /// Claims that a controller asked to delete: who shows late, and uses one, goes with it.
    deleted: BTreeSet<Name>,
}

impl Checker for S10 {
    fn name(&self) -> &'static str {
        "S10"
    }

    fn about(&self) -> &'static [About] {
        &[About::Pod, About::Landed, About::Said]
    }

    fn remembers(&self) -> bool {
        true
    }

    fn look(&mut self, fact: &Fact<'_>, truth: &Truth) -> Result {
        let (executor, now) = match fact {
            Fact::Said {
                output: Output::Execute { action, why, .. },
                ..
            } => return self.asked(action, *why, truth),
            Fact::Landed {
                process,
                action: Action::Create { executor, .. },
                late,
                ..
            } => {
                if *late || !truth.processes.contains_key(process) {
                    self.late.insert(*executor);
                }
                return Ok(());
            }
            Fact::Pod {
                executor: Some(executor),
                now,
                gone: false,
            } => (*executor, now),
            _ => return Ok(()),
        };
        if now.claims.is_empty()
            || truth.pods.contains_key(&now.name)
            || self.late.contains(&executor)
        {
            return Ok(());
        }
        for other in truth.pods.values() {
            let mut claims = other.view.claims.iter();
            let Some(claim) = claims.find(|claim| now.claims.contains(claim)) else {
                continue;
            };
            let Some(id) = other.executor.filter(|id| !self.late.contains(id)) else {
                continue;
            };
            let known = || {
                let all = truth.processes.values();
                let all = all.filter_map(|of| of.executors.get(&id));
                all.filter(|of| of.uid.is_some())
            };
            // Only who asked for it can know that it is still there.
            let asker = truth.ids.get(&executor).copied();
            let of = asker.and_then(|process| truth.known(process, id));
            let strayed = other.is_alive() && of.is_some_and(|of| of.strayed && of.creates > 0);
            // With our label lost on its way out.
            let told_gone = known().next().is_some() && known().all(|of| of.gone);
            // Never shown, and lacking in a listing that should have had it.
            let withheld = of.is_some_and(|of| of.lacked && of.lost.is_some());
            let unseen = !other.is_in_view() || other.was_out_of_view || told_gone || withheld;
            if !strayed && unseen {
                continue;
            }
            return violated(format!(
                "{} and {} both use {claim}",
                other.view.name, now.name
            ));
        }
        Ok(())
    }

    fn rest(&mut self, truth: &Truth, _rest: &Rest<'_>) -> Result {
        let mut held = BTreeSet::new();
        let live = truth
            .pods
            .values()
            .filter(|pod| pod.is_alive() && pod.is_in_view());
        for claim in live.flat_map(|pod| &pod.view.claims) {
            if !held.insert(claim) {
                return violated(format!("at rest, several pods use {claim}"));
            }
        }
        Ok(())
    }
}

impl S10 {
    fn asked(&mut self, action: &Action, why: Why, truth: &Truth) -> Result {
        match action {
            Action::Create {
                executor, claims, ..
            } => {
                for claim in claims {
                    let given = self.given.entry(claim.clone()).or_default();
                    given.insert(*executor);
                }
                Ok(())
            }
            Action::DeleteClaim { name } => {
                self.deleted.insert(name.clone());
                Ok(())
            }
            Action::Delete { executor, .. } if why == Why::Claim && !truth.claims_lost => {
                let pod = truth.pods.get(&executor.pod_name(&truth.fleet));
                let runs = pod.filter(|pod| pod.runs());
                let alone = |claim: &Name| {
                    let given = self.given.get(claim);
                    given.is_some_and(|of| of.len() == 1) && !self.deleted.contains(claim)
                };
                if runs.is_some_and(|pod| pod.view.claims.iter().all(alone)) {
                    return violated(format!(
                        "{executor} runs, and is deleted for a claim that nobody else was given"
                    ));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
