//! The differential oracle: the same story without its faults ends in the same place, with a bounded surplus of writes.

use super::play::{Played, play};
use crate::{
    judge::Violation,
    story::{Happening, Kind, Story},
};

/// Writes that each end of an executor, and each fault, may lead to beyond what happens anyway.
const WRITES_EACH: u64 = 8;
/// Writes that one whose create is rejected takes: its claim, and that claim's delete.
const WRITES_REJECTED: u64 = 2;
/// Writes that are never too many.
const SPARE: u64 = 40;

/// How the story went without its faults, and what breaks the comparison; None where that says nothing.
pub(super) fn compare(story: &Story, played: &Played) -> Option<(Played, Option<Violation>)> {
    let without = play(&calm(story, played)?);
    let differs = differs(story, played, &without);
    Some((without, differs))
}

/// The story without its faults, where to compare says something.
fn calm(story: &Story, played: &Played) -> Option<Story> {
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
    Some(Story {
        happenings: story
            .happenings
            .iter()
            .filter(|happening| happening.what.is_wanted())
            .cloned()
            .collect(),
        ends: None,
        ends_at: None,
        ..story.clone()
    })
}

fn differs(story: &Story, played: &Played, without: &Played) -> Option<Violation> {
    let is_fault = |happening: &&Happening| !happening.what.is_wanted();
    let faults = story.happenings.iter().filter(is_fault).count() as u64;
    let violation = |what: String| {
        Some(Violation {
            invariant: "L5",
            at: evenkeel::core::Time(played.report.virtual_ms),
            what,
        })
    };
    if let Some(broken) = &without.violation {
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
        count(played) < count(without)
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
    let waits = failing.backoff_first.0 >= 1000 && failing.backoff_window.0 >= 1000;
    if failing.backoff_after > 1000 || !waits {
        return None;
    }
    // What is rejected is asked for again at once, up to backoff_after times before each backoff of its group: there is no
    // pod that ends. Backoffs come anew after a good start, and over a crash that the lease's next renewal was not before.
    let rejected = played.report.lost.get("create_rejected");
    let at_once = WRITES_REJECTED * rejected.copied().unwrap_or(0);
    let each = WRITES_EACH * (played.rested.ended + faults);
    let most = without.rested.effects + each + at_once + SPARE;
    if played.rested.effects > most {
        return violation(format!(
            "it took {} writes, and without faults {}: with {faults} faults and {} ends, at most {most}",
            played.rested.effects, without.rested.effects, played.rested.ended
        ));
    }
    None
}
