//! Makes a story that breaks something as short as possible: steps are dropped while it still breaks the same.

use std::cell::Cell;
use std::sync::Once;

use crate::cast::Wearer;
use crate::run::{Life, play};
use crate::step::Step;
use crate::watch::Broken;

/// A story that breaks something.
#[derive(Debug, Clone)]
pub struct Story {
    /// Of whom.
    pub wearer: Wearer,
    /// What happens.
    pub steps: Vec<Step>,
    /// What is broken by the last step.
    pub broken: Broken,
}

/// Replays are what shrinking costs.
const MOST_REPLAYS: u32 = 2_000;

static HOOK: Once = Once::new();

thread_local! {
    /// This thread replays: what panics, panics again.
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

impl Story {
    /// The same in fewer and simpler steps.
    #[must_use]
    pub fn shrunk(self) -> Story {
        // A panic that is looked for says nothing new two thousand times.
        HOOK.call_once(|| {
            let told = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                if !QUIET.get() {
                    told(panic);
                }
            }));
        });
        QUIET.set(true);
        let shrunk = self.searched();
        QUIET.set(false);
        shrunk
    }

    fn searched(self) -> Story {
        let mut shrinker = Shrinker { best: self, replays: 0 };
        let mut size = shrinker.best.steps.len() / 2;
        while size > 0 && shrinker.replays < MOST_REPLAYS {
            let shorter = shrinker.drop_pieces(size);
            // Once single steps are dropped, another round may drop what was needed by those.
            size = if size == 1 && shorter { 1 } else { size / 2 };
        }
        shrinker.simplify();
        shrinker.best
    }
}

struct Shrinker {
    best: Story,
    replays: u32,
}

impl Shrinker {
    /// Whether this breaks the same; it is the best story then.
    fn attempt(&mut self, wearer: Wearer, steps: &[Step]) -> bool {
        if self.replays >= MOST_REPLAYS {
            return false;
        }
        self.replays += 1;
        let mut life = Life::new(wearer.clone());
        match play(&mut life, steps) {
            Err((place, broken)) if broken.invariant == self.best.broken.invariant => {
                self.best = Story { wearer, steps: steps[..=place].to_vec(), broken };
                true
            }
            _ => false,
        }
    }

    fn attempt_steps(&mut self, steps: &[Step]) -> bool {
        self.attempt(self.best.wearer.clone(), steps)
    }

    fn drop_pieces(&mut self, size: usize) -> bool {
        let mut shorter = false;
        let mut end = self.best.steps.len();
        while end > 0 {
            let from = end.saturating_sub(size);
            let mut steps = self.best.steps.clone();
            steps.drain(from..end);
            shorter |= self.attempt_steps(&steps);
            end = from.min(self.best.steps.len());
        }
        shorter
    }

    /// Late deadlines become punctual, floods small, waits one, and what ran before is forgotten, where that changes
    /// nothing.
    fn simplify(&mut self) {
        for place in (0..self.best.steps.len()).rev() {
            let mut steps = self.best.steps.clone();
            match (steps.get(place).cloned(), steps.get(place + 1).cloned()) {
                (Some(Step::Late(ms) | Step::Pass(ms)), _) => steps[place] = Step::Wait(ms),
                (Some(Step::Flood { conn, event, from, .. }), _) => {
                    steps[place] = Step::Flood { conn, event, from, count: 2 };
                }
                (Some(Step::Wait(first)), Some(Step::Wait(second))) => {
                    steps[place] = Step::Wait(first + second);
                    steps.remove(place + 1);
                }
                _ => continue,
            }
            self.attempt_steps(&steps);
        }
        for app in 0..self.best.wearer.ran.len() {
            let mut wearer = self.best.wearer.clone();
            if std::mem::take(&mut wearer.ran[app]) {
                let steps = self.best.steps.clone();
                self.attempt(wearer, &steps);
            }
        }
    }
}
