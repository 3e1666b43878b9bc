//! The controller of a story, and what stands in for its shell and cluster: every output is taken, every action is
//! answered as the file says.

use super::{
    done::{Done, name, told},
    pods::{self, Cluster, Known},
    words::{Answer, Reply},
};
use evenkeel::core::{
    ActionId, Config, Controller, ExecutorId, Group, Input, Name, Output, RequestId, Revision,
    Span, Time,
    input::{
        ClaimView, Failure, Labels, LeaseNews, Listing, Memory, MemoryView, Outcome, PodView,
        Refusal, WatchEvent,
    },
    output::{Action, LeaseWish, Notice},
};
use serde::Serialize;
use std::collections::{BTreeMap, VecDeque};

/// More outputs than any story can lead to without time passing.
const MOST_TURNS: u32 = 3_000;
/// More executors than a story can have.
const MOST_WANTED: u32 = 20_000;
/// Up to so many executors the indices are held to a full scan after every input (in debug builds).
const MOST_SCANNED: usize = 200;
/// When the story begins by the cluster's clock: what it shows may be older.
const BEGINNING: Time = Time(1 << 48);
/// When it begins by the controller's own.
const LOCAL_BEGINNING: Time = Time(1 << 40);

/// Which requests are answered how.
#[derive(Clone, Copy, Debug)]
pub struct Replies {
    pub create: Reply,
    pub delete: Reply,
    pub label: Reply,
    pub resize: Reply,
    pub claim: Reply,
    pub list: Reply,
}

/// A line of a story as it went.
#[derive(Clone, Debug, Serialize)]
pub struct Told {
    /// When, in milliseconds of the story.
    pub at_ms: u64,
    /// The step, counted from 1; 0 before the first.
    pub step: usize,
    /// `in` for what the controller was told, `out` for what it did.
    pub direction: &'static str,
    /// What.
    pub what: String,
    /// The rule behind it, where the controller says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

/// A story under way.
pub struct Stage {
    pub config: Config,
    pub controller: Controller,
    pub cluster: Cluster,
    pub replies: Replies,
    pub done: Done,
    pub story: Vec<Told>,
    /// The story's clock.
    pub now: Time,
    pub step: usize,
    /// When this controller began.
    started: Time,
    /// Answers that are due.
    answers: VecDeque<Input>,
    /// Effects that wait for an `answer` step.
    pub held: BTreeMap<ActionId, Action>,
    listing: Option<Asked>,
    watch: Option<RequestId>,
    /// The watch is open, and says nothing more.
    silent: bool,
    /// What happened while no watch was open.
    missed: Vec<WatchEvent>,
    /// The next listing asked for is the file's own doing.
    unasked: bool,
    /// A wish for the lease, where another one has it.
    wish: Option<LeaseWish>,
    lease_lost: bool,
    pub finished: bool,
    limits: BTreeMap<Group, Option<MemoryView>>,
    templates: BTreeMap<Group, u64>,
}

#[derive(Clone, Copy, Debug)]
struct Asked {
    request: RequestId,
    at: Time,
    claims: bool,
}

/// The story goes on for ever without time passing.
#[derive(Debug)]
pub struct Endless;

impl Stage {
    pub fn new(
        config: Config,
        limits: BTreeMap<Group, Option<MemoryView>>,
        templates: BTreeMap<Group, u64>,
    ) -> Self {
        let fleet: Name = "story".into();
        Self {
            controller: Controller::new(config.clone(), fleet.clone()),
            config,
            cluster: Cluster::new(fleet),
            replies: Replies {
                create: Reply::OK,
                delete: Reply::OK,
                label: Reply::OK,
                resize: Reply::OK,
                claim: Reply::OK,
                list: Reply::OK,
            },
            done: Done::default(),
            story: Vec::new(),
            now: BEGINNING,
            step: 0,
            started: BEGINNING,
            answers: VecDeque::new(),
            held: BTreeMap::new(),
            listing: None,
            watch: None,
            silent: false,
            missed: Vec::new(),
            unasked: false,
            wish: None,
            lease_lost: false,
            finished: false,
            limits,
            templates,
        }
    }

    /// The incarnation that runs.
    pub fn incarnation(&self) -> u32 {
        self.controller.snapshot().incarnation()
    }

    /// The controller's own clock. It does not begin at 0, so that a story may speak of listings asked for before that.
    pub fn local(&self) -> Time {
        LOCAL_BEGINNING.after(self.now.since(self.started))
    }

