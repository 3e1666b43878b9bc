//! The `evenkeel` command: runs, checks and replays fleets.

mod args;
mod course;
mod drive;
mod exit;
mod replay;
mod run;
mod say;
mod show;
mod stop;
mod tally;
mod validate;
mod words;

use args::{Cli, Command};
use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Run(args) => run::run(&args),
        Command::Validate(args) => validate::validate(&args),
        Command::Replay(args) => replay::replay(&args),
    }
    .into()
}
