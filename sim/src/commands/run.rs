//! `evenkeel-sim run`: one life of a fleet file, as one line of JSON.

use evenkeel::{
    core::{Span, input::DesiredChange},
    fake::WorldConfig,
    file::{self, FleetFile},
};
use evenkeel_sim::{
    Life, Report, Setup,
    engine::{self, Habits},
};
use std::{
    collections::BTreeMap,
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// What `run` is told.
#[derive(clap::Args)]
#[command(after_help = "EXAMPLE\n  evenkeel-sim run examples/demo.yaml --seed 7 --for 1h")]
pub struct Args {
    /// The fleet file.
    file: PathBuf,
    /// What all chance comes from; the file's where it is not given.
    #[arg(long)]
    seed: Option<u64>,
    /// How long it lives, in virtual time.
    #[arg(long = "for", default_value = "10m", value_parser = super::span)]
    live_for: Span,
    /// Shut it down at the end by the file's policy, and wait until that is done.
    #[arg(long)]
    shutdown: bool,
}

impl Args {
    /// Plays it.
    pub fn run(self) -> ExitCode {
        run(&self.file, self.seed, self.live_for, self.shutdown)
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
    let engine = engine::usual(Habits::PROMPT, &config);
    let setup = Setup {
        fleet: fleet.fleet.clone(),
        config,
        wishes: fleet.wishes(),
        templates: fleet.templates(),
        versions: BTreeMap::new(),
        lease: fleet.lease,
        owner: false,
        world: WorldConfig {
            weather,
            ..WorldConfig::default()
        },
    };
    let mut life = Life::watched(setup, engine, None, None, None);
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
