//! The table against the types that read a fleet file.

use super::{
    super::{FleetKeys, decode, node, parse},
    *,
};
use std::collections::{BTreeMap, BTreeSet};

/// Maps whose keys are the user's.
const FREE: [&str; 3] = ["groups", "groups.NAME.env", "groups.NAME.template"];

/// A YAML document to be written, in flow style.
#[derive(Clone, Debug, Default)]
struct Doc {
    value: Option<String>,
    keys: BTreeMap<String, Doc>,
}

impl Doc {
    fn set(&mut self, path: &str, value: &str) {
        let mut at = self;
        for step in path.split('.').filter(|step| !step.is_empty()) {
            at.value = None;
            at = at.keys.entry(step.to_owned()).or_default();
        }
        (at.keys, at.value) = (BTreeMap::new(), Some(value.to_owned()));
    }

    fn text(&self) -> String {
        match &self.value {
            Some(value) => value.clone(),
            None => {
                let entry = |(key, doc): (&String, &Doc)| format!("{key}: {}", doc.text());
                let entries: Vec<_> = self.keys.iter().map(entry).collect();
                format!("{{{}}}", entries.join(", "))
            }
        }
    }
}

/// A document with every key at its example: those below a map that has one of its own, in place of that.
fn full() -> Doc {
    let mut doc = Doc::default();
    for key in all().filter(|key| !key.example.is_empty()) {
        doc.set(key.path, key.example);
    }
    doc
}

/// The words that an error lists after `mark`.
fn listed(doc: &Doc, mark: &str) -> Option<BTreeSet<String>> {
    let text = doc.text();
    let tree = node::Node::read(&text, "f").unwrap_or_else(|error| panic!("{error}\n{text}"));
    let error = decode::<FleetKeys>(&tree, "f").err()?;
    let (_, words) = error.what.split_once(mark)?;
    Some(words.split(", ").map(str::to_owned).collect())
}

#[test]
fn each_key_that_a_file_may_have_is_in_the_table_and_no_other() {
    let full = full();
    let text = full.text();
    let tree = node::Node::read(&text, "f").expect("YAML");
    decode::<FleetKeys>(&tree, "f").unwrap_or_else(|error| panic!("{error}\n{text}"));
    let mut maps: BTreeSet<&str> = all().map(Key::parent).collect();
    maps.extend(
        all()
            .filter(|key| key.example.starts_with('{'))
            .map(|key| key.path),
    );
    for map in maps {
        if FREE.contains(&map) || !cfg!(feature = "fake") && map == "weather" {
            continue;
        }
        let mut doc = full.clone();
        doc.set(&format!("{map}.Q"), "1");
        let known = listed(&doc, "the keys are ").or_else(|| listed(&doc, "is not one of "));
        let known = known.unwrap_or_else(|| panic!("{map} takes any key"));
        let told: BTreeSet<String> = all()
            .filter(|key| key.parent() == map && key.path != map)
            .map(|key| key.name().to_owned())
            .collect();
        let words = all()
            .filter(|key| key.path == map)
            .map(|key| key.takes)
            .collect::<String>();
        // A way to write a value is told with the value.
        let (missing, strange): (Vec<_>, Vec<_>) = (
            known
                .iter()
                .filter(|key| !told.contains(*key) && !words.contains(&format!("`{key}`")))
                .collect(),
            told.difference(&known).collect(),
        );
        assert!(
            missing.is_empty(),
            "{map} takes {missing:?}, which the table lacks"
        );
        assert!(
            strange.is_empty(),
            "the table has {strange:?} in {map}, which takes {known:?}"
        );
    }
}

#[test]
fn each_word_that_a_key_takes_is_told() {
    for key in all().filter(|key| !key.example.is_empty() && !FREE.contains(&key.path)) {
        let mut doc = full();
        doc.set(key.path, "Q");
        for word in listed(&doc, "is not one of ").into_iter().flatten() {
            assert!(key.takes.contains(&word), "{} takes {word} too", key.path);
        }
    }
}

/// Without the fake, nobody looks into the weather.
fn is_read(key: &Key) -> bool {
    cfg!(feature = "fake") || !key.path.starts_with("weather")
}

/// The least file in which that key counts.
fn least(key: &Key) -> Doc {
    let mut doc = Doc::default();
    doc.set("fleet", "demo");
    doc.set("groups.NAME.image", "worker:1");
    let needs: &[(&str, &str)] = match key.path.split('.').collect::<Vec<_>>()[..] {
        ["groups", _, "claims", ..] => &[("claims.size", "10Gi")],
        ["groups", _, "resize", ..] => &[("resize", "{}"), ("resources.memory", "4Gi")],
        ["groups", _, "idle_timeout"] => &[("shrink", "idle")],
        _ => &[],
    };
    for (path, value) in needs {
        doc.set(&format!("groups.NAME.{path}"), value);
    }
    if key.path.starts_with("weather") {
        doc.set("weather", "{}");
    }
    doc
}

