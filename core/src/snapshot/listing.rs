//! SEE-2: folds in a whole listing, a consistent read at its revision; what it lacks is gone.

use super::{
    Snapshot, cause,
    classify::{self, Whose},
    governor::Answer,
    record::{EngineFact, Executor, Fate, Pod, Sort, Write},
    seeing::{Sight, verdict},
    stray::{Stray, StrayKind},
    view::Back,
};
use crate::{
    config::Config,
    input::{Failure, Listing, Outcome, PodView},
    output::{Cause, Why},
    plan::{Class, Finding},
    words::{ActionId, ExecutorId, Name, Revision, Time, Uid},
};
use std::collections::{BTreeMap, BTreeSet};

/// What a listing settles: everything up to its revision, and every write answered before it was asked for.
#[derive(Clone, Copy)]
pub(super) struct Reach {
    pub started: Time,
    pub(super) revision: Revision,
    /// It is the first of an incarnation (LIVE-1).
    pub first: bool,
}

/// What a listing makes of an executor that it does not show, or whose write it settles.
enum Settled {
    Gone(Option<Cause>),
    Withdrawn,
    Closed,
    /// SEE-5: the shell owes its answer for too long.
    GivenUp,
}

impl Snapshot {
    pub(super) fn fold_listing(&mut self, config: &Config, started: Time, listing: &Listing) {
        let floor = self.view.floor.filter(|(asked, _)| *asked <= started);
        let known = self.view.complete_to.max(floor.map(|(_, floor)| floor));
        let is_back = known.is_some_and(|known| listing.revision < known);
        let replaced = is_back && self.has_gone_back(config, listing);
        self.view.replaced = replaced;
        self.view.thrown_away = is_back && !replaced && !planted!(config, StaleListing);
        if self.view.thrown_away {
            return;
        }
        self.view.back = None;
        let identified: Vec<_> = listing
            .pods
            .iter()
            .map(|view| (classify::whose(&self.fleet, view), view))
            .collect();
        let ids: BTreeSet<ExecutorId> = identified
            .iter()
            .filter_map(|(whose, view)| match whose {
                Whose::Ours { id, .. } => Some(*id),
                Whose::Malformed => self.id_of_damaged(view),
            })
            .collect();
        if !replaced && self.is_suspicious(config, started, listing, &ids) {
            // SEE-2: kept aside, but not unseen: the one that follows is no older.
            self.view.newest = self.view.newest.max(Some(listing.revision));
            return;
        }
        let highest = ids.last().map_or(0, |id| id.incarnation);
        let first = self.sync(config, started, highest);
        let reach = Reach {
            started,
            revision: listing.revision,
            first,
        };
        self.clear_passing_findings();
        if replaced {
            self.findings.insert(Finding::RevisionWentBack);
        }
        for name in &listing.undecodable {
            self.findings.insert(Finding::Undecodable(name.clone()));
        }
        let ours = identified.iter().filter_map(|(whose, view)| match whose {
            Whose::Ours { id, .. } => Some((*id, &view.uid)),
            Whose::Malformed => None,
        });
        let shown: BTreeMap<ExecutorId, &Uid> = ours.collect();
        // Ghosts that are gone make room for others of their names.
        self.settle_strays(config, reach, &shown);
        let sight = if first {
            Sight::First(started, listing.revision)
        } else {
            Sight::Listed(started, listing.revision)
        };
        let later = self.shown_after(listing.revision);
        for (whose, view) in identified {
            match whose {
                Whose::Malformed => {
                    self.findings
                        .insert(Finding::MalformedPod(view.name.clone()));
                }
                Whose::Ours { id, .. } if later.contains_key(&id) => {}
                Whose::Ours { id, group } => {
                    self.see_ours(config, id, group, view, sight);
                }
            }
        }
        for (id, view) in &later {
            if let Some(group) = view.labels.group.clone() {
                self.see_ours(config, *id, group, view, sight);
            }
        }
        let undecodable: Vec<_> = listing
            .undecodable
            .iter()
            .filter_map(|name| classify::id_by_name(&self.fleet, name))
            .collect();
        self.settle_executors(config, reach, |id| {
            ids.contains(&id) || undecodable.contains(&id)
        });
        self.settle_early(config, reach);
        self.settle_removed(reach, &shown);
        self.fold_claims(config, started, &listing.claims);
        if first && !planted!(config, DeadProbeAwaited) {
            self.settle_probes();
        }
        self.settle_claimless(config, first);
        self.view.complete_to = Some(listing.revision);
        let newest = self.view.newest.filter(|_| !replaced);
        self.view.newest = newest.max(Some(listing.revision));
        self.view.listing_started = Some(started);
    }

