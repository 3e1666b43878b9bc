//! S6: the API budget is kept: no write is repeated before its wait is over, none that was answered done is repeated at
//! all, and a fleet at rest writes nothing.

use super::{
    About, Checker, Fact, Rest, Result, Truth,
    executor::{uid_of, verb},
    violated,
};
use evenkeel::core::{Output, output::Action};
use std::collections::BTreeMap;

/// The shortest wait after a failure, in milliseconds: the first is a second.
const SHORTEST: u64 = 1000;
/// The longest.
const LONGEST: u64 = 60_000;
/// How many listings a fleet at rest may ask for beyond those that are due.
const SPARE: u64 = 3;

/// The checker.
#[derive(Clone, Debug, Default)]
pub struct S6 {
    lists: u64,
    watches: u64,
    writes: BTreeMap<&'static str, u64>,
}

impl Checker for S6 {
    fn name(&self) -> &'static str {
        "S6"
    }

    fn about(&self) -> &'static [About] {
        &[About::Said, About::Died]
    }

    fn remembers(&self) -> bool {
        true
    }

    fn look(&mut self, fact: &Fact<'_>, truth: &Truth) -> Result {
        let Fact::Said {
            process, output, ..
        } = fact
        else {
            return Ok(());
        };
        match output {
            Output::Execute { action, why, .. } => {
                let name = verb(action);
                *self.writes.entry(name).or_default() += 1;
                let Some(executor) = action.executor() else {
                    return Ok(());
                };
                let Some(of) = truth.known(*process, executor) else {
                    return Ok(());
                };
                if let Some(failed) = of
                    .failed
                    .as_ref()
                    .filter(|failed| failed.is_of(action, *why))
                {
                    let (at, now) = (failed.at, truth.now);
                    let tight = match name {
                        // Creates wait with their group, since the first of them failed: they may follow closely, once.
                        "create" => {
                            u64::from(failed.times) > 2 + now.since(failed.first).0 / SHORTEST
                        }
                        _ => now.since(at).0 + 1 < wait(failed.times),
                    };
                    if tight {
                        return violated(format!(
                            "{name} of {executor} is repeated after {} ms, having failed {} times",
                            now.since(at).0,
                            failed.times
                        ));
                    }
                }
                if let Action::Resize { memory, .. } = action
                    && of.resized == Some(*memory)
                {
                    return violated(format!(
                        "{executor} is given the same memory again, though that was answered done"
                    ));
                }
                if of.done.contains(&(name, uid_of(action)))
                    && matches!(name, "create" | "delete" | "mark")
                    && !of.is_out_of_view(action)
                {
                    return violated(format!(
                        "{name} of {executor} is repeated, though it was answered done"
                    ));
                }
                Ok(())
            }
            Output::List { .. } => {
                self.lists += 1;
                Ok(())
            }
            Output::Watch { .. } => {
                self.watches += 1;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn before_rest(&mut self) {
        *self = Self::default();
    }

    fn rest(&mut self, truth: &Truth, rest: &Rest<'_>) -> Result {
        if rest.lasted.0 == 0 {
            // It never came to rest: that is another's business.
            return Ok(());
        }
        let minutes = rest.lasted.0 / 60_000;
        if rest.is_quiet && !self.writes.is_empty() {
            return violated(format!(
                "at rest for {minutes} minutes, it wrote: {:?}",
                self.writes
            ));
        }
        let every = truth.config.seeing.relist_every;
        let due = every.map_or(0, |every| rest.lasted.0 / every.0.max(1));
        if self.lists > due + SPARE {
            return violated(format!(
                "at rest for {minutes} minutes, it listed {} times, where {due} were due",
                self.lists
            ));
        }
        // A server closes a watch after 5 to 10 minutes.
        let most = minutes / 4 + SPARE;
        if self.watches > most {
            return violated(format!(
                "at rest for {minutes} minutes, it opened {} watches",
                self.watches
            ));
        }
        Ok(())
    }
}

/// How long to wait after so many failures in a row, in milliseconds.
fn wait(times: u32) -> u64 {
    let doubled = 1u64
        .checked_shl(times.saturating_sub(1))
        .unwrap_or(u64::MAX);
    SHORTEST.saturating_mul(doubled).min(LONGEST)
}
