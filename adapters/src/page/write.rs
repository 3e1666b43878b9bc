//! A page's file.

use super::Page;
use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    path::Path,
};

/// How every page begins: a file that does not is not written over.
const BEGINS: &str = "<!doctype html>\n<!-- A page of Evenkeel. -->\n";

/// A page's file could not be written.
#[derive(Debug, thiserror::Error)]
pub enum NotWritten {
    /// Something else is there.
    #[error("it is there, and is no such page; name another file")]
    NoPage,
    /// It can't be written.
    #[error("it can't be written: {0}")]
    Unwritable(#[from] io::Error),
}

impl Page {
    /// Writes the page to that file, for the user's eyes only: names and messages of a cluster are in it. One that is there
    /// is written over only where it is a page, or empty.
    ///
    /// # Errors
    /// Something else is there, or it can't be written.
    pub fn write(&self, path: &Path) -> Result<(), NotWritten> {
        let there = path.metadata().ok();
        let full = there.is_some_and(|there| there.is_file() && there.len() > 0);
        if full && !is_page(path) {
            return Err(NotWritten::NoPage);
        }
        let html = self.html().map_err(io::Error::from)?;
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        file.write_all(html.as_bytes())?;
        file.flush()?;
        Ok(())
    }
}

fn is_page(path: &Path) -> bool {
    let mut begins = [0; BEGINS.len()];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut begins));
    read.is_ok() && begins == *BEGINS.as_bytes()
}
