//! A random world around a real controller, and the laws that hold whatever happens in it.
#![allow(dead_code, reason = "each test binary uses its part")]

pub mod laws;
pub mod moves;
pub mod run;
pub mod story;
pub mod world;

use laws::Broken;
use moves::{Knobs, Move};
use run::Run;

/// Plays the moves, and where that is asked for, what follows when the faults stop.
pub fn play(
    knobs: Knobs,
    moves: &[Move],
    shutdown: Option<evenkeel_core::input::Shutdown>,
    converge: bool,
) -> Result<(), Broken> {
    let mut run = Run::new(knobs);
    run.start()?;
    run.set_target(0, 3)?;
    run.act(Move::Settle)?;
    for step in moves {
        run.act(*step)?;
    }
    if let Some(shutdown) = shutdown {
        run.act(Move::Shutdown(shutdown))?;
    }
    if converge {
        run.converge()?;
    }
    laws::replay(&run)
}
