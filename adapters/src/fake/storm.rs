//! How the weather strikes.

use super::{
    DeleteOptions, Rate, Weather,
    agenda::{Due, Trouble},
    backstage::Disruption,
    containers::Exit,
    watch::{Event, WatchId},
    world::World,
};
use crate::api::pod::Pod;
use evenkeel_core::Name;
use std::sync::Arc;

const TROUBLES: [Trouble; 5] = [
    Trouble::Crash,
    Trouble::NodeLoss,
    Trouble::Eviction,
    Trouble::WatchDrop,
    Trouble::Expiry,
];

/// Exit codes of containers that crash: errors, an abort, a kill, a fault, a termination.
const CODES: [i32; 6] = [1, 2, 134, 137, 139, 143];

impl World {
    /// Changes the weather from now on. The seed, and how many nodes there are, stay as they were.
    pub fn set_weather(&mut self, weather: Weather) {
        self.config.weather = weather;
        self.begin_season();
    }

    /// The weather as it is.
    #[must_use]
    pub fn weather(&self) -> &Weather {
        &self.config.weather
    }

    pub(super) fn begin_season(&mut self) {
        self.season += 1;
        for trouble in TROUBLES {
            self.plan_trouble(trouble);
        }
    }

    fn rate(&self, trouble: Trouble) -> Rate {
        let weather = &self.config.weather;
        match trouble {
            Trouble::Crash => weather.crash_rate,
            Trouble::NodeLoss => weather.node_loss,
            Trouble::Eviction => weather.evictions,
            Trouble::WatchDrop => weather.watch_drops,
            Trouble::Expiry => weather.expiries,
        }
    }

    fn plan_trouble(&mut self, trouble: Trouble) {
        if let Some((count, per)) = self.rate(trouble).parts() {
            let wait = self.chance.storm.until_next(count, per);
            let at = self.now.after(wait);
            self.agenda.plan(at, Due::Trouble(trouble, self.season));
        }
    }

    pub(super) fn strike(&mut self, trouble: Trouble, season: u64) {
        if season != self.season {
            return;
        }
        match trouble {
            Trouble::Crash => self.crash(),
            Trouble::NodeLoss => self.lose_some_node(),
            Trouble::Eviction => self.evict_some(),
            Trouble::WatchDrop => {
                if let Some(id) = self.some_watch() {
                    self.end_watch(id, Event::Closed);
                }
            }
            Trouble::Expiry => self.expire_some_watch(),
        }
        self.plan_trouble(trouble);
    }

    fn some_running(&mut self) -> Option<Arc<Pod>> {
        let running = |pod: &&Arc<Pod>| {
            let node = pod.spec.node_name.as_deref();
            pod.status.phase == "Running"
                && pod.metadata.deletion_timestamp.is_none()
                && node.is_some_and(|node| self.nodes.get(node).is_some_and(|it| !it.silent))
        };
        let all: Vec<&Arc<Pod>> = self.store.pods().values().filter(running).collect();
        let which = self.chance.storm.below(all.len() as u64) as usize;
        all.get(which).map(|pod| Arc::clone(pod))
    }

    fn crash(&mut self) {
        let Some(pod) = self.some_running() else {
            return;
        };
        let chance = &mut self.chance.storm;
        let mut exit = if chance.percent(25) {
            Exit::out_of_memory()
        } else {
            let code = chance.below(CODES.len() as u64) as usize;
            Exit::with_code(CODES[code])
        };
        // Where there are sidecars, any of the containers may be hit.
        let containers = &pod.spec.containers;
        if containers.len() > 1 {
            let which = chance.below(containers.len() as u64) as usize;
            exit.container = Some(containers[which].name.clone());
        }
        self.exit(&World::key(&pod), &exit);
    }

    fn lose_some_node(&mut self) {
        let which = self.chance.storm.below(self.nodes.len() as u64) as usize;
        let node: Option<Name> = self.nodes.keys().nth(which).cloned();
        if let Some(node) = node {
            self.lose_node(&node);
            let at = self.now.after(self.config.weather.node_return);
            self.agenda.plan(at, Due::NodeReturn);
        }
    }

    fn evict_some(&mut self) {
        let Some(pod) = self.some_running() else {
            return;
        };
        let how = match self.chance.storm.below(4) {
            0 => return self.evict_from_node(&pod),
            1 => Disruption::Eviction,
            2 => Disruption::Preemption,
            _ => Disruption::Taint,
        };
        let (reason, message) = how.words();
        let name = &pod.metadata.name;
        let gone = self.disrupt_pod(name, reason, message, &DeleteOptions::default());
        debug_assert!(gone.is_ok(), "{gone:?}");
    }

    fn some_watch(&mut self) -> Option<WatchId> {
        let which = self.chance.storm.below(self.watches.len() as u64) as usize;
        self.watches.keys().nth(which).copied()
    }

    fn expire_some_watch(&mut self) {
        let revision = self.store.revision();
        self.store.forget();
        if let Some(id) = self.some_watch() {
            let why = super::refusal::too_old(revision, revision);
            self.end_watch(id, Event::Error(why));
        }
    }
}
