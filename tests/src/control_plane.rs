//! A real Kubernetes control plane on loopback, for the length of a test.
//!
//! Its programs come from the folder that `KUBEBUILDER_ASSETS` names, else from `target/control-plane/` of the workspace,
//! where `tests/control-plane/build.sh target/control-plane` builds them.

mod admin;
mod assets;
mod audit;
mod etcd;
mod files;
mod guard;
mod kubelet;

pub use admin::{Admin, Refusal};
pub use assets::{assets, missing, skips};
pub use audit::AuditEvent;
pub use etcd::Etcd;

use self::guard::Guarded;
use serde_json::json;
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// How long a program may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the control plane is to have, besides etcd and the API server.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    scheduler: bool,
    controller_manager: bool,
    kwok_nodes: usize,
    service_accounts: bool,
    flags: Vec<String>,
}

impl Builder {
    /// With kube-scheduler, at 1,000 requests a second.
    #[must_use]
    pub fn scheduler(mut self, on: bool) -> Self {
        self.scheduler = on;
        self
    }

    /// With kube-controller-manager: garbage collection by owner, PodGC, quotas' own counts, service accounts.
    #[must_use]
    pub fn controller_manager(mut self, on: bool) -> Self {
        self.controller_manager = on;
        self
    }

    /// With KWOK, the fake kubelet, and so many nodes for it to keep. 0: without.
    #[must_use]
    pub fn kwok_nodes(mut self, nodes: usize) -> Self {
        self.kwok_nodes = nodes;
        self
    }

    /// Pods need a service account, as on most clusters; else the plugin that asks for one is off.
    #[must_use]
    pub fn service_accounts(mut self, on: bool) -> Self {
        self.service_accounts = on;
        self
    }

    /// One more flag for the API server.
    #[must_use]
    pub fn api_server_flag(mut self, flag: &str) -> Self {
        self.flags.push(flag.to_owned());
        self
    }

    /// Starts it, and waits until it serves.
    pub async fn start(mut self) -> ControlPlane {
        if !self.service_accounts {
            let flag = "--disable-admission-plugins=ServiceAccount";
            self.flags.push(flag.to_owned());
        }
        let assets = assets().unwrap_or_else(|| panic!("{}", missing()));
        let mut plane = ControlPlane::prepare(assets, self.flags);
        plane.start_etcd();
        plane.start_api_server().await;
        if self.controller_manager {
            let key = plane.path("service-accounts.key");
            let key = format!("--service-account-private-key-file={}", key.display());
            plane.start_client(
                "kube-controller-manager",
                &["--leader-elect=false", "--secure-port=0", &key],
            );
        }
        if self.scheduler {
            let flags = [
                "--leader-elect=false",
                "--secure-port=0",
                "--kube-api-qps=1000",
                "--kube-api-burst=2000",
            ];
            plane.start_client("kube-scheduler", &flags);
        }
        if self.kwok_nodes > 0 {
            let stages = format!(
                "--config={}",
                plane.assets.join("kwok-stages.yaml").display()
            );
            let flags = [
                &*stages,
                "--manage-all-nodes=false",
                "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
                "--node-lease-duration-seconds=40",
            ];
            plane.start_client("kwok", &flags);
            plane.add_nodes(self.kwok_nodes).await;
        }
        plane
    }
}

/// A running control plane. Everything of it ends when this is dropped, and also when this process dies in any way.
pub struct ControlPlane {
    assets: PathBuf,
    flags: Vec<String>,
    etcd_port: u16,
    port: u16,
    /// In the order in which they end: those that need the API server before it, etcd last.
    clients: Vec<Guarded>,
    api_server: Option<Guarded>,
    etcd: Option<Guarded>,
    nodes: usize,
    folder: tempfile::TempDir,
}

