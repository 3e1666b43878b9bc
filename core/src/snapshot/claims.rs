//! CLAIM: the fleet's persistent volume claims: which there are, who holds them, and what is under way with them.

use super::{Snapshot, answers::wait, governor::Answer, groups::HoldReason};
use crate::{
    config::Config,
    input::{ClaimView, Outcome, Refusal},
    words::{ActionId, ExecutorId, Group, Moment, Name, Span, Time},
};
use im::{OrdMap, OrdSet};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// All claims of the fleet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Claims {
    pub all: OrdMap<Name, Claim>,
    /// Those that nobody holds, oldest first.
    pub free: OrdSet<(Group, Moment, Name)>,
    /// Those on whom an effect is under way, or to be repeated.
    pub busy: OrdSet<Name>,
    /// Those that several executors hold.
    pub shared: OrdSet<Name>,
    actions: OrdMap<ActionId, Name>,
    /// The number of the next one that this incarnation makes.
    pub next: u32,
}

/// One claim.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Claim {
    pub group: Group,
    pub class: Option<Name>,
    pub bytes: u64,
    /// When it was made.
    pub born: Moment,
    /// Since when it is known to be there.
    since: Time,
    pub step: Step,
    /// An executor held it, or may have.
    pub used: bool,
    /// It has a deletion timestamp.
    pub deleting: bool,
}

/// How far a claim has come.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Step {
    /// It is there, and nothing is under way with it.
    There,
    /// An earlier try may have made it, where that is unclear.
    Making {
        tries: u8,
        unclear: bool,
    },
    /// It may have been made: that is settled by a repeat.
    MakeAgain {
        at: Time,
        tries: u8,
    },
    Deleting {
        tries: u8,
    },
    DeleteAgain {
        at: Time,
        tries: u8,
    },
}

/// What an answer settles of a claim's making.
enum Made {
    There,
    /// By this try it was not made.
    Refused,
    /// The name is not ours to use.
    Taken,
}

impl Claims {
    pub fn has_nothing_open(&self) -> bool {
        self.actions.is_empty()
    }

    /// How many of the group's are there or in the making, and serve for that config.
    pub fn usable(&self, group: &Group, config: &crate::config::Claims) -> u64 {
        let mine = self.all.values().filter(|claim| claim.group == *group);
        mine.filter(|claim| claim.fits(config)).count() as u64
    }

    /// How many of the group's are in the making.
    pub fn in_making(&self, group: &Group) -> u64 {
        let busy = self.busy.iter().filter_map(|name| self.all.get(name));
        busy.filter(|claim| claim.group == *group && claim.is_in_making())
            .count() as u64
    }
}

impl Claim {
    /// Whether it serves an executor of that config: same class, same or larger size.
    pub fn fits(&self, config: &crate::config::Claims) -> bool {
        let class = config.class.is_none() || config.class == self.class;
        let goes =
            self.deleting || matches!(self.step, Step::Deleting { .. } | Step::DeleteAgain { .. });
        class && self.bytes >= config.bytes && !goes && (config.reuse || !self.used)
    }

    fn is_in_making(&self) -> bool {
        matches!(self.step, Step::Making { .. } | Step::MakeAgain { .. })
    }
}

fn holders(of: &OrdSet<(Name, ExecutorId)>, name: &Name) -> impl Iterator<Item = ExecutorId> {
    let held = of.range((name.clone(), ExecutorId::new(0, 0))..);
    held.take_while(move |(held, _)| held == name)
        .map(|(_, id)| *id)
}

impl Snapshot {
    /// The name of the `n`th claim after this that a plan makes.
    pub(crate) fn claim_name(&self, n: u32) -> Name {
        let number = self.claims.next.saturating_add(n).saturating_add(1);
        format!("{}-claim-{}-{number}", self.fleet, self.incarnation()).into()
    }

