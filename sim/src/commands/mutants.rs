//! `evenkeel-sim mutants`: plants each bug of the catalogue, and searches until an invariant catches it.

use evenkeel_sim::{
    draw::Size,
    search::{Fixed, Hunt, Hunted, hunt},
};
use serde_json::json;
use std::{
    fs,
    io::{self, Write},
    ops::Range,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// What `mutants` is told.
#[derive(clap::Args)]
#[command(
    after_help = "EXAMPLES\n  evenkeel-sim mutants --list\n  evenkeel-sim mutants --only stale-listing,uid-ignored\n  evenkeel-sim mutants --write tests/mutants.json\n  evenkeel-sim mutants --fixed tests/mutants.json\n\nEXIT CODES\n  0  each was killed by an invariant, and without any nothing is found\n  1  one survived, or the canary did not\n  2  usage"
)]
pub struct Args {
    /// Only list them.
    #[arg(long)]
    list: bool,
    /// Only these, with commas between.
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    only: Vec<String>,
    /// The seeds that each is hunted with, in order.
    #[arg(long, default_value = "0..1000000", value_parser = super::search::seeds)]
    seeds: Range<u64>,
    /// How long each is hunted at most, in seconds.
    #[arg(long, default_value = "60")]
    budget: u64,
    /// How many are hunted at once, each on one thread; as many as there are processors where it is not given.
    #[arg(long)]
    jobs: Option<usize>,
    /// How large the fleets are, as `search` takes it; nine in ten small and one middle where it is not given.
    #[arg(long)]
    size: Option<Size>,
    /// Play only the seeds of this file, one for each.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seeds", "write"])]
    fixed: Option<PathBuf>,
    /// Write the seeds that kill to this file.
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
    /// `text`, or one JSON object a bug.
    #[arg(long, value_enum, default_value = "text")]
    format: super::Format,
}

impl Args {
    /// Hunts.
    pub fn run(self) -> ExitCode {
        match self.hunt() {
            Ok(code) => code,
            Err(why) => {
                eprintln!("evenkeel-sim: {why}");
                ExitCode::from(2)
            }
        }
    }

    fn hunt(&self) -> Result<ExitCode, String> {
        let bugs = self.bugs()?;
        if self.list {
            for bug in bugs {
                let rows: Vec<String> = bug.rows.iter().map(|row| format!("#{row}")).collect();
                println!(
                    "{:<22} {:<4} {:<16} {}",
                    bug.name,
                    bug.caught_by,
                    rows.join(" "),
                    bug.what
                );
            }
            return Ok(ExitCode::SUCCESS);
        }
        let stop = Arc::new(AtomicBool::new(false));
        let stopping = Arc::clone(&stop);
        super::on_ctrl_c(move || stopping.swap(true, Ordering::Relaxed));
        let hunt = Hunt {
            seeds: self.seeds.clone(),
            jobs: super::threads(self.jobs),
            budget: Duration::from_secs(self.budget),
            size: self.size,
        };
        let say = |hunted: &Hunted| self.say(hunted);
        let (all, canary) = match &self.fixed {
            Some(path) => {
                let fixed = read(path)?;
                let mut all = Vec::new();
                for bug in &bugs {
                    let seed = fixed.seeds.get(bug.name).copied().ok_or_else(|| {
                        format!(
                            "{}: seeds.{}: missing; write the file anew with --write",
                            path.display(),
                            bug.name
                        )
                    })?;
                    let one = Hunt {
                        seeds: seed..seed + 1,
                        jobs: 1,
                        budget: hunt.budget,
                        size: hunt.size,
                    };
                    all.extend(one.run(&[*bug], &stop, say));
                }
                let seeds: Vec<u64> = fixed.seeds.values().copied().collect();
                (all, hunt.canary(&seeds, &stop))
            }
            None => {
                let all = hunt.run(&bugs, &stop, say);
                let killers = all
                    .iter()
                    .filter_map(|hunted| hunted.killed.as_ref().map(|(seed, _)| *seed));
                let last = killers.max().unwrap_or(hunt.seeds.start);
                let seeds: Vec<u64> = (hunt.seeds.start..=last).collect();
                (all, hunt.canary(&seeds, &stop))
            }
        };
        if let Some(path) = &self.write {
            write(path, &all)?;
        }
        Ok(self.sum(&all, canary, bugs.len(), stop.load(Ordering::Relaxed)))
    }