    /// SEE-1: an executor whose pod is shown with damaged labels is not gone: it stays as it was.
    fn id_of_damaged(&self, view: &PodView) -> Option<ExecutorId> {
        let id = classify::id_by_name(&self.fleet, &view.name)?;
        let executor = self.executors.get(&id)?;
        (executor.uid() == Some(&view.uid)).then_some(id)
    }

    /// Findings that have no subject to clear them last until the world is seen anew.
    fn clear_passing_findings(&mut self) {
        let passing = |finding: &&Finding| {
            matches!(
                finding,
                Finding::MalformedPod(_)
                    | Finding::UnknownExecutor(_)
                    | Finding::IllegalState(_)
                    | Finding::NameTaken(_)
                    | Finding::Undecodable(_)
                    | Finding::StrayAnswer
                    | Finding::RevisionWentBack
            )
        };
        let over: Vec<Finding> = self.findings.iter().filter(passing).cloned().collect();
        for finding in over {
            self.findings.remove(&finding);
        }
    }

    /// SHRINK-5: whether it lacks so much that it is kept aside, and another one is asked for. Whatever that one shows
    /// is believed.
    fn is_suspicious(
        &mut self,
        config: &Config,
        started: Time,
        listing: &Listing,
        shown: &BTreeSet<ExecutorId>,
    ) -> bool {
        if let Some(aside) = self.view.set_aside {
            let second = started >= aside;
            self.view.thrown_away = !second;
            if second {
                self.view.set_aside = None;
                self.findings.remove(&Finding::SuspiciousLoss);
            }
            return !second;
        }
        let Some(percent) = config.shrinking.suspicious_loss else {
            return false;
        };
        let (mut counting, mut lacking) = (0u64, 0u64);
        for (id, executor) in &self.executors {
            if let Some(seen) = executor.seen().filter(|_| executor.counts()) {
                counting += 1;
                let lacks = !shown.contains(id) && seen.revision <= listing.revision;
                lacking += u64::from(lacks);
            }
        }
        let suspicious = counting >= FEW
            && lacking.saturating_mul(100) >= counting.saturating_mul(u64::from(percent))
            && !planted!(config, Shrink5);
        if suspicious {
            self.view.set_aside = Some(self.now);
            self.view.thrown_away = true;
            self.findings.insert(Finding::SuspiciousLoss);
        }
        suspicious
    }

    /// CLAIM: what waits for a claim that is not there, or is being deleted, will never start.
    fn settle_claimless(&mut self, config: &Config, first: bool) {
        if !config.uses_claims() {
            return;
        }
        let claims = &self.claims.all;
        let waits = |executor: &Executor| {
            let of = || executor.claims().iter().map(|claim| claims.get(claim));
            let absent = of().any(|claim| claim.is_none());
            let going = of().flatten().any(|claim| claim.deleting);
            let pending = executor.class() == Some(Class::Pending);
            // A registration may be that of an earlier pod of this name: what still pends and has no claim is not running.
            let serves = executor.is_registered();
            let unseen = first && !executor.is_running() && !serves;
            absent && (pending || unseen) || going && pending && !serves
        };
        let executors = self.executors.iter();
        let ids: Vec<ExecutorId> = executors
            .filter(|(_, e)| waits(e))
            .map(|(id, _)| *id)
            .collect();
        for id in ids {
            self.condemn(config, id, Why::Claim, Cause::Released);
        }
    }

    /// FAIL-2: a probe of an earlier incarnation that is not there any more.
    fn settle_probes(&mut self) {
        let executors = &self.executors;
        let probes = self.groups.iter().filter_map(|(group, facts)| {
            let probe = facts.startup.backoff?.probe?;
            (!executors.contains_key(&probe)).then(|| (probe, group.clone()))
        });
        for (probe, group) in probes.collect::<Vec<_>>() {
            self.unprobe(probe, &group);
        }
    }

