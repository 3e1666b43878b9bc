//! `evenkeel-sim`: plays fleets and scenarios in virtual time.

mod commands;

use clap::Parser;
use commands::Command;
use std::process::ExitCode;

/// Lives are made of small allocations by the million.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Plays fleets in virtual time, deterministically: the same seed gives the same life, to the byte.
#[derive(Parser)]
#[command(
    version,
    after_help = "EXIT CODES\n  0  run: at target at the end, or finished; check: all passed\n  1  run: not at target; check: one failed\n  2  usage, or a file that can't be read"
)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    Args::parse().command.run()
}
