//! What the Kubernetes adapter makes of a server that breaks off, stalls or is something else: a socket of our own plays it.

#![cfg(feature = "kube")]

use evenkeel::{
    core::{
        Revision,
        input::{Failure, Outcome, Refusal, WatchEnd, WatchEvent},
    },
    kube::KubeCluster,
    port::{Cluster, LeaseError, LeaseRequest, ListWish, Request},
};
use futures::StreamExt;
use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

/// Answers each request with these bytes, and closes the connection.
fn server(answers: &[&str]) -> (KubeCluster, Arc<AtomicU64>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let requests = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&requests);
    let answers: Vec<String> = answers.iter().map(|answer| (*answer).to_owned()).collect();
    thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut head = Vec::new();
            let mut buffer = [0; 4096];
            while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                let read = stream.read(&mut buffer).expect("a request");
                head.extend_from_slice(&buffer[..read]);
                if read == 0 {
                    break;
                }
            }
            counted.fetch_add(1, Ordering::SeqCst);
            stream.write_all(answer.as_bytes()).expect("written");
            // All that was sent must be read, or closing resets the connection before the answer is through.
            stream.shutdown(Shutdown::Write).expect("shut");
            while stream.read(&mut buffer).is_ok_and(|read| read > 0) {}
        }
    });
    let mut config = kube::Config::new(format!("http://127.0.0.1:{port}").parse().expect("a URL"));
    config.default_retry = false;
    let client = kube::Client::try_from(config).expect("a client");
    (
        KubeCluster::from_client(client, "default", "demo"),
        requests,
    )
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

