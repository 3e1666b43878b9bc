//! The laws of the design, each looked at where it can be broken.

use super::{
    run::{Run, margin},
    world::FLEET,
};
use evenkeel_core::{
    Change, Controller, Input, Output, Snapshot,
    config::Config,
    flight::{Head, Replay, Step},
    input::{GroupWish, PodView, WatchEvent},
    output::{Action, Notice},
    plan::Finding,
    reconcile,
    words::{ActionId, ExecutorId, Group, RequestId, Time, Uid},
};
use std::collections::{BTreeMap, BTreeSet};

/// Which law.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Law {
    Settled,
    Time,
    Order,
    Again,
    Replay,
    Indices,
    Once,
    /// Nothing is decided without lease, listing and desired; nothing begins too late (LIVE-1).
    Led,
    /// Nothing is made beyond a target (GROW-2).
    Target,
    Convergence,
}

/// A law was broken, and how.
#[derive(Clone, Debug)]
pub struct Broken {
    pub law: Law,
    pub how: String,
}

impl Broken {
    pub fn new(law: Law, how: String) -> Self {
        Self { law, how }
    }
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "law {:?}: {}", self.law, self.how)
    }
}

type Done = Result<(), Broken>;

fn hold(law: Law, holds: bool, how: impl FnOnce() -> String) -> Done {
    if holds {
        Ok(())
    } else {
        Err(Broken::new(law, how()))
    }
}

/// What is written down over a run, to see that nothing happens twice.
#[derive(Debug, Default)]
pub struct Book {
    serial: u32,
    lost: BTreeSet<ExecutorId>,
    started: BTreeSet<ExecutorId>,
    /// Effects that are not answered, and since when.
    open: BTreeMap<ActionId, (ExecutorId, Time)>,
    last_action: ActionId,
    counted: BTreeMap<ExecutorId, Uid>,
    /// Which controller made it, and for which group. Kept over restarts.
    pub created: BTreeMap<ExecutorId, (u32, Group)>,
}

impl Book {
    pub fn new_controller(&mut self, serial: u32) {
        *self = Self {
            serial,
            created: std::mem::take(&mut self.created),
            ..Self::default()
        };
    }

    pub fn answered(&mut self, action: ActionId) {
        self.open.remove(&action);
    }
}

