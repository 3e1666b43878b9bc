//! `evenkeel-sim search`: plays stories drawn from seeds, until one breaks an invariant.

use super::progress::{self, Shown};
use evenkeel_sim::{
    draw::{Mix, Size},
    search::{Found, Progress, Search, Sum, play_recorded},
    story::{Kind, Verdict},
    table::{Rule, Tally},
    timeline,
};
use indicatif::ProgressBar;
use serde_json::json;
use std::{
    io::{self, Write},
    ops::Range,
    path::PathBuf,
    process::ExitCode,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

/// What `search` is told.
#[derive(clap::Args)]
#[command(
    after_help = "EXAMPLES\n  evenkeel-sim search --seeds 0..10000\n  evenkeel-sim search --seeds 0..1000 --size middle --faults crash,reply-lost\n  evenkeel-sim search --faults list\n\nEXIT CODES\n  0  no invariant was broken\n  1  one was: the story that breaks it is written down\n  2  usage"
)]
pub struct Args {
    /// The seeds, from the first up to but without the last: `A..B`, or `N` for `0..N`.
    #[arg(long, default_value = "0..1000", value_parser = seeds)]
    seeds: Range<u64>,
    /// How many threads; as many as there are processors where it is not given.
    #[arg(long)]
    jobs: Option<usize>,
    /// `swarm`: each seed has some kinds of its own; or the kinds that each has, with commas between; `list` shows all.
    #[arg(long, default_value = "swarm")]
    faults: String,
    /// `small` (to 8 executors, 10 minutes), `middle` (to 50, 2 hours) or `large` (to 200, 3 days); mixed where it is not
    /// given: nine in ten small, one in a hundred large.
    #[arg(long)]
    size: Option<Size>,
    /// Where the story of a broken invariant is written.
    #[arg(long, value_name = "FILE", default_value = "story.yaml")]
    story: PathBuf,
    /// The most stories that are played to make that one small; 0: it is left as it is.
    #[arg(long, default_value = "2000")]
    shrink: u32,
    /// Do not compare each story with itself without faults.
    #[arg(long)]
    no_oracle: bool,
    /// Print the table of pairs met: which rule decided something within a minute of which fault.
    #[arg(long)]
    table: bool,
    /// `text`, or one JSON object at the end.
    #[arg(long, value_enum, default_value = "text")]
    format: super::Format,
}

/// The seeds that `A..B` says.
pub(super) fn seeds(text: &str) -> Result<Range<u64>, String> {
    let number = |text: &str| {
        text.parse::<u64>()
            .map_err(|_| format!("{text:?} is no seed: seeds are whole numbers, as in 0..1000"))
    };
    let (from, to) = match text.split_once("..") {
        Some((from, to)) => (number(from)?, number(to)?),
        None => (0, number(text)?),
    };
    if from >= to {
        return Err(format!(
            "{text:?} has no seeds: the second number is to be the larger one"
        ));
    }
    Ok(from..to)
}