    /// A pod that nobody asked for, or that was asked for before it was shown.
    pub fn known(&self, id: ExecutorId, group: &Group) -> Known {
        self.cluster
            .pods
            .get(&id)
            .cloned()
            .unwrap_or_else(|| Known {
                group: group.clone(),
                template: self.templates.get(group).copied().unwrap_or(0),
                made: self.now,
                shown: None,
                answered: None,
                exists: true,
                memory: self.limits.get(group).copied().flatten(),
                claims: Vec::new(),
            })
    }

    /// Takes the lease and makes the first listing, as every controller does first.
    pub fn begin(
        &mut self,
        incarnation: u32,
        memory: Memory,
        first: Vec<PodView>,
    ) -> Result<(), Endless> {
        let (lists, watches) = (self.done.list, self.done.watch);
        let until = Time::NEVER;
        self.tell(Input::Lease(LeaseNews::Held {
            incarnation,
            until,
            memory,
        }));
        self.settle()?;
        self.list(first, None, None)?;
        // The first ones of a controller are not counted.
        (self.done.list, self.done.watch) = (lists, watches);
        Ok(())
    }

    /// The controller dies with all it knew; another one starts. What is to become of the lease's memory is the caller's.
    pub fn crash(&mut self) -> Memory {
        // What is remembered is as old as it is by now.
        self.tell(Input::Wake);
        let memory = self.controller.memory();
        self.answers.clear();
        self.held.clear();
        self.listing = None;
        self.watch = None;
        self.silent = false;
        self.missed.clear();
        self.wish = None;
        self.unasked = false;
        self.lease_lost = false;
        self.started = self.now;
        self.controller = Controller::new(self.config.clone(), self.cluster.fleet.clone());
        memory
    }

    /// Tells the controller something.
    pub fn tell(&mut self, input: Input) {
        let at = self.local();
        let what = said(&input);
        self.say("in", what, None);
        self.handle(at, input);
    }

    fn handle(&mut self, at: Time, input: Input) {
        self.controller.handle(at, input);
        let snapshot = self.controller.snapshot();
        debug_assert!(
            snapshot.executors().take(MOST_SCANNED).count() == MOST_SCANNED
                || snapshot.check_indices(&self.config) == Ok(()),
            "what is derived is not what a full scan gives"
        );
    }

    /// Tells it, and lets it come to rest.
    pub fn tell_and_settle(&mut self, input: Input) -> Result<(), Endless> {
        self.tell(input);
        self.settle()
    }

    /// Takes every output and gives every answer that is due, until there is nothing more.
    pub fn settle(&mut self) -> Result<(), Endless> {
        let wishes = self.controller.desired().groups.values();
        let wanted = wishes.map(|wish| wish.target).fold(0, u64::saturating_add);
        // Each executor that is wanted has its answers.
        let most = MOST_TURNS + u32::try_from(wanted).unwrap_or(u32::MAX).min(MOST_WANTED) * 4;
        for _ in 0..most {
            while let Some(output) = self.controller.poll() {
                self.take(output);
            }
            let Some(input) = self.answers.pop_front() else {
                return Ok(());
            };
            self.tell(input);
        }
        Err(Endless)
    }

    /// Virtual time passes: every wake-up is delivered at its own moment.
    pub fn advance(&mut self, span: Span) -> Result<(), Endless> {
        let end = self.now.after(span);
        let mut turns = 0;
        while turns < MOST_TURNS {
            let wake = self
                .controller
                .wake_at()
                .map(|(at, _)| self.started.after(at.since(LOCAL_BEGINNING)));
            let Some(at) = wake.filter(|at| *at <= end) else {
                self.now = end;
                return Ok(());
            };
            turns = if at > self.now { 0 } else { turns + 1 };
            self.now = at.max(self.now);
            let at = self.local();
            self.handle(at, Input::Wake);
            self.settle()?;
        }
        Err(Endless)
    }

    /// A watch event of that pod. Where no watch is open it comes with the next one, as a server would have it.
    pub fn event(&mut self, event: WatchEvent) -> Result<(), Endless> {
        match self.watch {
            Some(request) => self.tell_and_settle(Input::Watched { request, event }),
            None if self.silent => {
                let what = "an event that nobody sees: the watch is silent";
                self.say("in", what.to_owned(), None);
                Ok(())
            }
            None => {
                self.missed.push(event);
                Ok(())
            }
        }
    }

