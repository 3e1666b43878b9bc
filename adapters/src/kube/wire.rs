//! One request, one answer: sent through kube's client, read by ourselves.
//!
//! Nothing is repeated here. What matters is what is known of a request that brought no answer: whether it left.

use super::config::Source;
use crate::api::answer::{self, Refused};
use bytes::Bytes;
use evenkeel_core::input::Failure;
use http::{
    HeaderMap, Method, Request,
    header::{CONTENT_TYPE, DATE, RETRY_AFTER},
};
use http_body_util::BodyExt;
use jiff::Timestamp;
use kube::{Client, client::Body};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    error::Error as StdError,
    sync::{Mutex, PoisonError},
    time::Instant,
};

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoAnswer {
    /// The request never left: no connection, no TLS, no credentials. Certainly no effect.
    NotSent(Failure),
    /// It left, and the connection broke before the whole answer was here.
    Lost,
}

impl NoAnswer {
    /// For requests where the difference does not matter.
    pub(super) fn failure(&self) -> Failure {
        match self {
            Self::NotSent(failure) => failure.clone(),
            Self::Lost => Failure::Unreachable,
        }
    }
}

/// The head of an answer; the body is still to be read.
pub(super) struct Answer {
    pub(super) code: u16,
    pub(super) clock: ServerClock,
    retry_after_ms: Option<u64>,
    pub(super) body: Body,
}

impl Answer {
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// The whole body.
    pub(super) async fn bytes(self) -> Result<Bytes, NoAnswer> {
        match self.body.collect().await {
            Ok(body) => Ok(body.to_bytes()),
            Err(error) => {
                tracing::debug!(why = %innermost(&error), "the answer broke off");
                Err(NoAnswer::Lost)
            }
        }
    }

    /// The whole of an answer that is no success.
    pub(super) async fn refused(self) -> Result<Refused, NoAnswer> {
        let (code, retry_after_ms) = (self.code, self.retry_after_ms);
        Ok(refusal(code, retry_after_ms, &self.bytes().await?))
    }
}

/// A read that brought nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    Missing(NoAnswer),
    Refused(Refused),
}

impl Unread {
    pub(super) fn failure(&self) -> Failure {
        match self {
            Self::Missing(missing) => missing.failure(),
            Self::Refused(refused) => answer::failure(refused),
        }
    }
}

/// The API server's clock, as its last `Date` header gave it. Counts on by our monotonic clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct ServerClock {
    date: Timestamp,
    read: Instant,
}

impl ServerClock {
    /// From an answer's `Date`; our own wall clock where something between has taken that away.
    fn read(headers: &HeaderMap) -> Self {
        let date = headers
            .get(DATE)
            .and_then(|value| http_date(value.to_str().ok()?));
        Self {
            date: date.unwrap_or_else(Timestamp::now),
            read: Instant::now(),
        }
    }

    pub(super) fn now(self) -> Timestamp {
        self.date
            .checked_add(self.read.elapsed())
            .unwrap_or(self.date)
    }
}

/// Sends requests, counts them, and reads credentials anew after a 401.
pub(super) struct Wire {
    source: Source,
    current: Mutex<Access>,
    renewing: tokio::sync::Mutex<()>,
    calls: Mutex<BTreeMap<&'static str, u64>>,
    /// Why the last request brought no answer.
    trouble: Mutex<String>,
}

#[derive(Clone)]
struct Access {
    client: Client,
    /// Counts renewals: many requests may learn of the same expired token.
    generation: u64,
    refused: bool,
}

impl Wire {
    pub(super) fn new(source: Source, client: Client) -> Self {
        Self {
            source,
            current: Mutex::new(Access {
                client,
                generation: 0,
                refused: false,
            }),
            renewing: tokio::sync::Mutex::new(()),
            calls: Mutex::default(),
            trouble: Mutex::default(),
        }
    }

    /// Why the last request that brought no answer brought none. Holds no secret.
    pub(super) fn last_trouble(&self) -> String {
        lock(&self.trouble).clone()
    }

