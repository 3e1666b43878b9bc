//! The course of a run: from its start to its end, whatever ends it.

use crate::{
    drive::{Driven, Event, News},
    exit::Exit,
    show::{Nothing, Setting, Show},
    tally::Tally,
};
use evenkeel::core::{Span, Status, input::Shutdown, output::Notice};
use std::{io, sync::Arc, time::Duration};
use tokio::{
    sync::mpsc::UnboundedReceiver,
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};

/// How often the show is told that time has passed.
const TICK: Duration = Duration::from_millis(100);

/// How a run is to go.
#[derive(Clone, Debug)]
pub struct Course {
    /// What is run.
    pub setting: Setting,
    /// End after this time.
    pub run_for: Option<Span>,
    /// End as soon as the fleet is at its target.
    pub until_converged: bool,
    /// What becomes of the executors at the end (LIVE-4).
    pub shutdown: Shutdown,
    /// How long that may take.
    pub shutdown_timeout: Span,
    /// Whether to stand in for an engine: to register and to drain.
    pub stand_in: bool,
}

/// Why a run is ended, in words for the user.
const TIME: &str = "the time is over";
const CONVERGED: &str = "at target";
const HALTED: &str = "halted, and will not get to its target";
const STOPPED: &str = "stopped";

/// How far a run has come.
struct Run<'a> {
    course: &'a Course,
    fleet: &'a mut dyn Driven,
    show: &'a mut dyn Show,
    nothing: Nothing,
    /// Nobody reads what is shown any more.
    unseen: bool,
    tally: Tally,
    started: Instant,
    /// When the end began, and whether the fleet was at its target then.
    ending: Option<(Instant, bool)>,
}

