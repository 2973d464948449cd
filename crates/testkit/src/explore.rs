//! Lives from a seed, one after the other, until something breaks or it is enough.

use std::path::PathBuf;

use crate::counts::Counts;
use crate::generate::Generator;
use crate::rng::Rng;
use crate::run::{Life, guarded};
use crate::shrink::Story;
use crate::{scenario, step::Step};

/// What came of a seed.
#[derive(Debug)]
pub struct Explored {
    /// The numbers of all lives together.
    pub counts: Counts,
    /// How many lives.
    pub lives: u64,
    /// How many steps.
    pub steps: u64,
    /// What broke, as it happened.
    pub failure: Option<Story>,
}

/// Lives so many steps.
pub fn explore(seed: u64, steps: u64) -> Explored {
    let mut explored = Explored { counts: Counts::default(), lives: 0, steps: 0, failure: None };
    while explored.steps < steps && explored.failure.is_none() {
        explored.lives += 1;
        let mut rng = Rng::new(seed);
        // Each life has its own chance, so that a change of one does not change the next.
        let mut rng = Rng::new(rng.number() ^ explored.lives.wrapping_mul(0x9e37_79b9));
        rng.number();
        live(&mut Generator::new(rng), steps, &mut explored);
    }
    explored
}

fn live(generator: &mut Generator, most: u64, explored: &mut Explored) {
    let wearer = generator.wearer();
    let mut life = Life::new(wearer.clone());
    let mut steps: Vec<Step> = Vec::new();
    while explored.steps < most {
        let Some(step) = generator.next(&life) else { break };
        explored.steps += 1;
        steps.push(step);
        let last = &steps[steps.len() - 1];
        if let Err(broken) = guarded(|| life.step(last)) {
            explored.failure = Some(Story { wearer, steps, broken });
            break;
        }
    }
    explored.counts.add(life.counts());
}

/// A story as a scenario file.
pub fn scenario_of(story: &Story, seed: u64) -> String {
    let mut life = Life::new(story.wearer.clone());
    life.write_down();
    let mut lines = vec![
        format!("# Breaks: {}. Found by the model with seed {seed}.", story.broken.invariant),
        format!("# {}", story.broken.detail.replace('\n', " ")),
    ];
    lines.extend(scenario::head(&story.wearer));
    lines.push(String::new());
    for step in &story.steps {
        // The last step breaks what it breaks; its line is written before.
        if guarded(|| life.step(step)).is_err() {
            break;
        }
    }
    lines.extend(life.lines().iter().cloned());
    lines.join("\n") + "\n"
}

/// Makes the story short, writes it to `target/model-failure-<seed>.txt` and says everything about it.
pub fn report(story: Story, seed: u64) -> String {
    let story = story.shrunk();
    let scenario = scenario_of(&story, seed);
    let file = folder().join(format!("model-failure-{seed}.txt"));
    let kept = match std::fs::write(&file, &scenario) {
        Ok(()) => format!("kept in {}", file.display()),
        Err(error) => format!("not kept: {error}"),
    };
    format!("seed {seed} breaks: {}\n{}\n\n{scenario}\n{kept}", story.broken.invariant, story.broken.detail)
}

/// The target directory of the workspace.
fn folder() -> PathBuf {
    let testkit = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    testkit.ancestors().nth(2).unwrap_or(testkit).join("target")
}