/// Once, Led and Target: over what one input led to.
pub fn after_handle(
    controller: &Controller,
    config: &Config,
    at: Time,
    outputs: &[Output],
    book: &mut Book,
    wishes: &BTreeMap<Group, GroupWish>,
) -> Done {
    let snapshot = controller.snapshot();
    let mut made = BTreeSet::new();
    for output in outputs {
        match output {
            Output::Execute {
                id,
                not_after,
                action,
                ..
            } => {
                hold(Law::Led, snapshot.is_acting(), || {
                    format!("{action:?} by one that may not act")
                })?;
                hold(Law::Led, *not_after >= at, || {
                    format!("{action:?} at {at:?}, not after {not_after:?}")
                })?;
                hold(Law::Once, *id > book.last_action, || {
                    format!("action {id:?} after {:?}", book.last_action)
                })?;
                book.last_action = *id;
                let executor = match action {
                    Action::Create {
                        executor, group, ..
                    } => {
                        let serial = book.serial;
                        let (by, _) = book.created.entry(*executor).or_insert_with(|| {
                            made.insert(group.clone());
                            (serial, group.clone())
                        });
                        hold(Law::Once, *by == book.serial, || {
                            format!("id {executor} was given out by an earlier controller")
                        })?;
                        *executor
                    }
                    Action::Delete { executor, .. }
                    | Action::MarkFinished { executor, .. }
                    | Action::Resize { executor, .. } => *executor,
                    Action::CreateClaim { .. } | Action::DeleteClaim { .. } => continue,
                };
                // SEE-5: nothing waits for longer than that on an answer that is owed.
                let given_up = |since: Time| since.after(config.ending.stuck_after) <= at;
                let mut open = book.open.values();
                hold(
                    Law::Once,
                    open.all(|(open, since)| *open != executor || given_up(*since)),
                    || format!("{action:?} while another effect on {executor} is open"),
                )?;
                book.open.insert(*id, (executor, at));
            }
            Output::Notice(Notice::Lost { executor, .. }) => {
                hold(Law::Once, book.lost.insert(*executor), || {
                    format!("{executor} is lost twice")
                })?;
            }
            Output::Notice(Notice::Started { executor, .. }) => {
                hold(Law::Once, book.started.insert(*executor), || {
                    format!("{executor} started twice")
                })?;
                hold(Law::Once, !book.lost.contains(executor), || {
                    format!("{executor} started after it was lost")
                })?;
            }
            _ => {}
        }
    }
    for (id, state) in snapshot.executors() {
        if let (true, Some(uid)) = (state.counts(), state.uid()) {
            let first = book.counted.entry(id).or_insert_with(|| uid.clone());
            hold(Law::Once, first == uid, || {
                format!("{id} counted as pod {first}, and as {uid}")
            })?;
        }
    }
    for group in made {
        let counting = snapshot
            .executors()
            .filter(|(_, state)| *state.group() == group && state.counts())
            .count() as u64;
        let target = wishes.get(&group).map_or(0, |wish| wish.target);
        let rolling = controller
            .status()
            .groups
            .get(&group)
            .map_or(0, |status| status.rolling);
        hold(
            Law::Target,
            counting <= target.saturating_add(rolling),
            || format!("{counting} count in {group} after creates, and {target} are wanted"),
        )?;
        let cap = config.group(&group).max_pending;
        let pending = controller.status().groups.get(&group).map_or(0, |status| {
            use evenkeel_core::plan::Class::{Created, Pending, Requested};
            [Created, Pending, Requested]
                .iter()
                .filter_map(|class| status.by_class.get(class))
                .sum()
        });
        let leaving = snapshot
            .executors()
            .filter(|(_, state)| *state.group() == group && !state.counts())
            .count() as u64;
        hold(
            Law::Target,
            cap.is_none_or(|cap| pending <= cap + leaving),
            || format!("{pending} pending in {group} after creates, and {cap:?} may be"),
        )?;
    }
    Ok(())
}

/// (1) After `handle` there is nothing to decide and nothing to tell.
pub fn settled(controller: &Controller, config: &Config) -> Done {
    let plan = reconcile(controller.snapshot(), controller.desired(), config);
    hold(Law::Settled, plan.is_settled(), || {
        format!(
            "left: {:?} {:?} withdrawn {:?} released {:?}",
            plan.decisions, plan.notices, plan.withdrawn, plan.released
        )
    })
}

/// (6) Each index is what a scan gives.
pub fn indices(controller: &Controller, config: &Config) -> Done {
    controller
        .snapshot()
        .check_indices(config)
        .map_err(|how| Broken::new(Law::Indices, how))
}

/// (2) Time alone changes no decision before the plan's wake.
pub fn time(controller: &Controller, config: &Config, held_until: Option<Time>) -> Done {
    let snapshot = controller.snapshot();
    let now = snapshot.now();
    let plan = reconcile(snapshot, controller.desired(), config);
    let wake = plan.wake.map_or(Time::NEVER, |(at, _)| at);
    // Up to and with the lease's end less 2 s, where it has not come.
    let led = held_until
        .map(margin)
        .filter(|margin| *margin >= now)
        .map_or(Time::NEVER, |margin| Time(margin.0.saturating_add(1)));
    let end = wake.min(led).min(Time(now.0.saturating_add(1 << 40)));
    let last = Time(end.0.saturating_sub(1));
    let middle = Time(now.0 / 2 + last.0 / 2).max(now);
    for at in [Time(now.0.saturating_add(1)), middle, last] {
        if at < now || at >= end {
            continue;
        }
        let mut later = snapshot.clone();
        later.apply(config, at, Change::Input(&Input::Wake));
        let then = reconcile(&later, controller.desired(), config);
        hold(Law::Time, then.is_settled(), || {
            format!(
                "at {now:?} it says to look at {:?}, and at {at:?} there is {:?} {:?} withdrawn {:?} released {:?}\nbefore: {:?}\nafter: {:?}",
                plan.wake,
                then.decisions,
                then.notices,
                then.withdrawn,
                then.released,
                plan.groups,
                then.groups
            )
        })?;
    }
    Ok(())
}

