//! `evenkeel-sim report`: makes a page of a story or a flight record, to look at in a browser.

use evenkeel::{page, shell};
use evenkeel_sim::{pages, search::play_recorded, story::Story};
use std::{
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// What `report` is told.
#[derive(clap::Args)]
#[command(
    after_help = "EXAMPLES\n  evenkeel-sim report story.yaml\n  evenkeel-sim report flight.jsonl -o page.html\n\nThe page is one file that needs no network: open it in a browser.\n\nEXIT CODES\n  0  the page is written; no invariant is broken\n  1  the page is written; an invariant is broken\n  2  usage, or a file that is neither a story nor a flight record; or one that comes to something else than it says: then\n     the page is written, and says so"
)]
pub struct Args {
    /// The story, as `search` writes it, or the flight record, as `evenkeel run --record` writes it.
    file: PathBuf,
    /// Where the page is written, over what is there; beside the file with the ending `.html` where it is not given.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// A page, and how the command ends.
struct Made {
    page: page::Page,
    code: ExitCode,
}

impl Args {
    /// Makes it.
    pub fn run(self) -> ExitCode {
        let output = self
            .output
            .clone()
            .unwrap_or_else(|| self.file.with_extension("html"));
        match self.made().and_then(|made| write(&made, &output)) {
            Ok(code) => code,
            Err(why) => {
                eprintln!("evenkeel-sim: {why}");
                ExitCode::from(2)
            }
        }
    }

    fn made(&self) -> Result<Made, String> {
        let file = self.file.display();
        let opened = File::open(&self.file).map_err(|error| {
            format!("{file}: can't be read: {error}; name a story file or a flight record")
        })?;
        let name = self.file.file_name().unwrap_or(self.file.as_os_str());
        let name = name.to_string_lossy();
        if shell::is_record(&self.file) {
            return flight(&self.file, &name, opened);
        }
        let (story, said) = Story::read(&self.file).map_err(|error| {
            format!("{error}; a page is made of a story file or of a flight record")
        })?;
        let (played, recorder) = play_recorded(&story);
        let page = pages::page(&name, &story, said.as_ref(), &played, &recorder);
        let code = match page.verdict.standing {
            page::Standing::Well => ExitCode::SUCCESS,
            page::Standing::Broken => ExitCode::from(1),
            page::Standing::Differs => {
                eprintln!("evenkeel-sim: {file}: {}", page.verdict.says);
                ExitCode::from(2)
            }
        };
        Ok(Made { page, code })
    }
}

fn flight(path: &Path, name: &str, opened: File) -> Result<Made, String> {
    let file = path.display();
    let (page, truncated) = page::of_flight(name, BufReader::new(opened))
        .map_err(|error| format!("{file}: {error}"))?;
    if truncated {
        eprintln!(
            "evenkeel-sim: {file}: the record ends in the middle of a line, which is left out"
        );
    }
    let code = if page.verdict.standing == page::Standing::Differs {
        eprintln!("evenkeel-sim: {file}: {}", page.verdict.says);
        ExitCode::from(2)
    } else {
        ExitCode::SUCCESS
    };
    Ok(Made { page, code })
}

fn write(made: &Made, output: &Path) -> Result<ExitCode, String> {
    let file = output.display();
    let written = made.page.write(output);
    written.map_err(|error| format!("{file}: {error}; -o says where the page is written"))?;
    println!("{file}: {}", made.page.verdict.says);
    Ok(made.code)
}
