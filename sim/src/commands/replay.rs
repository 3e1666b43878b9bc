//! `evenkeel-sim replay`: plays a story again, and says whether it comes to what it says.

use evenkeel_sim::{search::play_recorded, story::Story, timeline};
use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

/// What `replay` is told.
#[derive(clap::Args)]
#[command(
    after_help = "evenkeel-sim report makes a page of it, to look at in a browser.\n\nEXIT CODES\n  0  no invariant is broken\n  1  one is\n  2  usage, or a file that is no story, or one that comes to something else than it says"
)]
pub struct Args {
    /// The story file.
    file: PathBuf,
    /// Print all that happened, not only what came last.
    #[arg(long)]
    whole: bool,
}

impl Args {
    /// Plays it.
    pub fn run(self) -> ExitCode {
        let (story, said) = match Story::read(&self.file) {
            Ok(read) => read,
            Err(error) => {
                eprintln!("evenkeel-sim: {error}");
                return ExitCode::from(2);
            }
        };
        let (played, recorder) = play_recorded(&story);
        let most = if self.whole { usize::MAX } else { 60 };
        let mut out = io::BufWriter::new(io::stdout().lock());
        let mut print = || -> io::Result<()> {
            for line in timeline::lines(&recorder, most) {
                writeln!(out, "{line}")?;
            }
            match &played.violation {
                Some(violation) => writeln!(out, "{violation}")?,
                None => writeln!(out, "no invariant is broken")?,
            }
            let status = serde_json::to_string(&played.report.status).unwrap_or_default();
            writeln!(out, "status {status}")?;
            writeln!(out, "digest {}", played.report.digest)?;
            out.flush()
        };
        match print() {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                eprintln!("evenkeel-sim: the story can't be printed: {error}");
                return ExitCode::from(2);
            }
            _ => {}
        }
        match (&said, &played.violation) {
            (Some(said), Some(found))
                if said.invariant == found.invariant && said.at == found.at =>
            {
                ExitCode::from(1)
            }
            (Some(said), _) => {
                eprintln!(
                    "evenkeel-sim: {}: it says that {} is broken at {} ms; it is played differently by this version",
                    self.file.display(),
                    said.invariant,
                    said.at.0
                );
                ExitCode::from(2)
            }
            (None, Some(_)) => ExitCode::from(1),
            (None, None) => ExitCode::SUCCESS,
        }
    }
}
