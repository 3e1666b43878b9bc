//! The world: one value that holds the whole cluster, and its clock.

use super::{
    Weather,
    admission::Quota,
    agenda::{Agenda, Due, Key},
    audit::{Audit, Entry, Kind, Verb},
    containers::Exit,
    faults::Fault,
    kubelet::Behind,
    nodes::Room,
    random::Random,
    shelf::Shelf,
    store::Store,
    trouble::Standing,
    views::Views,
    watch::{Event, Watch, WatchId},
};
use crate::{
    api::{claim::Claim, pod::Pod},
    port::Lease,
};
use evenkeel_core::{Name, Span, Time};
use im::{OrdMap, OrdSet, Vector};
use jiff::Timestamp;
use std::sync::Arc;

/// When the world begins: 1 January 2026, 00:00 UTC.
const EPOCH_MS: i64 = 1_767_225_600_000;

/// How the kubelet ends a pod that was deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endings {
    /// As a real one: the pod is seen Failed or Succeeded first, then goes.
    Kubelet,
    /// As KWOK: it goes while its phase still says Running.
    Kwok,
}

/// How a world is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorldConfig {
    /// The one namespace. Default `default`.
    pub namespace: String,
    /// Whether there is a scheduler; else a test plays it, with [`Api::bind`](super::Api::bind). Default true.
    pub scheduler: bool,
    /// Whether there are kubelets; else a test plays them, with [`Api::set_status`](super::Api::set_status).
    /// Default true.
    pub kubelet: bool,
    /// How deleted pods end. Default [`Endings::Kubelet`].
    pub endings: Endings,
    /// The exit code of containers that were asked to end. Default 143, as of a process that SIGTERM ends.
    pub stop_exit_code: i32,
    /// Whether the API server refuses to resize a pod beyond what its node has at all, as that of Kubernetes 1.36 does;
    /// else the node says so, as before: `Infeasible`. Default true.
    pub checks_capacity: bool,
    /// How many changes are remembered for watches and further pages of lists. Default 10,000.
    pub history: usize,
    /// How many entries the audit log keeps; 0 for none. Default 10,000.
    pub audit: usize,
    /// What goes wrong by chance, and how long things take.
    pub weather: Weather,
}

impl Default for WorldConfig {
    fn default() -> Self {
        Self {
            namespace: "default".to_owned(),
            scheduler: true,
            kubelet: true,
            endings: Endings::Kubelet,
            stop_exit_code: 143,
            checks_capacity: true,
            history: 10_000,
            audit: 10_000,
            weather: Weather::default(),
        }
    }
}

/// A stream of chance for each concern.
#[derive(Clone, Debug)]
pub(super) struct Chance {
    pub names: Random,
    pub node: Random,
    pub storm: Random,
    pub api: Random,
    pub watch: Random,
}

impl Chance {
    fn new(seed: u64) -> Self {
        Self {
            names: Random::new(seed, 1),
            node: Random::new(seed, 2),
            storm: Random::new(seed, 3),
            api: Random::new(seed, 4),
            watch: Random::new(seed, 5),
        }
    }
}

