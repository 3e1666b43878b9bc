//! The search: lives drawn from seeds, judged, and made small where an invariant breaks.
//!
//! The rooms: `play` lives one story through, `shrink` makes a story smaller, `oracle` compares it with the same story
//! without faults, `jobs` goes through seeds on several threads, `hunt` does so with bugs planted in the controller.

#[cfg(feature = "mutants")]
pub mod hunt;
mod jobs;
mod oracle;
mod play;
mod shrink;

#[cfg(feature = "mutants")]
pub use hunt::{Fixed, Hunt, Hunted};
pub use jobs::{Found, Progress, Search, Sum};
pub use play::{FLEET, Played, play, play_recorded, play_with};
pub use shrink::shrink;
