//! Keeps what went in and came out of each controller, and what struck: for reports and timelines.

use crate::story::What;
use evenkeel::core::{Time, flight};

/// What a life was, step by step.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    /// Each process: its number, when it began and when it died, by the world's clock.
    pub processes: Vec<(u32, Time, Option<Time>)>,
    /// Each step, in order.
    pub steps: Vec<Step>,
    /// What struck, in order.
    pub struck: Vec<(Time, What)>,
    /// When faults were over.
    pub calm: Option<Time>,
}

/// One input of one controller, and what came of it.
#[derive(Clone, Debug)]
pub struct Step {
    /// Which process.
    pub process: u32,
    /// When, by the world's clock.
    pub world: Time,
    /// The step, by the process's own clock.
    pub step: flight::Step,
}

impl Recorder {
    pub(crate) fn began(&mut self, process: u32, at: Time) {
        self.processes.push((process, at, None));
    }

    pub(crate) fn died(&mut self, process: u32, at: Time) {
        let mut all = self.processes.iter_mut();
        if let Some(found) = all.find(|(serial, _, _)| *serial == process) {
            found.2 = Some(at);
        }
    }

    pub(crate) fn step(&mut self, step: Step) {
        self.steps.push(step);
    }

    pub(crate) fn struck(&mut self, at: Time, what: &What) {
        self.struck.push((at, what.clone()));
    }

    pub(crate) fn calm(&mut self, at: Time) {
        self.calm = Some(at);
    }
}
