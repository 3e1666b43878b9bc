//! A configuration that leads nowhere: one line that says so, and a status that says whose fault it is.

use evenkeel_tests::end_to_end::{Fleet, Stage};
use serde_json::{Value, json};
use std::{net::TcpListener, path::Path, time::Duration};

/// How soon it is to be said.
const SOON: Duration = Duration::from_secs(10);

async fn says(fleet: &Fleet, kubeconfig: &Path, code: i32, words: &[&str]) {
    let file = fleet.file(1, "delete", json!({}));
    let ended = fleet.run_by(&file, kubeconfig).run(SOON).await;
    let errors = ended.errors();
    assert_eq!(ended.code(), Some(code), "{errors}");
    assert_eq!(ended.err.len(), 1, "one line: {errors}");
    assert!(errors.starts_with("error: "), "{errors}");
    for word in words {
        assert!(errors.contains(word), "{word} is not in: {errors}");
    }
    assert!(
        !errors.contains("fleet-controller"),
        "a token is told: {errors}"
    );
    assert_eq!(ended.text(), "", "nothing was begun");
}

pub async fn nowhere(stage: &mut Stage) {
    let fleet = stage.fleet("nowhere").await;
    let good: Value = {
        let text = std::fs::read_to_string(stage.kubeconfig()).expect("a kubeconfig");
        serde_json::from_str(&text).expect("JSON")
    };
    let with = |name: &str, key: &str, value: Value| {
        let mut config = good.clone();
        *config.pointer_mut(key).expect("it is there") = value;
        fleet.write(name, &config.to_string())
    };
    let server = "/clusters/0/cluster/server";

    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let hole = with(
        "black-hole",
        server,
        json!(format!("https://127.0.0.1:{port}")),
    );
    says(&fleet, &hole, 3, &[&format!("127.0.0.1:{port}")]).await;
    drop(listener);
    says(&fleet, &hole, 3, &[&format!("127.0.0.1:{port}"), "refused"]).await;

    // Another authority than the server's.
    let other =
        rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    let other = fleet.write("other.crt", &other.cert.pem());
    let kubeconfig = with(
        "certificate",
        "/clusters/0/cluster/certificate-authority",
        json!(other),
    );
    says(&fleet, &kubeconfig, 3, &["certificate"]).await;

    let kubeconfig = with("token", "/users/0/user/token", json!("wrong"));
    says(&fleet, &kubeconfig, 3, &["401", "credentials"]).await;
    let kubeconfig = with("name", server, json!("https://nowhere.invalid"));
    says(&fleet, &kubeconfig, 3, &["nowhere.invalid"]).await;

    says(
        &fleet,
        &fleet.path("absent"),
        2,
        &["absent", "No such file"],
    )
    .await;
    let kubeconfig = fleet.write("no-yaml", "clusters: [\nusers: }");
    says(&fleet, &kubeconfig, 2, &["no-yaml"]).await;
    let kubeconfig = with("context", "/current-context", json!("elsewhere"));
    says(&fleet, &kubeconfig, 2, &["elsewhere"]).await;
}
