//! The end of all faults: everything is made well, and the engine does as it should.

use super::{Life, strike::right, wire::Due};
use crate::{
    judge::{Fact, Rest, Violation, missing},
    story::Verb,
    table::Tally,
};
use evenkeel::{
    api::labels,
    core::{
        Controller, Group, Input, Name, Span, Time,
        input::{DesiredChange, KillReason, Shutdown},
        plan::Unmet,
    },
};
use std::collections::BTreeMap;

/// How often it is looked whether the fleet has come to rest.
const LOOK_EVERY: Span = Span::seconds(5);
/// Where executors are replaced for their age, it rests at least once in such a time.
const BETWEEN_ROLLS: Span = Span::seconds(3600);
/// What happened before may only show after so long: a lost node's pods are collected after a minute.
const CONSEQUENCES: Span = Span::seconds(70);
/// Halts that old failures still lead to are lifted so long after faults end.
const LIFTS_HALTS: Span = Span::seconds(900);

impl Life {
    /// Faults are over: what they left is healed, but for groups that can never start.
    pub fn calm(&mut self) {
        if let Some(recorder) = &mut self.recorder {
            recorder.calm(self.world.now());
        }
        self.look(&Fact::Calm);
        self.heal_wire();
        self.heal_world();
        self.heal_processes();
        self.wish(DesiredChange {
            suspend: Some(false),
            resume_after_halt: true,
            ..DesiredChange::default()
        });
        self.take_back_lies();
        let status = self.controller().map(|of| of.status().clone());
        self.ask_engine(|engine, say| {
            engine.calm(say);
            if let Some(status) = &status {
                engine.status(status, say);
            }
        });
        self.tell_truth();
    }

    fn heal_wire(&mut self) {
        let pods = self.wire.pods;
        self.wire = super::Wire {
            pods,
            ..super::Wire::default()
        };
        self.dies_at = None;
    }

    fn heal_world(&mut self) {
        let due: Vec<(Time, u64)> = self
            .agenda
            .iter()
            .filter(|(_, due)| matches!(due, Due::Over(_)))
            .map(|(at, _)| *at)
            .collect();
        for at in due {
            if let Some(Due::Over(over)) = self.agenda.remove(&at) {
                self.over(over);
            }
        }
        self.remove_strays();
        self.world.set_scheduler(true);
        self.world.set_quota(None);
        self.world.heal();
        let calm = self.setup.world.weather.clone();
        self.world.set_weather(calm);
        for verb in [
            Verb::Create,
            Verb::Delete,
            Verb::Patch,
            Verb::Claim,
            Verb::List,
            Verb::Watch,
            Verb::Lease,
        ] {
            if let Some((kind, right)) = right(verb) {
                self.world.permit(kind, right);
            }
        }
    }

    /// Pods that somebody took our label off are gone: nobody of ours can know of them.
    fn remove_strays(&mut self) {
        let named = format!("{}-exec-", self.setup.fleet);
        let strays: Vec<Name> = self
            .world
            .pods()
            .filter(|pod| {
                pod.metadata.name.starts_with(&named)
                    && !pod.metadata.labels.contains_key(labels::FLEET)
            })
            .map(|pod| (*pod.metadata.name).into())
            .collect();
        for name in strays {
            self.force_out(&name);
        }
    }

    /// What never was as the engine said is taken back.
    fn take_back_lies(&mut self) {
        let lies = std::mem::take(&mut self.false_registrations);
        let kill = lies.into_iter().filter(|id| !self.running.contains(id));
        let kill = kill.map(|id| (id, KillReason::Unhealthy("never there".into())));
        self.wish(DesiredChange {
            kill: kill.collect(),
            ..DesiredChange::default()
        });
    }