/// A Kubernetes cluster as a value: cheap to clone, moved on only by [`advance`](World::advance) and by what is asked
/// of it. See the [module](super) for what it does.
#[derive(Clone, Debug)]
pub struct World {
    pub(super) config: WorldConfig,
    pub(super) now: Time,
    pub(super) chance: Chance,
    pub(super) agenda: Agenda,
    pub(super) store: Store,
    pub(super) views: Views,
    pub(super) leases: Shelf<Lease>,
    pub(super) claims: Shelf<Arc<Claim>>,
    /// The pods that use a claim, or wait for it.
    pub(super) claim_users: OrdMap<Name, OrdSet<Name>>,
    pub(super) quota: Option<Quota>,
    pub(super) max_memory: Option<u64>,
    pub(super) denied: OrdSet<(Kind, Verb)>,
    pub(super) watches: OrdMap<WatchId, Watch>,
    pub(super) last_watch: u64,
    /// Counts what a watch may have to show: whoever waits looks again when it has changed.
    pub(super) signals: u64,
    pub(super) audit: Audit,
    pub(super) calls: OrdMap<(Name, Verb), u64>,
    pub(super) script: OrdMap<(Kind, Verb), Vector<Fault>>,
    /// Fleets find no API server.
    pub(super) gone: bool,
    // The node side.
    pub(super) nodes: OrdMap<Name, Room>,
    pub(super) nodes_made: u32,
    /// Counts the outages of nodes.
    pub(super) outages: u64,
    pub(super) behind: OrdMap<Name, Behind>,
    pub(super) admitted: u64,
    /// Pods that the scheduler has yet to take, and those that it found no room for, in order of creation.
    pub(super) queue: OrdMap<u64, Name>,
    pub(super) parked: OrdMap<u64, Name>,
    pub(super) scheduler_busy: bool,
    pub(super) exits: OrdMap<Name, Vector<(Span, Exit)>>,
    /// Pods whose resize waits for room.
    pub(super) deferred: OrdSet<Name>,
    // Owners.
    pub(super) owners: OrdSet<Name>,
    pub(super) uids: OrdMap<Name, Name>,
    pub(super) dependents: OrdMap<Name, OrdSet<Name>>,
    pub(super) dependent_claims: OrdMap<Name, OrdSet<Name>>,
    /// What goes wrong until it is put right.
    pub(super) standing: Standing,
    /// Numbers the weathers, so that trouble planned by an earlier one does not strike.
    pub(super) season: u64,
}

impl World {
    /// A world at time 0, with its nodes and no pods.
    #[must_use]
    pub fn new(config: WorldConfig) -> Self {
        let mut world = Self {
            now: Time(0),
            chance: Chance::new(config.weather.seed),
            agenda: Agenda::default(),
            store: Store::new(config.history),
            views: Views::default(),
            leases: Shelf::new(config.history),
            claims: Shelf::new(config.history),
            claim_users: OrdMap::new(),
            quota: None,
            max_memory: None,
            denied: OrdSet::new(),
            watches: OrdMap::new(),
            last_watch: 0,
            signals: 0,
            audit: Audit::new(config.audit),
            calls: OrdMap::new(),
            script: OrdMap::new(),
            gone: false,
            nodes: OrdMap::new(),
            nodes_made: 0,
            outages: 0,
            behind: OrdMap::new(),
            admitted: 0,
            queue: OrdMap::new(),
            parked: OrdMap::new(),
            scheduler_busy: false,
            exits: OrdMap::new(),
            deferred: OrdSet::new(),
            owners: OrdSet::new(),
            uids: OrdMap::new(),
            dependents: OrdMap::new(),
            dependent_claims: OrdMap::new(),
            standing: Standing::default(),
            season: 0,
            config,
        };
        for _ in 0..world.config.weather.nodes {
            world.add_next_node();
        }
        world.begin_season();
        world
    }

    /// The time of this world.
    #[must_use]
    pub fn now(&self) -> Time {
        self.now
    }

    /// Lets time pass: all that is due by then happens, in order. Time never goes back.
    pub fn advance(&mut self, to: Time) {
        while let Some((at, what)) = self.agenda.take(to) {
            self.now = self.now.max(at);
            self.run(what);
        }
        self.now = self.now.max(to);
    }

    /// When something is due next; always later than now, after an [`advance`](World::advance).
    #[must_use]
    pub fn next_due(&self) -> Option<Time> {
        self.agenda.next()
    }

    /// Changes whenever a watch may have something more to show.
    #[must_use]
    pub fn signals(&self) -> u64 {
        self.signals
    }

    /// A moment of this world on its wall clock.
    #[must_use]
    pub fn wall(at: Time) -> Timestamp {
        i64::try_from(at.0)
            .ok()
            .and_then(|ms| Timestamp::from_millisecond(EPOCH_MS.checked_add(ms)?).ok())
            .unwrap_or(Timestamp::MAX)
    }