    /// The watch ends.
    pub fn end_watch(&mut self, end: evenkeel::core::input::WatchEnd) -> Result<(), Endless> {
        match self.watch.take() {
            Some(request) => {
                let event = WatchEvent::Ended(end);
                self.tell_and_settle(Input::Watched { request, event })
            }
            None => Ok(()),
        }
    }

    /// The watch says nothing more.
    pub fn silence_watch(&mut self) {
        self.watch = None;
        self.silent = true;
    }

    /// A whole listing, whether one was asked for or not.
    pub fn list(
        &mut self,
        pods: Vec<PodView>,
        started: Option<Time>,
        revision: Option<Revision>,
    ) -> Result<(), Endless> {
        if self.listing.is_none() {
            self.unasked = true;
            self.tell_and_settle(Input::Relist)?;
            self.unasked = false;
        }
        let Some(asked) = self.listing.take() else {
            self.say("in", "a listing that nobody asked for".to_owned(), None);
            return Ok(());
        };
        let revision = revision.unwrap_or_else(|| self.cluster.next_revision());
        let claims = if asked.claims {
            self.cluster.claim_views(self.now)
        } else {
            Vec::new()
        };
        self.tell_and_settle(Input::Listed {
            request: asked.request,
            started: started.unwrap_or_else(|| asked.at.max(self.local())),
            outcome: Ok(Listing {
                revision,
                pods,
                claims,
                undecodable: Vec::new(),
            }),
        })
    }

    /// Another one takes the lease.
    pub fn lose_lease(&mut self) -> Result<(), Endless> {
        self.lease_lost = true;
        self.tell_and_settle(Input::Lease(LeaseNews::Lost))
    }

    /// The lease is ours again, as a new incarnation.
    pub fn win_lease(&mut self) -> Result<(), Endless> {
        self.lease_lost = false;
        self.wish = None;
        let news = LeaseNews::Held {
            incarnation: self.incarnation() + 1,
            until: Time::NEVER,
            memory: Memory::default(),
        };
        self.tell_and_settle(Input::Lease(news))
    }

    fn say(&mut self, direction: &'static str, what: String, rule: Option<String>) {
        self.story.push(Told {
            at_ms: self.now.since(BEGINNING).0,
            step: self.step,
            direction,
            what,
            rule,
        });
    }

    fn take(&mut self, output: Output) {
        match output {
            Output::Execute {
                id, action, why, ..
            } => {
                let text = self.name_action(&action);
                self.say("out", text, Some(why.rule().to_owned()));
                self.note(&action);
                self.execute(id, action);
            }
            Output::List {
                request, claims, ..
            } => {
                if !self.unasked {
                    self.done.list += 1;
                }
                self.say("out", "list".to_owned(), None);
                let at = self.local();
                self.listing = Some(Asked {
                    request,
                    at,
                    claims,
                });
                if let Some(failure) = self.listing_fails() {
                    self.listing = None;
                    self.answers.push_back(Input::Listed {
                        request,
                        started: at,
                        outcome: Err(failure),
                    });
                }
            }
            Output::Watch { request, .. } => {
                self.done.watch += 1;
                self.say("out", "watch".to_owned(), None);
                self.watch = Some(request);
                self.silent = false;
                let missed = std::mem::take(&mut self.missed).into_iter();
                let inputs = missed.map(|event| Input::Watched { request, event });
                self.answers.extend(inputs);
            }
            Output::Close { request } => {
                self.watch = self.watch.filter(|watch| *watch != request);
                self.listing = self.listing.filter(|asked| asked.request != request);
            }
            Output::Lease(wish) => self.keep_lease(wish),
            Output::Notice(notice) => self.hear(&notice),
            Output::Status(_) => {}
            Output::Finished => {
                self.say("out", "finished".to_owned(), None);
                self.finished = true;
            }
        }
    }

    fn keep_lease(&mut self, wish: LeaseWish) {
        if self.lease_lost {
            self.wish = Some(wish);
            return;
        }
        match wish {
            LeaseWish::Take => {}
            LeaseWish::Renew { .. } => {
                let until = Time::NEVER;
                self.answers
                    .push_back(Input::Lease(LeaseNews::Renewed { until }));
            }
            LeaseWish::GiveUp | LeaseWish::Remove => {
                self.answers.push_back(Input::Lease(LeaseNews::Gone));
            }
        }
    }

