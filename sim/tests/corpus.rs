//! The regression corpus: each story once broke an invariant, and does no more. And a story is read as it is written.

use evenkeel_sim::{
    draw::{self, Mix, Size},
    search::play,
    story::Story,
};
use std::path::{Path, PathBuf};

fn stories() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus");
    let entries = std::fs::read_dir(folder).expect("the corpus is there");
    let mut all: Vec<PathBuf> = entries
        .map(|entry| entry.expect("readable").path())
        .collect();
    all.sort();
    all
}

#[test]
fn no_story_of_the_corpus_breaks_an_invariant_again() {
    let all = stories();
    assert!(all.len() >= 3, "{all:?}");
    for path in all {
        let (story, _) = Story::read(&path).expect("a story");
        let played = play(&story);
        assert_eq!(played.violation, None, "{}", path.display());
    }
}

#[test]
fn a_story_is_read_as_it_is_written() {
    for seed in 0..300 {
        let story = draw::story(seed, Some(Size::Small), &Mix::Swarm);
        let text = story.write(None, &["1 something".to_owned()]);
        let (read, verdict) = Story::parse(&text).expect("what was written can be read");
        assert_eq!((read, verdict), (story, None), "{text}");
    }
}

#[test]
fn a_story_goes_the_same_way_each_time() {
    for seed in 0..20 {
        let story = draw::story(seed, Some(Size::Small), &Mix::Swarm);
        assert_eq!(play(&story).report, play(&story).report, "seed {seed}");
    }
}

#[test]
fn what_is_no_story_is_refused() {
    for (text, why) in [
        ("", "format: missing"),
        ("format: 99", "format: 99"),
        ("format: 1\nseed: many", "line 2"),
        ("{", "line 1"),
    ] {
        let error = Story::parse(text).expect_err("no story");
        assert!(error.to_string().contains(why), "{text:?}: {error}");
    }
}
