//! Holds the core to its bans: no I/O, clock, randomness, floats, threads or logging, and no dependency beyond data.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A word that sources must not hold, an example of it, and what to use instead.
struct Ban {
    word: &'static str,
    planted: &'static str,
    instead: &'static str,
}

const fn ban(word: &'static str, planted: &'static str, instead: &'static str) -> Ban {
    Ban {
        word,
        planted,
        instead,
    }
}

const CLOCK: &str = "the `Time` that every input brings";
const ORDERED: &str = "BTreeMap and BTreeSet, or im's OrdMap and OrdSet";
const WHOLE: &str = "whole numbers: milliseconds, per cent";
const TELL: &str = "a notice, a finding or the status";
const SHELL: &str = "an output that the shell carries out";

const BANS: [Ban; 24] = [
    ban("Instant", "use std::time::Instant;", CLOCK),
    ban("SystemTime", "let t = std::time::SystemTime::now();", CLOCK),
    ban("rand", "use rand::Rng;", "a draw from `Config::seed`"),
    ban("HashMap", "let m: HashMap<u8, u8>;", ORDERED),
    ban("HashSet", "use std::collections::{HashSet};", ORDERED),
    ban("f32", "let x = 1 as f32;", WHOLE),
    ban("f64", "fn f(x: f64) {}", WHOLE),
    ban("println", "println!(\"here\");", TELL),
    ban("print", "print!(\"here\");", TELL),
    ban("eprintln", "eprintln!(\"here\");", TELL),
    ban("eprint", "eprint!(\"here\");", TELL),
    ban("dbg", "dbg!(x);", TELL),
    ban("fs", "std::fs::read(path);", SHELL),
    ban("net", "use std::net::TcpStream;", SHELL),
    ban("env", "use std::{env, fmt};", "a knob in `Config`"),
    ban(
        "thread",
        "std::thread::sleep(d);",
        "a wake-up (`Controller::wake_at`)",
    ),
    ban("process", "std::process::exit(1);", SHELL),
    ban("async", "async fn f() {}", SHELL),
    ban("await", "f().await;", SHELL),
    ban("tokio", "tokio::spawn(f);", SHELL),
    ban("tracing", "tracing::info!(\"x\");", TELL),
    ban("log", "log::info!(\"x\");", TELL),
    ban("unsafe", "unsafe { f() }", "safe code"),
    ban("extern", "extern \"C\" fn f() {}", SHELL),
];

/// Dependencies that are needed to describe data.
const DEPENDENCIES: [&str; 3] = ["im", "serde", "thiserror"];

/// Strips what is no code: comments and what is in string literals; and forgives the version, known when built.
fn code(line: &str) -> String {
    let mut code = String::new();
    let mut in_text = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if in_text => {
                chars.next();
            }
            '"' if code.ends_with('\'') && chars.peek() == Some(&'\'') => code.push(' '),
            '"' => in_text = !in_text,
            '/' if !in_text && chars.peek() == Some(&'/') => break,
            _ if in_text => {}
            _ => code.push(c),
        }
    }
    if line.contains("env!(\"CARGO_PKG_VERSION\")") {
        code = code.replace("env!()", "");
    }
    code
}

/// What is wrong with a source file, line by line.
fn faults(name: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if !text.starts_with("//! ") {
        faults.push(format!("{name}: says in no `//!` line what it is for"));
    }
    // Test modules stand last in their file.
    let tested = text.find("\n#[cfg(test)]\nmod ").unwrap_or(text.len());
    for (number, line) in text[..tested].lines().enumerate() {
        let code = code(line);
        let words = code.split(|c: char| !c.is_alphanumeric() && c != '_');
        for word in words {
            if let Some(ban) = BANS.iter().find(|ban| ban.word == word) {
                faults.push(format!(
                    "{name}:{}: `{word}` is banned from the core; use {}",
                    number + 1,
                    ban.instead
                ));
            }
        }
    }
    faults
}

/// The names in the manifest's table of dependencies, and what tables there are beside it that could add to them.
fn manifest_faults(text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let mut found = Vec::new();
    let mut table = "";
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[') {
            table = name.trim_end_matches(']');
            let adds = table.ends_with("dependencies") || table.contains("dependencies.");
            if adds && table != "dependencies" && table != "dev-dependencies" {
                faults.push(format!(
                    "Cargo.toml: table [{table}] is not for the core; use [dependencies]"
                ));
            }
        } else if table == "dependencies" && !line.is_empty() && !line.starts_with('#') {
            found.push(line.split(['.', '=', ' ']).next().unwrap_or(""));
        }
    }
    found.sort_unstable();
    if found != DEPENDENCIES {
        faults.push(format!(
            "Cargo.toml: depends on {found:?}; use {DEPENDENCIES:?} and nothing else"
        ));
    }
    faults
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn the_core_keeps_its_bans() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    sources(&root.join("src"), &mut files);
    assert!(files.len() > 20, "found only {files:?}");
    let mut all =
        manifest_faults(&fs::read_to_string(root.join("Cargo.toml")).expect("a manifest"));
    for path in files {
        let text = fs::read_to_string(&path).expect("a readable source");
        all.extend(faults(&path.display().to_string(), &text));
    }
    assert!(all.is_empty(), "\n{}", all.join("\n"));
}

#[test]
fn each_ban_is_seen_where_it_is_broken() {
    for ban in &BANS {
        let text = format!("//! Fine.\n\n{}\n", ban.planted);
        let found = faults("planted.rs", &text);
        assert_eq!(found.len(), 1, "{}: {found:?}", ban.planted);
        assert!(
            found[0].starts_with("planted.rs:3: ") && found[0].contains(ban.instead),
            "{found:?}"
        );
    }
}

#[test]
fn what_only_looks_like_a_breach_is_let_be() {
    let text = concat!(
        "//! Talks of println! and HashMap.\n",
        "/// No `Instant` here.\n",
        "let version = env!(\"CARGO_PKG_VERSION\");\n",
        "let text = \"an \\\" async tokio\"; // dbg!\n",
        "let environment = brand.netted(logged);\n",
        "\n#[cfg(test)]\nmod tests { use std::collections::HashMap; }\n",
    );
    assert_eq!(faults("fine.rs", text), Vec::<String>::new());
}

#[test]
fn a_file_without_a_purpose_is_seen() {
    assert_eq!(faults("bare.rs", "use serde;\n").len(), 1);
}

#[test]
fn a_dependency_more_or_less_is_seen() {
    let good = "[dependencies]\nim.workspace = true\nserde = { version = \"1\" }\nthiserror.workspace = true\n";
    assert!(manifest_faults(good).is_empty());
    assert!(manifest_faults(&format!("{good}\n[dev-dependencies]\nrand = \"0\"\n")).is_empty());
    let more = format!("{good}tokio = \"1\"\n");
    let less = good.replace("thiserror.workspace = true\n", "");
    let other_table = format!("{good}[target.'cfg(unix)'.dependencies]\nlibc = \"0\"\n");
    let dotted = format!("{good}[dependencies.rand]\nversion = \"0\"\n");
    for text in [more, less, other_table, dotted] {
        assert_eq!(manifest_faults(&text).len(), 1, "{text}");
    }
}
