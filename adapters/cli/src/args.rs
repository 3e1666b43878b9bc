//! What can be said on the command line.

use clap::{Args, Parser, Subcommand, ValueEnum};
use evenkeel::{
    core::Span,
    file::{ClusterKind, Duration},
};
use std::path::PathBuf;

const EXIT: &str = "\
Exit status:
  0    all is well
  1    the fleet was never at its target, was halted or failed; a replay differs
  2    wrong usage, or a file that is missing or no good
  3    the cluster can't be reached
  130  stopped at once by a second Ctrl-C";

const RUN: &str = "\
Examples:
  evenkeel run fleet.yaml                       until Ctrl-C
  evenkeel run fleet.yaml --for 60s             for a minute
  evenkeel run fleet.yaml --until-converged     until the fleet is at its target
  evenkeel run fleet.yaml --cluster kube --context staging
  evenkeel run fleet.yaml --format json | jq 'select(.type == \"summary\")'

However a run ends, the fleet's own `shutdown` says what becomes of its executors: delete, drain or leave. To set a
fleet up and go, write `shutdown: leave` into its file and run it with --until-converged.

The first Ctrl-C, SIGTERM or SIGHUP ends the run in that way; a second one ends it at once and leaves everything as it is.
Where the file says `engine: registering`, the command stands in for the engine: it registers each executor that runs,
and says of each that is to be drained that it is.

On a terminal the run is shown live; elsewhere, line by line. NO_COLOR turns colours off.
EVENKEEL_LOG=debug writes what the library does to standard error: say `2> log` beside it on a terminal.

";

const VALIDATE: &str = "\
Examples:
  evenkeel validate fleet.yaml
  evenkeel validate fleet.yaml --cluster kube   as if it were run there

";

const CONFIG: &str = "\
Examples:
  evenkeel config                               every key, with its rule, default and meaning
  evenkeel config max_failures                  one key
  evenkeel config groups.small.roll             one map, and the keys in it
  evenkeel config --format yaml > fleet.yaml    a fleet file to start from
  evenkeel config --format json | jq -r '.[].key'

";

const SPARK: &str = "\
Examples:
  evenkeel import-spark conf/spark-defaults.conf > fleet.yaml
  evenkeel import-spark conf/spark-defaults.conf --set spark.executor.instances=50 -o fleet.yaml
  kubectl get configmap app -o jsonpath='{.data.spark\\.properties}' | evenkeel import-spark -

Beside each value of the file stands the key that it was made from. What could not be carried over is named on standard
error and at the file's end, with the reason; so is there what needs no counterpart. `--keys` shows the whole table.

Exit status:
  0    all was carried over, or needs no counterpart
  1    the file was written, and some keys could not be carried over
  2    wrong usage, settings that can't be read or that Spark would refuse, or a file that is there already
";

const REPLAY: &str = "\
Examples:
  evenkeel run fleet.yaml --for 60s --record flight.jsonl
  evenkeel replay flight.jsonl

All that went into the controller is put into it again, and what comes out is compared with what came out then.

";

const REPORT: &str = "\
Examples:
  evenkeel run fleet.yaml --for 60s --record flight.jsonl
  evenkeel report flight.jsonl

The page is one file that needs no network: it shows each executor over time, what was decided by which rule, and how it stood
at any moment.

";

/// Keeps a fleet of executor pods at the state its engine asks for
#[derive(Debug, Parser)]
#[command(version, after_help = EXIT)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the fleet that a file describes
    #[command(after_help = format!("{RUN}{EXIT}"))]
    Run(RunArgs),
    /// Check a fleet file, and run nothing
    #[command(after_help = format!("{VALIDATE}{EXIT}"))]
    Validate(ValidateArgs),
    /// Tell the keys of a fleet file: rule, default and meaning
    #[command(after_help = format!("{CONFIG}{EXIT}"))]
    Config(ConfigArgs),
    /// Make a fleet file of a spark-defaults.conf
    #[command(after_help = SPARK)]
    ImportSpark(SparkArgs),
    /// Play a flight record again, and compare
    #[command(after_help = format!("{REPLAY}{EXIT}"))]
    Replay(ReplayArgs),
    /// Make a page of a flight record, to look at in a browser
    #[command(after_help = format!("{REPORT}{EXIT}"))]
    Report(ReportArgs),
}

