//! A run as plain lines, one for each event.

use super::{Setting, Show, shutdown};
use crate::{drive::Event, tally::Summary, words};
use evenkeel::core::{ActionId, Span, Status, input::Shutdown};
use std::{
    collections::BTreeMap,
    io::{self, Write},
    sync::Arc,
};

/// How often the status is told at most.
const PACE: Span = Span::seconds(1);

/// Writes plain lines.
pub struct Lines<W> {
    out: W,
    /// What the open effects are, for answers that are trouble.
    open: BTreeMap<ActionId, String>,
    /// The newest status, until it is told.
    untold: Option<Arc<Status>>,
    /// The last status line, and when it was told.
    told: (String, Option<Span>),
    at_target: bool,
}

impl<W: Write> Lines<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self {
            out,
            open: BTreeMap::new(),
            untold: None,
            told: (String::new(), None),
            at_target: false,
        }
    }

    fn line(&mut self, now: Span, text: &str) -> io::Result<()> {
        let (seconds, tenths) = (now.0 / 1000, now.0 % 1000 / 100);
        writeln!(self.out, "{seconds:>5}.{tenths}s  {text}")?;
        self.out.flush()
    }

    fn tell_status(&mut self, now: Span, always: bool) -> io::Result<()> {
        let due = self
            .told
            .1
            .is_none_or(|last| now.0 >= last.0.saturating_add(PACE.0));
        if !due && !always {
            return Ok(());
        }
        let Some(status) = self.untold.take() else {
            return Ok(());
        };
        let line = words::status(&status, now);
        if line == self.told.0 {
            return Ok(());
        }
        self.line(now, &line)?;
        self.told = (line, Some(now));
        Ok(())
    }
}

impl<W: Write + Send> Show for Lines<W> {
    fn begin(&mut self, setting: &Setting) -> io::Result<()> {
        let Setting {
            fleet,
            cluster,
            groups,
            wanted,
        } = setting;
        let groups = match groups {
            1 => "1 group".to_owned(),
            n => format!("{n} groups"),
        };
        let text = format!("fleet {fleet} on {cluster}: {groups}, {wanted} executors wanted");
        self.line(Span(0), &text)
    }

    fn event(&mut self, now: Span, event: &Event) -> io::Result<()> {
        match event {
            Event::Notice(notice) => self.line(now, &words::notice(notice)),
            Event::Action { id, action } => {
                let text = words::action(action);
                self.line(now, &text)?;
                self.open.insert(*id, text);
                Ok(())
            }
            Event::Answer { id, outcome } => {
                let effect = self.open.remove(id).unwrap_or_default();
                match words::trouble(outcome) {
                    Some(trouble) => self.line(now, &format!("{effect}: {trouble}")),
                    None => Ok(()),
                }
            }
            Event::Trouble(text) => self.line(now, text),
        }
    }

    fn status(&mut self, now: Span, status: &Arc<Status>) -> io::Result<()> {
        let turned = status.at_target != self.at_target;
        self.at_target = status.at_target;
        self.untold = Some(Arc::clone(status));
        self.tell_status(now, turned)
    }

    fn tick(&mut self, now: Span, _: &BTreeMap<&'static str, u64>) -> io::Result<()> {
        self.tell_status(now, false)
    }

    fn stopping(&mut self, now: Span, how: Shutdown, why: &str) -> io::Result<()> {
        self.line(now, &format!("{why}: {}", shutdown(how)))
    }

    fn end(&mut self, now: Span, summary: &Summary) -> io::Result<()> {
        self.tell_status(now, true)?;
        for line in summary_lines(summary) {
            self.line(now, &line)?;
        }
        Ok(())
    }
}