fn view_of(event: &WatchEvent) -> Option<&PodView> {
    match event {
        WatchEvent::Seen(view) | WatchEvent::Left(view) => Some(view),
        _ => None,
    }
}

/// The executor that a view is of, where it is a well-formed one.
fn executor_of(view: &PodView) -> Option<ExecutorId> {
    let id: ExecutorId = view.labels.executor.as_deref()?.parse().ok()?;
    (view.name == id.pod_name(FLEET)).then_some(id)
}

fn watched(event: &WatchEvent) -> Input {
    Input::Watched {
        request: RequestId(0),
        event: event.clone(),
    }
}

/// (3) The newest views of all executors lead to one plan, in whatever order they come.
pub fn order(controller: &Controller, config: &Config, history: &[(u64, WatchEvent)]) -> Done {
    let snapshot = controller.snapshot();
    let mut newest = BTreeMap::<ExecutorId, &WatchEvent>::new();
    for (_, event) in history {
        if let Some(id) = view_of(event).and_then(executor_of) {
            newest.insert(id, event);
        }
    }
    let events: Vec<Input> = newest.values().map(|event| watched(event)).collect();
    if events.len() < 2 {
        return Ok(());
    }
    let fold = |order: &mut dyn Iterator<Item = &Input>| {
        let mut folded = snapshot.clone();
        for input in order {
            folded.apply(config, snapshot.now(), Change::Input(input));
        }
        reconcile(&folded, controller.desired(), config)
    };
    let forward = fold(&mut events.iter());
    let backward = fold(&mut events.iter().rev());
    let half = events.len() / 2;
    let turned = fold(&mut events[half..].iter().chain(&events[..half]));
    for other in [backward, turned] {
        hold(Law::Order, forward == other, || {
            format!("one order gives {forward:#?}\nanother {other:#?}")
        })?;
    }
    Ok(())
}

/// (4) What was just seen, and anything older of that object, changes nothing.
pub fn again_event(
    controller: &Controller,
    config: &Config,
    input: &Input,
    history: &[(u64, WatchEvent)],
) -> Done {
    let Input::Watched { event, .. } = input else {
        return Ok(());
    };
    let Some(view) = view_of(event).filter(|view| executor_of(view).is_some()) else {
        return Ok(());
    };
    let older = history
        .iter()
        .map(|(_, event)| event)
        .filter(|event| {
            view_of(event)
                .is_some_and(|other| other.name == view.name && other.revision < view.revision)
        })
        .rev()
        .take(4);
    for event in std::iter::once(event).chain(older) {
        unchanged(controller, config, &watched(event))?;
    }
    Ok(())
}

