//! The search: lives drawn from seeds, judged, and made small where an invariant breaks.
//!
//! The rooms: `play` lives one story through, `shrink` makes a story smaller, `oracle` compares it with the same story
//! without faults, `jobs` goes through seeds on several threads.

mod jobs;
mod oracle;
mod play;
mod shrink;

pub use jobs::{Found, Progress, Search, Sum};
pub use play::{Played, play, play_recorded, play_with};
pub use shrink::shrink;
