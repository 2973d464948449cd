//! `docs/coverage.md` names tests and scenarios; each of them is there.

use std::collections::BTreeSet;
use std::fs;

use anyhow::Result;

use super::sources;
use crate::run;

const SCENARIOS: &str = "crates/session/tests/scenarios";

/// Adds what the document names and nobody has.
pub(crate) fn check(findings: &mut Vec<String>) -> Result<()> {
    let root = run::root();
    let document = fs::read_to_string(root.join("docs/coverage.md"))?;
    let mut files = Vec::new();
    sources::collect(&root, &mut files)?;
    for name in names(&document) {
        let is_there = match name.split_once("::") {
            // Files are named by their last part where that says enough.
            Some((file, test)) => files
                .iter()
                .filter(|path| path.ends_with(file))
                .any(|path| fs::read_to_string(path).is_ok_and(|text| text.contains(&format!("fn {test}(")))),
            None => root.join(SCENARIOS).join(name).exists(),
        };
        if !is_there {
            findings.push(format!("docs/coverage.md: there is no {name}"));
        }
    }
    Ok(())
}

/// `file.rs::test` and `scenario.txt`, as they stand between back-ticks.
fn names(document: &str) -> BTreeSet<&str> {
    let quoted = document.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    quoted
        .filter(|text| text.contains(".rs::") || text.ends_with(".txt") && text.len() > 4)
        .filter(|text| !text.contains(' '))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn tests_and_scenarios_are_what_stands_between_back_ticks() {
        let text =
            "| a | `x/y.rs` `f` | `x/y.rs::it_works`, `D-01-ack.txt` |\nNames that end in `.txt`: `a b.txt`, D-02.txt";
        assert_eq!(names(text).into_iter().collect::<Vec<_>>(), ["D-01-ack.txt", "x/y.rs::it_works"]);
    }
}
