//! `evenkeel config`: the keys of a fleet file, or one of them.

use crate::{
    args::{ConfigArgs, ConfigFormat},
    exit::Exit,
    say,
};
use evenkeel::file::keys::{self, Key};

/// Prints what was asked for.
pub fn config(args: &ConfigArgs) -> Exit {
    match &args.key {
        None => whole(args.format),
        Some(name) => one(name, args.format),
    }
}

fn whole(format: ConfigFormat) -> Exit {
    let all: Vec<&Key> = keys::all().collect();
    say::text(&match format {
        ConfigFormat::Text => keys::text(&all),
        ConfigFormat::Yaml => keys::skeleton(),
        ConfigFormat::Json => pretty(&all),
        ConfigFormat::Markdown => keys::markdown(),
    })
}

/// One key, with those below it; a name may mean several.
fn one(name: &str, format: ConfigFormat) -> Exit {
    let found = keys::find(name);
    if found.is_empty() {
        let near: Vec<_> = keys::nearest(name).iter().map(|key| key.path).collect();
        let way_out = match near.as_slice() {
            [] => "`evenkeel config` lists them all".to_owned(),
            near => format!("did you mean {}?", near.join(" or ")),
        };
        say::error(&format!("there is no key {name:?}; {way_out}"));
        return Exit::Usage;
    }
    let text = match format {
        ConfigFormat::Text => keys::text(&found),
        ConfigFormat::Json => pretty(&found),
        ConfigFormat::Yaml | ConfigFormat::Markdown => {
            say::error(
                &"--format yaml and markdown are of the whole; leave KEY out, or take text or json",
            );
            return Exit::Usage;
        }
    };
    say::text(&text)
}

fn pretty(keys: &[&Key]) -> String {
    format!("{:#}\n", keys::json(keys))
}
