//! The front door: the requests of the `Cluster` port against a world, without time. What the async wrapper and the
//! simulator share, so that nothing is decided twice.

use super::{
    DeleteOptions, ListOptions, Patch, Resize,
    audit::{Kind, Verb},
    faults::Missed,
    lease::lease_name,
    watch::{Event, WatchId},
    world::World,
};
use crate::{
    api::{
        answer::{self, Write},
        claim::Claim,
        labels,
        pod::{Metadata, Pod},
    },
    port::{Lease, LeaseError, LeaseRequest, ListWish, Request},
};
use evenkeel_core::{
    Name, Revision, Span, Uid,
    input::{ClaimView, Failure, Listing, Outcome, PodView, Refusal, WatchEnd, WatchEvent},
};
use std::sync::Arc;

/// Clients ask for lists in pages of this many.
const PAGE: usize = 500;

impl World {
    /// Carries out one effect of that fleet, and says what is known of it: [`send_effect`](Self::send_effect), and
    /// where the name is taken, [`look_after`](Self::look_after).
    pub fn execute(&mut self, fleet: &str, request: &Request) -> Outcome {
        match self.send_effect(fleet, request) {
            Outcome::Exists(None) => self.look_after(fleet, request),
            outcome => outcome,
        }
    }

    /// The GET after `AlreadyExists`, and what it makes of that answer.
    pub fn look_after(&mut self, fleet: &str, request: &Request) -> Outcome {
        match request {
            Request::Create { name, .. } => self.look(fleet, name),
            Request::CreateClaim { name, .. } => self.look_at_claim(fleet, name),
            // Nothing else is answered so.
            _ => Outcome::Exists(None),
        }
    }

    /// Sends one effect. A name that is taken is answered `Exists(None)`: who it is, [`look`](Self::look) says.
    pub fn send_effect(&mut self, fleet: &str, request: &Request) -> Outcome {
        let who: Name = fleet.into();
        let of_pod = |pod: Arc<Pod>| done(&pod.metadata);
        let of_claim = |claim: Arc<Claim>| done(&claim.metadata);
        let (write, answer) = match request {
            Request::Create { name, manifest } => {
                let what = (Kind::Pods, Verb::Create, &**name);
                let sent = self.send(&who, what, |api| api.create(manifest));
                (Write::Create, sent.map(of_pod))
            }
            Request::Delete {
                name,
                uid,
                revision,
            } => {
                let options = DeleteOptions {
                    uid: uid.clone(),
                    revision: *revision,
                    grace: None,
                };
                let what = (Kind::Pods, Verb::Delete, &**name);
                let sent = self.send(&who, what, |api| api.delete(name, &options));
                (Write::Delete, sent.map(of_pod))
            }
            Request::MarkFinished { name, uid } => {
                let patch = Patch {
                    uid: Some(uid.clone()),
                    labels: [(labels::FINISHED.to_owned(), Some("true".to_owned()))].into(),
                    ..Patch::default()
                };
                let what = (Kind::Pods, Verb::Patch, &**name);
                let sent = self.send(&who, what, |api| api.patch(name, &patch));
                (Write::Patch, sent.map(of_pod))
            }
            Request::Resize {
                name,
                uid,
                container,
                request,
                limit,
            } => {
                let resize = Resize {
                    uid: Some(uid.clone()),
                    container: container.to_string(),
                    request: *request,
                    limit: *limit,
                };
                let what = (Kind::PodResize, Verb::Patch, &**name);
                let sent = self.send(&who, what, |api| api.resize(name, &resize));
                (Write::Resize, sent.map(of_pod))
            }
            Request::CreateClaim { name, manifest } => {
                let what = (Kind::Claims, Verb::Create, &**name);
                let sent = self.send(&who, what, |api| api.create_claim(manifest));
                (Write::Create, sent.map(of_claim))
            }
            Request::DeleteClaim { name } => {
                let what = (Kind::Claims, Verb::Delete, &**name);
                let sent = self.send(&who, what, |api| api.delete_claim(name));
                (Write::Delete, sent.map(of_claim))
            }
        };
        match answer {
            Ok(done) => done,
            Err(Missed::Refused(refused)) => answer::outcome(write, &refused),
            Err(Missed::Lost) => Outcome::Unclear(Failure::Unreachable),
            Err(Missed::NotSent) => Outcome::Refused(Refusal::NotSent(Failure::Unreachable)),
        }
    }

