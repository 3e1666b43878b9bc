//! The stage in memory: the fake with its scheduler and kubelets off, since the cases play them.

use super::{FLEET, Stage};
use async_trait::async_trait;
use evenkeel::{
    api::pod::{
        Condition, ContainerState, ContainerStatus, Pod, PodStatus, Resources, Running, Terminated,
        Waiting,
    },
    core::Revision,
    fake::{Answer, Api, DeleteOptions, FakeCluster, Patch, World, WorldConfig},
    port::Cluster,
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// A world of its own. Its time is tokio's, best paused.
pub struct FakeStage {
    cluster: FakeCluster,
}

impl Default for FakeStage {
    fn default() -> Self {
        let config = WorldConfig {
            scheduler: false,
            kubelet: false,
            ..WorldConfig::default()
        };
        Self {
            cluster: FakeCluster::new(World::new(config), FLEET),
        }
    }
}

impl FakeStage {
    #[track_caller]
    fn act(&self, who: &str, act: impl FnOnce(&mut Api<'_>) -> Answer<Arc<Pod>>) -> Revision {
        let answer = self.cluster.world(|world| act(&mut world.api(who)));
        let pod = answer.unwrap_or_else(|refused| panic!("{refused:?}"));
        pod.metadata.resource_version.parse().expect("a revision")
    }

    fn status(&self, pod: &str, phase: &str, ready: bool, state: ContainerState) -> Revision {
        self.act("kubelet", |api| {
            let conditions = vec![Condition {
                kind: "Ready".into(),
                status: if ready { "True" } else { "False" }.into(),
                ..Condition::default()
            }];
            let status = PodStatus {
                phase: phase.into(),
                pod_ip: Some("10.1.0.7".into()),
                conditions,
                container_statuses: vec![ContainerStatus {
                    name: "main".into(),
                    ready,
                    state,
                    ..ContainerStatus::default()
                }],
                ..api.get(pod)?.status.clone()
            };
            api.set_status(pod, status)
        })
    }
}

#[async_trait]
impl Stage for FakeStage {
    fn cluster(&self) -> Arc<dyn Cluster> {
        Arc::new(self.cluster.clone())
    }

    fn cluster_of(&self, fleet: &str) -> Arc<dyn Cluster> {
        Arc::new(self.cluster.for_fleet(fleet))
    }

    async fn create(&self, manifest: &str) -> Revision {
        self.act("stranger", |api| api.create(manifest))
    }

    async fn delete(&self, pod: &str, grace: Option<u32>) -> Revision {
        let options = DeleteOptions {
            grace,
            ..DeleteOptions::default()
        };
        self.act("stranger", |api| api.delete(pod, &options))
    }

    async fn label(&self, pod: &str, key: &str, value: Option<&str>) -> Revision {
        let labels = [(key.to_owned(), value.map(str::to_owned))].into();
        let patch = Patch {
            labels,
            ..Patch::default()
        };
        self.act("stranger", |api| api.patch(pod, &patch))
    }

    async fn finalizers(&self, pod: &str, finalizers: &[&str]) -> Revision {
        let finalizers = Some(finalizers.iter().map(|it| (*it).to_owned()).collect());
        let patch = Patch {
            finalizers,
            ..Patch::default()
        };
        self.act("stranger", |api| api.patch(pod, &patch))
    }

    async fn bind(&self, pod: &str, node: &str) {
        self.act("scheduler", |api| api.bind(pod, node));
    }

    async fn wait(&self, pod: &str, reason: &str) -> Revision {
        let waiting = Some(Waiting {
            reason: reason.into(),
            ..Waiting::default()
        });
        self.status(
            pod,
            "Pending",
            false,
            ContainerState {
                waiting,
                ..ContainerState::default()
            },
        )
    }

    async fn run(&self, pod: &str) -> Revision {
        let running = Some(Running::default());
        self.status(
            pod,
            "Running",
            true,
            ContainerState {
                running,
                ..ContainerState::default()
            },
        )
    }

    async fn finish(&self, pod: &str, exit_code: i32, reason: &str) -> Revision {
        let terminated = Some(Terminated {
            exit_code,
            reason: reason.into(),
            ..Terminated::default()
        });
        let phase = if exit_code == 0 {
            "Succeeded"
        } else {
            "Failed"
        };
        self.status(
            pod,
            phase,
            false,
            ContainerState {
                terminated,
                ..ContainerState::default()
            },
        )
    }

    async fn let_go(&self, pod: &str) {
        let options = DeleteOptions {
            grace: Some(0),
            ..DeleteOptions::default()
        };
        self.act("kubelet", |api| api.delete(pod, &options));
    }

    async fn evict(&self, pod: &str) {
        self.act("stranger", |api| api.evict(pod, &DeleteOptions::default()));
    }

    async fn create_claim(&self, manifest: &str) -> Revision {
        let made = self
            .cluster
            .world(|world| world.api("stranger").create_claim(manifest));
        let claim = made.unwrap_or_else(|refused| panic!("{refused:?}"));
        claim.metadata.resource_version.parse().expect("a revision")
    }

    async fn let_claim_go(&self, _: &str) {
        // Its controllers run.
        tokio::time::sleep(Duration::from_secs(1)).await;
    }

    async fn node(&self) -> String {
        let name = "node-there".to_owned();
        self.cluster.world(|world| world.add_node(&name));
        name
    }

    async fn has_memory(&self, pod: &str, bytes: u64, pending: Option<&str>) -> Revision {
        let memory = BTreeMap::from([("memory".to_owned(), bytes.to_string())]);
        self.act("kubelet", |api| {
            let mut status = api.get(pod)?.status.clone();
            for container in &mut status.container_statuses {
                container.resources = Some(Resources {
                    requests: memory.clone(),
                    limits: memory.clone(),
                });
            }
            status.conditions.retain(|it| it.kind != "PodResizePending");
            status.conditions.extend(pending.map(|reason| Condition {
                kind: "PodResizePending".into(),
                status: "True".into(),
                reason: Some(reason.into()),
                ..Condition::default()
            }));
            api.set_status(pod, status)
        })
    }

    async fn restart(&self) {
        self.cluster.world(World::restart_api_server);
    }

    async fn reachable(&self, reachable: bool) {
        self.cluster.world(|world| world.set_reachable(reachable));
    }

    async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}
