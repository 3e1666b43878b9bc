//! `evenkeel-sim explore`: goes through all that can happen in a small world.

use super::progress;
use evenkeel::core::config::EngineMode;
use evenkeel_sim::{
    explore::{self, Found, Path, Progress, Scope, explore, walk},
    timeline,
};
use indicatif::ProgressBar;
use serde_json::json;
use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// What `explore` is told.
#[derive(clap::Args)]
#[command(
    after_help = "EXAMPLES\n  evenkeel-sim explore\n  evenkeel-sim explore --targets 3 --faults 1 --crashes 1\n  evenkeel-sim explore --replay path.yaml\n\nEXIT CODES\n  0  no invariant was broken: nothing that can happen there breaks one\n  1  one was: the path that breaks it is written down\n  2  usage, or a file that is no path"
)]
pub struct Args {
    /// How many executors are wanted: at first, and then, at any time, each of the others in turn.
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "2")]
    targets: Vec<u64>,
    /// When answers, listings and events arrive.
    #[arg(long, value_enum, default_value = "prompt")]
    order: Order,
    /// How many faults there may be on a path.
    #[arg(long, default_value = "2")]
    faults: u32,
    /// How many times the controller may die on a path.
    #[arg(long, default_value = "0")]
    crashes: u32,
    /// What is known of executors beyond their pods.
    #[arg(long, value_enum, default_value = "none")]
    engine: Engine,
    /// How many threads; as many as there are processors where it is not given.
    #[arg(long)]
    jobs: Option<usize>,
    /// Where the path to a broken invariant is written.
    #[arg(long, value_name = "FILE", default_value = "path.yaml")]
    path: PathBuf,
    /// Walk the path of this file, and explore nothing.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["targets", "order", "faults", "crashes", "engine"])]
    replay: Option<PathBuf>,
    /// Plant this bug of the catalogue, to see whether it is found.
    #[cfg(feature = "mutants")]
    #[arg(long, value_name = "NAME")]
    mutant: Option<String>,
    /// `text`, or one JSON object at the end.
    #[arg(long, value_enum, default_value = "text")]
    format: super::Format,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Order {
    /// In every order.
    Free,
    /// At once; each that is late is a fault.
    Prompt,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Engine {
    /// There is none: a running executor counts as registered.
    None,
    /// Executors register, and drain.
    Registering,
}

impl Args {
    /// Explores, or walks a path again.
    pub fn run(self) -> ExitCode {
        let done = match &self.replay {
            Some(file) => replay(file),
            None => self.explore(),
        };
        match done {
            Ok(code) => code,
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("evenkeel-sim: {error}");
                ExitCode::from(2)
            }
        }
    }

    fn scope(&self) -> Scope {
        Scope {
            engine: match self.engine {
                Engine::None => EngineMode::None,
                Engine::Registering => EngineMode::Registering,
            },
            targets: self.targets.clone(),
            order: match self.order {
                Order::Free => explore::Order::Free,
                Order::Prompt => explore::Order::Prompt,
            },
            faults: self.faults,
            crashes: self.crashes,
            #[cfg(feature = "mutants")]
            mutant: self.mutant.clone(),
            #[cfg(not(feature = "mutants"))]
            mutant: None,
        }
    }

    fn explore(&self) -> io::Result<ExitCode> {
        let scope = self.scope();
        scope
            .check()
            .map_err(|why| io::Error::new(io::ErrorKind::InvalidInput, format!("--{why}")))?;
        let progress = Arc::new(Progress::default());
        let stop = Arc::clone(&progress);
        super::on_ctrl_c(move || stop.stop.swap(true, Ordering::Relaxed));
        let began = Instant::now();
        let shown = progress::show(ProgressBar::new_spinner(), "{spinner} {msg}", {
            let of = Arc::clone(&progress);
            move |bar| {
                bar.set_message(Counts::of(&of, began.elapsed()).line());
                bar.tick();
            }
        });
        let found = explore(&scope, super::threads(self.jobs), &progress);
        let counts = Counts::of(&progress, began.elapsed());
        drop(shown);
        let stopped = found.is_none() && progress.stop.load(Ordering::Relaxed);
        if let Some(found) = &found {
            self.write(found)?;
        }
        let mut out = io::stdout().lock();
        match self.format {
            super::Format::Text => self.text(&mut out, &counts, found.as_ref())?,
            super::Format::Json => self.json(&mut out, &counts, found.as_ref())?,
        }
        if stopped {
            writeln!(out, "stopped before the end: there is more to see")?;
        }
        Ok(match (found, stopped) {
            (Some(_), _) => ExitCode::from(1),
            (None, true) => ExitCode::from(130),
            (None, false) => ExitCode::SUCCESS,
        })
    }

    fn write(&self, found: &Found) -> io::Result<()> {
        let (_, recorder) = walk(&found.path);
        let timeline = timeline::lines(&recorder, usize::MAX);
        let text = found.path.write(&found.violation, &timeline);
        super::write_file(&self.path, "the path", text)
    }

    fn text(&self, out: &mut impl Write, counts: &Counts, found: Option<&Found>) -> io::Result<()> {
        writeln!(out, "{}", counts.line())?;
        if let Some(found) = found {
            writeln!(
                out,
                "{} is broken: {}\n{} steps lead there, in {}; walk it again: evenkeel-sim explore --replay {}",
                found.violation.invariant,
                found.violation.what,
                found.path.choices.len(),
                self.path.display(),
                self.path.display(),
            )?;
        }
        Ok(())
    }

    fn json(&self, out: &mut impl Write, counts: &Counts, found: Option<&Found>) -> io::Result<()> {
        let found = found.map(|found| {
            json!({
                "invariant": found.violation.invariant, "at_ms": found.violation.at, "what": found.violation.what,
                "steps": found.path.choices.len(), "path": self.path,
            })
        });
        let all = json!({
            "states": counts.states, "steps": counts.steps, "beyond": counts.beyond, "deepest": counts.deepest,
            "spent": counts.spent, "resting": counts.resting, "seconds": counts.took.as_secs_f64(), "found": found,
        });
        writeln!(out, "{all}")
    }
}

