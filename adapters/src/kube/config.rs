//! Finding the cluster and the credentials, as kubectl does; saying whose fault it is when that fails.

use super::wire;
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig, KubeconfigError},
};
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(5);
const IN_CLUSTER: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Where to look for the cluster. Each that is None is found as kubectl finds it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KubeOptions {
    /// The kubeconfig file; else those that `KUBECONFIG` lists, `~/.kube/config`, or the pod's service account.
    pub kubeconfig: Option<PathBuf>,
    /// The context in it; else its current one.
    pub context: Option<String>,
    /// The namespace; else the context's, the pod's own, or `default`.
    pub namespace: Option<String>,
}

/// Why there is no connection to a cluster: whose fault that is, and the way out. Holds no credentials.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// Nothing says where the cluster is.
    #[error(
        "no cluster is configured: there is no {looked_at}, and this is no pod with a service account; \
         give a kubeconfig by --kubeconfig or KUBECONFIG"
    )]
    NotConfigured {
        /// What was looked for.
        looked_at: String,
    },
    /// A kubeconfig can't be read.
    #[error("kubeconfig {} cannot be read: {why}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// The system's reason.
        why: String,
    },
    /// A kubeconfig, or what it refers to, is not as it should be.
    #[error("the kubeconfig is not usable: {what}; `kubectl config view` shows what it says")]
    Unusable {
        /// What is wrong.
        what: String,
    },
    /// There is no such context.
    #[error("the kubeconfig has no context {name:?}; `kubectl config get-contexts` lists them")]
    NoSuchContext {
        /// Which.
        name: String,
    },
    /// No context was given, and the kubeconfig has no current one.
    #[error(
        "the kubeconfig has no current context; name one, or set it by `kubectl config use-context`"
    )]
    NoContext,
    /// The pod's service account can't be used.
    #[error("the pod's service account is not usable: {what}; is its token mounted?")]
    ServiceAccount {
        /// What is wrong.
        what: String,
    },
    /// The credential plugin, token file or auth provider of the kubeconfig's user gave nothing.
    #[error(
        "the kubeconfig's user gives no credentials: its plugin, token file or provider failed; `kubectl auth whoami` shows more"
    )]
    Credentials,
    /// No connection.
    #[error("{server} cannot be reached: {why}; is that the right cluster, and is it up?")]
    Unreachable {
        /// The API server's address.
        server: String,
        /// The reason given by network or TLS.
        why: String,
    },
    /// No answer in time.
    #[error("{server} did not answer within {seconds} s; is that the right cluster, and is it up?")]
    TimedOut {
        /// The API server's address.
        server: String,
        /// How long was waited.
        seconds: u64,
    },
    /// The server does not know us.
    #[error(
        "{server} does not accept the credentials (401): they have expired or are for another cluster; log in anew"
    )]
    Unauthorized {
        /// The API server's address.
        server: String,
    },
    /// Something answers, but not as an API server does.
    #[error("{server} answers, but not as a Kubernetes API server does (HTTP {code})")]
    NotKubernetes {
        /// Its address.
        server: String,
        /// Its status code.
        code: u16,
    },
}

/// Where a client comes from, so that it can be made again.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// It was given to us, ready.
    Given,
    /// Configuration, looked for as these say.
    Found(KubeOptions),
}

impl Source {
    /// A new client with credentials read anew; None where it was given.
    pub(super) async fn client(&self) -> Result<Option<Client>, ConnectError> {
        match self {
            Self::Given => Ok(None),
            Self::Found(options) => Ok(Some(client(find(options).await?)?)),
        }
    }
}

/// What of this process's surroundings says where the cluster is.
struct Surroundings {
    kubeconfig: Option<OsString>,
    home: Option<PathBuf>,
    in_cluster: bool,
}

impl Surroundings {
    fn here() -> Self {
        Self {
            kubeconfig: std::env::var_os("KUBECONFIG").filter(|value| !value.is_empty()),
            home: std::env::home_dir(),
            in_cluster: in_cluster(),
        }
    }
}

/// Whether this process runs in a pod with a service account.
pub(super) fn in_cluster() -> bool {
    std::env::var_os("KUBERNETES_SERVICE_HOST").is_some()
        && Path::new(IN_CLUSTER).join("token").exists()
}

/// The namespace of the pod that we run in.
pub(super) fn own_namespace() -> Option<String> {
    let text = std::fs::read_to_string(Path::new(IN_CLUSTER).join("namespace")).ok()?;
    Some(text.trim().to_owned()).filter(|name| !name.is_empty())
}

