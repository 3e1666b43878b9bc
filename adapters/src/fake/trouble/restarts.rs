//! Containers that are started again in the same pod, as where a webhook has changed its `restartPolicy`.

use super::super::{
    Answer,
    agenda::{Due, Key},
    containers::{self, Exit, end, not_ready},
    world::World,
};
use super::kubelets::readied;
use crate::api::pod::{ContainerState, Pod, Running};
use evenkeel_core::{Name, Span};

impl World {
    /// A container ends now, and is started again in the same pod after a while: in between the pod is Running and
    /// its container is Terminated, and then that runs again, with one more restart. Nothing happens where it does not
    /// run.
    ///
    /// # Errors
    /// There is no such pod.
    pub fn restart_container(&mut self, name: &str, exit: &Exit, after: Span) -> Answer<()> {
        let there = self.get_pod(name)?;
        let which = exit.container.as_deref();
        let Some(which) = which.or_else(|| containers::main_container(&there)) else {
            return Ok(());
        };
        if !self.kubelet_runs(&there) {
            return Ok(());
        }
        let mut pod = Pod::clone(&there);
        let mut all = pod.status.container_statuses.iter_mut();
        let running = all.find(|status| status.name == which && status.state.running.is_some());
        let Some(status) = running else {
            return Ok(());
        };
        end(status, exit);
        not_ready(&mut pod.status, "ContainersNotReady");
        let which: Name = which.into();
        let pod = self.put(pod);
        let at = self.now.after(after);
        self.agenda.plan(at, Due::Restart(Self::key(&pod), which));
        Ok(())
    }

    pub(in crate::fake) fn restart(&mut self, key: &Key, container: &str) {
        let goes_on =
            |pod: &Pod| pod.status.phase == "Running" && pod.metadata.deletion_timestamp.is_none();
        let Some(there) = self.same(key).filter(|pod| goes_on(pod)) else {
            return;
        };
        if !self.kubelet_runs(&there) {
            return;
        }
        let mut pod = Pod::clone(&there);
        let started_at = Some(self.wall_second());
        let mut all = pod.status.container_statuses.iter_mut();
        let ended =
            all.find(|status| &*status.name == container && status.state.terminated.is_some());
        let Some(status) = ended else {
            return;
        };
        status.restart_count += 1;
        status.state = ContainerState {
            running: Some(Running { started_at }),
            ..ContainerState::default()
        };
        readied(&mut pod.status, true);
        self.put(pod);
    }
}
