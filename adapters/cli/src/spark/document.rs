//! A YAML document in the making: values, and for each what it was made from.

use evenkeel::template::{FieldPath, path::Step};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, fmt::Write};

/// Values, and comments beside them.
#[derive(Debug, Default)]
pub struct Document {
    value: Value,
    beside: BTreeMap<FieldPath, String>,
}

/// A path below a document's root, as `[&"spec", &0]`.
pub fn path(steps: &[&dyn ToStep]) -> FieldPath {
    FieldPath(steps.iter().map(|step| step.step()).collect())
}

/// What a path is made of.
pub trait ToStep {
    /// The step.
    fn step(&self) -> Step;
}

impl ToStep for &str {
    fn step(&self) -> Step {
        Step::from(*self)
    }
}

impl ToStep for String {
    fn step(&self) -> Step {
        Step::from(self.as_str())
    }
}

impl ToStep for usize {
    fn step(&self) -> Step {
        Step::from(*self)
    }
}

impl Document {
    /// One that says this already.
    pub fn of(value: Value) -> Self {
        Self {
            value,
            beside: BTreeMap::new(),
        }
    }

    /// Sets the value there; `from` is written beside it, where it says something.
    pub fn set(&mut self, at: &FieldPath, value: impl Into<Value>, from: &str) {
        let mut here = &mut self.value;
        for step in &at.0 {
            here = match step {
                Step::Key(key) => map(here).entry(key.clone()).or_insert(Value::Null),
                Step::Index(index) => {
                    let list = list(here);
                    if *index >= list.len() {
                        list.resize(index + 1, Value::Null);
                    }
                    &mut list[*index]
                }
            };
        }
        *here = value.into();
        if !from.is_empty() {
            self.beside.insert(at.clone(), from.to_owned());
        }
    }

    /// Puts a document there, with all that is beside its values.
    pub fn graft(&mut self, at: &FieldPath, other: Document, from: &str) {
        self.set(at, other.value, from);
        let moved = other.beside.into_iter();
        self.beside
            .extend(moved.map(|(path, from)| (path.below(at), from)));
    }

    /// What is there.
    pub fn get(&self, at: &FieldPath) -> Option<&Value> {
        at.0.iter().try_fold(&self.value, |here, step| match step {
            Step::Key(key) => here.get(key),
            Step::Index(index) => here.get(index),
        })
    }

    /// How many are in the list there.
    pub fn len(&self, at: &FieldPath) -> usize {
        self.get(at).and_then(Value::as_array).map_or(0, Vec::len)
    }

    /// Adds to the list of maps there, in place of one of the same name.
    pub fn name(&mut self, at: &FieldPath, value: Value, from: &str) {
        let named = |other: &Value| other["name"] == value["name"];
        let list = self.get(at).and_then(Value::as_array);
        let there = list.and_then(|list| list.iter().position(named));
        let index = there.unwrap_or_else(|| self.len(at));
        let item = at.then(index);
        self.set(&item, value, "");
        if !from.is_empty() {
            self.beside.insert(item.then("name"), from.to_owned());
        }
    }

    /// As YAML; in each map these keys come first, in this order.
    pub fn yaml(&self, order: &[&str]) -> String {
        let mut out = String::new();
        if let Value::Object(root) = &self.value {
            self.entries(&mut out, "", root, &FieldPath::default(), order);
        }
        out
    }

    fn entry(
        &self,
        out: &mut String,
        margin: &str,
        (key, value): (&str, &Value),
        at: &FieldPath,
        order: &[&str],
    ) {
        let beside = match self.beside.get(at) {
            Some(from) => format!("  # {}", one_line(from)),
            None => String::new(),
        };
        let key = scalar(key);
        let deeper = format!("{margin}  ");
        match value {
            Value::Object(entries) if !entries.is_empty() => {
                let _ = writeln!(out, "{margin}{key}:{beside}");
                self.entries(out, &deeper, entries, at, order);
            }
            Value::Array(items) if !items.is_empty() => {
                let _ = writeln!(out, "{margin}{key}:{beside}");
                for (index, item) in items.iter().enumerate() {
                    self.item(out, margin, item, &at.then(index), order);
                }
            }
            plain => {
                let _ = writeln!(out, "{margin}{key}: {}{beside}", flow(plain));
            }
        }
    }

    fn entries(
        &self,
        out: &mut String,
        margin: &str,
        entries: &Map<String, Value>,
        at: &FieldPath,
        order: &[&str],
    ) {
        let first = order.iter().filter_map(|key| entries.get_key_value(*key));
        let rest = entries
            .iter()
            .filter(|(key, _)| !order.contains(&key.as_str()));
        for (key, value) in first.chain(rest) {
            self.entry(out, margin, (key, value), &at.then(key.as_str()), order);
        }
    }

    fn item(&self, out: &mut String, margin: &str, item: &Value, at: &FieldPath, order: &[&str]) {
        match item {
            Value::Object(entries) if !entries.is_empty() => {
                let mut below = String::new();
                self.entries(&mut below, &format!("{margin}  "), entries, at, order);
                // The first of its lines begins the item.
                let below = below.strip_prefix(margin).map_or("", |rest| &rest[2..]);
                let _ = write!(out, "{margin}- {below}");
            }
            plain => {
                let beside = self
                    .beside
                    .get(at)
                    .map(|from| format!("  # {}", one_line(from)));
                let _ = writeln!(
                    out,
                    "{margin}- {}{}",
                    flow(plain),
                    beside.unwrap_or_default()
                );
            }
        }
    }
}

/// Text that can stand behind a `#`.
pub fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_control())
        .collect::<Vec<_>>()
        .join(" ")
}

fn map(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    value.as_object_mut().expect("it was made one")
}

fn list(value: &mut Value) -> &mut Vec<Value> {
    if !value.is_array() {
        *value = Value::Array(Vec::new());
    }
    value.as_array_mut().expect("it was made one")
}

/// In one line.
fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(flow).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(entries) => {
            let entry =
                |(key, value): (&String, &Value)| format!("{}: {}", scalar(key), flow(value));
            let entries: Vec<_> = entries.iter().map(entry).collect();
            format!("{{{}}}", entries.join(", "))
        }
        plain => plain.to_string(),
    }
}

/// Text, in quotes where YAML could take it for something else.
fn scalar(text: &str) -> String {
    const WORDS: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let letters = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    // An amount with its unit, and not a number of YAML's own, as 0x1f.
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let digits = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    let amount = digits && number.len() < text.len() && !text.starts_with("0x");
    let word = WORDS.contains(&text.to_lowercase().as_str());
    if text.chars().all(plain) && (letters || amount) && !word {
        text.to_owned()
    } else {
        Value::from(text).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_written_is_read_again() {
        let mut doc = Document::default();
        let tricky = json!({"name": "a: b", "x": ["on", "1e3", "", "~", "- a", "#", "a\nb", "\u{1f600}", "10m", "0x1", "0xA", "10Gi", "1e", "n"],
            "nested": [[1, 2], {"a": {}, "b": []}, null], "y.es/No": true, "no": 1.5, "12": "12"});
        doc.set(&path(&[&"b", &0usize]), tricky.clone(), "from\nthere");
        doc.set(&path(&[&"a"]), "10m", "x");
        let text = doc.yaml(&["b", "name"]);
        assert!(
            text.starts_with("b:\n- name: \"a: b\"\n") && text.ends_with("a: 10m  # x\n"),
            "{text}"
        );
        let read: Value =
            evenkeel::file::from_yaml(&text, "f").unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(read, json!({"a": "10m", "b": [tricky]}), "{text}");
    }
}