    pub(super) fn calls(&self) -> BTreeMap<&'static str, u64> {
        lock(&self.calls).clone()
    }

    /// Sends one request, once. `path` is percent-encoded and may have a query.
    pub(super) async fn send(
        &self,
        verb: &'static str,
        method: Method,
        path: &str,
        content: Option<(&'static str, Vec<u8>)>,
    ) -> Result<Answer, NoAnswer> {
        let mut request = Request::builder().method(method).uri(path);
        let mut body = Body::empty();
        if let Some((kind, bytes)) = content {
            request = request.header(CONTENT_TYPE, kind);
            body = Body::from(bytes);
        }
        let Ok(request) = request.body(body) else {
            tracing::debug!(path, "the path makes no request");
            return Err(NoAnswer::NotSent(Failure::Undecodable));
        };
        let access = self.access().await?;
        self.count(verb, 1);
        match access.client.send(request).await {
            Ok(response) => {
                let (head, body) = response.into_parts();
                let code = head.status.as_u16();
                if code == 401 {
                    self.refuse(access.generation);
                }
                let clock = ServerClock::read(&head.headers);
                Ok(Answer {
                    code,
                    retry_after_ms: retry_after(&head.headers, clock.date),
                    clock,
                    body,
                })
            }
            Err(error) => {
                let lost = sort(&error);
                if let NoAnswer::NotSent(failure) = &lost {
                    self.count(verb, -1);
                    if *failure == Failure::Unauthorized {
                        self.refuse(access.generation);
                    }
                }
                let why = why(&error);
                tracing::debug!(verb, ?lost, why, "no answer");
                *lock(&self.trouble) = why;
                Err(lost)
            }
        }
    }

    /// A read: the body of a success, and the server's clock.
    pub(super) async fn read(
        &self,
        verb: &'static str,
        path: &str,
    ) -> Result<(Bytes, ServerClock), Unread> {
        let answer = self
            .send(verb, Method::GET, path, None)
            .await
            .map_err(Unread::Missing)?;
        if !answer.is_success() {
            let refused = answer.refused().await.map_err(Unread::Missing)?;
            return Err(Unread::Refused(refused));
        }
        let clock = answer.clock;
        let bytes = answer.bytes().await.map_err(Unread::Missing)?;
        Ok((bytes, clock))
    }

    /// The client to use; made anew where the last one's credentials were refused or have run out.
    async fn access(&self) -> Result<Access, NoAnswer> {
        let good = |access: &Access| {
            let expired = access
                .client
                .valid_until()
                .is_some_and(|until| until <= Timestamp::now());
            !access.refused && !expired
        };
        let current = lock(&self.current).clone();
        if good(&current) {
            return Ok(current);
        }
        let _one_at_a_time = self.renewing.lock().await;
        let current = lock(&self.current).clone();
        if good(&current) {
            return Ok(current);
        }
        let renewed = match self.source.client().await {
            Ok(Some(client)) => client,
            // It was given to us: its owner must see to it.
            Ok(None) => return Ok(current),
            Err(error) => {
                tracing::warn!(%error, "credentials could not be read anew");
                return Err(NoAnswer::NotSent(Failure::Unauthorized));
            }
        };
        let access = Access {
            client: renewed,
            generation: current.generation + 1,
            refused: false,
        };
        *lock(&self.current) = access.clone();
        Ok(access)
    }

    fn refuse(&self, generation: u64) {
        let mut current = lock(&self.current);
        if current.generation == generation {
            current.refused = true;
        }
    }

    fn count(&self, verb: &'static str, by: i64) {
        let mut calls = lock(&self.calls);
        let count = calls.entry(verb).or_default();
        *count = count.saturating_add_signed(by);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a failed request had left.
pub(super) fn sort(error: &kube::Error) -> NoAnswer {
    if matches!(error, kube::Error::Auth(_)) {
        return NoAnswer::NotSent(Failure::Unauthorized);
    }
    // Name resolution, TCP and TLS are all inside the connector.
    let connecting = chain(error).any(|cause| {
        cause
            .downcast_ref::<hyper_util::client::legacy::Error>()
            .is_some_and(hyper_util::client::legacy::Error::is_connect)
    });
    if connecting {
        NoAnswer::NotSent(Failure::Unreachable)
    } else {
        NoAnswer::Lost
    }
}

/// What went wrong, in words that hold no secret.
pub(super) fn why(error: &kube::Error) -> String {
    match error {
        // These may quote what a credential plugin printed.
        kube::Error::Auth(_) => "the credentials could not be obtained".into(),
        error => innermost(error),
    }
}

fn innermost(error: &kube::Error) -> String {
    chain(error)
        .last()
        .map_or_else(String::new, |cause| cause.to_string())
}

fn chain<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// A `Status`, as far as it matters.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Status {
    code: Option<u16>,
    reason: Option<String>,
    message: Option<String>,
    details: Option<Details>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Details {
    causes: Option<Vec<Cause>>,
    retry_after_seconds: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Cause {
    reason: Option<String>,
}

impl Status {
    /// With the HTTP status code where the body gives none.
    pub(super) fn refused(self, code: u16, retry_after_ms: Option<u64>) -> Refused {
        let details = self.details.unwrap_or_default();
        Refused {
            code: self.code.filter(|_| code == 200).unwrap_or(code),
            reason: self.reason.unwrap_or_default(),
            message: self.message.unwrap_or_default(),
            causes: details
                .causes
                .unwrap_or_default()
                .into_iter()
                .filter_map(|cause| cause.reason)
                .collect(),
            retry_after_ms: retry_after_ms.or(details
                .retry_after_seconds
                .map(|seconds| seconds.saturating_mul(1000))),
        }
    }
}

/// An answer that is no success. What is no `Status` (429s are plain text) is kept as its message.
fn refusal(code: u16, retry_after_ms: Option<u64>, body: &[u8]) -> Refused {
    match serde_json::from_slice::<Status>(body) {
        Ok(status) => status.refused(code, retry_after_ms),
        Err(_) => Refused {
            code,
            message: String::from_utf8_lossy(body).trim().to_owned(),
            retry_after_ms,
            ..Refused::default()
        },
    }
}

/// `Retry-After`: seconds, or a date.
fn retry_after(headers: &HeaderMap, server_now: Timestamp) -> Option<u64> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(seconds.saturating_mul(1000));
    }
    let wait = http_date(text)?.as_millisecond() - server_now.as_millisecond();
    Some(u64::try_from(wait).unwrap_or(0))
}

fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text)
        .ok()
        .map(|date| date.timestamp())
}

