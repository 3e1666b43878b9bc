//! How the command ends.

use std::process::ExitCode;

/// How the command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All is well.
    Well,
    /// The fleet was never at its target, was halted or failed; a replay differs.
    Failed,
    /// Wrong usage, or a file that is missing or no good.
    Usage,
    /// The cluster can't be reached.
    Unreachable,
    /// Stopped at once, as a second Ctrl-C asks.
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Well => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Unreachable => 3,
            Exit::Interrupted => 130,
        })
    }
}
