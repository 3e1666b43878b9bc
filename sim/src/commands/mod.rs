//! The subcommands, a room each.

mod check;
mod run;

use evenkeel::{core::Span, file};
use std::process::ExitCode;

/// What `evenkeel-sim` can be asked for.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Plays one life of a fleet file, and prints what it came to as one line of JSON.
    Run(run::Args),
    /// Plays scenario files against the real controller, and compares what it does with what each expects.
    Check(check::Args),
}

impl Command {
    /// Does it.
    pub fn run(self) -> ExitCode {
        match self {
            Self::Run(args) => args.run(),
            Self::Check(args) => args.run(),
        }
    }
}

/// A span as fleet files write it.
fn span(text: &str) -> Result<Span, String> {
    file::Duration::parse(text).map(|duration| duration.0)
}
