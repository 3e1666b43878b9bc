//! A run on a terminal: a view that is drawn anew several times a second.

use super::{Setting, Show, lines::summary_lines, shutdown};
use crate::{drive::Event, tally::Summary, words};
use evenkeel::core::{ActionId, Span, Status, input::Shutdown, output::Notice};
use ratatui::{
    DefaultTerminal, Frame,
    layout::{Constraint, Layout, Rect},
    style::{Color, Modifier, Style},
    text::{Line, Text},
    widgets::{Cell, Paragraph, Row, Table},
};
use std::{
    collections::{BTreeMap, VecDeque},
    io::{self, Write},
    sync::Arc,
};

/// How many lines of news are kept.
const KEPT: usize = 200;
/// The width of a group's bar.
const BAR: u64 = 20;

/// What the view shows.
#[derive(Debug)]
pub struct View {
    setting: Setting,
    colours: bool,
    now: Span,
    status: Arc<Status>,
    calls: BTreeMap<&'static str, u64>,
    news: VecDeque<(Span, String, Tone)>,
    open: BTreeMap<ActionId, String>,
    stopping: Option<String>,
}

/// How a line of news is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tone {
    Plain,
    Good,
    Bad,
}

impl View {
    /// Nothing to show yet; without colours where they are not wanted.
    pub fn new(setting: Setting, colours: bool) -> Self {
        Self {
            setting,
            colours,
            now: Span(0),
            status: Arc::default(),
            calls: BTreeMap::new(),
            news: VecDeque::new(),
            open: BTreeMap::new(),
            stopping: None,
        }
    }

    /// Takes in what happened.
    pub fn event(&mut self, now: Span, event: &Event) {
        self.now = now;
        match event {
            Event::Notice(notice) => {
                let tone = match notice {
                    Notice::Started { .. } | Notice::Cleared(_) => Tone::Good,
                    Notice::Lost { .. } | Notice::Raised(_) | Notice::Halted => Tone::Bad,
                    Notice::Backoff { until, .. } if until.is_some() => Tone::Bad,
                    Notice::Drain { .. } | Notice::Refuse { .. } | Notice::Backoff { .. } => {
                        Tone::Plain
                    }
                };
                self.push(words::notice(notice), tone);
            }
            Event::Action { id, action } => {
                self.open.insert(*id, words::action(action));
            }
            Event::Answer { id, outcome } => {
                let effect = self.open.remove(id).unwrap_or_default();
                if let Some(trouble) = words::trouble(outcome) {
                    self.push(format!("{effect}: {trouble}"), Tone::Bad);
                }
            }
            Event::Trouble(text) => self.push(text.clone(), Tone::Bad),
        }
    }

    fn push(&mut self, text: String, tone: Tone) {
        self.news.push_back((self.now, text, tone));
        if self.news.len() > KEPT {
            self.news.pop_front();
        }
    }

    fn style(&self, tone: Tone) -> Style {
        match (self.colours, tone) {
            (true, Tone::Good) => Style::new().fg(Color::Green),
            (true, Tone::Bad) => Style::new().fg(Color::Red),
            _ => Style::new(),
        }
    }

    /// Draws it all.
    pub fn draw(&self, frame: &mut Frame<'_>) {
        let groups = u16::try_from(self.status.groups.len()).unwrap_or(u16::MAX);
        let [head, table, news, foot] = Layout::vertical([
            Constraint::Length(2),
            Constraint::Max(groups.saturating_add(2)),
            Constraint::Min(1),
            Constraint::Length(2),
        ])
        .areas(frame.area());
        self.draw_head(frame, head);
        self.draw_groups(frame, table);
        self.draw_news(frame, news);
        let calls = words::counts(&self.calls);
        let bold = Style::new().add_modifier(Modifier::DIM);
        let foot_text = Text::from(vec![
            Line::from(format!("API calls: {calls}")),
            Line::from("Ctrl-C or q ends the run, once more ends it at once").style(bold),
        ]);
        frame.render_widget(foot_text, foot);
    }

