//! ManagedStreaming: the half of a stream that apps share. Whoever asks takes part, the last one to leave ends it. It is told
//! as active only while it can really be watched.
//!
//! | the glasses | the provider says | told to every app that takes part |
//! |---|---|---|
//! | asked, or starting | nothing, or that nobody publishes | `initializing` |
//! | any | somebody publishes | `preparing` |
//! | any | it can be watched | `active`, with the URLs |
//! | any | the publisher is gone and may come back | `initializing` |
//! | any | it cannot be watched after 60 s, or is over | `error`, with the reason |
//! | over | any | `stopped` or `error`, with the reason |

use bifocal_protocol::ids::PackageName;
use bifocal_protocol::media::ManagedState;

use super::outputs::Outputs;
use super::{MediaMade, MediaPhase, MediaReport, MediaUrls};
use crate::input::CallId;
use crate::now::Millis;

#[derive(Debug)]
pub(crate) struct Managed {
    pub(crate) viewers: Vec<Viewer>,
    pub(crate) carried: Carried,
    pub(crate) phase: MediaPhase,
    /// How many people watch.
    pub(crate) watching: u32,
    pub(crate) trouble: Option<String>,
    pub(crate) outputs: Outputs,
    /// It must have been watchable once by then.
    pub(crate) watch_by: Option<Millis>,
}

/// An app that takes part.
#[derive(Debug)]
pub(crate) struct Viewer {
    pub(crate) app: PackageName,
    /// What it was told last.
    pub(crate) told: Option<Told>,
}

/// What tells two statuses apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) state: ManagedState,
    /// Of the outputs.
    pub(crate) revision: u64,
}

/// How far the provider is.
#[derive(Debug)]
pub(crate) enum Carried {
    /// This call makes it.
    Asked(CallId),
    Made {
        media: String,
        urls: MediaUrls,
    },
}

impl Managed {
    pub(crate) fn new(app: &PackageName, call: CallId, outputs: Outputs, watch_by: Millis) -> Self {
        Self {
            viewers: vec![Viewer { app: app.clone(), told: None }],
            carried: Carried::Asked(call),
            phase: MediaPhase::Waiting,
            watching: 0,
            trouble: None,
            outputs,
            watch_by: Some(watch_by),
        }
    }

    /// Takes part from now on; an app that asks again is told again.
    pub(crate) fn join(&mut self, app: &PackageName) {
        match self.viewers.iter_mut().find(|viewer| viewer.app == *app) {
            Some(viewer) => viewer.told = None,
            None => self.viewers.push(Viewer { app: app.clone(), told: None }),
        }
    }

    /// Does not take part any more; false when it has not.
    pub(crate) fn leave(&mut self, app: &PackageName) -> bool {
        let before = self.viewers.len();
        self.viewers.retain(|viewer| viewer.app != *app);
        self.viewers.len() < before
    }

    pub(crate) fn has(&self, app: &PackageName) -> bool {
        self.viewers.iter().any(|viewer| viewer.app == *app)
    }

    /// There is a place now.
    pub(crate) fn made(&mut self, made: MediaMade) {
        self.outputs.made(made.outputs);
        self.carried = Carried::Made { media: made.media, urls: made.urls };
    }

    pub(crate) fn media(&self) -> Option<&str> {
        match &self.carried {
            Carried::Asked(_) => None,
            Carried::Made { media, .. } => Some(media),
        }
    }

    pub(crate) fn urls(&self) -> Option<&MediaUrls> {
        match &self.carried {
            Carried::Asked(_) => None,
            Carried::Made { urls, .. } => Some(urls),
        }
    }

    /// The provider says how it is.
    pub(crate) fn report(&mut self, report: MediaReport) {
        self.phase = report.phase;
        self.watching = report.viewers;
        self.trouble = report.trouble;
        self.outputs.report(&report.outputs);
        if self.phase == MediaPhase::Live {
            self.watch_by = None;
        }
    }

    /// As apps are told.
    pub(crate) fn state(&self) -> ManagedState {
        match self.phase {
            MediaPhase::Waiting | MediaPhase::Lost => ManagedState::Initializing,
            MediaPhase::Preparing => ManagedState::Preparing,
            MediaPhase::Live => ManagedState::Active,
            MediaPhase::Ended(_) => ManagedState::Stopping,
        }
    }

    pub(crate) fn told_now(&self) -> Told {
        Told { state: self.state(), revision: self.outputs.revision }
    }
}

/// A word for people about a state.
pub(crate) fn message(phase: MediaPhase, trouble: Option<&str>, outputs_changed: bool) -> Option<String> {
    let text = match phase {
        MediaPhase::Waiting => "Waiting for stream to start...",
        MediaPhase::Preparing => "The glasses stream; the first seconds are being prepared",
        MediaPhase::Lost => "The glasses have lost the connection and may come back",
        MediaPhase::Live if outputs_changed => "Outputs updated",
        MediaPhase::Live | MediaPhase::Ended(_) => return None,
    };
    Some(trouble.map_or_else(|| text.to_owned(), |trouble| format!("{text} ({trouble})")))
}