    fn hear(&mut self, notice: &Notice) {
        let incarnation = self.incarnation();
        let name = |id: &ExecutorId| name(*id, incarnation);
        let (what, rule) = match notice {
            Notice::Started { executor, .. } => (format!("started {}", name(executor)), None),
            Notice::Drain {
                executor,
                why,
                deadline,
            } => {
                self.done.drain.insert(*executor);
                let left = deadline.since(self.local());
                (
                    format!("drain {}, within {} ms", name(executor), left.0),
                    Some(why.rule().to_owned()),
                )
            }
            Notice::Refuse { executor } => {
                self.done.refuse.insert(*executor);
                (
                    format!("refuse {}", name(executor)),
                    Some("Shrink3".to_owned()),
                )
            }
            Notice::Lost {
                executor, cause, ..
            } => {
                self.done.lose.insert(*executor, cause.clone());
                (
                    format!("lost {}: {}", name(executor), told(cause)),
                    Some("End1".to_owned()),
                )
            }
            Notice::Raised(finding) => {
                let word = word(finding);
                let what = format!("finding {word}");
                self.done.finding.insert(word);
                (what, None)
            }
            Notice::Cleared(finding) => (format!("over: finding {}", word(finding)), None),
            Notice::Halted => {
                self.done.halt = true;
                ("halted".to_owned(), Some("Fail1".to_owned()))
            }
            Notice::Backoff { group, until } => {
                let what = match until {
                    Some(at) => {
                        let left = at.since(self.local());
                        format!("group {group} backs off, next probe in {} ms", left.0)
                    }
                    None => format!("group {group} backs off no more"),
                };
                (what, Some("Fail2".to_owned()))
            }
        };
        self.say("out", what, rule);
    }

    fn name_action(&self, action: &Action) -> String {
        let name = |id: &ExecutorId| name(*id, self.incarnation());
        match action {
            Action::Create {
                executor,
                group,
                claims,
                ..
            } => match claims.first() {
                Some(claim) => format!("create {} ({group}) with claim {claim}", name(executor)),
                None => format!("create {} ({group})", name(executor)),
            },
            Action::Delete { executor, .. } => format!("delete {}", name(executor)),
            Action::MarkFinished { executor, .. } => format!("label {}", name(executor)),
            Action::Resize {
                executor, memory, ..
            } => format!("resize {} to {memory} bytes", name(executor)),
            Action::CreateClaim { name, group } => format!("create claim {name} ({group})"),
            Action::DeleteClaim { name } => format!("delete claim {name}"),
        }
    }

    /// Writes down what was asked for.
    fn note(&mut self, action: &Action) {
        let done = &mut self.done;
        match action {
            Action::Create {
                executor,
                group,
                claims,
                ..
            } => {
                done.create.insert(*executor, group.clone());
                let reused = claims
                    .iter()
                    .find(|claim| !done.create_claim.contains(*claim));
                if let Some(claim) = reused {
                    done.reuse_claim.insert(*executor, claim.clone());
                }
            }
            Action::Delete { executor, .. } => {
                done.delete.insert(*executor);
            }
            Action::MarkFinished { executor, .. } => {
                done.label.insert(*executor);
            }
            Action::Resize {
                executor, memory, ..
            } => {
                done.resize.insert(*executor, *memory);
            }
            Action::CreateClaim { name, .. } => {
                done.create_claim.insert(name.clone());
            }
            Action::DeleteClaim { name } => {
                done.delete_claim.insert(name.clone());
            }
        }
    }

    fn execute(&mut self, id: ActionId, action: Action) {
        let reply = match &action {
            Action::Create { .. } => take(&mut self.replies.create),
            Action::Delete { .. } => take(&mut self.replies.delete),
            Action::MarkFinished { .. } => take(&mut self.replies.label),
            Action::Resize { .. } => take(&mut self.replies.resize),
            Action::CreateClaim { .. } | Action::DeleteClaim { .. } => {
                take(&mut self.replies.claim)
            }
        };
        if reply.answer == Answer::Silence {
            self.held.insert(id, action);
            return;
        }
        self.answer(id, &action, reply);
    }

    /// Answers an effect.
    pub fn answer(&mut self, id: ActionId, action: &Action, reply: Reply) {
        let outcome = self.outcome(action, reply);
        self.answers.push_back(Input::Answered {
            action: id,
            outcome,
        });
    }