impl Args {
    /// Searches.
    pub fn run(self) -> ExitCode {
        if self.faults == "list" {
            for kind in Kind::ALL {
                println!("{:<20} {}", kind.name(), kind.says());
            }
            return ExitCode::SUCCESS;
        }
        let mix = match mix(&self.faults) {
            Ok(mix) => mix,
            Err(why) => {
                eprintln!("evenkeel-sim: --faults: {why}");
                return ExitCode::from(2);
            }
        };
        let search = Search {
            seeds: self.seeds.clone(),
            jobs: super::threads(self.jobs),
            size: self.size,
            mix,
            #[cfg(feature = "mutants")]
            mutant: None,
            oracle: !self.no_oracle,
            shrink: self.shrink,
        };
        match self.search(&search) {
            Ok(code) => code,
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("evenkeel-sim: {error}");
                ExitCode::from(2)
            }
        }
    }

    fn search(&self, search: &Search) -> io::Result<ExitCode> {
        let progress = Arc::new(Progress::default());
        let stop = Arc::clone(&progress);
        super::on_ctrl_c(move || stop.stop.swap(true, Ordering::Relaxed));
        let bar = bar(&progress, self.seeds.end - self.seeds.start);
        let began = Instant::now();
        let sum = search.run(&progress);
        let took = began.elapsed();
        drop(bar);
        let stopped = progress.stop.load(Ordering::Relaxed);
        let mut out = io::BufWriter::new(io::stdout().lock());
        if let Some(found) = &sum.found {
            self.write_story(found)?;
        }
        match self.format {
            super::Format::Text => self.text(&mut out, search, &sum, &progress, took)?,
            super::Format::Json => self.json(&mut out, search, &sum, &progress, took)?,
        }
        if stopped {
            writeln!(out, "stopped before the end")?;
        }
        out.flush()?;
        Ok(match (&sum.found, stopped) {
            (Some(_), _) => ExitCode::from(1),
            (None, true) => ExitCode::from(130),
            (None, false) => ExitCode::SUCCESS,
        })
    }

    fn write_story(&self, found: &Found) -> io::Result<()> {
        let (_, recorder) = play_recorded(&found.story);
        let verdict = Verdict {
            invariant: found.violation.invariant.to_owned(),
            at: found.violation.at,
            what: found.violation.what.clone(),
        };
        let timeline = timeline::lines(&recorder, 60);
        let text = found.story.write(Some(&verdict), &timeline);
        super::write_file(&self.story, "the story", text)
    }

    fn text(
        &self,
        out: &mut impl Write,
        search: &Search,
        sum: &Sum,
        progress: &Progress,
        took: Duration,
    ) -> io::Result<()> {
        if self.table {
            table(out, &sum.tally)?;
        }
        let rates = Rates::of(progress, took, search.jobs);
        writeln!(
            out,
            "{} stories in {:.1} s: {:.0} stories, {:.0} inputs ({:.0} a core) and {:.0} virtual hours a second; digest {:032x}",
            rates.stories,
            took.as_secs_f64(),
            rates.stories_a_second,
            rates.inputs_a_second,
            rates.inputs_a_core,
            rates.hours_a_second,
            sum.digest
        )?;
        let empty = empty_cells(&sum.tally);
        if self.table {
            writeln!(out, "{} pairs of fault and rule were not met", empty.len())?;
        }
        if let Some(found) = &sum.found {
            let violation = &found.violation;
            writeln!(
                out,
                "seed {} breaks {} at {}.{:03} s: {}\n{} happenings are left of it, in {}; play it again: evenkeel-sim replay {}",
                found.seed,
                violation.invariant,
                violation.at.0 / 1000,
                violation.at.0 % 1000,
                violation.what,
                found.story.happenings.len(),
                self.story.display(),
                self.story.display(),
            )?;
        }
        Ok(())
    }

    fn json(
        &self,
        out: &mut impl Write,
        search: &Search,
        sum: &Sum,
        progress: &Progress,
        took: Duration,
    ) -> io::Result<()> {
        let rates = Rates::of(progress, took, search.jobs);
        let found = sum.found.as_ref().map(|found| {
            json!({
                "seed": found.seed, "invariant": found.violation.invariant, "at_ms": found.violation.at,
                "what": found.violation.what, "story": self.story,
            })
        });
        let empty: Vec<String> = empty_cells(&sum.tally)
            .iter()
            .map(|(kind, rule)| format!("{kind} {}", rule.name()))
            .collect();
        let all = json!({
            "stories": rates.stories, "seconds": took.as_secs_f64(), "inputs": progress.inputs.load(Ordering::Relaxed),
            "virtual_ms": progress.virtual_ms.load(Ordering::Relaxed), "digest": format!("{:032x}", sum.digest),
            "found": found, "not_met": empty,
        });
        writeln!(out, "{all}")
    }
}

/// The pairs that were not met.
fn empty_cells(tally: &Tally) -> Vec<(Kind, Rule)> {
    let kinds = Kind::ALL.iter().copied();
    kinds
        .flat_map(|kind| Rule::ALL.iter().map(move |rule| (kind, *rule)))
        .filter(|(kind, rule)| tally.met(*kind, *rule) == 0)
        .collect()
}

fn table(out: &mut impl Write, tally: &Tally) -> io::Result<()> {
    write!(out, "{:<20} {:>9}", "fault", "struck")?;
    for rule in Rule::ALL {
        write!(out, " {:>8}", rule.name())?;
    }
    writeln!(out)?;
    for kind in Kind::ALL {
        write!(out, "{:<20} {:>9}", kind.name(), tally.times(*kind))?;
        for rule in Rule::ALL {
            write!(out, " {:>8}", tally.met(*kind, *rule))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn mix(faults: &str) -> Result<Mix, String> {
    if faults == "swarm" {
        return Ok(Mix::Swarm);
    }
    let kinds: Result<Vec<Kind>, String> =
        faults.split(',').map(|name| name.trim().parse()).collect();
    kinds.map(Mix::Only)
}

struct Rates {
    stories: u64,
    stories_a_second: f64,
    inputs_a_second: f64,
    inputs_a_core: f64,
    hours_a_second: f64,
}

impl Rates {
    fn of(progress: &Progress, took: Duration, jobs: usize) -> Self {
        let seconds = took.as_secs_f64().max(0.001);
        let a_second = |count: u64| count as f64 / seconds;
        let stories = progress.seeds.load(Ordering::Relaxed);
        let inputs = a_second(progress.inputs.load(Ordering::Relaxed));
        Self {
            stories,
            stories_a_second: a_second(stories),
            inputs_a_second: inputs,
            inputs_a_core: inputs / jobs.max(1) as f64,
            hours_a_second: a_second(progress.virtual_ms.load(Ordering::Relaxed)) / 3_600_000.0,
        }
    }
}

fn bar(progress: &Arc<Progress>, seeds: u64) -> Option<Shown> {
    let of = Arc::clone(progress);
    let style = "{bar:30} {pos}/{len} stories, {per_sec}, {eta} left {msg}";
    progress::show(ProgressBar::new(seeds), style, move |bar| {
        bar.set_position(of.seeds.load(Ordering::Relaxed));
        if of.stop.load(Ordering::Relaxed) {
            bar.set_message("(stopping; once more to end at once)");
        }
    })
}
