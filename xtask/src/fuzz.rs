//! `cargo xtask fuzz`: runs every target of `fuzz/` for a while.
//!
//! The sanitizers and the coverage of libFuzzer are switched on by unstable flags; `RUSTC_BOOTSTRAP` lets the pinned
//! toolchain take them, so that no second one is needed.

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::run;

/// Fuzzes each target for so many seconds; the first crash ends the run.
pub(crate) fn fuzz(seconds: u32) -> Result<ExitCode> {
    if !run::root().join("fuzz/Cargo.toml").exists() {
        bail!("there are no fuzz targets: fuzz/Cargo.toml is missing");
    }
    if run::output(&["cargo", "fuzz", "--version"]).is_err() {
        must_pass(&["cargo", "install", "--locked", "cargo-fuzz"])?;
    }
    let list = run::output(&["cargo", "fuzz", "list"])?;
    let targets: Vec<&str> = list.split_whitespace().collect();
    if targets.is_empty() {
        bail!("there are no fuzz targets in fuzz/");
    }
    let limit = format!("-max_total_time={seconds}");
    for target in &targets {
        println!("\n== {target}, {seconds} s ==");
        must_pass(&["cargo", "fuzz", "run", target, "--", &limit])?;
    }
    println!("\n{} targets, no crash", targets.len());
    Ok(ExitCode::SUCCESS)
}

fn must_pass(line: &[&str]) -> Result<()> {
    println!("$ {}", line.join(" "));
    if !run::command("", line).env("RUSTC_BOOTSTRAP", "1").status()?.success() {
        bail!("`{}` failed", line.join(" "));
    }
    Ok(())
}
