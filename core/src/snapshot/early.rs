//! What the engine says of executors before anything else is known of them (LIVE-1).

use super::{
    Snapshot,
    listing::Reach,
    record::{Disruption, Idle, Then},
};
use crate::{
    config::Config,
    plan::Finding,
    words::{ExecutorId, Name, Time},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An executor that has registered, and of which nothing else is known. What the engine says of it then is kept until
/// its pod is seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Early {
    /// When it registered.
    pub at: Time,
    pub(super) idle: Option<Idle>,
    pub(super) disrupted: Option<(Disruption, Option<Time>)>,
    pub(super) metrics: BTreeMap<Name, i64>,
    /// What the engine asked for.
    pub(super) then: Option<Then>,
}

impl Early {
    pub fn new(at: Time) -> Self {
        Self {
            at,
            idle: None,
            disrupted: None,
            metrics: BTreeMap::new(),
            then: None,
        }
    }
}

impl Snapshot {
    /// It has registered, and nothing else is known of it.
    pub(super) fn put_early(&mut self, id: ExecutorId) {
        if !self.early.contains_key(&id) {
            self.early.insert(id, Early::new(self.now));
            self.index.early.insert((self.now, id));
        }
    }

    /// Something else is known of it by now.
    pub(super) fn take_early(&mut self, id: ExecutorId) -> Option<Early> {
        let early = self.early.remove(&id)?;
        self.index.early.remove(&(early.at, id));
        Some(early)
    }

    /// What the engine said of an executor before it was seen holds from now on.
    pub(super) fn recall(&mut self, config: &Config, id: ExecutorId, early: Early) {
        for (name, value) in &early.metrics {
            self.fold_metric(config, id, name, *value);
        }
        if let Some((kind, until)) = early.disrupted {
            self.change(config, id, |all, executor| {
                all.disrupt(config, executor, kind, until);
            });
        }
        match early.then {
            Some(Then::Release(why, cause)) => self.release(config, id, why, cause),
            Some(Then::Delete(why, cause)) => self.condemn(config, id, why, cause),
            None => {}
        }
    }

    /// After a listing: whose pod it did not show was never given out, or is missing by now (END-3).
    pub(super) fn settle_early(&mut self, config: &Config, reach: Reach) {
        let early: Vec<(ExecutorId, Time)> = self
            .early
            .iter()
            .map(|(id, early)| (*id, early.at))
            .collect();
        for (id, at) in early {
            if reach.first && id.incarnation >= self.leading.incarnation {
                // The incarnation was not known when it came; by now it is: nobody gave out that id.
                self.take_early(id);
                self.refused.insert(id);
                self.findings.insert(Finding::UnknownExecutor(id));
            } else if self.leading.is_synced()
                && at.after(config.ending.missing_tolerance) <= reach.started
            {
                self.take_early(id);
                self.spent.insert(id);
                self.missing.insert(id);
            }
        }
    }
}
