//! What one controller was told and has said of one executor, and what its effects are about.

use super::truth::End;
use evenkeel::core::{
    Group, Revision, Time, Uid,
    input::PodView,
    output::{Action, Cause, Why},
};
use serde::Serialize;
use std::collections::BTreeSet;

/// An effect that was asked for.
#[derive(Clone, Debug, Serialize)]
pub struct Effect {
    /// What.
    pub action: Action,
    /// The rule behind it.
    pub why: Why,
    /// When, by the world's clock.
    pub at: Time,
}

/// What one controller was told and has said of one executor.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Executor {
    /// Its group.
    pub group: Group,
    /// The effects of its own that have no answer.
    pub open: u32,
    /// Its creates: how many it asked for.
    pub creates: u32,
    /// Its create was answered for good, or it was shown: it is there, or was.
    pub definite: bool,
    /// A create of it was answered otherwise than by a refusal.
    pub maybe_made: bool,
    /// It was shown, or its create was answered done.
    pub uid: Option<Uid>,
    /// The newest revision that it was shown at.
    pub shown: Option<Revision>,
    /// The same, but for listings that may have been kept aside (SHRINK-5): it need not have looked at them.
    pub(super) surely_shown: Option<Revision>,
    /// It was shown, or said to have started, as one of an earlier incarnation: it was taken in (SEE-3). One of a later
    /// incarnation is not looked at before the lease is taken anew.
    pub(super) taken_in: bool,
    /// It was shown as gone.
    pub gone: bool,
    /// That was by a listing that lacked it, which may have lacked more than was right.
    pub(super) lacking: bool,
    /// And it is not yet said whether that listing was kept aside (SHRINK-5).
    pub(super) gone_doubted: bool,
    /// The revision and the end that it was shown before a listing of which that is not yet said.
    pub(super) before_doubt: Option<(Option<Revision>, Option<End>)>,
    /// It was never shown, and a listing that was asked for after its create had been answered lacked it.
    pub(super) lacked: bool,
    /// How many effects had been answered when its create was, the last time.
    #[serde(skip)]
    pub(super) answered: u64,
    /// The first end that it was shown.
    pub end: Option<End>,
    /// That was by a listing that may have been kept aside (SHRINK-5): it need not have looked at it.
    pub(super) end_doubted: bool,
    /// The revision at which its create was answered done.
    pub made: Option<Revision>,
    /// A write that was answered done closes when it was shown at this revision.
    pub closes_at: Option<Revision>,
    /// The last effect that failed.
    pub failed: Option<Failed>,
    /// The effects that were answered done, and on which pod.
    pub done: BTreeSet<(&'static str, Option<Uid>)>,
    /// The engine said that it registered.
    pub registered: bool,
    /// The engine was asked to drain it, by the world's clock then.
    pub draining: Option<Time>,
    /// The rule behind that, the last time.
    pub(super) drained_for: Option<Why>,
    /// The engine said that it is drained.
    pub drained: bool,
    /// That was while nothing was wanted of its group: it goes, whoever asked for it, though it may have to wait for its
    /// delete until the group is wanted again (SHRINK-4).
    pub(super) drained_unwanted: bool,
    /// Its create was refused for good, or its name is a stranger's.
    pub rejected: bool,
    /// Its delete was asked for before anything of its end was shown.
    pub deleted_first: bool,
    /// The memory that it was last given.
    pub resized: Option<u64>,
    /// Its last delete was bound to a revision: it may come too late, and then the executor is let live.
    pub bound: bool,
    /// The answer to a delete of it was lost: it may have landed.
    pub maybe_deleted: bool,
    /// The engine said that it will be lost.
    pub disrupted: bool,
    /// The engine let it go or killed it.
    pub let_go: bool,
    /// The engine said that it is idle.
    pub idle: bool,
    /// A deletion was decided.
    pub condemned: bool,
    /// It was to be deleted by name, when nobody knew whether it was there.
    pub withdrawn: bool,
    /// It was shown leaving the view, neither ended nor deleted.
    pub strayed: bool,
    /// A ghost of its name that was last shown leaving the view like that, and at which revision.
    pub(super) ghost_strayed: Option<(Uid, Revision)>,
    /// The engine was told its end.
    pub lost: Option<Cause>,
    /// The engine was told that it started.
    pub started: bool,
    /// The engine was told to refuse it.
    pub refused: bool,
    /// It registered after it was refused last.
    pub registered_since: bool,
    /// A pod of its name was said to be a ghost, or to have lost our label.
    pub strange: bool,
}