/// Percent-encodes a path segment or a query value.
pub(super) fn encode(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: http::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, http::HeaderValue::from_static(value))])
    }

    #[test]
    fn a_status_is_read_whole() {
        let body = br#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"too large",
            "reason":"Timeout","details":{"causes":[{"reason":"ResourceVersionTooLarge","message":"m"}],"retryAfterSeconds":1},"code":504}"#;
        assert_eq!(
            refusal(504, None, body),
            Refused {
                code: 504,
                reason: "Timeout".into(),
                message: "too large".into(),
                causes: vec!["ResourceVersionTooLarge".into()],
                retry_after_ms: Some(1000),
            }
        );
    }

    #[test]
    fn a_plain_text_answer_keeps_its_words_and_the_header() {
        let refused = refusal(
            429,
            Some(1000),
            b"Too many requests, please try again later.\n",
        );
        assert_eq!(
            refused.message,
            "Too many requests, please try again later."
        );
        assert_eq!((refused.code, refused.retry_after_ms), (429, Some(1000)));
        assert_eq!(refused.reason, "");
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = http_date("Sun, 22 Nov 2026 21:38:32 GMT").expect("a date");
        assert_eq!(retry_after(&headers(RETRY_AFTER, "7"), now), Some(7000));
        let date = headers(RETRY_AFTER, "Sun, 22 Nov 2026 21:38:42 GMT");
        assert_eq!(retry_after(&date, now), Some(10_000));
        assert_eq!(retry_after(&headers(RETRY_AFTER, "soon"), now), None);
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }

    #[test]
    fn the_servers_clock_is_its_date_header() {
        let clock = ServerClock::read(&headers(DATE, "Sun, 22 Nov 2026 21:38:32 GMT"));
        assert_eq!(clock.date.to_string(), "2026-11-22T21:38:32Z");
        assert!(clock.now() >= clock.date);
    }

    #[test]
    fn encoding_leaves_no_way_out_of_a_path() {
        assert_eq!(encode("a/../b?c"), "a%2F..%2Fb%3Fc");
    }
}
