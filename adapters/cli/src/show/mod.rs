//! How a run is shown: live on a terminal, line by line, or as JSON.

pub mod json;
pub mod lines;
pub mod live;

use crate::{drive::Event, tally::Summary};
use evenkeel::core::{Span, Status, input::Shutdown};
use std::{collections::BTreeMap, io, sync::Arc};

/// What is run, to be told at the start.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The fleet's name.
    pub fleet: String,
    /// Where it runs, in words.
    pub cluster: String,
    /// How many groups there are.
    pub groups: usize,
    /// How many executors they want in all.
    pub wanted: u64,
}

/// Shows a run. An error means that nobody is there any more to be shown anything.
pub trait Show: Send {
    /// The run begins.
    fn begin(&mut self, setting: &Setting) -> io::Result<()>;

    /// Something happened.
    fn event(&mut self, now: Span, event: &Event) -> io::Result<()>;

    /// The status has changed.
    fn status(&mut self, now: Span, status: &Arc<Status>) -> io::Result<()>;

    /// Time has passed; comes several times a second.
    fn tick(&mut self, now: Span, calls: &BTreeMap<&'static str, u64>) -> io::Result<()>;

    /// The fleet is being ended.
    fn stopping(&mut self, now: Span, how: Shutdown, why: &str) -> io::Result<()>;

    /// The run is over.
    fn end(&mut self, now: Span, summary: &Summary) -> io::Result<()>;
}

/// What a shutdown does, in words.
pub fn shutdown(how: Shutdown) -> &'static str {
    match how {
        Shutdown::Delete => "deleting all executors",
        Shutdown::Drain => "draining all executors, then deleting them",
        Shutdown::Leave => "leaving the executors running",
    }
}

/// Shows nothing: for when nobody is there any more.
pub struct Nothing;

impl Show for Nothing {
    fn begin(&mut self, _: &Setting) -> io::Result<()> {
        Ok(())
    }

    fn event(&mut self, _: Span, _: &Event) -> io::Result<()> {
        Ok(())
    }

    fn status(&mut self, _: Span, _: &Arc<Status>) -> io::Result<()> {
        Ok(())
    }

    fn tick(&mut self, _: Span, _: &BTreeMap<&'static str, u64>) -> io::Result<()> {
        Ok(())
    }

    fn stopping(&mut self, _: Span, _: Shutdown, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn end(&mut self, _: Span, _: &Summary) -> io::Result<()> {
        Ok(())
    }
}