    /// The GET after `AlreadyExists` (GROW-3): `Exists` with what it showed, or `Unclear` where it failed.
    pub fn look(&mut self, fleet: &str, name: &str) -> Outcome {
        let who: Name = fleet.into();
        let what = (Kind::Pods, Verb::Get, name);
        match self.send(&who, what, |api| api.get(name)) {
            Ok(pod) => match self.view(&pod, fleet) {
                Ok(view) => Outcome::Exists(Some(Box::new(view))),
                Err(_) => Outcome::Unclear(Failure::Undecodable),
            },
            Err(Missed::Refused(refused)) if refused.code == 404 => Outcome::Exists(None),
            Err(missed) => Outcome::Unclear(failure(&missed)),
        }
    }

    /// The same for a claim: `Done` where it is the fleet's own and stays, `Exists(None)` where the name is not to be used.
    fn look_at_claim(&mut self, fleet: &str, name: &str) -> Outcome {
        let what = (Kind::Claims, Verb::Get, name);
        match self.send(&fleet.into(), what, |api| api.get_claim(name)) {
            Ok(claim) => claim.taken(fleet),
            Err(Missed::Refused(refused)) if refused.code == 404 => Outcome::Exists(None),
            Err(missed) => Outcome::Unclear(failure(&missed)),
        }
    }

    /// All pages of a listing, at this moment.
    ///
    /// # Errors
    /// A page failed; there is no listing then.
    pub fn listing(&mut self, fleet: &str, wish: ListWish) -> Result<Listing, Failure> {
        let mut pages = Pages::new(fleet, wish);
        while !pages.next(self)? {}
        pages.listing()
    }

    /// Opens a watch on the fleet's pods.
    ///
    /// # Errors
    /// It could not be opened. That its revision is too old is told by the watch itself.
    pub fn watch_open(&mut self, fleet: &str, from: Revision) -> Result<WatchId, WatchEnd> {
        let who: Name = fleet.into();
        let selector = labels::selector(fleet, false);
        let what = (Kind::Pods, Verb::Watch, "");
        self.send(&who, what, |api| api.watch(&selector, from.get()))
            .map_err(|missed| match failure(&missed) {
                Failure::Expired => WatchEnd::Expired,
                other => WatchEnd::Failed(other),
            })
    }

    /// The next event of a fleet's watch, if there is one by now. After `Ended` the watch is closed.
    pub fn watch_poll(&mut self, fleet: &str, id: WatchId) -> Option<WatchEvent> {
        let event = self.watch_event(id)?;
        let mut seen = |pod: &Arc<Pod>, event: fn(_) -> WatchEvent| {
            self.view(pod, fleet).map_or_else(
                |_| WatchEvent::Undecodable(pod.metadata.name.as_str().into()),
                event,
            )
        };
        Some(match event {
            Event::Added(pod) | Event::Modified(pod) => seen(&pod, WatchEvent::Seen),
            Event::Deleted(pod) => seen(&pod, WatchEvent::Left),
            Event::Bookmark(revision) => match Revision::new(revision) {
                Some(revision) => WatchEvent::Bookmark(revision),
                None => WatchEvent::Ended(WatchEnd::Failed(Failure::Undecodable)),
            },
            Event::Error(refused) => WatchEvent::Ended(match answer::failure(&refused) {
                Failure::Expired => WatchEnd::Expired,
                other => WatchEnd::Failed(other),
            }),
            Event::Closed => WatchEvent::Ended(WatchEnd::Closed),
        })
    }

    /// One step with the fleet's Lease.
    ///
    /// # Errors
    /// It did not take effect, or that is not known.
    pub fn lease(
        &mut self,
        fleet: &str,
        request: &LeaseRequest,
    ) -> Result<Option<Lease>, LeaseError> {
        let who: Name = fleet.into();
        let name = lease_name(fleet);
        let what = |verb| (Kind::Leases, verb, &*name);
        let answer = match request {
            LeaseRequest::Get => {
                self.send(&who, what(Verb::Get), |api| api.get_lease(&name).map(Some))
            }
            LeaseRequest::Create(spec) => self.send(&who, what(Verb::Create), |api| {
                api.create_lease(&name, spec).map(Some)
            }),
            LeaseRequest::Replace {
                uid,
                revision,
                spec,
            } => self.send(&who, what(Verb::Update), |api| {
                api.replace_lease(&name, uid, *revision, spec).map(Some)
            }),
            LeaseRequest::Delete { uid, revision } => self.send(&who, what(Verb::Delete), |api| {
                api.delete_lease(&name, uid, *revision).map(|_| None)
            }),
        };
        answer.map_err(|missed| match &missed {
            Missed::Refused(refused) if refused.code == 404 => LeaseError::Absent,
            Missed::Refused(refused) if refused.code == 409 => LeaseError::Conflict,
            _ => LeaseError::Failed(failure(&missed)),
        })
    }