/// (4) The same listing again changes nothing, nor does any event up to its revision.
pub fn again_listing(
    controller: &Controller,
    config: &Config,
    input: &Input,
    history: &[(u64, WatchEvent)],
) -> Done {
    let Input::Listed {
        outcome: Ok(listing),
        ..
    } = input
    else {
        return Ok(());
    };
    // One that was thrown away, or kept aside, is as if it had not come: a second one like it may be believed.
    if controller.snapshot().listed_to() < Some(listing.revision) {
        return Ok(());
    }
    // Findings without a subject last until a listing: they may clear, and nothing else happens.
    let mut after = controller.snapshot().clone();
    after.apply(config, after.now(), Change::Input(input));
    let plan = reconcile(&after, controller.desired(), config);
    let clears = |notice: &Notice| matches!(notice, Notice::Cleared(_));
    hold(
        Law::Again,
        plan.decisions.is_empty() && plan.withdrawn.is_empty() && plan.notices.iter().all(clears),
        || format!("a listing again leads to {plan:#?}"),
    )?;
    let covered = history.iter().rev().filter(|(revision, event)| {
        *revision <= listing.revision.get()
            && view_of(event).is_some_and(|view| {
                // Listings say nothing of what lost our label: a later event of it still does.
                let strayed = Finding::StrayedPod(view.name.clone());
                executor_of(view).is_some() && !controller.status().findings.contains(&strayed)
            })
    });
    for (_, event) in covered.take(6) {
        unchanged(controller, config, &watched(event))?;
    }
    Ok(())
}

fn unchanged(controller: &Controller, config: &Config, input: &Input) -> Done {
    let before: &Snapshot = controller.snapshot();
    let mut after = before.clone();
    after.apply(config, before.now(), Change::Input(input));
    hold(Law::Again, after == *before, || {
        let (before, after) = (format!("{before:#?}"), format!("{after:#?}"));
        let (old, new): (BTreeSet<&str>, BTreeSet<&str>) =
            (before.lines().collect(), after.lines().collect());
        format!(
            "{input:?} again: gone {:#?}, new {:#?}",
            old.difference(&new).collect::<Vec<_>>(),
            new.difference(&old).collect::<Vec<_>>()
        )
    })
}

/// (5) The record plays again: from the start, through JSON, from the middle; and what was altered is found.
pub fn replay(run: &Run) -> Done {
    let broken = |how: String| Broken::new(Law::Replay, how);
    let head = Head::new(run.config.clone(), FLEET.into());
    let text = serde_json::to_string(&head).map_err(|e| broken(e.to_string()))?;
    let read: Head = serde_json::from_str(&text).map_err(|e| broken(format!("{e}: {text}")))?;
    hold(Law::Replay, head == read, || "the head".into())?;
    let mut steps = Vec::new();
    for step in &run.steps {
        let text = serde_json::to_string(step).map_err(|e| broken(e.to_string()))?;
        let read: Step = serde_json::from_str(&text).map_err(|e| broken(format!("{e}: {text}")))?;
        hold(Law::Replay, *step == read, || {
            format!("{step:?} is read as {read:?}")
        })?;
        steps.push(read);
    }
    let played = play(read.clone(), &steps).map_err(|e| broken(format!("{e}: {e:?}")))?;
    hold(Law::Replay, played == run.controller, || {
        "the controller stands otherwise after a replay".into()
    })?;
    if let Some((at, controller)) = &run.middle {
        let mut head = head;
        head.start = Some(Box::new(controller.clone()));
        let text = serde_json::to_string(&head).map_err(|e| broken(e.to_string()))?;
        let read: Head = serde_json::from_str(&text).map_err(|e| broken(format!("{e}: {text}")))?;
        play(read, &steps[*at..]).map_err(|e| broken(format!("from the middle: {e}: {e:?}")))?;
    }
    // An output that is missing is found at its place.
    if let Some(at) = steps.iter().rposition(|step| !step.outputs.is_empty()) {
        let mut altered = steps.clone();
        altered[at].outputs.pop();
        let found = play(read, &altered).map(|_| ());
        let step = found.err().map(|difference| difference.step);
        hold(Law::Replay, step == Some(at as u64 + 1), || {
            format!("altered at step {}, found at {step:?}", at + 1)
        })?;
    }
    Ok(())
}

fn play(head: Head, steps: &[Step]) -> Result<Controller, evenkeel_core::flight::Difference> {
    let mut replay = Replay::new(head);
    for step in steps {
        replay.step(step)?;
    }
    Ok(replay.controller().clone())
}
