//! What only a real server says: each refusal's wording (FAIL-3), credentials, owners, what is counted.

use evenkeel::{
    api::owner::Owner,
    core::input::{Failure, Outcome, Refusal, WatchEnd},
    kube::{ConnectError, KubeCluster, KubeOptions, OwnerError},
    port::{Cluster, ListWish, Request},
};
use evenkeel_tests::control_plane::{Admin, ControlPlane, skips};
use futures::future::LocalBoxFuture;
use libtest_mimic::{Arguments, Trial};
use serde_json::{Value, json};
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::runtime::Runtime;

type Check = for<'a> fn(&'a ControlPlane) -> LocalBoxFuture<'a, ()>;

const CHECKS: &[(&str, Check)] = &[
    ("quota", |plane| Box::pin(quota(plane))),
    ("admission", |plane| Box::pin(admission(plane))),
    ("namespaces", |plane| Box::pin(namespaces(plane))),
    ("rights", |plane| Box::pin(rights(plane))),
    ("too_large", |plane| Box::pin(too_large(plane))),
    ("credentials_anew", |plane| {
        Box::pin(credentials_anew(plane))
    }),
    ("probe", |plane| Box::pin(probe(plane))),
    ("owners", |plane| Box::pin(owners(plane))),
    ("counts", |plane| Box::pin(counts(plane))),
];

fn main() {
    let mut arguments = Arguments::from_args();
    // They share one server; what some change, others would see.
    arguments.test_threads = Some(1);
    let missing = !arguments.list && skips("kube_server");
    let runtime = Arc::new(Runtime::new().expect("a runtime"));
    let running = (!missing && !arguments.list)
        .then(|| Arc::new(runtime.block_on(ControlPlane::builder().start())));
    let mut trials: Vec<Trial> = CHECKS
        .iter()
        .map(|(name, check)| {
            let (runtime, running) = (runtime.clone(), running.clone());
            Trial::test(*name, move || {
                let plane = running.expect("not run where there is no control plane");
                runtime.block_on(check(&plane));
                Ok(())
            })
            .with_ignored_flag(missing)
        })
        .collect();
    let other = runtime.clone();
    trials.push(
        Trial::test("service_accounts", move || {
            other.block_on(service_accounts());
            Ok(())
        })
        .with_ignored_flag(missing),
    );
    let conclusion = libtest_mimic::run(&arguments, trials);
    drop(running);
    conclusion.exit();
}

fn cluster(plane: &ControlPlane, namespace: &str) -> KubeCluster {
    KubeCluster::from_client(plane.client(), namespace, "demo")
}

fn pod(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
        "spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "registry.example/worker:1"}]},
    })
}

async fn create(cluster: &KubeCluster, pod: &Value) -> Outcome {
    let name = pod["metadata"]["name"].as_str().expect("a name").into();
    let manifest = pod.to_string();
    cluster.execute(Request::Create { name, manifest }).await
}

