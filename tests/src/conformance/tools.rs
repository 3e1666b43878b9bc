//! What the cases share: manifests, and short ways to say what must come.

use super::{FLEET, SOON, Stage};
use evenkeel::{
    api::labels,
    core::{
        Revision, Uid,
        input::{Listing, Outcome, PodView, WatchEvent},
        words::ExecutorId,
    },
    port::{ListWish, Request},
};
use futures::{StreamExt, stream::BoxStream};
use serde_json::{Value, json};
use std::time::Duration;

/// The name of executor `1-sequence`'s pod.
pub(super) fn name(sequence: u32) -> String {
    ExecutorId::new(1, sequence).pod_name(FLEET).to_string()
}

/// A pod as the fleet makes it.
pub(super) fn ours(sequence: u32) -> Value {
    let mut pod = stranger(&name(sequence));
    pod["metadata"]["labels"] = json!({
        labels::FLEET: FLEET, labels::GROUP: "small", labels::EXECUTOR: format!("1-{sequence}"),
        labels::TEMPLATE: labels::template_value(7), labels::MANAGED_BY.0: labels::MANAGED_BY.1,
    });
    pod
}

/// A pod without labels.
pub(super) fn stranger(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
        "spec": {
            "restartPolicy": "Never", "terminationGracePeriodSeconds": 30, "automountServiceAccountToken": false,
            "containers": [{"name": "main", "image": "registry.example/worker:1"}],
        },
    })
}

/// Asks for executor `1-sequence`, and gives whatever comes.
pub(super) async fn ask(stage: &dyn Stage, manifest: &Value) -> Outcome {
    let name = manifest["metadata"]["name"]
        .as_str()
        .expect("a name")
        .into();
    let manifest = manifest.to_string();
    stage
        .cluster()
        .execute(Request::Create { name, manifest })
        .await
}

/// Makes executor `1-sequence`.
pub(super) async fn make(stage: &dyn Stage, sequence: u32) -> (Uid, Revision) {
    done(&ask(stage, &ours(sequence)).await)
}

/// The UID and the revision that a `Done` gives.
#[track_caller]
pub(super) fn done(outcome: &Outcome) -> (Uid, Revision) {
    match outcome {
        Outcome::Done {
            revision: Some(revision),
            uid: Some(uid),
        } => (uid.clone(), *revision),
        other => panic!("not done: {other:?}"),
    }
}

pub(super) async fn delete(
    stage: &dyn Stage,
    sequence: u32,
    uid: Option<&Uid>,
    revision: Option<Revision>,
) -> Outcome {
    let request = Request::Delete {
        name: name(sequence).into(),
        uid: uid.cloned(),
        revision,
    };
    stage.cluster().execute(request).await
}

pub(super) async fn mark(stage: &dyn Stage, sequence: u32, uid: &Uid) -> Outcome {
    let request = Request::MarkFinished {
        name: name(sequence).into(),
        uid: uid.clone(),
    };
    stage.cluster().execute(request).await
}

pub(super) async fn list(stage: &dyn Stage) -> Listing {
    stage
        .cluster()
        .list(ListWish::default())
        .await
        .expect("a listing")
}

pub(super) fn names(listing: &Listing) -> Vec<String> {
    let mut names: Vec<_> = listing
        .pods
        .iter()
        .map(|pod| pod.name.to_string())
        .collect();
    names.sort();
    names
}

/// A UID that no object has.
pub(super) fn no_ones_uid() -> Uid {
    Uid::from("00000000-0000-4000-8000-000000000000")
}

/// An open watch.
pub(super) struct Watching(BoxStream<'static, WatchEvent>);

impl Watching {
    /// From what a listing shows now.
    pub(super) async fn from_now(stage: &dyn Stage) -> Self {
        Self::from(stage, list(stage).await.revision).await
    }

    pub(super) async fn from(stage: &dyn Stage, revision: Revision) -> Self {
        Self(stage.cluster().watch(revision).await.expect("a watch"))
    }

    /// The next event, within this time.
    pub(super) async fn any(&mut self, within: Duration) -> Option<WatchEvent> {
        match tokio::time::timeout(within, self.0.next()).await {
            Ok(event) => Some(event.expect("the last event is Ended")),
            Err(_) => None,
        }
    }

    /// The next event that is no bookmark.
    pub(super) async fn next(&mut self) -> WatchEvent {
        loop {
            match self.any(SOON).await.expect("an event") {
                WatchEvent::Bookmark(_) => {}
                event => return event,
            }
        }
    }

    #[track_caller]
    pub(super) fn seen(&mut self) -> impl Future<Output = PodView> {
        let caller = std::panic::Location::caller();
        async move {
            match self.next().await {
                WatchEvent::Seen(view) => view,
                other => panic!("{caller}: not seen: {other:?}"),
            }
        }
    }

    #[track_caller]
    pub(super) fn left(&mut self) -> impl Future<Output = PodView> {
        let caller = std::panic::Location::caller();
        async move {
            match self.next().await {
                WatchEvent::Left(view) => view,
                other => panic!("{caller}: not left: {other:?}"),
            }
        }
    }

    /// Nothing but bookmarks is to come: proved by the next thing that does, a new pod of that sequence.
    pub(super) async fn nothing_until(&mut self, stage: &dyn Stage, sequence: u32) {
        let (_, revision) = make(stage, sequence).await;
        let view = self.seen().await;
        assert_eq!((&*view.name, view.revision), (&*name(sequence), revision));
    }

    /// The stream is over after its end.
    pub(super) async fn is_over(&mut self) -> bool {
        self.0.next().await.is_none()
    }
}
