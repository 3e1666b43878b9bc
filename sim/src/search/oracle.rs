//! The differential oracle: the same story without its faults ends in the same place, with a bounded surplus of writes.

use super::play::{Played, play};
use crate::{
    judge::Violation,
    story::{Kind, Story},
};

/// Writes that each end of an executor, and each fault, may lead to beyond what happens anyway.
const WRITES_EACH: u64 = 8;
/// Writes that are never too many.
const SPARE: u64 = 40;

/// Compares how a story went with how it goes without faults; None where that says nothing.
pub(super) fn differs(story: &Story, played: &Played) -> Option<Violation> {
    let endless = |kind| matches!(kind, Kind::BrokenGroup);
    let says_nothing = played.violation.is_some()
        || story.ends_at.is_some()
        || story
            .config
            .groups
            .values()
            .any(|group| group.roll.every.is_some())
        || story
            .happenings
            .iter()
            .any(|happening| happening.what.kind().is_some_and(endless));
    if says_nothing {
        return None;
    }
    let calm = Story {
        happenings: story
            .happenings
            .iter()
            .filter(|happening| happening.what.is_wanted())
            .cloned()
            .collect(),
        ends: None,
        ends_at: None,
        ..story.clone()
    };
    let faults = (story.happenings.len() - calm.happenings.len()) as u64;
    let without = play(&calm);
    let violation = |what: String| {
        Some(Violation {
            invariant: "L5",
            at: evenkeel::core::Time(played.report.virtual_ms),
            what,
        })
    };
    if let Some(broken) = without.violation {
        return violation(format!(
            "without faults, {} is broken: {}",
            broken.invariant, broken.what
        ));
    }
    // Where more is wanted than there may be, nothing says who is short.
    let wanted = without.rested.wanted;
    let short = story
        .config
        .growing
        .max_executors
        .is_some_and(|most| most < wanted);
    let count = |played: &Played| played.rested.live.values().sum::<u64>();
    let differs = if short {
        count(played) < count(&without)
    } else {
        without.rested.live != played.rested.live
    };
    if differs {
        return violation(format!(
            "it ended with {:?}, and without faults with {:?}",
            played.rested.live, without.rested.live
        ));
    }
    // Without a wait between failures nothing bounds the writes that a fault may lead to.
    let failing = &story.config.failing;
    if failing.backoff_after > 1000 || failing.backoff_first.0 < 1000 {
        return None;
    }
    let most = without.rested.effects + WRITES_EACH * (played.rested.ended + faults) + SPARE;
    if played.rested.effects > most {
        return violation(format!(
            "it took {} writes, and without faults {}: with {faults} faults and {} ends, at most {most}",
            played.rested.effects, without.rested.effects, played.rested.ended
        ));
    }
    None
}
