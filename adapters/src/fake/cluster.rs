//! The world as a [`Cluster`]: its clock is tokio's.

use super::{front::Pages, watch::WatchId, world::World};
use crate::port::{Cluster, Lease, LeaseError, LeaseRequest, ListWish, Request};
use async_trait::async_trait;
use evenkeel_core::{
    Name, Revision, Span, Time,
    input::{Failure, Listing, Outcome, WatchEnd, WatchEvent},
};
use futures::stream::{self, BoxStream, StreamExt as _};
use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::Notify,
    time::{Instant, sleep, sleep_until},
};

/// A fake cluster, seen from one fleet. Clones are the same cluster and fleet.
///
/// The world's time is tokio's since this was made: real time, or with tokio's clock paused, virtual. The world moves
/// on whenever anyone looks at it.
#[derive(Clone)]
pub struct FakeCluster {
    shared: Arc<Shared>,
    fleet: Name,
}

struct Shared {
    world: Mutex<World>,
    /// When the world was at time 0.
    origin: Instant,
    /// Tells watches that there may be something to show.
    changed: Notify,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, World> {
        // A world is whole between any two steps, so what a panicking test left is still one.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings the world to the present, and lets `act` act on it.
    fn with<R>(&self, act: impl FnOnce(&mut World) -> R) -> R {
        let mut world = self.lock();
        let before = world.signals;
        let now = self.origin.elapsed().as_millis();
        world.advance(Time(u64::try_from(now).unwrap_or(u64::MAX)));
        let result = act(&mut world);
        let changed = world.signals != before;
        drop(world);
        if changed {
            self.changed.notify_waiters();
        }
        result
    }

    fn instant(&self, at: Time) -> Option<Instant> {
        self.origin.checked_add(Duration::from_millis(at.0))
    }
}

impl FakeCluster {
    /// A cluster of this world, seen from the fleet of that name. The world goes on from the time that it has.
    #[must_use]
    pub fn new(world: World, fleet: &str) -> Self {
        let passed = Duration::from_millis(world.now().0);
        let now = Instant::now();
        Self {
            shared: Arc::new(Shared {
                origin: now.checked_sub(passed).unwrap_or(now),
                world: Mutex::new(world),
                changed: Notify::new(),
            }),
            fleet: fleet.into(),
        }
    }

    /// The same cluster, seen from another fleet.
    #[must_use]
    pub fn for_fleet(&self, fleet: &str) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            fleet: fleet.into(),
        }
    }

    /// Looks at the world, as it is at this moment, or changes it.
    pub fn world<R>(&self, act: impl FnOnce(&mut World) -> R) -> R {
        self.shared.with(act)
    }

    /// One request: it takes its time on the way there and back.
    async fn request<R>(&self, act: impl FnOnce(&mut World) -> R) -> R {
        let (there, back) = self.world(World::latency);
        pause(there).await;
        let result = self.world(act);
        pause(back).await;
        result
    }
}

async fn pause(span: Span) {
    if span.0 > 0 {
        sleep(Duration::from_millis(span.0)).await;
    }
}

impl fmt::Debug for FakeCluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeCluster")
            .field("fleet", &self.fleet)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Cluster for FakeCluster {
    fn fleet(&self) -> &str {
        &self.fleet
    }

    async fn list(&self, wish: ListWish) -> Result<Listing, Failure> {
        let mut pages = Pages::new(&self.fleet, wish);
        while !self.request(|world| pages.next(world)).await? {}
        pages.listing()
    }

    async fn watch(&self, from: Revision) -> Result<BoxStream<'static, WatchEvent>, WatchEnd> {
        let fleet = self.fleet.clone();
        let (there, back) = self.world(World::latency);
        pause(there).await;
        let id = self.world(|world| world.watch_open(&fleet, from))?;
        // From here on the watch is closed when it is dropped.
        let open = OpenWatch {
            shared: Arc::clone(&self.shared),
            fleet,
            id,
            ended: false,
        };
        pause(back).await;
        Ok(stream::unfold(open, OpenWatch::next).boxed())
    }

    async fn execute(&self, request: Request) -> Outcome {
        let fleet = &*self.fleet;
        let outcome = self
            .request(|world| world.send_effect(fleet, &request))
            .await;
        match outcome {
            Outcome::Exists(None) => {
                self.request(|world| world.look_after(fleet, &request))
                    .await
            }
            outcome => outcome,
        }
    }

    async fn lease(&self, request: LeaseRequest) -> Result<Option<Lease>, LeaseError> {
        self.request(|world| world.lease(&self.fleet, &request))
            .await
    }

    fn calls(&self) -> BTreeMap<&'static str, u64> {
        self.world(|world| world.calls(&self.fleet))
    }
}

/// A watch that someone reads.
struct OpenWatch {
    shared: Arc<Shared>,
    fleet: Name,
    id: WatchId,
    ended: bool,
}

impl OpenWatch {
    async fn next(mut self) -> Option<(WatchEvent, Self)> {
        if self.ended {
            return None;
        }
        let shared = Arc::clone(&self.shared);
        loop {
            // Listened for before looking, so that nothing is missed between.
            let changed = shared.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let (event, due) = self
                .shared
                .with(|world| (world.watch_poll(&self.fleet, self.id), world.next_due()));
            if let Some(event) = event {
                self.ended = matches!(event, WatchEvent::Ended(_));
                return Some((event, self));
            }
            // What is due is always later than now, so this never spins.
            match due.and_then(|at| self.shared.instant(at)) {
                Some(at) => tokio::select! {
                    () = sleep_until(at) => {}
                    () = changed => {}
                },
                None => changed.await,
            }
        }
    }
}

impl Drop for OpenWatch {
    fn drop(&mut self) {
        self.shared.lock().watch_close(self.id);
    }
}