#[track_caller]
fn says(outcome: &Outcome, refusal: fn(evenkeel::core::Name) -> Refusal, words: &str) {
    let message = match outcome {
        Outcome::Refused(
            Refusal::Quota(message)
            | Refusal::NotPermitted(message)
            | Refusal::Forbidden(message)
            | Refusal::Invalid(message),
        ) => message.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(*outcome, Outcome::Refused(refusal(message.clone())));
    assert!(message.contains(words), "{message}");
}

async fn make(admin: &Admin, path: &str, object: Value) -> Value {
    let made = admin.post(path, &object).await;
    made.unwrap_or_else(|refusal| panic!("{path}: {refusal:?}"))
}

async fn quota(plane: &ControlPlane) {
    let admin = plane.admin();
    admin.create_namespace("quota").await;
    let path = "/api/v1/namespaces/quota/resourcequotas";
    let hard = json!({"pods": "1"});
    let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"}, "spec": {"hard": hard}});
    make(&admin, path, quota).await;
    let cluster = cluster(plane, "quota");
    let status = format!("{path}/few/status");
    let known = json!({"status": {"hard": hard}});
    admin.merge(&status, &known).await.expect("known");
    // The server's own view of the quota lags a little; then nobody has counted yet.
    let refused = loop {
        match create(&cluster, &pod("early")).await {
            Outcome::Done { .. } | Outcome::Exists(_) => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            outcome => break outcome,
        }
    };
    says(&refused, Refusal::Quota, "status unknown for quota");
    let counted = json!({"status": {"used": {"pods": "0"}}});
    admin.merge(&status, &counted).await.expect("counted");
    let first = loop {
        match create(&cluster, &pod("a")).await {
            Outcome::Refused(Refusal::Quota(_)) => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            outcome => break outcome,
        }
    };
    assert!(matches!(first, Outcome::Done { .. }), "{first:?}");
    says(
        &create(&cluster, &pod("b")).await,
        Refusal::Quota,
        "exceeded quota: few",
    );
}

async fn admission(plane: &ControlPlane) {
    let admin = plane.admin();
    for name in ["specify", "limits", "secure", "priority"] {
        admin.create_namespace(name).await;
    }
    let hard = json!({"limits.cpu": "8"});
    let quota = json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "cpu"}, "spec": {"hard": hard},
    });
    make(&admin, "/api/v1/namespaces/specify/resourcequotas", quota).await;
    let used = json!({"status": {"hard": hard, "used": {"limits.cpu": "0"}}});
    let path = "/api/v1/namespaces/specify/resourcequotas/cpu/status";
    admin.merge(path, &used).await.expect("counted");
    let unspecified = create(&cluster(plane, "specify"), &pod("a")).await;
    says(&unspecified, Refusal::Forbidden, "must specify limits.cpu");

    let range = json!({
        "apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "small"},
        "spec": {"limits": [{"type": "Container", "max": {"cpu": "1"}}]},
    });
    make(&admin, "/api/v1/namespaces/limits/limitranges", range).await;
    let mut large = pod("a");
    large["spec"]["containers"][0]["resources"] =
        json!({"requests": {"cpu": "2"}, "limits": {"cpu": "2"}});
    let refused = create(&cluster(plane, "limits"), &large).await;
    says(
        &refused,
        Refusal::Forbidden,
        "maximum cpu usage per Container",
    );

    let labels =
        json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}});
    let labelled = admin.merge("/api/v1/namespaces/secure", &labels).await;
    labelled.expect("labelled");
    let insecure = create(&cluster(plane, "secure"), &pod("a")).await;
    says(&insecure, Refusal::Forbidden, "violates PodSecurity");

    let mut important = pod("a");
    important["spec"]["priorityClassName"] = json!("no-such");
    let refused = create(&cluster(plane, "priority"), &important).await;
    says(&refused, Refusal::Forbidden, "no PriorityClass with name");
}

async fn namespaces(plane: &ControlPlane) {
    let gone = Outcome::Refused(Refusal::NamespaceGone);
    assert_eq!(create(&cluster(plane, "no-such"), &pod("a")).await, gone);
    let admin = plane.admin();
    admin.create_namespace("ending").await;
    // With no controller to finish it, it stays so.
    let deleted = admin.delete("/api/v1/namespaces/ending", &json!({})).await;
    deleted.expect("deleted");
    assert_eq!(create(&cluster(plane, "ending"), &pod("a")).await, gone);
    let listing = cluster(plane, "no-such").list(ListWish::default()).await;
    assert!(listing.expect("an empty listing").pods.is_empty());
}

async fn connect(kubeconfig: PathBuf) -> KubeCluster {
    let options = KubeOptions {
        kubeconfig: Some(kubeconfig),
        ..KubeOptions::default()
    };
    let cluster = KubeCluster::connect(&options, "demo").await;
    cluster.expect("a configuration")
}

