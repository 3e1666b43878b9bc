//! `evenkeel report`: a page of a flight record is made, to look at in a browser.

use crate::{args::ReportArgs, exit::Exit, replay, say};
use evenkeel::page::{self, Standing};

/// Makes the page, and says what it is of.
pub fn report(args: &ReportArgs) -> Exit {
    let record = match replay::open(&args.flight) {
        Ok(record) => record,
        Err(exit) => return exit,
    };
    let name = args.flight.file_name().unwrap_or(args.flight.as_os_str());
    let (page, truncated) = match page::of_flight(&name.to_string_lossy(), record) {
        Ok(made) => made,
        Err(error) => {
            say::error(&format!("{}: {error}", args.flight.display()));
            return Exit::Usage;
        }
    };
    if truncated {
        replay::warn_truncated(&args.flight);
    }
    let beside = args.flight.with_extension("html");
    let output = args.output.as_ref().unwrap_or(&beside);
    if let Err(error) = page.write(output) {
        let file = output.display();
        say::error(&format!(
            "{file}: {error}; -o says where the page is written"
        ));
        return Exit::Usage;
    }
    let said = say::line(&format!("{}: {}", output.display(), page.verdict.says));
    match page.verdict.standing {
        Standing::Well => said,
        Standing::Broken | Standing::Differs => Exit::Failed,
    }
}
