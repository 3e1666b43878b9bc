//! Lines to the user. That nobody reads them is no trouble.

use std::{
    fmt::Display,
    io::{self, Write},
};

/// A line of what was asked for.
pub fn line(text: &str) {
    // A closed pipe means that the reader has seen enough.
    let _ = writeln!(io::stdout(), "{text}");
}

/// Lines of what was asked for, each with its end.
pub fn text(lines: &str) {
    let _ = write!(io::stdout(), "{lines}");
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
