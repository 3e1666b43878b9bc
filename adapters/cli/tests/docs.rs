//! The pages in docs/: links that lead somewhere, a section for each rule, and the closed lists whole.

use evenkeel::core::{
    output::Cause,
    plan::{Finding, Unmet},
};
use serde::de::DeserializeOwned;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// The rules, in the order of the design.
const RULES: [&str; 31] = [
    "SEE-1", "SEE-2", "SEE-3", "SEE-4", "SEE-5", "GROW-1", "GROW-2", "GROW-3", "GROW-4", "GROW-5",
    "GROW-6", "SHRINK-1", "SHRINK-2", "SHRINK-3", "SHRINK-4", "SHRINK-5", "END-1", "END-2",
    "END-3", "END-4", "FAIL-1", "FAIL-2", "FAIL-3", "LIVE-1", "LIVE-2", "LIVE-3", "LIVE-4", "ROLL",
    "CLAIM", "SIZE", "SPOT",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn page(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The headings of that depth, each with the text below it.
fn sections(text: &str) -> Vec<(&str, &str)> {
    let parts = text.split("\n## ").skip(1);
    parts
        .map(|part| part.split_once('\n').unwrap_or((part, "")))
        .collect()
}

/// What a heading is linked by.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase();
    let kept = kept
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let pages = [
        "README.md",
        "docs/architecture.md",
        "docs/config.md",
        "docs/rules.md",
        "docs/from-spark.md",
    ];
    for name in pages {
        let text = page(name);
        let folder = root().join(name);
        let folder = folder.parent().expect("a folder");
        for link in text.split("](").skip(1) {
            let target = link.split(')').next().unwrap_or_default();
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            if target.contains("://") {
                continue;
            }
            assert!(
                folder.join(file).exists(),
                "{name} links {target}, and there is no such file"
            );
            if file.is_empty() {
                let there = text.lines().filter_map(|line| line.strip_prefix("## "));
                let there: Vec<String> = there.map(anchor).collect();
                assert!(
                    there.iter().any(|it| it == heading),
                    "{name} links {target}; it has {there:?}"
                );
            }
        }
    }
}

#[test]
fn each_rule_has_its_section_in_order() {
    let text = page("docs/rules.md");
    let sections = sections(&text);
    let named = sections
        .iter()
        .map(|(heading, _)| heading.split(' ').next().unwrap_or_default());
    let named: Vec<&str> = named.filter(|name| RULES.contains(name)).collect();
    assert_eq!(named, RULES);
    for (heading, body) in sections.iter().take(RULES.len()) {
        let mut from = 0;
        for part in [
            "**Rule.**",
            "**Why.**",
            "**Example.**",
            "**In Spark.**",
            "**Scenarios.**",
        ] {
            let at = body[from..].find(part);
            from += at.unwrap_or_else(|| panic!("{heading} has no {part} in its place"));
        }
        assert!(
            body[from..].contains("](../tests/scenarios/"),
            "{heading} links no scenario"
        );
    }
}

/// The words of a closed list, as the type itself gives them.
fn words<T: DeserializeOwned>() -> BTreeSet<String> {
    let error = serde_json::from_str::<T>("\"?\"").err().expect("no word");
    let text = error.to_string();
    let (_, list) = text.split_once("expected one of ").expect("a list");
    let words = list.split('`').skip(1).step_by(2);
    words.map(str::to_owned).collect()
}

#[test]
fn the_closed_lists_are_whole() {
    let text = page("docs/rules.md");
    let sections = sections(&text);
    let lists = [
        ("Causes", words::<Cause>()),
        ("Unmet", words::<Unmet>()),
        ("Findings", words::<Finding>()),
    ];
    for (title, expected) in lists {
        let (_, body) = sections
            .iter()
            .find(|(heading, _)| *heading == title)
            .expect("a section");
        let rows = body
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split('`').next());
        let told: BTreeSet<String> = rows.map(str::to_owned).collect();
        assert_eq!(told, expected, "the list of {title} in docs/rules.md");
    }
}

#[test]
fn each_rule_that_a_key_names_is_a_rule() {
    for key in evenkeel::file::keys::all() {
        for rule in key.rule.split(", ").filter(|rule| !rule.is_empty()) {
            assert!(RULES.contains(&rule), "{}: {rule}", key.path);
        }
    }
}

#[test]
fn causes_are_failures_where_the_page_says_so() {
    let text = page("docs/rules.md");
    let (_, body) = text.split_once("\n## Causes\n").expect("a section");
    for cause in words::<Cause>() {
        let row = body
            .lines()
            .find(|line| line.starts_with(&format!("| `{cause}`")))
            .expect("a row");
        let details = r#"{"exit_code": 1, "reason": "x"}"#;
        let read = serde_json::from_str::<Cause>(&format!("\"{cause}\""))
            .or_else(|_| serde_json::from_str(&format!("{{\"{cause}\": {details}}}")));
        let failure = read.expect("a cause").is_failure();
        assert!(
            row.contains(if failure { "| yes |" } else { "| no |" }),
            "{row}"
        );
    }
}
