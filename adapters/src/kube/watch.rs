//! A watch's body as a stream of events: order kept, nothing dropped, one end.

use super::{
    decode,
    lines::Lines,
    wire::{Answer, ServerClock},
};
use evenkeel_core::{
    Name,
    input::{Failure, WatchEnd, WatchEvent},
};
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use http_body_util::BodyExt;
use kube::client::Body;
use std::hash::{BuildHasher, RandomState};

/// When the server is to end a watch: about five minutes, spread so that many do not come back at once.
pub(super) fn timeout_s() -> u64 {
    270 + RandomState::new().hash_one(0) % 40
}

struct Reader {
    body: Body,
    lines: Lines,
    fleet: Name,
    clock: ServerClock,
    ended: bool,
}

pub(super) fn events(answer: Answer, fleet: Name) -> BoxStream<'static, WatchEvent> {
    let reader = Reader {
        clock: answer.clock,
        body: answer.body,
        lines: Lines::default(),
        fleet,
        ended: false,
    };
    stream::unfold(reader, async |mut reader| {
        let event = reader.next().await?;
        Some((event, reader))
    })
    .boxed()
}

impl Reader {
    /// The next event; nothing after `Ended`.
    async fn next(&mut self) -> Option<WatchEvent> {
        if self.ended {
            return None;
        }
        let event = loop {
            if let Some(line) = self.lines.next() {
                break decode::event(&line, &self.fleet, self.clock.now());
            }
            let frame = match self.body.frame().await {
                Some(Ok(frame)) => frame,
                Some(Err(_)) => break failed(Failure::Unreachable),
                None if self.lines.is_midway() => break failed(Failure::Unreachable),
                None => break WatchEvent::Ended(WatchEnd::Closed),
            };
            if let Ok(chunk) = frame.into_data()
                && self.lines.push(&chunk).is_err()
            {
                break failed(Failure::Undecodable);
            }
        };
        self.ended = matches!(event, WatchEvent::Ended(_));
        Some(event)
    }
}

fn failed(failure: Failure) -> WatchEvent {
    WatchEvent::Ended(WatchEnd::Failed(failure))
}
