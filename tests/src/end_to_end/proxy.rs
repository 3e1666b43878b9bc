//! A proxy between the command and the API server that sees each request in the clear, and can hold one at the moment
//! when the command is to be killed.
//!
//! TLS ends here, with a certificate that its own kubeconfig trusts; to the server it talks by a client of ours.

use http::{HeaderMap, Request, Response, header};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use kube::{Client, client::Body};
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use serde_json::json;
use std::{
    convert::Infallible,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};
use tokio_rustls::TlsAcceptor;

type Answer = Response<UnsyncBoxBody<Bytes, std::io::Error>>;

/// How long the command gets to read an answer before the trap springs.
const READ: Duration = Duration::from_millis(20);

/// When of a request's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The command has sent the whole of it. It goes on to the server when the trap is released, with the command dead:
    /// a create that lands late.
    Sent,
    /// The server has answered it, and the answer is on its way to the command, or lost with it.
    Answered,
}

/// Waits for one create of a pod.
pub struct Trap {
    sprung: oneshot::Receiver<oneshot::Sender<()>>,
}

impl Trap {
    /// Waits until it springs. The request is held until what comes is used or dropped.
    ///
    /// # Panics
    /// It can't spring any more.
    pub async fn sprung(self) -> oneshot::Sender<()> {
        self.sprung.await.expect("the proxy runs")
    }
}

struct Set {
    at: u64,
    moment: Moment,
    sprung: oneshot::Sender<oneshot::Sender<()>>,
}

#[derive(Default)]
struct Control {
    posts: u64,
    set: Option<Set>,
}

/// The proxy; it ends when it is dropped.
pub struct Proxy {
    kubeconfig: PathBuf,
    control: Arc<Mutex<Control>>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Starts it. `upstream` reaches the server; certificate and kubeconfig go into the folder.
    ///
    /// # Panics
    /// There is no port or no folder for it.
    pub async fn start(upstream: Client, folder: &Path) -> Self {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]);
        let made = made.expect("a certificate");
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let tls = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], PrivateKeyDer::from(key));
        let acceptor = TlsAcceptor::from(Arc::new(tls.expect("a certificate and its key")));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("its address").port();

        let authority = folder.join("proxy.crt");
        std::fs::write(&authority, made.cert.pem()).expect("a file");
        let kubeconfig = folder.join("kubeconfig-proxy");
        let text = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "proxy",
            "clusters": [{"name": "proxy", "cluster": {
                "server": format!("https://127.0.0.1:{port}"), "certificate-authority": authority,
            }}],
            "users": [{"name": "proxy", "user": {"token": "the proxy has its own"}}],
            "contexts": [{"name": "proxy", "context": {"cluster": "proxy", "user": "proxy"}}],
        });
        std::fs::write(&kubeconfig, text.to_string()).expect("a file");

        let control = Arc::new(Mutex::new(Control::default()));
        let task = tokio::spawn(serve(listener, acceptor, upstream, control.clone()));
        Self {
            kubeconfig,
            control,
            task,
        }
    }

    /// The kubeconfig that leads here.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Holds the `at`-th create of a pod since the proxy's start, or the first one after, at that moment.
    #[must_use]
    pub fn trap(&self, at: u64, moment: Moment) -> Trap {
        let (sprung, waits) = oneshot::channel();
        self.control
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .set = Some(Set { at, moment, sprung });
        Trap { sprung: waits }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    upstream: Client,
    control: Arc<Mutex<Control>>,
) {
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let (acceptor, upstream, control) = (acceptor.clone(), upstream.clone(), control.clone());
        tokio::spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else {
                return;
            };
            let service = service_fn(move |request| {
                let (upstream, control) = (upstream.clone(), control.clone());
                async move {
                    // On its own: what has come goes on to the server, though the command be dead by then.
                    let answer = tokio::spawn(pass(upstream, control, request)).await;
                    Ok::<_, Infallible>(answer.unwrap_or_else(|_| bad_gateway()))
                }
            });
            // A client that goes away in the middle is what this is for.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn pass(
    upstream: Client,
    control: Arc<Mutex<Control>>,
    request: Request<Incoming>,
) -> Answer {
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        return bad_gateway();
    };
    let is_create = head.method == http::Method::POST && head.uri.path().ends_with("/pods");
    let mut set = is_create.then(|| count(&control)).flatten();
    if let Some(set) = set.take_if(|set| set.moment == Moment::Sent) {
        hold(set).await;
    }
    let mut onward = Request::builder().method(head.method).uri(head.uri);
    for name in [header::ACCEPT, header::CONTENT_TYPE, header::USER_AGENT] {
        if let Some(value) = head.headers.get(&name) {
            onward = onward.header(name, value);
        }
    }
    let onward = onward.body(Body::from(body.to_bytes().to_vec()));
    let Ok(answer) = upstream.send(onward.expect("it came as one")).await else {
        return bad_gateway();
    };
    let (head, body) = answer.into_parts();
    let answer = match set {
        None => body.map_err(std::io::Error::other).boxed_unsync(),
        Some(set) => {
            let Ok(body) = body.collect().await else {
                return bad_gateway();
            };
            tokio::spawn(async move {
                tokio::time::sleep(READ).await;
                hold(set).await;
            });
            full(body.to_bytes())
        }
    };
    let mut response = Response::new(answer);
    *response.status_mut() = head.status;
    *response.headers_mut() = end_to_end(head.headers);
    response
}

/// Counts a create; the trap, where it is for this one.
fn count(control: &Mutex<Control>) -> Option<Set> {
    let mut control = control.lock().unwrap_or_else(PoisonError::into_inner);
    control.posts += 1;
    let posts = control.posts;
    control.set.take_if(|set| set.at <= posts)
}

async fn hold(set: Set) {
    let (release, released) = oneshot::channel();
    if set.sprung.send(release).is_ok() {
        let _ = released.await;
    }
}

/// The headers that are not about one connection only.
fn end_to_end(mut headers: HeaderMap) -> HeaderMap {
    for name in [
        header::CONNECTION,
        header::TRANSFER_ENCODING,
        header::CONTENT_LENGTH,
    ] {
        headers.remove(name);
    }
    headers
}

fn full(bytes: Bytes) -> UnsyncBoxBody<Bytes, std::io::Error> {
    Full::new(bytes)
        .map_err(|never| match never {})
        .boxed_unsync()
}

fn bad_gateway() -> Answer {
    let mut response = Response::new(full(Bytes::new()));
    *response.status_mut() = http::StatusCode::BAD_GATEWAY;
    response
}
