//! A controller that is told one input after another, and what came out of it.

use super::{moves::Knobs, world::FLEET};
use evenkeel_core::{
    ActionId, Config, Controller, ExecutorId, Input, Output, RequestId, Revision, Time, Uid,
    input::{
        ClaimView, ContainerView, DesiredChange, GroupWish, Labels, LeaseNews, Listing, Memory,
        Outcome, Phase, PodView, WatchEvent,
    },
    output::{Action, Cause, Notice},
};
use std::collections::BTreeMap;

/// A controller that holds the lease, and everything that came out of it since it was last looked at.
pub struct Story {
    pub controller: Controller,
    pub now: Time,
    pub outputs: Vec<Output>,
    pub watch: RequestId,
}

impl Story {
    /// Begins with this first listing, at revision 10, as incarnation 2.
    pub fn begin(target: u64, pods: Vec<PodView>) -> Self {
        Self::with(Knobs::PLAIN, target, pods)
    }

    /// The same with these knobs, but for the lease and the protection.
    pub fn with(knobs: Knobs, target: u64, pods: Vec<PodView>) -> Self {
        let knobs = Knobs {
            lease: true,
            protection: 0,
            ..knobs
        };
        Self::with_config(knobs.config(), target, pods)
    }

    /// The same with that config.
    pub fn with_config(config: Config, target: u64, pods: Vec<PodView>) -> Self {
        let controller = Controller::new(config, FLEET.into());
        let mut story = Self {
            controller,
            now: Time(0),
            outputs: Vec::new(),
            watch: RequestId(0),
        };
        let wish = GroupWish {
            target,
            maximum: None,
            template: 7,
        };
        let whole = Some(BTreeMap::from([("a".into(), wish)]));
        story.tell(Input::Desired(DesiredChange {
            whole,
            ..DesiredChange::default()
        }));
        let until = Time::NEVER;
        story.tell(Input::Lease(LeaseNews::Held {
            incarnation: 2,
            until,
            memory: Memory::default(),
        }));
        story.list(10, pods);
        story
    }

    pub fn tell(&mut self, input: Input) {
        self.controller.handle(self.now, input);
        while let Some(output) = self.controller.poll() {
            if let Output::Watch { request, .. } = output {
                self.watch = request;
            }
            self.outputs.push(output);
        }
        self.controller
            .snapshot()
            .check_indices(self.controller.config())
            .expect("indices hold");
    }

    pub fn wait(&mut self, ms: u64) {
        self.now.0 += ms;
        self.tell(Input::Wake);
    }

    /// Answers the newest listing that was asked for.
    pub fn list(&mut self, revision: u64, pods: Vec<PodView>) {
        self.list_with(revision, pods, Vec::new());
    }

    pub fn list_with(&mut self, revision: u64, pods: Vec<PodView>, claims: Vec<ClaimView>) {
        let asked = self.outputs.iter().rev().find_map(|output| match output {
            Output::List { request, .. } => Some(*request),
            _ => None,
        });
        let revision = Revision::new(revision).expect("not 0");
        let outcome = Ok(Listing {
            revision,
            pods,
            claims,
            undecodable: Vec::new(),
        });
        let request = asked.expect("a listing was asked for");
        self.tell(Input::Listed {
            request,
            started: self.now,
            outcome,
        });
    }

    pub fn see(&mut self, view: PodView) {
        self.tell(Input::Watched {
            request: self.watch,
            event: WatchEvent::Seen(view),
        });
    }

    pub fn answer(&mut self, outcome: Outcome) {
        let newest = self.outputs.iter().rev().find_map(|output| match output {
            Output::Execute { id, .. } => Some(*id),
            _ => None,
        });
        self.tell(Input::Answered {
            action: newest.expect("an effect is under way"),
            outcome,
        });
    }

    /// Answers that action.
    pub fn answer_to(&mut self, action: u64, outcome: Outcome) {
        self.tell(Input::Answered {
            action: ActionId(action),
            outcome,
        });
    }

    /// Lets time pass until a listing is asked for.
    pub fn wait_for_listing(&mut self) {
        let asks = |output: &Output| matches!(output, Output::List { .. });
        while !self.outputs.iter().any(asks) {
            self.wait(1000);
        }
    }

    /// Answers the newest create.
    pub fn answer_newest_create(&mut self, outcome: Outcome) {
        let newest = self.outputs.iter().rev().find_map(|output| match output {
            Output::Execute {
                id,
                action: Action::Create { .. },
                ..
            } => Some(*id),
            _ => None,
        });
        self.answer_to(newest.expect("a create is under way").0, outcome);
    }

    /// The engine sets the group's target.
    pub fn set_target(&mut self, target: u64) {
        let wish = GroupWish {
            target,
            maximum: None,
            template: 7,
        };
        let groups = BTreeMap::from([("a".into(), wish)]);
        self.tell(Input::Desired(DesiredChange {
            groups,
            ..DesiredChange::default()
        }));
    }

    pub fn take(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.outputs)
    }

    pub fn lost(&self) -> Vec<(ExecutorId, Cause)> {
        let lost = self.outputs.iter().filter_map(|output| match output {
            Output::Notice(Notice::Lost {
                executor, cause, ..
            }) => Some((*executor, cause.clone())),
            _ => None,
        });
        lost.collect()
    }

    pub fn deletes(&self) -> Vec<Action> {
        let deletes = self.outputs.iter().filter_map(|output| match output {
            Output::Execute {
                action: action @ Action::Delete { .. },
                ..
            } => Some(action.clone()),
            _ => None,
        });
        deletes.collect()
    }
}

pub fn pod(id: ExecutorId, revision: u64, phase: Phase) -> PodView {
    let main = match phase {
        Phase::Failed => Some(ContainerView::Terminated {
            exit_code: 1,
            reason: "Error".into(),
        }),
        Phase::Running => Some(ContainerView::Running),
        _ => None,
    };
    let labels = Labels {
        executor: Some(id.to_string().into()),
        group: Some("a".into()),
        finished: false,
        template: Some(7),
    };
    let revision = Revision::new(revision).expect("not 0");
    PodView {
        phase,
        node: Some("node-1".into()),
        ready: phase == Phase::Running,
        main,
        ..PodView::accepted(id.pod_name(FLEET), labels, Uid::from("u-1"), revision)
    }
}

/// The executor that a story's first create is for.
pub const NEW: ExecutorId = ExecutorId::new(2, 1);

pub fn creates(outputs: &[Output]) -> usize {
    let create = |output: &&Output| {
        matches!(
            output,
            Output::Execute {
                action: Action::Create { .. },
                ..
            }
        )
    };
    outputs.iter().filter(create).count()
}
