//! From the API's JSON to listings and events. What does not decode costs itself, never its neighbours.

use crate::api::{
    answer,
    claim::Claim,
    pod::{Metadata, Pod},
    view::view,
};
use evenkeel_core::{
    Name, Revision, Uid,
    input::{ClaimView, Failure, Outcome, PodView, WatchEnd, WatchEvent},
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

/// One page of a list.
pub(super) struct Page<'a> {
    pub(super) revision: Revision,
    /// The token of the next page.
    pub(super) next: Option<String>,
    pub(super) items: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct List<'a> {
    metadata: ListMeta,
    /// Null where there are none.
    #[serde(borrow)]
    items: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListMeta {
    resource_version: String,
    r#continue: Option<String>,
}

pub(super) fn page(body: &[u8]) -> Result<Page<'_>, Failure> {
    let list: List<'_> = serde_json::from_slice(body).map_err(|_| Failure::Undecodable)?;
    Ok(Page {
        revision: list
            .metadata
            .resource_version
            .parse()
            .map_err(|_| Failure::Undecodable)?,
        next: list.metadata.r#continue.filter(|token| !token.is_empty()),
        items: list.items.unwrap_or_default(),
    })
}

/// The view of one pod; its name, where it does not decode.
pub(super) fn pod(json: &str, fleet: &str, server_now: Timestamp) -> Result<PodView, Name> {
    let trouble = match serde_json::from_str::<Pod>(json) {
        Ok(pod) => match view(&pod, fleet, server_now) {
            Ok(view) => return Ok(view),
            Err(error) => error.to_string(),
        },
        Err(error) => error.to_string(),
    };
    let name = name_in(json);
    tracing::warn!(pod = %name, trouble, "a pod did not decode");
    Err(name)
}

/// The view of one claim; its name, where it does not decode, or is none that a fleet makes.
pub(super) fn claim(json: &str, server_now: Timestamp) -> Result<ClaimView, Name> {
    let claim = serde_json::from_str::<Claim>(json);
    if let Some(view) = claim.ok().and_then(|claim| claim.view(server_now)) {
        return Ok(view);
    }
    let name = name_in(json);
    tracing::warn!(claim = %name, "a claim did not decode");
    Err(name)
}

/// Whether the claim that was there already is ours: made by an earlier try, and not on its way out.
pub(super) fn own_claim(body: &[u8], fleet: &str) -> Outcome {
    match serde_json::from_slice::<Claim>(body) {
        Ok(claim) => claim.taken(fleet),
        Err(_) => Outcome::Unclear(Failure::Undecodable),
    }
}

/// The name of an object that does not decode as what it should be.
fn name_in(json: &str) -> Name {
    #[derive(Deserialize)]
    struct Named {
        metadata: Meta,
    }
    #[derive(Deserialize)]
    struct Meta {
        name: String,
    }
    serde_json::from_str::<Named>(json).map_or_else(
        |_| "(unnamed)".into(),
        |object| object.metadata.name.as_str().into(),
    )
}

#[derive(Deserialize)]
struct Event<'a> {
    r#type: String,
    #[serde(borrow)]
    object: &'a RawValue,
}

/// One line of a watch.
pub(super) fn event(line: &[u8], fleet: &str, server_now: Timestamp) -> WatchEvent {
    let Ok(event) = serde_json::from_slice::<Event<'_>>(line) else {
        tracing::warn!("a line of the watch is no event");
        return WatchEvent::Undecodable("(unnamed)".into());
    };
    let json = event.object.get();
    let seen = |as_event: fn(PodView) -> WatchEvent| match pod(json, fleet, server_now) {
        Ok(view) => as_event(view),
        Err(name) => WatchEvent::Undecodable(name),
    };
    match event.r#type.as_str() {
        "ADDED" | "MODIFIED" => seen(WatchEvent::Seen),
        "DELETED" => seen(WatchEvent::Left),
        "BOOKMARK" => bookmark(json),
        "ERROR" => WatchEvent::Ended(ended(json)),
        _ => WatchEvent::Undecodable(name_in(json)),
    }
}

fn bookmark(json: &str) -> WatchEvent {
    object(json.as_bytes())
        .and_then(|meta| meta.resource_version.parse().ok())
        .map_or_else(
            || WatchEvent::Undecodable("(bookmark)".into()),
            WatchEvent::Bookmark,
        )
}

fn ended(json: &str) -> WatchEnd {
    match serde_json::from_str::<super::wire::Status>(json) {
        Ok(status) => gone(&status.refused(200, None)),
        Err(_) => WatchEnd::Failed(Failure::Undecodable),
    }
}

/// What a refused watch means, whether it says so by status code or by an event.
pub(super) fn gone(refused: &answer::Refused) -> WatchEnd {
    match answer::failure(refused) {
        Failure::Expired => WatchEnd::Expired,
        failure => WatchEnd::Failed(failure),
    }
}