/// What a run came to, in plain words.
pub fn summary_lines(summary: &Summary) -> Vec<String> {
    let target = match (summary.at_target, summary.seconds_to_target) {
        (true, Some(seconds)) => format!("at target, first after {seconds:.1} s"),
        (false, Some(seconds)) => {
            format!("not at target when it was ended; was so first after {seconds:.1} s")
        }
        _ => "never at target".to_owned(),
    };
    let none_or = |text: String| {
        if text.is_empty() {
            "none".to_owned()
        } else {
            text
        }
    };
    let mut lines = vec![
        target,
        format!("created {}, deleted {}", summary.created, summary.deleted),
        format!("lost: {}", none_or(words::counts(&summary.lost))),
        format!("API calls: {}", none_or(words::counts(&summary.api_calls))),
    ];
    lines.extend(
        summary
            .findings
            .iter()
            .map(|found| format!("found in this run: {}", words::finding(found))),
    );
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tally::Tally;
    use evenkeel::core::{
        ExecutorId,
        input::{Failure, Outcome},
        output::{Action, Cause, Evidence, Notice},
        plan::{Class, GroupStatus, Unfilled, Unmet},
    };

    fn status(running: u64, at_target: bool) -> Arc<Status> {
        let unmet = BTreeMap::from([(
            Unmet::Starting,
            Unfilled {
                executors: 3 - running,
                until: None,
            },
        )]);
        let group = GroupStatus {
            target: 3,
            counting: 3,
            by_class: BTreeMap::from([(Class::Running, running)]),
            unmet: if at_target { BTreeMap::new() } else { unmet },
            ..GroupStatus::default()
        };
        Arc::new(Status {
            groups: BTreeMap::from([("small".into(), group)]),
            at_target,
            ..Status::default()
        })
    }

    #[test]
    fn a_run_line_by_line() {
        let mut lines = Lines::new(Vec::new());
        let executor = ExecutorId::new(1, 1);
        let action = Action::Create {
            executor,
            group: "small".into(),
            template: 1,
            claims: Vec::new(),
        };
        let setting = Setting {
            fleet: "demo".into(),
            cluster: "the fake".into(),
            groups: 1,
            wanted: 3,
        };
        let cause = Cause::AppFailed { exit_code: Some(1) };
        let lost = Notice::Lost {
            executor,
            cause,
            evidence: Arc::new(Evidence::default()),
        };
        let (one, two) = (ActionId(1), ActionId(2));
        let done = Outcome::Done {
            revision: None,
            uid: None,
        };
        let play = |lines: &mut Lines<Vec<u8>>| -> io::Result<()> {
            lines.begin(&setting)?;
            lines.event(
                Span(10),
                &Event::Action {
                    id: one,
                    action: action.clone(),
                },
            )?;
            lines.event(
                Span(20),
                &Event::Answer {
                    id: one,
                    outcome: done,
                },
            )?;
            lines.event(Span(30), &Event::Action { id: two, action })?;
            lines.event(
                Span(40),
                &Event::Answer {
                    id: two,
                    outcome: Outcome::Unclear(Failure::TimedOut),
                },
            )?;
            lines.status(Span(100), &status(0, false))?;
            lines.status(Span(200), &status(1, false))?;
            lines.tick(Span(900), &BTreeMap::new())?;
            lines.tick(Span(1100), &BTreeMap::new())?;
            lines.status(Span(1200), &status(3, true))?;
            lines.event(Span(1300), &Event::Notice(lost))?;
            lines.stopping(Span(2000), Shutdown::Delete, "the time is over")?;
            lines.end(
                Span(2500),
                &Tally::default().summary(false, BTreeMap::from([("create", 2)])),
            )
        };
        play(&mut lines).expect("a vector takes everything");
        assert_eq!(
            String::from_utf8(lines.out).expect("text"),
            "    0.0s  fleet demo on the fake: 1 group, 3 executors wanted
    0.0s  create 1-1 (small)
    0.0s  create 1-1 (small)
    0.0s  create 1-1 (small): no clear answer: no answer in time
    0.1s  small 0/3 (3 starting)
    1.1s  small 1/3 (2 starting)
    1.2s  at target: small 3/3
    1.3s  lost 1-1: app_failed, exit code 1
    2.0s  the time is over: deleting all executors
    2.5s  never at target
    2.5s  created 0, deleted 0
    2.5s  lost: none
    2.5s  API calls: 2 create
"
        );
    }
}
