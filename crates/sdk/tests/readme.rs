//! The tables of README.md: every method of the npm SDK has a row, no cell is empty, and the tests that are named are there.

use std::collections::BTreeSet;
use std::path::Path;

const README: &str = include_str!("../README.md");
const COMPATIBILITY: &str = include_str!("../../../docs/compatibility.md");
/// The rows of all tables, each with the heading that it stands under.
fn rows(text: &str) -> Vec<(String, Vec<String>)> {
    let mut heading = String::new();
    let mut rows = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("### ") {
            heading = name.trim_matches('`').to_owned();
        } else if line.starts_with("## ") {
            heading.clear();
        } else if let Some(row) = line.strip_prefix("| ").filter(|row| !row.contains("---")) {
            let row = row.trim_end_matches(" |").replace("\\|", "\u{1}");
            let cells = row.split('|').map(|cell| cell.trim().replace('\u{1}', "|")).collect();
            rows.push((heading.clone(), cells));
        }
    }
    rows
}

#[test]
fn every_method_of_the_npm_sdks_has_a_row() {
    let begin = COMPATIBILITY.find("\n## AppServer and AppSession").expect("the section");
    let section = COMPATIBILITY[begin..].split("\n## MiniAppServer").next().expect("the section");
    let methods: BTreeSet<_> = rows(section)
        .into_iter()
        .filter(|(heading, cells)| !heading.is_empty() && cells[0].starts_with('`'))
        .map(|(heading, cells)| (heading, cells[0].clone()))
        .collect();
    assert!(methods.len() > 150, "the document is read: {}", methods.len());
    let ours: BTreeSet<_> = rows(README).into_iter().map(|(heading, cells)| (heading, cells[0].clone())).collect();
    let missing: Vec<_> = methods.difference(&ours).collect();
    assert!(missing.is_empty(), "no row for {missing:?}");
}

#[test]
fn no_cell_is_empty_and_every_test_is_there() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: String| std::fs::read_to_string(folder.join(path)).unwrap_or_default();
    let mut seen = 0;
    for (heading, cells) in rows(README) {
        assert!(cells.len() == 3 && cells.iter().all(|cell| !cell.is_empty()), "{heading}: {cells:?}");
        let shown = cells[2].trim_matches('`');
        let Some((file, test)) = shown.split_once("::") else {
            assert!(shown == "shown by" || cells[1].starts_with("none: "), "{heading}: {cells:?} names no test");
            continue;
        };
        let text = read(format!("tests/{file}.rs")) + &read(format!("src/server/{file}.rs"));
        assert!(text.contains(&format!("fn {test}(")), "{heading}: there is no test {shown}");
        seen += 1;
    }
    assert!(seen > 200, "the document is read: {seen}");
}