/// Walks a path again, and prints all that happens.
fn replay(file: &std::path::Path) -> io::Result<ExitCode> {
    let path = Path::read(file)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error.to_string()))?;
    let (violation, recorder) = walk(&path);
    let mut out = io::BufWriter::new(io::stdout().lock());
    for line in timeline::lines(&recorder, usize::MAX) {
        writeln!(out, "{line}")?;
    }
    match &violation {
        Some(violation) => writeln!(out, "{violation}")?,
        None => writeln!(out, "no invariant is broken")?,
    }
    out.flush()?;
    Ok(ExitCode::from(u8::from(violation.is_some())))
}

/// How far it came.
struct Counts {
    states: u64,
    steps: u64,
    beyond: u64,
    deepest: u64,
    spent: u64,
    resting: u64,
    took: Duration,
}

impl Counts {
    fn of(progress: &Progress, took: Duration) -> Self {
        let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
        Self {
            states: count(&progress.states),
            steps: count(&progress.steps),
            beyond: count(&progress.beyond),
            deepest: count(&progress.deepest),
            spent: count(&progress.spent),
            resting: count(&progress.resting),
            took,
        }
    }

    fn line(&self) -> String {
        let seconds = self.took.as_secs_f64().max(0.001);
        format!(
            "{} states and {} steps in {seconds:.1} s ({:.0} steps a second), at most {} deep; {} steps ask for too many pods; {} states have no fault left, and {} were passed on the way to rest",
            self.states,
            self.steps,
            self.steps as f64 / seconds,
            self.deepest,
            self.beyond,
            self.spent,
            self.resting,
        )
    }
}
