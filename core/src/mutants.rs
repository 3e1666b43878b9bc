//! Bugs planted on purpose, to show that the tests of the laws find them; all of it is false without the feature `mutants`.

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
    /// GROW-6 is left out.
    Grow6,
    /// SHRINK-5 is left out.
    Shrink5,
    /// FAIL-2 is left out.
    Fail2,
    /// ROLL is left out.
    Roll,
    /// CLAIM: no claim is ever used again.
    Claim,
    /// SIZE is left out.
    Size,
    /// SPOT is left out.
    Spot,
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
