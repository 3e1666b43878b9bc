//! The task that interprets a controller's outputs. It begins what it is told, tells what came of it, and decides nothing.

use super::{
    LeaseKeeper, LeaseStep, RequestMaker,
    clock::Clock,
    flight::Recorder,
    handle::{Event, RunError},
    lease,
    trouble::Troubles,
};
use crate::port::{Cluster, ListWish};
use evenkeel_core::{
    ActionId, Controller, Input, Output, RequestId, Revision, Span, Status, Time,
    input::{DesiredChange, Failure, LeaseNews, Outcome, Refusal, Shutdown, WatchEnd, WatchEvent},
    output::{Action, LeaseWish},
};
use futures::StreamExt;
use jiff::Timestamp;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::{AbortHandle, JoinSet},
    time::timeout,
};

/// How the lease is kept.
pub(super) enum Lease {
    On(Box<LeaseKeeper>),
    /// Nobody else knows the cluster: it is ours.
    Off,
}

pub(super) struct Task {
    pub clock: Clock,
    pub controller: Controller,
    pub cluster: Arc<dyn Cluster>,
    pub requests: RequestMaker,
    pub request_timeout: Span,
    /// None while a wish is under way: it has it.
    pub lease: Option<Lease>,
    pub recorder: Option<Recorder>,
    pub effects: bool,
    pub inputs: mpsc::UnboundedSender<Input>,
    pub inbox: mpsc::UnboundedReceiver<Input>,
    pub status: watch::Sender<Arc<Status>>,
    pub events: mpsc::UnboundedSender<Event>,
    /// Resolves when the last handle is dropped.
    pub gone: oneshot::Receiver<()>,
    pub tasks: JoinSet<Done>,
    /// What [`Output::Close`] may end.
    pub streams: BTreeMap<RequestId, AbortHandle>,
    pub troubles: Troubles,
}

/// What a task of ours leaves when it is done.
pub(super) enum Done {
    Nothing,
    Stream(RequestId),
    Lease(Lease, LeaseNews),
}

