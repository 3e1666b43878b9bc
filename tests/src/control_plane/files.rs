//! What the control plane's programs read: keys, certificates, tokens, the audit policy, kubeconfigs.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use std::{
    io::Write,
    path::{Path, PathBuf},
};

const ADMIN: &str = "admin";

/// Pods, claims and leases with who, when and what came of it; not what they contain.
const AUDIT_POLICY: &str = "
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  resources:
  - {group: '', resources: [pods, pods/*, persistentvolumeclaims]}
  - {group: coordination.k8s.io, resources: [leases]}
- level: None
";

/// Users that tests may grant rights to; their tokens are their names.
const USERS: [&str; 4] = ["fleet-controller", "nobody-much", "no-create", "no-delete"];

pub(super) fn write(folder: &Path, port: u16) {
    let key = || KeyPair::generate().expect("a key");
    let mut authority = CertificateParams::new(Vec::<String>::new()).expect("no names");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = key();
    let certificate = authority
        .self_signed(&authority_key)
        .expect("a certificate");
    secret(&folder.join("ca.crt"), &certificate.pem());

    let server_key = key();
    let server = CertificateParams::new(["127.0.0.1".to_owned(), "localhost".to_owned()])
        .expect("plain names");
    let issuer = Issuer::new(authority, authority_key);
    let server = server
        .signed_by(&server_key, &issuer)
        .expect("a certificate");
    secret(&folder.join("server.crt"), &server.pem());
    secret(&folder.join("server.key"), &server_key.serialize_pem());
    let accounts = key();
    secret(
        &folder.join("service-accounts.key"),
        &accounts.serialize_pem(),
    );
    secret(
        &folder.join("service-accounts.pub"),
        &accounts.public_key_pem(),
    );

    let mut tokens = format!("{ADMIN},{ADMIN},{ADMIN},system:masters\n");
    for user in USERS {
        tokens.push_str(&format!("{user},{user},{user}\n"));
    }
    secret(&folder.join("tokens.csv"), &tokens);
    secret(&folder.join("audit.yaml"), AUDIT_POLICY);
    secret(
        &folder.join("kubeconfig"),
        &content(folder, port, ADMIN).to_string(),
    );
}

pub(super) fn kubeconfig_of(folder: &Path, port: u16, user: &str) -> PathBuf {
    assert!(USERS.contains(&user), "users are {USERS:?}");
    let path = folder.join(format!("kubeconfig-{user}"));
    secret(&path, &content(folder, port, user).to_string());
    path
}

/// JSON, which is YAML too.
fn content(folder: &Path, port: u16, user: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "test",
        "clusters": [{"name": "test", "cluster": {
            "server": format!("https://127.0.0.1:{port}"), "certificate-authority": folder.join("ca.crt"),
        }}],
        "users": [{"name": user, "user": {"token": user}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": user}}],
    })
}

/// The administrator's client configuration; made by hand, so that no proxy of the surroundings comes in.
pub(super) fn config(folder: &Path, port: u16) -> kube::Config {
    let url = format!("https://127.0.0.1:{port}").parse().expect("a URL");
    let mut config = kube::Config::new(url);
    let pem = std::fs::read(folder.join("ca.crt")).expect("the authority's certificate");
    config.root_cert = Some(vec![der(&pem)]);
    config.auth_info.token = Some(ADMIN.to_owned().into());
    config.default_retry = false;
    config
}

fn der(pem: &[u8]) -> Vec<u8> {
    use rustls::pki_types::{CertificateDer, pem::PemObject};
    CertificateDer::from_pem_slice(pem)
        .expect("a certificate")
        .to_vec()
}

/// Writes a file that only we may read.
fn secret(path: &Path, text: &str) {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = std::fs::File::options();
    let file = options
        .create(true)
        .write(true)
        .truncate(true)
        .mode(0o600)
        .open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
