//! Rules about the text of our own sources: small files that say what they are, and nothing left for later.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::run;

const MOST_LINES: usize = 600;

/// Put together here, so that this file does not break the rule it states.
const FOR_LATER: [&str; 3] = [concat!("todo", "!("), concat!("unimplemented", "!("), concat!("#[", "ignore")];

/// Adds what is wrong with the Rust files and the lock file of the rig.
pub(crate) fn check(findings: &mut Vec<String>) -> Result<()> {
    let root = run::root();
    let mut files = Vec::new();
    collect(&root, &mut files)?;
    files.sort();
    for file in files {
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let name = file.strip_prefix(&root).unwrap_or(&file).display().to_string();
        findings.extend(about_file(&text).into_iter().map(|finding| format!("{name}: {finding}")));
    }
    // A `resolved` address is that of the registry of whoever wrote the file last; npm finds the packages without.
    if fs::read_to_string(root.join("rig/package-lock.json"))?.contains("\"resolved\"") {
        findings.push("rig/package-lock.json: names a registry; write it with omit-lockfile-registry-resolved".into());
    }
    Ok(())
}

/// Every Rust file below, but not what was built or installed.
pub(super) fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(directory).with_context(|| directory.display().to_string())? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if entry.file_type()?.is_dir() {
            if !name.starts_with('.') && !["target", "node_modules", "bifocal-data"].contains(&&*name) {
                collect(&entry.path(), files)?;
            }
        } else if name.ends_with(".rs") {
            files.push(entry.path());
        }
    }
    Ok(())
}

fn about_file(text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let lines = text.lines().count();
    if lines > MOST_LINES {
        findings.push(format!("{lines} lines, {MOST_LINES} are the most"));
    }
    if !text.starts_with("//!") {
        findings.push("does not start with `//!` and what it is".to_owned());
    }
    for (number, line) in text.lines().enumerate() {
        for word in FOR_LATER.iter().filter(|word| line.contains(**word)) {
            findings.push(format!("line {}: `{word}`", number + 1));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::{FOR_LATER, MOST_LINES, about_file};

    #[test]
    fn a_file_says_what_it_is() {
        assert!(about_file("//! A clock.\n").is_empty());
        assert_eq!(about_file("use std::io;\n").len(), 1);
    }

    #[test]
    fn a_file_is_small() {
        assert!(about_file(&format!("//! A{}", "\n".repeat(MOST_LINES))).is_empty());
        assert_eq!(about_file(&format!("//! A{}\n//", "\n".repeat(MOST_LINES))).len(), 1);
    }

    #[test]
    fn nothing_is_left_for_later() {
        for word in FOR_LATER {
            assert_eq!(about_file(&format!("//! A\nfn a() {{ {word}")).len(), 1);
        }
    }
}
