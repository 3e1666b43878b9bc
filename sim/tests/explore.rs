//! Small worlds gone through as a whole: nothing that can happen there breaks an invariant, and a planted bug is found.

use evenkeel::core::config::EngineMode;
use evenkeel_sim::explore::{Choice, Found, Order, Path, Progress, Scope, explore, walk};
use std::sync::atomic::Ordering;

fn scope(targets: &[u64], faults: u32, crashes: u32) -> Scope {
    Scope {
        engine: EngineMode::None,
        targets: targets.to_vec(),
        order: Order::Prompt,
        faults,
        crashes,
        mutant: None,
    }
}

/// What was broken, and how many states there are.
fn explored(scope: &Scope, jobs: usize) -> (Option<Found>, u64) {
    let progress = Progress::default();
    let found = explore(scope, jobs, &progress);
    (found, progress.states.load(Ordering::Relaxed))
}

#[track_caller]
fn clean(scope: &Scope) -> u64 {
    let (found, states) = explored(scope, 2);
    if let Some(found) = found {
        let text = found.path.write(&found.violation, &[]);
        panic!("{scope:?}: {text}");
    }
    states
}

#[test]
fn nothing_that_can_happen_to_one_executor_breaks_an_invariant() {
    assert!(clean(&scope(&[1], 1, 0)) > 100);
    assert!(clean(&scope(&[1], 0, 1)) > 100);
    assert!(clean(&scope(&[1, 0], 1, 0)) > 100);
}

#[test]
fn nor_does_it_where_executors_register() {
    let registering = Scope {
        engine: EngineMode::Registering,
        ..scope(&[1, 0], 1, 0)
    };
    assert!(clean(&registering) > 100);
}

#[test]
fn nor_in_any_order_of_what_is_under_way() {
    let free = Scope {
        order: Order::Free,
        ..scope(&[1], 0, 1)
    };
    assert!(clean(&free) > 100);
}

#[test]
fn as_many_states_are_seen_by_one_thread_as_by_two() {
    let scope = scope(&[1], 1, 0);
    assert_eq!(explored(&scope, 1).1, explored(&scope, 2).1);
}

#[test]
fn a_path_is_read_as_it_is_written_and_passes_over_what_cannot_happen() {
    let id = "1-1".parse().expect("an id");
    let path = Path {
        scope: scope(&[1], 1, 0),
        choices: vec![
            Choice::Read,
            Choice::Fail(id),
            Choice::Land(1, 1),
            Choice::Start(id),
            Choice::Fail(id),
        ],
    };
    let (violation, recorder) = walk(&path);
    assert_eq!(violation, None);
    assert!(recorder.steps.len() > 5);
    let broken = evenkeel_sim::judge::Violation {
        invariant: "S1",
        at: evenkeel::core::Time(0),
        what: "nothing".to_owned(),
    };
    let text = path.write(&broken, &["a line".to_owned()]);
    assert_eq!(Path::parse(&text).expect("a path"), path, "{text}");
}

#[test]
fn what_is_no_path_is_refused() {
    let head = "format: 1\nscope: {engine: none, order: prompt, faults: 0, crashes: 0, targets: ";
    for (text, why) in [
        (String::new(), "end of input"),
        ("format: 99\nscope: {engine: none, order: prompt, faults: 0, crashes: 0, targets: [1]}\npath: []".to_owned(), "format: 99"),
        (format!("{head}[]}}\npath: []"), "targets: at least one"),
        (format!("{head}[99]}}\npath: []"), "targets: 99"),
        (format!("{head}[1]}}\npath: [jump]"), "jump"),
    ] {
        let error = Path::parse(&text).expect_err("no path").to_string();
        assert!(error.contains(why), "{text:?}: {error}");
    }
}

/// Bugs that show in a world of one or two executors, with a fault or a crash.
#[cfg(feature = "mutants")]
#[test]
fn planted_bugs_are_found() {
    for (name, scope) in [
        ("in-flight-forgotten", scope(&[2], 1, 0)),
        ("one-too-many", scope(&[2], 0, 0)),
        (
            "early-idle-lost",
            Scope {
                engine: EngineMode::Registering,
                ..scope(&[2, 1], 1, 1)
            },
        ),
        ("never-again", scope(&[1], 1, 0)),
        ("lost-again", scope(&[2], 1, 0)),
    ] {
        let scope = Scope {
            mutant: Some(name.to_owned()),
            ..scope
        };
        let found = explored(&scope, 2)
            .0
            .unwrap_or_else(|| panic!("{name} is not found"));
        let (violation, _) = walk(&found.path);
        assert_eq!(violation, Some(found.violation), "{name}");
    }
}
