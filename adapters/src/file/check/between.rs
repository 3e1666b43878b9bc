//! Keys of a group, and of the file, that do not go together with those of `config`.

use super::{super::fleet::FleetKeys, Remarks, config, root};
use evenkeel_core::{Span, input::Shutdown};

pub(super) fn between(keys: &FleetKeys, found: &mut Remarks) {
    of_the_fleet(keys, found);
    let fleet = &keys.config;
    for (name, group) in &keys.groups {
        let at = root("groups").then(&**name);
        if let (Some(own), Some(fleets)) = (group.max_pending.0, fleet.max_pending.0)
            && own > fleets
        {
            found.error(at.then("max_pending"), format!(
                "{own} is more than config.max_pending, which is {fleets}; lower the one or raise the other"
            ));
        }
        if let (Some(own), Some(fleets)) = (group.maximum, fleet.max_executors.0)
            && own > fleets
        {
            found.warn(at.then("maximum"), format!(
                "{own} is more than config.max_executors, which is {fleets}: the group will not get there; lower the one or raise the other"
            ));
        }
    }
    let wanted = keys.groups.values().map(|group| group.target).sum::<u64>();
    let Some(most) = fleet.max_executors.0 else {
        return;
    };
    if wanted > most {
        found.warn(config("max_executors"), format!(
            "{most} is less than the {wanted} that the groups' targets come to: the fleet will not get there"
        ));
    }
    let mut rolling = keys.groups.iter();
    let rolling = rolling.find(|(_, group)| group.roll.every.0.is_some() && group.target > 0);
    if let Some((name, _)) = rolling.filter(|_| wanted >= most && most > 0) {
        found.warn(root("groups").then(&**name).then("roll").then("every"), format!(
            "config.max_executors, which is {most}, leaves no room for a replacement beside the {wanted} that the targets come to: none will ever be made; raise it"
        ));
    }
}

fn of_the_fleet(keys: &FleetKeys, found: &mut Remarks) {
    let fleet = &keys.config;
    if let Some(most) = fleet.max_failures
        && fleet.failure_window.0.is_none()
        && keys.run_for.is_none()
    {
        found.warn(config("failure_window"), format!(
            "with never, a fleet that lives for long is halted in the end, by its failure number {} (max_failures); write a time, 1h, say",
            most.saturating_add(1)
        ));
    }
    if keys.shutdown == Shutdown::Drain && fleet.drain_timeout.0 == Span(0) {
        found.warn(
            root("shutdown"),
            "drain with config.drain_timeout: 0 deletes all at once; write delete, or a time, 5m, say",
        );
    }
}
