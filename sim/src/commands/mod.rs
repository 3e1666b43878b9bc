//! The subcommands, a room each.

mod check;
mod replay;
mod run;
mod search;

use evenkeel::{core::Span, file};
use std::process::ExitCode;

/// What `evenkeel-sim` can be asked for.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Plays one life of a fleet file, and prints what it came to as one line of JSON.
    Run(run::Args),
    /// Plays scenario files against the real controller, and compares what it does with what each expects.
    Check(check::Args),
    /// Plays stories drawn from seeds, with every fault there is, until one breaks an invariant.
    Search(search::Args),
    /// Plays a story again that a search wrote down.
    Replay(replay::Args),
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Command {
    /// Does it.
    pub fn run(self) -> ExitCode {
        match self {
            Self::Run(args) => args.run(),
            Self::Check(args) => args.run(),
            Self::Search(args) => args.run(),
            Self::Replay(args) => args.run(),
        }
    }
}

/// A span as fleet files write it.
fn span(text: &str) -> Result<Span, String> {
    file::Duration::parse(text).map(|duration| duration.0)
}
