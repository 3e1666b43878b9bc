//! The `evenkeel` command: runs, checks and replays fleets.

mod args;
mod config;
mod course;
mod drive;
mod exit;
mod replay;
mod report;
mod run;
mod say;
mod show;
mod spark;
mod stop;
mod tally;
mod validate;
mod words;

use args::{Cli, Command};
use clap::Parser;
use std::{io::IsTerminal, process::ExitCode};

fn main() -> ExitCode {
    log();
    match Cli::parse().command {
        Command::Run(args) => run::run(&args),
        Command::Validate(args) => validate::validate(&args),
        Command::Config(args) => config::config(&args),
        Command::ImportSpark(args) => spark::import(&args),
        Command::Replay(args) => replay::replay(&args),
        Command::Report(args) => report::report(&args),
    }
    .into()
}

/// What the library logs goes to standard error, where `EVENKEEL_LOG` asks for it: `debug`, or `evenkeel=debug,kube=warn`.
fn log() {
    if let Ok(filter) = std::env::var("EVENKEEL_LOG") {
        let ansi = std::env::var_os("NO_COLOR").is_none() && std::io::stderr().is_terminal();
        tracing_subscriber::fmt()
            .with_env_filter(tracing_subscriber::EnvFilter::new(filter))
            .with_writer(std::io::stderr)
            .with_ansi(ansi)
            .init();
    }
}
