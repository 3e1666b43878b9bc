//! The table as a fleet file to start from.

use super::{Default, Key, NAME, all, show::plain};
use std::fmt::Write;

/// The group that the skeleton has.
const GROUP: &str = "workers";

/// A fleet file with every key: those with a default at it, the others commented out, so that it is the least file there
/// is. Each has its rule, what it takes, and its meaning above it.
#[must_use]
pub fn skeleton() -> String {
    let mut out = String::from(HEAD);
    below(&mut out, "", 0, None);
    out
}

const HEAD: &str = "\
# A fleet file with every key, made by `evenkeel config --format yaml`. Those that are written out are at their defaults,
# and may be left out; those behind a # have none, or go with others only. fleet, groups and an image or a template must
# be given.
";

/// Writes the keys of the map at `parent`; `off` is the depth at which it was commented out.
fn below(out: &mut String, parent: &str, depth: usize, off: Option<usize>) {
    for key in all().filter(|key| key.parent() == parent && key.path != parent) {
        let leaf = !key.example.is_empty();
        // One of two ways: an image, or a template.
        let given = match key.default {
            Default::Value(text) => Some(text),
            Default::Required => Some(key.example),
            // A map with nothing in it is none.
            Default::Below => all()
                .any(|in_it| {
                    in_it.parent() == key.path && matches!(in_it.default, Default::Value(_))
                })
                .then_some(""),
            Default::Words(_) if key.name() == "image" => Some(key.example),
            Default::Implied(_) | Default::Words(_) => None,
        };
        let off = off.or(given.is_none().then_some(depth));
        let (value, comment) = match given {
            Some(value) => (value, remark(key, key.example)),
            None => (key.example, remark(key, "")),
        };
        let (margin, rest) = match off {
            None => (depth, 0),
            Some(off) => (off, depth - off),
        };
        let mark = if off.is_some() { "#" } else { "" };
        let indent = |n: usize| "  ".repeat(n);
        if depth == 0 {
            out.push('\n');
        }
        let prose = if rest == 0 { "" } else { mark };
        let _ = writeln!(out, "{}{prose}{}# {comment}", indent(margin), indent(rest));
        let name = if key.name() == NAME {
            GROUP
        } else {
            key.name()
        };
        let colon = if leaf { ": " } else { ":" };
        let _ = writeln!(
            out,
            "{}{mark}{}{name}{colon}{value}",
            indent(margin),
            indent(rest)
        );
        if !leaf {
            below(out, key.path, depth + 1, off);
        }
    }
}

/// What there is to say above a key: its rule, meaning, what it takes, and its default where the value is not that.
fn remark(key: &Key, other: &str) -> String {
    let rule = match key.rule {
        "" => String::new(),
        rule => format!("{rule}: "),
    };
    let takes = match key.takes {
        "a map" => String::new(),
        takes => format!(" ({takes})"),
    };
    let default = match key.default {
        Default::Implied(text) | Default::Words(text) => format!(" Default: {text}."),
        Default::Value(_) if other.starts_with('{') => format!(" Or: {other}."),
        _ => String::new(),
    };
    plain(&format!("{rule}{}{takes}{default}", key.meaning))
}