async fn rights(plane: &ControlPlane) {
    let cluster = connect(plane.kubeconfig_of("nobody-much")).await;
    cluster.probe().await.expect("anybody may ask");
    says(
        &create(&cluster, &pod("a")).await,
        Refusal::NotPermitted,
        "cannot create resource",
    );
    assert_eq!(
        cluster.list(ListWish::default()).await,
        Err(Failure::Forbidden)
    );
    let claim = Request::CreateClaim {
        name: "c".into(),
        manifest: json!({"metadata": {"name": "c"}}).to_string(),
    };
    says(
        &cluster.execute(claim).await,
        Refusal::NotPermitted,
        r#"cannot create resource "persistentvolumeclaims""#,
    );
    let resize = Request::Resize {
        name: "a".into(),
        uid: "u".into(),
        container: "main".into(),
        request: 1,
        limit: 1,
    };
    says(
        &cluster.execute(resize).await,
        Refusal::Forbidden,
        r#"cannot patch resource "pods/resize""#,
    );
    // What an older server says of a subresource that it does not have.
    let path = "/api/v1/namespaces/default/pods/a/no-such";
    let unknown = plane.admin().merge(path, &json!({})).await;
    let unknown = unknown.expect_err("there is none");
    let words = "the server could not find the requested resource";
    assert_eq!((unknown.code, &*unknown.message), (404, words));
    let from = evenkeel::core::Revision::new(1).expect("not 0");
    let watch = cluster.watch(from).await.err();
    assert_eq!(watch, Some(WatchEnd::Failed(Failure::Forbidden)));
    let owner = Owner::Object {
        api_version: None,
        kind: "ConfigMap".into(),
        name: "c".into(),
    };
    let refused = cluster.resolve_owner(&owner).await;
    assert!(
        matches!(refused, Err(OwnerError::Forbidden { .. })),
        "{refused:?}"
    );
}

async fn too_large(plane: &ControlPlane) {
    let mut large = pod("a");
    large["metadata"]["annotations"] = json!({"much": "x".repeat(4 << 20)});
    let refused = create(&cluster(plane, "default"), &large).await;
    says(&refused, Refusal::Invalid, "too large");
}

async fn credentials_anew(plane: &ControlPlane) {
    let good = std::fs::read_to_string(plane.kubeconfig()).expect("a kubeconfig");
    let path = plane.kubeconfig().with_file_name("kubeconfig-expired");
    let bad = good.replace(r#""token":"admin""#, r#""token":"expired""#);
    assert_ne!(good, bad);
    std::fs::write(&path, bad).expect("written");
    let cluster = connect(path.clone()).await;
    let error = cluster.probe().await.expect_err("not let in");
    assert!(
        matches!(error, ConnectError::Unauthorized { .. }),
        "{error}"
    );
    let refused = Outcome::Refused(Refusal::Unauthorized);
    assert_eq!(create(&cluster, &pod("anew")).await, refused);
    assert_eq!(
        cluster.list(ListWish::default()).await,
        Err(Failure::Unauthorized)
    );
    // Somebody logs in; nobody restarts us.
    std::fs::write(&path, good).expect("written");
    let done = create(&cluster, &pod("anew")).await;
    assert!(matches!(done, Outcome::Done { .. }), "{done:?}");
}

async fn probe(plane: &ControlPlane) {
    let version = connect(plane.kubeconfig()).await.probe().await;
    assert!(version.expect("a version").starts_with("v1."));

    let good = std::fs::read_to_string(plane.kubeconfig()).expect("a kubeconfig");
    let mut config: Value = serde_json::from_str(&good).expect("JSON");
    let path = plane.kubeconfig().with_file_name("kubeconfig-elsewhere");
    let elsewhere = async |config: &Value| {
        std::fs::write(&path, config.to_string()).expect("written");
        connect(path.clone()).await.probe().await.expect_err("no")
    };
    // Another authority than the server's.
    let cluster = &mut config["clusters"][0]["cluster"];
    let own = cluster["certificate-authority"].take();
    let other = rcgen::generate_simple_self_signed(["other".to_owned()]).expect("a certificate");
    let pem = plane.kubeconfig().with_file_name("other.crt");
    std::fs::write(&pem, other.cert.pem()).expect("written");
    cluster["certificate-authority"] = json!(pem);
    let error = elsewhere(&config).await.to_string();
    assert!(error.contains("certificate"), "{error}");
    // Nobody listens.
    let cluster = &mut config["clusters"][0]["cluster"];
    cluster["certificate-authority"] = own;
    cluster["server"] = json!("https://127.0.0.1:1");
    let error = elsewhere(&config).await;
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains("https://127.0.0.1:1"), "{error}");
}

