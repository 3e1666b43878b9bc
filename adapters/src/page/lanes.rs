//! The executors' lanes while a page is built.

use super::model::{Change, End, Lane, LeftOut, State};
use evenkeel_core::{ExecutorId, Group, Snapshot, Time};
use std::collections::BTreeMap;

/// What is kept of one executor.
#[derive(Clone, Debug)]
struct Growing {
    group: Group,
    changes: Vec<Change>,
    end: Option<End>,
}

impl Growing {
    fn state(&self) -> Option<State> {
        self.changes.last().map(|change| change.state)
    }

    /// When something was last new; the end of time where its pod is not gone.
    fn ends(&self) -> Time {
        match self.changes.last() {
            Some(change) if change.state.is_gone() => change.at,
            Some(_) => Time::NEVER,
            None => Time(0),
        }
    }
}

/// All of them.
#[derive(Clone, Debug)]
pub struct Lanes {
    all: BTreeMap<ExecutorId, Growing>,
    most: usize,
    forgotten: u64,
    before: Time,
}

impl Lanes {
    pub fn new(most: usize) -> Self {
        Self {
            all: BTreeMap::new(),
            most: most.max(1),
            forgotten: 0,
            before: Time(0),
        }
    }

    /// Takes in how these executors stand now. Whether anything is new.
    pub fn update(
        &mut self,
        at: Time,
        step: u64,
        now: &Snapshot,
        ids: impl Iterator<Item = ExecutorId>,
    ) -> bool {
        let mut changed = false;
        for id in ids {
            let executor = now.executor(id);
            let state = executor.as_ref().map_or(State::GONE, State::of);
            let lane = match (self.all.get_mut(&id), executor) {
                (Some(lane), _) => lane,
                (None, Some(executor)) => self.all.entry(id).or_insert(Growing {
                    group: executor.group().clone(),
                    changes: Vec::new(),
                    end: None,
                }),
                (None, None) => continue,
            };
            // What is forgotten of one that is gone is no news.
            let is_news = match lane.state() {
                Some(before) => before != state && !(before.is_gone() && state.is_gone()),
                None => true,
            };
            if is_news {
                lane.changes.push(Change { at, state, step });
                changed = true;
            }
        }
        if changed && self.all.len() > 2 * self.most {
            self.forget_oldest();
        }
        changed
    }

    /// Takes in how all executors stand for another process.
    pub fn look_through(&mut self, at: Time, step: u64, now: &Snapshot) -> bool {
        let mut ids: Vec<ExecutorId> = now.executors().map(|(id, _)| id).collect();
        let there = self.all.iter().filter(|(id, lane)| {
            !lane.state().is_some_and(State::is_gone) && now.executor(**id).is_none()
        });
        ids.extend(there.map(|(id, _)| *id));
        self.update(at, step, now, ids.into_iter())
    }

    /// END-1: once for each.
    pub fn ended(&mut self, id: ExecutorId, end: End) {
        if let Some(lane) = self.all.get_mut(&id) {
            lane.end.get_or_insert(end);
        }
    }

    /// Those that are gone for longest go.
    fn forget_oldest(&mut self) {
        let many = self.all.len().saturating_sub(self.most);
        if many == 0 {
            return;
        }
        let mut by_age: Vec<(Time, ExecutorId)> = self
            .all
            .iter()
            .map(|(id, lane)| (lane.ends(), *id))
            .collect();
        by_age.sort_unstable();
        for (ends, id) in by_age.into_iter().take(many) {
            self.all.remove(&id);
            self.forgotten += 1;
            self.before = self.before.max(ends);
        }
    }

    /// The lanes, by id, and which ids they are of.
    pub fn finish(
        mut self,
        mut group: impl FnMut(&Group) -> usize,
    ) -> (Vec<Lane>, BTreeMap<ExecutorId, usize>, Option<LeftOut>) {
        self.forget_oldest();
        let left_out = (self.forgotten > 0).then_some(LeftOut {
            what: "executors",
            count: self.forgotten,
            before: self.before,
        });
        let which = self
            .all
            .keys()
            .enumerate()
            .map(|(n, id)| (*id, n))
            .collect();
        let lanes = self.all.into_iter().map(|(id, lane)| Lane {
            id: id.to_string(),
            group: group(&lane.group),
            changes: lane.changes,
            end: lane.end,
        });
        (lanes.collect(), which, left_out)
    }
}