    fn outcome(&mut self, action: &Action, reply: Reply) -> Outcome {
        let refused = Outcome::Refused;
        match reply.answer {
            Answer::Ok => self.carry_out(action),
            Answer::Lost => {
                self.carry_out(action);
                Outcome::Unclear(Failure::TimedOut)
            }
            Answer::Timeout | Answer::Silence => Outcome::Unclear(Failure::TimedOut),
            Answer::ServerError => Outcome::Unclear(Failure::Server(500)),
            Answer::Exists => match action {
                Action::Create { .. } => {
                    self.carry_out(action);
                    self.exists(action)
                }
                _ => self.carry_out(action),
            },
            Answer::ExistsOther => match action {
                Action::Create { executor, .. } => {
                    let mut view = pods_view(&self.cluster, *executor, action);
                    view.labels = Labels::default();
                    view.uid = pods::uid(*executor, Some("stranger"));
                    view.revision = self.cluster.next_revision();
                    Outcome::Exists(Some(Box::new(view)))
                }
                _ => Outcome::Changed,
            },
            Answer::NotFound => match action {
                Action::Create { .. } => Outcome::Exists(None),
                _ => Outcome::Absent,
            },
            Answer::Conflict => match action {
                Action::Create { .. } => refused(Refusal::QuotaRace),
                _ => Outcome::Changed,
            },
            Answer::Quota => refused(Refusal::Quota("exceeded quota".into())),
            Answer::QuotaConflict => refused(Refusal::QuotaRace),
            Answer::Terminating => refused(Refusal::NamespaceGone),
            Answer::Forbidden => refused(Refusal::Forbidden("forbidden by the story".into())),
            Answer::Invalid => refused(Refusal::Invalid("invalid by the story".into())),
            Answer::Throttled => refused(Refusal::Throttled {
                retry_after_ms: reply.retry_after.map(|after| after.0.0),
            }),
        }
    }

    /// What the server answers where nothing goes wrong.
    fn carry_out(&mut self, action: &Action) -> Outcome {
        match action {
            Action::Create {
                executor,
                group,
                claims,
                ..
            } => {
                if self
                    .cluster
                    .pods
                    .get(executor)
                    .is_some_and(|known| known.exists)
                {
                    return self.exists(action);
                }
                let mut known = self.known(*executor, group);
                let revision = self.cluster.next_revision();
                known.claims.clone_from(claims);
                known.answered = Some((revision, self.local()));
                self.cluster.pods.insert(*executor, known);
                Outcome::Done {
                    revision: Some(revision),
                    uid: Some(pods::uid(*executor, None)),
                }
            }
            Action::Delete { executor, uid, .. } => {
                let known = self.cluster.pods.get(executor);
                if uid.is_none() && !known.is_some_and(|known| known.exists) {
                    return Outcome::Absent;
                }
                self.written(uid.clone().or_else(|| Some(pods::uid(*executor, None))))
            }
            Action::MarkFinished { uid, .. } => self.written(Some(uid.clone())),
            Action::Resize {
                executor,
                uid,
                memory,
                ..
            } => {
                if let Some(known) = self.cluster.pods.get_mut(executor)
                    && let Some(view) = &mut known.memory
                {
                    view.asked = *memory;
                    view.limit = *memory;
                }
                self.written(Some(uid.clone()))
            }
            Action::CreateClaim { name, group } => {
                let revision = self.cluster.next_revision();
                let wanted = self.config.group(group).claims.as_ref();
                let view = ClaimView {
                    name: name.clone(),
                    revision,
                    group: group.clone(),
                    class: wanted.and_then(|wanted| wanted.class.clone()),
                    bytes: wanted.map_or(0, |wanted| wanted.bytes),
                    age_ms: 0,
                    deleting: false,
                };
                self.cluster.claims.entry(name.clone()).or_insert(view);
                self.cluster
                    .claims_made
                    .entry(name.clone())
                    .or_insert(self.now);
                Outcome::Done {
                    revision: Some(revision),
                    uid: None,
                }
            }
            Action::DeleteClaim { name } => match self.cluster.claims.remove(name) {
                Some(_) => self.written(None),
                None => Outcome::Absent,
            },
        }
    }

    fn written(&mut self, uid: Option<evenkeel::core::Uid>) -> Outcome {
        Outcome::Done {
            revision: Some(self.cluster.next_revision()),
            uid,
        }
    }