impl ControlPlane {
    /// etcd and an API server, and what is added.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    fn prepare(assets: PathBuf, flags: Vec<String>) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("evenkeel-control-plane-")
            .tempdir();
        let folder = folder.expect("a folder for the control plane");
        let (etcd_port, port) = (free_port(), free_port());
        files::write(folder.path(), port);
        Self {
            assets,
            flags,
            etcd_port,
            port,
            clients: Vec::new(),
            api_server: None,
            etcd: None,
            nodes: 0,
            folder,
        }
    }

    /// The administrator's kubeconfig.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.path("kubeconfig")
    }

    /// A kubeconfig for a user of that name, who has only the rights that are granted to it.
    #[must_use]
    pub fn kubeconfig_of(&self, user: &str) -> PathBuf {
        files::kubeconfig_of(self.folder.path(), self.port, user)
    }

    /// An administrator.
    #[must_use]
    pub fn admin(&self) -> Admin {
        Admin::new(self.client())
    }

    /// The administrator's client, which repeats nothing.
    #[must_use]
    pub fn client(&self) -> kube::Client {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let config = files::config(self.folder.path(), self.port);
        kube::Client::try_from(config).expect("a client of the control plane")
    }

    /// What the API server was asked for pods and leases so far, in order of its answers.
    #[must_use]
    pub fn audit(&self) -> Vec<AuditEvent> {
        audit::read(&self.path("audit.log"))
    }

    /// Ends the API server, as a crash would.
    pub fn stop_api_server(&mut self) {
        self.api_server = None;
    }

    /// Starts the API server, where it does not run, and waits until it serves.
    pub async fn start_api_server(&mut self) {
        if self.api_server.is_some() {
            return;
        }
        let file = |flag: &str, name: &str| format!("--{flag}={}", self.path(name).display());
        let mut flags = vec![
            format!("--etcd-servers=http://127.0.0.1:{}", self.etcd_port),
            format!("--secure-port={}", self.port),
            "--bind-address=127.0.0.1".to_owned(),
            "--advertise-address=127.0.0.1".to_owned(),
            file("cert-dir", "certs"),
            file("tls-cert-file", "server.crt"),
            file("tls-private-key-file", "server.key"),
            file("service-account-key-file", "service-accounts.pub"),
            file("service-account-signing-key-file", "service-accounts.key"),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            file("token-auth-file", "tokens.csv"),
            "--authorization-mode=RBAC".to_owned(),
            "--service-cluster-ip-range=10.0.0.0/24".to_owned(),
            file("audit-policy-file", "audit.yaml"),
            file("audit-log-path", "audit.log"),
        ];
        flags.extend(self.flags.iter().cloned());
        self.api_server = Some(self.spawn("kube-apiserver", &flags));
        let admin = self.admin();
        let deadline = Instant::now() + PATIENCE;
        while admin.text("/readyz").await.is_err()
            || admin.get("/api/v1/namespaces/default").await.is_err()
        {
            self.pause(deadline, "the API server is ready").await;
        }
    }

    /// Ends the API server and starts it again: watches from before it are forgotten.
    pub async fn restart_api_server(&mut self) {
        self.stop_api_server();
        self.start_api_server().await;
    }

    /// The store behind the API server.
    #[must_use]
    pub fn etcd(&self) -> Etcd {
        Etcd::new(self.etcd_port)
    }

    /// Adds nodes of 64 CPUs, 256 GiB and 1,000 pods that KWOK keeps, and waits until they are ready.
    pub async fn add_nodes(&mut self, nodes: usize) {
        let admin = self.admin();
        let names: Vec<_> = (self.nodes..self.nodes + nodes)
            .map(|n| format!("kwok-{n}"))
            .collect();
        self.nodes += nodes;
        for name in &names {
            admin
                .create_node(name, json!({"kwok.x-k8s.io/node": "fake"}))
                .await;
        }
        let deadline = Instant::now() + PATIENCE;
        for name in &names {
            while !admin.node_is_ready(name).await {
                self.pause(deadline, "the nodes are ready").await;
            }
        }
    }

    fn start_etcd(&mut self) {
        let client = format!("http://127.0.0.1:{}", self.etcd_port);
        self.etcd = Some(self.spawn(
            "etcd",
            &[
                format!("--data-dir={}", self.path("etcd").display()),
                format!("--listen-client-urls={client}"),
                format!("--advertise-client-urls={client}"),
                "--listen-peer-urls=http://127.0.0.1:0".to_owned(),
                "--unsafe-no-fsync".to_owned(),
            ],
        ));
    }

    fn start_client(&mut self, program: &str, flags: &[&str]) {
        let mut all = vec![format!("--kubeconfig={}", self.kubeconfig().display())];
        all.extend(flags.iter().map(|flag| (*flag).to_owned()));
        let client = self.spawn(program, &all);
        self.clients.push(client);
    }

    fn spawn(&self, program: &str, flags: &[String]) -> Guarded {
        let log = self.path(&format!("{program}.log"));
        Guarded::spawn(&self.assets.join(program), flags, self.folder.path(), &log)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Waits a little; panics with the ends of the logs where it has been too long.
    async fn pause(&self, deadline: Instant, until: &str) {
        assert!(
            Instant::now() < deadline,
            "waited a minute until {until}\n{}",
            self.logs()
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    fn logs(&self) -> String {
        let log = |program: &&str| {
            let text = std::fs::read_to_string(self.path(&format!("{program}.log"))).ok()?;
            let lines: Vec<_> = text.lines().collect();
            let end = lines[lines.len().saturating_sub(15)..].join("\n");
            Some(format!("---- {program}\n{end}\n"))
        };
        [
            "etcd",
            "kube-apiserver",
            "kube-controller-manager",
            "kube-scheduler",
            "kwok",
        ]
        .iter()
        .filter_map(log)
        .collect()
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        self.clients.clear();
        self.api_server = None;
        self.etcd = None;
    }
}

/// A port that nobody listens on now.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("its address").port()
}

/// The workspace's folder.
#[must_use]
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests are in the workspace")
}
