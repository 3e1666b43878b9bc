//! The settings of a Spark application, and what becomes of each.

use super::{properties::Setting, table};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

/// All settings, the last of each key.
#[derive(Debug, Default)]
pub struct Conf {
    settings: BTreeMap<String, Setting>,
    /// Keys that were made use of.
    used: RefCell<BTreeSet<String>>,
    /// Keys that could not be carried over, and why.
    left: RefCell<BTreeMap<String, String>>,
    /// Keys that need no counterpart this time, and why.
    needless: RefCell<BTreeMap<String, String>>,
}

/// A setting that Spark itself would refuse.
#[derive(Debug, PartialEq, Eq)]
pub struct Bad(pub String);

impl Conf {
    /// Settings in the order in which they were made.
    pub fn new(settings: impl IntoIterator<Item = Setting>) -> Self {
        let keyed = settings
            .into_iter()
            .map(|setting| (setting.key.clone(), setting));
        Self {
            settings: keyed.collect(),
            ..Self::default()
        }
    }

    /// The value of that key, with what it refers to.
    pub fn get(&self, key: &str) -> Option<String> {
        debug_assert!(
            table::row(key).is_some_and(table::Row::is_carried),
            "{key} is not in the table"
        );
        let setting = self.settings.get(key)?;
        self.used.borrow_mut().insert(key.to_owned());
        match self.resolved(&setting.value, 0) {
            Ok(value) => Some(value),
            Err(name) => {
                self.leave(key, &format!("${{{name}}} is known only where Spark runs; write its value with --set {key}=VALUE"));
                None
            }
        }
    }

    /// The value of that key, as `read` reads it.
    pub fn read<T>(
        &self,
        key: &str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Bad> {
        let value = self.get(key).map(|text| read(&text));
        value.transpose().map_err(|what| self.bad(key, &what))
    }

    /// The settings whose keys begin so: the rest of each key, and its value.
    pub fn with_prefix(&self, prefix: &str) -> Vec<(String, String)> {
        let keys = self.settings.keys();
        let mine = keys.filter_map(|key| Some((key, key.strip_prefix(prefix)?)));
        mine.filter_map(|(key, rest)| Some((rest.to_owned(), self.get(key)?)))
            .collect()
    }

    /// That setting can't be carried over.
    pub fn leave(&self, key: &str, why: &str) {
        if self.settings.contains_key(key) {
            self.left
                .borrow_mut()
                .insert(key.to_owned(), why.to_owned());
        }
    }

    /// That setting needs no counterpart, for the way in which the file is made.
    pub fn pass_over(&self, key: &str, why: &str) {
        let mut needless = self.needless.borrow_mut();
        needless.insert(key.to_owned(), why.to_owned());
    }

    /// What Spark would not take.
    pub fn bad(&self, key: &str, what: &str) -> Bad {
        match self.settings.get(key) {
            Some(setting) => Bad(format!("{}: {key}: {what}", setting.place)),
            None => Bad(format!("{key}: {what}")),
        }
    }

    /// What became of each setting, once all is made of them.
    pub fn fates(&self) -> Vec<(&str, Became)> {
        let (used, left) = (self.used.borrow(), self.left.borrow());
        let needless = self.needless.borrow();
        let became = |key: &String| {
            if let Some(why) = left.get(key) {
                return Became::Left(why.clone());
            }
            if let Some(why) = needless.get(key) {
                return Became::Needless(why.clone());
            }
            match table::row(key).map(|row| row.fate) {
                Some(table::Fate::Carried(_)) if used.contains(key) => Became::Carried,
                Some(table::Fate::Carried(_)) => {
                    Became::Needless("it has no effect beside the other settings".to_owned())
                }
                Some(table::Fate::Needless) => Became::Needless(note(key)),
                Some(table::Fate::Left) => Became::Left(note(key)),
                None => {
                    Became::Needless("it is no key of Spark's, which passes it over too".to_owned())
                }
            }
        };
        self.settings
            .keys()
            .map(|key| (key.as_str(), became(key)))
            .collect()
    }

    /// `${spark.x}` is the value of that key.
    fn resolved(&self, value: &str, depth: u8) -> Result<String, String> {
        let Some((before, rest)) = value.split_once("${") else {
            return Ok(value.to_owned());
        };
        let Some((name, after)) = rest.split_once('}') else {
            return Ok(value.to_owned());
        };
        let setting = self.settings.get(name).filter(|_| depth < 8);
        let setting = setting.ok_or_else(|| name.to_owned())?;
        let middle = self.resolved(&setting.value, depth + 1)?;
        Ok(format!("{before}{middle}{}", self.resolved(after, depth)?))
    }
}

fn note(key: &str) -> String {
    table::row(key).map_or("", |row| row.note).replace('`', "")
}

/// What became of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Became {
    /// It is in the file.
    Carried,
    /// It needs no counterpart.
    Needless(String),
    /// It could not be carried over.
    Left(String),
}
