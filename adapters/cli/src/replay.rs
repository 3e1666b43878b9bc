//! `evenkeel replay`: a flight record is played again, and what comes out is compared.

use crate::{args::ReplayArgs, exit::Exit, say};
use evenkeel::{
    core::{Output, flight::Difference},
    shell::{ReplayError, replay as play},
};
use std::{
    fs::File,
    io::{self, BufReader},
};

/// Plays the record, and says what came of it.
pub fn replay(args: &ReplayArgs) -> Exit {
    let name = args.flight.display();
    let file = match File::open(&args.flight) {
        Ok(file) => file,
        Err(error) => {
            say::error(&match error.kind() {
                io::ErrorKind::NotFound => format!("{name}: there is no such file; check the path"),
                _ => format!("{name}: it can't be read: {error}"),
            });
            return Exit::Usage;
        }
    };
    match play(BufReader::new(file)) {
        Ok(played) => {
            if played.truncated {
                say::warning(&format!(
                    "{name}: the record ends in the middle of a line, which is left out"
                ));
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

fn details(difference: &Difference) -> String {
    let told = |output: &Option<Box<Output>>| match output {
        None => "nothing more".to_owned(),
        Some(output) => serde_json::to_string(output).unwrap_or_else(|error| error.to_string()),
    };
    let (recorded, replayed) = (told(&difference.recorded), told(&difference.replayed));
    format!("  recorded: {recorded}\n  replayed: {replayed}")
}
