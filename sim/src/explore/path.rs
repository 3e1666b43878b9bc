//! Paths: how it comes to a broken invariant, made short, and written down for people.

use super::{Choice, Scope, rest::Rests, state::State};
use crate::{judge::Violation, recorder::Recorder, story::first_line};
use evenkeel::core::Time;
use serde::Deserialize;
use std::{fmt::Write, sync::Arc};

/// The format that is written and read.
const FORMAT: u32 = 1;

/// A way through a small world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// Which world.
    pub scope: Scope,
    /// What happens, in order. What can't happen where it stands is passed over.
    pub choices: Vec<Choice>,
}

/// A file that is no path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoPath(String);

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct File {
    format: u32,
    scope: Scope,
    path: Vec<Choice>,
}

/// Takes a path up to the first broken invariant: where it ends, and the choices that could be taken. Where nothing can go
/// wrong any more, it goes on to rest.
pub(super) fn walked(
    scope: &Arc<Scope>,
    choices: &[Choice],
    recorder: Option<Recorder>,
) -> (State, Vec<Choice>) {
    let mut state = State::first(Arc::clone(scope), recorder);
    let mut taken = Vec::new();
    for choice in choices {
        if state.violation().is_some() {
            break;
        }
        if state.try_take(*choice) {
            taken.push(*choice);
        }
    }
    if state.violation().is_none() && state.is_spent() {
        // What breaks on the way is in the state.
        let fingerprint = state.fingerprint();
        let _ = Rests::default().comes_to_rest(&mut state, fingerprint);
    }
    (state, taken)
}

/// A path to the same invariant, made short by leaving out runs of choices, long ones first, then single ones.
pub(super) fn shortened(scope: &Arc<Scope>, path: Vec<Choice>) -> (Vec<Choice>, Violation) {
    let breaks = |choices: &[Choice]| {
        let (state, taken) = walked(scope, choices, None);
        Some((taken, state.violation()?.clone()))
    };
    let lost = || Violation {
        invariant: "L1",
        at: Time(0),
        what: "the path does not lead there a second time: the controller is not deterministic"
            .to_owned(),
    };
    let (mut best, mut violation) = breaks(&path).unwrap_or_else(|| (path, lost()));
    let mut length = best.len().div_ceil(2);
    while length > 0 {
        let mut at = 0;
        while at < best.len() {
            let mut fewer = best.clone();
            fewer.drain(at..(at + length).min(best.len()));
            match breaks(&fewer) {
                Some((taken, found)) if found.invariant == violation.invariant => {
                    (best, violation) = (taken, found);
                }
                _ => at += length,
            }
        }
        length = match length {
            1 => 0,
            _ => length.div_ceil(2),
        };
    }
    (best, violation)
}

impl Path {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// It can't be read, or is no path: the error names the file, where in it, and what is wrong.
    pub fn read(path: &std::path::Path) -> Result<Self, NoPath> {
        let named = |why: String| NoPath(format!("{}: {why}", path.display()));
        let text = std::fs::read_to_string(path)
            .map_err(|error| named(format!("can't be read: {error}")))?;
        Self::parse(&text).map_err(|NoPath(why)| named(why))
    }

    /// Reads a path from its text.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn parse(text: &str) -> Result<Self, NoPath> {
        let file: File =
            serde_saphyr::from_str(text).map_err(|error| NoPath(first_line(&error)))?;
        if file.format != FORMAT {
            return Err(NoPath(format!(
                "format: {} is written by another version; this one reads {FORMAT}",
                file.format
            )));
        }
        file.scope.check().map_err(NoPath)?;
        Ok(Self {
            scope: file.scope,
            choices: file.path,
        })
    }

    /// The path as text, with what it comes to and, as comments, how it went up to there.
    #[must_use]
    pub fn write(&self, violation: &Violation, timeline: &[String]) -> String {
        let scope = serde_json::to_string(&self.scope).unwrap_or_default();
        let mut text = String::from(
            "# A path of evenkeel-sim explore. Walk it: evenkeel-sim explore --replay FILE\n",
        );
        let _ = writeln!(
            text,
            "# It breaks {}: {}",
            violation.invariant, violation.what
        );
        let _ = writeln!(text, "format: {FORMAT}\nscope: {scope}\npath:");
        for choice in &self.choices {
            let choice = serde_json::to_string(choice).unwrap_or_default();
            let _ = writeln!(text, "  - {choice}");
        }
        text.push_str("# How it went, in milliseconds of the world's clock:\n");
        for line in timeline {
            let _ = writeln!(text, "# {line}");
        }
        text
    }
}
