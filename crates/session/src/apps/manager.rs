//! The table of slots: who is where, whose socket is whose, what is due.

use std::collections::BTreeMap;
use std::sync::Arc;

use bifocal_protocol::app::{AppKind, AppRecord};
use bifocal_protocol::ids::PackageName;

use super::held::Held;
use super::restarts::Restarts;
use super::state::{AppPhase, Phase, Probe, Slot, StartWebhook};
use super::unconfirmed::Unconfirmed;
use crate::deadline::Deadline;
use crate::input::{AskId, CallId, ConnId};
use crate::now::{Millis, Timings};

#[derive(Debug, Default)]
pub(crate) struct AppManager {
    slots: BTreeMap<PackageName, Slot>,
    /// Apps that were stopped a moment ago, and until when that counts: a socket of theirs that comes late is told so.
    stopped: BTreeMap<PackageName, Millis>,
}

/// What a new start needs to know.
pub(crate) struct StartRequest {
    pub(crate) record: Arc<AppRecord>,
    pub(crate) session_id: Arc<str>,
    pub(crate) uuid: String,
    pub(crate) waiting: Vec<AskId>,
    pub(crate) call: CallId,
    pub(crate) until: Millis,
    pub(crate) persistent: bool,
    pub(crate) held: Held,
    pub(crate) restarts: Restarts,
}

impl AppManager {
    pub(crate) fn get(&self, package: &PackageName) -> Option<&Slot> {
        self.slots.get(package)
    }

    pub(crate) fn get_mut(&mut self, package: &PackageName) -> Option<&mut Slot> {
        self.slots.get_mut(package)
    }

    /// Puts an app into Starting, with its first webhook in flight.
    pub(crate) fn begin(&mut self, request: StartRequest, now: Millis) {
        let StartRequest { record, session_id, uuid, waiting, call, until, persistent, held, restarts } = request;
        let webhook = StartWebhook::InFlight { call, attempt: 1 };
        let phase = Phase::Starting { since: now, until, webhook, persistent };
        let package = record.package.clone();
        let unconfirmed = Unconfirmed::default();
        let slot = Slot { record, session_id, uuid, phase, waiting, v3: false, unconfirmed, held, restarts };
        self.slots.insert(package, slot);
    }

    pub(crate) fn remove(&mut self, package: &PackageName) -> Option<Slot> {
        self.slots.remove(package)
    }

    /// An app is stopped; until `until` its sockets are told so.
    pub(crate) fn just_stopped(&mut self, package: &PackageName, until: Millis, now: Millis) {
        self.stopped.retain(|_, until| *until > now);
        self.stopped.insert(package.clone(), until);
    }

    pub(crate) fn was_just_stopped(&self, package: &PackageName, now: Millis) -> bool {
        self.stopped.get(package).is_some_and(|until| *until > now)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&PackageName, &Slot)> {
        self.slots.iter()
    }

    pub(crate) fn packages(&self) -> Vec<PackageName> {
        self.slots.keys().cloned().collect()
    }

    /// The app whose current socket this is.
    pub(crate) fn by_conn(&mut self, conn: ConnId) -> Option<(&PackageName, &mut Slot)> {
        self.slots.iter_mut().find(|(_, slot)| match &slot.phase {
            Phase::Running { link, .. } => link.conn == conn,
            Phase::Stopping { link, .. } => link.as_ref().is_some_and(|link| link.conn == conn),
            _ => false,
        })
    }

    /// The app that waits for this call.
    pub(crate) fn by_call(&self, wanted: CallId) -> Option<PackageName> {
        let waits = |slot: &Slot| match &slot.phase {
            Phase::Starting { webhook: StartWebhook::InFlight { call, .. }, .. } => *call == wanted,
            Phase::Stopping { call, .. } => *call == wanted,
            Phase::Grace { probe, .. } | Phase::Failed { probe } => *probe == Probe::Asked(wanted),
            _ => false,
        };
        self.slots.iter().find(|(_, slot)| waits(slot)).map(|(package, _)| package.clone())
    }

    /// The app that has the foreground or is about to get it.
    pub(crate) fn foreground(&self) -> Option<PackageName> {
        let active = |slot: &Slot| !matches!(slot.phase, Phase::Stopping { start_again: false, .. });
        let mut standard = self.slots.iter().filter(|(_, slot)| slot.record.kind == AppKind::Standard);
        standard.find(|(_, slot)| active(slot)).map(|(package, _)| package.clone())
    }

    /// How an app appears to people.
    pub(crate) fn phase_of(slot: &Slot) -> AppPhase {
        match slot.phase {
            Phase::Starting { .. } => AppPhase::Starting,
            Phase::Running { .. } => AppPhase::Running,
            Phase::Grace { .. } => AppPhase::Grace,
            Phase::Backoff { .. } => AppPhase::Backoff,
            Phase::Failed { .. } => AppPhase::Failed,
            Phase::Dormant => AppPhase::Dormant,
            Phase::Stopping { .. } => AppPhase::Stopping,
        }
    }

    /// The next thing that any app is due for.
    pub(crate) fn next_deadline(&self, timings: &Timings) -> Option<(Millis, Deadline)> {
        let due = |slot: &Slot| -> (Millis, fn(PackageName) -> Deadline) {
            match &slot.phase {
                Phase::Starting { until, webhook, .. } => match webhook {
                    StartWebhook::Retry { at, .. } if at < until => (*at, Deadline::WebhookRetry),
                    _ => (*until, Deadline::AppStart),
                },
                Phase::Running { link, flush_at, .. } => {
                    let life: (Millis, fn(PackageName) -> Deadline) = match link.silent_at(timings) {
                        silent if silent <= link.ping_at => (silent, Deadline::AppSilent),
                        _ => (link.ping_at, Deadline::AppPing),
                    };
                    match flush_at {
                        Some(at) if *at < life.0 => (*at, Deadline::AppFlush),
                        _ => life,
                    }
                }
                Phase::Grace { probe: Probe::At(at), until, .. } if at < until => (*at, Deadline::AppProbe),
                Phase::Grace { until, .. } => (*until, Deadline::AppGrace),
                Phase::Backoff { until, .. } => (*until, Deadline::AppBackoff),
                Phase::Failed { probe: Probe::At(at) } => (*at, Deadline::AppProbe),
                // A question is under way; its call ends by itself.
                Phase::Failed { .. } | Phase::Dormant => (Millis(u64::MAX), Deadline::AppProbe),
                Phase::Stopping { until, .. } => (*until, Deadline::AppStop),
            }
        };
        let next = self.slots.iter().map(|(package, slot)| (due(slot), package)).min_by_key(|((at, _), _)| *at);
        let next = next.filter(|((at, _), _)| *at < Millis(u64::MAX));
        next.map(|((at, deadline), package)| (at, deadline(package.clone())))
    }
}
