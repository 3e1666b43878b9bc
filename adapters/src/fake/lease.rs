//! Leases: compare and swap on revisions, as the API server does it.

use super::{Answer, audit::Kind, refusal, world::World};
use crate::port::{Lease, LeaseSpec};
use evenkeel_core::{Name, Revision, Uid};

const LEASES: &str = Kind::Leases.resource();
/// The kind as it stands in the words about preconditions.
const LEASE: &str = "Lease.coordination.k8s.io";

/// The name of a fleet's Lease (LIVE-1).
pub(super) fn lease_name(fleet: &str) -> Name {
    format!("evenkeel-{fleet}").into()
}

impl World {
    pub(super) fn get_lease(&self, name: &str) -> Answer<Lease> {
        self.leases
            .get(name)
            .cloned()
            .ok_or_else(|| refusal::not_found(LEASES, name))
    }

    pub(super) fn create_lease(&mut self, name: &str, spec: &LeaseSpec) -> Answer<Lease> {
        self.namespace_takes(LEASES, name)?;
        if self.leases.get(name).is_some() {
            return Err(refusal::already_exists(LEASES, name, false));
        }
        let uid = Uid::from(self.chance.names.uuid().as_str());
        Ok(self.write_lease(name, uid, spec))
    }

    /// The Lease of that name, where it has that UID.
    fn get_lease_of(&self, name: &str, uid: &Uid) -> Answer<Lease> {
        let there = self.get_lease(name)?;
        if there.uid != *uid {
            let (wanted, is) = (uid.to_string(), there.uid.to_string());
            return Err(refusal::other_uid(LEASE, name, &wanted, &is));
        }
        Ok(there)
    }

    pub(super) fn replace_lease(
        &mut self,
        name: &str,
        uid: &Uid,
        revision: Revision,
        spec: &LeaseSpec,
    ) -> Answer<Lease> {
        let there = self.get_lease_of(name, uid)?;
        if there.revision != revision {
            return Err(refusal::modified(LEASES, name));
        }
        if there.spec == *spec {
            return Ok(there);
        }
        Ok(self.write_lease(name, there.uid, spec))
    }

    pub(super) fn delete_lease(
        &mut self,
        name: &str,
        uid: &Uid,
        revision: Revision,
    ) -> Answer<Lease> {
        let there = self.get_lease_of(name, uid)?;
        if there.revision != revision {
            let (wanted, is) = (revision.to_string(), there.revision.to_string());
            return Err(refusal::other_revision(LEASE, name, &wanted, &is));
        }
        self.drop_lease(name);
        Ok(there)
    }

    pub(super) fn drop_lease(&mut self, name: &str) {
        let revision = self.store.bump();
        self.leases.remove(revision, name);
    }

    fn write_lease(&mut self, name: &str, uid: Uid, spec: &LeaseSpec) -> Lease {
        let revision = self.store.bump();
        let lease = Lease {
            uid,
            revision: Revision::new(revision).unwrap_or(Revision(std::num::NonZeroU64::MIN)),
            spec: spec.clone(),
        };
        self.leases.write(revision, name.into(), lease.clone());
        lease
    }
}
