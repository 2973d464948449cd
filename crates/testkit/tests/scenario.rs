//! What is printed of a failure can be played: random lives, written down, are stories that the session's stage understands.

#[path = "../../session/tests/stage/mod.rs"]
mod stage;

use bifocal_testkit::explore::scenario_of;
use bifocal_testkit::generate::Generator;
use bifocal_testkit::rng::Rng;
use bifocal_testkit::run::Life;
use bifocal_testkit::shrink::Story;
use bifocal_testkit::step::Step;
use bifocal_testkit::watch::Broken;

#[test]
fn lives_that_are_written_down_can_be_played() {
    for seed in 0..40 {
        let mut generator = Generator::new(Rng::new(seed));
        let wearer = generator.wearer();
        let mut life = Life::new(wearer.clone());
        let mut steps = Vec::new();
        while let Some(step) = generator.next(&life) {
            // Scenarios have no words for deadlines that fire late, and play them in time.
            let step = match step {
                Step::Late(ms) | Step::Pass(ms) => Step::Wait(ms),
                other => other,
            };
            life.step(&step).expect("nothing breaks");
            steps.push(step);
        }
        let broken = Broken { invariant: "nothing", detail: String::new() };
        let scenario = scenario_of(&Story { wearer, steps, broken }, seed);
        let played = stage::play(&scenario).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{scenario}"));
        assert!(played.contains("\n    "), "the session says nothing:\n{played}");
    }
}