/// What a document says: its keys as they were read, and the whole that is made of them.
fn read(doc: &Doc) -> (String, String) {
    let text = doc.text();
    let tree = node::Node::read(&text, "f").expect("YAML");
    let keys = decode::<FleetKeys>(&tree, "f").unwrap_or_else(|error| panic!("{error}\n{text}"));
    let mut file = parse(&text, "f").unwrap_or_else(|error| panic!("{error}\n{text}"));
    file.warnings.clear();
    (format!("{keys:?}"), format!("{file:?}"))
}

#[test]
fn each_default_in_the_table_is_the_one_in_force() {
    for key in all().filter(|key| is_read(key)) {
        let (Default::Value(default) | Default::Implied(default)) = key.default else {
            continue;
        };
        let without = least(key);
        let mut with = without.clone();
        with.set(key.path, default);
        let (without, with) = (read(&without), read(&with));
        assert_eq!(with.1, without.1, "{}", key.path);
        if matches!(key.default, Default::Value(_)) {
            assert_eq!(with.0, without.0, "{}", key.path);
        }
    }
}

#[test]
fn each_example_is_another_value_than_the_default() {
    for key in all().filter(|key| !key.example.is_empty() && key.default != Default::Required) {
        // Those below a map that is given whole are part of its example.
        let whole = |above: &Key| {
            key.path.starts_with(&format!("{}.", above.path)) && !above.example.is_empty()
        };
        if all().any(whole) {
            continue;
        }
        let mut with = least(key);
        let without = read(&with);
        match key.path {
            "groups.NAME.template" => {
                with.set("groups.NAME", &format!("{{template: {}}}", key.example))
            }
            path => with.set(path, key.example),
        }
        assert_ne!(read(&with).0, without.0, "{}", key.path);
    }
}

#[test]
fn each_key_has_its_line() {
    let mut seen = BTreeSet::new();
    for key in all() {
        assert!(seen.insert(key.path), "{} is there twice", key.path);
        assert!(
            !key.takes.is_empty() && key.meaning.ends_with('.'),
            "{}",
            key.path
        );
        assert!(
            !key.meaning.contains('|') && !key.takes.contains('|'),
            "{}: a table's cell",
            key.path
        );
        let known = key.parent().is_empty() || all().any(|above| above.path == key.parent());
        assert!(known, "{} is in nothing", key.path);
    }
}

#[test]
fn the_skeleton_is_the_least_file_and_has_every_key() {
    let text = skeleton();
    let file = parse(&text, "f").unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert!(file.warnings.is_empty(), "{:?}", file.warnings);
    let least = "{fleet: demo, groups: {workers: {image: 'worker:2'}}}";
    let least = parse(least, "f").expect("the least file");
    assert_eq!(format!("{file:?}"), format!("{least:?}"));
    // With each key that is commented out, one block at a time.
    let lines: Vec<&str> = text.lines().collect();
    let starts = |line: &str| {
        line.trim_start()
            .strip_prefix('#')
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()))
    };
    let mut blocks = 0;
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| starts(line)) {
        blocks += 1;
        let margin = line.len() - line.trim_start().len();
        let same = |line: &&&str| {
            line.len() > margin
                && line[..margin].trim().is_empty()
                && line[margin..].starts_with("#  ")
        };
        let end = at + 1 + lines[at + 1..].iter().take_while(same).count();
        let mut written: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        for line in &mut written[at..end] {
            line.remove(margin);
        }
        let text = written.join("\n");
        let tree = node::Node::read(&text, "f").unwrap_or_else(|error| panic!("{error}\n{text}"));
        decode::<FleetKeys>(&tree, "f").unwrap_or_else(|error| panic!("{error}\n{text}"));
    }
    assert!(blocks > 10, "{blocks}");
    for key in all() {
        let above = |above: &Key| {
            key.path.starts_with(&format!("{}.", above.path)) && !above.example.is_empty()
        };
        let told = key.name() == NAME || text.contains(&format!("{}:", key.name()));
        assert!(told || all().any(above), "{} is not in it", key.path);
    }
}

#[test]
fn a_key_is_found_by_its_end_and_with_those_below_it() {
    let paths = |name: &str| find(name).iter().map(|key| key.path).collect::<Vec<_>>();
    assert_eq!(paths("config.max_pending"), ["config.max_pending"]);
    assert_eq!(
        paths("max_pending"),
        ["config.max_pending", "groups.NAME.max_pending"]
    );
    assert_eq!(paths("groups.small.target"), ["groups.NAME.target"]);
    assert_eq!(paths("roll").len(), 6);
    assert!(paths("weather").len() > 10);
    assert_eq!(paths("roll.every"), ["groups.NAME.roll.every"]);
    assert!(paths("config.target").is_empty() && paths("small").is_empty() && paths("").is_empty());
    let near = |name: &str| nearest(name).iter().map(|key| key.path).collect::<Vec<_>>();
    assert_eq!(near("config.max_failure")[0], "config.max_failures");
    assert_eq!(
        near("max-pendings")[..2],
        ["config.max_pending", "groups.NAME.max_pending"]
    );
    assert!(near("failures").contains(&"config.max_failures"));
    assert!(near("qqqqqqqqqqqqqqqqqqqqq").is_empty());
}
