//! The states of an app in a session.
//!
//! An app that has no slot is stopped. Timers live inside the phase they belong to: leaving the phase forgets them.
//!
//! | phase | event | next | what happens |
//! |---|---|---|---|
//! | – | start | Starting | start webhook, boot screen |
//! | Starting | socket with the right key | Running | ack; whoever asked is told |
//! | Starting | webhook failed, attempts left | Starting | once more after a second |
//! | Starting | webhook failed for the last time, no socket | – | failed: WEBHOOK |
//! | Starting | 15 s | – | failed: TIMEOUT |
//! | Starting | socket with a wrong key | – | failed: AUTHENTICATION |
//! | Starting | stop | Stopping | failed: CANCELLED; stop webhook |
//! | Running | socket closed, or silent for 30 s | Grace | |
//! | Running | another socket with the right key | Running | the old one is told and closed |
//! | Grace | socket with the right key | Running | ack; the subscriptions are still there |
//! | Grace | 20 s | Starting | start webhook: revived |
//! | Running, Grace | stop | Stopping | stop webhook; everything of the app is gone at once |
//! | Stopping | webhook answered, or 5 s | – or Starting | the socket is told and closed; a start that waited begins |

use std::sync::Arc;

use bifocal_protocol::app::AppRecord;

use crate::input::{AskId, CallId};
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
}

/// The phase of an app; see the table of this file.
#[derive(Debug)]
pub(crate) enum Phase {
    Starting { since: Millis, until: Millis, webhook: StartWebhook },
    Running { link: Link },
    Grace { since: Millis, until: Millis },
    Stopping { until: Millis, call: CallId, link: Option<Link>, start_again: bool },
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
            Phase::Running { link } => Some(link),
            _ => None,
        }
    }

    /// Any socket of the slot, also the one that is only kept for the stop webhook.
    pub(crate) fn link_mut(&mut self) -> Option<&mut Link> {
        match &mut self.phase {
            Phase::Running { link } => Some(link),
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
            StartStage::Authentication => "AUTHENTICATION",
            StartStage::Cancelled => "CANCELLED",
            StartStage::Connection => "CONNECTION",
        }
    }
}
