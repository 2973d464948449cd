//! The README of the SDK has a row for every method of the npm SDKs: what is there must have been run, and what is not there has its
//! reason, which becomes a note of the table.

use std::collections::BTreeMap;

use serde_json::json;

use super::stage::Stage;

const README: &str = include_str!("../../../../sdk/README.md");
const TABLES: &str = "\n## Every public method of the npm SDK 2.1.29";

/// Prints a row for what has a reason not to be there, and says where README and rows differ.
pub(super) fn compare(x: &Stage) {
    let tables = README.split_once(TABLES).map_or("", |(_, tables)| tables);
    let (mut module, mut before) = ("", "");
    let mut notes = BTreeMap::new();
    for line in tables.lines() {
        if let Some(heading) = line.strip_prefix("### ") {
            module = heading.trim_matches('`');
        }
        let Some((method, ours)) = cells(line) else { continue };
        let ours = if ours.starts_with("as before") { before } else { ours };
        before = ours;
        let has_run = x.has_run(module, method);
        match ours.strip_prefix("none: ") {
            Some(reason) => {
                if has_run {
                    x.wire.print(json!({"event": "stray", "message": format!("the README has no {module}.{method}")}));
                    continue;
                }
                let note = notes.entry(reason).or_insert_with(|| format!("rust-{}", slug(method)));
                let why = format!("{}.", capitalized(reason));
                x.wire.print(json!({
                    "event": "row", "module": module, "method": method, "result": "–", "note": note, "why": why,
                }));
            }
            None if has_run => {}
            None => x.wire.print(json!({"event": "forgotten", "module": module, "names": [method]})),
        }
    }
    if module.is_empty() {
        x.wire.print(json!({"event": "stray", "message": "the README of the SDK has no tables"}));
    }
}

/// The first two cells of a row whose first one is a method.
fn cells(line: &str) -> Option<(&str, &str)> {
    let (method, rest) = line.strip_prefix("| `")?.split_once("` | ")?;
    Some((method, rest.split_once(" | ")?.0))
}

fn slug(method: &str) -> String {
    method.chars().filter(char::is_ascii_alphanumeric).collect()
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
