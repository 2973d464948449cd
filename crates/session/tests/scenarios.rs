//! Every story in `tests/scenarios/*.txt`, played against the session with virtual time.
//!
//! A line at the left margin is something that happens; the indented lines below it are everything the session does because
//! of it, exactly and in order. A reviewer reads the difference. `UPDATE_SCENARIOS=1 cargo test -p bifocal-session` writes
//! what the session does now into the files.

mod stage;

use std::path::{Path, PathBuf};

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("readable").path()).collect();
    files.sort();
    files
}

/// Plays one file; the difference, if there is one.
fn check(path: &Path, update: bool) -> Result<(), String> {
    let expected = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let actual = stage::play(&expected).map_err(|error| format!("{}: {error}", path.display()))?;
    if actual == expected {
        return Ok(());
    }
    if update {
        return std::fs::write(path, actual).map_err(|error| error.to_string());
    }
    let pairs = expected.lines().zip(actual.lines());
    let same = pairs.take_while(|(expected, actual)| expected == actual).count();
    let from = |text: &str| text.lines().skip(same.saturating_sub(2)).take(8).collect::<Vec<_>>().join("\n    ");
    Err(format!(
        "{}:{}\n  expected:\n    {}\n  the session does:\n    {}",
        path.display(),
        same + 1,
        from(&expected),
        from(&actual)
    ))
}

#[test]
fn every_scenario_plays_as_written() {
    let update = std::env::var_os("UPDATE_SCENARIOS").is_some();
    let files = files();
    assert!(files.len() >= 70, "the scenarios are gone");
    let failures: Vec<String> = files.iter().filter_map(|path| check(path, update).err()).collect();
    assert!(failures.is_empty(), "\n{}\n", failures.join("\n\n"));
}

/// A scenario nobody could break proves nothing: another expectation must fail.
#[test]
fn a_changed_expectation_is_noticed() {
    let story = "app org.example.demo standard\n\nglasses 1 connects\n";
    let played = stage::play(story).expect("plays");
    assert!(played.contains("    send 1 control connection_ack"), "{played}");
    assert_ne!(played, story);
    assert_eq!(stage::play(&played).expect("plays"), played);
}

#[test]
fn a_line_that_is_no_statement_is_an_error() {
    let error = stage::play("glasses 1 dances\n").expect_err("refused");
    assert!(error.contains("line 1"), "{error}");
}