    /// AlreadyExists, and our own pod.
    fn exists(&mut self, action: &Action) -> Outcome {
        let Action::Create { executor, .. } = action else {
            return Outcome::Exists(None);
        };
        let view = pods_view(&self.cluster, *executor, action);
        let revision = match self
            .cluster
            .pods
            .get(executor)
            .and_then(|known| known.answered)
        {
            Some((revision, _)) => revision.max(view.revision),
            None => self.cluster.next_revision(),
        };
        let age_ms = self
            .cluster
            .pods
            .get(executor)
            .map_or(0, |known| self.now.since(known.made).0);
        Outcome::Exists(Some(Box::new(PodView {
            revision,
            age_ms,
            ..view
        })))
    }

    fn listing_fails(&mut self) -> Option<Failure> {
        Some(match take(&mut self.replies.list).answer {
            Answer::Timeout | Answer::Lost => Failure::TimedOut,
            Answer::ServerError => Failure::Server(500),
            Answer::Throttled => Failure::Throttled,
            Answer::Forbidden => Failure::Forbidden,
            _ => return None,
        })
    }
}

/// The pod as it was last shown, or as it is when it has just been made.
fn pods_view(cluster: &Cluster, id: ExecutorId, action: &Action) -> PodView {
    let Some(known) = cluster.pods.get(&id) else {
        let group = match action {
            Action::Create { group, .. } => group.clone(),
            _ => Group::from(""),
        };
        let known = Known {
            group,
            template: 0,
            made: BEGINNING,
            shown: None,
            answered: None,
            exists: false,
            memory: None,
            claims: Vec::new(),
        };
        return cluster.fresh(id, &known);
    };
    known
        .shown
        .clone()
        .unwrap_or_else(|| cluster.fresh(id, known))
}

/// The reply to the next request; one that is for so many times only is used up.
fn take(reply: &mut Reply) -> Reply {
    let now = *reply;
    match &mut reply.times {
        Some(0) => {
            *reply = Reply::OK;
            return Reply::OK;
        }
        Some(left) => *left -= 1,
        None => {}
    }
    now
}

/// The snake-case word of a finding or an unmet reason, without its subject.
pub fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(text)) => text,
        Ok(serde_json::Value::Object(map)) => map.keys().next().cloned().unwrap_or_default(),
        _ => String::new(),
    }
}

/// What the controller was told, in short.
fn said(input: &Input) -> String {
    match input {
        Input::Wake => "time has passed".to_owned(),
        Input::Relist => "a listing is wanted".to_owned(),
        Input::Desired(_) => "the engine changes what it wants".to_owned(),
        Input::Engine(report) => format!("engine: {report:?}"),
        Input::Lease(news) => match news {
            LeaseNews::Held { incarnation, .. } => {
                format!("lease: held, incarnation {incarnation}")
            }
            news => format!("lease: {news:?}"),
        },
        Input::Listed {
            outcome: Ok(listing),
            ..
        } => {
            let names: Vec<&str> = listing.pods.iter().map(|pod| &*pod.name).collect();
            format!("listed at {}: [{}]", listing.revision, names.join(", "))
        }
        Input::Listed {
            outcome: Err(failure),
            ..
        } => format!("the listing failed: {failure:?}"),
        Input::Watched { event, .. } => match event {
            WatchEvent::Seen(view) => {
                format!("seen at {}: {} {}", view.revision, view.name, shows(view))
            }
            WatchEvent::Left(view) => format!("left at {}: {}", view.revision, view.name),
            event => format!("watch: {event:?}"),
        },
        Input::Answered { action, outcome } => {
            format!("action {} answered: {}", action.0, answered(outcome))
        }
    }
}

fn shows(view: &PodView) -> String {
    let going = if view.deleting.is_some() {
        ", going"
    } else {
        ""
    };
    format!("{:?}{going}", view.phase)
}

fn answered(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done { .. } => "done".to_owned(),
        Outcome::Exists(Some(_)) => "there is one of that name".to_owned(),
        Outcome::Exists(None) => "there was one of that name, and is no more".to_owned(),
        Outcome::Absent => "not found".to_owned(),
        Outcome::Changed => "conflict".to_owned(),
        Outcome::Refused(refusal) => format!("refused, {refusal:?}"),
        Outcome::Unclear(failure) => format!("unclear, {failure:?}"),
    }
}