    /// One process is left, the newest.
    fn heal_processes(&mut self) {
        while self.processes.len() > 1 {
            let old = self.processes.remove(0);
            self.bury(&old);
        }
        self.agenda
            .retain(|_, due| !matches!(due, Due::Start { .. }));
        if self.processes.is_empty() {
            self.start_process(true);
        }
        if let Some(process) = self.processes.last_mut() {
            process.wall_off = 0;
            if process.stands_still.is_some() {
                process.stands_still = Some(self.world.now());
                let serial = process.serial;
                self.go_on(serial);
            }
        }
    }

    /// Waits for the fleet to come to rest, for at most `bound`, and then whether it stays so for `stay`. What is wrong,
    /// the judge has.
    pub fn come_to_rest(&mut self, bound: Span, stay: Span) {
        let began = self.world.now();
        let end = began.after(bound);
        self.run(CONSEQUENCES);
        loop {
            self.run(LOOK_EVERY);
            if self.is_over() {
                return;
            }
            if self.rests() {
                // What only a listing shows is to be seen before it counts as rest.
                if let Some(serial) = self.processes.last().map(|process| process.serial) {
                    self.handle(serial, Input::Relist);
                }
                self.run(LOOK_EVERY);
                if self.is_over() {
                    return;
                }
                if self.rests() {
                    break;
                }
            }
            if self.world.now() >= end {
                return self.judge_rest(Span(0), false);
            }
            self.lift_halt(began);
        }
        if let Some(judge) = &mut self.judge {
            judge.before_rest();
        }
        let since = self.world.now();
        let until = since.after(stay);
        let quiet = self.is_quiet();
        while self.world.now() < until {
            self.run(LOOK_EVERY);
            if self.is_over() {
                return;
            }
            if quiet && !self.rests() {
                break;
            }
        }
        // Where executors are replaced for their age, it rests in between.
        let last = self.world.now().after(BETWEEN_ROLLS);
        while !quiet && !self.rests() && self.world.now() < last {
            self.run(LOOK_EVERY);
            if self.is_over() {
                return;
            }
        }
        let lasted = self.world.now().since(since);
        self.judge_rest(lasted, quiet);
    }

    /// Nothing is replaced for its age alone.
    fn is_quiet(&self) -> bool {
        let groups = self.setup.config.every_group();
        let mut rolls = groups.map(|group| group.roll.every);
        self.broken.is_empty() && rolls.all(|every| every.is_none())
    }

    fn lift_halt(&mut self, began: Time) {
        let halted = self.controller().is_some_and(|controller| {
            let mut groups = controller.status().groups.values();
            groups.any(|group| group.unmet.contains_key(&Unmet::Halted))
        });
        if halted && self.world.now() < began.after(LIFTS_HALTS) {
            self.wish(DesiredChange {
                resume_after_halt: true,
                ..DesiredChange::default()
            });
        }
    }

    /// All is as it should be, and nothing is under way.
    fn rests(&self) -> bool {
        let effects = self
            .agenda
            .values()
            .any(|due| matches!(due, Due::Effect(_)));
        // One that waits for a dead one's lease has yet to begin.
        let leads = |controller: &Controller| controller.snapshot().is_acting();
        if effects || !self.controller().is_some_and(leads) {
            return false;
        }
        let Some((judge, rest)) = self.judge.as_ref().zip(self.rest(Span(0), false)) else {
            return self
                .controller()
                .is_some_and(|controller| controller.status().at_target);
        };
        // What took effect, and whose answer is on its way, leads to the next.
        let known = judge.truth().processes.get(&rest.process);
        let answered = known.is_none_or(|known| known.open.is_empty());
        answered && missing(judge.truth(), &rest).is_none()
    }

