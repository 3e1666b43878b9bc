//! Stories as text: YAML that a person can read, with one happening a line.

use super::{Cluster, FORMAT, Happening, Story, Wanted};
use crate::engine::Habits;
use evenkeel::{
    core::{Config, Group, Span, Time, input::Shutdown},
    defaults,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, fmt::Write, path::Path};

/// What a story is known to come to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Verdict {
    /// The invariant that is broken.
    pub invariant: String,
    /// When, by the world's clock.
    pub at: Time,
    /// How, in words.
    pub what: String,
}

/// A file that is no story.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoStory(String);

/// A story file. The config is written as far as it differs from the defaults.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct File {
    format: u32,
    seed: u64,
    #[serde(default)]
    verdict: Option<Verdict>,
    #[serde(default)]
    mutant: Option<String>,
    lease: bool,
    owner: bool,
    lasts: Span,
    #[serde(default)]
    config: Value,
    cluster: Cluster,
    groups: BTreeMap<Group, Wanted>,
    engine: Habits,
    #[serde(default)]
    ends: Option<Shutdown>,
    #[serde(default)]
    ends_at: Option<Time>,
    #[serde(default)]
    absurd: bool,
    #[serde(default)]
    happenings: Vec<Happening>,
}

impl Story {
    /// Reads the story file at `path`; what it says to come to beside, where it does.
    ///
    /// # Errors
    /// It can't be read, or is no story: the error names the file, where in it, and what is wrong.
    pub fn read(path: &Path) -> Result<(Self, Option<Verdict>), NoStory> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| NoStory(format!("{}: can't be read: {error}", path.display())))?;
        Self::parse(&text).map_err(|NoStory(why)| NoStory(format!("{}: {why}", path.display())))
    }

    /// Reads a story from its text.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn parse(text: &str) -> Result<(Self, Option<Verdict>), NoStory> {
        let head: Value =
            serde_saphyr::from_str(text).map_err(|error| NoStory(first_line(&error)))?;
        match head.get("format").and_then(Value::as_u64) {
            Some(format) if format == u64::from(FORMAT) => {}
            Some(format) => {
                return Err(NoStory(format!(
                    "format: {format} is written by another version; this one reads {FORMAT}"
                )));
            }
            None => {
                return Err(NoStory(
                    "format: missing; this is no story that `evenkeel-sim search` wrote".to_owned(),
                ));
            }
        }
        let file: File =
            serde_saphyr::from_str(text).map_err(|error| NoStory(first_line(&error)))?;
        debug_assert_eq!(file.format, FORMAT);
        let mut whole = plain_config();
        if !file.config.is_null() {
            merge(&mut whole, file.config);
        }
        let mut config: Config =
            serde_json::from_value(whole).map_err(|error| NoStory(format!("config: {error}")))?;
        plant(&mut config, file.mutant.as_deref())?;
        let story = Self {
            seed: file.seed,
            config,
            lease: file.lease,
            owner: file.owner,
            cluster: file.cluster,
            groups: file.groups,
            engine: file.engine,
            lasts: file.lasts,
            happenings: file.happenings,
            ends: file.ends,
            ends_at: file.ends_at,
            absurd: file.absurd,
        };
        Ok((story, file.verdict))
    }

    /// The story as text, with what it comes to and, as comments, how it went up to there.
    #[must_use]
    pub fn write(&self, verdict: Option<&Verdict>, timeline: &[String]) -> String {
        let mut text =
            String::from("# A story of evenkeel-sim. Play it: evenkeel-sim replay FILE\n");
        let mut line = |key: &str, value: &Value| {
            // JSON is YAML too, and keeps each on one line.
            let _ = writeln!(text, "{key}: {value}");
        };
        line("format", &json!(FORMAT));
        if let Some(verdict) = verdict {
            line("verdict", &json!(verdict));
        }
        #[cfg(feature = "mutants")]
        if let Some(mutant) = self.config.mutant {
            line("mutant", &json!(format!("{mutant:?}")));
        }
        line("seed", &json!(self.seed));
        line("lasts", &json!(self.lasts));
        line("lease", &json!(self.lease));
        line("owner", &json!(self.owner));
        line(
            "config",
            &difference(&plain_config(), &as_value(&self.config)).unwrap_or(json!({})),
        );
        line("cluster", &json!(self.cluster));
        line("groups", &json!(self.groups));
        line("engine", &json!(self.engine));
        if let Some(shutdown) = self.ends {
            line("ends", &json!(shutdown));
        }
        if let Some(at) = self.ends_at {
            line("ends-at", &json!(at));
        }
        if self.absurd {
            line("absurd", &json!(true));
        }
        if self.happenings.is_empty() {
            text.push_str("happenings: []\n");
        } else {
            text.push_str("happenings:\n");
        }
        for happening in &self.happenings {
            let _ = writeln!(text, "  - {}", json!(happening));
        }
        if !timeline.is_empty() {
            text.push_str("# How it went, in milliseconds of the world's clock:\n");
        }
        for line in timeline {
            let _ = writeln!(text, "#   {}", line.replace('\n', " "));
        }
        text
    }
}

#[cfg(feature = "mutants")]
fn plant(config: &mut Config, mutant: Option<&str>) -> Result<(), NoStory> {
    config.mutant = match mutant {
        None => None,
        Some(name) => Some(
            serde_json::from_value(json!(name))
                .map_err(|_| NoStory(format!("mutant: {name:?} is not known to this version")))?,
        ),
    };
    Ok(())
}

#[cfg(not(feature = "mutants"))]
fn plant(_config: &mut Config, mutant: Option<&str>) -> Result<(), NoStory> {
    match mutant {
        None => Ok(()),
        Some(name) => Err(NoStory(format!(
            "mutant: {name:?} is planted in this story; build with --features mutants to play it"
        ))),
    }
}

/// What the reader says of a text that it can't read, in one line.
pub(crate) fn first_line(error: &serde_saphyr::Error) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().to_owned()
}

/// The config that stories are written against.
fn plain_config() -> Value {
    as_value(&defaults::config())
}

fn as_value(config: &Config) -> Value {
    let mut value = serde_json::to_value(config).unwrap_or_default();
    if let Value::Object(fields) = &mut value {
        fields.remove("mutant");
    }
    value
}

/// What of `to` is not as in `from`; None where nothing is.
fn difference(from: &Value, to: &Value) -> Option<Value> {
    match (from, to) {
        (Value::Object(from), Value::Object(to)) => {
            let differing: Map<String, Value> = to
                .iter()
                .filter_map(|(key, value)| {
                    let before = from.get(key).unwrap_or(&Value::Null);
                    Some((key.clone(), difference(before, value)?))
                })
                .collect();
            (!differing.is_empty()).then_some(Value::Object(differing))
        }
        _ => (from != to).then(|| to.clone()),
    }
}

/// Writes a difference over what it was made from.
fn merge(whole: &mut Value, difference: Value) {
    match (whole, difference) {
        (Value::Object(whole), Value::Object(difference)) => {
            for (key, value) in difference {
                merge(whole.entry(key).or_insert(Value::Null), value);
            }
        }
        (whole, difference) => *whole = difference,
    }
}
