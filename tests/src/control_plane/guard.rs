//! A program that does not outlive us.
//!
//! A shell stands between: it starts the program, then reads a pipe that only we hold the other end of. When we close
//! it (drop, panic) or die in any way at all, SIGKILL included, the kernel ends the pipe and the shell kills the program.
//! PR_SET_PDEATHSIG would need unsafe code, and follows the thread that spawned, not the process. SIGKILL, because on
//! SIGTERM the API server waits for its watches to end.

use std::{
    fs::File,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
};

const GUARD: &str =
    r#""$@" </dev/null & program=$!; cat >/dev/null; kill -KILL "$program"; wait "$program""#;

pub(super) struct Guarded {
    shell: Child,
    hold: Option<ChildStdin>,
}

impl Guarded {
    pub(super) fn spawn(program: &Path, flags: &[String], folder: &Path, log: &Path) -> Self {
        let log = File::options()
            .create(true)
            .append(true)
            .open(log)
            .expect("a log file");
        let mut shell = Command::new("sh")
            .args(["-c", GUARD, "guard"])
            .arg(program)
            .args(flags)
            .current_dir(folder)
            // Loopback only: no proxy is to come between.
            .env("NO_PROXY", "127.0.0.1")
            // What a terminal or a time limit sends to our group is not for them: they end when we do, at once.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(log.try_clone().expect("a log file"))
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start: {error}", program.display()));
        let hold = shell.stdin.take();
        Self { shell, hold }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.hold = None;
        // Its status tells nothing: the program was killed.
        let _ = self.shell.wait();
    }
}
