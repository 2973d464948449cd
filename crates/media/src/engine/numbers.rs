//! What the engine counts. Counting is one atomic addition; nothing names a stream or a person.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

/// Totals since the start.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    ingest_bytes: AtomicU64,
    ingest_frames: AtomicU64,
    segments: AtomicU64,
    served_bytes: AtomicU64,
    dropped_frames: AtomicU64,
    refused: Mutex<BTreeMap<&'static str, u64>>,
    ended: Mutex<BTreeMap<&'static str, u64>>,
}

/// What the engine has counted, and what there is now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Streams that have not ended, by phase: waiting, preparing, live, lost.
    pub streams: [u64; 4],
    /// People who watch.
    pub viewers: u64,
    /// Outputs, by state: connecting, active, failed.
    pub outputs: [u64; 3],
    /// RTMP connections.
    pub connections: u64,
    /// Memory of segments and groups of pictures, in bytes.
    pub held_bytes: u64,
    /// Bytes that publishers sent.
    pub ingest_bytes: u64,
    /// Pictures and frames of sound that publishers sent.
    pub ingest_frames: u64,
    /// Segments that were made.
    pub segments: u64,
    /// Bytes of segments that were asked for.
    pub served_bytes: u64,
    /// Tags that outputs left out, because their target was slow.
    pub dropped_frames: u64,
    /// Publishers that were sent away, by reason.
    pub refused: BTreeMap<&'static str, u64>,
    /// Streams that ended, by reason.
    pub ended: BTreeMap<&'static str, u64>,
}

impl Counters {
    pub(crate) fn ingested(&self, bytes: usize) {
        self.ingest_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn frame(&self) {
        self.ingest_frames.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn segment(&self) {
        self.segments.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn served(&self, bytes: usize) {
        self.served_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn dropped(&self, frames: u64) {
        self.dropped_frames.fetch_add(frames, Ordering::Relaxed);
    }

    /// The reasons are words of our own: there are few.
    pub(crate) fn refused(&self, reason: &'static str) {
        *self.refused.lock().entry(reason).or_default() += 1;
    }

    pub(crate) fn ended(&self, reason: &'static str) {
        *self.ended.lock().entry(reason).or_default() += 1;
    }

    /// The totals, without what there is now.
    pub(crate) fn numbers(&self) -> Numbers {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Numbers {
            ingest_bytes: load(&self.ingest_bytes),
            ingest_frames: load(&self.ingest_frames),
            segments: load(&self.segments),
            served_bytes: load(&self.served_bytes),
            dropped_frames: load(&self.dropped_frames),
            refused: self.refused.lock().clone(),
            ended: self.ended.lock().clone(),
            ..Numbers::default()
        }
    }
}
