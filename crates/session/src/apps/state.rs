//! The states of an app in a session.
//!
//! An app that has no slot is stopped. Timers live inside the phase they belong to: leaving the phase forgets them.
//!
//! | phase | event | next | what happens |
//! |---|---|---|---|
//! | – | start | Starting | start webhook, boot screen |
//! | Starting | socket with the right key | Running | ack; whoever asked is told |
//! | Starting | webhook failed, attempts left | Starting | once more after a second |
//! | Starting | webhook failed for the last time; 15 s; a wrong key | – | failed: WEBHOOK, TIMEOUT, AUTHENTICATION |
//! | Starting, of an app that shall run | the same | Backoff or Failed | whoever asked is told; see `restarts.rs` |
//! | Starting | stop | Stopping | failed: CANCELLED; stop webhook |
//! | Running | socket closed, or silent for 30 s | Grace | what it may not have got is held, and what it would be told |
//! | Running | another socket with the right key | Running | the old one is told and closed; then what it may not have got |
//! | Grace | socket with the right key | Running | ack; the subscriptions are still there; then what was held |
//! | Grace after a clean close | 3 s in which its server was well, nobody else's session closed | – | the app has ended itself |
//! | Grace after a clean close | its server was down, and is well again; or others' sessions closed, and it is well after 3 s | Starting | start webhook: its server was started again |
//! | Running | the app said that it leaves, then its socket closed | Dormant | its place is forgotten, not the user's wish |
//! | Running | the app said that its server shuts down, then its socket closed | Grace | as after a crash: nobody asks how it is |
//! | Dormant | start; or the glasses are back | Starting | start webhook |
//! | Dormant | socket with the right key | Running | it came back by itself |
//! | Dormant | stop | – | no webhook: it may serve the user elsewhere |
//! | Grace | 20 s | Starting | start webhook: revived |
//! | Backoff | its time | Starting | start webhook |
//! | Backoff, Failed | start | Starting | forgiven |
//! | Backoff, Failed | socket with the right key | Running | it came by itself |
//! | Failed | its server is well again (asked every 60 s) | Starting | forgiven |
//! | Running, Grace, Backoff, Failed | stop | Stopping | stop webhook; everything of the app is gone at once |
//! | Stopping | webhook answered, or 5 s | – or Starting | the socket is told and closed; a start that waited begins |

use std::sync::Arc;

use bifocal_protocol::app::AppRecord;

use crate::apps::held::Held;
use crate::apps::restarts::Restarts;
use crate::apps::unconfirmed::Unconfirmed;
use crate::input::{AskId, CallId, ConnId};
use crate::links::Link;
use crate::now::Millis;

/// An app's place in the session.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) record: Arc<AppRecord>,
    /// What the app was told in the webhook and is told in every message.
    pub(crate) session_id: Arc<str>,
    /// New at each start.
    pub(crate) uuid: String,
    pub(crate) phase: Phase,
    /// Who waits for the start to end.
    pub(crate) waiting: Vec<AskId>,
    /// The SDK is of the third generation.
    pub(crate) v3: bool,
    /// What it was sent on its socket and may not have.
    pub(crate) unconfirmed: Unconfirmed,
    /// What it would have been told while it was away.
    pub(crate) held: Held,
    /// How often it has failed.
    pub(crate) restarts: Restarts,
}

/// The phase of an app; see the table of this file.
#[derive(Debug)]
pub(crate) enum Phase {
    Starting {
        since: Millis,
        until: Millis,
        webhook: StartWebhook,
        /// The app shall run whatever happens: a failure leads to Backoff.
        persistent: bool,
    },
    Running {
        link: Link,
        since: Millis,
        /// What was held waits for the first subscription update, until this time.
        flush_at: Option<Millis>,
    },
    Grace {
        since: Millis,
        until: Millis,
        probe: Probe,
        parting: Parting,
    },
    Backoff {
        since: Millis,
        until: Millis,
    },
    Failed {
        probe: Probe,
    },
    /// It has left by itself: another cloud serves it, or its user has logged out of it.
    Dormant,
    Stopping {
        until: Millis,
        call: CallId,
        link: Option<Link>,
        start_again: bool,
    },
}

/// Whether the app's server is asked how it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Probe {
    Never,
    At(Millis),
    Asked(CallId),
}

/// How an app went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parting {
    /// Its network did, or it crashed: its SDK comes back, or nobody does.
    Cut,
    /// It closed its socket: of its own wish, or because its server ends.
    Polite,
    /// Its server is started again: it has said so, or other users' sessions went with this one.
    Restart,
    /// Its server is down; it is awaited.
    Down,
}

/// What becomes of a message for an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    Send(ConnId),
    Hold,
    Skip,
}

/// How far the start webhook is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StartWebhook {
    InFlight {
        call: CallId,
        attempt: u32,
    },
    Retry {
        at: Millis,
        attempt: u32,
    },
    /// The app server said yes; its socket is awaited.
    Answered,
}

impl Slot {
    pub(crate) fn link(&self) -> Option<&Link> {
        match &self.phase {
            Phase::Running { link, .. } => Some(link),
            _ => None,
        }
    }

    /// What becomes of a message for this app now.
    pub(crate) fn delivery(&self) -> Delivery {
        match &self.phase {
            Phase::Running { link, flush_at: None, .. } => Delivery::Send(link.conn),
            Phase::Running { .. } | Phase::Grace { .. } | Phase::Backoff { .. } | Phase::Starting { .. } => {
                Delivery::Hold
            }
            Phase::Failed { .. } | Phase::Dormant | Phase::Stopping { .. } => Delivery::Skip,
        }
    }

    /// Any socket of the slot, also the one that is only kept for the stop webhook.
    pub(crate) fn link_mut(&mut self) -> Option<&mut Link> {
        match &mut self.phase {
            Phase::Running { link, .. } => Some(link),
            Phase::Stopping { link, .. } => link.as_mut(),
            _ => None,
        }
    }
}

/// The phase of an app, for people and tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AppPhase {
    /// On its way.
    Starting,
    /// Connected.
    Running,
    /// Away, expected back.
    Grace,
    /// It failed, and is tried again soon.
    Backoff,
    /// It failed too often.
    Failed,
    /// It has left by itself.
    Dormant,
    /// Being told that it is over.
    Stopping,
}

impl AppPhase {
    /// A name for people.
    pub const fn name(self) -> &'static str {
        match self {
            AppPhase::Starting => "starting",
            AppPhase::Running => "running",
            AppPhase::Grace => "grace",
            AppPhase::Backoff => "backoff",
            AppPhase::Failed => "failed",
            AppPhase::Dormant => "dormant",
            AppPhase::Stopping => "stopping",
        }
    }
}

/// Why a start failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartFailure {
    /// Which hop.
    pub stage: StartStage,
    /// What happened and what to do, for a person.
    pub message: String,
}

/// The hop at which a start failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StartStage {
    /// The app server could not be reached, or refused.
    Webhook,
    /// The app did not connect in time.
    Timeout,
    /// The glasses lack what the app requires.
    Hardware,
    /// The app connected with a wrong key.
    Authentication,
    /// Somebody stopped it meanwhile.
    Cancelled,
    /// The session ended meanwhile.
    Connection,
}

impl StartStage {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            StartStage::Webhook => "WEBHOOK",
            StartStage::Timeout => "TIMEOUT",
            StartStage::Hardware => "HARDWARE_CHECK",
            StartStage::Authentication => "AUTHENTICATION",
            StartStage::Cancelled => "CANCELLED",
            StartStage::Connection => "CONNECTION",
        }
    }
}
