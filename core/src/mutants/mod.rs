//! Bugs planted on purpose, to show that the tests of the laws and the search find them; all of it is false without the
//! feature `mutants`.

#[cfg(feature = "mutants")]
mod catalogue;

#[cfg(feature = "mutants")]
pub use catalogue::{Bug, CATALOGUE};

/// Whether that bug is planted.
macro_rules! planted {
    ($config:expr, $mutant:ident) => {{
        #[cfg(feature = "mutants")]
        let planted = $config.mutant == Some($crate::mutants::Mutant::$mutant);
        #[cfg(not(feature = "mutants"))]
        let planted = {
            let _ = $config;
            false
        };
        planted
    }};
}

/// A bug, named by what goes wrong.
#[cfg(feature = "mutants")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Mutant {
    /// Settled: that a drain was asked for is not folded in.
    DrainNotFolded,
    /// Time: a victim's protection ends before the plan says to look again.
    LateProtection,
    /// Order: only the first of a group to be seen running is taken for running.
    FirstToRun,
    /// Again: a view counts by arrival, not by revision.
    ByArrival,
    /// Replay: jitter comes from outside the record.
    OutsideJitter,
    /// Indices: who is no victim any more stays among the victims.
    StaleVictims,
    /// Once: that a loss was told is not folded in.
    LostAgain,
    /// Led: effects begin up to the lease's very end.
    NoMargin,
    /// Target: one more is made than is missing.
    OneTooMany,
    /// Convergence: a create that was refused is never repeated.
    NeverAgain,
    /// SEE-1: what a pod's containers say is not looked at.
    See1,
    /// SEE-2: a view counts by arrival.
    See2,
    /// SEE-3: ghosts are let be.
    See3,
    /// SEE-4: no listing is made in time, and no watch resumed.
    See4,
    /// SEE-5: an effect answered done is done again until it shows.
    See5,
    /// GROW-1: what leaves counts on.
    Grow1,
    /// GROW-2: no cap holds.
    Grow2,
    /// GROW-3: an unclear create is given up for another.
    Grow3,
    /// GROW-4: nothing bounds creates.
    Grow4,
    /// GROW-5: what was never seen is waited for.
    Grow5,
    /// GROW-6: nothing is given up.
    Grow6,
    /// SHRINK-1: nobody is a victim.
    Shrink1,
    /// SHRINK-2: nothing is drained.
    Shrink2,
    /// SHRINK-3: nobody is refused.
    Shrink3,
    /// SHRINK-4: removed groups and suspended fleets run on.
    Shrink4,
    /// SHRINK-5: any excess is taken at once, and any listing believed.
    Shrink5,
    /// END-1: every cause is the same.
    End1,
    /// END-2: what has finished is left as it is.
    End2,
    /// END-3: nobody is missing.
    End3,
    /// END-4: every end is a failure.
    End4,
    /// FAIL-1: no failure halts.
    Fail1,
    /// FAIL-2: no group backs off.
    Fail2,
    /// FAIL-3: every refusal is the end.
    Fail3,
    /// LIVE-1: the lease does not matter.
    Live1,
    /// LIVE-2: nothing is remembered.
    Live2,
    /// LIVE-4: a shutdown goes unheard.
    Live4,
    /// ROLL: nobody is replaced.
    Roll,
    /// CLAIM: no claim is used again.
    Claim,
    /// SIZE: nobody is given more.
    Size,
    /// SPOT: no warning is heeded.
    Spot,
    /// A listing of a replica that is behind is believed.
    StaleListing,
    /// Who is not in a listing is gone, though it was seen after that listing was made.
    AbsentIsGone,
    /// A listing removes nobody: only an event does.
    NeverRemoved,
    /// Who was just made and is not in an older listing is gone.
    UnseenIsGone,
    /// A listing forgets the creates that are under way.
    InFlightForgotten,
    /// A watch that has ended is never opened again.
    NeverReopened,
    /// A listing that failed is never tried again.
    ListGivenUp,
    /// A container that its kubelet started again makes its executor live again.
    Revived,
    /// The pods of the controller before are left as they are.
    PastIgnored,
    /// The pods of the controller before are deleted as orphans.
    PastDeleted,
    /// Who registered before it was seen has to register again.
    RegistrationLost,
    /// Who was idle before it was seen has to say so again.
    EarlyIdleLost,
    /// A new controller goes on with the incarnation of the one before.
    IncarnationReused,
    /// A controller that gets the lease back goes on with what it knew.
    NotListedAnew,
    /// A lease that could not be renewed once is never asked for again.
    LeaseGivenUp,
    /// AlreadyExists after an unclear try is a failure.
    ExistsIsFailure,
    /// AlreadyExists is a success, whoever's pod it is.
    ExistsIsSuccess,
    /// A race for the quota's status is taken for a refusal.
    RaceIsFatal,
    /// A create that was over quota is repeated at once.
    QuotaAtOnce,
    /// 429 is no reason to wait.
    ThrottleIgnored,
    /// Creates under way do not count under the caps of what pends.
    InFlightNotPending,
    /// Creates under way do not count.
    InFlightUncounted,
    /// Nothing more is made while one pends.
    WaitsForSlowest,
    /// The backoff of one group holds up all others.
    BackoffForAll,
    /// Who did not start in time is replaced, and its pod left as it is.
    PodLeftBehind,
    /// Pods are deleted by name, whichever there is by then.
    DeletedByName,
    /// A pending victim is deleted though it has got on since it was seen.
    WhateverItIsByNow,
    /// A lowered target takes registered executors too.
    RegisteredAreVictims,
    /// One more is let go than are too many.
    OneTooFew,
    /// Who is idle goes, though it is wanted.
    IdleAlwaysGoes,
    /// An engine that has not spoken yet wants nothing.
    SilenceIsZero,
    /// What still pends is not let go.
    PendingKept,
    /// An executor is deleted as soon as its drain is asked for.
    DrainNotAwaited,
    /// A delete that failed is taken for done.
    DeleteForgotten,
    /// An executor that this controller deleted was deleted by others.
    KilledByStranger,
    /// A pod that was deleted by others has failed.
    DeletionIsFailure,
    /// An eviction is a failure of the executor.
    EvictionIsFailure,
    /// The claim of a pod that was not seen yet is free.
    UnseenClaimFree,
    /// The claim of a pod is free once its delete is asked for.
    ClaimFreeAtDelete,
    /// The claim of a pod that lost our label is free.
    StrayClaimFree,
    /// Two pods that use one claim are both kept.
    ClaimShared,
    /// Replacements under way do not count when the next are decided.
    RollsUncounted,
    /// A pod is resized until its node has done it.
    ResizeRepeated,
    /// Who has registered and was never seen is there, whatever a listing lacks.
    RegisteredIsThere,
    /// A claim whose create was refused counts as one in the making.
    RefusedClaimCounts,
    /// A claim that a listing lacks is there, and is given out.
    GoneClaimKept,
    /// A claim that was not shown yet is gone, and whose it is goes with it.
    UnseenClaimGone,
    /// A fleet is at its target while its executors still start.
    ReadyTooEarly,
    /// A probe of the controller before is waited for, though it is not there any more.
    DeadProbeAwaited,
    /// What an incarnation before asked for and never got counts on.
    PastRequestsKept,
    /// A renewal of the lease is a sign of life of the watch.
    RenewalIsLife,
    /// Another pod under an executor's name is taken for the executor's.
    OtherUidIsOurs,
}

/// A number that is in no record.
#[cfg(feature = "mutants")]
pub(crate) fn outside() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(1);
    COUNT.fetch_add(1, Ordering::Relaxed)
}

/// A number that is in no record; none such without planted bugs.
#[cfg(not(feature = "mutants"))]
pub(crate) fn outside() -> u64 {
    0
}
