//! `evenkeel` as a child process.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process,
    task::JoinHandle,
};

/// The command's binary, of the same profile as this program: built the first time that it is asked for, unless
/// `EVENKEEL_BIN` names one.
///
/// # Panics
/// It does not build.
#[must_use]
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(named) = std::env::var_os("EVENKEEL_BIN") {
            return named.into();
        }
        let built = escargot::CargoBuild::new()
            .manifest_path(crate::control_plane::workspace().join("Cargo.toml"))
            .package("evenkeel-cli")
            .bin("evenkeel")
            .current_release()
            .run();
        let built = built.unwrap_or_else(|error| panic!("evenkeel does not build: {error}"));
        built.path().to_owned()
    })
}

/// A call of the command.
#[derive(Clone, Debug, Default)]
pub struct Command {
    arguments: Vec<OsString>,
}

/// A line that the command wrote.
#[derive(Clone, Debug)]
pub struct Line {
    /// When we read it.
    pub at: Instant,
    /// The line.
    pub text: String,
    /// Its JSON; null where it is none.
    pub json: Value,
}

impl Line {
    /// Whether it is a JSON line of that type.
    #[must_use]
    pub fn is(&self, kind: &str) -> bool {
        self.json["type"] == kind
    }

    /// Whether it tells of such a notice.
    #[must_use]
    pub fn notice(&self, notice: &str) -> bool {
        self.is("notice") && self.json["notice"] == notice
    }

    /// The executor that it is about.
    #[must_use]
    pub fn executor(&self) -> &str {
        self.json["executor"].as_str().unwrap_or_default()
    }

    /// Whether it is a status, and says that the fleet is at its target.
    #[must_use]
    pub fn at_target(&self) -> bool {
        self.is("status") && self.json["at_target"] == true
    }
}

type Lines = Arc<Mutex<Vec<Line>>>;

/// How it ended, and all that it wrote.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Its status.
    pub status: ExitStatus,
    /// Its standard output.
    pub out: Vec<Line>,
    /// Its standard error.
    pub err: Vec<Line>,
    /// How long it ran.
    pub took: Duration,
}

impl Ended {
    /// Its exit code; None: a signal ended it.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// What it wrote to standard error.
    #[must_use]
    pub fn errors(&self) -> String {
        self.err
            .iter()
            .map(|line| format!("{}\n", line.text))
            .collect()
    }

    /// What it wrote to standard output.
    #[must_use]
    pub fn text(&self) -> String {
        self.out
            .iter()
            .map(|line| format!("{}\n", line.text))
            .collect()
    }

    /// The summary: the last line of `--format json`.
    ///
    /// # Panics
    /// There is none.
    #[must_use]
    pub fn summary(&self) -> &Value {
        let last = self.out.last().filter(|line| line.is("summary"));
        &last
            .unwrap_or_else(|| panic!("no summary at the end: {}{}", self.text(), self.errors()))
            .json
    }
}

impl Command {
    /// `evenkeel`, with nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// With more arguments.
    #[must_use]
    pub fn args<S: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        for argument in arguments {
            self = self.arg(argument);
        }
        self
    }

    /// Starts it. It is killed when the child is dropped.
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    pub fn start(self) -> Child {
        let mut command = process::Command::new(binary());
        let child = command
            .args(&self.arguments)
            // What a terminal sends to our group is not for it.
            .process_group(0)
            .env("NO_PROXY", "127.0.0.1")
            .env_remove("KUBECONFIG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        let mut child = child.unwrap_or_else(|error| panic!("evenkeel does not start: {error}"));
        let (out, err) = (Lines::default(), Lines::default());
        let reading = vec![
            tokio::spawn(read(child.stdout.take().expect("piped"), out.clone())),
            tokio::spawn(read(child.stderr.take().expect("piped"), err.clone())),
        ];
        Child {
            child,
            out,
            err,
            reading,
            started: Instant::now(),
        }
    }

    /// Starts it, and waits for its end.
    ///
    /// # Panics
    /// It does not end in time.
    pub async fn run(self, patience: Duration) -> Ended {
        self.start().ended(patience).await
    }
}

