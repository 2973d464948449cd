//! `cargo xtask tidy`: the house rules that a program can check. Every rule adds its findings to one list.

mod coverage;
mod dependencies;
mod licences;
mod sources;
mod toolchain;

use anyhow::{Result, bail};

/// Checks everything and names all that is wrong.
pub(crate) fn tidy() -> Result<()> {
    let mut findings = Vec::new();
    sources::check(&mut findings)?;
    dependencies::check(&mut findings)?;
    licences::check(&mut findings)?;
    toolchain::check(&mut findings)?;
    coverage::check(&mut findings)?;
    if findings.is_empty() {
        println!("the house is tidy");
        return Ok(());
    }
    for finding in &findings {
        println!("{finding}");
    }
    bail!("house rules are broken, findings: {}", findings.len())
}
