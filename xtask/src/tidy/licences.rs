//! The licence rule: every package we link allows what MIT and Apache-2.0 allow.
//!
//! A licence is an SPDX expression: `OR` lets us choose, `AND` binds us to both, `WITH` names an exception that only
//! gives more rights. Old crates write `/` for `OR`. `deny.toml` says the same for people who have cargo-deny.

use std::fs;

use anyhow::{Context, Result};
use serde_json::Value;

use super::dependencies::BANNED;
use crate::run;

const ALLOWED: [&str; 8] =
    ["MIT", "Apache-2.0", "ISC", "BSD-3-Clause", "Unicode-3.0", "Zlib", "CDLA-Permissive-2.0", "Unlicense"];

/// Adds every package whose licence is not allowed.
pub(crate) fn check(findings: &mut Vec<String>) -> Result<()> {
    let metadata: Value = serde_json::from_str(&run::output(&["cargo", "metadata", "--format-version", "1"])?)?;
    for package in metadata["packages"].as_array().context("cargo metadata lists no packages")? {
        let (name, licence) = (&package["name"], package["license"].as_str().unwrap_or("none"));
        if !is_allowed(licence) {
            findings.push(format!("{}: its licence is not on the list: {licence}", name.as_str().unwrap_or("?")));
        }
    }
    let deny = fs::read_to_string(run::root().join("deny.toml"))?;
    for word in ALLOWED.iter().chain(&BANNED).filter(|word| !deny.contains(&format!("\"{word}\""))) {
        findings.push(format!("deny.toml: does not name {word}, as `cargo xtask tidy` does"));
    }
    Ok(())
}

fn is_allowed(expression: &str) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut words = spaced.split_whitespace().peekable();
    let allowed = any(&mut words);
    allowed && words.next().is_none()
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

/// `AND` binds closer than `OR`.
fn any(words: &mut Words<'_>) -> bool {
    let mut allowed = all(words);
    while words.next_if_eq(&"OR").is_some() {
        allowed |= all(words);
    }
    allowed
}

fn all(words: &mut Words<'_>) -> bool {
    let mut allowed = one(words);
    while words.next_if_eq(&"AND").is_some() {
        allowed &= one(words);
    }
    allowed
}

fn one(words: &mut Words<'_>) -> bool {
    match words.next() {
        Some("(") => {
            let allowed = any(words);
            words.next_if_eq(&")").is_some() && allowed
        }
        Some(name) => {
            if words.next_if_eq(&"WITH").is_some() {
                words.next();
            }
            ALLOWED.contains(&name)
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_allowed;

    #[test]
    fn reads_expressions() {
        for yes in [
            "MIT",
            "MIT/Apache-2.0",
            "MIT OR Apache-2.0 OR LGPL-2.1-or-later",
            "Apache-2.0 WITH LLVM-exception OR GPL-3.0",
            "(MIT OR GPL-3.0) AND Unicode-3.0",
            "GPL-3.0 AND MIT OR ISC",
        ] {
            assert!(is_allowed(yes), "{yes}");
        }
        for no in ["GPL-3.0", "MIT AND GPL-3.0", "none", "", "(MIT", "MIT MIT", "MPL-2.0 OR (GPL-3.0 AND MIT)"] {
            assert!(!is_allowed(no), "{no}");
        }
    }
}
