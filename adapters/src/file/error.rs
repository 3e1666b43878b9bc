//! What is wrong with a file: one line that says where, what, and the way out.

use crate::template::FieldPath;
use std::fmt;

/// A line and a column, both from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: u64,
    /// The column, in characters.
    pub column: u64,
}

/// Something in a file: an error, or a warning. Written as one line: `fleet.yaml:7:13: groups.small.target: …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileError {
    /// The file's name, as it was given.
    pub file: String,
    /// Where in it; None where it is about the whole file.
    pub at: Option<Position>,
    /// The field; empty where it is about the whole file.
    pub field: FieldPath,
    /// What is wrong, and what to do about it.
    pub what: String,
}

impl FileError {
    pub(super) fn new(file: &str, at: Option<Position>, field: FieldPath, what: &str) -> Self {
        Self {
            file: file.to_owned(),
            at: at.filter(|at| at.line > 0),
            field,
            // One line, whatever was quoted from the file.
            what: what.split_whitespace().collect::<Vec<_>>().join(" "),
        }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file)?;
        if let Some(at) = self.at {
            write!(f, "{}:{}:", at.line, at.column)?;
        }
        if !self.field.0.is_empty() {
            write!(f, " {}:", self.field)?;
        }
        write!(f, " {}", self.what)
    }
}

impl std::error::Error for FileError {}
