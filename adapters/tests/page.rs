//! Pages: what a flight record comes to as plain data, and that no text of it is markup.

use evenkeel::{
    core::{
        Controller, ExecutorId, Input, Output, Revision, Time,
        flight::{Head, Step},
        input::{
            ContainerView, DesiredChange, EngineReport, GroupWish, Labels, LeaseNews, Listing,
            Memory, Outcome, Phase, PodView, WatchEvent,
        },
    },
    defaults,
    page::{self, Builder, Kind, Limits, Page, Source, Standing},
};
use serde_json::Value;
use std::collections::BTreeMap;

fn revision(number: u64) -> Revision {
    Revision(number.try_into().expect("not 0"))
}

/// A controller of one group, and everything that goes in and comes out.
struct Course {
    head: Head,
    controller: Controller,
    steps: Vec<Step>,
    group: &'static str,
}

impl Course {
    /// It leads, has a listing without pods, and wants so many.
    fn begun(group: &'static str, target: u64) -> Self {
        let config = defaults::config();
        let head = Head::new(config.clone(), "f".into());
        let mut course = Self {
            head,
            controller: Controller::new(config, "f".into()),
            steps: Vec::new(),
            group,
        };
        course.wants(0, target);
        course.given(
            10,
            Input::Lease(LeaseNews::Held {
                incarnation: 1,
                until: Time::NEVER,
                memory: Memory::default(),
            }),
        );
        let request = course
            .outputs()
            .find_map(|output| match output {
                Output::List { request, .. } => Some(*request),
                _ => None,
            })
            .expect("it lists");
        course.given(
            20,
            Input::Listed {
                request,
                started: Time(10),
                outcome: Ok(Listing {
                    revision: revision(1),
                    pods: Vec::new(),
                    claims: Vec::new(),
                    undecodable: Vec::new(),
                }),
            },
        );
        course
    }

    fn wants(&mut self, at: u64, target: u64) {
        let wish = GroupWish {
            target,
            maximum: None,
            template: 7,
        };
        let whole = BTreeMap::from([(self.group.into(), wish)]);
        self.given(
            at,
            Input::Desired(DesiredChange {
                whole: Some(whole),
                ..DesiredChange::default()
            }),
        );
    }

    fn given(&mut self, at: u64, input: Input) {
        let at = Time(at);
        self.controller.handle(at, input.clone());
        let outputs = std::iter::from_fn(|| self.controller.poll()).collect();
        self.steps.push(Step { at, input, outputs });
    }

    fn outputs(&self) -> impl Iterator<Item = &Output> {
        self.steps.iter().flat_map(|step| &step.outputs)
    }

    /// Answers the newest effect.
    fn answered(&mut self, at: u64, outcome: Outcome) {
        let action = self
            .outputs()
            .filter_map(|output| match output {
                Output::Execute { id, .. } => Some(*id),
                _ => None,
            })
            .max()
            .expect("an effect");
        self.given(at, Input::Answered { action, outcome });
    }

    /// Its first executor's pod is seen.
    fn seen(&mut self, at: u64, revision: u64, change: impl FnOnce(&mut PodView)) {
        let request = self
            .outputs()
            .find_map(|output| match output {
                Output::Watch { request, .. } => Some(*request),
                _ => None,
            })
            .expect("it watches");
        let labels = Labels {
            executor: Some("1-1".into()),
            group: Some(self.group.into()),
            finished: false,
            template: Some(7),
        };
        let revision = self::revision(revision);
        let mut view = PodView::accepted("f-exec-1-1".into(), labels, "u".into(), revision);
        change(&mut view);
        self.given(
            at,
            Input::Watched {
                request,
                event: WatchEvent::Seen(view),
            },
        );
    }

