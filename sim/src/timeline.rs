//! What happened in a life, a line each: for people.

use crate::recorder::Recorder;
use evenkeel::core::{
    Input, Output, Time,
    input::{EngineReport, Outcome, PodView, WatchEvent},
    output::Action,
};

/// The last `most` lines of what happened.
#[must_use]
pub fn lines(recorder: &Recorder, most: usize) -> Vec<String> {
    let mut all: Vec<(Time, String)> = Vec::new();
    for (process, began, died) in &recorder.processes {
        all.push((*began, format!("process {process} begins")));
        if let Some(died) = died {
            all.push((*died, format!("process {process} dies")));
        }
    }
    for (at, what) in &recorder.struck {
        let what = serde_json::to_string(what).unwrap_or_default();
        all.push((*at, format!("FAULT {what}")));
    }
    if let Some(calm) = recorder.calm {
        all.push((calm, "all is made well".to_owned()));
    }
    for step in &recorder.steps {
        let process = step.process;
        let mut telling = step
            .step
            .outputs
            .iter()
            .filter(|output| tells(output))
            .peekable();
        if let Some(input) = input(&step.step.input) {
            all.push((step.world, format!("{process} < {input}")));
        } else if telling.peek().is_some() {
            all.push((
                step.world,
                format!("{process} < {}", name(&step.step.input)),
            ));
        }
        for output in telling {
            all.push((step.world, format!("{process} > {}", self::output(output))));
        }
    }
    all.sort_by_key(|(at, _)| *at);
    let skip = all.len().saturating_sub(most);
    let lines = all.into_iter().skip(skip);
    lines
        .map(|(at, line)| format!("{:>9} {line}", at.0))
        .collect()
}

fn tells(output: &Output) -> bool {
    !matches!(
        output,
        Output::Status(_) | Output::Lease(_) | Output::Watch { .. } | Output::Close { .. }
    )
}

/// What is worth a line even where it leads to nothing.
fn input(input: &Input) -> Option<String> {
    Some(match input {
        Input::Wake | Input::Lease(_) | Input::Relist => return None,
        Input::Desired(change) => format!(
            "wanted: {}",
            serde_json::to_string(change).unwrap_or_default()
        ),
        Input::Engine(report) => match report {
            EngineReport::Registered(id) => format!("{id} registered"),
            other => format!("{other:?}"),
        },
        Input::Listed { outcome, .. } => match outcome {
            Ok(listing) => {
                let mut all: Vec<String> = listing.pods.iter().map(pod).collect();
                all.extend(listing.claims.iter().map(|claim| {
                    let deleting = if claim.deleting { " deleting" } else { "" };
                    format!("{}{deleting}", claim.name)
                }));
                format!("listing at {}: {}", listing.revision, all.join("; "))
            }
            Err(failure) => format!("listing failed: {failure:?}"),
        },
        Input::Watched { event, .. } => match event {
            WatchEvent::Seen(view) => format!("seen {}", pod(view)),
            WatchEvent::Left(view) => format!("left {}", pod(view)),
            WatchEvent::Bookmark(_) => return None,
            WatchEvent::Undecodable(name) => format!("{name} does not decode"),
            WatchEvent::Ended(end) => format!("watch ended: {end:?}"),
        },
        Input::Answered { action, outcome } => match outcome {
            Outcome::Done { revision, .. } => format!(
                "#{} done{}",
                action.0,
                revision.map_or(String::new(), |revision| format!(" at {revision}"))
            ),
            Outcome::Exists(Some(view)) => format!("#{} exists: {}", action.0, pod(view)),
            other => format!("#{} {other:?}", action.0),
        },
    })
}

fn name(input: &Input) -> String {
    match input {
        Input::Lease(news) => {
            let text = format!("{news:?}");
            format!(
                "lease {}",
                text.split([' ', '{', '(']).next().unwrap_or_default()
            )
        }
        Input::Watched { .. } => "bookmark".to_owned(),
        other => format!("{other:?}").to_lowercase(),
    }
}

fn pod(view: &PodView) -> String {
    let mut text = format!("{} rev {} {:?}", view.name, view.revision, view.phase);
    if let Some(grace) = view.deleting {
        text += &format!(" deleting({grace})");
    }
    for (what, value) in [("reason", &view.reason), ("disruption", &view.disruption)] {
        if let Some(value) = value {
            text += &format!(" {what} {value}");
        }
    }
    if let Some(evenkeel::core::input::ContainerView::Terminated { exit_code, .. }) = &view.main {
        text += &format!(" exit {exit_code}");
    }
    if view.labels.executor.is_none() {
        text += " unlabelled";
    }
    text
}

fn output(output: &Output) -> String {
    match output {
        Output::Execute {
            id, action, why, ..
        } => {
            let what = match action {
                Action::Create {
                    executor,
                    group,
                    claims,
                    ..
                } => {
                    let claims: Vec<&str> = claims.iter().map(|claim| &**claim).collect();
                    format!("create {executor} in {group} {}", claims.join(" "))
                }
                Action::Delete {
                    executor,
                    uid,
                    revision,
                } => format!(
                    "delete {executor}{}{}",
                    if uid.is_some() { " by UID" } else { "" },
                    revision.map_or(String::new(), |revision| format!(" at {revision}"))
                ),
                other => format!("{other:?}"),
            };
            format!("#{} {what} ({})", id.0, why.rule())
        }
        Output::List { .. } => "list".to_owned(),
        Output::Notice(notice) => format!("notice {notice:?}"),
        other => format!("{other:?}"),
    }
}
