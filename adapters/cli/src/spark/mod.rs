//! `evenkeel import-spark`: a fleet file from the settings of a Spark application.

mod conf;
mod document;
mod fleet;
mod memory;
mod pod;
mod properties;
mod table;
mod units;
mod volumes;

use crate::{args::SparkArgs, exit::Exit, say};
use conf::{Bad, Became, Conf};
use document::one_line;
use evenkeel::file::{self, FileError};
use properties::Setting;
use std::{
    fs::OpenOptions,
    io::{self, Read, Write},
    path::Path,
};

/// What people look for first in a map.
const ORDER: [&str; 12] = [
    "fleet",
    "cluster",
    "namespace",
    "config",
    "target",
    "maximum",
    "name",
    "image",
    "size",
    "path",
    "metadata",
    "every",
];

/// Reads, writes, and says what could not be carried over.
pub fn import(args: &SparkArgs) -> Exit {
    if args.keys {
        return say::text(&table::markdown());
    }
    match made(args).and_then(|made| written(args, &made.text).map(|wrote| (made, wrote))) {
        Err(Bad(what)) => {
            say::error(&what);
            Exit::Usage
        }
        Ok((made, wrote)) => {
            for (key, why) in &made.left {
                say::detail(&format!("not carried over: {key}: {why}"));
            }
            match wrote {
                Exit::Well if !made.left.is_empty() => Exit::Failed,
                wrote => wrote,
            }
        }
    }
}

/// A fleet file, and what is not in it.
struct Made {
    text: String,
    left: Vec<(String, String)>,
}

fn made(args: &SparkArgs) -> Result<Made, Bad> {
    let (name, text) = match &args.conf {
        Some(path) => read(path)?,
        None => {
            return Err(Bad(
                "name a spark-defaults.conf, or - for standard input".to_owned()
            ));
        }
    };
    let mut settings = properties::read(&text, &name);
    settings.extend(args.set.iter().map(|(key, value)| Setting {
        key: key.clone(),
        value: value.clone(),
        place: "--set".to_owned(),
    }));
    make(&Conf::new(settings), &name, args.keep_ramp)
}

fn make(conf: &Conf, name: &str, keep_ramp: bool) -> Result<Made, Bad> {
    let doc = fleet::document(conf, keep_ramp)?;
    let mut text = format!(
        "# Made by `evenkeel import-spark` from {}. Beside each value stands what it was made from; at the\n\
         # end, what was not carried over. The engine sets the rest of an executor's environment: SPARK_DRIVER_URL,\n\
         # SPARK_APPLICATION_ID and SPARK_EXECUTOR_ID, from EVENKEEL_EXECUTOR_ID.\n",
        one_line(name)
    );
    text.push_str(&doc.yaml(&ORDER));
    let (mut left, mut needless) = (Vec::new(), Vec::new());
    for (key, became) in conf.fates() {
        match became {
            Became::Carried => {}
            Became::Needless(why) => needless.push((key.to_owned(), why)),
            Became::Left(why) => left.push((key.to_owned(), why)),
        }
    }
    comments(&mut text, "Not carried over:", &left);
    comments(&mut text, "Not needed:", &needless);
    // What nobody could run is not written.
    match file::parse(&text, name) {
        Ok(_) => Ok(Made { text, left }),
        Err(error) => Err(no_good(name, &text, &error)),
    }
}

/// The settings make no good fleet file: said of the key that the faulty value is from.
fn no_good(name: &str, text: &str, error: &FileError) -> Bad {
    let line = error.at.and_then(|at| usize::try_from(at.line).ok());
    let line = line.and_then(|line| text.lines().nth(line.saturating_sub(1)));
    let from = line.and_then(|line| line.split_once("  # "));
    let from = from.map_or(String::new(), |(_, from)| format!(" (from {from})"));
    Bad(format!(
        "{name}: no good fleet file can be made of this: {}{from}: {}",
        error.field, error.what
    ))
}

fn comments(text: &mut String, title: &str, keys: &[(String, String)]) {
    if keys.is_empty() {
        return;
    }
    text.push_str(&format!("\n# {title}\n"));
    for (key, why) in keys {
        text.push_str(&format!("#   {}: {}\n", one_line(key), one_line(why)));
    }
}