    /// SEE-2: whether listings have been below what was known for so long, and two in a row agree, that the cluster
    /// itself has gone back. Then what is known by revision counts for nothing any more.
    fn has_gone_back(&mut self, config: &Config, listing: &Listing) -> bool {
        let now = self.now;
        let mut pods: Vec<(Name, Uid)> = listing
            .pods
            .iter()
            .map(|pod| (pod.name.clone(), pod.uid.clone()))
            .collect();
        pods.sort();
        let last = self.view.back.take();
        let since = last.as_ref().map_or(now, |back| back.since);
        let agrees =
            last.is_some_and(|back| back.pods == pods && back.revision <= listing.revision);
        self.view.back = Some(Back {
            since,
            revision: listing.revision,
            pods,
        });
        if now.since(since) < config.seeing.watch_silence {
            return false;
        }
        self.findings.insert(Finding::RevisionWentBack);
        if !agrees {
            return false;
        }
        let ids: Vec<ExecutorId> = self.executors.keys().copied().collect();
        for id in ids {
            self.change(config, id, |_, executor| forget_revisions(executor));
        }
        let aged = |(id, stray): (&ExecutorId, &Stray)| {
            (
                *id,
                Stray {
                    revision: OLDEST,
                    ..stray.clone()
                },
            )
        };
        self.strays = self.strays.iter().map(aged).collect();
        self.removed.clear();
        true
    }

    fn settle_executors(
        &mut self,
        config: &Config,
        reach: Reach,
        is_shown: impl Fn(ExecutorId) -> bool,
    ) {
        let incarnation = self.leading.incarnation;
        let settled: Vec<(ExecutorId, Settled)> = self
            .executors
            .iter()
            .filter_map(|(id, executor)| {
                let past = id.incarnation < incarnation;
                let absence = || settled_by_absence(config, reach, past, executor);
                let by_absence = if is_shown(*id) { None } else { absence() };
                Some((
                    *id,
                    by_absence.or_else(|| settled_write(config, reach, executor))?,
                ))
            })
            .collect();
        for (id, settled) in settled {
            match settled {
                Settled::Gone(found) => {
                    self.change(config, id, |_, executor| {
                        if let Some(found) = found.filter(|_| executor.verdict.is_none()) {
                            executor.verdict = Some(verdict(found));
                        }
                    });
                    self.end_gone(config, id, Some(reach.revision));
                }
                Settled::Withdrawn => self.withdraw(config, id),
                Settled::Closed => {
                    self.change(config, id, |_, executor| executor.write = Write::None);
                }
                Settled::GivenUp => self.give_up_answer(config, id),
            }
        }
    }

    /// SEE-5: an answer that is owed for longer than `stuck_after` counts as unclear.
    fn give_up_answer(&mut self, config: &Config, id: ExecutorId) {
        let Some(Write::Sent {
            action,
            sort,
            tries,
            ..
        }) = self.executors.get(&id).map(|e| e.write.clone())
        else {
            return;
        };
        self.give_up_action(config, action);
        let (at, tries) = (self.now, tries.saturating_add(1));
        self.change(config, id, |_, executor| {
            executor.write = match sort {
                Sort::Create if !executor.is_unaccounted() || executor.is_registered() => {
                    Write::None
                }
                _ => Write::Again {
                    sort,
                    at,
                    tries,
                    unclear: true,
                },
            };
        });
    }

    /// The governor waits for that answer no longer.
    pub(super) fn give_up_action(&mut self, config: &Config, action: ActionId) {
        let Some(open) = self.actions.remove(&action) else {
            return;
        };
        let outcome = Outcome::Unclear(Failure::TimedOut);
        let answer = Answer {
            action,
            create: open.sort == Sort::Create,
            outcome: &outcome,
        };
        self.governor
            .answered(config, self.now, &answer, self.newest_action);
    }

    fn settle_strays(&mut self, config: &Config, reach: Reach, shown: &BTreeMap<ExecutorId, &Uid>) {
        let gone: Vec<ExecutorId> = self
            .strays
            .iter()
            .filter(|(id, stray)| {
                let is_shown = shown.get(id).is_some_and(|uid| **uid == stray.uid);
                stray.kind == StrayKind::Ghost && !is_shown && stray.revision <= reach.revision
            })
            .map(|(id, _)| *id)
            .collect();
        for id in gone {
            self.remove_stray(config, id);
        }
        // SEE-5: what waited for too long is begun anew.
        let stuck = self.strays.iter().filter(|(_, stray)| {
            let at = stray.stuck_at(config);
            at.is_some_and(|at| at <= reach.started)
        });
        for id in stuck.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.give_up_stray_answer(config, id);
        }
    }
}