    fn rest(&self, lasted: Span, is_quiet: bool) -> Option<Rest<'_>> {
        let process = self.processes.last()?;
        Some(Rest {
            process: process.serial,
            controller: &process.controller,
            broken: &self.broken,
            lasted,
            is_quiet,
        })
    }

    fn judge_rest(&mut self, lasted: Span, is_quiet: bool) {
        let now = self.world.now();
        let Some(mut judge) = self.judge.take() else {
            return;
        };
        if let Some(rest) = self.rest(lasted, is_quiet) {
            judge.rest(now, &rest);
        }
        self.judge = Some(judge);
    }

    /// The fleet was shut down, and should have ended by now: what is left of it, the judge has.
    pub fn judge_end(&mut self, shutdown: Shutdown) {
        if self.violation().is_some() {
            return;
        }
        // A claim goes a moment after the last pod that used it.
        let now = self.world.now().after(Span::seconds(60));
        self.world.advance(now);
        self.tell_truth();
        let left = self.left_over();
        // One that does not have the lease ends at once, and leaves the fleet to whom it is.
        let mut all = self
            .judge
            .iter()
            .flat_map(|judge| judge.truth().processes.values());
        let ended = all.any(|known| known.removed_lease);
        let finished = self.report.finished;
        let Some(judge) = &mut self.judge else {
            return;
        };
        if !finished {
            judge.broken(
                now,
                "L1",
                format!("the shutdown ({shutdown:?}) does not come to its end"),
            );
        } else if let Some(left) = left.filter(|_| shutdown != Shutdown::Leave && ended) {
            judge.broken(now, "S2", format!("after the shutdown {left} is left"));
        }
    }

    /// Something of the fleet's that is there.
    fn left_over(&self) -> Option<String> {
        let truth = self.judge.as_ref()?.truth();
        let pod = truth.pods.values().find(|pod| {
            let ours = pod.executor.is_some_and(|id| truth.ids.contains_key(&id));
            let named = pod
                .executor
                .is_some_and(|id| id.pod_name(&truth.fleet) == pod.view.name);
            // What was without our label for a while may be back since.
            let in_view = pod.view.labels.executor.is_some() && !pod.was_out_of_view;
            let late = truth.late_pods.contains(&pod.view.name);
            ours && named && in_view && !late && pod.view.labels.group.is_some()
        });
        if let Some(pod) = pod {
            return Some(pod.view.name.to_string());
        }
        let mut claims = self.world.claims();
        let claim = claims.find(|claim| {
            let late = truth.late_claims.contains(&*claim.metadata.name);
            let there = claim.metadata.deletion_timestamp.is_none() && !late;
            claim.is_of(&self.setup.fleet) && there
        })?;
        Some(format!("the claim {}", claim.metadata.name))
    }

    /// The first invariant that was broken.
    #[must_use]
    pub fn violation(&self) -> Option<&Violation> {
        self.judge.as_ref()?.violation()
    }

    /// Where the fleet is now: what lives, and what that took.
    #[must_use]
    pub fn rested(&self) -> Rested {
        let mut rested = Rested {
            effects: self.report.effects.values().sum(),
            ..Rested::default()
        };
        let Some(judge) = &self.judge else {
            return rested;
        };
        let truth = judge.truth();
        rested.ended = truth.ends.len() as u64;
        let all = truth.processes.values();
        let incarnation = all.map(|known| known.incarnation).max().unwrap_or(0);
        rested.wanted = self.wished.groups.values().map(|wish| wish.target).sum();
        for pod in truth.pods.values().filter(|pod| pod.is_alive()) {
            if let Some(group) = truth.group_of(pod, incarnation) {
                *rested.live.entry(group.clone()).or_default() += 1;
            }
        }
        rested
    }

    /// What met what, at the end.
    #[must_use]
    pub fn into_tally(self) -> Option<Tally> {
        self.tally
    }
}

/// Where a fleet came to rest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rested {
    /// Live executors by group.
    pub live: BTreeMap<Group, u64>,
    /// Executors that the engine wants, over all groups.
    pub wanted: u64,
    /// Effects up to there.
    pub effects: u64,
    /// Pods that ended up to there.
    pub ended: u64,
}
