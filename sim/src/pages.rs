//! Pages of stories: what a recorder kept, put before people's eyes.

use crate::{
    recorder::Recorder,
    search::{FLEET, Played},
    story::{Story, Verdict, What},
};
use evenkeel::{
    core::{Span, Time, flight::Head},
    page::{self, Builder, Page, Source, Standing},
};

/// The page of a story that was played; `said` is what the story says that it comes to.
#[must_use]
pub fn page(
    name: &str,
    story: &Story,
    said: Option<&Verdict>,
    played: &Played,
    recorder: &Recorder,
) -> Page {
    let mut builder = builder(name, story, recorder);
    builder.verdict(verdict(said, played));
    builder.finish()
}

/// The page as far as a recorder knows it: without the verdict.
#[must_use]
pub fn builder(name: &str, story: &Story, recorder: &Recorder) -> Builder {
    let mut builder = Builder::new(name, Source::Story, FLEET.into());
    let mut lives = recorder.processes.iter().copied().peekable();
    let mut deaths: Vec<(Time, u32)> = recorder
        .processes
        .iter()
        .filter_map(|(process, _, died)| Some(((*died)?, *process)))
        .collect();
    deaths.sort_unstable();
    let mut deaths = deaths.into_iter().peekable();
    for step in &recorder.steps {
        while let Some((process, began, _)) = lives.next_if(|(_, began, _)| *began <= step.world) {
            let head = Head::new(story.config.clone(), FLEET.into());
            builder.begins(process, began, head);
        }
        while let Some((died, process)) = deaths.next_if(|(died, _)| *died < step.world) {
            builder.dies(process, died);
        }
        builder.step(step.process, step.world, &step.step);
    }
    for (died, process) in deaths {
        builder.dies(process, died);
    }
    for (at, what) in &recorder.struck {
        let lasts = what.lasts();
        let lasts = if lasts == Span(u64::MAX) {
            Span(story.lasts.0.saturating_sub(at.0))
        } else {
            lasts
        };
        let written = serde_json::to_string(what).unwrap_or_default();
        builder.struck(*at, says(what), written, lasts);
    }
    if let Some(calm) = recorder.calm {
        builder.calm(calm);
    }
    builder
}

/// The kind of fault, and what that is.
fn says(what: &What) -> String {
    match what.kind() {
        Some(kind) => format!("{}: {}", kind.name(), kind.says()),
        None => "engine: it wants or says something, as engines do".to_owned(),
    }
}

fn verdict(said: Option<&Verdict>, played: &Played) -> page::Verdict {
    let found = played.violation.as_ref();
    let same = said.is_none_or(|said| {
        found.is_some_and(|found| found.invariant == said.invariant && found.at == said.at)
    });
    let says = match found {
        Some(found) => format!("{} is broken: {}", found.invariant, found.what),
        None => "no invariant is broken".to_owned(),
    };
    let (standing, says) = match (said.filter(|_| !same), found) {
        (Some(said), _) => (
            Standing::Differs,
            format!(
                "{says}. The story says that {} is broken at {} ms: this version plays it differently",
                said.invariant, said.at.0
            ),
        ),
        (None, Some(_)) => (Standing::Broken, says),
        (None, None) => (Standing::Well, says),
    };
    page::Verdict {
        standing,
        invariant: found.map(|found| found.invariant.to_owned()),
        says,
        at: found.map(|found| found.at).or(said.map(|said| said.at)),
    }
}
