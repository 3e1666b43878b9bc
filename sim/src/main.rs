//! `evenkeel-sim`: plays fleets and scenarios in virtual time.

#[path = "check_command.rs"]
mod check;

use clap::{Parser, Subcommand};
use evenkeel::{
    core::{Span, config::EngineMode, input::DesiredChange},
    fake::WorldConfig,
    file::{self, FleetFile},
};
use evenkeel_sim::{EngineModel, Life, Report, Setup};
use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

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

#[derive(Subcommand)]
enum Command {
    /// Plays one life of a fleet file, and prints what it came to as one line of JSON.
    #[command(after_help = "EXAMPLE\n  evenkeel-sim run examples/demo.yaml --seed 7 --for 1h")]
    Run {
        /// The fleet file.
        file: PathBuf,
        /// What all chance comes from; the file's where it is not given.
        #[arg(long)]
        seed: Option<u64>,
        /// How long it lives, in virtual time.
        #[arg(long = "for", default_value = "10m", value_parser = span)]
        live_for: Span,
        /// Shut it down at the end by the file's policy, and wait until that is done.
        #[arg(long)]
        shutdown: bool,
    },
    /// Plays scenario files against the real controller, and compares what it does with what each expects.
    #[command(
        after_help = "EXAMPLES\n  evenkeel-sim check tests/scenarios\n  evenkeel-sim check --explain tests/scenarios/failing/halts-once.yaml\n\nEXIT CODES\n  0  all passed\n  1  one failed\n  2  usage, or a file that can't be read"
    )]
    Check {
        /// Scenario files, and folders of them.
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        /// Print each story as it went: time, step, what came in, what was done, and the rule behind it.
        #[arg(long)]
        explain: bool,
        /// `text`, or one JSON object a line: each file, then the sum.
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

fn main() -> ExitCode {
    match Args::parse().command {
        Command::Run {
            file,
            seed,
            live_for,
            shutdown,
        } => run(&file, seed, live_for, shutdown),
        Command::Check {
            paths,
            explain,
            format,
        } => match check::run(&paths, explain, format) {
            Ok(code) => code,
            // Whoever read it has gone.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("evenkeel-sim: the results can't be written: {error}");
                ExitCode::from(2)
            }
        },
    }
}

fn run(file: &Path, seed: Option<u64>, live_for: Span, shutdown: bool) -> ExitCode {
    let fleet = match file::read(file) {
        Ok(fleet) => fleet,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let report = play(&fleet, seed, live_for, shutdown);
    match serde_json::to_string(&report) {
        Ok(line) => {
            let wrote = writeln!(std::io::stdout(), "{line}");
            // Whoever read it may have gone.
            let failed = wrote
                .err()
                .filter(|e| e.kind() != std::io::ErrorKind::BrokenPipe);
            if let Some(error) = failed {
                eprintln!("evenkeel-sim: the report can't be written: {error}");
                return ExitCode::from(2);
            }
        }
        Err(error) => {
            eprintln!("evenkeel-sim: the report can't be written: {error}");
            return ExitCode::from(2);
        }
    }
    if report.status.at_target || report.finished {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    }
}

/// How long a shutdown may take, in virtual time.
const LONGEST_SHUTDOWN: Span = Span::seconds(3600);

fn play(fleet: &FleetFile, seed: Option<u64>, live_for: Span, shutdown: bool) -> Report {
    let mut weather = fleet.weather.clone().unwrap_or_default();
    let mut config = fleet.config.clone();
    if let Some(seed) = seed {
        weather.seed = seed;
        config.seed = seed;
    }
    let engine = match config.engine {
        EngineMode::None => EngineModel::None,
        EngineMode::Registering => EngineModel::Prompt {
            registers_after: Span::seconds(1),
            drains_after: Span::seconds(2),
        },
    };
    let mut life = Life::new(Setup {
        fleet: fleet.fleet.clone(),
        config,
        wishes: fleet.wishes(),
        templates: fleet.templates(),
        lease: fleet.lease,
        world: WorldConfig {
            weather,
            ..WorldConfig::default()
        },
        engine,
    });
    life.run(live_for);
    if shutdown {
        life.update(DesiredChange {
            shutdown: Some(fleet.shutdown),
            ..DesiredChange::default()
        });
        life.run(LONGEST_SHUTDOWN);
    }
    life.report()
}

fn span(text: &str) -> Result<Span, String> {
    file::Duration::parse(text).map(|duration| duration.0)
}
