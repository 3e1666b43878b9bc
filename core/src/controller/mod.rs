//! The sans-I/O driver: owns snapshot, desired and config, numbers actions, and decides when to list and watch.
//!
//! Expected flow: feed every input to [`Controller::handle`] with the moment it came; take all outputs with
//! [`Controller::poll`]; call again with [`Input::Wake`] at [`Controller::wake_at`] if nothing else came before.
//!
//! Guarantees: nothing else changes it, so the same inputs give the same outputs; after `handle`, [`reconcile`] on its
//! snapshot has nothing to decide and nothing to tell; it never fails and never panics on nonsense.

mod ending;
mod lease;
mod view;

use crate::{
    config::Config,
    input::{Input, Memory},
    output::Output,
    plan::{Plan, Status, WakeReason},
    reconcile::{Desired, reconcile},
    snapshot::{Change, Snapshot},
    words::{ActionId, Name, RequestId, Time},
};
use ending::Ending;
use lease::LeaseKeeping;
use serde::{Deserialize, Serialize};
use std::{collections::VecDeque, sync::Arc};
use view::Viewing;

/// Keeps one fleet: inputs in, outputs out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Controller {
    config: Config,
    snapshot: Snapshot,
    desired: Desired,
    next_action: ActionId,
    next_request: RequestId,
    viewing: Viewing,
    lease: LeaseKeeping,
    ending: Ending,
    status: Arc<Status>,
    wake: Option<(Time, WakeReason)>,
    outputs: VecDeque<Output>,
}

/// More passes than a plan can take to settle: each one either tells or starts something, and nothing twice.
const MOST_PASSES: u32 = 8;

impl Controller {
    /// A controller for the fleet of that name; it wants the lease first.
    #[must_use]
    pub fn new(config: Config, fleet: Name) -> Self {
        let snapshot = Snapshot::new(&config, fleet);
        Self {
            config,
            snapshot,
            desired: Desired::default(),
            next_action: ActionId(1),
            next_request: RequestId(1),
            viewing: Viewing::default(),
            lease: LeaseKeeping::default(),
            ending: Ending::default(),
            status: Arc::default(),
            wake: None,
            outputs: VecDeque::new(),
        }
    }

    /// Folds the input in, reconciles, folds the plan in, and queues the outputs: all of it before it returns.
    pub fn handle(&mut self, at: Time, input: Input) {
        let at = at.max(self.snapshot.now());
        if self.ending.is_finished() || !self.viewing.accepts(at, &input) {
            return;
        }
        if let Input::Desired(change) = &input {
            self.desired.apply(change);
        }
        self.snapshot.apply(&self.config, at, Change::Input(&input));
        self.note(at, &input);
        let mut plan = reconcile(&self.snapshot, &self.desired, &self.config);
        for _ in 0..MOST_PASSES {
            if plan.is_settled() {
                break;
            }
            self.issue(at, plan);
            plan = reconcile(&self.snapshot, &self.desired, &self.config);
        }
        self.run_lease(at);
        self.run_ending(at);
        self.run_view(at);
        self.wake = plan.wake;
        self.show(plan);
    }

    /// Takes the next output. Changes nothing else, so when it is called does not matter.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`Self::handle`] with [`Input::Wake`] if nothing else comes before.
    #[must_use]
    pub fn wake_at(&self) -> Option<(Time, WakeReason)> {
        if self.ending.is_finished() {
            return None;
        }
        let view = self.viewing.wake_at(&self.config, &self.snapshot);
        let lease = if self.ending.is_ending_lease() {
            self.ending.wake_at().filter(|_| !self.lease.is_open())
        } else {
            self.lease.wake_at(&self.snapshot)
        };
        [self.wake, view, lease].into_iter().flatten().min()
    }

    /// When the plan could next differ with no further input: without listings, watches and the lease.
    #[must_use]
    pub fn plan_wake(&self) -> Option<(Time, WakeReason)> {
        self.wake
    }

    /// What the next incarnation must know, as the lease's next renewal would write it down (LIVE-2).
    #[must_use]
    pub fn memory(&self) -> Memory {
        self.snapshot.memory(&self.config)
    }

    /// Everything known.
    #[must_use]
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Everything wanted.
    #[must_use]
    pub fn desired(&self) -> &Desired {
        &self.desired
    }

    /// The knobs.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// How the fleet stands.
    #[must_use]
    pub fn status(&self) -> &Arc<Status> {
        &self.status
    }

    /// Keeps what an input says of the view and the lease.
    fn note(&mut self, at: Time, input: &Input) {
        match input {
            Input::Listed { outcome, .. } => {
                self.viewing
                    .listed(&self.config, at, outcome, &self.snapshot);
            }
            Input::Watched { event, .. } => self.viewing.watched(&self.config, at, event),
            Input::Lease(news) => {
                self.lease.heard(&self.config, at, news);
                self.ending.heard(at, news);
                // The server answers: what waited because it did not, waits no more.
                if matches!(
                    news,
                    crate::input::LeaseNews::Held { .. } | crate::input::LeaseNews::Renewed { .. }
                ) {
                    self.viewing.reachable(&self.config, at);
                }
            }
            Input::Relist => self.viewing.relist(at),
            Input::Wake | Input::Desired(_) | Input::Engine(_) | Input::Answered { .. } => {}
        }
    }

    /// Sends out what was decided, and folds that in.
    fn issue(&mut self, at: Time, plan: Plan) {
        let first = self.next_action;
        self.snapshot
            .apply(&self.config, at, Change::Issued { plan: &plan, first });
        let not_after = self.snapshot.leading.not_after();
        self.outputs
            .extend(plan.notices.into_iter().map(Output::Notice));
        for decision in plan.decisions {
            let id = self.next_action;
            self.next_action = ActionId(id.0 + 1);
            self.outputs.push_back(Output::Execute {
                id,
                not_after,
                action: decision.action,
                why: decision.why,
            });
        }
    }

    fn show(&mut self, plan: Plan) {
        let at_target = self.is_at_target(&plan);
        let status = Status {
            groups: plan.groups,
            findings: plan.findings,
            at_target,
        };
        if *self.status != status {
            self.status = Arc::new(status);
            self.outputs.push_back(Output::Status(self.status.clone()));
        }
    }

    fn is_at_target(&self, plan: &Plan) -> bool {
        let groups = &self.snapshot.groups;
        self.snapshot.is_acting()
            && plan.groups.iter().all(|(group, status)| {
                let tally = groups
                    .get(group)
                    .map(|facts| facts.tally)
                    .unwrap_or_default();
                status.counting == status.target
                    && (tally.well == tally.counting || planted!(self.config, ReadyTooEarly))
                    && tally.leaving == 0
                    && tally.open == 0
            })
    }

    fn request(&mut self) -> RequestId {
        let request = self.next_request;
        self.next_request = RequestId(request.0 + 1);
        request
    }
}