    fn bugs(&self) -> Result<Vec<&'static evenkeel::core::mutants::Bug>, String> {
        if self.only.is_empty() {
            return Ok(evenkeel::core::mutants::CATALOGUE.iter().collect());
        }
        let find = |name: &String| {
            hunt::bug(name).ok_or_else(|| {
                format!("--only: there is no planted bug {name:?}; --list shows all")
            })
        };
        self.only.iter().map(find).collect()
    }

    fn say(&self, hunted: &Hunted) {
        let bug = hunted.bug;
        let (invariant, seed) = match &hunted.killed {
            Some((seed, violation)) => (Some(violation.invariant), Some(*seed)),
            None => (None, None),
        };
        let seconds = hunted.took.as_secs_f64();
        let mut out = io::stdout().lock();
        let line = match self.format {
            super::Format::Json => json!({
                "mutant": bug.name, "rows": bug.rows, "what": bug.what, "expected": bug.caught_by,
                "killed_by": invariant, "seed": seed, "seeds": hunted.seeds, "panics": hunted.panics,
                "seconds": seconds,
            })
            .to_string(),
            super::Format::Text => {
                let rows: Vec<String> = bug.rows.iter().map(|row| format!("#{row}")).collect();
                let verdict = invariant.map_or_else(
                    || format!("SURVIVED {} panics", hunted.panics),
                    |invariant| format!("killed by {invariant:<3} after {:>5}", hunted.seeds),
                );
                format!(
                    "{:<22} {verdict:<26} seeds {seconds:>6.2} s  {:<12} {}",
                    bug.name,
                    rows.join(" "),
                    bug.what
                )
            }
        };
        let _ = writeln!(out, "{line}");
    }

    fn sum(
        &self,
        all: &[Hunted],
        canary: Option<(u64, evenkeel_sim::judge::Violation)>,
        wanted: usize,
        stopped: bool,
    ) -> ExitCode {
        let mut times: Vec<Duration> = all.iter().map(|hunted| hunted.took).collect();
        times.sort_unstable();
        let median = times.get(times.len() / 2).copied().unwrap_or_default();
        let killed = all.iter().filter(|hunted| hunted.killed.is_some()).count();
        let longest = times.last().copied().unwrap_or_default();
        let told = canary.as_ref().map_or_else(
            || "without a bug nothing is found".to_owned(),
            |(seed, violation)| {
                format!(
                    "WITHOUT A BUG seed {seed} breaks {}: {}",
                    violation.invariant, violation.what
                )
            },
        );
        let told = match stopped {
            true => "stopped: not all were hunted".to_owned(),
            false => told,
        };
        match self.format {
            super::Format::Text => println!(
                "{killed} of {wanted} killed; median {:.2} s, longest {:.2} s; {told}",
                median.as_secs_f64(),
                longest.as_secs_f64()
            ),
            super::Format::Json => println!(
                "{}",
                json!({
                    "killed": killed, "of": wanted, "median_seconds": median.as_secs_f64(),
                    "longest_seconds": longest.as_secs_f64(), "canary": canary.as_ref().map(|(seed, _)| seed),
                    "stopped": stopped,
                })
            ),
        }
        if killed == wanted && canary.is_none() && !stopped {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}

fn read(path: &Path) -> Result<Fixed, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
}

fn write(path: &Path, all: &[Hunted]) -> Result<(), String> {
    let seeds = all.iter().filter_map(|hunted| {
        let (seed, _) = hunted.killed.as_ref()?;
        Some((hunted.bug.name.to_owned(), *seed))
    });
    let fixed = Fixed {
        seeds: seeds.collect(),
    };
    let mut text = serde_json::to_string_pretty(&fixed)
        .map_err(|error| format!("{}: {error}", path.display()))?;
    text.push('\n');
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}
