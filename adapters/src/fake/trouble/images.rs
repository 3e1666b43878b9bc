//! Pods that their kubelets can't start: images and configuration that are not as they must be.

use super::super::{
    agenda::{Due, Key},
    world::World,
};
use crate::api::pod::Pod;
use evenkeel_core::{Name, Span};

/// How long a kubelet waits before it tries again to make a container that it could not make.
const MAKE_AGAIN: Span = Span::seconds(10);

/// Why pods don't start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartTrouble {
    /// The image can't be pulled: `ErrImagePull`, then `ImagePullBackOff` until the next try.
    ImagePull {
        /// How many tries fail; None: all, until it is healed.
        tries: Option<u32>,
    },
    /// The image's name is none: `InvalidImageName`, until it is healed.
    ImageName,
    /// The container's configuration refers to what is not there: `CreateContainerConfigError`, until it is healed.
    ContainerConfig,
}

/// Why a kubelet can't make a pod's containers, whatever their images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::fake) enum Blocked {
    ImageName,
    ContainerConfig,
}

impl World {
    /// The pods whose kubelets begin with them from now on have that trouble; with None those that begin later are
    /// well. Pods that have it once keep it, as long as it says or until [`heal_starts`](Self::heal_starts).
    pub fn set_start_trouble(&mut self, trouble: Option<StartTrouble>) {
        self.standing.start = trouble;
        self.standing.starts += 1;
    }

    /// All images can be pulled, all names are right and all configuration is there, for the pods that are there by
    /// now: their kubelets go on with the next try.
    pub fn heal_starts(&mut self) {
        let pods: Vec<Name> = self.behind.keys().cloned().collect();
        for pod in pods {
            if let Some(behind) = self.behind.get_mut(&pod) {
                behind.bad_pulls = Some(0);
                behind.blocked = None;
            }
        }
    }

    /// The trouble of these days strikes a pod that is to be started, once.
    pub(in crate::fake) fn strike_start(&mut self, pod: &str) {
        let (now, number) = (self.standing.start, self.standing.starts);
        let Some(trouble) = now else {
            return;
        };
        let Some(behind) = self.behind.get_mut(pod) else {
            return;
        };
        if behind.struck == number {
            return;
        }
        behind.struck = number;
        match trouble {
            StartTrouble::ImagePull { tries } => {
                behind.bad_pulls = tries.map(|tries| tries.saturating_add(behind.pulls.into()));
            }
            StartTrouble::ImageName => behind.blocked = Some(Blocked::ImageName),
            StartTrouble::ContainerConfig => behind.blocked = Some(Blocked::ContainerConfig),
        }
    }

    /// The kubelet could not make the containers, and will try again.
    pub(in crate::fake) fn stay_blocked(&mut self, key: &Key, pod: &Pod, why: Blocked) {
        let again = self.now.after(MAKE_AGAIN);
        self.agenda.plan(again, Due::Prepare(key.clone()));
        match why {
            Blocked::ImageName => self.containers_wait(pod, "InvalidImageName", |image| {
                Some(format!(
                    "Failed to apply default image tag {image:?}: couldn't parse image name {image:?}: invalid reference format"
                ))
            }),
            Blocked::ContainerConfig => {
                self.containers_wait(pod, "CreateContainerConfigError", |_| {
                    Some("secret \"settings\" not found".to_owned())
                });
            }
        }
    }
}
