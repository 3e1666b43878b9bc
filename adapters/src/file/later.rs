//! Keys whose rules are designed and come with a later version: refused by name, not as unknown.

/// Keys of `config`, and their rules.
const CONFIG: [(&str, &str); 9] = [
    ("start_timeout", "GROW-6"),
    ("register_timeout", "GROW-6"),
    ("image_pull_patience", "GROW-6"),
    ("max_deletes", "SHRINK-5"),
    ("suspicious_loss", "SHRINK-5"),
    ("backoff_after", "FAIL-2"),
    ("backoff_window", "FAIL-2"),
    ("backoff_first", "FAIL-2"),
    ("backoff_max", "FAIL-2"),
];

/// Keys of a group, and their rules.
const GROUP: [(&str, &str); 4] = [
    ("before_loss", "SPOT"),
    ("roll", "ROLL"),
    ("claims", "CLAIM"),
    ("resize", "SIZE"),
];

/// The rule behind a key that is not known yet among these that are.
pub(super) fn rule_of(key: &str, known: &[&str]) -> Option<&'static str> {
    let table: &[(&str, &str)] = if known.contains(&"max_in_flight") {
        &CONFIG
    } else if known.contains(&"target") {
        &GROUP
    } else {
        &[]
    };
    let (_, rule) = table.iter().find(|(name, _)| *name == key)?;
    Some(rule)
}