async fn create(cluster: &KubeCluster) -> Outcome {
    let (name, manifest) = ("p".into(), r#"{"metadata":{"name":"p"}}"#.to_owned());
    cluster.execute(Request::Create { name, manifest }).await
}

/// The outcome of one create, and how many requests it took.
async fn outcome_of(answer: &str) -> (Outcome, u64) {
    let (cluster, requests) = server(&[answer]);
    let outcome = create(&cluster).await;
    let counted = requests.load(Ordering::SeqCst);
    assert_eq!(cluster.calls().get("create"), Some(&counted));
    (outcome, counted)
}

fn revision(n: u64) -> Revision {
    Revision::new(n).expect("not 0")
}

#[tokio::test]
async fn a_connection_that_breaks_leaves_the_effect_unclear() {
    let unclear = Outcome::Unclear(Failure::Unreachable);
    assert_eq!(outcome_of("").await, (unclear.clone(), 1));
    let half = "HTTP/1.1 201 Created\r\nContent-Length: 900\r\n\r\n{\"kind\":\"Pod\"";
    assert_eq!(outcome_of(half).await, (unclear.clone(), 1));
    // A refusal whose words are lost may have been any.
    let half = "HTTP/1.1 403 Forbidden\r\nContent-Length: 900\r\n\r\n{\"kind\":\"Status\"";
    assert_eq!(outcome_of(half).await, (unclear, 1));
}

#[tokio::test]
async fn nothing_listening_is_not_sent_and_not_counted() {
    let (cluster, _) = server(&[]);
    // The listener is dropped with its thread, soon.
    let not_sent = Outcome::Refused(Refusal::NotSent(Failure::Unreachable));
    let mut outcome = create(&cluster).await;
    for _ in 0..100 {
        if outcome == not_sent {
            break;
        }
        outcome = create(&cluster).await;
    }
    assert_eq!(outcome, not_sent);
    let before = cluster.calls();
    assert_eq!(create(&cluster).await, not_sent);
    assert_eq!(cluster.calls(), before);
    let lease = cluster.lease(LeaseRequest::Get).await;
    assert_eq!(lease, Err(LeaseError::Failed(Failure::Unreachable)));
}

#[tokio::test]
async fn trouble_is_answered_once_and_never_repeated() {
    for code in [500, 502, 503, 504] {
        let (outcome, requests) = outcome_of(&answer(
            &format!("{code} Trouble"),
            "Retry-After: 1\r\n",
            "later",
        ))
        .await;
        assert_eq!(
            (outcome, requests),
            (Outcome::Unclear(Failure::Server(code)), 1)
        );
    }
    let throttled = answer(
        "429 Too Many Requests",
        "Retry-After: 3\r\n",
        "Too many requests, please try again later.\n",
    );
    let retry_after_ms = Some(3000);
    let refused = Outcome::Refused(Refusal::Throttled { retry_after_ms });
    assert_eq!(outcome_of(&throttled).await, (refused, 1));
}

#[tokio::test]
async fn what_is_no_api_server_is_no_success() {
    let page = answer(
        "200 OK",
        "Content-Type: text/html\r\n",
        "<html>please sign in</html>",
    );
    assert_eq!(
        outcome_of(&page).await.0,
        Outcome::Unclear(Failure::Undecodable)
    );
    let elsewhere = answer("302 Found", "Location: http://127.0.0.1:1/\r\n", "");
    assert_eq!(
        outcome_of(&elsewhere).await.0,
        Outcome::Unclear(Failure::Undecodable)
    );
    let (cluster, _) = server(&[&page]);
    assert_eq!(
        cluster.list(ListWish::default()).await,
        Err(Failure::Undecodable)
    );
}

#[tokio::test]
async fn a_taken_name_that_cannot_be_read_is_unclear() {
    let exists = answer(
        "409 Conflict",
        "",
        r#"{"kind":"Status","reason":"AlreadyExists","message":"pods \"p\" already exists","code":409}"#,
    );
    let (cluster, _) = server(&[&exists, &answer("500 Trouble", "", "")]);
    assert_eq!(
        create(&cluster).await,
        Outcome::Unclear(Failure::Server(500))
    );
    let gone = answer(
        "404 Not Found",
        "",
        r#"{"kind":"Status","reason":"NotFound","code":404}"#,
    );
    let (cluster, _) = server(&[&exists, &gone]);
    assert_eq!(create(&cluster).await, Outcome::Exists(None));
}

const POD: &str = r#"{"metadata":{"name":"p","uid":"u","resourceVersion":"5","creationTimestamp":"2026-11-22T21:38:30Z"}}"#;

#[tokio::test]
async fn a_listing_of_two_revisions_is_none() {
    let page = |revision: u64, next: &str| {
        let body = format!(
            r#"{{"metadata":{{"resourceVersion":"{revision}","continue":"{next}"}},"items":[{POD}]}}"#
        );
        answer("200 OK", "Date: Sun, 22 Nov 2026 21:38:32 GMT\r\n", &body)
    };
    let (cluster, _) = server(&[&page(8631, "more"), &page(8643, "")]);
    assert_eq!(
        cluster.list(ListWish::default()).await,
        Err(Failure::Expired)
    );
    let (cluster, _) = server(&[&page(8631, "more"), &page(8631, "")]);
    let listing = cluster.list(ListWish::default()).await.expect("a listing");
    let ages: Vec<_> = listing.pods.iter().map(|pod| pod.age_ms / 1000).collect();
    assert_eq!((listing.revision, ages), (revision(8631), vec![2, 2]));
    // The token has expired; the fresh one that comes along is of another listing.
    let expired = answer(
        "410 Gone",
        "",
        r#"{"kind":"Status","reason":"Expired","metadata":{"continue":"fresh"},"code":410}"#,
    );
    let (cluster, _) = server(&[&page(8631, "more"), &expired]);
    assert_eq!(
        cluster.list(ListWish::default()).await,
        Err(Failure::Expired)
    );
}

#[tokio::test]
async fn one_pod_that_does_not_decode_costs_nobody_else() {
    let body = format!(
        r#"{{"metadata":{{"resourceVersion":"9"}},"items":[{{"metadata":{{"name":"odd"}},"spec":7}},{POD}]}}"#
    );
    let (cluster, _) = server(&[&answer("200 OK", "", &body)]);
    let listing = cluster.list(ListWish::default()).await.expect("a listing");
    assert_eq!(listing.undecodable, ["odd".into()]);
    assert_eq!(listing.pods.len(), 1);
}

async fn events(answer: &str) -> Vec<WatchEvent> {
    let (cluster, _) = server(&[answer]);
    let watch = cluster.watch(revision(1)).await.expect("a watch");
    watch.collect().await
}

#[tokio::test]
async fn a_watch_goes_on_over_what_does_not_decode_and_ends_once() {
    let seen = format!(r#"{{"type":"ADDED","object":{POD}}}"#);
    let odd = r#"{"type":"ADDED","object":{"metadata":{"name":"odd"},"status":7}}"#;
    let whole = events(&answer("200 OK", "", &format!("{odd}\n{seen}\n"))).await;
    assert_eq!(whole[0], WatchEvent::Undecodable("odd".into()));
    assert!(matches!(&whole[1], WatchEvent::Seen(view) if &*view.name == "p"));
    assert_eq!(whole[2..], [WatchEvent::Ended(WatchEnd::Closed)]);

    let broken = WatchEvent::Ended(WatchEnd::Failed(Failure::Unreachable));
    let midway = events(&answer("200 OK", "", &format!("{seen}\n{{\"type\":\"MOD"))).await;
    assert_eq!(midway[1..], *std::slice::from_ref(&broken));
    let cut = events(&format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{seen}\n\r\n",
        seen.len() + 1
    ))
    .await;
    assert_eq!(cut[1..], [broken]);

    let gone = r#"{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired"}}"#;
    let expired = events(&answer("200 OK", "", &format!("{gone}\n{seen}\n"))).await;
    assert_eq!(expired, [WatchEvent::Ended(WatchEnd::Expired)]);
}

#[tokio::test]
async fn a_watch_that_is_refused_says_why() {
    let (cluster, _) = server(&[&answer(
        "410 Gone",
        "",
        r#"{"kind":"Status","reason":"Expired","code":410}"#,
    )]);
    assert_eq!(
        cluster.watch(revision(1)).await.err(),
        Some(WatchEnd::Expired)
    );
    let (cluster, _) = server(&[&answer("429 Too Many Requests", "", "later")]);
    let end = WatchEnd::Failed(Failure::Throttled);
    assert_eq!(cluster.watch(revision(1)).await.err(), Some(end));
}
