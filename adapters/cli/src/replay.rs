//! `evenkeel replay`: a flight record is played again, and what comes out is compared.

use crate::{args::ReplayArgs, exit::Exit, say};
use evenkeel::core::flight::{Difference, FORMAT, Head, Replay, Step};
use serde::Deserialize;
use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::Path,
};

/// Why a record can't be played, or was not played to the same end.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("{0}: there is no such file; check the path")]
    Missing(String),
    #[error("{0}: it can't be read: {1}")]
    Unreadable(String, io::Error),
    #[error("{0}: the file is empty; a flight record begins with a head")]
    Empty(String),
    #[error("{file}:{line}: this is no line of a flight record: {why}")]
    Line {
        file: String,
        line: u64,
        why: serde_json::Error,
    },
    #[error("{0}: the record is of format {1}; this version plays format {FORMAT}")]
    Format(String, u32),
    #[error("{}", describe(.0, .1))]
    Differs(String, Box<Difference>),
}

/// What was played.
#[derive(Debug)]
struct Played {
    fleet: String,
    steps: u64,
    last_ms: u64,
    /// The record ends in the middle of a line, as one does whose writer was killed.
    cut: bool,
}

/// Plays the record, and says what came of it.
pub fn replay(args: &ReplayArgs) -> Exit {
    let file = args.flight.display();
    match play(&args.flight) {
        Ok(played) => {
            if played.cut {
                let what =
                    format!("{file}: the record ends in the middle of a line, which was left out");
                say::warning(&what);
            }
            say::line(&format!(
                "{file}: the same: fleet {}, {} steps in {}.{} s",
                played.fleet,
                played.steps,
                played.last_ms / 1000,
                played.last_ms % 1000 / 100,
            ));
            Exit::Well
        }
        Err(trouble) => {
            say::error(&trouble);
            match trouble {
                Trouble::Differs(..) => Exit::Failed,
                _ => Exit::Usage,
            }
        }
    }
}

fn play(path: &Path) -> Result<Played, Trouble> {
    let file = path.display().to_string();
    let opened = File::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Trouble::Missing(file.clone()),
        _ => Trouble::Unreadable(file.clone(), error),
    })?;
    play_lines(BufReader::new(opened), &file)
}

fn play_lines(mut from: impl BufRead, file: &str) -> Result<Played, Trouble> {
    let mut number = 0;
    let mut buffer = Vec::new();
    // A line, and whether it is whole.
    let mut next = || -> Result<Option<(Vec<u8>, bool, u64)>, Trouble> {
        buffer.clear();
        number += 1;
        let read = from.read_until(b'\n', &mut buffer);
        match read.map_err(|error| Trouble::Unreadable(file.to_owned(), error))? {
            0 => Ok(None),
            _ => Ok(Some((buffer.clone(), buffer.ends_with(b"\n"), number))),
        }
    };
    let Some((line, _, at)) = next()? else {
        return Err(Trouble::Empty(file.to_owned()));
    };
    #[derive(Deserialize)]
    struct Format {
        format: u32,
    }
    // The format first: of another one the rest may mean anything.
    let Format { format } = decode(&line, file, at)?;
    if format != FORMAT {
        return Err(Trouble::Format(file.to_owned(), format));
    }
    let head: Head = decode(&line, file, at)?;
    let fleet = head.fleet.to_string();
    let mut replay = Replay::new(head);
    let (mut last_ms, mut cut) = (0, false);
    while let Some((line, whole, at)) = next()? {
        let step: Step = match decode(&line, file, at) {
            Err(_) if !whole => {
                cut = true;
                break;
            }
            step => step?,
        };
        replay
            .step(&step)
            .map_err(|difference| Trouble::Differs(file.to_owned(), Box::new(difference)))?;
        last_ms = step.at.0;
    }
    Ok(Played {
        fleet,
        steps: replay.steps(),
        last_ms,
        cut,
    })
}

fn decode<T: for<'de> Deserialize<'de>>(line: &[u8], file: &str, at: u64) -> Result<T, Trouble> {
    serde_json::from_slice(line).map_err(|why| Trouble::Line {
        file: file.to_owned(),
        line: at,
        why,
    })
}

fn describe(file: &str, difference: &Difference) -> String {
    let told = |output: &Option<Box<evenkeel::core::Output>>| match output {
        None => "nothing more".to_owned(),
        Some(output) => serde_json::to_string(output).unwrap_or_else(|error| error.to_string()),
    };
    format!(
        // The head is the first line.
        "{file}:{}: {difference}\n  recorded: {}\n  replayed: {}",
        difference.step + 1,
        told(&difference.recorded),
        told(&difference.replayed),
    )
}
