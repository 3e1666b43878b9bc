//! What we depend on: licences that go with Apache-2.0, the registry as the only source, and arrows that point inwards.

use cargo_metadata::{Metadata, MetadataCommand, Package};
use spdx::{Expression, ParseMode};

/// Licences that users may link without a second thought.
const ALLOWED: [&str; 13] = [
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

fn metadata() -> Metadata {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let offline = vec!["--locked".to_owned()];
    MetadataCommand::new()
        .manifest_path(root)
        .other_options(offline)
        .exec()
        .expect("cargo knows its packages")
}

/// Why a licence expression does not do.
fn refusal(licence: Option<&str>) -> Option<String> {
    let text = licence.unwrap_or_default();
    let Ok(expression) = Expression::parse_mode(text, ParseMode::LAX) else {
        return Some(format!("{text:?} is no licence expression"));
    };
    let allowed = expression.evaluate(|requirement| {
        let id = requirement.license.id();
        id.is_some_and(|id| ALLOWED.contains(&id.name))
    });
    (!allowed).then(|| format!("{text:?} is not among those allowed"))
}

#[test]
fn every_licence_is_allowed() {
    let refused: Vec<String> = metadata()
        .packages
        .iter()
        .filter_map(|package| {
            Some(format!(
                "{}: {}",
                package.name,
                refusal(package.license.as_deref())?
            ))
        })
        .collect();
    assert!(refused.is_empty(), "{refused:#?}");
}

#[test]
fn a_licence_that_is_not_allowed_is_found() {
    assert_eq!(refusal(Some("MIT OR GPL-3.0-only")), None);
    assert_eq!(refusal(Some("Apache-2.0 WITH LLVM-exception")), None);
    for bad in [
        Some("GPL-3.0-only"),
        Some("MIT AND AGPL-3.0-only"),
        Some("whatever"),
        None,
    ] {
        assert!(refusal(bad).is_some(), "{bad:?}");
    }
}

#[test]
fn everything_comes_from_the_registry() {
    let foreign: Vec<String> = metadata()
        .packages
        .iter()
        .filter(|package| {
            !package
                .source
                .as_ref()
                .is_none_or(|source| source.is_crates_io())
        })
        .map(|package| format!("{} from {:?}", package.name, package.source))
        .collect();
    assert!(foreign.is_empty(), "{foreign:#?}");
}

/// Our packages that `package` depends on, but for its tests.
fn ours(package: &Package) -> Vec<&str> {
    let linked = package
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind == cargo_metadata::DependencyKind::Normal);
    linked
        .map(|dependency| dependency.name.as_str())
        .filter(|name| name.starts_with("evenkeel"))
        .collect()
}

#[test]
fn dependencies_point_inwards() {
    let metadata = metadata();
    let of = |name: &str| {
        let package = metadata
            .packages
            .iter()
            .find(|package| package.name.as_str() == name);
        ours(package.expect("is in the workspace"))
    };
    assert_eq!(of("evenkeel-core"), Vec::<&str>::new());
    assert_eq!(of("evenkeel"), ["evenkeel-core"]);
    assert_eq!(of("evenkeel-cli"), ["evenkeel"]);
    assert_eq!(of("evenkeel-sim"), ["evenkeel"]);
}
