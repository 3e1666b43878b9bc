//! A watch of a namespace's pods by us, beside the program under test.

use futures::StreamExt;
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, Client, ResourceExt,
    api::{ListParams, WatchEvent, WatchParams},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::task::JoinHandle;

/// Watches until it is dropped.
pub struct Outside {
    seen: Arc<Mutex<Seen>>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Seen {
    pods: BTreeMap<String, How>,
    most: usize,
    least_running: usize,
}

/// How a pod is.
#[derive(Clone, Copy)]
struct How {
    /// Neither finished nor being deleted.
    live: bool,
    /// Live, and in phase Running.
    running: bool,
}

impl Seen {
    fn see(&mut self, pod: &Pod) {
        let phase = pod
            .status
            .as_ref()
            .and_then(|status| status.phase.as_deref());
        let finished = matches!(phase, Some("Succeeded" | "Failed"));
        let live = pod.metadata.deletion_timestamp.is_none() && !finished;
        let running = live && phase == Some("Running");
        self.pods.insert(pod.name_any(), How { live, running });
        self.count();
    }

    fn count(&mut self) {
        self.most = self.most.max(self.live());
        self.least_running = self.least_running.min(self.running());
    }

    fn live(&self) -> usize {
        self.pods.values().filter(|how| how.live).count()
    }

    fn running(&self) -> usize {
        self.pods.values().filter(|how| how.running).count()
    }
}

impl Outside {
    /// Begins to watch, and returns when the first listing is there.
    pub async fn watch(client: Client, namespace: &str) -> Self {
        let api: Api<Pod> = Api::namespaced(client, namespace);
        let seen = Arc::new(Mutex::new(Seen::default()));
        let from = list(&api, &seen).await.expect("a list");
        let task = tokio::spawn(follow(api, seen.clone(), from));
        Self { seen, task }
    }

    /// How many pods are live now: neither finished nor being deleted.
    #[must_use]
    pub fn live(&self) -> usize {
        lock(&self.seen).live()
    }

    /// The most that ever were live at once.
    #[must_use]
    pub fn most(&self) -> usize {
        lock(&self.seen).most
    }

    /// How many pods are live and run now.
    #[must_use]
    pub fn running(&self) -> usize {
        lock(&self.seen).running()
    }

    /// Begins to count anew for [`least_running`](Self::least_running).
    pub fn mark(&self) {
        let mut seen = lock(&self.seen);
        seen.least_running = seen.running();
    }

    /// The fewest that were live and ran at any moment since the mark.
    #[must_use]
    pub fn least_running(&self) -> usize {
        lock(&self.seen).least_running
    }

    /// How many pods there are.
    #[must_use]
    pub fn pods(&self) -> usize {
        lock(&self.seen).pods.len()
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn list(api: &Api<Pod>, seen: &Mutex<Seen>) -> Result<String, kube::Error> {
    let pods = api.list(&ListParams::default()).await?;
    let mut seen = lock(seen);
    seen.pods.clear();
    for pod in &pods {
        seen.see(pod);
    }
    Ok(pods.metadata.resource_version.unwrap_or_default())
}

async fn follow(api: Api<Pod>, seen: Arc<Mutex<Seen>>, mut from: String) {
    loop {
        if let Ok(events) = api.watch(&WatchParams::default(), &from).await {
            let mut events = std::pin::pin!(events);
            while let Some(Ok(event)) = events.next().await {
                match event {
                    WatchEvent::Added(pod) | WatchEvent::Modified(pod) => lock(&seen).see(&pod),
                    WatchEvent::Deleted(pod) => {
                        let mut seen = lock(&seen);
                        seen.pods.remove(&pod.name_any());
                        seen.count();
                    }
                    WatchEvent::Bookmark(_) => {}
                    WatchEvent::Error(_) => break,
                }
            }
        }
        from = loop {
            tokio::time::sleep(Duration::from_millis(50)).await;
            if let Ok(from) = list(&api, &seen).await {
                break from;
            }
        };
    }
}
