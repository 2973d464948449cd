//! What the core paths cost: instructions (callgrind) and allocations of one turn, checked against `bench/history.json`.
//!
//! Seconds depend on the machine and on who else uses it; these counts do not. A path that costs 3 % more or less than the
//! newest entry says is a failure: either mend it, or record the new costs with `cargo xtask costs --record` and say why.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::counts::Counts;
use crate::run;

const PATHS: [&str; 5] = ["relay_1", "relay_4", "display", "subscription", "deadline_scan"];
const HISTORY: &str = "bench/history.json";
/// How far a count may be from the recorded one.
const TOLERANCE: f64 = 0.03;
/// The difference of the two runs leaves out what is done once.
const FEW: u64 = 100;
const MANY: u64 = 1100;

/// Path → what is counted → how often.
type Costs = BTreeMap<String, BTreeMap<String, u64>>;

/// Counts, and compares with the newest entry of the history, or adds one.
pub(crate) fn costs(record: bool) -> Result<Counts> {
    let now = count()?;
    let path = run::root().join(HISTORY);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|_| "[]".to_owned());
    let mut history: Vec<Value> = serde_json::from_str(&text).with_context(|| format!("{HISTORY} is damaged"))?;
    if record {
        let commit = run::output(&["git", "rev-parse", "--short", "HEAD"])?;
        let date = run::output(&["git", "log", "-1", "--format=%cs"])?;
        history.push(json!({ "after": commit.trim(), "date": date.trim(), "costs": now }));
        std::fs::write(&path, format!("{:#}\n", Value::from(history)))?;
        println!("{}recorded in {HISTORY}", table(&now, &now));
        return Ok(Counts::default());
    }
    let newest = history.last().with_context(|| format!("{HISTORY} has no entry; run: cargo xtask costs --record"))?;
    let before: Costs = serde_json::from_value(newest["costs"].clone())?;
    println!("{}", table(&now, &before));
    let wrong = differences(&now, &before);
    if !wrong.is_empty() {
        bail!("{}\nMend it, or record it with a reason: cargo xtask costs --record", wrong.join("\n"));
    }
    Ok(Counts { passed: u32::try_from(PATHS.len())?, ..Counts::default() })
}

/// Builds the program and runs it under callgrind.
fn count() -> Result<Costs> {
    let build = ["cargo", "build", "--release", "-p", "bifocal-session", "--example", "core_paths"];
    if !run::watch("", &build)?.success {
        bail!("the program of the core paths does not build");
    }
    let program = target()?.join("release/examples/core_paths");
    let program = program.to_string_lossy();
    let mut costs = Costs::new();
    for line in run::output(&[&program, "allocations"])?.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [path, count, bytes] = words[..] else { bail!("not a count: {line}") };
        let counts = BTreeMap::from([("allocations".to_owned(), count.parse()?), ("bytes".to_owned(), bytes.parse()?)]);
        costs.insert(path.to_owned(), counts);
    }
    for path in PATHS {
        let difference = instructions(&program, path, MANY)? - instructions(&program, path, FEW)?;
        let each = difference / (MANY - FEW);
        costs.entry(path.to_owned()).or_default().insert("instructions".to_owned(), each);
    }
    Ok(costs)
}

fn target() -> Result<std::path::PathBuf> {
    let metadata = run::output(&["cargo", "metadata", "--format-version", "1", "--no-deps"])?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    Ok(metadata["target_directory"].as_str().context("cargo names its target folder")?.into())
}

fn instructions(program: &str, path: &str, times: u64) -> Result<u64> {
    let times = times.to_string();
    let line = ["--tool=callgrind", "--callgrind-out-file=/dev/null", program, "run", path, &times];
    let output = std::process::Command::new("valgrind").args(line).output().context("cannot start valgrind")?;
    let text = String::from_utf8_lossy(&output.stderr);
    let collected = text.lines().find_map(|line| line.split("Collected : ").nth(1));
    let collected = collected.with_context(|| format!("callgrind counted nothing:\n{text}"))?;
    Ok(collected.trim().parse()?)
}

/// Every count that is not what it was.
fn differences(now: &Costs, before: &Costs) -> Vec<String> {
    let mut wrong = Vec::new();
    for (path, counts) in now {
        for (what, &count) in counts {
            let Some(&was) = before.get(path).and_then(|counts| counts.get(what)) else {
                wrong.push(format!("{path}: {what} was never recorded"));
                continue;
            };
            if (count as f64 - was as f64).abs() > was as f64 * TOLERANCE {
                wrong.push(format!("{path}: {what} {was} → {count}"));
            }
        }
    }
    wrong
}

fn table(now: &Costs, before: &Costs) -> String {
    let mut text = format!("{:<14} {:>22} {:>14} {:>18}\n", "path", "instructions", "allocations", "bytes");
    for (path, counts) in now {
        let cell = |what: &str| {
            let count = counts.get(what).copied().unwrap_or(0);
            match before.get(path).and_then(|counts| counts.get(what)) {
                Some(&was) if was != count => format!("{count} (was {was})"),
                _ => count.to_string(),
            }
        };
        text.push_str(&format!(
            "{path:<14} {:>22} {:>14} {:>18}\n",
            cell("instructions"),
            cell("allocations"),
            cell("bytes")
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn costs(instructions: u64) -> Costs {
        let counts = BTreeMap::from([("instructions".to_owned(), instructions)]);
        BTreeMap::from([("relay".to_owned(), counts)])
    }

    #[test]
    fn three_percent_either_way_is_the_same() {
        assert!(differences(&costs(1030), &costs(1000)).is_empty());
        assert!(differences(&costs(970), &costs(1000)).is_empty());
        assert_eq!(differences(&costs(1031), &costs(1000)), ["relay: instructions 1000 → 1031"]);
        assert_eq!(differences(&costs(969), &costs(1000)).len(), 1);
        assert_eq!(differences(&costs(1), &Costs::new()), ["relay: instructions was never recorded"]);
    }
}