fn object(body: &[u8]) -> Option<Metadata> {
    #[derive(Deserialize)]
    struct Object {
        metadata: Metadata,
    }
    serde_json::from_slice::<Object>(body)
        .ok()
        .map(|object| object.metadata)
}

/// What a success says of a write's effect: the object, or a `Status` that names its UID.
pub(super) fn done(body: &[u8]) -> Outcome {
    #[derive(Deserialize)]
    struct Said {
        kind: String,
        details: Option<Details>,
    }
    #[derive(Deserialize)]
    struct Details {
        uid: Option<String>,
    }
    let uid = |text: &str| (!text.is_empty()).then(|| Uid::from(text));
    match serde_json::from_slice::<Said>(body) {
        Ok(said) if said.kind == "Status" => Outcome::Done {
            revision: None,
            uid: said
                .details
                .and_then(|details| uid(details.uid.as_deref()?)),
        },
        Ok(_) => match object(body) {
            Some(meta) => Outcome::Done {
                revision: meta.resource_version.parse().ok(),
                uid: uid(&meta.uid),
            },
            None => Outcome::Unclear(Failure::Undecodable),
        },
        // No answer of an API server; something between gave it.
        Err(_) => Outcome::Unclear(Failure::Undecodable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;
    const POD: &str =
        r#"{"kind":"Pod","metadata":{"name":"p","uid":"u","resourceVersion":"7","labels":null}}"#;

    fn revision(n: u64) -> Revision {
        Revision::new(n).expect("not 0")
    }

    #[test]
    fn events_are_told_apart() {
        let line = |kind: &str, object: &str| {
            event(
                format!(r#"{{"type":"{kind}","object":{object}}}"#).as_bytes(),
                "f",
                NOW,
            )
        };
        assert!(matches!(line("ADDED", POD), WatchEvent::Seen(view) if &*view.name == "p"));
        assert!(matches!(line("MODIFIED", POD), WatchEvent::Seen(_)));
        assert!(
            matches!(line("DELETED", POD), WatchEvent::Left(view) if view.revision == revision(7))
        );
        let empty =
            r#"{"kind":"Pod","metadata":{"resourceVersion":"12","creationTimestamp":null}}"#;
        assert_eq!(line("BOOKMARK", empty), WatchEvent::Bookmark(revision(12)));
        let gone = r#"{"kind":"Status","code":410,"reason":"Expired","message":"too old resource version: 350 (354)"}"#;
        assert_eq!(line("ERROR", gone), WatchEvent::Ended(WatchEnd::Expired));
        let trouble = r#"{"kind":"Status","code":500,"reason":"InternalError"}"#;
        assert_eq!(
            line("ERROR", trouble),
            WatchEvent::Ended(WatchEnd::Failed(Failure::Server(500)))
        );
    }

    #[test]
    fn what_does_not_decode_is_named() {
        let named = r#"{"type":"ADDED","object":{"metadata":{"name":"odd","uid":"u","resourceVersion":"x"}}}"#;
        assert_eq!(
            event(named.as_bytes(), "f", NOW),
            WatchEvent::Undecodable("odd".into())
        );
        let shape = r#"{"type":"ADDED","object":{"metadata":{"name":"odd"},"status":7}}"#;
        assert_eq!(
            event(shape.as_bytes(), "f", NOW),
            WatchEvent::Undecodable("odd".into())
        );
        assert_eq!(
            event(b"{\"type\":", "f", NOW),
            WatchEvent::Undecodable("(unnamed)".into())
        );
    }

    #[test]
    fn a_page_keeps_its_items_apart() {
        let body = format!(
            r#"{{"kind":"PodList","metadata":{{"resourceVersion":"9","continue":"next"}},"items":[{POD},{{"spec":3}}]}}"#
        );
        let page = page(body.as_bytes()).expect("a page");
        assert_eq!(
            (page.revision, page.next.as_deref()),
            (revision(9), Some("next"))
        );
        let read: Vec<_> = page
            .items
            .iter()
            .map(|item| pod(item.get(), "f", NOW).is_ok())
            .collect();
        assert_eq!(read, [true, false]);
        let none = br#"{"metadata":{"resourceVersion":"9","continue":""},"items":null}"#;
        let none = super::page(none).expect("a page");
        assert_eq!((none.items.len(), none.next), (0, None));
    }

    #[test]
    fn a_success_gives_revision_and_uid() {
        assert_eq!(
            done(POD.as_bytes()),
            Outcome::Done {
                revision: Some(revision(7)),
                uid: Some("u".into())
            }
        );
        let status = br#"{"kind":"Status","status":"Success","details":{"name":"p","uid":"u"}}"#;
        assert_eq!(
            done(status),
            Outcome::Done {
                revision: None,
                uid: Some("u".into())
            }
        );
        assert_eq!(
            done(b"<html>sign in</html>"),
            Outcome::Unclear(Failure::Undecodable)
        );
    }
}
