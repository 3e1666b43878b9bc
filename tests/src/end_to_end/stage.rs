//! A control plane with KWOK nodes, and fleets in namespaces of their own.

use super::{Command, Outside, Proxy};
use crate::control_plane::{Admin, ControlPlane};
use evenkeel::kube::{KubeCluster, KubeOptions};
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Whom the command runs as: it has the rights that `KubeCluster` asks for, and no other.
pub const USER: &str = "fleet-controller";

/// A control plane where pods are scheduled and run, for one case at a time.
pub struct Stage {
    /// The control plane.
    pub plane: ControlPlane,
    /// An administrator.
    pub admin: Admin,
    kubeconfig: PathBuf,
    folder: TempDir,
}

impl Stage {
    /// Starts it.
    pub async fn start() -> Self {
        let builder = ControlPlane::builder()
            .scheduler(true)
            .controller_manager(true)
            .kwok_nodes(4);
        Self::on(builder.start().await).await
    }

    /// On a control plane that runs.
    pub async fn on(plane: ControlPlane) -> Self {
        let admin = plane.admin();
        let kubeconfig = plane.kubeconfig_of(USER);
        grant(&admin, USER, rights()).await;
        Self {
            plane,
            admin,
            kubeconfig,
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    /// Our own folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The kubeconfig that the command gets.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// A fleet of that name in a new namespace of that name.
    pub async fn fleet(&self, name: &str) -> Fleet {
        self.admin.create_namespace(name).await;
        Fleet {
            name: name.to_owned(),
            folder: self.folder.path().to_owned(),
            kubeconfig: self.kubeconfig.clone(),
            outside: Outside::watch(self.plane.client(), name).await,
            admin: self.admin.clone(),
        }
    }

    /// A kubeconfig for another user, who has these rights (a role's rules) instead of [`rights`]. Asked for again, the
    /// user has them from then on.
    pub async fn user(&self, name: &str, rules: Value) -> PathBuf {
        grant(&self.admin, name, rules).await;
        self.plane.kubeconfig_of(name)
    }

    /// A proxy to the API server, as the command's user.
    pub async fn proxy(&self) -> Proxy {
        let kubeconfig = Kubeconfig::read_from(&self.kubeconfig).expect("a kubeconfig");
        let config =
            Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
        let mut config = config.expect("a usable one");
        config.default_retry = false;
        config.read_timeout = None;
        let upstream = Client::try_from(config).expect("a client");
        Proxy::start(upstream, self.folder.path()).await
    }
}

/// The rights that `KubeCluster` asks for, as a role's rules.
#[must_use]
pub fn rights() -> Value {
    json!([
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch", "create", "get", "delete", "patch"]},
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get", "create", "update", "delete"]},
    ])
}

/// Gives a user these rights, and no other.
async fn grant(admin: &Admin, user: &str, rules: Value) {
    const ROLES: &str = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
    let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": {"name": user}, "rules": rules});
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
        "metadata": {"name": user},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": user},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}]});
    if admin.post(ROLES, &role).await.is_ok() {
        const BINDINGS: &str = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings";
        admin.post(BINDINGS, &binding).await.expect("made");
    } else {
        let changed = admin.merge(&format!("{ROLES}/{user}"), &role).await;
        changed.expect("changed");
    }
}

/// A fleet, its namespace, and what is seen of it.
pub struct Fleet {
    /// Its name, and its namespace's.
    pub name: String,
    /// What we see ourselves.
    pub outside: Outside,
    folder: PathBuf,
    kubeconfig: PathBuf,
    admin: Admin,
}

impl Fleet {
    /// The fleet's cluster, for a fleet that is kept in this process by that user.
    ///
    /// # Panics
    /// The kubeconfig is no good.
    pub async fn cluster(&self, kubeconfig: &Path) -> KubeCluster {
        let options = KubeOptions {
            kubeconfig: Some(kubeconfig.to_owned()),
            namespace: Some(self.name.clone()),
            ..KubeOptions::default()
        };
        let cluster = KubeCluster::connect(&options, &self.name).await;
        cluster.expect("a good kubeconfig")
    }

    /// Writes a fleet file with one group of that target, and these shutdown and config.
    #[must_use]
    pub fn file(&self, target: usize, shutdown: &str, config: Value) -> PathBuf {
        let group = json!({"target": target, "image": "registry.example/worker:1",
            "resources": {"cpu": "10m", "memory": "16Mi"}});
        self.file_of(group, shutdown, config)
    }

    /// Writes a fleet file with this group.
    #[must_use]
    pub fn file_of(&self, group: Value, shutdown: &str, config: Value) -> PathBuf {
        let mut all = json!({"engine": "none", "owner": "none", "healthy_after": "1s"});
        for (key, value) in config.as_object().into_iter().flatten() {
            all[key] = value.clone();
        }
        let file = json!({"fleet": self.name, "cluster": "kube", "shutdown": shutdown, "config": all,
            "groups": {"workers": group}});
        self.write("fleet.yaml", &file.to_string())
    }

    /// Writes a file of the fleet's own.
    ///
    /// # Panics
    /// It can't be written.
    #[must_use]
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).expect("a file");
        path
    }

    /// Where a file of the fleet's own is.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{}-{name}", self.name))
    }

    /// `evenkeel run FILE` in the fleet's namespace.
    #[must_use]
    pub fn run(&self, file: &Path) -> Command {
        self.run_by(file, &self.kubeconfig)
    }

    /// `evenkeel run FILE` in the fleet's namespace, by that kubeconfig.
    #[must_use]
    pub fn run_by(&self, file: &Path, kubeconfig: &Path) -> Command {
        Command::new()
            .arg("run")
            .arg(file)
            .arg("--kubeconfig")
            .arg(kubeconfig)
            // It may outlive a test that is killed: then it finds nobody to read its lines, and ends with this.
            .args(["--namespace", &self.name, "--shutdown-timeout", "60s"])
    }

    /// The API's path of the fleet's pods.
    #[must_use]
    pub fn pods_path(&self) -> String {
        format!("/api/v1/namespaces/{}/pods", self.name)
    }

    /// The names of all pods in the namespace.
    ///
    /// # Panics
    /// There is no answer.
    pub async fn pods(&self) -> Vec<String> {
        let pods = self.admin.get(&self.pods_path()).await.expect("a list");
        let items = pods["items"].as_array().expect("items");
        items
            .iter()
            .filter_map(|pod| pod["metadata"]["name"].as_str().map(str::to_owned))
            .collect()
    }

    /// The fleet's Lease.
    pub async fn lease(&self) -> Option<Value> {
        let name = &self.name;
        let path = format!("/apis/coordination.k8s.io/v1/namespaces/{name}/leases/evenkeel-{name}");
        self.admin.get(&path).await.ok()
    }

    /// What is left in the namespace of what a fleet makes: pods, leases and claims.
    ///
    /// # Panics
    /// There is no answer.
    pub async fn left(&self) -> Vec<String> {
        let namespace = &self.name;
        let mut left = Vec::new();
        for kind in [
            format!("/api/v1/namespaces/{namespace}/pods"),
            format!("/api/v1/namespaces/{namespace}/persistentvolumeclaims"),
            format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"),
        ] {
            let list = self.admin.get(&kind).await.expect("a list");
            for item in list["items"].as_array().expect("items") {
                let name = item["metadata"]["name"].as_str().unwrap_or_default();
                left.push(format!("{kind}/{name}"));
            }
        }
        left
    }
}
