//! Pages of stories: what they show is what was recorded.

use evenkeel::page::{Kind, Page, Standing, State};
use evenkeel_sim::{
    draw::{self, Mix, Size},
    pages,
    search::play_recorded,
    story::{Story, Verdict},
};
use std::{collections::BTreeSet, path::Path, process::Command};

fn corpus(name: &str) -> Story {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/corpus")
        .join(name);
    Story::read(&path).expect("a story").0
}

fn page(story: &Story, said: Option<&Verdict>) -> Page {
    let (played, recorder) = play_recorded(story);
    pages::page("a story", story, said, &played, &recorder)
}

#[test]
fn the_page_of_a_known_story_has_its_executors_faults_and_calm() {
    let story = corpus("resize-seen-before-its-unclear-answer.yaml");
    let page = page(&story, None);
    assert_eq!(page.verdict.standing, Standing::Well);
    let groups: Vec<&str> = page.groups.iter().map(|group| &*group.name).collect();
    assert_eq!(groups, ["a", "b"]);
    let (targets, counting): (Vec<u64>, Vec<u64>) = page
        .groups
        .iter()
        .filter_map(|group| group.points.last())
        .map(|point| (point.target, point.counting))
        .unzip();
    assert_eq!((targets, counting), (vec![7, 1], vec![7, 1]));
    let alive = page.lanes.iter().filter(|lane| {
        lane.changes
            .last()
            .is_some_and(|last| !last.state.is_gone())
    });
    assert_eq!(alive.count(), 8, "{:?}", page.lanes);
    let requested = |lane: &evenkeel::page::Lane| lane.changes[0].state.0 & 15 == 0;
    assert!(page.lanes.iter().all(requested), "{:?}", page.lanes);
    let faults = page.marks.iter().filter(|mark| mark.kind == Kind::Fault);
    assert_eq!(faults.count(), story.happenings.len());
    assert!(page.marks.iter().any(|mark| mark.kind == Kind::Resize));
    let unclear = page
        .marks
        .iter()
        .any(|mark| mark.kind == Kind::Answer && mark.says.contains("unclear"));
    assert!(unclear, "the answer that it is about");
    assert_eq!(page.calm.map(|calm| calm.0), Some(story.lasts.0));
    assert_eq!(page.processes.len(), 1);
    assert_eq!(page.processes[0].led.len(), 1);
}

#[test]
fn what_is_recorded_plays_the_same_again_from_the_first_step() {
    for seed in 0..20 {
        let story = draw::story(seed, Some(Size::Small), &Mix::Swarm);
        let (_, recorder) = play_recorded(&story);
        let builder = pages::builder("a story", &story, &recorder);
        assert_eq!(builder.differs(), None, "seed {seed}");
        let page = builder.finish();
        let began: BTreeSet<u32> = recorder
            .processes
            .iter()
            .map(|(process, ..)| *process)
            .collect();
        let shown: BTreeSet<u32> = page
            .processes
            .iter()
            .map(|process| process.number)
            .collect();
        assert_eq!(shown, began, "seed {seed}");
        let ordered = page.lanes.iter().all(|lane| {
            lane.changes
                .windows(2)
                .all(|two| two[0].at <= two[1].at && two[0].state != two[1].state)
        });
        assert!(ordered, "seed {seed}");
        let steps = page.first_step..page.first_step + page.steps.len() as u64;
        let marks = page.marks.iter().filter_map(|mark| mark.step);
        let changes = page.lanes.iter().flat_map(|lane| &lane.changes);
        let refers = marks.chain(changes.map(|change| change.step));
        assert!(
            refers.into_iter().all(|step| steps.contains(&step)),
            "seed {seed}"
        );
        assert!(page.left_out.is_empty(), "seed {seed}");
        assert!(
            page.lanes
                .iter()
                .all(|lane| lane.changes[0].state != State::GONE)
        );
    }
}

#[test]
fn a_process_leads_only_while_it_lives_and_others_do_not() {
    for seed in 0..30 {
        let story = draw::story(seed, Some(Size::Small), &Mix::Swarm);
        if !story.lease {
            continue;
        }
        let (_, recorder) = play_recorded(&story);
        let page = pages::builder("a story", &story, &recorder).finish();
        let mut led: Vec<_> = Vec::new();
        for process in &page.processes {
            let ends = process.died.unwrap_or(page.ends);
            for (from, to) in &process.led {
                assert!(
                    process.began <= *from && from <= to && *to <= ends,
                    "seed {seed}: {process:?}"
                );
                led.push((*from, *to));
            }
        }
        led.sort_unstable();
        let apart = led.windows(2).all(|two| two[0].1 <= two[1].0);
        assert!(apart, "seed {seed}: {led:?}");
    }
}

#[test]
fn a_story_that_says_something_else_differs() {
    let story = corpus("registration-without-an-engine.yaml");
    let said = Verdict {
        invariant: "S4".to_owned(),
        at: evenkeel::core::Time(1000),
        what: "made up".to_owned(),
    };
    let page = page(&story, Some(&said));
    assert_eq!(page.verdict.standing, Standing::Differs);
    assert!(page.verdict.says.contains("S4"), "{:?}", page.verdict);
}

#[test]
fn the_command_names_the_file_and_the_way_out() {
    let report = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_evenkeel-sim"))
            .arg("report")
            .args(args)
            .output()
            .expect("it starts");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        (
            output.status.code(),
            text(output.stdout),
            text(output.stderr),
        )
    };
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (status, _, err) = report(&["no/story.yaml"]);
    assert_eq!(status, Some(2));
    assert!(
        err.contains("no/story.yaml: can't be read") && err.contains("name a story file"),
        "{err}"
    );
    std::fs::write(file("nonsense"), "hello").expect("written");
    let (status, _, err) = report(&[&file("nonsense")]);
    assert_eq!(status, Some(2));
    assert!(
        err.contains("nonsense") && err.contains("a story file or of a flight record"),
        "{err}"
    );
    let story = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/corpus/registration-without-an-engine.yaml")
        .display()
        .to_string();
    let (status, _, err) = report(&[&story, "-o", &file("nonsense")]);
    assert_eq!(status, Some(2));
    assert!(
        err.contains("is no such page; name another file") && err.contains("-o"),
        "{err}"
    );
    for _ in 0..2 {
        let (status, out, err) = report(&[&story, "-o", &file("page.html")]);
        assert_eq!((status, err.as_str()), (Some(0), ""));
        assert!(
            out.ends_with("page.html: no invariant is broken\n"),
            "{out}"
        );
    }
}
