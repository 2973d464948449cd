//! What is counted of the sound that comes in.

use bifocal_audio::{Counts, Transport};
use metrics::Counter;

/// The counters; what each means stands in the table of names.
pub(crate) struct SoundMetrics {
    pub(super) frames: [Counter; 2],
    pub(super) lost: Counter,
    pub(super) duplicates: Counter,
    pub(super) undecodable: Counter,
    pub(super) discarded: Counter,
}

impl SoundMetrics {
    /// Adds what has come since `before`.
    pub(crate) fn count(&self, transport: Transport, before: Counts, after: Counts) {
        self.frames[transport as usize].increment(after.frames - before.frames);
        let add = |counter: &Counter, more: u64| {
            if more > 0 {
                counter.increment(more);
            }
        };
        add(&self.lost, after.lost - before.lost);
        add(&self.duplicates, after.duplicates - before.duplicates);
        add(&self.undecodable, after.undecodable - before.undecodable);
        add(&self.discarded, after.discarded - before.discarded);
    }
}
