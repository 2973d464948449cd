//! What has happened in a life, or in many, in numbers.

/// What has happened so far, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Inputs.
    pub inputs: u64,
    /// Calls of `on_deadline`.
    pub deadlines: u64,
    /// Effects.
    pub effects: u64,
    /// Inputs that should change nothing.
    pub stale: u64,
    /// Changes of phase of an app, as a table of from and to (the last is none).
    pub moves: [[u64; 8]; 8],
}

impl Counts {
    /// Inputs and deadlines together.
    pub fn transitions(&self) -> u64 {
        self.inputs + self.deadlines
    }

    /// Adds those of another life.
    pub fn add(&mut self, other: &Counts) {
        self.inputs += other.inputs;
        self.deadlines += other.deadlines;
        self.effects += other.effects;
        self.stale += other.stale;
        for (sums, more) in self.moves.iter_mut().zip(other.moves) {
            sums.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
        }
    }
}