async fn owners(plane: &ControlPlane) {
    let admin = plane.admin();
    let object =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "the-owner"}});
    let made = make(&admin, "/api/v1/namespaces/default/configmaps", object).await;
    let cluster = cluster(plane, "default");
    let owner = |api_version: Option<&str>, kind: &str, name: &str| Owner::Object {
        api_version: api_version.map(str::to_owned),
        kind: kind.into(),
        name: name.into(),
    };
    let resolve = async |owner: Owner| cluster.resolve_owner(&owner).await;

    let found = resolve(owner(None, "ConfigMap", "the-owner")).await;
    let found = found.expect("found").expect("an owner");
    assert_eq!(Some(found.uid.as_str()), made["metadata"]["uid"].as_str());
    assert_eq!((&*found.api_version, &*found.kind), ("v1", "ConfigMap"));
    assert_eq!(resolve(Owner::None).await, Ok(None));
    let missing = resolve(owner(None, "Job", "no-such")).await;
    assert!(
        matches!(missing, Err(OwnerError::Missing { .. })),
        "{missing:?}"
    );
    let unknown = resolve(owner(None, "Widget", "w")).await;
    assert!(
        matches!(unknown, Err(OwnerError::UnknownKind { .. })),
        "{unknown:?}"
    );
    for version in ["example.org/v1", "apps/v1"] {
        let none = resolve(owner(Some(version), "Widget", "w")).await;
        assert!(
            matches!(none, Err(OwnerError::NoSuchKind { .. })),
            "{none:?}"
        );
    }
    // Nodes live in no namespace.
    let outside = resolve(owner(Some("v1"), "Node", "n")).await;
    assert!(
        matches!(outside, Err(OwnerError::NoSuchKind { .. })),
        "{outside:?}"
    );
    // A kind that only the server knows.
    let set = json!({
        "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "each"},
        "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": {
            "metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]},
        }},
    });
    make(&admin, "/apis/apps/v1/namespaces/default/daemonsets", set).await;
    let found = resolve(owner(Some("apps/v1"), "DaemonSet", "each")).await;
    assert_eq!(
        found.expect("found").expect("an owner").api_version,
        "apps/v1"
    );
    let outside = resolve(Owner::Driver).await;
    assert_eq!(outside, Err(OwnerError::NotInPod));
}

async fn counts(plane: &ControlPlane) {
    plane.admin().create_namespace("counts").await;
    let cluster = cluster(plane, "counts");
    create(&cluster, &pod("a")).await;
    create(&cluster, &pod("a")).await;
    create(&cluster, &pod("No_Name")).await;
    cluster.list(ListWish::default()).await.expect("a listing");
    let name = "a".into();
    let (uid, revision) = (None, None);
    let request = Request::Delete {
        name,
        uid,
        revision,
    };
    cluster.execute(request).await;
    let audit: Vec<_> = plane
        .audit()
        .into_iter()
        .filter(|event| event.namespace() == "counts" && event.stage == "ResponseComplete")
        .collect();
    let codes: Vec<_> = audit
        .iter()
        .map(|event| (event.verb.as_str(), event.code()))
        .collect();
    let asked = [
        ("create", 201),
        ("create", 409),
        ("get", 200),
        ("create", 422),
        ("list", 200),
        ("delete", 200),
    ];
    assert_eq!(codes, asked);
    for (verb, sent) in cluster.calls() {
        let seen = codes.iter().filter(|(seen, _)| *seen == verb).count();
        assert_eq!(sent, seen as u64, "{verb}");
    }
    assert!(audit.iter().all(|event| event.requested <= event.answered));
}

async fn service_accounts() {
    let plane = ControlPlane::builder().service_accounts(true).start().await;
    let gone = Outcome::Refused(Refusal::NamespaceGone);
    assert_eq!(create(&cluster(&plane, "default"), &pod("a")).await, gone);
}
