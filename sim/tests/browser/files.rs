//! The files that the cases are about: stories, flight records, and the pages of them.

use evenkeel::{
    core::flight::Head,
    page::{self, Page},
};
use evenkeel_sim::{
    judge::Violation,
    pages,
    search::{FLEET, Played, play_recorded},
    story::Story,
};
use std::{
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// A story of the corpus with two groups.
pub const STORY: &str = "resize-seen-before-its-unclear-answer.yaml";

/// A page's file, for as long as it is needed.
pub struct Made {
    /// The page.
    pub page: Page,
    /// Its file.
    pub file: PathBuf,
    /// Where that is, until this is dropped.
    _folder: TempDir,
}

pub fn corpus(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/corpus")
        .join(name)
}

fn story(name: &str) -> Story {
    Story::read(&corpus(name)).expect("a story").0
}

/// What the command makes of a file.
fn reported(of: &Path, page: Page, folder: TempDir) -> Made {
    let file = folder.path().join("page.html");
    let output = Command::new(env!("CARGO_BIN_EXE_evenkeel-sim"))
        .arg("report")
        .arg(of)
        .arg("-o")
        .arg(&file)
        .output()
        .expect("it starts");
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), &*err), (Some(0), ""));
    Made {
        page,
        file,
        _folder: folder,
    }
}

/// A story of the corpus, by the command.
pub fn of_story() -> Made {
    let story = story(STORY);
    let (played, recorder) = play_recorded(&story);
    let page = pages::page(STORY, &story, None, &played, &recorder);
    reported(&corpus(STORY), page, folder())
}

/// A flight record, by the command: what the one process of a story was given and said is one.
pub fn of_flight() -> Made {
    let story = story(STORY);
    let (_, recorder) = play_recorded(&story);
    assert_eq!(recorder.processes.len(), 1);
    let mut record =
        serde_json::to_string(&Head::new(story.config.clone(), FLEET.into())).expect("JSON");
    for step in &recorder.steps {
        record += "\n";
        record += &serde_json::to_string(&step.step).expect("JSON");
    }
    let folder = folder();
    let file = folder.path().join("flight.jsonl");
    std::fs::write(&file, &record).expect("written");
    let (page, _) = page::of_flight("flight.jsonl", record.as_bytes()).expect("a record");
    reported(&file, page, folder)
}

/// The story as if an invariant had broken in the midst of it.
pub fn of_broken_story() -> Made {
    let story = story(STORY);
    let (played, recorder) = play_recorded(&story);
    let played = Played {
        violation: Some(Violation {
            invariant: "S4",
            at: evenkeel::core::Time(150_000),
            what: "made up, for the page".to_owned(),
        }),
        ..played
    };
    written(pages::page(STORY, &story, None, &played, &recorder))
}

/// Any story.
pub fn of(story: &Story) -> Made {
    let (played, recorder) = play_recorded(story);
    written(pages::page("a story", story, None, &played, &recorder))
}

/// The same story, where all that has a name has a bad one.
pub fn of_bad_names(name: &str) -> Made {
    let story = story(STORY);
    let (played, recorder) = play_recorded(&story);
    let mut page = pages::page(name, &story, None, &played, &recorder);
    page.fleet = name.into();
    page.verdict.says = name.to_owned();
    for group in &mut page.groups {
        group.name = name.into();
    }
    for lane in &mut page.lanes {
        lane.id = name.to_owned();
    }
    for mark in &mut page.marks {
        mark.says = name.to_owned();
    }
    for step in &mut page.steps {
        step.input = name.to_owned();
    }
    for request in &mut page.requests {
        request.what = name.to_owned();
    }
    written(page)
}

fn written(page: Page) -> Made {
    let folder = folder();
    let file = folder.path().join("page.html");
    page.write(&file).expect("written");
    Made {
        page,
        file,
        _folder: folder,
    }
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}
