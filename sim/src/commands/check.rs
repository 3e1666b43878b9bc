//! `evenkeel-sim check`: results as text, or as JSON lines.

use super::Format;
use evenkeel_sim::check::{self, Played};
use serde_json::json;
use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// What `check` is told.
#[derive(clap::Args)]
#[command(
    after_help = "EXAMPLES\n  evenkeel-sim check tests/scenarios\n  evenkeel-sim check --explain tests/scenarios/failing/halts-once.yaml\n\nEXIT CODES\n  0  all passed\n  1  one failed\n  2  usage, or a file that can't be read"
)]
pub struct Args {
    /// Scenario files, and folders of them.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Print each story as it went: time, step, what came in, what was done, and the rule behind it.
    #[arg(long)]
    explain: bool,
    /// `text`, or one JSON object a line: each file, then the sum.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

impl Args {
    /// Plays them.
    pub fn run(self) -> ExitCode {
        match run(&self.paths, self.explain, self.format) {
            Ok(code) => code,
            // Whoever read it has gone.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("evenkeel-sim: the results can't be written: {error}");
                ExitCode::from(2)
            }
        }
    }
}

/// Plays all files, and prints how they went.
fn run(paths: &[PathBuf], explain: bool, format: Format) -> io::Result<ExitCode> {
    let files = match check::files(paths) {
        Ok(files) => files,
        Err(what) => {
            eprintln!("{what}");
            return Ok(ExitCode::from(2));
        }
    };
    let mut out = io::BufWriter::new(io::stdout().lock());
    let (mut passed, mut failed, mut unread) = (0u64, 0u64, 0u64);
    for file in &files {
        match check::play(file) {
            Ok(played) => {
                match played.failed {
                    None => passed += 1,
                    Some(_) => failed += 1,
                }
                match format {
                    Format::Text => text(&mut out, file, &played, explain)?,
                    Format::Json => json(&mut out, file, &played, explain)?,
                }
            }
            Err(error) => {
                unread += 1;
                out.flush()?;
                eprintln!("{error}");
                if format == Format::Json {
                    let line =
                        json!({"file": file, "result": "unreadable", "error": error.to_string()});
                    writeln!(out, "{line}")?;
                }
            }
        }
    }
    match format {
        Format::Text if unread > 0 => {
            writeln!(
                out,
                "{passed} passed, {failed} failed, {unread} could not be read"
            )?;
        }
        Format::Text => writeln!(out, "{passed} passed, {failed} failed")?,
        Format::Json => writeln!(
            out,
            "{}",
            json!({"passed": passed, "failed": failed, "unreadable": unread})
        )?,
    }
    out.flush()?;
    Ok(ExitCode::from(match (failed, unread) {
        (_, 1..) => 2,
        (1.., _) => 1,
        _ => 0,
    }))
}

fn text(out: &mut impl Write, file: &Path, played: &Played, explain: bool) -> io::Result<()> {
    match &played.failed {
        None => writeln!(out, "ok {}", played.name)?,
        Some(failed) => writeln!(
            out,
            "FAILED {}\n  {}: {failed}",
            played.name,
            file.display()
        )?,
    }
    if explain {
        for told in &played.story {
            let at = format!("{}.{:03}", told.at_ms / 1000, told.at_ms % 1000);
            let arrow = if told.direction == "in" { "->" } else { "<-" };
            let rule = told
                .rule
                .as_ref()
                .map(|rule| format!("  [{rule}]"))
                .unwrap_or_default();
            writeln!(
                out,
                "  {at:>10} s  step {:>2} {arrow} {}{rule}",
                told.step, told.what
            )?;
        }
    }
    Ok(())
}

fn json(out: &mut impl Write, file: &Path, played: &Played, explain: bool) -> io::Result<()> {
    let mut line = json!({
        "file": file,
        "scenario": played.name,
        "result": if played.failed.is_none() { "ok" } else { "failed" },
    });
    if let Some(failed) = &played.failed {
        line["step"] = failed.step.into();
        line["kind"] = failed.key.into();
        line["differs"] = json!(failed.what);
    }
    if explain {
        line["story"] = json!(played.story);
    }
    writeln!(out, "{line}")
}