pub(super) async fn find(options: &KubeOptions) -> Result<Config, ConnectError> {
    find_in(options, &Surroundings::here()).await
}

async fn find_in(options: &KubeOptions, around: &Surroundings) -> Result<Config, ConnectError> {
    let files = files(options, around)?;
    let mut config = if files.is_empty() {
        Config::incluster().map_err(|error| ConnectError::ServiceAccount {
            what: error.to_string(),
        })?
    } else {
        from_files(&files, options).await?
    };
    if let Some(namespace) = &options.namespace {
        config.default_namespace.clone_from(namespace);
    }
    config.connect_timeout = Some(CONNECT);
    // A watch may say nothing for a minute: how long is too long is the core's business (SEE-4).
    config.read_timeout = None;
    // It repeats POSTs.
    config.default_retry = false;
    Ok(config)
}

/// The kubeconfig files, in kubectl's order; none: the pod's service account.
fn files(options: &KubeOptions, around: &Surroundings) -> Result<Vec<PathBuf>, ConnectError> {
    if let Some(path) = &options.kubeconfig {
        return Ok(vec![path.clone()]);
    }
    let (listed, looked_at) = match (&around.kubeconfig, &around.home) {
        (Some(list), _) => (
            std::env::split_paths(list)
                .filter(|path| !path.as_os_str().is_empty())
                .collect(),
            format!("file of those that KUBECONFIG lists ({})", list.display()),
        ),
        (None, Some(home)) => {
            let path = home.join(".kube/config");
            let looked_at = path.display().to_string();
            (vec![path], looked_at)
        }
        (None, None) => (vec![], "home directory".into()),
    };
    let there: Vec<_> = listed.into_iter().filter(|path| path.exists()).collect();
    if there.is_empty() && !around.in_cluster {
        return Err(ConnectError::NotConfigured { looked_at });
    }
    Ok(there)
}

async fn from_files(files: &[PathBuf], options: &KubeOptions) -> Result<Config, ConnectError> {
    let mut merged = Kubeconfig::default();
    for path in files {
        let next = Kubeconfig::read_from(path).map_err(|error| of_file(path, error))?;
        merged = merged.merge(next).map_err(unusable)?;
    }
    let choice = KubeConfigOptions {
        context: options.context.clone(),
        ..KubeConfigOptions::default()
    };
    Config::from_custom_kubeconfig(merged, &choice)
        .await
        .map_err(unusable)
}

/// Which of several files it is.
fn of_file(path: &Path, error: KubeconfigError) -> ConnectError {
    match unusable(error) {
        ConnectError::Unusable { what } => ConnectError::Unusable {
            what: format!("{}: {what}", path.display()),
        },
        other => other,
    }
}

/// In our words: the parser's own quote the file, which holds secrets.
fn unusable(error: KubeconfigError) -> ConnectError {
    let what = match error {
        KubeconfigError::CurrentContextNotSet => return ConnectError::NoContext,
        KubeconfigError::LoadContext(name) => return ConnectError::NoSuchContext { name },
        KubeconfigError::ReadConfig(error, path) => {
            return ConnectError::Unreadable {
                path,
                why: error.to_string(),
            };
        }
        KubeconfigError::LoadClusterOfContext(name) => {
            format!("the context's cluster {name:?} is not in it")
        }
        KubeconfigError::Parse(error) => match error.location() {
            Some(at) => format!("it is no kubeconfig (line {})", at.line()),
            None => "it is no kubeconfig".into(),
        },
        KubeconfigError::MissingClusterUrl => "the cluster has no server".into(),
        KubeconfigError::ParseClusterUrl(_) => "the cluster's server is no URL".into(),
        KubeconfigError::ParseProxyUrl(_) => "the proxy is no URL".into(),
        KubeconfigError::LoadCertificateAuthority(_) | KubeconfigError::ParseCertificates(_) => {
            "the cluster's certificate authority cannot be read".into()
        }
        KubeconfigError::LoadClientCertificate(_) => {
            "the user's client certificate cannot be read".into()
        }
        KubeconfigError::LoadClientKey(_) => "the user's client key cannot be read".into(),
        KubeconfigError::KindMismatch | KubeconfigError::ApiVersionMismatch => {
            "the files that KUBECONFIG lists are of different kinds or versions".into()
        }
        KubeconfigError::FindPath => "its path is not known".into(),
        KubeconfigError::ParseNoProxy(_) => "NO_PROXY makes no sense".into(),
    };
    ConnectError::Unusable { what }
}

