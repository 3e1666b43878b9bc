//! Pages that show what a fleet's controllers did: one HTML file that needs nothing else, and no network.
//!
//! A [`Builder`] is fed what happened (a flight record: [`of_flight`]; a story of the simulator, with several processes and
//! faults) and gives a [`Page`]: plain data. [`Page::html`] puts that into a file, with the script that draws it.
//!
//! Every text of a record may come from a stranger, so none is taken for markup: the data travel as JSON in which no markup
//! can begin, the script puts them into the page as text, and the page's own policy allows no other script and no request.

mod bounded;
mod builder;
mod lanes;
mod marks;
mod model;
mod process;
mod words;
mod write;

pub use builder::{Builder, Limits};
pub use model::{
    Change, End, GroupLine, Kind, Lane, LeftOut, Mark, Names, Page, Point, Process, Request,
    Source, Standing, State, Step, Verdict,
};
pub use write::NotWritten;

use crate::shell::{ReplayError, open_record};
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    io::BufRead,
};

const HTML: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
/// What each part needs comes before it.
const SCRIPTS: [&str; 6] = [
    include_str!("script/data.js"),
    include_str!("script/draw.js"),
    include_str!("script/rows.js"),
    include_str!("script/chart.js"),
    include_str!("script/panels.js"),
    include_str!("script/page.js"),
];

/// The one process of a flight record.
const ONLY: u32 = 1;

/// The page of a flight record, and whether the record breaks off in the middle of a line.
///
/// That it is played differently by this version is no error: the page says so.
///
/// # Errors
/// It can't be read.
pub fn of_flight(name: &str, record: impl BufRead) -> Result<(Page, bool), ReplayError> {
    let (head, mut steps) = open_record(record)?;
    let mut builder = Builder::new(name, Source::Flight, head.fleet.clone());
    let mut head = Some(head);
    for step in steps.by_ref() {
        let (_, step) = step?;
        if let Some(head) = head.take() {
            builder.begins(ONLY, step.at, head);
        }
        builder.step(ONLY, step.at, &step);
    }
    Ok((builder.finish(), steps.is_truncated()))
}

impl Page {
    /// The page as one HTML file.
    ///
    /// # Errors
    /// The data can't be written as JSON.
    pub fn html(&self) -> serde_json::Result<String> {
        let data = harmless(&serde_json::to_string(self)?);
        // Who writes one string of a record does not know it, so no script of theirs would run even if it got in.
        let mut hasher = DefaultHasher::new();
        data.hash(&mut hasher);
        let nonce = format!("{:016x}", hasher.finish());
        let title = text(&self.name);
        let scripts = SCRIPTS.concat();
        let mut html = String::with_capacity(data.len() + HTML.len() + STYLE.len() + scripts.len());
        let mut rest = HTML;
        while let Some((before, (name, after))) = rest
            .split_once("{{")
            .and_then(|(before, at)| Some((before, at.split_once("}}")?)))
        {
            html += before;
            html += match name {
                "nonce" => &nonce,
                "title" => &title,
                "style" => STYLE,
                "script" => &scripts,
                "data" => &data,
                _ => "",
            };
            rest = after;
        }
        html += rest;
        Ok(html)
    }
}

/// JSON in which no markup can begin or end: these characters are only within its strings.
fn harmless(json: &str) -> String {
    json.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

/// As text of an HTML page.
fn text(plain: &str) -> String {
    plain
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