/// `evenkeel run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The fleet file
    pub file: PathBuf,
    /// Where to run it, whatever the file says
    #[arg(long, value_enum)]
    pub cluster: Option<Cluster>,
    /// End after this time, as 60s or 10m; the file's own `for` where this is not given
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    pub run_for: Option<Span>,
    /// End as soon as the fleet is at its target, or is halted and will not get there
    #[arg(long)]
    pub until_converged: bool,
    /// What chance is drawn from, on the fake cluster and in the waits between repeats
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Write a flight record to this file, for `evenkeel replay`; one that is there is written over
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// How to tell what happens
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// The kubeconfig file [default: as kubectl finds it]
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// The context in the kubeconfig [default: its current one]
    #[arg(long)]
    pub context: Option<String>,
    /// The namespace, whatever the file says
    #[arg(long)]
    pub namespace: Option<String>,
    /// Give up a shutdown that takes longer than this, with status 1
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "10m")]
    pub shutdown_timeout: Span,
}

/// `evenkeel validate`.
#[derive(Debug, Args)]
pub struct ValidateArgs {
    /// The fleet file
    pub file: PathBuf,
    /// Check it for this cluster, whatever the file says
    #[arg(long, value_enum)]
    pub cluster: Option<Cluster>,
}

/// `evenkeel config`.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// The key, as `config.max_pending` or `max_pending` [default: all]
    pub key: Option<String>,
    /// How to print them
    #[arg(long, value_enum, default_value_t = ConfigFormat::Text)]
    pub format: ConfigFormat,
}

/// How keys are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ConfigFormat {
    /// A few lines for each
    Text,
    /// A fleet file with every key at its default
    Yaml,
    /// An array of objects
    Json,
    /// The page docs/config.md
    Markdown,
}

/// `evenkeel import-spark`.
#[derive(Debug, Args)]
pub struct SparkArgs {
    /// The spark-defaults.conf; - reads standard input
    #[arg(required_unless_present = "keys")]
    pub conf: Option<PathBuf>,
    /// A setting over those of the file, as spark-submit's --conf; may be given more than once
    #[arg(long, value_name = "KEY=VALUE", value_parser = setting)]
    pub set: Vec<(String, String)>,
    /// Keep Spark's batches: so many creates per interval, in place of as many as the API server takes
    #[arg(long)]
    pub keep_ramp: bool,
    /// Write the fleet file here [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Write over a file that is there
    #[arg(long, requires = "output")]
    pub force: bool,
    /// Show what becomes of each key of Spark's, as a table, and read nothing
    #[arg(long)]
    pub keys: bool,
}

/// `evenkeel replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The flight record
    pub flight: PathBuf,
}

/// `evenkeel report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The flight record
    pub flight: PathBuf,
    /// Write the page here [default: beside the record, with the ending .html]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Where pods live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Cluster {
    /// In memory; nothing runs
    Fake,
    /// In a Kubernetes cluster
    Kube,
}

impl From<Cluster> for ClusterKind {
    fn from(cluster: Cluster) -> Self {
        match cluster {
            Cluster::Fake => Self::Fake,
            Cluster::Kube => Self::Kube,
        }
    }
}

/// How to tell what happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people: live on a terminal, else a line for each event
    Text,
    /// A JSON object a line, each with a `type`; the last one is the summary
    Json,
}

fn duration(text: &str) -> Result<Span, String> {
    Duration::parse(text).map(|duration| duration.0)
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| format!("{text:?} is no setting; write KEY=VALUE"))?;
    Ok((key.trim().to_owned(), value.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_fit_together() {
        Cli::command().debug_assert();
    }
}