    /// One executor comes, works, and fails with that message.
    fn of_one_that_fails(group: &'static str, message: &str) -> Self {
        let mut course = Self::begun(group, 1);
        let done = Outcome::Done {
            revision: Some(revision(2)),
            uid: Some("u".into()),
        };
        course.answered(30, done);
        course.seen(40, 3, |_| ());
        course.seen(50, 4, |view| {
            view.phase = Phase::Running;
            view.main = Some(ContainerView::Running);
        });
        let id = ExecutorId::new(1, 1);
        course.given(60, Input::Engine(EngineReport::Registered(id)));
        course.seen(70, 5, |view| {
            view.phase = Phase::Failed;
            view.main = Some(ContainerView::Terminated {
                exit_code: 3,
                reason: "Error".into(),
            });
            view.message = Some(message.into());
        });
        course
    }

    fn record(&self) -> String {
        let mut record = serde_json::to_string(&self.head).expect("JSON");
        for step in &self.steps {
            record += "\n";
            record += &serde_json::to_string(step).expect("JSON");
        }
        record + "\n"
    }

    fn page(&self, name: &str) -> Page {
        let (page, truncated) = page::of_flight(name, self.record().as_bytes()).expect("a record");
        assert!(!truncated);
        page
    }
}

/// The data of a page, as its script reads them.
fn data(html: &str) -> Value {
    let begins = html.find("type=\"application/json\"").expect("data");
    let (_, rest) = html[begins..].split_once('>').expect("a tag");
    let (data, _) = rest.split_once("</script>").expect("its end");
    serde_json::from_str(data).expect("JSON")
}

#[test]
fn a_lane_tells_an_executors_life_and_marks_tell_why() {
    let page = Course::of_one_that_fails("a", "out of luck").page("flight");
    assert_eq!(page.verdict.standing, Standing::Well);
    let lane = &page.lanes[0];
    assert_eq!((lane.id.as_str(), lane.group), ("1-1", 0));
    let mut classes: Vec<(u64, u32)> = lane
        .changes
        .iter()
        .map(|change| (change.at.0, change.state.0 & 15))
        .collect();
    classes.dedup_by_key(|(_, class)| *class);
    assert_eq!(classes, [(20, 0), (30, 1), (40, 2), (50, 3), (70, 6)]);
    let registered = lane.changes.iter().find(|change| change.state.0 & 16 != 0);
    assert_eq!(registered.map(|change| change.at), Some(Time(60)));
    let end = lane.end.as_ref().expect("it ended");
    assert_eq!(
        (end.at, end.cause.as_str(), end.failure),
        (Time(70), "app_failed, exit 3", true)
    );
    assert!(end.evidence.contains("out of luck"), "{}", end.evidence);

    let marks: Vec<(Kind, Option<&str>, u64)> = page
        .marks
        .iter()
        .filter(|mark| mark.lane == Some(0))
        .map(|mark| (mark.kind, mark.rule, mark.at.0))
        .collect();
    assert_eq!(
        marks,
        [
            (Kind::Create, Some("GROW-1"), 20),
            (Kind::End, Some("END-1"), 70),
            (Kind::Delete, Some("END-2"), 70)
        ]
    );
    let first = &page.steps[0];
    assert_eq!(first.input, "the engine says: all that is wanted: a 1");
    let points: Vec<(u64, u64, u64)> = page.groups[0]
        .points
        .iter()
        .map(|point| (point.target, point.counting, point.serving))
        .collect();
    assert!(points.contains(&(1, 1, 1)), "{points:?}");
    assert_eq!(page.processes[0].led, [(Time(20), Time(70))]);
    let create = page
        .requests
        .iter()
        .find(|request| request.what == "create 1-1 in a");
    let create = create.expect("the request");
    assert_eq!((create.sent, create.until), (Time(20), Some(Time(30))));
    let open = page
        .requests
        .iter()
        .filter(|request| request.until.is_none());
    assert!(
        open.count() >= 2,
        "the watch and the delete are under way at the end"
    );
}

