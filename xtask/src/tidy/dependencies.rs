//! Rules about dependencies: the session core stays pure, everything is from crates.io, and some crates stay out.

use std::fs;

use anyhow::Result;

use crate::run;

/// What a pure library has no use for: I/O, time, chance.
const IMPURE: [&str; 6] = ["tokio", "rand", "sqlx", "reqwest", "axum", "hyper"];

/// A second C crypto library, a system one, one with a timing leak, one that is no longer kept up. All of them come
/// back through one careless default feature.
pub(crate) const BANNED: [&str; 4] = ["aws-lc-sys", "openssl-sys", "rsa", "failure"];

/// Adds what is wrong with the dependencies.
pub(crate) fn check(findings: &mut Vec<String>) -> Result<()> {
    let tree = run::output(&["cargo", "tree", "-e", "normal", "-p", "bifocal-session", "--prefix", "none"])?;
    findings.extend(impure(&tree).into_iter().map(|name| format!("bifocal-session: depends on {name}")));
    findings.extend(about_lock(&fs::read_to_string(run::root().join("Cargo.lock"))?));
    Ok(())
}

/// `name v1.2.3 (…)` on each line. The satellites of a banned crate (`tokio-util`) are as bad.
fn impure(tree: &str) -> Vec<&str> {
    let mut names: Vec<&str> = tree
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| IMPURE.contains(&name.split(['-', '_']).next().unwrap_or(name)))
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn about_lock(lock: &str) -> Vec<String> {
    let mut findings = Vec::new();
    for line in lock.lines() {
        if let Some(source) = value(line, "source")
            && !(source.starts_with("registry+") && source.ends_with("/crates.io-index"))
        {
            findings.push(format!("Cargo.lock: {source} is not crates.io"));
        }
        if let Some(name) = value(line, "name")
            && BANNED.contains(&name)
        {
            findings.push(format!("Cargo.lock: {name} is banned; `cargo tree -i {name}` says who wants it"));
        }
    }
    findings
}

fn value<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::{about_lock, impure};

    #[test]
    fn finds_what_is_impure() {
        let tree = "bifocal-session v0.1.0 (x)\nserde v1.0.0\ntokio-util v0.7.0\nrand_core v0.9.0\nrandom v1.0.0 (*)";
        assert_eq!(impure(tree), ["rand_core", "tokio-util"]);
    }

    #[test]
    fn finds_what_is_foreign_or_banned() {
        let lock = "name = \"rsa\"\nsource = \"registry+https://example.invalid/crates.io-index\"\n\
                    name = \"rsa-free\"\nsource = \"git+https://example.invalid/x\"\n";
        assert_eq!(about_lock(lock).len(), 2);
    }
}
