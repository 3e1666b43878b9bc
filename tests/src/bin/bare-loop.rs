//! A bare kube-rs loop that makes pods, 32 at a time, and says how many a second: what Evenkeel is measured against.
//!
//! `bare-loop KUBECONFIG NAMESPACE PODS`

use evenkeel::{
    PodTemplate,
    core::ExecutorId,
    template::{Place, ShortTemplate},
};
use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, Client, Config,
    api::PostParams,
    config::{KubeConfigOptions, Kubeconfig},
};
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

    // The pods that `evenkeel run` makes, so that both ask the same of the server.
    let template = PodTemplate::try_from(&ShortTemplate {
        image: "registry.example/worker:1".to_owned(),
        ..ShortTemplate::default()
    })?;
    let place = Place {
        fleet: "bare".into(),
        group: "workers".into(),
        owner: None,
        url: None,
        claim: None,
    };

    let began = Instant::now();
    let mut made = stream::iter(0..pods)
        .map(|number| {
            let (api, executor) = (api.clone(), ExecutorId::new(1, number + 1));
            let pod = template.manifest(&place, executor);
            async move {
                let pod = serde_json::from_str(&pod)?;
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