    fn draw_head(&self, frame: &mut Frame<'_>, area: Rect) {
        let (state, tone) = match (&self.stopping, self.status.at_target) {
            (Some(text), _) => (text.as_str(), Tone::Plain),
            (None, true) => ("at target", Tone::Good),
            (None, false) => ("not yet at target", Tone::Plain),
        };
        let Setting { fleet, cluster, .. } = &self.setting;
        let text = format!(
            "fleet {fleet} on {cluster}   {}   ",
            words::span(Span(self.now.0 / 1000 * 1000))
        );
        let bold = Style::new().add_modifier(Modifier::BOLD);
        let line = Line::from(vec![
            ratatui::text::Span::styled(text, bold),
            ratatui::text::Span::styled(state.to_owned(), self.style(tone)),
        ]);
        frame.render_widget(line, area);
    }

    fn draw_groups(&self, frame: &mut Frame<'_>, area: Rect) {
        let rows = self.status.groups.iter().map(|(name, group)| {
            let (running, pending) = words::running_and_pending(group);
            let number = |n: u64| Cell::from(Text::from(n.to_string()).right_aligned());
            let tone = if running >= group.target {
                Tone::Good
            } else {
                Tone::Plain
            };
            Row::new([
                Cell::from(name.to_string()),
                Cell::from(bar(running, pending, group.target)).style(self.style(tone)),
                number(group.target),
                number(group.counting),
                number(running),
                number(pending),
                Cell::from(words::why(group, self.now)),
            ])
        });
        let right = |text: &'static str| Cell::from(Text::from(text).right_aligned());
        let header = Row::new([
            Cell::from("group"),
            Cell::from(""),
            right("target"),
            right("counting"),
            right("running"),
            right("pending"),
            Cell::from("why"),
        ]);
        let widest = self
            .status
            .groups
            .keys()
            .map(|name| name.chars().count())
            .max();
        let widest = u16::try_from(widest.unwrap_or(0).clamp(5, 24)).unwrap_or(24);
        let widths = [
            Constraint::Length(widest),
            Constraint::Length(u16::try_from(BAR).unwrap_or(0)),
            Constraint::Length(7),
            Constraint::Length(8),
            Constraint::Length(7),
            Constraint::Length(7),
            Constraint::Min(10),
        ];
        let bold = Style::new().add_modifier(Modifier::BOLD);
        frame.render_widget(Table::new(rows, widths).header(header.style(bold)), area);
    }

    fn draw_news(&self, frame: &mut Frame<'_>, area: Rect) {
        let fits = usize::from(area.height);
        let newest = self.news.iter().skip(self.news.len().saturating_sub(fits));
        let lines: Vec<_> = newest
            .map(|(at, text, tone)| {
                let (seconds, tenths) = (at.0 / 1000, at.0 % 1000 / 100);
                Line::from(format!("{seconds:>5}.{tenths}s  {text}")).style(self.style(*tone))
            })
            .collect();
        // Without wrapping a line is one line, so that the newest is always in sight.
        frame.render_widget(Paragraph::new(lines), area);
    }
}

/// `running` of `target` as full cells, those on the way there as dots.
fn bar(running: u64, pending: u64, target: u64) -> String {
    let cells = |n: u64| match target {
        0 => 0,
        _ => n.min(target).saturating_mul(BAR) / target,
    };
    let (full, both) = (cells(running), cells(running.saturating_add(pending)));
    (0..BAR)
        .map(|at| match at {
            at if at < full => '█',
            at if at < both => '·',
            _ => ' ',
        })
        .collect()
}

/// Shows a view on the terminal, and leaves the terminal as it was, whatever happens.
pub struct Live {
    terminal: DefaultTerminal,
    view: View,
    ended: bool,
}

impl Live {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// It is none that can be drawn on.
    pub fn new(setting: Setting, colours: bool) -> io::Result<Self> {
        // This also sees to it that a panic gives the terminal back before it is told.
        let terminal = ratatui::try_init()?;
        Ok(Self {
            terminal,
            view: View::new(setting, colours),
            ended: false,
        })
    }

    fn draw(&mut self) -> io::Result<()> {
        let view = &self.view;
        self.terminal.draw(|frame| view.draw(frame)).map(drop)
    }

    fn restore(&mut self) {
        if !self.ended {
            self.ended = true;
            ratatui::restore();
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.restore();
    }
}

impl Show for Live {
    fn begin(&mut self, _: &Setting) -> io::Result<()> {
        self.draw()
    }

