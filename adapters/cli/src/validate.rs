//! `evenkeel validate`: a fleet file is checked, and nothing is run.

use crate::{args::ValidateArgs, exit::Exit, say};
use evenkeel::file::{self, ClusterKind, FleetFile};

/// Checks the file, and says what it is.
pub fn validate(args: &ValidateArgs) -> Exit {
    match file::read_for(&args.file, args.cluster.map(Into::into)) {
        Err(error) => {
            say::error(&error);
            Exit::Usage
        }
        Ok(file) => {
            for warning in &file.warnings {
                say::warning(warning);
            }
            say::line(&format!("{}: {}", args.file.display(), what(&file)))
        }
    }
}

/// What a file describes, in a few words.
fn what(file: &FleetFile) -> String {
    let number = |n: u64, what: &str| match n {
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    };
    let wanted = file.groups.values().map(|group| group.wish.target).sum();
    let cluster = match file.cluster {
        ClusterKind::Fake => "fake",
        ClusterKind::Kube => "kube",
    };
    format!(
        "good: fleet {} on {cluster}, {}, {}",
        file.fleet,
        number(file.groups.len() as u64, "group"),
        number(wanted, "executor"),
    )
}
