//! The method table: every public method and every event of each SDK that npm serves, and of the Rust SDK, called against the real
//! binary with simulated glasses. What comes of it is `docs/compatibility.md`; `UPDATE_COMPATIBILITY=1` writes it anew.

mod common;
#[path = "methods/driver.rs"]
mod driver;
#[path = "common/node.rs"]
mod node;
#[path = "methods/overhear.rs"]
mod overhear;
#[path = "methods/rust/mod.rs"]
mod rust;
#[path = "methods/stage.rs"]
mod stage;
#[path = "methods/table.rs"]
mod table;

use std::path::Path;

use driver::{RUST, STACKS};
use table::Column;

const INTRODUCTION: &str = include_str!("methods/introduction.md");

#[test]
#[allow(clippy::print_stdout, reason = "the counts are what one wants to see of it")]
fn every_method_of_every_sdk_does_what_the_table_says() {
    let columns: Vec<Column> = std::thread::scope(|scope| {
        let drivers = STACKS.map(|stack| {
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
                Column::read(stack, &runtime.block_on(stage::play(stack)))
            })
        });
        drivers.into_iter().map(|driver| driver.join().expect("a driver")).collect()
    });
    println!("{}", table::counted(&columns));
    let (app, mini): (Vec<Column>, Vec<Column>) = columns.into_iter().partition(|column| column.stack.api == "app");
    let text = document(&app, &mini);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/compatibility.md");
    let mut problems: Vec<String> = app.iter().chain(&mini).flat_map(|column| column.problems.clone()).collect();
    problems.extend(table::nowhere(&app));
    problems.extend(behind(&app));
    problems.extend(table::nowhere(&mini));
    if std::env::var_os("UPDATE_COMPATIBILITY").is_some() {
        std::fs::write(&file, &text).expect("written");
    } else {
        problems.extend(differences(&std::fs::read_to_string(&file).unwrap_or_default(), &text));
    }
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

/// What the server does for the npm SDK it does for the Rust SDK: a feature that is no longer pending there is not pending here.
fn behind(app: &[Column]) -> Vec<String> {
    let pending = |version: &str| app.iter().find(|column| column.stack.version == version).map(Column::pending);
    let (rust, npm) = (pending(RUST).unwrap_or_default(), pending("2.1.29").unwrap_or_default());
    let late = rust.iter().filter(|(feature, _)| !npm.contains_key(*feature));
    late.map(|(feature, methods)| format!("{RUST}: {feature} is pending for {methods:?} and for no npm SDK")).collect()
}

fn document(app: &[Column], mini: &[Column]) -> String {
    let all: Vec<&Column> = app.iter().chain(mini).collect();
    let mut text = INTRODUCTION.to_owned();
    text += "\n## AppServer and AppSession\n\n";
    text += &table::counted(app);
    text += &table::sections(app);
    if !mini.is_empty() {
        text += "\n## MiniAppServer and MentraSession\n\n";
        text += &table::counted(mini);
        text += &table::sections(mini);
    }
    text += "\n## Notes\n\n";
    text += &table::notes(&all);
    text
}

/// The lines in which the committed document differs from what has just been found.
fn differences(committed: &str, found: &str) -> Vec<String> {
    let (old, new) = (placed(committed), placed(found));
    let gone = old.iter().filter(|line| !new.contains(line)).map(|(place, line)| format!("{place} - {line}"));
    let come = new.iter().filter(|line| !old.contains(line)).map(|(place, line)| format!("{place} + {line}"));
    let mut differences: Vec<String> = gone.chain(come).collect();
    if differences.is_empty() && old != new {
        differences.push("the same lines in another order".to_owned());
    }
    if !differences.is_empty() {
        differences
            .insert(0, "docs/compatibility.md has other lines; UPDATE_COMPATIBILITY=1 writes it anew:".to_owned());
    }
    differences
}

/// Each line with the heading that it stands under.
fn placed(text: &str) -> Vec<(&str, &str)> {
    let mut place = "";
    let line = |line| {
        if str::starts_with(line, "#") {
            place = line;
        }
        (place, line)
    };
    text.lines().map(line).collect()
}
