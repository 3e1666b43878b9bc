//! What ends a run: Ctrl-C, SIGTERM, a terminal that goes away, and on a terminal in raw mode the keys that stand for them.

use crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use std::{io, thread, time::Duration};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc::UnboundedSender,
};

/// Sends a message for each Ctrl-C, SIGTERM and SIGHUP.
///
/// # Errors
/// The system does not let signals be handled.
pub fn on_signals(stop: UnboundedSender<()>) -> io::Result<()> {
    let interrupt = signal(SignalKind::interrupt())?;
    let terminate = signal(SignalKind::terminate())?;
    let hangup = signal(SignalKind::hangup())?;
    for received in [interrupt, terminate, hangup] {
        tokio::spawn(forward(received, stop.clone()));
    }
    Ok(())
}

async fn forward(mut received: Signal, stop: UnboundedSender<()>) {
    while received.recv().await.is_some() {
        if stop.send(()).is_err() {
            return;
        }
    }
}

/// Sends a message for each Ctrl-C and each q that is typed: in raw mode they are no signals.
pub fn on_keys(stop: UnboundedSender<()>) {
    thread::spawn(move || {
        while !stop.is_closed() {
            // The wait is bounded, so that the thread ends with the run.
            match event::poll(Duration::from_millis(200)) {
                Ok(false) => continue,
                Ok(true) => {}
                Err(_) => return,
            }
            match event::read() {
                Ok(event) if means_stop(&event) && stop.send(()).is_err() => return,
                Ok(_) => {}
                Err(_) => return,
            }
        }
    });
}

fn means_stop(event: &Event) -> bool {
    let Event::Key(key) = event else { return false };
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    key.kind == KeyEventKind::Press
        && match key.code {
            KeyCode::Char('c') => control,
            KeyCode::Char('q') => !control,
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossterm::event::KeyEvent;

    #[test]
    fn only_ctrl_c_and_q_mean_stop() {
        let key = |c, modifiers| Event::Key(KeyEvent::new(KeyCode::Char(c), modifiers));
        assert!(means_stop(&key('c', KeyModifiers::CONTROL)));
        assert!(means_stop(&key('q', KeyModifiers::NONE)));
        assert!(!means_stop(&key('c', KeyModifiers::NONE)));
        assert!(!means_stop(&Event::FocusLost));
    }
}
