//! `cargo xtask model`: lives of a session beside the reference model, with new seeds for so many minutes; or the proof
//! that the model finds planted faults.

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::counts::Counts;
use crate::run;

/// Explores with new seeds; what breaks is printed as a scenario, and the counts come last.
pub(crate) fn explore(minutes: &str) -> Result<ExitCode> {
    let build = ["cargo", "run", "--release", "-p", "bifocal-testkit", "--example", "explore", "--"];
    let mut line = build.to_vec();
    line.extend(["--minutes", minutes]);
    println!("$ {}", line.join(" "));
    let passed = run::command("", &line).status()?.success();
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Plants each of the eleven faults and lets the model find it.
pub(crate) fn seeded() -> Result<Counts> {
    let line = ["cargo", "test", "-p", "bifocal-testkit", "--features", "seeded-bugs", "--test", "seeded"];
    let watched = run::watch("", &line)?;
    let counts = Counts::read(&watched.lines);
    if counts.failed == 0 && (!watched.success || counts.passed == 0) {
        bail!("`{}` failed, or ran no test", line.join(" "));
    }
    Ok(counts)
}
