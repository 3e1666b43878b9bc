//! What a controller has done since the last expectation, and how that compares with what was expected.

use super::file::Expect;
use super::words::{CauseText, Id, WhoseIds};
use evenkeel::core::{ExecutorId, Group, Name, output::Cause};
use std::collections::{BTreeMap, BTreeSet};

/// What was done.
#[derive(Clone, Debug, Default)]
pub struct Done {
    pub create: BTreeMap<ExecutorId, Group>,
    pub delete: BTreeSet<ExecutorId>,
    pub drain: BTreeSet<ExecutorId>,
    pub lose: BTreeMap<ExecutorId, Cause>,
    pub refuse: BTreeSet<ExecutorId>,
    pub label: BTreeSet<ExecutorId>,
    pub resize: BTreeMap<ExecutorId, u64>,
    pub create_claim: BTreeSet<Name>,
    pub reuse_claim: BTreeMap<ExecutorId, Name>,
    pub delete_claim: BTreeSet<Name>,
    pub halt: bool,
    pub list: u64,
    pub watch: u64,
    pub finding: BTreeSet<String>,
}

/// How to look at what was done.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Which incarnation plain numbers mean.
    pub incarnation: u32,
    /// Kinds that are not named are let be.
    pub within: bool,
    /// Relists and watches count.
    pub counts_view: bool,
}

impl Done {
    /// What is not as expected, kind by kind: none where all is.
    pub fn differs(&self, expected: &Expect, look: Look) -> Vec<String> {
        let mut wrong = Vec::new();
        let name = |id: &ExecutorId| name(*id, look.incarnation);
        let mut ids = |kind: &str, expected: &Option<Vec<Id>>, done: &BTreeSet<ExecutorId>| {
            if expected.is_none() && look.within {
                return;
            }
            let wanted: BTreeSet<ExecutorId> = expected
                .iter()
                .flatten()
                .map(|id| id.of(look.incarnation))
                .collect();
            if wanted != *done {
                let list = |ids: &BTreeSet<ExecutorId>| {
                    ids.iter().map(name).collect::<Vec<_>>().join(", ")
                };
                wrong.push(format!(
                    "{kind}: expected [{}], got [{}]",
                    list(&wanted),
                    list(done)
                ));
            }
        };
        ids("delete", &expected.delete, &self.delete);
        ids("drain", &expected.drain, &self.drain);
        ids("refuse", &expected.refuse, &self.refuse);
        ids("label", &expected.label, &self.label);
        if let Some(text) = self.creates_differ(expected.create.as_ref(), look) {
            wrong.insert(0, text);
        }
        if expected.lose.is_some() || !look.within {
            let wanted: BTreeMap<ExecutorId, &CauseText> = expected
                .lose
                .iter()
                .flat_map(|lose| &lose.0)
                .map(|(id, cause)| (id.of(look.incarnation), cause))
                .collect();
            let same = wanted.len() == self.lose.len()
                && wanted
                    .iter()
                    .all(|(id, cause)| self.lose.get(id).is_some_and(|got| matches(cause, got)));
            if !same {
                let wanted = wanted
                    .iter()
                    .map(|(id, cause)| format!("{}: {}", name(id), said(cause)));
                let got = self
                    .lose
                    .iter()
                    .map(|(id, cause)| format!("{}: {}", name(id), told(cause)));
                wrong.push(format!(
                    "lose: expected {{{}}}, got {{{}}}",
                    wanted.collect::<Vec<_>>().join(", "),
                    got.collect::<Vec<_>>().join(", ")
                ));
            }
        }
        let sizes = expected.resize.as_ref().map(|sizes| {
            let sizes = sizes.0.iter();
            sizes
                .map(|(id, bytes)| (id.of(look.incarnation), bytes.0))
                .collect::<BTreeMap<_, _>>()
        });
        compare(&mut wrong, "resize", sizes, &self.resize, look);
        let reused = expected.reuse_claim.as_ref().map(|claims| {
            let claims = claims.0.iter();
            claims
                .map(|(id, claim)| (id.of(look.incarnation), Name::from(claim.as_str())))
                .collect::<BTreeMap<_, _>>()
        });
        compare(&mut wrong, "reuse_claim", reused, &self.reuse_claim, look);
        compare(
            &mut wrong,
            "create_claim",
            expected.create_claim,
            &(self.create_claim.len() as u64),
            look,
        );
        // What becomes of claims that nobody will use is compared only where a file speaks of it.
        if expected.delete_claim.is_some() {
            let deleted = self.delete_claim.len() as u64;
            compare(
                &mut wrong,
                "delete_claim",
                expected.delete_claim,
                &deleted,
                look,
            );
        }
        compare(
            &mut wrong,
            "finding",
            expected.finding.clone(),
            &self.finding,
            look,
        );
        let halt = expected.halt.as_ref().map(|_| true);
        compare(&mut wrong, "halt", halt, &self.halt, look);
        if look.counts_view || expected.list.is_some() {
            compare(&mut wrong, "list", expected.list, &self.list, look);
        }
        if look.counts_view || expected.watch.is_some() {
            compare(&mut wrong, "watch", expected.watch, &self.watch, look);
        }
        wrong
    }

