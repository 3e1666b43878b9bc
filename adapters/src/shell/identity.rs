//! LIVE-1: who holds a lease: `<pod UID, or host:boot id>/<pid>/<process start>`, and whether that one is dead.

use std::{
    fmt, fs,
    sync::atomic::{AtomicU32, Ordering},
};

/// A holder of leases. Each is one of a kind, also within a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    machine: String,
    pid: u32,
    start: String,
}

/// Controllers of this process so far.
static INSTANCES: AtomicU32 = AtomicU32::new(0);

impl Identity {
    /// A new identity of this process. `pod_uid`: of the pod that we run in, where there is one.
    #[must_use]
    pub fn of_this_process(pod_uid: Option<&str>) -> Self {
        let pid = std::process::id();
        let instance = INSTANCES.fetch_add(1, Ordering::Relaxed);
        let start = process_start(pid).unwrap_or_else(|| "unknown".to_owned());
        let machine = pod_uid.map_or_else(host_and_boot, str::to_owned);
        Self {
            machine,
            pid,
            start: format!("{start}.{instance}"),
        }
    }

    /// An identity of no process: for simulations, where the same must come out each time.
    #[must_use]
    pub fn made_up(name: &str, life: u32) -> Self {
        Self {
            machine: name.replace('/', "_"),
            pid: life,
            start: "0.0".to_owned(),
        }
    }

    /// Whether the holder of that name is known to be dead: of our pod, or of our host and boot with its process gone.
    #[must_use]
    pub fn knows_dead(&self, holder: &str) -> bool {
        let Some((machine, pid, start)) = parts(holder) else {
            return false;
        };
        if machine != self.machine {
            return false;
        }
        let running = pid.parse().ok().and_then(process_start);
        let its_start = start.split_once('.').map_or(start, |(start, _)| start);
        match running {
            // A pod's containers share no process ids over restarts: whoever was there before us is gone.
            _ if !machine.contains(':') => {
                pid.parse() != Ok(self.pid) || self.to_string() == holder
            }
            Some(running) => running != its_start,
            None => true,
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.machine, self.pid, self.start)
    }
}

fn parts(holder: &str) -> Option<(&str, &str, &str)> {
    let mut parts = holder.split('/');
    let all = (parts.next()?, parts.next()?, parts.next()?);
    parts.next().is_none().then_some(all)
}

/// This machine, until it is started anew.
fn host_and_boot() -> String {
    let read = |path| fs::read_to_string(path).map(|text| text.trim().to_owned());
    let host = read("/proc/sys/kernel/hostname").unwrap_or_else(|_| "localhost".to_owned());
    // Where there is no boot id, no process of an earlier start can be told from one of this: none matches.
    let boot = read("/proc/sys/kernel/random/boot_id")
        .unwrap_or_else(|_| format!("{}-{:?}", std::process::id(), std::time::SystemTime::now()));
    format!("{host}:{boot}").replace(['/', ' '], "_")
}

/// When a process started, in the kernel's ticks since boot; None where there is no such process.
fn process_start(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The command's name is in parentheses, and may have any character in it.
    let after_name = stat.rsplit_once(')')?.1;
    let mut fields = after_name.split_whitespace();
    let state = fields.next()?;
    let start = fields.nth(18)?;
    // A zombie does nothing any more.
    (state != "Z").then(|| start.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_living_are_not_dead() {
        let me = Identity::of_this_process(None);
        let other = Identity::of_this_process(None);
        assert_ne!(me, other);
        assert!(
            !me.knows_dead(&other.to_string()),
            "it is of this very process"
        );
    }

    #[test]
    fn a_process_that_is_gone_is_dead() {
        let me = Identity::of_this_process(None);
        let mut child = std::process::Command::new("true").spawn().expect("runs");
        let pid = child.id();
        child.wait().expect("ends");
        let dead = Identity { pid, ..me.clone() };
        assert!(me.knows_dead(&dead.to_string()));
        let reused = Identity {
            start: "1.0".to_owned(),
            ..me.clone()
        };
        assert!(
            me.knows_dead(&reused.to_string()),
            "the pid is another process's by now"
        );
    }

    #[test]
    fn of_another_machine_nothing_is_known() {
        let me = Identity::of_this_process(None);
        for holder in ["other:boot/1/2.0", "", "nonsense", "a/b/c/d"] {
            assert!(!me.knows_dead(holder), "{holder}");
        }
    }

    #[test]
    fn who_was_in_our_pod_before_us_is_gone() {
        let me = Identity::of_this_process(Some("pod-uid"));
        assert!(me.knows_dead("pod-uid/4294967295/77.0"));
        assert!(!me.knows_dead("other-uid/4294967295/77.0"));
    }
}
