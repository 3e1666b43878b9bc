//! A run as JSON: an object a line, each with its `type`; the last one is the summary.

use super::{Setting, Show};
use crate::{
    drive::Event,
    tally::{Summary, seconds},
    words,
};
use evenkeel::core::{Span, Status, input::Shutdown, output::Notice};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::{
    collections::BTreeMap,
    io::{self, Write},
    sync::Arc,
};

/// Writes JSON lines.
pub struct Json<W> {
    out: W,
}

#[derive(Serialize)]
struct Line {
    #[serde(rename = "type")]
    kind: &'static str,
    seconds: f64,
    #[serde(flatten)]
    rest: Value,
}

impl<W: Write> Json<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self { out }
    }

    fn line(&mut self, line: &impl Serialize) -> io::Result<()> {
        let text = serde_json::to_string(line)?;
        writeln!(self.out, "{text}")?;
        self.out.flush()
    }

    fn told(&mut self, kind: &'static str, now: Span, rest: Value) -> io::Result<()> {
        let seconds = seconds(now);
        self.line(&Line {
            kind,
            seconds,
            rest,
        })
    }
}

/// An enum's value with the variant's name under `name`, and its fields beside it.
fn flat(name: &str, value: &impl Serialize) -> io::Result<Value> {
    let (variant, fields) = match serde_json::to_value(value)? {
        Value::Object(map) => map.into_iter().next().unwrap_or_default(),
        other => (other.as_str().unwrap_or_default().to_owned(), Value::Null),
    };
    let mut flat = match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    flat.insert(name.to_owned(), snake(&variant).into());
    Ok(Value::Object(flat))
}

/// `MarkFinished` as `mark_finished`.
fn snake(variant: &str) -> String {
    let mut snake = String::new();
    for c in variant.chars() {
        if c.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

impl<W: Write + Send> Show for Json<W> {
    fn begin(&mut self, setting: &Setting) -> io::Result<()> {
        let Setting {
            fleet,
            cluster,
            groups,
            wanted,
        } = setting;
        self.told(
            "start",
            Span(0),
            json!({"fleet": fleet, "cluster": cluster, "groups": groups, "wanted": wanted}),
        )
    }

    fn event(&mut self, now: Span, event: &Event) -> io::Result<()> {
        match event {
            Event::Notice(notice) => {
                let flat = match notice {
                    Notice::Raised(found) => json!({"notice": "raised", "finding": found}),
                    Notice::Cleared(found) => json!({"notice": "cleared", "finding": found}),
                    other => flat("notice", other)?,
                };
                self.told("notice", now, flat)
            }
            Event::Action { id, action } => {
                let mut action = flat("action", action)?;
                action["id"] = id.0.into();
                // A hash is beyond what JSON readers keep of a number.
                if let Some(template) = action.get_mut("template") {
                    *template = template.as_u64().map(|hash| format!("{hash:016x}")).into();
                }
                self.told("action", now, action)
            }
            Event::Answer { id, outcome } => match words::trouble(outcome) {
                Some(trouble) => self.told("answer", now, json!({"id": id.0, "trouble": trouble})),
                None => Ok(()),
            },
            Event::Trouble(text) => self.told("trouble", now, json!({ "trouble": text })),
        }
    }

    fn status(&mut self, now: Span, status: &Arc<Status>) -> io::Result<()> {
        self.told("status", now, serde_json::to_value(&**status)?)
    }

    fn tick(&mut self, _: Span, _: &BTreeMap<&'static str, u64>) -> io::Result<()> {
        Ok(())
    }

    fn stopping(&mut self, now: Span, how: Shutdown, why: &str) -> io::Result<()> {
        self.told("stopping", now, json!({"shutdown": how, "why": why}))
    }

    fn end(&mut self, _: Span, summary: &Summary) -> io::Result<()> {
        self.line(summary)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tally::Tally;
    use evenkeel::core::{
        ActionId, ExecutorId,
        input::{Failure, Outcome},
        output::{Action, Cause, Evidence},
        plan::Finding,
    };

    #[test]
    fn every_line_has_a_type_and_the_last_is_the_summary() {
        let mut json = Json::new(Vec::new());
        let executor = ExecutorId::new(1, 1);
        let action = Action::Create {
            executor,
            group: "small".into(),
            template: 0xabc,
            claims: Vec::new(),
        };
        let lost = Notice::Lost {
            executor,
            cause: Cause::AppFailed { exit_code: Some(1) },
            evidence: Arc::new(Evidence::default()),
        };
        let raised = Notice::Raised(Finding::Stuck(executor));
        let play = |json: &mut Json<Vec<u8>>| -> io::Result<()> {
            json.event(
                Span(10),
                &Event::Action {
                    id: ActionId(1),
                    action,
                },
            )?;
            json.event(
                Span(20),
                &Event::Answer {
                    id: ActionId(1),
                    outcome: Outcome::Unclear(Failure::TimedOut),
                },
            )?;
            json.event(Span(30), &Event::Notice(lost))?;
            json.event(Span(40), &Event::Notice(raised))?;
            json.event(Span(50), &Event::Notice(Notice::Halted))?;
            json.status(Span(60), &Arc::new(Status::default()))?;
            json.stopping(Span(70), Shutdown::Drain, "stopped")?;
            json.end(Span(80), &Tally::default().summary(false, BTreeMap::new()))
        };
        play(&mut json).expect("a vector takes everything");
        let text = String::from_utf8(json.out).expect("text");
        let expected = [
            r#"{"type":"action","seconds":0.01,"action":"create","claims":[],"executor":"1-1","group":"small","id":1,"template":"0000000000000abc"}"#,
            r#"{"type":"answer","seconds":0.02,"id":1,"trouble":"no clear answer: no answer in time"}"#,
            r#"{"type":"notice","seconds":0.03,"cause":{"app_failed":{"exit_code":1}},"evidence":{"disruption":null,"exit_code":null,"message":null,"phase":null,"reason":null},"executor":"1-1","notice":"lost"}"#,
            r#"{"type":"notice","seconds":0.04,"finding":{"stuck":"1-1"},"notice":"raised"}"#,
            r#"{"type":"notice","seconds":0.05,"notice":"halted"}"#,
            r#"{"type":"status","seconds":0.06,"at_target":false,"findings":[],"groups":{}}"#,
            r#"{"type":"stopping","seconds":0.07,"shutdown":"drain","why":"stopped"}"#,
            r#"{"type":"summary","at_target":false,"seconds_to_target":null,"created":0,"deleted":0,"lost":{},"api_calls":{},"findings":[]}"#,
        ];
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    }
}
