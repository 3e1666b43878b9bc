//! The table as text, as Markdown and as JSON.

use super::{Default, Key, all};
use serde_json::{Value, json};
use std::fmt::Write;

/// These keys as text: for each a line with its path, and what there is to say of it below.
#[must_use]
pub fn text(keys: &[&Key]) -> String {
    let mut out = String::new();
    for key in keys {
        if !out.is_empty() {
            out.push('\n');
        }
        let rule = match key.rule {
            "" => String::new(),
            rule => format!("   {rule}"),
        };
        let default = match key.default {
            Default::Required => "must be given".to_owned(),
            _ => format!("default: {}", plain(key.default_text())),
        };
        let lines = [
            format!("{}{rule}", key.path),
            format!("    {}; {default}", plain(key.takes)),
            format!("    {}", plain(key.meaning)),
        ];
        for line in lines {
            out.push_str(&line);
            out.push('\n');
        }
    }
    out
}

/// Without the marks of code.
pub(super) fn plain(text: &str) -> String {
    text.replace('`', "")
}

/// These keys as a JSON array of objects.
#[must_use]
pub fn json(keys: &[&Key]) -> Value {
    let object = |key: &&Key| {
        json!({
            "key": key.path,
            "rule": key.rule,
            "takes": plain(key.takes),
            "default": plain(key.default_text()),
            "required": key.default == Default::Required,
            "example": key.example,
            "meaning": plain(key.meaning),
        })
    };
    keys.iter().map(object).collect()
}

/// The page docs/config.md.
#[must_use]
pub fn markdown() -> String {
    let mut out = String::from(HEAD);
    let sections = [
        ("The file", ""),
        ("config", "config."),
        ("A group", "groups."),
        ("weather", "weather."),
    ];
    for (title, prefix) in sections {
        let _ = write!(out, "\n## {title}\n");
        out.push_str(
            "| key | rule | takes | default | meaning |\n| --- | --- | --- | --- | --- |\n",
        );
        let mine = |key: &&Key| match prefix {
            "" => !key.path.contains('.'),
            prefix => key.path.starts_with(prefix),
        };
        for key in all().filter(mine) {
            let default = match key.default {
                Default::Value(text) | Default::Implied(text) => format!("`{text}`"),
                _ => key.default_text().to_owned(),
            };
            let _ = writeln!(
                out,
                "| `{}` | {} | {} | {default} | {} |",
                key.path, key.rule, key.takes, key.meaning
            );
        }
    }
    out
}

const HEAD: &str = "\
# The keys of a fleet file

Made by `evenkeel config --format markdown`; a test fails where this page differs from what that prints. To change it, change
the table in `adapters/src/file/keys/`, then:

```sh
cargo run -p evenkeel-cli -- config --format markdown > docs/config.md
```

`evenkeel config` prints the same as text, `evenkeel config KEY` one key with those below it, `--format json` an array of
objects, and `--format yaml` a fleet file with every key at its default, to start from. What the rules say is in
[rules.md](rules.md).

Durations are whole numbers with a unit, `500ms`, `90s`, `10m`, `1h`; quantities are written as Kubernetes writes them;
`never` turns a time off where that may be. A zero time means at once and a zero number none, never \"unlimited\"; where that makes
no sense it is an error at start, and so is what contradicts itself. What is allowed and probably not meant is a warning.
NAME stands for a group's name. A key below a map counts only where that map is given.
";
