//! Liveness: where nothing can go wrong any more, all comes to rest as it is wanted, and stays so.

use super::{Shards, state::State};
use crate::judge::Violation;
use std::collections::HashMap;

/// A way to rest is not longer than so many steps.
const LONGEST_WAY: usize = 5_000;

/// The states of which it is known that they come to rest.
#[derive(Default)]
pub(super) struct Rests {
    known: Shards,
}

impl Rests {
    /// Whether the state of that fingerprint is known to come to rest.
    pub fn knows(&self, fingerprint: u128) -> bool {
        self.known.contains(fingerprint)
    }

    /// Lets everything happen in order, from a state of that fingerprint on, until it is known to come to rest; through
    /// how many states that nobody had followed. It does once states repeat: a circle in which all is as wanted
    /// whenever nothing is under way.
    ///
    /// # Errors
    /// It does not; or an invariant is broken on the way.
    pub fn comes_to_rest(
        &self,
        state: &mut State,
        mut fingerprint: u128,
    ) -> Result<u64, Violation> {
        let mut way: HashMap<u128, usize> = HashMap::new();
        let mut idle: Vec<(usize, Option<String>)> = Vec::new();
        while !self.knows(fingerprint) {
            let step = way.len();
            if let Some(began) = way.get(&fingerprint) {
                // The last time round: what is not as wanted in the circle never will be.
                let mut round = idle.iter().filter(|(at, _)| at >= began);
                let wrong = round.find_map(|(_, missing)| missing.clone());
                if let Some(missing) = wrong {
                    state.never_rests(missing);
                } else {
                    Self::judge(state);
                }
                break;
            }
            if step > LONGEST_WAY {
                state.never_rests(format!("{LONGEST_WAY} steps lead to no rest"));
                break;
            }
            way.insert(fingerprint, step);
            let next = state.next_in_order();
            if next.is_none_or(|next| !next.is_prompt()) {
                idle.push((step, state.missing()));
            }
            let Some(next) = next else {
                // It waits for nothing, not even for time.
                if let Some(missing) = state.missing() {
                    state.never_rests(missing);
                } else {
                    state.judge_rest();
                }
                break;
            };
            state.take(next);
            if state.violation().is_some() {
                break;
            }
            fingerprint = state.fingerprint();
        }
        if let Some(violation) = state.violation() {
            return Err(violation.clone());
        }
        let passed = way.len() as u64;
        self.know(way.into_keys());
        Ok(passed)
    }

    /// The states of those fingerprints come to rest.
    pub fn know(&self, all: impl IntoIterator<Item = u128>) {
        for fingerprint in all {
            self.known.insert(fingerprint);
        }
    }

    /// Goes on to where nothing is under way, for the judge to look.
    fn judge(state: &mut State) {
        for _ in 0..LONGEST_WAY {
            match state.next_in_order() {
                Some(next) if next.is_prompt() => state.take(next),
                _ => break,
            }
        }
        if state.violation().is_none() {
            state.judge_rest();
        }
    }
}