    /// How long a request takes: before its effect, and after it.
    pub fn latency(&mut self) -> (Span, Span) {
        let whole = self.chance.api.around(self.config.weather.api_latency);
        let before = Span(self.chance.api.between(0, whole.0));
        (before, Span(whole.0 - before.0))
    }
}

fn done(object: &Metadata) -> Outcome {
    Outcome::Done {
        revision: object.resource_version.parse().ok(),
        uid: Some(Uid::from(object.uid.as_str())),
    }
}

fn failure(missed: &Missed) -> Failure {
    match missed {
        Missed::Refused(refused) => answer::failure(refused),
        Missed::Lost | Missed::NotSent => Failure::Unreachable,
    }
}

/// A listing under way, page by page.
#[derive(Clone, Debug)]
pub struct Pages {
    fleet: Name,
    wish: ListWish,
    token: Option<String>,
    revision: Option<u64>,
    pods: Vec<PodView>,
    /// Once they were read; after the pods.
    claims: Option<Vec<ClaimView>>,
    undecodable: Vec<Name>,
}

impl Pages {
    /// A listing of that fleet's pods and what is wished for beside, of which no page was asked for yet.
    #[must_use]
    pub fn new(fleet: &str, wish: ListWish) -> Self {
        Self {
            fleet: fleet.into(),
            wish,
            token: None,
            revision: None,
            pods: Vec::new(),
            claims: None,
            undecodable: Vec::new(),
        }
    }

    /// Asks for the next page, and says whether it was the last.
    ///
    /// # Errors
    /// The page failed; there is no listing then.
    pub fn next(&mut self, world: &mut World) -> Result<bool, Failure> {
        if self.pods_are_read() {
            self.read_claims(world)?;
            return Ok(true);
        }
        let options = ListOptions {
            selector: labels::selector(&self.fleet, self.wish.all),
            limit: Some(PAGE),
            continue_token: self.token.take(),
            resource_version: None,
        };
        let what = (Kind::Pods, Verb::List, "");
        let page = world
            .send(&self.fleet, what, |api| api.list(&options))
            .map_err(|missed| failure(&missed))?;
        // A token goes on at the revision of the first page, or is refused.
        self.revision = Some(page.revision);
        let now = world.wall_second();
        let (pods, undecodable) = world.views.all(page.items.iter(), &self.fleet, now);
        self.pods.extend(pods);
        self.undecodable.extend(undecodable);
        self.token = page.next;
        Ok(self.is_whole())
    }

    fn pods_are_read(&self) -> bool {
        self.revision.is_some() && self.token.is_none()
    }

    fn is_whole(&self) -> bool {
        self.pods_are_read() && (self.claims.is_some() || !self.wish.claims)
    }

    fn read_claims(&mut self, world: &mut World) -> Result<(), Failure> {
        let selector = labels::selector(&self.fleet, true);
        let what = (Kind::Claims, Verb::List, "");
        let list = world
            .send(&self.fleet, what, |api| api.list_claims(&selector))
            .map_err(|missed| failure(&missed))?;
        let now = world.wall_second();
        let mut claims = Vec::new();
        for claim in list.items {
            match claim.view(now) {
                Some(view) => claims.push(view),
                None => self.undecodable.push(claim.metadata.name.as_str().into()),
            }
        }
        self.claims = Some(claims);
        Ok(())
    }

    /// The whole, once the last page is there.
    ///
    /// # Errors
    /// It is not yet.
    pub fn listing(self) -> Result<Listing, Failure> {
        let revision = self
            .revision
            .filter(|_| self.is_whole())
            .and_then(Revision::new)
            .ok_or(Failure::Undecodable)?;
        Ok(Listing {
            revision,
            pods: self.pods,
            claims: self.claims.unwrap_or_default(),
            undecodable: self.undecodable,
        })
    }
}
