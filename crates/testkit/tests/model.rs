//! A million transitions over fixed seeds, beside the reference model. With `--nocapture` it says what has been reached.
#![allow(clippy::print_stdout, reason = "the counts are for people")]

use std::thread;

use bifocal_testkit::counts::Counts;
use bifocal_testkit::explore::{explore, report};

const SEEDS: u64 = 50;
const STEPS: u64 = 20_000;

const PHASES: [&str; 8] = ["starting", "running", "grace", "backoff", "failed", "dormant", "stopping", "-"];

#[test]
fn a_million_steps_break_nothing() {
    let workers = thread::available_parallelism().map_or(1, |n| n.get() as u64).min(SEEDS);
    let results = thread::scope(|scope| {
        let work = |first: u64| {
            let mut counts = (Counts::default(), 0, Vec::new());
            for seed in (first..SEEDS).step_by(workers as usize) {
                let explored = explore(seed, STEPS);
                counts.0.add(&explored.counts);
                counts.1 += explored.steps;
                counts.2.extend(explored.failure.map(|story| report(story, seed)));
            }
            counts
        };
        let threads: Vec<_> = (0..workers).map(|first| scope.spawn(move || work(first))).collect();
        threads.into_iter().map(|thread| thread.join().expect("a worker")).collect::<Vec<_>>()
    });
    let mut counts = Counts::default();
    let (mut steps, mut failures) = (0, Vec::new());
    for (more, some, broken) in results {
        counts.add(&more);
        steps += some;
        failures.extend(broken);
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    assert!(steps >= 1_000_000 && counts.transitions() >= 1_000_000, "{steps} steps, {counts:?}");
    for (from, row) in counts.moves.iter().enumerate() {
        let places = row.iter().enumerate().filter(|(_, count)| **count > 0);
        let places: Vec<String> = places.map(|(to, count)| format!("{}: {count}", PHASES[to])).collect();
        println!("{:>9} -> {}", PHASES[from], places.join(", "));
    }
    println!(
        "{steps} steps: {} inputs ({} of them stale), {} deadlines, {} effects",
        counts.inputs, counts.stale, counts.deadlines, counts.effects
    );
}