/// Runs the fleet to its end. Each message of `stops` is a wish to end it; the second one ends it at once.
pub async fn run(
    course: &Course,
    fleet: &mut dyn Driven,
    show: &mut dyn Show,
    stops: &mut UnboundedReceiver<()>,
) -> Exit {
    let mut run = Run {
        course,
        fleet,
        show,
        nothing: Nothing,
        unseen: false,
        tally: Tally::default(),
        started: Instant::now(),
        ending: None,
    };
    run.show(|show| show.begin(&course.setting));
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        let deadline = run.deadline();
        tokio::select! {
            news = run.fleet.next() => match news {
                News::Event(event) => run.event(&event),
                News::Status(status) => run.status(&status),
                News::Finished(result) => return run.finished(result),
            },
            Some(()) = stops.recv() => match run.ending {
                None => run.end(STOPPED),
                Some(_) => return Exit::Interrupted,
            },
            () = until(deadline) => match run.ending {
                None => run.end(TIME),
                Some(_) => return run.finished(Err("the shutdown took too long, and was given up".to_owned())),
            },
            _ = ticks.tick() => {
                let (now, calls) = (run.now(), run.fleet.calls());
                run.show(|show| show.tick(now, &calls));
            }
        }
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

impl Run<'_> {
    fn now(&self) -> Span {
        Span(u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// When something is due by time alone.
    fn deadline(&self) -> Option<Instant> {
        let (from, span) = match self.ending {
            None => (self.started, self.course.run_for?),
            Some((since, _)) => (since, self.course.shutdown_timeout),
        };
        from.checked_add(Duration::from_millis(span.0))
    }

    fn show(&mut self, tell: impl FnOnce(&mut dyn Show) -> io::Result<()>) {
        let told = match self.unseen {
            false => tell(self.show),
            true => tell(&mut self.nothing),
        };
        if told.is_err() {
            self.unseen = true;
            self.end(STOPPED);
        }
    }

    fn event(&mut self, event: &Event) {
        self.tally.event(event);
        let now = self.now();
        self.show(|show| show.event(now, event));
        if self.course.stand_in {
            match event {
                Event::Notice(Notice::Started { executor, .. }) => self.fleet.registered(*executor),
                Event::Notice(Notice::Drain { executor, .. }) => self.fleet.drained(*executor),
                _ => {}
            }
        }
        if self.tally.halted && self.course.until_converged {
            self.end(HALTED);
        }
    }

    fn status(&mut self, status: &Arc<Status>) {
        let now = self.now();
        if self.ending.is_none() {
            self.tally.status(status, now);
        }
        self.show(|show| show.status(now, status));
        if status.at_target && self.course.until_converged {
            self.end(CONVERGED);
        }
    }

    /// Begins the end, where it has not begun.
    fn end(&mut self, why: &str) {
        if self.ending.is_some() {
            return;
        }
        self.ending = Some((Instant::now(), self.tally.at_target));
        let (now, how) = (self.now(), self.course.shutdown);
        self.fleet.shutdown(how);
        self.show(|show| show.stopping(now, how, why));
    }

    fn finished(&mut self, result: Result<(), String>) -> Exit {
        if let Err(why) = &result {
            let (now, trouble) = (self.now(), Event::Trouble(why.clone()));
            self.show(|show| show.event(now, &trouble));
        }
        let at_target = self
            .ending
            .map_or(self.tally.at_target, |(_, at_target)| at_target);
        let summary = self.tally.summary(at_target, self.fleet.calls());
        let now = self.now();
        self.show(|show| show.end(now, &summary));
        let awaited = self.course.until_converged || self.course.run_for.is_some();
        let missed = awaited && self.tally.at_target_after.is_none();
        match result {
            Ok(()) if !missed && !self.tally.halted => Exit::Well,
            _ => Exit::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tally::Summary;
    use async_trait::async_trait;
    use evenkeel::core::{
        ExecutorId,
        output::{Cause, Evidence},
    };
    use std::{
        collections::{BTreeMap, VecDeque},
        sync::Mutex,
    };
    use tokio::{
        sync::mpsc::{UnboundedSender, unbounded_channel},
        time::sleep,
    };

    /// A fleet that plays a script, and ends a second after its shutdown.
    struct Script {
        news: VecDeque<(u64, News)>,
        started: Instant,
        stubborn: bool,
        told: Mutex<Vec<String>>,
        ended: Mutex<Option<Instant>>,
    }

    impl Script {
        fn new(news: impl IntoIterator<Item = (u64, News)>) -> Self {
            Self {
                news: news.into_iter().collect(),
                started: Instant::now(),
                stubborn: false,
                told: Mutex::default(),
                ended: Mutex::default(),
            }
        }

        fn tell(&self, what: String) {
            self.told.lock().expect("whole").push(what);
        }

        fn told(&self) -> Vec<String> {
            self.told.lock().expect("whole").clone()
        }
    }

    #[async_trait]
    impl Driven for Script {
        async fn next(&mut self) -> News {
            let end = *self.ended.lock().expect("whole");
            if let Some(end) = end {
                if self.stubborn {
                    std::future::pending::<()>().await;
                }
                sleep_until(end + Duration::from_secs(1)).await;
                return News::Finished(Ok(()));
            }
            let Some((at, _)) = self.news.front() else {
                return std::future::pending().await;
            };
            sleep_until(self.started + Duration::from_millis(*at)).await;
            self.news
                .pop_front()
                .map(|(_, news)| news)
                .expect("it is there")
        }

        fn shutdown(&self, how: Shutdown) {
            self.ended
                .lock()
                .expect("whole")
                .get_or_insert(Instant::now());
            self.tell(format!("shutdown {how:?}"));
        }

        fn registered(&self, executor: ExecutorId) {
            self.tell(format!("registered {executor}"));
        }

        fn drained(&self, executor: ExecutorId) {
            self.tell(format!("drained {executor}"));
        }

        fn calls(&self) -> BTreeMap<&'static str, u64> {
            BTreeMap::from([("list", 1)])
        }
    }

    /// Remembers the summary; breaks after so many tellings.
    #[derive(Default)]
    struct Seen {
        summary: Option<Summary>,
        breaks_after: Option<u32>,
    }

    impl Seen {
        fn count(&mut self) -> io::Result<()> {
            match &mut self.breaks_after {
                None => Ok(()),
                Some(0) => Err(io::ErrorKind::BrokenPipe.into()),
                Some(left) => {
                    *left -= 1;
                    Ok(())
                }
            }
        }
    }

    impl Show for Seen {
        fn begin(&mut self, _: &Setting) -> io::Result<()> {
            self.count()
        }

        fn event(&mut self, _: Span, _: &Event) -> io::Result<()> {
            self.count()
        }

        fn status(&mut self, _: Span, _: &Arc<Status>) -> io::Result<()> {
            self.count()
        }

        fn tick(&mut self, _: Span, _: &BTreeMap<&'static str, u64>) -> io::Result<()> {
            Ok(())
        }

        fn stopping(&mut self, _: Span, _: Shutdown, _: &str) -> io::Result<()> {
            self.count()
        }

        fn end(&mut self, _: Span, summary: &Summary) -> io::Result<()> {
            self.summary = Some(summary.clone());
            Ok(())
        }
    }

    fn course() -> Course {
        Course {
            setting: Setting {
                fleet: "demo".into(),
                cluster: "a script".into(),
                groups: 1,
                wanted: 1,
            },
            run_for: None,
            until_converged: false,
            shutdown: Shutdown::Delete,
            shutdown_timeout: Span::seconds(600),
            stand_in: false,
        }
    }

    fn at_target(at_target: bool) -> News {
        News::Status(Arc::new(Status {
            at_target,
            ..Status::default()
        }))
    }

    fn notice(notice: Notice) -> News {
        News::Event(Event::Notice(notice))
    }

    async fn play(course: &Course, script: &mut Script) -> (Exit, Option<Summary>, Duration) {
        let (_stop, mut stops) = unbounded_channel();
        let mut seen = Seen::default();
        let started = Instant::now();
        let exit = run(course, script, &mut seen, &mut stops).await;
        (exit, seen.summary, started.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn it_ends_when_the_time_is_over_and_tells_what_was_so_then() {
        let course = Course {
            run_for: Some(Span::seconds(30)),
            ..course()
        };
        let mut script = Script::new([(5000, at_target(true)), (20_000, at_target(false))]);
        let (exit, summary, took) = play(&course, &mut script).await;
        assert_eq!((exit, took.as_secs()), (Exit::Well, 31));
        let summary = summary.expect("it was told");
        assert_eq!(
            (summary.at_target, summary.seconds_to_target),
            (false, Some(5.0))
        );
        assert_eq!(script.told(), ["shutdown Delete"]);

        let (exit, summary, _) = play(&course, &mut Script::new([])).await;
        assert_eq!(exit, Exit::Failed);
        assert_eq!(summary.and_then(|summary| summary.seconds_to_target), None);
    }

    #[tokio::test(start_paused = true)]
    async fn it_ends_when_the_fleet_is_at_its_target() {
        let course = Course {
            until_converged: true,
            shutdown: Shutdown::Leave,
            ..course()
        };
        let mut script = Script::new([(0, at_target(false)), (5000, at_target(true))]);
        let (exit, summary, took) = play(&course, &mut script).await;
        assert_eq!((exit, took.as_secs()), (Exit::Well, 6));
        assert!(summary.expect("it was told").at_target);
        assert_eq!(script.told(), ["shutdown Leave"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_halted_fleet_is_not_waited_for() {
        let course = Course {
            until_converged: true,
            ..course()
        };
        let mut script = Script::new([(5000, notice(Notice::Halted))]);
        let (exit, _, took) = play(&course, &mut script).await;
        assert_eq!((exit, took.as_secs()), (Exit::Failed, 6));
    }

    #[tokio::test(start_paused = true)]
    async fn a_fleet_that_fails_is_told_and_is_status_1() {
        let mut script = Script::new([(10, News::Finished(Err("no".to_owned())))]);
        let (exit, summary, _) = play(&course(), &mut script).await;
        assert_eq!((exit, summary.is_some()), (Exit::Failed, true));
    }

    #[tokio::test(start_paused = true)]
    async fn a_shutdown_that_hangs_is_given_up() {
        let course = Course {
            run_for: Some(Span::seconds(1)),
            ..course()
        };
        let mut script = Script::new([(0, at_target(true))]);
        script.stubborn = true;
        let (exit, summary, took) = play(&course, &mut script).await;
        assert_eq!((exit, took.as_secs()), (Exit::Failed, 601));
        assert!(summary.is_some());
    }

    async fn stopped(times: u32, stubborn: bool) -> (Exit, Vec<String>) {
        let (stop, mut stops): (UnboundedSender<()>, _) = unbounded_channel();
        tokio::spawn(async move {
            for _ in 0..times {
                sleep(Duration::from_secs(1)).await;
                if stop.send(()).is_err() {
                    return;
                }
            }
            std::future::pending::<()>().await;
        });
        let mut script = Script::new([]);
        script.stubborn = stubborn;
        let exit = run(&course(), &mut script, &mut Seen::default(), &mut stops).await;
        (exit, script.told())
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_stop_is_by_the_files_policy_and_the_second_at_once() {
        let told = vec!["shutdown Delete".to_owned()];
        assert_eq!(stopped(1, false).await, (Exit::Well, told.clone()));
        assert_eq!(stopped(2, true).await, (Exit::Interrupted, told));
    }

    #[tokio::test(start_paused = true)]
    async fn when_nobody_reads_any_more_it_is_shut_down_quietly() {
        let (_stop, mut stops) = unbounded_channel();
        let mut script = Script::new([(0, at_target(true)), (10, at_target(false))]);
        let mut seen = Seen {
            breaks_after: Some(2),
            ..Seen::default()
        };
        let exit = run(&course(), &mut script, &mut seen, &mut stops).await;
        assert_eq!(exit, Exit::Well);
        assert_eq!(script.told(), ["shutdown Delete"]);
        assert!(seen.summary.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn it_stands_in_for_an_engine() {
        let executor = ExecutorId::new(1, 1);
        let started = Notice::Started {
            executor,
            group: "small".into(),
            node: None,
            ip: None,
            adopted: false,
        };
        let drain = Notice::Drain {
            executor,
            why: evenkeel::core::output::Why::Live4,
            deadline: evenkeel::core::Time(0),
        };
        let lost = Notice::Lost {
            executor,
            cause: Cause::Released,
            evidence: Arc::new(Evidence::default()),
        };
        let news = || {
            [
                notice(started.clone()),
                notice(drain.clone()),
                notice(lost.clone()),
            ]
        };
        let timed = |news: [News; 3]| {
            news.into_iter()
                .enumerate()
                .map(|(at, news)| (at as u64, news))
        };
        let mut course = Course {
            run_for: Some(Span::seconds(1)),
            ..course()
        };
        let mut script = Script::new(timed(news()));
        play(&course, &mut script).await;
        assert_eq!(script.told(), ["shutdown Delete"]);
        course.stand_in = true;
        let mut script = Script::new(timed(news()));
        play(&course, &mut script).await;
        assert_eq!(
            script.told(),
            ["registered 1-1", "drained 1-1", "shutdown Delete"]
        );
    }
}
