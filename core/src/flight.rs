//! Flight records: what went in and came out, to be played again.
//!
//! The first line is a [`Head`], each further one a [`Step`]; the format of the lines is the writer's (the library
//! writes JSON). Templates are not in the core, so no secret is in a record.

use crate::{
    config::Config,
    controller::Controller,
    input::Input,
    output::Output,
    words::{Name, Time},
};
use serde::{Deserialize, Serialize};

/// The format that this version writes and reads.
pub const FORMAT: u32 = 2;

/// How a record begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// [`FORMAT`] of the version that wrote it.
    pub format: u32,
    /// The version of this crate that wrote it.
    pub version: String,
    /// The fleet.
    pub fleet: Name,
    /// Its knobs, the seed among them.
    pub config: Config,
    /// What was known when the record began; None: nothing, the controller had just started.
    pub start: Option<Box<Controller>>,
}

impl Head {
    /// The head of a record that begins with the controller's start.
    #[must_use]
    pub fn new(config: Config, fleet: Name) -> Self {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Self {
            format: FORMAT,
            version,
            fleet,
            config,
            start: None,
        }
    }
}

/// One input, and everything that came out on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// When.
    pub at: Time,
    /// What came in.
    pub input: Input,
    /// What went out.
    pub outputs: Vec<Output>,
}

/// Plays a record again.
#[derive(Clone, Debug)]
pub struct Replay {
    controller: Controller,
    steps: u64,
}

/// The first place where a replay differs from its record.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("step {step} at {at} ms: output {output} differs")]
pub struct Difference {
    /// Which step, from 1.
    pub step: u64,
    /// When it was, in milliseconds.
    pub at: u64,
    /// Which output of that step, from 1.
    pub output: usize,
    /// What came in.
    pub input: Box<Input>,
    /// What the record says came out; None: nothing more.
    pub recorded: Option<Box<Output>>,
    /// What comes out now; None: nothing more.
    pub replayed: Option<Box<Output>>,
}

impl Replay {
    /// Begins where the record begins.
    #[must_use]
    pub fn new(head: Head) -> Self {
        let controller = match head.start {
            Some(controller) => *controller,
            None => Controller::new(head.config, head.fleet),
        };
        Self {
            controller,
            steps: 0,
        }
    }

    /// Plays one step, and compares what comes out.
    ///
    /// # Errors
    /// Something else comes out than the record says.
    pub fn step(&mut self, step: &Step) -> Result<(), Difference> {
        self.steps += 1;
        self.controller.handle(step.at, step.input.clone());
        let replayed: Vec<Output> = std::iter::from_fn(|| self.controller.poll()).collect();
        let most = replayed.len().max(step.outputs.len());
        let differs = (0..most).find(|n| replayed.get(*n) != step.outputs.get(*n));
        let Some(output) = differs else { return Ok(()) };
        Err(Difference {
            step: self.steps,
            at: step.at.0,
            output: output + 1,
            input: Box::new(step.input.clone()),
            recorded: step.outputs.get(output).cloned().map(Box::new),
            replayed: replayed.get(output).cloned().map(Box::new),
        })
    }

    /// How many steps were played.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The controller as it stands.
    #[must_use]
    pub fn controller(&self) -> &Controller {
        &self.controller
    }
}