    /// CLAIM: held by no pod that still exists, and by no executor in flight.
    pub(super) fn note_claim(&mut self, name: &Name) {
        let held = self.is_held(name);
        if self.holders(name).nth(1).is_some() {
            self.claims.shared.insert(name.clone());
        } else {
            self.claims.shared.remove(name);
        }
        let Some(claim) = self.claims.all.get_mut(name) else {
            return;
        };
        claim.used |= held;
        let key = (claim.group.clone(), claim.born, name.clone());
        if !held && claim.step == Step::There && !claim.deleting {
            self.claims.free.insert(key);
        } else {
            self.claims.free.remove(&key);
        }
    }

    /// The executors that hold that claim, by id.
    pub(crate) fn holders(&self, name: &Name) -> impl Iterator<Item = ExecutorId> {
        holders(&self.index.claims, name)
    }

    pub(super) fn is_held(&self, name: &Name) -> bool {
        let strays = &self.index.stray_claims;
        self.holders(name)
            .chain(holders(strays, name))
            .next()
            .is_some()
    }

    pub(super) fn claim_issued(
        &mut self,
        config: &Config,
        action: ActionId,
        name: &Name,
        group: &Group,
    ) {
        let now = self.now;
        let (tries, unclear) = match self.claims.all.get(name).map(|claim| claim.step) {
            Some(Step::MakeAgain { tries, .. }) => (tries, true),
            _ => {
                self.claims.next = self.claims.next.saturating_add(1);
                (0, false)
            }
        };
        let wanted = config.group(group).claims.as_ref();
        let claim = Claim {
            group: group.clone(),
            class: wanted.and_then(|wanted| wanted.class.clone()),
            bytes: wanted.map_or(0, |wanted| wanted.bytes),
            born: now.into(),
            since: now,
            step: Step::Making { tries, unclear },
            used: false,
            deleting: false,
        };
        self.claims.all.insert(name.clone(), claim);
        self.begin_claim(action, name);
    }

    pub(super) fn claim_delete_issued(&mut self, action: ActionId, name: &Name) {
        if let Some(claim) = self.claims.all.get_mut(name) {
            let tries = match claim.step {
                Step::DeleteAgain { tries, .. } => tries,
                _ => 0,
            };
            claim.step = Step::Deleting { tries };
        }
        self.begin_claim(action, name);
    }

    fn begin_claim(&mut self, action: ActionId, name: &Name) {
        self.claims.actions.insert(action, name.clone());
        self.claims.busy.insert(name.clone());
        self.governor.others_in_flight += 1;
        self.note_claim(name);
    }

    /// The answer to an effect on a claim; false where it was none.
    pub(super) fn fold_claim_answer(
        &mut self,
        config: &Config,
        action: ActionId,
        outcome: &Outcome,
    ) -> bool {
        let Some(name) = self.claims.actions.remove(&action) else {
            return false;
        };
        let answer = Answer {
            action,
            create: false,
            outcome,
        };
        self.governor
            .answered(config, self.now, &answer, self.newest_action);
        let Some(claim) = self.claims.all.get(&name).cloned() else {
            return true;
        };
        match claim.step {
            Step::Making { tries, unclear } => {
                let settled = self.claim_made(config, &name, &claim, action, outcome);
                match settled {
                    Some(Made::There) => self.claim_at(&name, Step::There),
                    // The next one has the next number. A copy of an earlier try that lands after all is ours by its
                    // labels: a listing shows it.
                    Some(Made::Taken) => self.drop_claim(&name),
                    Some(Made::Refused) if !unclear && planted!(config, RefusedClaimCounts) => {}
                    Some(Made::Refused) if !unclear => self.drop_claim(&name),
                    Some(Made::Refused) | None => {
                        let at = self.now.after(wait(tries));
                        let tries = tries.saturating_add(1);
                        self.claim_at(&name, Step::MakeAgain { at, tries });
                    }
                }
            }
            Step::Deleting { tries } => match outcome {
                Outcome::Done { .. } | Outcome::Absent => {
                    self.note_claim_refused("delete claim", false);
                    self.drop_claim(&name);
                }
                _ => {
                    if let Outcome::Refused(Refusal::Forbidden(_) | Refusal::NotPermitted(_)) =
                        outcome
                    {
                        self.note_claim_refused("delete claim", true);
                    }
                    let at = self.now.after(wait(tries));
                    let tries = tries.saturating_add(1);
                    self.claim_at(&name, Step::DeleteAgain { at, tries });
                }
            },
            Step::There | Step::MakeAgain { .. } | Step::DeleteAgain { .. } => {}
        }
        true
    }

