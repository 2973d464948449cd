//! `cargo xtask demo`: builds `bifocal` and runs its demo in this terminal.

use std::process::{ExitCode, Stdio};

use anyhow::Result;

use crate::run;

/// Arguments such as `--once` are the demo's own.
pub(crate) fn demo(arguments: &[String]) -> Result<ExitCode> {
    let mut line = vec!["cargo", "run", "--quiet", "--package", "bifocal", "--", "demo"];
    line.extend(arguments.iter().map(String::as_str));
    // The demo draws glasses and takes keys, so it gets the terminal itself.
    let status = run::command("", &line).stdin(Stdio::inherit()).status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