pub(super) fn client(config: Config) -> Result<Client, ConnectError> {
    // Where a program's crates bring several TLS providers, rustls wants to be told; a second call changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::try_from(config).map_err(|error| match error {
        kube::Error::Auth(_) => ConnectError::Credentials,
        // Its words give the proxy's URL, which may hold a password.
        kube::Error::ProxyProtocolUnsupported { .. } => ConnectError::Unusable {
            what: "the proxy's protocol is not known".into(),
        },
        error => ConnectError::Unusable {
            what: wire::why(&error),
        },
    })
}

/// The API server's address, without what a URL may hold besides.
pub(super) fn address(config: &Config) -> String {
    let url = &config.cluster_url;
    let host = url.host().unwrap_or("?");
    let scheme = url.scheme_str().unwrap_or("https");
    match url.port_u16() {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "
apiVersion: v1
kind: Config
current-context: one
clusters:
- {name: here, cluster: {server: 'https://127.0.0.1:1'}}
users:
- {name: me, user: {token: very-secret}}
contexts:
- {name: one, context: {cluster: here, user: me, namespace: work}}
- {name: two, context: {cluster: here, user: me}}
- {name: lost, context: {cluster: nowhere, user: me}}
";

    fn outside(kubeconfig: Option<&Path>, home: &Path) -> Surroundings {
        Surroundings {
            kubeconfig: kubeconfig.map(|path| path.as_os_str().to_owned()),
            home: Some(home.to_owned()),
            in_cluster: false,
        }
    }

    fn folder(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("k");
        std::fs::write(&path, text).expect("written");
        (folder, path)
    }

    #[tokio::test]
    async fn the_namespace_is_the_options_then_the_contexts_then_default() {
        let (folder, path) = folder(FILE);
        let around = outside(Some(&path), folder.path());
        let found = async |context: Option<&str>, namespace: Option<&str>| {
            let options = KubeOptions {
                kubeconfig: None,
                context: context.map(str::to_owned),
                namespace: namespace.map(str::to_owned),
            };
            let config = find_in(&options, &around).await.expect("found");
            assert!(!config.default_retry && config.read_timeout.is_none());
            config.default_namespace
        };
        assert_eq!(found(None, None).await, "work");
        assert_eq!(found(None, Some("mine")).await, "mine");
        assert_eq!(found(Some("two"), None).await, "default");
    }

    #[tokio::test]
    async fn each_error_names_its_cause_and_no_secret() {
        let (folder, path) = folder(FILE);
        let around = outside(Some(&path), folder.path());
        let with = |context: &str| KubeOptions {
            context: Some(context.into()),
            ..KubeOptions::default()
        };
        let error = find_in(&with("three"), &around).await.expect_err("missing");
        assert_eq!(
            error,
            ConnectError::NoSuchContext {
                name: "three".into()
            }
        );
        let error = find_in(&with("lost"), &around).await.expect_err("missing");
        assert!(matches!(error, ConnectError::Unusable { .. }), "{error}");

        let nowhere = outside(None, folder.path());
        let error = find_in(&KubeOptions::default(), &nowhere)
            .await
            .expect_err("none");
        assert!(
            error.to_string().contains(".kube/config") && error.to_string().contains("KUBECONFIG"),
            "{error}"
        );

        let missing = KubeOptions {
            kubeconfig: Some(folder.path().join("gone")),
            ..KubeOptions::default()
        };
        let error = find_in(&missing, &around).await.expect_err("missing");
        assert!(matches!(error, ConnectError::Unreadable { .. }), "{error}");

        std::fs::write(&path, "users: [{name: me, user: {token: very-secret: x").expect("written");
        let error = find_in(&KubeOptions::default(), &around)
            .await
            .expect_err("broken");
        assert!(!format!("{error} {error:?}").contains("very-secret"));
        assert!(error.to_string().contains("no kubeconfig"), "{error}");
    }

    #[tokio::test]
    async fn missing_files_of_the_list_are_passed_over() {
        let (folder, path) = folder(FILE);
        let list =
            std::env::join_paths([folder.path().join("gone"), path]).expect("a list of paths");
        let around = Surroundings {
            kubeconfig: Some(list),
            home: None,
            in_cluster: false,
        };
        let config = find_in(&KubeOptions::default(), &around).await;
        assert_eq!(config.expect("found").default_namespace, "work");
    }
}
