//! How a group stands, and why it is not at rest.

use super::{Standing, grow::add};
use crate::{
    plan::{Class, GroupStatus, Unfilled, Unmet},
    words::Time,
};
use std::collections::BTreeMap;

const CLASSES: [Class; 8] = [
    Class::Requested,
    Class::Created,
    Class::Pending,
    Class::Running,
    Class::Unknown,
    Class::Terminating,
    Class::Failed,
    Class::Succeeded,
];

pub(super) fn of(
    standing: &Standing<'_>,
    mut unmet: BTreeMap<Unmet, Unfilled>,
    excess_until: Option<Time>,
) -> GroupStatus {
    let tally = &standing.facts.tally;
    add(
        &mut unmet,
        Unmet::WaitingForAnswer,
        u64::from(tally.sent),
        None,
    );
    add(
        &mut unmet,
        Unmet::WaitingForSchedule,
        u64::from(tally.unscheduled),
        None,
    );
    add(&mut unmet, Unmet::Starting, u64::from(tally.starting), None);
    add(
        &mut unmet,
        Unmet::WaitingForRegistration,
        u64::from(tally.unready),
        None,
    );
    add(&mut unmet, Unmet::Excess, standing.excess(), excess_until);
    let mut by_class = BTreeMap::new();
    for class in CLASSES.into_iter().filter(|class| tally.of(*class) > 0) {
        by_class.insert(class, u64::from(tally.of(class)));
    }
    GroupStatus {
        target: standing.wished,
        counting: standing.counting(),
        serving: u64::from(tally.serving),
        by_class,
        failures: u64::from(standing.facts.failures),
        outdated: u64::from(tally.outdated),
        rolling: standing.rolling(),
        unmet,
    }
}
