//! The project's tasks: `cargo xtask <task>`.
//!
//! One command for each thing that is done again and again, the same on a desk and in CI. Each task is a file.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a task talks to the person who started it")]

mod costs;
mod counts;
mod demo;
mod fuzz;
mod model;
mod run;
mod setup;
mod test;
mod tidy;

use std::process::ExitCode;

use anyhow::{Result, bail};

const HELP: &str = "\
The project's tasks

Usage: cargo xtask <task> [arguments]

Tasks:
  demo [--once …]  Build and run `bifocal demo`; arguments are passed on
  test             Everything CI does, stage by stage
  costs [--record] Count what the core paths cost, and compare with bench/history.json (or add to it)
  setup            Check the tools of the system, and install them where that is possible
  fuzz [seconds]   Run every fuzz target for so long (60)
  model            Random lives of a session beside the reference model, with new seeds: [--minutes 10]
                   With --seeded: faults are planted, and the model must find each
  tidy             Check the house rules
  help             Show this";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[String]) -> Result<ExitCode> {
    let (task, rest) = match arguments.split_first() {
        Some((task, rest)) => (task.as_str(), rest),
        None => ("help", &[][..]),
    };
    match (task, rest) {
        ("demo", _) => demo::demo(rest),
        ("test", []) => test::test(),
        ("costs", []) => costs::costs(false).map(|_| ExitCode::SUCCESS),
        ("costs", [record]) if record == "--record" => costs::costs(true).map(|_| ExitCode::SUCCESS),
        ("setup", []) => setup::setup().map(|()| ExitCode::SUCCESS),
        ("tidy", []) => tidy::tidy().map(|()| ExitCode::SUCCESS),
        ("fuzz", []) => fuzz::fuzz(60),
        ("fuzz", [seconds]) if seconds.parse::<u32>().is_ok() => fuzz::fuzz(seconds.parse()?),
        ("model", []) => model::explore("10"),
        ("model", [word, minutes]) if word == "--minutes" && minutes.parse::<f64>().is_ok() => model::explore(minutes),
        ("model", [word]) if word == "--seeded" => model::seeded().map(test::code_of),
        ("help" | "--help" | "-h", _) => {
            println!("{HELP}");
            Ok(ExitCode::SUCCESS)
        }
        ("test" | "setup" | "tidy" | "fuzz" | "costs" | "model", _) => {
            bail!("`{task}` does not take `{}`\n\n{HELP}", rest.join(" "))
        }
        _ => bail!("there is no task `{task}`\n\n{HELP}"),
    }
}