/// The name and the text of a file, or of standard input.
fn read(path: &Path) -> Result<(String, String), Bad> {
    if path == Path::new("-") {
        let mut text = String::new();
        let read = io::stdin().read_to_string(&mut text);
        read.map_err(|error| Bad(format!("standard input can't be read: {error}")))?;
        return Ok(("standard input".to_owned(), text));
    }
    let text = file::text(path).map_err(|error| Bad(error.to_string()))?;
    Ok((path.display().to_string(), text))
}

/// To the file that was named, or to standard output.
fn written(args: &SparkArgs, text: &str) -> Result<Exit, Bad> {
    let Some(path) = &args.output else {
        return Ok(say::text(text));
    };
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    if !args.force {
        options.create_new(true);
    }
    let wrote = options
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    wrote.map(|()| Exit::Well).map_err(|error| {
        let what = match error.kind() {
            io::ErrorKind::AlreadyExists => {
                "it is there already; name another file, or add --force".to_owned()
            }
            _ => format!("it can't be written: {error}"),
        };
        Bad(format!("{}: {what}", path.display()))
    })
}

#[cfg(test)]
mod tests {
    use super::{table::Fate, *};

    const LEAST: &str = "spark.kubernetes.container.image spark:4\n";
    const CLAIM: &str = "\
spark.kubernetes.executor.volumes.persistentVolumeClaim.data.mount.path /data
spark.kubernetes.executor.volumes.persistentVolumeClaim.data.options.claimName OnDemand
spark.kubernetes.executor.volumes.persistentVolumeClaim.data.options.sizeLimit 5Gi
";

    fn of(text: &str) -> (Conf, Made) {
        let conf = Conf::new(properties::read(text, "spark.conf"));
        let made =
            make(&conf, "spark.conf", true).unwrap_or_else(|Bad(what)| panic!("{what}\n{text}"));
        (conf, made)
    }

    #[test]
    fn each_key_of_the_table_becomes_what_the_table_says() {
        let folder = tempfile::tempdir().expect("a folder");
        let template = folder.path().join("pod.yaml");
        let text = "spec: {containers: [{name: other, image: i}, {name: main, image: j}]}\n";
        std::fs::write(&template, text).expect("it can be written");
        let (_, plain) = of(LEAST);
        for row in table::sections().flat_map(|(_, rows)| rows) {
            let example = row.example.replace("CLAIM\n", CLAIM);
            let example = example.replace("TEMPLATE", &template.display().to_string());
            let key = row.key.replace('*', "some");
            let key = match row.fate {
                Fate::Carried(_) => {
                    let keys = properties::read(&example, "f")
                        .into_iter()
                        .map(|setting| setting.key);
                    let mine = |key: &String| table::row(key).is_some_and(|of| of.key == row.key);
                    keys.into_iter()
                        .find(mine)
                        .unwrap_or_else(|| panic!("{} has no example of itself", row.key))
                }
                Fate::Needless | Fate::Left => key,
            };
            let text = match row.fate {
                Fate::Carried(_) => format!("{LEAST}{example}"),
                Fate::Needless | Fate::Left => format!("{LEAST}{key} x"),
            };
            let (conf, made) = of(&text);
            let fates = conf.fates();
            let became = fates
                .iter()
                .find(|(of, _)| *of == key)
                .map(|(_, became)| became);
            match (row.fate, became) {
                (Fate::Carried(_), Some(Became::Carried)) => {
                    let alone = text.replace(&example, "");
                    assert_eq!(alone, LEAST);
                    let nothing =
                        row.key.ends_with(".enabled") || row.key.ends_with("pods.allocator");
                    assert!(made.text != plain.text || nothing, "{key} changes nothing");
                }
                (Fate::Needless, Some(Became::Needless(why)))
                | (Fate::Left, Some(Became::Left(why))) => {
                    assert!(!why.is_empty(), "{key}");
                    assert!(
                        made.text.contains(&format!("#   {key}: {why}\n")),
                        "{}",
                        made.text
                    );
                }
                (_, became) => panic!("{key} became {became:?}"),
            }
        }
    }

    #[test]
    fn every_row_is_reached_and_fits_a_tables_cell() {
        for row in table::sections().flat_map(|(_, rows)| rows) {
            let key = row.key.replace('*', "some");
            assert_eq!(table::row(&key).map(|of| of.key), Some(row.key));
            assert!(
                !row.note.contains('|') && !row.note.contains('\n'),
                "{}",
                row.key
            );
            assert!(
                row.is_carried() || !row.note.is_empty(),
                "{} gives no reason",
                row.key
            );
        }
    }
}
