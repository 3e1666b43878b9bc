//! The subcommands, a room each.

mod check;
mod explore;
#[cfg(feature = "mutants")]
mod mutants;
mod progress;
mod replay;
mod report;
mod run;
mod search;

use evenkeel::{core::Span, file};
use std::{io, path::Path, process::ExitCode};

/// What `evenkeel-sim` can be asked for.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Plays one life of a fleet file, and prints what it came to as one line of JSON.
    Run(run::Args),
    /// Plays scenario files against the real controller, and compares what it does with what each expects.
    Check(check::Args),
    /// Plays stories drawn from seeds, with every fault there is, until one breaks an invariant.
    Search(search::Args),
    /// Goes through all that can happen in a small world: every order, every crash, every way to spend a budget of faults.
    Explore(explore::Args),
    /// Plays a story again that a search wrote down.
    Replay(replay::Args),
    /// Makes a page of a story or a flight record, to look at in a browser.
    Report(report::Args),
    /// Plants each bug of the catalogue, and searches until an invariant catches it. Needs the feature `mutants`.
    #[cfg(feature = "mutants")]
    Mutants(mutants::Args),
    /// Plants each bug of the catalogue, and searches until an invariant catches it. Needs the feature `mutants`.
    #[cfg(not(feature = "mutants"))]
    Mutants {
        /// Whatever it is told.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
        args: Vec<String>,
    },
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
            Self::Explore(args) => args.run(),
            Self::Replay(args) => args.run(),
            Self::Report(args) => args.run(),
            #[cfg(feature = "mutants")]
            Self::Mutants(args) => args.run(),
            #[cfg(not(feature = "mutants"))]
            Self::Mutants { .. } => {
                eprintln!(
                    "evenkeel-sim: this build has no planted bugs; build it with them: cargo run --release --bin evenkeel-sim --features mutants -- mutants"
                );
                ExitCode::from(2)
            }
        }
    }
}

/// How many threads: as many as there are processors where it is not said.
fn threads(jobs: Option<usize>) -> usize {
    jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
}

/// The first Ctrl-C asks for an end by `stop`, which says whether one was asked for before; the second is one.
fn on_ctrl_c(stop: impl Fn() -> bool + Send + 'static) {
    // Without a handler Ctrl-C just ends it.
    let _ = ctrlc::set_handler(move || {
        if stop() {
            std::process::exit(130);
        }
    });
}

/// Writes that file; `what` it is, for the error.
fn write_file(path: &Path, what: &str, text: String) -> io::Result<()> {
    std::fs::write(path, text).map_err(|error| {
        let path = path.display();
        io::Error::new(
            error.kind(),
            format!("{path}: {what} can't be written: {error}"),
        )
    })
}

/// A span as fleet files write it.
fn span(text: &str) -> Result<Span, String> {
    file::Duration::parse(text).map(|duration| duration.0)
}