    fn event(&mut self, now: Span, event: &Event) -> io::Result<()> {
        self.view.event(now, event);
        Ok(())
    }

    fn status(&mut self, now: Span, status: &Arc<Status>) -> io::Result<()> {
        self.view.now = now;
        self.view.status = Arc::clone(status);
        Ok(())
    }

    fn tick(&mut self, now: Span, calls: &BTreeMap<&'static str, u64>) -> io::Result<()> {
        self.view.now = now;
        self.view.calls.clone_from(calls);
        self.draw()
    }

    fn stopping(&mut self, now: Span, how: Shutdown, why: &str) -> io::Result<()> {
        self.view.now = now;
        self.view.stopping = Some(format!("{why}: {}", shutdown(how)));
        self.draw()
    }

    fn end(&mut self, _: Span, summary: &Summary) -> io::Result<()> {
        self.restore();
        let mut out = io::stdout();
        for line in summary_lines(summary) {
            writeln!(out, "{line}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use evenkeel::core::{
        ExecutorId, Time,
        output::{Cause, Evidence},
        plan::{Class, GroupStatus, Unfilled, Unmet},
    };
    use ratatui::{Terminal, backend::TestBackend};

    fn view(colours: bool) -> View {
        let setting = Setting {
            fleet: "demo".into(),
            cluster: "the fake".into(),
            groups: 2,
            wanted: 35,
        };
        let mut view = View::new(setting, colours);
        let group = |target, running, pending, unmet| GroupStatus {
            target,
            counting: running + pending,
            by_class: BTreeMap::from([(Class::Running, running), (Class::Pending, pending)]),
            unmet,
            ..GroupStatus::default()
        };
        let unfilled = |executors, until| Unfilled { executors, until };
        let short = BTreeMap::from([
            (Unmet::Quota, unfilled(10, Some(Time(20_000)))),
            (Unmet::Starting, unfilled(5, None)),
        ]);
        view.status = Arc::new(Status {
            groups: BTreeMap::from([
                ("large".into(), group(5, 5, 0, BTreeMap::new())),
                ("small".into(), group(30, 15, 5, short)),
            ]),
            ..Status::default()
        });
        view.calls = BTreeMap::from([("create", 36), ("list", 1)]);
        let lost = Notice::Lost {
            executor: ExecutorId::new(1, 7),
            cause: Cause::OomKilled,
            evidence: Arc::new(Evidence::default()),
        };
        view.event(Span(12_300), &Event::Notice(lost));
        view
    }

    fn drawn(view: &View, width: u16, height: u16) -> TestBackend {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a test terminal");
        terminal
            .draw(|frame| view.draw(frame))
            .expect("a vector takes everything");
        terminal.backend().clone()
    }

    #[test]
    fn the_view_shows_groups_why_and_what_happened() {
        let lines = [
            "fleet demo on the fake   12s   not yet at target",
            "",
            "group                       target counting running pending why",
            "large ████████████████████       5        5       5       0",
            "small ██████████···             30       20      15       5 10 quota full (7s), 5 starting",
            "",
            "   12.3s  lost 1-7: oom_killed",
            "",
            "",
            "API calls: 36 create, 1 list",
            "Ctrl-C or q ends the run, once more ends it at once",
        ];
        let drawn = drawn(&view(false), 100, 11);
        let mut cells = drawn.buffer().content().chunks(100);
        for line in lines {
            let symbols = cells.next().into_iter().flatten().map(|cell| cell.symbol());
            assert_eq!(symbols.collect::<String>().trim_end(), line);
        }
    }

    #[test]
    fn the_view_fits_any_terminal() {
        for (width, height) in [(0, 0), (1, 1), (20, 3), (40, 5), (300, 100)] {
            drawn(&view(true), width, height);
        }
    }

    #[test]
    fn without_colours_there_are_none() {
        let coloured = |colours: bool| {
            let mut terminal = Terminal::new(TestBackend::new(100, 11)).expect("a test terminal");
            let view = view(colours);
            terminal
                .draw(|frame| view.draw(frame))
                .expect("a vector takes everything");
            let cells = terminal.backend().buffer().content();
            cells
                .iter()
                .any(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset)
        };
        assert!(coloured(true) && !coloured(false));
    }
}