async fn read(from: impl AsyncRead + Unpin, into: Lines) {
    let mut lines = BufReader::new(from).lines();
    while let Ok(Some(text)) = lines.next_line().await {
        let json = serde_json::from_str(&text).unwrap_or_default();
        let at = Instant::now();
        lock(&into).push(Line { at, text, json });
    }
}

fn lock(lines: &Lines) -> std::sync::MutexGuard<'_, Vec<Line>> {
    lines.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The running command.
pub struct Child {
    child: process::Child,
    out: Lines,
    err: Lines,
    reading: Vec<JoinHandle<()>>,
    started: Instant,
}

impl Child {
    /// When it was started.
    #[must_use]
    pub fn started(&self) -> Instant {
        self.started
    }

    /// What it wrote to standard output so far.
    #[must_use]
    pub fn out(&self) -> Vec<Line> {
        lock(&self.out).clone()
    }

    /// Whether a line so far is such.
    pub fn wrote(&self, such: impl Fn(&Line) -> bool) -> bool {
        lock(&self.out).iter().any(such)
    }

    /// The last line that is such.
    pub fn last(&self, such: impl Fn(&Line) -> bool) -> Option<Line> {
        lock(&self.out)
            .iter()
            .rev()
            .find(|line| such(line))
            .cloned()
    }

    /// Waits for a line that is such.
    ///
    /// # Panics
    /// There is none in time, or it has ended without.
    pub async fn line(
        &mut self,
        what: &str,
        patience: Duration,
        such: impl Fn(&Line) -> bool,
    ) -> Line {
        self.line_from(0, what, patience, such).await
    }

    /// Waits for a line that is such, the first `from` lines aside.
    ///
    /// # Panics
    /// There is none in time, or it has ended without.
    pub async fn line_from(
        &mut self,
        from: usize,
        what: &str,
        patience: Duration,
        such: impl Fn(&Line) -> bool,
    ) -> Line {
        let end = Instant::now() + patience;
        loop {
            let ended = self.child.try_wait().expect("a status").is_some();
            let found = lock(&self.out)
                .iter()
                .skip(from)
                .find(|line| such(line))
                .cloned();
            if let Some(line) = found {
                return line;
            }
            assert!(
                !ended && Instant::now() < end,
                "waited until {what} (ended: {ended})\n{}",
                self.tail()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The last lines, for messages.
    #[must_use]
    pub fn tail(&self) -> String {
        let end = |lines: &Lines| {
            let lines = lock(lines);
            let from = lines.len().saturating_sub(12);
            let texts: Vec<_> = lines[from..].iter().map(|line| line.text.clone()).collect();
            texts.join("\n")
        };
        format!("{}\n{}", end(&self.out), end(&self.err))
    }

    /// Sends a signal.
    ///
    /// # Panics
    /// It has ended.
    pub fn signal(&self, signal: Signal) {
        let pid = self
            .child
            .id()
            .and_then(|pid| Pid::from_raw(pid.cast_signed()));
        kill_process(pid.expect("it runs"), signal).expect("it is ours");
    }

    /// Kills it by SIGKILL, and waits until it is gone.
    pub async fn kill(&mut self) {
        self.child.kill().await.expect("it is ours");
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// It does not end in time.
    pub async fn ended(mut self, patience: Duration) -> Ended {
        let status = match tokio::time::timeout(patience, self.child.wait()).await {
            Ok(status) => status.expect("a status"),
            Err(_) => panic!("waited {patience:?} for its end\n{}", self.tail()),
        };
        let took = self.started.elapsed();
        for reading in self.reading {
            reading.await.expect("its lines are read");
        }
        let (out, err) = (lock(&self.out).clone(), lock(&self.err).clone());
        Ended {
            status,
            out,
            err,
            took,
        }
    }
}