    fn creates_differ(&self, expected: Option<&WhoseIds>, look: Look) -> Option<String> {
        let full = |ids: &[Id]| {
            ids.iter()
                .map(|id| id.of(look.incarnation))
                .collect::<BTreeSet<_>>()
        };
        let list = |ids: &BTreeSet<ExecutorId>| {
            let names: Vec<String> = ids.iter().map(|id| name(*id, look.incarnation)).collect();
            format!("[{}]", names.join(", "))
        };
        let made: BTreeSet<ExecutorId> = self.create.keys().copied().collect();
        match expected {
            None if look.within => None,
            None => (!made.is_empty()).then(|| format!("create: expected [], got {}", list(&made))),
            Some(WhoseIds::All(ids)) => {
                let wanted = full(ids);
                (wanted != made)
                    .then(|| format!("create: expected {}, got {}", list(&wanted), list(&made)))
            }
            Some(WhoseIds::ByGroup(groups)) => {
                let mut got = BTreeMap::<&Group, BTreeSet<ExecutorId>>::new();
                for (id, group) in &self.create {
                    got.entry(group).or_default().insert(*id);
                }
                let wanted = groups.iter().filter(|(_, ids)| !ids.is_empty());
                let wanted: BTreeMap<&Group, BTreeSet<ExecutorId>> =
                    wanted.map(|(group, ids)| (group, full(ids))).collect();
                let say = |by: &BTreeMap<&Group, BTreeSet<ExecutorId>>| {
                    let groups = by
                        .iter()
                        .map(|(group, ids)| format!("{group}: {}", list(ids)));
                    groups.collect::<Vec<_>>().join(", ")
                };
                (wanted != got).then(|| {
                    format!(
                        "create: expected {{{}}}, got {{{}}}",
                        say(&wanted),
                        say(&got)
                    )
                })
            }
        }
    }
}

fn compare<T: Default + PartialEq + std::fmt::Debug>(
    wrong: &mut Vec<String>,
    kind: &str,
    expected: Option<T>,
    done: &T,
    look: Look,
) {
    if expected.is_none() && look.within {
        return;
    }
    let wanted = expected.unwrap_or_default();
    if wanted != *done {
        wrong.push(format!("{kind}: expected {wanted:?}, got {done:?}"));
    }
}

/// How scenario files write that executor where `incarnation` runs.
pub fn name(id: ExecutorId, incarnation: u32) -> String {
    if id.incarnation == incarnation {
        id.sequence.to_string()
    } else {
        format!("\"{id}\"")
    }
}

fn matches(expected: &CauseText, got: &Cause) -> bool {
    let detail = match got {
        Cause::AppFailed { exit_code } => {
            expected.reason.is_none()
                && expected
                    .exit_code
                    .is_none_or(|code| Some(code) == *exit_code)
        }
        Cause::StartFailed { reason }
        | Cause::CreateRejected { reason }
        | Cause::Unhealthy { reason } => {
            expected.exit_code.is_none()
                && expected
                    .reason
                    .as_deref()
                    .is_none_or(|said| said == &**reason)
        }
        _ => expected.exit_code.is_none() && expected.reason.is_none(),
    };
    expected.name == got.name() && detail
}

fn said(cause: &CauseText) -> String {
    match (cause.exit_code, &cause.reason) {
        (Some(code), _) => format!("{{{}: {{exit_code: {code}}}}}", cause.name),
        (_, Some(reason)) => format!("{{{}: {{reason: {reason}}}}}", cause.name),
        (None, None) => cause.name.clone(),
    }
}

/// A cause as scenario files write it, with its detail.
pub fn told(cause: &Cause) -> String {
    said(&match cause {
        Cause::AppFailed { exit_code } => CauseText {
            name: cause.name().to_owned(),
            exit_code: *exit_code,
            reason: None,
        },
        Cause::StartFailed { reason }
        | Cause::CreateRejected { reason }
        | Cause::Unhealthy { reason } => CauseText {
            name: cause.name().to_owned(),
            exit_code: None,
            reason: Some(reason.to_string()),
        },
        _ => CauseText {
            name: cause.name().to_owned(),
            exit_code: None,
            reason: None,
        },
    })
}
