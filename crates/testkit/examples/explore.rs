//! Explores with new seeds for so many minutes (10 when nothing is said), or with one seed: `explore --seed N`. The counts
//! come last.
#![allow(clippy::print_stdout, reason = "it talks to the person who started it")]

use std::process::ExitCode;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use bifocal_testkit::counts::Counts;
use bifocal_testkit::explore::{Explored, explore, report};

const STEPS: u64 = 100_000;

/// What all seeds together came to.
#[derive(Default)]
struct Sum {
    seeds: u64,
    lives: u64,
    steps: u64,
    failures: u64,
    counts: Counts,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let number = |word: &str| word.parse::<f64>().ok();
    let (minutes, only) = match words[..] {
        [] => (10.0, None),
        ["--minutes", minutes] if number(minutes).is_some() => (number(minutes).unwrap_or(10.0), None),
        ["--seed", seed] if seed.parse::<u64>().is_ok() => (0.0, seed.parse::<u64>().ok()),
        _ => {
            println!("explore [--minutes N | --seed N]");
            return ExitCode::FAILURE;
        }
    };
    let sum = Mutex::new(Sum::default());
    let until = Instant::now() + Duration::from_secs_f64(minutes * 60.0);
    if let Some(seed) = only {
        one(seed, &sum);
    } else {
        let workers = thread::available_parallelism().map_or(1, |n| n.get() as u64);
        let first = SystemTime::UNIX_EPOCH.elapsed().map_or(1, |age| age.as_millis() as u64);
        println!("seeds from {first}, {workers} at a time");
        thread::scope(|scope| {
            for worker in 0..workers {
                let sum = &sum;
                scope.spawn(move || {
                    let mut seed = first + worker;
                    while Instant::now() < until {
                        one(seed, sum);
                        seed += workers;
                    }
                });
            }
        });
    }
    let sum = sum.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    println!(
        "{} seeds, {} lives, {} steps: {} inputs ({} of them stale), {} deadlines, {} effects",
        sum.seeds, sum.lives, sum.steps, sum.counts.inputs, sum.counts.stale, sum.counts.deadlines, sum.counts.effects
    );
    println!("{} seeds broke something", sum.failures);
    if sum.failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn one(seed: u64, sum: &Mutex<Sum>) {
    let Explored { counts, lives, steps, failure } = explore(seed, STEPS);
    let failed = failure.is_some();
    if let Some(story) = failure {
        println!("{}\n", report(story, seed));
    }
    let mut sum = sum.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    sum.seeds += 1;
    sum.lives += lives;
    sum.steps += steps;
    sum.failures += u64::from(failed);
    sum.counts.add(&counts);
}