impl Task {
    /// Runs the fleet until the controller has finished.
    pub async fn run(mut self, first: Input) -> Result<(), RunError> {
        if self.take(first) {
            return Ok(());
        }
        let mut engine_is_there = true;
        loop {
            if self.inbox.is_empty() {
                self.flush_record();
            }
            let wake = self
                .controller
                .wake_at()
                .and_then(|(at, _)| self.clock.at(at));
            let sleep = async {
                match wake {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            let input = tokio::select! {
                Some(input) = self.inbox.recv() => input,
                Some(done) = self.tasks.join_next() => match done {
                    Ok(Done::Lease(lease, news)) => {
                        self.lease = Some(lease);
                        Input::Lease(news)
                    }
                    Ok(Done::Stream(request)) => {
                        self.streams.remove(&request);
                        continue;
                    }
                    Ok(Done::Nothing) => continue,
                    Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                    // It was closed.
                    Err(_) => continue,
                },
                _ = &mut self.gone, if engine_is_there => {
                    engine_is_there = false;
                    Input::Desired(DesiredChange { shutdown: Some(Shutdown::Leave), ..DesiredChange::default() })
                }
                () = sleep => Input::Wake,
            };
            if self.take(input) {
                self.flush_record();
                return Ok(());
            }
        }
    }

    /// Passes an input in, and does what comes out. Says whether that was the end.
    fn take(&mut self, input: Input) -> bool {
        if let Some(event) = self.troubles.note(&input) {
            self.tell(event);
        }
        if let (true, Input::Answered { action, outcome }) = (self.effects, &input) {
            self.tell(Event::Answer {
                id: *action,
                outcome: outcome.clone(),
            });
        }
        if let Input::Answered { action, outcome } = &input {
            tracing::debug!(action = action.0, ?outcome, "answered");
        }
        let at = self.clock.now();
        let kept = self.recorder.is_some().then(|| input.clone());
        self.controller.handle(at, input);
        let outputs: Vec<Output> = std::iter::from_fn(|| self.controller.poll()).collect();
        if let Some(input) = kept {
            self.record(at, &input, &outputs);
        }
        let mut finished = false;
        for output in outputs {
            finished |= self.interpret(output);
        }
        finished
    }

    fn record(&mut self, at: Time, input: &Input, outputs: &[Output]) {
        let Some(recorder) = &mut self.recorder else {
            return;
        };
        if let Err(error) = recorder.step(at, input, outputs) {
            self.recorder = None;
            self.tell(Event::Trouble(format!(
                "the flight record can't be written, and ends here: {error}"
            )));
        }
    }

    fn flush_record(&mut self) {
        let Some(recorder) = &mut self.recorder else {
            return;
        };
        if let Err(error) = recorder.flush() {
            self.recorder = None;
            self.tell(Event::Trouble(format!(
                "the flight record can't be written, and ends here: {error}"
            )));
        }
    }

    /// Tells the engine, if it still listens.
    fn tell(&self, event: Event) {
        match &event {
            Event::Notice(notice) => tracing::info!(?notice),
            Event::Trouble(trouble) => tracing::warn!(trouble),
            Event::Action { .. } | Event::Answer { .. } => {}
        }
        let _ = self.events.send(event);
    }

    fn interpret(&mut self, output: Output) -> bool {
        match output {
            Output::Execute {
                id,
                not_after,
                action,
                ..
            } => self.execute(id, not_after, action),
            Output::List {
                request,
                all,
                claims,
            } => self.list(request, ListWish { all, claims }),
            Output::Watch { request, from } => self.watch(request, from),
            Output::Close { request } => {
                if let Some(stream) = self.streams.remove(&request) {
                    stream.abort();
                }
            }
            Output::Lease(wish) => {
                tracing::debug!(?wish, "lease");
                self.keep_lease(wish);
            }
            Output::Notice(notice) => self.tell(Event::Notice(notice)),
            Output::Status(status) => {
                self.status.send_replace(status);
            }
            Output::Finished => return true,
        }
        false
    }

    fn execute(&mut self, id: ActionId, not_after: Time, action: Action) {
        tracing::debug!(action = id.0, ?action, "begun");
        let request = self.requests.request(&action);
        if self.effects {
            self.tell(Event::Action { id, action });
        }
        let (clock, cluster, inputs) = (self.clock, self.cluster.clone(), self.inputs.clone());
        let owed_within = duration(self.request_timeout);
        self.tasks.spawn(async move {
            let outcome = match request {
                Err(refusal) => Outcome::Refused(refusal),
                Ok(_) if clock.now() > not_after => Outcome::Refused(Refusal::TooLate),
                Ok(request) => timeout(owed_within, cluster.execute(request))
                    .await
                    .unwrap_or(Outcome::Unclear(Failure::TimedOut)),
            };
            // Nobody waits for it after the end.
            let _ = inputs.send(Input::Answered {
                action: id,
                outcome,
            });
            Done::Nothing
        });
    }

    fn list(&mut self, request: RequestId, wish: ListWish) {
        let started = self.clock.now();
        let (cluster, inputs) = (self.cluster.clone(), self.inputs.clone());
        let at_most = duration(self.request_timeout);
        let task = self.tasks.spawn(async move {
            let outcome = timeout(at_most, cluster.list(wish))
                .await
                .unwrap_or(Err(Failure::TimedOut));
            let _ = inputs.send(Input::Listed {
                request,
                started,
                outcome,
            });
            Done::Stream(request)
        });
        self.streams.insert(request, task);
    }

    fn watch(&mut self, request: RequestId, from: Revision) {
        let (cluster, inputs) = (self.cluster.clone(), self.inputs.clone());
        let at_most = duration(self.request_timeout);
        let task = self.tasks.spawn(async move {
            let end = follow(cluster, request, from, at_most, &inputs).await;
            let event = WatchEvent::Ended(end);
            let _ = inputs.send(Input::Watched { request, event });
            Done::Stream(request)
        });
        self.streams.insert(request, task);
    }

    fn keep_lease(&mut self, wish: LeaseWish) {
        // The controller has one wish at a time.
        let Some(lease) = self.lease.take() else {
            return;
        };
        let (clock, cluster) = (self.clock, self.cluster.clone());
        let third = Span(self.controller.config().living.lease_duration.0 / 3);
        let at_most = duration(third.min(self.request_timeout));
        self.tasks.spawn(async move {
            match lease {
                Lease::Off => Done::Lease(Lease::Off, lease::always_ours(&wish)),
                Lease::On(mut keeper) => {
                    let asked = fulfil(clock, &*cluster, &mut keeper, wish);
                    let news = timeout(at_most, asked).await;
                    let news = news.unwrap_or(LeaseNews::Failed(Failure::TimedOut));
                    Done::Lease(Lease::On(keeper), news)
                }
            }
        });
    }
}

/// Passes a watch's events on, until it ends.
async fn follow(
    cluster: Arc<dyn Cluster>,
    request: RequestId,
    from: Revision,
    at_most: Duration,
    inputs: &mpsc::UnboundedSender<Input>,
) -> WatchEnd {
    let opened = timeout(at_most, cluster.watch(from)).await;
    let mut events = match opened.unwrap_or(Err(WatchEnd::Failed(Failure::TimedOut))) {
        Ok(events) => events,
        Err(end) => return end,
    };
    while let Some(event) = events.next().await {
        match event {
            WatchEvent::Ended(end) => return end,
            event => {
                if inputs.send(Input::Watched { request, event }).is_err() {
                    break;
                }
            }
        }
    }
    WatchEnd::Closed
}

async fn fulfil(
    clock: Clock,
    cluster: &dyn Cluster,
    keeper: &mut LeaseKeeper,
    wish: LeaseWish,
) -> LeaseNews {
    let mut step = keeper.begin(clock.now(), Timestamp::now(), wish);
    loop {
        match step {
            LeaseStep::Say(news) => return news,
            LeaseStep::Ask(request) => {
                let answer = cluster.lease(request).await;
                step = keeper.answered(clock.now(), Timestamp::now(), answer);
            }
        }
    }
}

fn duration(span: Span) -> Duration {
    Duration::from_millis(span.0)
}
