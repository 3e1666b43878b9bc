//! A bare kube-rs loop that makes pods, 32 at a time, and says how many a second: what Evenkeel is measured against.
//!
//! `bare-loop KUBECONFIG NAMESPACE PODS`

use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, Client, Config,
    api::PostParams,
    config::{KubeConfigOptions, Kubeconfig},
};
use serde_json::json;
use std::{error::Error, time::Instant};

const IN_FLIGHT: usize = 32;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kubeconfig, namespace, pods] = arguments.as_slice() else {
        return Err("bare-loop KUBECONFIG NAMESPACE PODS".into());
    };
    let pods: u32 = pods.parse()?;
    let kubeconfig = Kubeconfig::read_from(kubeconfig)?;
    let mut config =
        Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    config.default_retry = false;
    let api: Api<Pod> = Api::namespaced(Client::try_from(config)?, namespace);

    let began = Instant::now();
    let mut made = stream::iter(0..pods)
        .map(|number| {
            let api = api.clone();
            async move {
                let pod = serde_json::from_value(json!({
                    "apiVersion": "v1", "kind": "Pod",
                    "metadata": {"name": format!("bare-{number}"), "labels": {"app": "bare-loop"}},
                    "spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "registry.example/worker:1"}]},
                }))?;
                api.create(&PostParams::default(), &pod).await?;
                Ok::<_, Box<dyn Error>>(())
            }
        })
        .buffer_unordered(IN_FLIGHT);
    while let Some(one) = made.next().await {
        one?;
    }
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "{pods} pods in {seconds:.2} s: {:.0}/s",
        f64::from(pods) / seconds
    );
    Ok(())
}
