//! `cargo xtask setup`: the tools that the system must have.
//!
//! Rust's own come with the toolchain file. The rest is installed on Debian and Ubuntu when that needs no password, and
//! named in one line everywhere else. In CI a missing tool is a failure; on a desk only the stage that needs it fails.

use std::process::Stdio;

use anyhow::{Result, bail};

use crate::run;

struct Tool {
    program: &'static str,
    package: &'static str,
    why: &'static str,
    /// The oldest version that will do, if that matters.
    at_least: Option<(u32, u32)>,
}

const TOOLS: [Tool; 12] = [
    Tool { program: "gcc", package: "gcc", why: "SQLite and the TLS library are C", at_least: None },
    // The SDK is an ES module that says so nowhere; this is the first Node that loads it all the same.
    Tool { program: "node", package: "nodejs", why: "the npm clients of rig/", at_least: Some((20, 19)) },
    Tool { program: "npm", package: "npm", why: "the npm clients of rig/", at_least: None },
    Tool { program: "valgrind", package: "valgrind", why: "instruction counts", at_least: None },
    Tool { program: "promtool", package: "prometheus", why: "checks the form of /metrics", at_least: None },
    Tool { program: "ffmpeg", package: "ffmpeg", why: "publishes test pictures to the media server", at_least: None },
    Tool { program: "ffprobe", package: "ffmpeg", why: "reads back what viewers get", at_least: None },
    Tool { program: "chromium", package: "chromium", why: "plays the page of a stream", at_least: None },
    Tool {
        program: "flite",
        package: "flite",
        why: "speaks in tests, and for whoever configures no voice",
        at_least: None,
    },
    Tool {
        program: "pocketsphinx_continuous",
        package: "pocketsphinx pocketsphinx-en-us",
        why: "recognises speech in tests, and for whoever configures no engine",
        at_least: None,
    },
    // Brings python3 along.
    Tool {
        program: "pip3",
        package: "python3-pip",
        why: "Home Assistant's library, which tests talk to",
        at_least: None,
    },
    Tool { program: "espeak-ng", package: "espeak-ng", why: "speaks in tests", at_least: None },
];

/// Checks, installs what is missing, and checks again.
pub(crate) fn setup() -> Result<()> {
    let missing: Vec<&Tool> = TOOLS.iter().filter(|tool| tool.problem().is_some()).collect();
    if !missing.is_empty() {
        install(&missing);
    }
    let problems: Vec<String> = missing.iter().filter_map(|tool| tool.problem()).collect();
    if problems.is_empty() {
        println!("all tools are there: {}", TOOLS.map(|tool| tool.program).join(", "));
        return Ok(());
    }
    let line = format!("please install: {}", problems.join("; "));
    if run::in_ci() {
        bail!(line);
    }
    println!("{line}");
    Ok(())
}

impl Tool {
    /// What is wrong with it, as part of a sentence.
    fn problem(&self) -> Option<String> {
        let Self { program, why, .. } = self;
        // Some programs have one dash only.
        let version = run::output(&[program, "--version"]).or_else(|_| run::output(&[program, "-version"]));
        let Ok(version) = version else {
            // flite tells its version and ends with an error: to be there is enough where the version does not matter.
            if self.at_least.is_none() && run::output(&["sh", "-c", r#"command -v "$0""#, program]).is_ok() {
                return None;
            }
            return Some(match self.at_least {
                Some((major, minor)) => format!("{program} {major}.{minor} or newer ({why})"),
                None => format!("{program} ({why})"),
            });
        };
        let (major, minor) = self.at_least?;
        if version_of(&version) >= Some((major, minor)) {
            return None;
        }
        Some(format!("{program} {major}.{minor} or newer, this is {} ({why})", version.trim()))
    }
}

/// `v20.19.2` → (20, 19)
fn version_of(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.trim().trim_start_matches('v').split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// Tries; whether it helped is for the second check to say.
fn install(missing: &[&Tool]) {
    let Some(rights) = rights() else { return };
    let packages: Vec<&str> = missing.iter().flat_map(|tool| tool.package.split(' ')).collect();
    println!("installing {}", packages.join(", "));
    let update = [rights, &["apt-get", "update", "-qq"]].concat();
    let install = [rights, &["apt-get", "install", "-y", "-qq", "--no-install-recommends"], &packages].concat();
    for line in [update, install] {
        let ran = run::command("", &line).env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null()).status();
        if !ran.is_ok_and(|status| status.success()) {
            println!("`{}` failed", line.join(" "));
        }
    }
}

/// What to put before `apt-get`; nothing if it cannot be used without a password.
fn rights() -> Option<&'static [&'static str]> {
    run::output(&["apt-get", "--version"]).ok()?;
    if run::output(&["id", "-u"]).is_ok_and(|id| id.trim() == "0") {
        return Some(&[]);
    }
    run::output(&["sudo", "-n", "true"]).ok()?;
    Some(&["sudo", "-n"])
}

#[cfg(test)]
mod tests {
    use super::version_of;

    #[test]
    fn reads_versions() {
        assert_eq!(version_of("v20.19.2\n"), Some((20, 19)));
        assert!(version_of("v18.19.0") < Some((20, 19)));
        assert!(version_of("v22.7.0") > Some((20, 19)));
        assert_eq!(version_of("unknown"), None);
    }
}
