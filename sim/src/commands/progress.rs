//! Shows how far a long command is, where somebody looks.

use indicatif::{ProgressBar, ProgressStyle};
use std::{
    io::{self, IsTerminal},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// A bar that is kept up to date; gone when dropped.
pub struct Shown {
    bar: ProgressBar,
    over: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
        self.bar.finish_and_clear();
    }
}

/// Shows a bar of that style, and lets `update` bring it up to date a few times a second; None where nobody looks.
pub fn show(
    bar: ProgressBar,
    style: &str,
    update: impl Fn(&ProgressBar) + Send + 'static,
) -> Option<Shown> {
    if !io::stderr().is_terminal() {
        return None;
    }
    let style = ProgressStyle::with_template(style);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let over = Arc::new(AtomicBool::new(false));
    let (shown, ends) = (bar.clone(), Arc::clone(&over));
    let thread = std::thread::spawn(move || {
        while !ends.load(Ordering::Relaxed) {
            update(&shown);
            std::thread::sleep(Duration::from_millis(200));
        }
    });
    Some(Shown {
        bar,
        over,
        thread: Some(thread),
    })
}
