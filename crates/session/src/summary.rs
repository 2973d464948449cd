//! What a session was, when it is over: the metrics of seed 003 (duration, reconnections, apps used, data processed).

use std::collections::BTreeSet;

use bifocal_protocol::ids::PackageName;

use crate::now::Millis;

/// Most packages that are remembered as used; a wearer has fewer.
const MAX_APPS: usize = 256;

/// A session that ended, in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SessionSummary {
    /// From the first connection to the end, in milliseconds.
    pub duration_ms: u64,
    /// Of these, with glasses connected.
    pub connected_ms: u64,
    /// How often the glasses came back.
    pub reconnections: u32,
    /// Every app that ran.
    pub apps: BTreeSet<PackageName>,
    /// Sound from the glasses, in bytes.
    pub audio_bytes: u64,
    /// Events handed to apps.
    pub relayed: u64,
    /// Transcriptions among them, counted once for each utterance result.
    pub transcripts: u64,
    /// Display requests of apps.
    pub display_requests: u64,
    /// Frames drawn on the glasses.
    pub display_frames: u64,
}

/// What is counted while the session lives.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(crate) began_at: Millis,
    pub(crate) connected_since: Option<Millis>,
    pub(crate) connected_ms: u64,
    pub(crate) apps: BTreeSet<PackageName>,
    pub(crate) relayed: u64,
    pub(crate) transcripts: u64,
}

impl Totals {
    pub(crate) fn glasses_came(&mut self, now: Millis) {
        self.glasses_went(now);
        self.connected_since = Some(now);
    }

    pub(crate) fn glasses_went(&mut self, now: Millis) {
        if let Some(since) = self.connected_since.take() {
            self.connected_ms += now - since;
        }
    }

    pub(crate) fn app_ran(&mut self, package: &PackageName) {
        if self.apps.len() < MAX_APPS && !self.apps.contains(package) {
            self.apps.insert(package.clone());
        }
    }
}
