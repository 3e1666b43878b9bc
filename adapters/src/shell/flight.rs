//! Flight records as JSON lines: written while a fleet runs, and played again.

use evenkeel_core::{
    Input, Output, Time,
    flight::{Difference, FORMAT, Head, Replay, Step},
};
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, Read, Write};

/// Where a flight record goes.
pub type Sink = Box<dyn Write + Send>;

/// Writes a flight record.
pub(super) struct Recorder {
    sink: Sink,
}

#[derive(Serialize)]
struct StepRef<'a> {
    at: Time,
    input: &'a Input,
    outputs: &'a [Output],
}

impl Recorder {
    pub fn begin(mut sink: Sink, head: &Head) -> io::Result<Self> {
        line(&mut sink, head)?;
        sink.flush()?;
        Ok(Self { sink })
    }

    pub fn step(&mut self, at: Time, input: &Input, outputs: &[Output]) -> io::Result<()> {
        line(&mut self.sink, &StepRef { at, input, outputs })
    }

    pub fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}

fn line(sink: &mut Sink, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *sink, value)?;
    sink.write_all(b"\n")
}

/// What a replay showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// The fleet.
    pub fleet: String,
    /// How many inputs were played, with the same outputs each.
    pub steps: u64,
    /// The record breaks off in its last line, as after a SIGKILL.
    pub truncated: bool,
}

/// Why a flight record could not be played to its end.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// It can't be read.
    #[error("it can't be read: {0}")]
    Unreadable(#[from] io::Error),
    /// There is nothing in it.
    #[error("it is empty; a flight record begins with a line that has the fleet's config")]
    Empty,
    /// Its first line is no head of a record.
    #[error("line 1: this is no flight record: {0}")]
    NoRecord(serde_json::Error),
    /// It was written by a version with another format.
    #[error(
        "line 1: it has format {found}, and this version reads format {FORMAT}; replay it with evenkeel {version}"
    )]
    OtherFormat {
        /// Its format.
        found: u32,
        /// The version that wrote it.
        version: String,
    },
    /// One of its lines makes no sense.
    #[error("line {line}: {error}")]
    BadLine {
        /// Which, from 1.
        line: u64,
        /// What is wrong.
        error: serde_json::Error,
    },
    /// Something else comes out now than was written down.
    #[error("line {line}: {difference}")]
    Differs {
        /// Which line, from 1.
        line: u64,
        /// The difference.
        difference: Box<Difference>,
    },
}

/// What is read first: a head of another format may have other fields.
#[derive(Deserialize)]
struct Format {
    format: u32,
    version: String,
}

/// Whether that file begins as a flight record does.
#[must_use]
pub fn is_record(path: &std::path::Path) -> bool {
    let Ok(file) = std::fs::File::open(path) else {
        return false;
    };
    let mut first = String::new();
    let read = io::BufReader::new(file)
        .take(LONGEST_HEAD)
        .read_line(&mut first);
    read.is_ok() && serde_json::from_str::<Format>(&first).is_ok()
}

/// A head has the knobs of each group; more than this it never is.
const LONGEST_HEAD: u64 = 64 << 20;

/// The steps of a record, one after another.
pub struct Steps<R: BufRead> {
    lines: std::iter::Peekable<std::iter::Zip<std::ops::RangeFrom<u64>, io::Lines<R>>>,
    truncated: bool,
}

/// Reads the head of a record; its steps follow.
///
/// # Errors
/// It can't be read, or is no record of a format that this version reads.
pub fn open<R: BufRead>(record: R) -> Result<(Head, Steps<R>), ReplayError> {
    let mut lines = record.lines();
    let head = lines.next().ok_or(ReplayError::Empty)??;
    let format: Format = serde_json::from_str(&head).map_err(ReplayError::NoRecord)?;
    if format.format != FORMAT {
        return Err(ReplayError::OtherFormat {
            found: format.format,
            version: format.version,
        });
    }
    let head: Head = serde_json::from_str(&head).map_err(ReplayError::NoRecord)?;
    let lines = (2..).zip(lines).peekable();
    Ok((
        head,
        Steps {
            lines,
            truncated: false,
        },
    ))
}

impl<R: BufRead> Steps<R> {
    /// The record breaks off in its last line, as after a SIGKILL; known once that line was asked for.
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }
}

impl<R: BufRead> Iterator for Steps<R> {
    /// A step, and which line it is.
    type Item = Result<(u64, Step), ReplayError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (number, line) = self.lines.next()?;
        let line = match line {
            Ok(line) => line,
            Err(error) => return Some(Err(error.into())),
        };
        match serde_json::from_str(&line) {
            Ok(step) => Some(Ok((number, step))),
            Err(error) if error.is_eof() && self.lines.peek().is_none() => {
                self.truncated = true;
                None
            }
            Err(error) => Some(Err(ReplayError::BadLine {
                line: number,
                error,
            })),
        }
    }
}

/// Plays a record again, and compares every output.
///
/// # Errors
/// It can't be read, or something else comes out: the first difference.
pub fn replay(record: impl BufRead) -> Result<Replayed, ReplayError> {
    let (head, mut steps) = open(record)?;
    let fleet = head.fleet.to_string();
    let mut replay = Replay::new(head);
    for step in steps.by_ref() {
        let (line, step) = step?;
        replay
            .step(&step)
            .map_err(|difference| ReplayError::Differs {
                line,
                difference: Box::new(difference),
            })?;
    }
    Ok(Replayed {
        fleet,
        steps: replay.steps(),
        truncated: steps.is_truncated(),
    })
}