    /// Now, as the `Date` header and timestamps of objects have it: in whole seconds.
    #[must_use]
    pub fn wall_second(&self) -> Timestamp {
        self.wall_second_in(0)
    }

    pub(super) fn wall_second_in(&self, seconds: i64) -> Timestamp {
        let second = Self::wall(self.now).as_second().saturating_add(seconds);
        Timestamp::from_second(second).unwrap_or(Timestamp::MAX)
    }

    /// The moment of this world that a timestamp means.
    pub(super) fn moment(at: Timestamp) -> Time {
        Time(u64::try_from(at.as_millisecond() - EPOCH_MS).unwrap_or(0))
    }

    fn run(&mut self, what: Due) {
        match what {
            Due::Schedule => self.schedule_next(),
            Due::Prepare(key) => self.prepare(&key),
            Due::BackOff(key) => self.back_off(&key),
            Due::Start(key) => self.start(&key),
            Due::Reject(key, why) => self.reject(&key, why),
            Due::Exit(key, exit) => self.exit_is_due(key, exit),
            Due::Restart(key, container) => self.restart(&key, &container),
            Due::Tell(key, status) => self.tell(&key, &status),
            Due::Stop(key) => self.stop(&key),
            Due::Resize(key) => self.resize(&key),
            Due::Unprotect(key) => self.unprotect(&key),
            Due::CollectClaim(key) => self.collect_claim(&key),
            Due::CollectOrphans(node) => self.collect_orphans(&node),
            Due::CollectDependent(key) => self.collect_dependent(&key),
            Due::Unreachable(node, outage) => self.unreachable(&node, outage),
            Due::NotTolerated(node, outage) => self.not_tolerated(&node, outage),
            Due::NodeReturn => self.add_next_node(),
            Due::Bookmark(id) => self.send_bookmark(id),
            Due::WatchEnd(id) => self.end_watch(id, Event::Closed),
            Due::Trouble(trouble, season) => self.strike(trouble, season),
        }
    }

    /// Writes a pod, and lets everyone who minds know of it. All changes of pods come through here or
    /// [`drop_pod`](Self::drop_pod).
    pub(super) fn put(&mut self, pod: Pod) -> Arc<Pod> {
        let now = self.store.write(pod);
        self.signals += 1;
        self.admit(&now);
        self.take_room(&now);
        self.kubelet_hears(&now);
        now
    }

    /// Removes a pod from the store: what is left of it carries the revision of its going.
    pub(super) fn drop_pod(&mut self, name: &str) -> Option<Arc<Pod>> {
        let last = self.store.remove(name)?;
        self.views.forget(name);
        self.signals += 1;
        if let Some(behind) = self.behind.remove(name) {
            self.queue.remove(&behind.number);
            self.parked.remove(&behind.number);
            self.give_room_back(&behind);
        }
        self.deferred.remove(name);
        self.forget_claim_user(&last);
        self.owner_gone(&last);
        Some(last)
    }

    /// The pod of that key, if it is still the same one.
    pub(super) fn same(&self, key: &Key) -> Option<Arc<Pod>> {
        self.store
            .pod(&key.name)
            .filter(|pod| *pod.metadata.uid == *key.uid)
            .cloned()
    }

    /// What this world was asked so far, the newest last.
    #[must_use]
    pub fn audit(&self) -> &Vector<Entry> {
        self.audit.entries()
    }

    /// How many requests that one sent so far, by verb.
    #[must_use]
    pub fn calls(&self, by: &str) -> std::collections::BTreeMap<&'static str, u64> {
        self.calls
            .iter()
            .filter(|((who, _), _)| &**who == by)
            .map(|((_, verb), count)| (verb.name(), *count))
            .collect()
    }

    pub(super) fn count_call(&mut self, by: &Name, verb: Verb) {
        *self.calls.entry((by.clone(), verb)).or_insert(0) += 1;
    }

    pub(super) fn note(&mut self, entry: Entry) {
        self.count_call(&entry.by, entry.verb);
        self.audit.note(entry);
    }
}
