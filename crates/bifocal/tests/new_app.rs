//! `bifocal new` makes a project whose test passes; `bifocal dev` runs it, and runs it anew when a file changes.

mod common;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::{bifocal, wait_for};

/// The repository that this test is part of.
fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("it is there")
}

/// With the packages that are here already, and a folder for what is built that the next run finds again.
fn with_cargo(command: &mut Command) -> &mut Command {
    let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join("new-app");
    command.env("CARGO_NET_OFFLINE", "true").env("CARGO_TARGET_DIR", built).env_remove("CARGO_MANIFEST_DIR")
}

#[test]
fn a_new_app_is_tested_runs_and_runs_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let app = folder.path().join("my-app");
    let made = bifocal().arg("new").arg(&app).arg("--sdk").arg(repository()).output().expect("runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    // The versions that the repository was tested with.
    std::fs::copy(repository().join("Cargo.lock"), app.join("Cargo.lock")).expect("copied");
    let tested = with_cargo(Command::new("cargo").arg("test")).current_dir(&app).output().expect("runs");
    let said = String::from_utf8_lossy(&tested.stdout);
    assert!(tested.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&tested.stderr));

    let script = folder.path().join("dev.script");
    let text = [
        "expect \"Say something\" within 20",
        "say hello",
        "expect \"1: hello\" within 20",
        "expect \"Say something new\" within 300",
        "say again",
        "expect \"1: again\" within 20",
    ]
    .join("\n");
    std::fs::write(&script, text).expect("written");
    let mut dev = with_cargo(bifocal().arg("dev").arg(&app).arg("--script").arg(&script))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("runs");
    let mut lines = BufReader::new(dev.stdout.take().expect("piped")).lines().map_while(Result::ok);
    let mut shown = Vec::new();
    let is_running = lines.by_ref().inspect(|line| shown.push(line.clone())).any(|line| line.contains("1: hello"));
    if is_running {
        let main = app.join("src/main.rs");
        let text = std::fs::read_to_string(&main).expect("it is there");
        // What does not build changes nothing but the log.
        std::fs::write(&main, format!("{text}\nnot Rust")).expect("written");
        let log = || std::fs::read_to_string(app.join("bifocal-dev.log")).unwrap_or_default();
        wait_for("the log to tell", || log().contains("the one before goes on").then_some(()));
        std::fs::write(&main, text.replace("Say something", "Say something new")).expect("written");
    }
    shown.extend(lines);
    let ended = dev.wait_with_output().expect("it ends");
    let errors = String::from_utf8_lossy(&ended.stderr);
    assert!(is_running && ended.status.success(), "{}\n{errors}", shown.join("\n"));
}

#[test]
fn what_cannot_be_a_project_is_told_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let new = |name: &str, more: &[&str]| {
        let output = bifocal().arg("new").arg(folder.path().join(name)).args(more).output().expect("runs");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(new("7up", &[]).0, Some(2));
    let (code, why) = new("app", &["--sdk", "/nowhere"]);
    assert!(code == Some(1) && why.contains("/nowhere"), "{why}");
    assert_eq!(new("app", &[]).0, Some(0));
    let manifest = std::fs::read_to_string(folder.path().join("app/Cargo.toml")).expect("it is there");
    let sdk = repository().join("crates/sdk");
    assert!(manifest.contains(&format!("path = \"{}\"", sdk.display())), "the SDK of this build: {manifest}");
    let (code, why) = new("app", &[]);
    assert!(code == Some(1) && why.contains("is there already"), "{why}");
    let dev = bifocal().args(["dev", "/nowhere"]).output().expect("runs");
    assert!(String::from_utf8_lossy(&dev.stderr).contains("runs in the folder of an app"));
}
