//! `bifocal doctor --speech`: where the time goes, and which hop fails.

mod common;

use std::path::Path;
use std::process::Output;

use bifocal_audio::wav;
use common::bifocal;

/// A second of something loud, between two silences.
fn recording(folder: &Path) -> std::path::PathBuf {
    let loud = (0..16_000).map(|n| if n % 100 < 50 { 8_000 } else { -8_000 });
    let silence = || std::iter::repeat_n(0, 3_200);
    let samples: Vec<i16> = silence().chain(loud).chain(silence()).collect();
    let file = folder.join("loud.wav");
    std::fs::write(&file, wav::write(&samples, 16_000)).expect("written");
    file
}

fn doctor(config: &str, arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("bifocal.toml");
    std::fs::write(&file, config).expect("written");
    let mut command = bifocal();
    command.args(["doctor", "--speech", "--config"]).arg(&file).arg("--data").arg(folder.path()).args(arguments);
    if !arguments.contains(&"--say") {
        command.arg("--recording").arg(recording(folder.path()));
    }
    command.output().expect("runs")
}

fn engine(script: &str) -> String {
    format!("[[speech.engines]]\nkind = \"fake\"\nscript = {{ {script} }}\n")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn every_hop_has_its_time() {
    let output = doctor(&engine("every_ms = 400, sentence = 2, open_ms = 50"), &[]);
    let table = text(&output.stdout);
    assert!(output.status.success(), "{table}{}", text(&output.stderr));
    let time = |hop: &str, behind: &str| -> u64 {
        let line = table.lines().find(|line| line.starts_with(hop)).unwrap_or_else(|| panic!("no {hop} in {table}"));
        let number = line.strip_suffix(behind).and_then(|line| line.rsplit_once("  ")).map(|(_, time)| time);
        number.and_then(|time| time.strip_suffix(" ms")?.parse().ok()).unwrap_or_else(|| panic!("no time in {line}"))
    };
    assert_eq!(time("text → sound", ""), 0);
    assert!(table.contains("loud.wav, 1.4 s"), "{table}");
    assert!(time("engine listens", "") >= 50, "{table}");
    // Its first word is over after 400 ms of sound, of which the voice begins after 200.
    assert!(time("first words", " after the first sound") >= 200, "{table}");
    time("last words", " after the last sound");
    assert!(table.contains("“w1 w2 w3"), "{table}");
}

#[test]
fn the_hop_that_fails_is_named_and_what_to_do() {
    for (config, arguments, hop, advice) in [
        (engine("faults = [\"refuse\"]"), &[][..], "sound → engine: fake: it does not accept the key", "key_env"),
        (engine("faults = [{ cut = 500 }]"), &[], "engine → words: fake: it was cut", "does it run"),
        (engine(""), &[], "understood nothing", "its language"),
        (engine(""), &["--language", "en-ZA", "--engine", "other"], "--engine: there is no such engine", "fake"),
        (engine(""), &["--language", "fi-FI"], "sound → engine", "try --language"),
        ("[speech]\nengines = []\n".to_owned(), &[], "no speech engine is configured", "docs/speech.md"),
    ] {
        let output = doctor(&config, arguments);
        let why = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{why}");
        assert!(why.contains(hop) && why.contains(advice), "{why}");
        assert_eq!(why.lines().count(), 1, "{why}");
    }
}

/// With what is in the box: a voice and an engine, and no key.
#[test]
fn a_voice_of_this_machine_is_understood_by_an_engine_of_this_machine() {
    let output = doctor("", &["--say", "open the window please"]);
    let table = text(&output.stdout);
    assert!(output.status.success(), "{table}{}", text(&output.stderr));
    let words = table.lines().find(|line| line.starts_with("last words")).expect("a line with the words");
    assert!(words.contains("window"), "{table}");
    assert!(table.contains("text → sound") && table.contains("flite"), "{table}");
}
