//! `cargo xtask test`: everything CI does, in stages, cheapest first. The first stage that fails ends the run; the
//! table and the sum of all tests come last in any case.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};

use crate::{costs, counts::Counts, model, run, setup, tidy};

/// A stage runs and says what its test runner counted.
type Stage = (&'static str, fn() -> Result<Counts>);

const STAGES: [Stage; 9] = [
    ("setup", || setup::setup().map(|()| Counts::default())),
    ("fmt", || cargo(&["fmt", "--all", "--check"])),
    ("tidy", || tidy::tidy().map(|()| Counts::default())),
    ("clippy", || cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])),
    ("docs", docs),
    ("rig", rig),
    ("costs", || costs::costs(false)),
    ("rust tests", || cargo(&["test", "--workspace", "--no-fail-fast"])),
    // The million steps are among the tests above; here faults are planted and must be found.
    ("model", model::seeded),
];

struct Row {
    stage: &'static str,
    outcome: &'static str,
    took: Duration,
    counts: Counts,
}

/// Runs every stage.
pub(crate) fn test() -> Result<ExitCode> {
    let mut rows = Vec::new();
    let mut failed = false;
    for (stage, work) in STAGES {
        if failed {
            rows.push(Row { stage, outcome: "not run", took: Duration::ZERO, counts: Counts::default() });
            continue;
        }
        println!("\n== {stage} ==");
        let started = Instant::now();
        let result = work();
        let took = started.elapsed();
        let (outcome, counts) = match result {
            Ok(counts) if counts.failed == 0 => ("ok", counts),
            Ok(counts) => ("FAILED", counts),
            Err(error) => {
                println!("{stage}: {error:#}");
                // Not only tests can fail: a stage without a runner counts as one.
                ("FAILED", Counts { failed: 1, ..Counts::default() })
            }
        };
        failed = outcome != "ok";
        rows.push(Row { stage, outcome, took, counts });
    }
    summarize(&rows);
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// How a task ends whose tests came to this.
pub(crate) fn code_of(counts: Counts) -> ExitCode {
    println!("{counts}");
    if counts.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn summarize(rows: &[Row]) {
    let mut sum = Counts::default();
    println!("\n{:<12} {:<8} {:>8}   tests", "stage", "outcome", "time");
    for row in rows {
        let tests = if row.counts == Counts::default() { String::new() } else { row.counts.to_string() };
        let line = format!("{:<12} {:<8} {:>7.1}s   {tests}", row.stage, row.outcome, row.took.as_secs_f64());
        println!("{}", line.trim_end());
        sum += row.counts;
    }
    println!("\n{sum}");
}

/// What developers of apps read: every link leads somewhere, and nothing public is without a word.
fn docs() -> Result<Counts> {
    let strict = "build.rustdocflags=[\"-D\", \"warnings\"]";
    cargo(&["--config", strict, "doc", "--no-deps", "-p", "bifocal-sdk", "-p", "bifocal-protocol"])
}

/// The rig's own tests, over exactly the packages of its lock file. The Rust tests use what is installed here.
fn rig() -> Result<Counts> {
    stage("rig", &["npm", "ci", "--no-audit", "--no-fund"])?;
    let counts = stage("rig", &["npm", "test"])?;
    if counts == Counts::default() {
        bail!("the rig ran no test");
    }
    Ok(counts)
}

fn cargo(arguments: &[&str]) -> Result<Counts> {
    let mut line = vec!["cargo"];
    line.extend(arguments);
    stage("", &line)
}

fn stage(directory: &str, line: &[&str]) -> Result<Counts> {
    let watched = run::watch(directory, line)?;
    let counts = Counts::read(&watched.lines);
    // A runner that counted its failures has told more than its exit code.
    if !watched.success && counts.failed == 0 {
        bail!("`{}` failed", line.join(" "));
    }
    Ok(counts)
}
