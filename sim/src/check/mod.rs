//! Scenario files: one story each, played against the real controller in virtual time, checked action by action.
//!
//! The rooms: `file` and `words` are what a file says, `play` goes through its steps, `stage` is what stands in for
//! shell and cluster, `pods` what that cluster has shown, `done` what was done and how that compares.

mod done;
mod file;
mod play;
mod pods;
mod stage;
mod words;

pub use play::{Failed, Played};
pub use stage::Told;

use evenkeel::file::{Document, FileError};
use std::{
    fmt, io,
    path::{Path, PathBuf},
};

/// Plays the scenario in the file at `path`.
///
/// # Errors
/// It can't be read, or is no scenario: the error names file, line, column and field.
pub fn play(path: &Path) -> Result<Played, FileError> {
    play::play(&Document::read(path)?)
}

/// Plays the scenario in `text`, the file of that name.
///
/// # Errors
/// As [`play`].
pub fn play_text(text: &str, name: &str) -> Result<Played, FileError> {
    play::play(&Document::parse(text, name)?)
}

/// Plays it with a change to its config: a planted bug, say.
///
/// # Errors
/// As [`play`].
pub fn play_with(
    path: &Path,
    change: impl FnOnce(&mut evenkeel::core::Config),
) -> Result<Played, FileError> {
    play::play_with(&Document::read(path)?, change)
}

/// The scenario files that are meant: files as they are, and of folders all `.yaml` and `.yml` in and below them, in
/// order of their names.
///
/// # Errors
/// A path that is not there, or can't be read, or a folder without scenarios.
pub fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    for path in paths {
        let told = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound if path.is_symlink() => format!(
                "{}: this link leads nowhere; mend it, or remove it",
                path.display()
            ),
            io::ErrorKind::NotFound => format!(
                "{}: there is no such file or folder; check the path",
                path.display()
            ),
            _ => format!("{}: it can't be read: {error}", path.display()),
        };
        if path.is_dir() {
            let before = files.len();
            collect(path, &mut files, &mut Vec::new()).map_err(told)?;
            if files.len() == before {
                return Err(format!(
                    "{}: there is no .yaml file in this folder",
                    path.display()
                ));
            }
        } else {
            if !path.metadata().map_err(told)?.is_file() {
                return Err(format!("{}: this is no regular file", path.display()));
            }
            files.push(path.clone());
        }
    }
    Ok(files)
}

/// `within`: the folders that lead here, so that a link to one of them is not followed for ever.
fn collect(folder: &Path, files: &mut Vec<PathBuf>, within: &mut Vec<PathBuf>) -> io::Result<()> {
    let real = folder.canonicalize()?;
    if within.contains(&real) {
        return Ok(());
    }
    within.push(real);
    let mut entries = folder
        .read_dir()?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()?;
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            collect(&entry, files, within)?;
        } else if entry
            .extension()
            .is_some_and(|end| end == "yaml" || end == "yml")
        {
            files.push(entry);
        }
    }
    within.pop();
    Ok(())
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step {} ({})", self.step, self.key)?;
        for what in &self.what {
            write!(f, "\n    {what}")?;
        }
        Ok(())
    }
}
