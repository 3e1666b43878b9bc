//! Makes a story smaller as long as it breaks the same invariant: fewer happenings, a plainer fleet, a shorter life.

use super::play::play;
use crate::{
    engine::Habits,
    judge::Violation,
    story::{Cluster, Story},
};
use evenkeel::core::{Span, Time};

/// The smallest story found that breaks the same invariant, and how it does. `tries`: the most stories that are played.
#[must_use]
pub fn shrink(
    story: &Story,
    violation: &Violation,
    tries: u32,
    mut stop: impl FnMut() -> bool,
) -> (Story, Violation) {
    let mut best = Shrinking {
        story: story.clone(),
        violation: violation.clone(),
        left: tries,
    };
    // Nothing that comes after can matter for what is always to hold.
    best.cut_after();
    loop {
        let before = best.story.clone();
        best.drop_happenings(&mut stop);
        best.simplify(&mut stop);
        if best.story == before || best.left == 0 || stop() {
            return (best.story, best.violation);
        }
    }
}

/// Makes a story plainer in one respect.
type Simplify = Box<dyn Fn(&mut Story)>;

struct Shrinking {
    story: Story,
    violation: Violation,
    left: u32,
}

impl Shrinking {
    /// Takes that story instead, if it breaks the same invariant.
    fn try_story(&mut self, story: Story) -> bool {
        if self.left == 0 || story == self.story {
            return false;
        }
        self.left -= 1;
        match play(&story).violation {
            Some(violation) if violation.invariant == self.violation.invariant => {
                self.story = story;
                self.violation = violation;
                true
            }
            _ => false,
        }
    }

    fn cut_after(&mut self) {
        let mut shorter = self.story.clone();
        let at = self.violation.at;
        if at.0 < shorter.lasts.0 {
            shorter.happenings.retain(|happening| happening.at <= at);
            shorter.lasts = Span(at.0 + 1);
            self.try_story(shorter);
        }
    }

    /// Leaves out runs of happenings: halves first, single ones last.
    fn drop_happenings(&mut self, stop: &mut impl FnMut() -> bool) {
        let mut size = self.story.happenings.len();
        while size > 0 {
            let mut start = 0;
            while start < self.story.happenings.len() {
                if stop() || self.left == 0 {
                    return;
                }
                let mut fewer = self.story.clone();
                let end = (start + size).min(fewer.happenings.len());
                fewer.happenings.drain(start..end);
                if !self.try_story(fewer) {
                    start += size;
                }
            }
            size /= 2;
        }
    }

    fn simplify(&mut self, stop: &mut impl FnMut() -> bool) {
        let mut simpler: Vec<Simplify> = vec![
            Box::new(|story| story.ends_at = None),
            Box::new(|story| {
                story.ends = None;
                story.ends_at = None;
            }),
            Box::new(|story| {
                let mutant = plain(story);
                story.config = mutant;
            }),
            Box::new(|story| story.cluster = Cluster::default()),
            Box::new(|story| story.engine = Habits::PROMPT),
            Box::new(|story| story.owner = false),
            Box::new(|story| story.config.jitter = false),
            Box::new(|story| story.config.seeing = plain(story).seeing),
            Box::new(|story| story.config.growing = plain(story).growing),
            Box::new(|story| story.config.shrinking = plain(story).shrinking),
            Box::new(|story| story.config.ending = plain(story).ending),
            Box::new(|story| story.config.failing = plain(story).failing),
            Box::new(|story| story.config.living = plain(story).living),
        ];
        for group in self.story.groups.keys().cloned() {
            let (a, b, c, d) = (group.clone(), group.clone(), group.clone(), group);
            simpler.push(Box::new(move |story| {
                story.groups.remove(&a);
                story.config.groups.remove(&a);
            }));
            simpler.push(Box::new(move |story| {
                story.config.groups.remove(&b);
            }));
            simpler.push(Box::new(move |story| {
                if let Some(wanted) = story.groups.get_mut(&c) {
                    wanted.target /= 2;
                }
            }));
            simpler.push(Box::new(move |story| {
                if let Some(wanted) = story.groups.get_mut(&d) {
                    wanted.target = wanted.target.saturating_sub(1);
                    wanted.sidecar = false;
                }
            }));
        }
        for simplify in simpler {
            if stop() {
                return;
            }
            let mut story = self.story.clone();
            simplify(&mut story);
            self.try_story(story);
        }
        self.round_times(stop);
    }

    /// Whole seconds are easier to read.
    fn round_times(&mut self, stop: &mut impl FnMut() -> bool) {
        for index in 0..self.story.happenings.len() {
            if stop() {
                return;
            }
            let mut story = self.story.clone();
            let at = story.happenings[index].at;
            story.happenings[index].at = Time(at.0 / 1000 * 1000);
            let earlier =
                index == 0 || story.happenings[index - 1].at <= story.happenings[index].at;
            if earlier {
                self.try_story(story);
            }
        }
    }
}

/// The defaults, with what the story has planted.
fn plain(story: &Story) -> evenkeel::core::Config {
    #[cfg_attr(not(feature = "mutants"), expect(unused_mut))]
    let mut config = evenkeel::defaults::config();
    #[cfg(feature = "mutants")]
    {
        config.mutant = story.config.mutant;
    }
    evenkeel::core::Config {
        engine: story.config.engine,
        seed: story.config.seed,
        ..config
    }
}
