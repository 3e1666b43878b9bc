//! The pods' views as they were made last, so that a listing need not decode anew what has not changed.

use super::world::World;
use crate::api::{
    pod::Pod,
    view::{NoView, view},
};
use evenkeel_core::{Name, input::PodView};
use jiff::Timestamp;
use std::{collections::HashMap, sync::Arc};

/// No more are kept. Those of pods that are gone are forgotten, but an API server that is behind may show such again.
const MOST: usize = 10_000;

/// For one fleet, the one that looked last: worlds seldom have several.
#[derive(Debug, Default)]
pub(super) struct Views {
    fleet: Name,
    made: HashMap<Name, (Arc<Pod>, PodView)>,
}

/// A clone begins without any: it is made to be cheap, and they are soon made again.
impl Clone for Views {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Views {
    /// What [`view`] says of that pod.
    pub fn view(
        &mut self,
        pod: &Arc<Pod>,
        fleet: &str,
        server_now: Timestamp,
    ) -> Result<PodView, NoView> {
        if *self.fleet != *fleet || self.made.len() >= MOST {
            self.made.clear();
            self.fleet = fleet.into();
        }
        if let Some((of, made)) = self.made.get(pod.metadata.name.as_str())
            && Arc::ptr_eq(of, pod)
        {
            return Ok(PodView {
                age_ms: pod.metadata.age_ms(server_now),
                ..made.clone()
            });
        }
        let made = view(pod, fleet, server_now)?;
        let entry = (Arc::clone(pod), made.clone());
        self.made.insert(made.name.clone(), entry);
        Ok(made)
    }

    /// The views of pods, and the names of those that have none.
    pub fn all<'a>(
        &mut self,
        pods: impl Iterator<Item = &'a Arc<Pod>>,
        fleet: &str,
        server_now: Timestamp,
    ) -> (Vec<PodView>, Vec<Name>) {
        let (mut views, mut undecodable) = (Vec::new(), Vec::new());
        for pod in pods {
            match self.view(pod, fleet, server_now) {
                Ok(view) => views.push(view),
                Err(_) => undecodable.push(pod.metadata.name.as_str().into()),
            }
        }
        (views, undecodable)
    }

    /// That pod is gone.
    pub fn forget(&mut self, name: &str) {
        self.made.remove(name);
    }
}

impl World {
    /// The view that a fleet has of a pod of this world now.
    ///
    /// # Errors
    /// It has none.
    pub fn view(&mut self, pod: &Arc<Pod>, fleet: &str) -> Result<PodView, NoView> {
        let now = self.wall_second();
        let there = self.store.pod(&pod.metadata.name);
        match there.is_some_and(|there| Arc::ptr_eq(there, pod)) {
            true => self.views.view(pod, fleet, now),
            // Of the past.
            false => view(pod, fleet, now),
        }
    }
}
