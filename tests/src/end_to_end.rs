//! The built `evenkeel` command as a child process, and what is seen of it from outside: by its exit status and its
//! lines, by a watch of ours, and by the API server's audit log; never by its own counts alone.

mod command;
mod counts;
mod outside;
mod proxy;
mod stage;

pub use command::{Child, Command, Ended, Line, binary};
pub use counts::{Creates, created, creates, doubled, names, per_second, rate};
pub use outside::Outside;
pub use proxy::{Moment, Proxy, Trap};
pub use stage::{Fleet, Stage, USER, rights};

use std::time::{Duration, Instant};

/// Waits until it is so.
///
/// # Panics
/// It is not so in time.
pub async fn until(what: &str, patience: Duration, mut check: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + patience;
    while !check().await {
        assert!(Instant::now() < end, "waited {patience:?} until {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
