//! Lines to the user. That nobody reads them is no trouble; that they can't be written is.

use crate::exit::Exit;
use std::{
    fmt::Display,
    io::{self, Write},
};

/// A line of what was asked for.
#[must_use]
pub fn line(line: &str) -> Exit {
    text(&format!("{line}\n"))
}

/// Lines of what was asked for, each with its end. Says so where they can't be written.
#[must_use]
pub fn text(lines: &str) -> Exit {
    let mut out = io::stdout().lock();
    match out.write_all(lines.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Exit::Well,
        // The reader has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Well,
        Err(why) => {
            error(&format!("standard output can't be written: {why}"));
            Exit::Usage
        }
    }
}

/// A line about something that is probably not meant.
pub fn warning(what: &impl Display) {
    let _ = writeln!(io::stderr(), "warning: {what}");
}

/// A line about why it can't be done.
pub fn error(what: &impl Display) {
    let _ = writeln!(io::stderr(), "error: {what}");
}

/// More about an error.
pub fn detail(what: &impl Display) {
    let _ = writeln!(io::stderr(), "{what}");
}