#[test]
fn no_text_of_a_record_is_markup() {
    const EVIL: &str =
        "</script><script>alert(1)</script><!--<img src=x onerror=alert(2)>\u{2028}{{data}}";
    let course = Course::of_one_that_fails(EVIL, EVIL);
    let page = course.page(EVIL);
    let html = page.html().expect("a page");
    assert_eq!(
        html.matches("</script>").count(),
        2,
        "those of the page itself"
    );
    assert_eq!(html.matches("<script").count(), 2);
    assert!(!html.contains("<img") && !html.contains("<!--<"));
    let within = html.find("application/json").expect("data");
    assert!(!html[within..].contains('\u{2028}'));
    let data = data(&html);
    assert_eq!(data["name"], EVIL);
    assert_eq!(data["groups"][0]["name"], EVIL);
    assert!(
        data["lanes"][0]["end"]["evidence"]
            .as_str()
            .is_some_and(|text| text.contains(EVIL))
    );
    assert!(
        html.contains("default-src 'none'"),
        "it may ask for nothing"
    );
}

#[test]
fn a_page_needs_nothing_but_itself() {
    let html = Course::begun("a", 1).page("flight").html().expect("a page");
    for reference in ["http://", "https://", "src=", "href=", "@import", "url("] {
        assert!(!html.contains(reference), "{reference}");
    }
}

#[test]
fn the_same_record_gives_the_same_page() {
    let of = || {
        Course::of_one_that_fails("a", "m")
            .page("flight")
            .html()
            .expect("a page")
    };
    assert_eq!(of(), of());
}

#[test]
fn what_would_be_too_much_is_left_out_and_the_page_says_so() {
    let mut course = Course::begun("a", 0);
    course.wants(50, 12);
    for round in 0..20 {
        course.wants(1_000 * round + 100, 3);
        course.wants(1_000 * round + 200, 0);
    }
    let limits = Limits {
        lanes: 5,
        marks: 10,
        requests: 10,
        steps: 8,
        words: 100_000,
        inputs: 2_000,
        points: 6,
    };
    let mut builder = Builder::with("flight", Source::Flight, "f".into(), limits);
    builder.begins(1, Time(0), course.head.clone());
    for step in &course.steps {
        builder.step(1, step.at, step);
    }
    let page = builder.finish();
    assert!(page.lanes.len() <= 5 && page.marks.len() <= 10 && page.steps.len() <= 8);
    assert!(page.groups[0].points.len() <= 6 && page.inputs.len() <= 8);
    let left_out: Vec<&str> = page.left_out.iter().map(|left| left.what).collect();
    for what in [
        "marks",
        "steps in words",
        "inputs as records have them",
        "points of a group's lines",
        "executors",
    ] {
        assert!(left_out.contains(&what), "{what}: {left_out:?}");
    }
    assert!(page.left_out.iter().all(|left| left.count > 0));
    assert_eq!(
        page.first_step + page.steps.len() as u64,
        page.first_input + page.inputs.len() as u64
    );
}

#[test]
fn a_record_that_breaks_off_is_shown_up_to_there_and_one_that_differs_says_so() {
    let course = Course::of_one_that_fails("a", "m");
    let record = course.record();
    let (page, truncated) =
        page::of_flight("flight", &record.as_bytes()[..record.len() - 40]).expect("a record");
    assert!(truncated);
    assert_eq!(page.lanes.len(), 1);

    let other = record.replacen("\"Grow1\"", "\"Roll\"", 1);
    let (page, _) = page::of_flight("flight", other.as_bytes()).expect("a record");
    assert_eq!(page.verdict.standing, Standing::Differs);
    assert_eq!(page.verdict.at, Some(Time(20)));

    let head = record.lines().next().expect("a head");
    let (page, _) = page::of_flight("flight", head.as_bytes()).expect("a record");
    assert!(
        page.html()
            .is_ok_and(|html| data(&html)["lanes"].as_array().is_some_and(Vec::is_empty))
    );
    assert!(page::of_flight("flight", &b""[..]).is_err());
}

#[test]
fn only_a_page_is_written_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("page.html");
    let page = Course::begun("a", 1).page("flight");
    page.write(&path).expect("a new file");
    page.write(&path).expect("a page");
    std::fs::write(&path, "something dear to somebody").expect("written");
    let error = page.write(&path).expect_err("no page").to_string();
    assert_eq!(error, "it is there, and is no such page; name another file");
    assert_eq!(
        std::fs::read_to_string(&path).expect("text"),
        "something dear to somebody"
    );
}