/// What an action is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Bound {
    /// The pod at that revision.
    To(Revision),
    /// The memory that is asked for, in bytes.
    Memory(u64),
}

/// An effect that failed, or may have.
#[derive(Clone, Debug, Serialize)]
pub struct Failed {
    /// What was asked.
    pub verb: &'static str,
    /// The rule behind it.
    pub why: Why,
    /// What it was bound to.
    pub bound: Option<Bound>,
    /// Which pod it was about, where it said so.
    pub uid: Option<Uid>,
    /// When its answer came, by the world's clock.
    pub at: Time,
    /// When the first of those in a row was.
    pub first: Time,
    /// How many times in a row it has.
    pub times: u32,
}

impl Failed {
    /// Whether that would be the same once more.
    #[must_use]
    pub fn is_of(&self, action: &Action, why: Why) -> bool {
        self.verb == verb(action)
            && self.why == why
            && self.bound == bound_of(action)
            && self.uid == uid_of(action)
    }
}

impl Executor {
    /// It was asked for or shown, and is the one of that UID.
    #[must_use]
    pub fn is(&self, view: &PodView) -> bool {
        (self.creates > 0 || self.shown.is_some())
            && self.uid.as_ref().is_none_or(|uid| *uid == view.uid)
    }

    /// The pod that an action of its own is about is out of view: what becomes of it is not shown.
    pub(super) fn is_out_of_view(&self, action: &Action) -> bool {
        let ghost = self.ghost_strayed.as_ref().map(|(uid, _)| uid);
        self.gone || ghost.is_some_and(|ghost| uid_of(action).as_ref() == Some(ghost))
    }

    /// It is on its way out, as far as this controller has said: it does not count any more.
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        self.condemned
            || self.draining.is_some()
            || self.drained_unwanted
            || self.disrupted
            || self.lost.is_some()
            || self.let_go
            || self.refused
            || self.strange
    }

    /// END-3: the engine said that it registered, so its pod was made, though its create may have no answer yet; and it
    /// was told lost for not being in a listing. The engine may have been wrong, and it may come to be after all.
    pub(super) fn is_missing(&self) -> bool {
        self.registered && self.lost == Some(Cause::Missing)
    }

    /// It was shown as gone, for good, and nothing of it is waited for: a listing that lacks it changes nothing.
    pub(super) fn is_settled(&self) -> bool {
        let waits = self.failed.is_some() || self.closes_at.is_some();
        self.gone && self.end.is_some() && !self.lacking && !waits
    }

    /// It was shown ended, for sure: what was started again in its pod is not it any more (SEE-1).
    pub(super) fn was_shown_ended(&self) -> bool {
        self.end.is_some() && !self.end_doubted && !self.gone
    }

    /// Whether this controller may think that it is there and stays.
    pub(super) fn may_stay(&self) -> bool {
        let goes = self.condemned && !self.bound;
        let ended = self.gone || self.end.is_some();
        let over = ended && !self.gone_doubted || self.lost.is_some();
        let parts = self.draining.is_some() || self.refused || self.strange;
        !goes && !over && !parts
    }
}

/// The pod that an action is about, where it says so.
#[must_use]
pub fn uid_of(action: &Action) -> Option<Uid> {
    match action {
        Action::Delete { uid, .. } => uid.clone(),
        Action::MarkFinished { uid, .. } | Action::Resize { uid, .. } => Some(uid.clone()),
        _ => None,
    }
}

/// What tells an action from another of its kind.
#[must_use]
pub fn bound_of(action: &Action) -> Option<Bound> {
    match action {
        Action::Delete { revision, .. } => revision.map(Bound::To),
        Action::Resize { memory, .. } => Some(Bound::Memory(*memory)),
        _ => None,
    }
}

/// What an action is called.
#[must_use]
pub fn verb(action: &Action) -> &'static str {
    match action {
        Action::Create { .. } => "create",
        Action::Delete { .. } => "delete",
        Action::MarkFinished { .. } => "mark",
        Action::Resize { .. } => "resize",
        Action::CreateClaim { .. } => "create claim",
        Action::DeleteClaim { .. } => "delete claim",
    }
}
