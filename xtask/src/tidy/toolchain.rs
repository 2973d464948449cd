//! The oldest Rust that will do is the one that everything is built and tested with, and whoever states it states this one.

use std::fs;

use anyhow::Result;

use crate::run;

/// Where it stands, in which words; `{}` is the version.
const STATED: [(&str, &str); 3] = [
    ("crates/sdk/README.md", "Rust {}"),
    ("crates/sdk/src/lib.rs", "Rust {} or later"),
    ("crates/bifocal/templates/app/Cargo.toml.in", "rust-version = \"{}\""),
];

/// Adds what is stated in another way than it is.
pub(crate) fn check(findings: &mut Vec<String>) -> Result<()> {
    let read = |path: &str| fs::read_to_string(run::root().join(path));
    let (manifest, toolchain) = (read("Cargo.toml")?, read("rust-toolchain.toml")?);
    findings.extend(about_versions(&manifest, &toolchain));
    let Some(minimum) = value(&manifest, "rust-version") else { return Ok(()) };
    for (path, words) in STATED {
        let words = words.replace("{}", minimum);
        if !read(path)?.contains(&words) {
            findings.push(format!("{path}: does not say \"{words}\", which is the rust-version of Cargo.toml"));
        }
    }
    Ok(())
}

fn about_versions(manifest: &str, toolchain: &str) -> Option<String> {
    let (minimum, built) = (value(manifest, "rust-version"), value(toolchain, "channel"));
    let is_same = match (minimum, built) {
        (Some(minimum), Some(built)) => built == minimum || built.strip_prefix(minimum) == Some(".0"),
        _ => false,
    };
    let told = |version: Option<&str>| version.unwrap_or("not there").to_owned();
    (!is_same).then(|| {
        format!(
            "Cargo.toml: rust-version is {}, and rust-toolchain.toml builds with {}: nobody checks that the older one will do",
            told(minimum),
            told(built)
        )
    })
}

/// The first value of this key.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(key)?.trim_start().strip_prefix("= \"")?.strip_suffix('"'))
}

#[cfg(test)]
mod tests {
    use super::about_versions;

    #[test]
    fn an_older_rust_than_the_one_that_builds_is_nobodys_promise() {
        let versions = |minimum: &str, built: &str| {
            about_versions(
                &format!("[workspace.package]\nrust-version = \"{minimum}\"\n"),
                &format!("channel = \"{built}\"\n"),
            )
        };
        assert_eq!(versions("1.95", "1.95.0"), None);
        assert_eq!(versions("1.95.0", "1.95.0"), None);
        assert!(versions("1.90", "1.95.0").is_some());
        assert!(versions("1.9", "1.95.0").is_some());
        assert!(about_versions("", "channel = \"1.95.0\"\n").is_some_and(|found| found.contains("not there")));
    }
}
