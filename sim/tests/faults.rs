//! docs/faults.md names what there is: every row, and only kinds, planted bugs and scenarios that exist.

use evenkeel_sim::story::Kind;
use std::path::Path;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The words in backticks of a cell.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

#[test]
fn the_catalogue_names_what_there_is() {
    let text = std::fs::read_to_string(root().join("docs/faults.md")).expect("docs/faults.md");
    let rows: Vec<Vec<&str>> = text
        .lines()
        .filter(|line| line.starts_with("| ") && line.as_bytes()[2].is_ascii_digit())
        .map(|line| line.split('|').map(str::trim).collect())
        .collect();
    let numbers: Vec<usize> = rows
        .iter()
        .map(|row| row[1].parse().expect("a number"))
        .collect();
    assert_eq!(
        numbers,
        (1..=100).collect::<Vec<_>>(),
        "a hundred, in order"
    );
    for row in &rows {
        for kind in quoted(row[3]) {
            let known = Kind::ALL.iter().any(|known| known.name() == kind);
            assert!(known, "row {}: there is no fault kind {kind:?}", row[1]);
        }
        for link in row[6].split("](../").skip(1) {
            let path = link.split(')').next().expect("a link");
            assert!(
                root().join(path).exists(),
                "row {}: there is no {path}",
                row[1]
            );
        }
        let shown = row[5] != "—" || row[6] != "—";
        let excused = text.contains(&format!("- **{}**:", row[1]));
        assert!(
            shown || excused,
            "row {}: nothing shows it, and no reason is given",
            row[1]
        );
    }
}

#[cfg(feature = "mutants")]
#[test]
fn each_planted_bug_stands_in_its_rows() {
    use evenkeel::core::mutants::CATALOGUE;
    let text = std::fs::read_to_string(root().join("docs/faults.md")).expect("docs/faults.md");
    for bug in CATALOGUE {
        for number in bug.rows {
            let row = text
                .lines()
                .find(|line| line.starts_with(&format!("| {number} |")))
                .unwrap_or_else(|| panic!("{}: there is no row {number}", bug.name));
            assert!(
                quoted(row).any(|name| name == bug.name),
                "row {number} does not name {}",
                bug.name
            );
        }
    }
}