    /// What is known of a claim's making; None: nothing.
    fn claim_made(
        &mut self,
        config: &Config,
        name: &Name,
        claim: &Claim,
        action: ActionId,
        outcome: &Outcome,
    ) -> Option<Made> {
        let refusal = match outcome {
            Outcome::Done { .. } => {
                self.note_claim_refused("create claim", false);
                if let Some(known) = self.claims.all.get_mut(name) {
                    known.since = self.now;
                }
                return Some(Made::There);
            }
            Outcome::Refused(refusal) => refusal,
            Outcome::Exists(_) => return Some(Made::Taken),
            Outcome::Absent | Outcome::Changed | Outcome::Unclear(_) => return None,
        };
        let why = match refusal {
            Refusal::NamespaceGone => Some(HoldReason::NamespaceGone),
            Refusal::Quota(_) | Refusal::QuotaRace => Some(HoldReason::Quota),
            Refusal::NotPermitted(_) | Refusal::Forbidden(_) | Refusal::Invalid(_) => {
                self.note_claim_refused("create claim", true);
                Some(HoldReason::NotPermitted)
            }
            // The governor, or the lease, holds everything.
            Refusal::TooLate
            | Refusal::NotSent(_)
            | Refusal::Throttled { .. }
            | Refusal::Unauthorized => None,
        };
        let (now, newest) = (self.now, self.newest_action);
        if let (Some(why), Some(facts)) = (why, self.groups.get_mut(&claim.group)) {
            facts.hold_more(config, now, action, newest, why);
        }
        Some(Made::Refused)
    }

    fn claim_at(&mut self, name: &Name, step: Step) {
        if let Some(claim) = self.claims.all.get_mut(name) {
            claim.step = step;
        }
        if step == Step::There {
            self.claims.busy.remove(name);
        }
        self.note_claim(name);
    }

    fn drop_claim(&mut self, name: &Name) {
        if let Some(claim) = self.claims.all.remove(name) {
            self.claims
                .free
                .remove(&(claim.group, claim.born, name.clone()));
        }
        self.claims.busy.remove(name);
    }

    /// The claims as a listing that was asked for at `started` shows them, after its pods.
    pub(super) fn fold_claims(&mut self, config: &Config, started: Time, shown: &[ClaimView]) {
        let known = self.claims.all.iter();
        let there: BTreeSet<&Name> = shown.iter().map(|view| &view.name).collect();
        let gone: Vec<Name> = known
            .filter(|(name, claim)| {
                let settled = match claim.step {
                    Step::There => claim.since < started,
                    Step::DeleteAgain { .. } => true,
                    Step::Making { .. } | Step::MakeAgain { .. } | Step::Deleting { .. } => false,
                };
                settled && !there.contains(name) && !planted!(config, GoneClaimKept)
            })
            .map(|(name, _)| name.clone())
            .collect();
        for name in gone {
            self.drop_claim(&name);
        }
        for view in shown {
            self.see_claim(view);
        }
    }

    fn see_claim(&mut self, view: &ClaimView) {
        let now = self.now;
        let born = Moment::from(now).before(Span(view.age_ms));
        if let Some(claim) = self.claims.all.get_mut(&view.name) {
            claim.deleting = view.deleting;
            claim.bytes = view.bytes;
            claim.class = view.class.clone().or(claim.class.take());
            if let Step::MakeAgain { .. } = claim.step {
                claim.step = Step::There;
                claim.since = now;
                self.claims.busy.remove(&view.name);
            }
        } else {
            let claim = Claim {
                group: view.group.clone(),
                class: view.class.clone(),
                bytes: view.bytes,
                born,
                since: now,
                step: Step::There,
                used: true,
                deleting: view.deleting,
            };
            self.claims.all.insert(view.name.clone(), claim);
        }
        self.note_claim(&view.name);
    }
}
