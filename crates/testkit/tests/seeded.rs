//! Each of the eleven planted faults is found, from three seeds; and the same seeds find nothing when none is planted.
#![allow(clippy::print_stdout, reason = "how soon each is found is for people")]

use std::thread;

use bifocal_session::seeded::{Bug, plant};
use bifocal_testkit::explore::explore;

const SEEDS: [u64; 3] = [101, 202, 303];
const MOST_STEPS: u64 = 1_000_000;

#[test]
fn every_planted_fault_is_found() {
    // What is planted is planted in one thread only.
    thread::scope(|scope| {
        for bugs in Bug::ALL.chunks(Bug::ALL.len() / 2) {
            scope.spawn(|| bugs.iter().for_each(|bug| find(*bug)));
        }
    });
}

fn find(bug: Bug) {
    plant(Some(bug));
    for seed in SEEDS {
        let explored = explore(seed, MOST_STEPS);
        let Some(story) = explored.failure else { panic!("{bug:?} is not found with seed {seed}") };
        let story = story.shrunk();
        println!("{bug:?}, seed {seed}: {} steps; {}", explored.steps, story.broken.invariant);
        println!("    in short: {:?}", story.steps);
        assert!(story.steps.len() <= 25, "{bug:?}: {} steps are left", story.steps.len());
    }
    plant(None);
}

#[test]
fn without_a_planted_fault_the_same_seeds_find_nothing() {
    thread::scope(|scope| {
        for seed in SEEDS {
            scope.spawn(move || {
                let explored = explore(seed, MOST_STEPS);
                assert!(explored.failure.is_none(), "seed {seed}: {:?}", explored.failure.map(|story| story.broken));
            });
        }
    });
}
