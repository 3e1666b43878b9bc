//! `evenkeel replay`: a flight record is played again, and what comes out is compared.

use crate::{args::ReplayArgs, exit::Exit, say};
use evenkeel::{
    core::{Output, flight::Difference},
    shell::{ReplayError, replay as play},
};
use std::{
    fs::File,
    io::{self, BufReader},
    path::Path,
};

/// Plays the record, and says what came of it.
pub fn replay(args: &ReplayArgs) -> Exit {
    let name = args.flight.display();
    let record = match open(&args.flight) {
        Ok(record) => record,
        Err(exit) => return exit,
    };
    match play(record) {
        Ok(played) => {
            if played.truncated {
                warn_truncated(&args.flight);
            }
            say::line(&format!(
                "{name}: the same: fleet {}, {} steps",
                played.fleet, played.steps
            ))
        }
        Err(error) => {
            say::error(&format!("{name}: {error}"));
            match error {
                ReplayError::Differs { difference, .. } => {
                    say::detail(&details(&difference));
                    Exit::Failed
                }
                _ => Exit::Usage,
            }
        }
    }
}

/// Opens a flight record; says so where it can't be read.
pub fn open(flight: &Path) -> Result<BufReader<File>, Exit> {
    let name = flight.display();
    File::open(flight).map(BufReader::new).map_err(|error| {
        say::error(&match error.kind() {
            io::ErrorKind::NotFound => format!("{name}: there is no such file; check the path"),
            _ => format!("{name}: it can't be read: {error}"),
        });
        Exit::Usage
    })
}

/// Says that a record breaks off, as after a SIGKILL.
pub fn warn_truncated(flight: &Path) {
    say::warning(&format!(
        "{}: the record ends in the middle of a line, which is left out",
        flight.display()
    ));
}

fn details(difference: &Difference) -> String {
    let told = |output: &Option<Box<Output>>| match output {
        None => "nothing more".to_owned(),
        Some(output) => serde_json::to_string(output).unwrap_or_else(|error| error.to_string()),
    };
    let (recorded, replayed) = (told(&difference.recorded), told(&difference.replayed));
    format!("  recorded: {recorded}\n  replayed: {replayed}")
}