/// SHRINK-5: of so few, any may be gone.
const FEW: u64 = 10;

const OLDEST: Revision = Revision(std::num::NonZeroU64::MIN);

/// After the cluster has gone back, anything that it shows is newer than what was known.
fn forget_revisions(executor: &mut Executor) {
    match &mut executor.pod {
        Pod::Seen(seen) => seen.revision = OLDEST,
        Pod::Unseen {
            answered: Some(answer),
        } => answer.revision = None,
        Pod::Unseen { answered: None } | Pod::Gone => {}
    }
    match &mut executor.write {
        // What was done may be undone by that.
        Write::Answered { .. } => executor.write = Write::None,
        Write::Stale { beyond, .. } => *beyond = OLDEST,
        Write::None | Write::Sent { .. } | Write::Again { .. } => {}
    }
}

/// What its absence from a listing says of an executor.
fn settled_by_absence(
    config: &Config,
    reach: Reach,
    past: bool,
    executor: &Executor,
) -> Option<Settled> {
    let Reach {
        started,
        revision,
        first,
    } = reach;
    match &executor.pod {
        Pod::Gone => None,
        Pod::Seen(_) if planted!(config, NeverRemoved) => None,
        Pod::Seen(seen) => (seen.revision <= revision || planted!(config, AbsentIsGone))
            .then_some(Settled::Gone(None)),
        Pod::Unseen { answered: Some(_) }
            if planted!(config, RegisteredIsThere) && executor.is_registered() =>
        {
            None
        }
        // GROW-5.
        Pod::Unseen {
            answered: Some(answer),
        } => {
            let newer = answer.revision.is_some_and(|at| at <= revision)
                || answer.at < started
                || planted!(config, UnseenIsGone);
            let ours = matches!(executor.fate, Fate::Condemned { .. }) && executor.delete_issued;
            let cause = if ours {
                cause::by_absence(config, executor).cause
            } else {
                Cause::Vanished
            };
            (newer && !planted!(config, Grow5)).then_some(Settled::Gone(Some(cause)))
        }
        Pod::Unseen { answered: None } if planted!(config, InFlightForgotten) => {
            Some(Settled::Withdrawn)
        }
        Pod::Unseen { answered: None } => match (&executor.engine, &executor.write) {
            // END-3.
            (EngineFact::Registered { at, .. }, _)
                if at.after(config.ending.missing_tolerance) <= started
                    && !planted!(config, End3) =>
            {
                Some(Settled::Gone(Some(Cause::Missing)))
            }
            // GROW-3: refused, and the unclear try before that had no effect.
            (
                EngineFact::Unknown,
                Write::Again {
                    sort: Sort::Create,
                    at,
                    ..
                },
            ) if executor.verdict.is_some() && *at <= started => Some(Settled::Gone(None)),
            // LIVE-1: the listing settles the unclear creates of an earlier incarnation.
            (
                EngineFact::Unknown,
                Write::Again {
                    sort: Sort::Create,
                    at,
                    ..
                },
            ) if past && (first || *at <= started) && !planted!(config, PastRequestsKept) => {
                Some(Settled::Withdrawn)
            }
            // A delete by name took effect, and nothing of that name is there.
            (
                _,
                Write::Answered {
                    at,
                    revision: at_revision,
                    ..
                },
            ) if at_revision.is_some_and(|at| at <= revision) || *at < started => {
                Some(Settled::Gone(None))
            }
            _ => None,
        },
    }
}

/// Whether a listing closes an executor's write, shown or not.
fn settled_write(config: &Config, reach: Reach, executor: &Executor) -> Option<Settled> {
    match &executor.write {
        Write::None | Write::Again { .. } => None,
        Write::Answered { sort, at, revision } => {
            let settled = match sort {
                // Not repeated, unless it has not shown for so long.
                Sort::Delete | Sort::Mark => at.after(config.ending.stuck_after) <= reach.started,
                Sort::Create | Sort::Resize => {
                    revision.map_or(*at < reach.started, |revision| revision <= reach.revision)
                }
            };
            settled.then_some(Settled::Closed)
        }
        Write::Stale { beyond, at } => {
            (*beyond < reach.revision || *at < reach.started).then_some(Settled::Closed)
        }
        Write::Sent { at, .. } => {
            (at.after(config.ending.stuck_after) <= reach.started).then_some(Settled::GivenUp)
        }
    }
}
