//! The keys of a fleet file as a table: what each means, what it takes, and what holds where it is not given.
//!
//! `evenkeel config` and docs/config.md are made from it. Tests hold it against the types that read a fleet file: each
//! key that they take is in it and no other, and each default in it is the one in force.

mod config;
mod fleet;
mod group;
mod show;
mod skeleton;
#[cfg(test)]
mod tests;
mod weather;

pub use show::{json, markdown, text};
pub use skeleton::skeleton;

/// What stands for a group's name in the paths of keys.
pub const NAME: &str = "NAME";

/// A key of a fleet file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// The way to it, as `config.max_pending` or `groups.NAME.roll.every`.
    pub path: &'static str,
    /// The rule that it is a knob of, as `GROW-2`; empty where no rule decides by it.
    pub rule: &'static str,
    /// What it takes, with its unit.
    pub takes: &'static str,
    /// What holds where it is not given.
    pub default: Default,
    /// A value of it, as it may be written; empty for a map whose keys are in the table too.
    pub example: &'static str,
    /// What it means, in a line.
    pub meaning: &'static str,
}

/// What holds where a key is not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Default {
    /// It must be given.
    Required,
    /// As if this were written.
    Value(&'static str),
    /// As if this were written, where another key asks for it at all.
    Implied(&'static str),
    /// No single value, but this, in words.
    Words(&'static str),
    /// The defaults of the keys below it.
    Below,
}

impl Key {
    const fn new(path: &'static str, rule: &'static str, takes: &'static str) -> Self {
        Self {
            path,
            rule,
            takes,
            default: Default::Below,
            example: "",
            meaning: "",
        }
    }

    /// Its default, with an example of another value.
    const fn or(mut self, default: &'static str, example: &'static str) -> Self {
        self.default = Default::Value(default);
        self.example = example;
        self
    }

    /// Its default where another key asks for it.
    const fn implied(mut self, default: &'static str, example: &'static str) -> Self {
        self.default = Default::Implied(default);
        self.example = example;
        self
    }

    /// What holds without it, in words.
    const fn without(mut self, words: &'static str, example: &'static str) -> Self {
        self.default = Default::Words(words);
        self.example = example;
        self
    }

    /// It must be given.
    const fn required(mut self, example: &'static str) -> Self {
        self.default = Default::Required;
        self.example = example;
        self
    }

    const fn means(mut self, meaning: &'static str) -> Self {
        self.meaning = meaning;
        self
    }

    /// Its last word, as it is written in the file.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.path.rsplit('.').next().unwrap_or(self.path)
    }

    /// The path of the map that it is in; empty for the file itself.
    #[must_use]
    pub fn parent(&self) -> &'static str {
        self.path.rsplit_once('.').map_or("", |(parent, _)| parent)
    }

    /// Its default in words: as it is written, or what holds.
    #[must_use]
    pub fn default_text(&self) -> &'static str {
        match self.default {
            Default::Required => "must be given",
            Default::Value(text) | Default::Implied(text) | Default::Words(text) => text,
            Default::Below => "those of its keys",
        }
    }
}

const DURATION: &str = "a duration: `500ms`, `90s`, `10m`, `1h`";
const OR_NEVER: &str = "a duration, or `never`";
const NUMBER: &str = "a whole number";
const BOUND: &str = "a whole number, or `none`";
const SWITCH: &str = "`true` or `false`";
const TEXT: &str = "text";
const QUANTITY: &str = "a quantity: `500m`, `2`, `1Gi`";

/// All keys, in the order in which a file is best read.
pub fn all() -> impl Iterator<Item = &'static Key> {
    let tables = [fleet::KEYS, config::KEYS, group::KEYS, weather::KEYS];
    tables.into_iter().flatten()
}

/// The keys that `name` means, with those below them: a whole path, or its end where that says enough. A group's own
/// name may stand for NAME.
#[must_use]
pub fn find(name: &str) -> Vec<&'static Key> {
    let wanted: Vec<&str> = name.split('.').collect();
    let ends = |key: &Key| {
        let path: Vec<&str> = key.path.split('.').collect();
        let from = path.len().checked_sub(wanted.len());
        from.is_some_and(|from| {
            let mut pairs = path[from..].iter().zip(&wanted);
            pairs.all(|(step, word)| step == word || from == 0 && *step == NAME)
        })
    };
    let meant: Vec<&Key> = all().filter(|key| ends(key)).collect();
    let below = |key: &Key, above: &Key| {
        key.path
            .strip_prefix(above.path)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    all()
        .filter(|key| meant.iter().any(|above| below(key, above)))
        .collect()
}

/// The keys whose names are most like `name`, the likest first: at most three.
#[must_use]
pub fn nearest(name: &str) -> Vec<&'static Key> {
    let last = |path: &str| {
        path.rsplit('.')
            .next()
            .unwrap_or(path)
            .to_lowercase()
            .replace('-', "_")
    };
    let wanted = last(name);
    let far = |key: &Key| {
        let word = last(key.path);
        let distance = strsim::damerau_levenshtein(&wanted, &word);
        let part = wanted.len() > 3
            && (word.contains(&wanted) || wanted.contains(&word) && word.len() > 3);
        if part { distance.min(1) } else { distance }
    };
    let bound = (wanted.len() / 2).max(1);
    let mut likest: Vec<_> = all()
        .map(|key| (far(key), key))
        .filter(|(far, _)| *far <= bound)
        .collect();
    likest.sort_by_key(|(far, _)| *far);
    likest.into_iter().take(3).map(|(_, key)| key).collect()
}
