//! Running other programs: plainly, for their output, or watched.
//!
//! A watched program's output is shown as it comes, less the lines that only say "still fine", and kept so that the
//! counts of its closing lines can be read.

use std::{
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
};

use anyhow::{Context, Result, bail};

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_owned()
}

/// A command that runs in `directory`, given from the root of the repository.
pub(crate) fn command(directory: &str, line: &[&str]) -> Command {
    let (program, arguments) = line.split_first().expect("a command names a program");
    // The cargo that started us is the one of the pinned toolchain.
    let program = match *program {
        "cargo" => std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()),
        other => other.to_owned(),
    };
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root().join(directory)).stdin(Stdio::null());
    command
}

/// What a program prints; an error if it fails.
pub(crate) fn output(line: &[&str]) -> Result<String> {
    let output = command("", line).output().with_context(|| format!("cannot start `{}`", line[0]))?;
    if !output.status.success() {
        bail!("`{}` failed:\n{}", line.join(" "), String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Whether CI started us. There a missing tool is a failure, not a remark.
pub(crate) fn in_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| !value.is_empty() && value != "false")
}

/// What a watched program left behind.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) success: bool,
    pub(crate) lines: Vec<String>,
}

/// Runs a program and shows what it prints.
pub(crate) fn watch(directory: &str, line: &[&str]) -> Result<Watched> {
    println!("$ {}", line.join(" "));
    let mut child = command(directory, line)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{}`", line[0]))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let errors = thread::spawn(move || show(stderr));
    let mut lines = show(stdout);
    lines.extend(errors.join().unwrap_or_default());
    Ok(Watched { success: child.wait()?.success(), lines })
}

fn show(from: Option<impl Read>) -> Vec<String> {
    let mut lines = Vec::new();
    let Some(from) = from else { return lines };
    // Both pipes end in our stdout: one order, and a log that is not torn apart.
    for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line).into_owned();
        if !is_noise(&line) {
            println!("{line}");
        }
        lines.push(line);
    }
    lines
}

/// Lines that say no more than "still fine".
fn is_noise(line: &str) -> bool {
    const STEPS: [&str; 8] =
        ["Compiling ", "Checking ", "Downloading ", "Downloaded ", "Locking ", "Adding ", "Running ", "Doc-tests "];
    let text = line.trim();
    text.is_empty()
        || STEPS.iter().any(|step| text.starts_with(step))
        || text.starts_with("running ") && (text.ends_with(" tests") || text.ends_with(" test"))
        || text.starts_with("test ") && text.ends_with(" ... ok")
        || text.starts_with("test result: ok. 0 passed; 0 failed; 0 ignored")
        || text.starts_with("npm warn ")
}

#[cfg(test)]
mod tests {
    use super::is_noise;

    #[test]
    fn failures_are_never_noise() {
        for line in [
            "test a::b ... FAILED",
            "test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured",
            "test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured",
            "thread 'a::b' panicked at src/lib.rs:1:1:",
            "error: could not compile `x`",
        ] {
            assert!(!is_noise(line), "{line}");
        }
        for line in ["test a::b ... ok", "   Compiling x v0.1.0", "running 1 test", ""] {
            assert!(is_noise(line), "{line}");
        }
    }
}
