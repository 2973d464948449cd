//! How an app comes to run: the story of a start, from the wish to the socket.

use std::sync::Arc;

use bifocal_protocol::Text;
use bifocal_protocol::app::{AppKind, AppRecord};
use bifocal_protocol::glasses::{AppNotice, ToPhone};
use bifocal_protocol::hardware::explanation;
use bifocal_protocol::ids::{PackageName, app_session_id};
use bifocal_protocol::webhook::{SessionRequest, StopReason};

use crate::apps::{
    AppManager, AppPhase, Held, Next, Parting, Phase, Probe, Restarts, Slot, StartFailure, StartRequest, StartStage,
    StartWebhook, Unconfirmed,
};
use crate::effect::{Answer, Call, Effect, Effects, Note, WebhookKind};
use crate::flow::lifecycle::app_state_changed;
use crate::flow::record::no_record;
use crate::flow::{dashboard, light, peers, playback, stop};
use crate::input::{AskId, CallId};
use crate::now::{Millis, Now};
use crate::record::Parked;
use crate::seeded::Bug;
use crate::session::UserSession;

/// Most asks that wait for one start.
const MAX_WAITING: usize = 32;

/// Whose wish a start is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    /// The user wants it now: it is written down.
    New,
    /// It was written down before.
    Remembered,
}

/// Somebody wants an app to run: the phone, over its socket or over REST, or the session itself at its beginning.
pub(crate) fn start(
    s: &mut UserSession,
    package: &PackageName,
    wish: Wish,
    ask: Option<AskId>,
    now: Now,
    out: &mut Effects,
) {
    let Some(record) = s.load.installed(package).cloned() else {
        return start_unknown(s, package, wish, ask, now, out);
    };
    if ask.is_some() && s.apps.get(package).is_some_and(|slot| slot.waiting.len() == MAX_WAITING) {
        return tell_failure(s, ask.into_iter().collect(), too_many(), now, out);
    }
    let missing = s.device.missing(&record);
    if !missing.is_empty() {
        if wish == Wish::Remembered {
            // It begins when glasses are there that it suits.
            s.device.waiting.insert(package.clone());
            return;
        }
        let message = format!("{package} cannot start: {}", explanation(&missing));
        let failure = StartFailure { stage: StartStage::Hardware, message };
        return tell_failure(s, ask.into_iter().collect(), failure, now, out);
    }
    s.device.waiting.remove(package);
    if wish == Wish::New {
        want_running(s, package, true, out);
    }
    let phase = s.apps.get(package).map(AppManager::phase_of);
    match phase {
        Some(AppPhase::Running | AppPhase::Grace) => {
            if let Some(ask) = ask {
                out.answer(ask, Answer::Started);
            }
        }
        Some(AppPhase::Starting) => wait_for_start(s, package, ask),
        Some(AppPhase::Backoff | AppPhase::Failed | AppPhase::Dormant) => {
            // The user's own wish forgives what was.
            if wish == Wish::New
                && let Some(slot) = s.apps.get_mut(package)
            {
                slot.restarts.forgive();
            }
            revive(s, package, now, out);
            wait_for_start(s, package, ask);
        }
        Some(AppPhase::Stopping) => {
            give_foreground(s, &record, now, out);
            wait_for_start(s, package, ask);
            if let Some(Slot { phase: Phase::Stopping { start_again, .. }, .. }) = s.apps.get_mut(package) {
                *start_again = true;
            }
        }
        None => {
            give_foreground(s, &record, now, out);
            begin(s, Begin::first(record, wish, ask.into_iter().collect()), now, out);
        }
    }
}

/// The record does not know the app: not yet, not for the moment, or not at all.
fn start_unknown(
    s: &mut UserSession,
    package: &PackageName,
    wish: Wish,
    ask: Option<AskId>,
    now: Now,
    out: &mut Effects,
) {
    let asks = ask.into_iter().collect();
    if s.load.is_awaited() {
        if s.load.park(Parked::Start { package: package.clone(), wish, ask }).is_err() {
            tell_failure(s, asks, too_many(), now, out);
        }
    } else if !s.load.is_loaded() {
        tell_failure(s, asks, no_record(), now, out);
    } else if let Some(ask) = ask {
        out.answer(ask, Answer::NotInstalled);
    }
}

fn too_many() -> StartFailure {
    let message = "too many starts wait already; try again in a moment".to_owned();
    StartFailure { stage: StartStage::Connection, message }
}

fn wait_for_start(s: &mut UserSession, package: &PackageName, ask: Option<AskId>) {
    if let Some(slot) = s.apps.get_mut(package) {
        slot.waiting.extend(ask);
    }
}

/// Seed 003 and behaviour of phones: one `standard` app at a time. The one that has the foreground, or is about to, goes.
fn give_foreground(s: &mut UserSession, record: &AppRecord, now: Now, out: &mut Effects) {
    if record.kind != AppKind::Standard || crate::seeded::on(Bug::TwoForeground) {
        return;
    }
    if let Some(other) = s.apps.foreground().filter(|other| *other != record.package) {
        want_running(s, &other, false, out);
        stop::stop(s, &other, StopReason::ReplacedByForeground, now, out);
    }
}

/// Writes down what the user wants. Changed by the user's actions only, never by failures.
pub(crate) fn want_running(s: &mut UserSession, package: &PackageName, running: bool, out: &mut Effects) {
    let call = s.new_call();
    s.load.saves(call);
    out.push(Effect::Call { call, what: Call::SaveRunning { package: package.clone(), running } });
}

/// How a start begins.
pub(crate) struct Begin {
    record: Arc<AppRecord>,
    waiting: Vec<AskId>,
    /// A failure is not the end: the app shall run.
    persistent: bool,
    /// Nobody asked for it just now, so there is no boot screen.
    quiet: bool,
    held: Held,
    restarts: Restarts,
}

impl Begin {
    /// From nothing. An app whose wish was written down is tried again when it fails.
    pub(crate) fn first(record: Arc<AppRecord>, wish: Wish, waiting: Vec<AskId>) -> Self {
        let persistent = wish == Wish::Remembered;
        Self { record, waiting, persistent, quiet: false, held: Held::default(), restarts: Restarts::default() }
    }

    /// Once more, with what was held and what went wrong.
    fn again(slot: Slot) -> Self {
        let Slot { record, waiting, held, restarts, .. } = slot;
        Self { record, waiting, persistent: true, quiet: true, held, restarts }
    }
}

/// A start begins: webhook and wait for the socket run side by side, within one budget.
pub(crate) fn begin(s: &mut UserSession, begin: Begin, now: Now, out: &mut Effects) {
    let Begin { record, waiting, persistent, quiet, held, restarts } = begin;
    let package = record.package.clone();
    let uuid = s.entropy.uuid();
    let session_id = if record.uuid_sessions { uuid.clone() } else { app_session_id(&s.user, &package) };
    let call = s.new_call();
    let until = now.at + s.config.timings.app_start;
    if record.kind != AppKind::SystemDashboard && !quiet {
        s.display.app_starting(&package, &record.name, now.at, &s.config.timings);
    }
    out.note(Note::AppStarting(package.clone()));
    let session_id: Arc<str> = session_id.into();
    let request = StartRequest { record, session_id, uuid, waiting, call, until, persistent, held, restarts };
    s.apps.begin(request, now.at);
    send_webhook(s, &package, call, now, out);
    app_state_changed(s, None, now, out);
}

fn send_webhook(s: &UserSession, package: &PackageName, call: CallId, now: Now, out: &mut Effects) {
    let Some(slot) = s.apps.get(package) else { return };
    let socket = &s.config.app_socket_url;
    let request = SessionRequest {
        session_id: slot.session_id.to_string(),
        user_id: s.user.to_string(),
        timestamp: now.wall,
        websocket_url: socket.clone(),
        mentra_os_websocket_url: socket.clone(),
        augment_os_websocket_url: socket.clone(),
        session_uuid: slot.uuid.clone(),
    };
    let what = webhook(WebhookKind::Start, slot, &request, format!("start-{}", slot.uuid));
    out.push(Effect::Call { call, what });
}

/// A POST to the app's server.
pub(crate) fn webhook(kind: WebhookKind, slot: &Slot, body: &impl serde::Serialize, idempotency_key: String) -> Call {
    // A struct of strings: serialising it cannot fail.
    let body = Text::from(serde_json::to_string(body).unwrap_or_default());
    Call::Webhook { kind, app: slot.record.clone(), session_id: slot.session_id.clone(), body, idempotency_key }
}

/// The app server answered the start webhook, or could not be reached. Once the app is connected nobody asks any more.
pub(crate) fn webhook_done(
    s: &mut UserSession,
    package: &PackageName,
    result: Result<(), String>,
    now: Now,
    out: &mut Effects,
) {
    let timings = s.config.timings;
    let Some(Slot { phase: Phase::Starting { webhook, .. }, record, .. }) = s.apps.get_mut(package) else { return };
    let StartWebhook::InFlight { attempt, .. } = *webhook else { return };
    match result {
        Ok(()) => *webhook = StartWebhook::Answered,
        Err(_) if attempt < timings.webhook_attempts => {
            *webhook = StartWebhook::Retry { at: now.at + timings.webhook_retry, attempt: attempt + 1 };
        }
        Err(why) => {
            *webhook = StartWebhook::Answered;
            let message = format!("the webhook of {package} at {} failed: {why}", record.public_url);
            failed(s, package, StartFailure { stage: StartStage::Webhook, message }, now, out);
        }
    }
}

/// The next attempt of the start webhook.
pub(crate) fn retry_webhook(s: &mut UserSession, package: &PackageName, now: Now, out: &mut Effects) {
    let call = s.new_call();
    let Some(Slot { phase: Phase::Starting { webhook, .. }, .. }) = s.apps.get_mut(package) else { return };
    if let StartWebhook::Retry { attempt, .. } = *webhook {
        *webhook = StartWebhook::InFlight { call, attempt };
        send_webhook(s, package, call, now, out);
    }
}

/// The budget is spent.
pub(crate) fn timed_out(s: &mut UserSession, package: &PackageName, now: Now, out: &mut Effects) {
    let seconds = s.config.timings.app_start / 1000;
    let Some(Slot { phase: Phase::Starting { webhook, .. }, record, .. }) = s.apps.get(package) else { return };
    let where_it_hung = match webhook {
        StartWebhook::Answered => "its webhook answered, but no connection to /app-ws came",
        _ => "its webhook did not answer",
    };
    let message = format!("{package} at {} did not connect within {seconds} s: {where_it_hung}", record.public_url);
    failed(s, package, StartFailure { stage: StartStage::Timeout, message }, now, out);
}

/// A start has failed. An app that somebody has just asked for has no place any more; one that shall run is tried again.
pub(crate) fn failed(s: &mut UserSession, package: &PackageName, failure: StartFailure, now: Now, out: &mut Effects) {
    let Some(Slot { phase: Phase::Starting { since, webhook, persistent, .. }, waiting, .. }) = s.apps.get_mut(package)
    else {
        return;
    };
    if let StartWebhook::InFlight { call, .. } = webhook {
        out.push(Effect::Cancel { call: *call });
    }
    let (since, persistent, waiting) = (*since, *persistent, std::mem::take(waiting));
    out.note(Note::AppFailed(package.clone(), failure.clone()));
    let given_up = persistent && try_later(s, package, since, now, out);
    if !persistent {
        forget(s, package, now, out);
    }
    if given_up {
        // The phone has just been told that this was the last time.
        waiting.into_iter().for_each(|ask| out.answer(ask, Answer::StartFailed(failure.clone())));
    } else {
        tell_failure(s, waiting, failure, now, out);
    }
}

/// Nothing of the app stays.
pub(crate) fn forget(s: &mut UserSession, package: &PackageName, now: Now, out: &mut Effects) {
    let slot = s.apps.remove(package);
    s.subscriptions.remove(package);
    if let Some(slot) = slot {
        dashboard::app_gone(s, package, slot.record.kind, now, out);
    }
    peers::gone(package, out);
    s.location.app_gone(package);
    light::app_gone(s, package, now, out);
    playback::app_gone(s, package, now, out);
    s.display.app_gone(package);
    notify_phone(s, package, false, now, out);
}

/// The app failed once more: it is tried again, at once or later. True when it is given up, and the phone was told so.
fn try_later(s: &mut UserSession, package: &PackageName, since: Millis, now: Now, out: &mut Effects) -> bool {
    let chance = s.entropy.byte();
    let timings = s.config.timings;
    let Some(slot) = s.apps.get_mut(package) else { return false };
    match slot.restarts.failed(now.at, chance, &timings) {
        Next::Now => revive(s, package, now, out),
        Next::After(ms) => slot.phase = Phase::Backoff { since, until: now.at + ms },
        Next::Never => {
            slot.phase = Phase::Failed { probe: Probe::At(now.at + timings.app_probe_failed) };
            clear_away(s, package, now, out);
            out.note(Note::AppGivenUp(package.clone()));
            notify_phone(s, package, false, now, out);
            let message = format!("{package} failed too often; start it again when its server works");
            app_state_changed(s, Some(message), now, out);
            return true;
        }
    }
    false
}

/// The app has left by itself. Its place is forgotten; that the user wants it to run is not.
pub(crate) fn leave(s: &mut UserSession, package: &PackageName, now: Now, out: &mut Effects) {
    let Some(slot) = s.apps.get_mut(package) else { return };
    slot.phase = Phase::Dormant;
    slot.unconfirmed = Unconfirmed::default();
    clear_away(s, package, now, out);
    notify_phone(s, package, false, now, out);
    app_state_changed(s, None, now, out);
}

/// What an app that will not come back by itself has left with the managers; its slot stays.
fn clear_away(s: &mut UserSession, package: &PackageName, now: Now, out: &mut Effects) {
    let Some(slot) = s.apps.get_mut(package) else { return };
    drop(slot.held.take());
    let kind = slot.record.kind;
    s.subscriptions.remove(package);
    dashboard::app_gone(s, package, kind, now, out);
    playback::app_gone(s, package, now, out);
    peers::gone(package, out);
    s.display.app_gone(package);
}

/// The wearer is back here: so are the apps that have left.
pub(crate) fn wake_dormant(s: &mut UserSession, now: Now, out: &mut Effects) {
    let dormant = |slot: &Slot| matches!(slot.phase, Phase::Dormant);
    let packages: Vec<PackageName> =
        s.apps.iter().filter(|(_, slot)| dormant(slot)).map(|(package, _)| package.clone()).collect();
    for package in packages {
        revive(s, &package, now, out);
    }
}

/// Tells whoever asked, and the phone.
pub(crate) fn tell_failure(
    s: &mut UserSession,
    waiting: Vec<AskId>,
    failure: StartFailure,
    now: Now,
    out: &mut Effects,
) {
    for ask in waiting {
        out.answer(ask, Answer::StartFailed(failure.clone()));
    }
    app_state_changed(s, Some(failure.message), now, out);
}

/// `app_started` or `app_stopped`: phones refresh their list on these only, so every change of an app sends one.
pub(crate) fn notify_phone(s: &UserSession, package: &PackageName, started: bool, now: Now, out: &mut Effects) {
    let Some(link) = s.glasses_link() else { return };
    let notice = AppNotice { package_name: package.to_string(), timestamp: now.wall };
    let message = if started { ToPhone::AppStarted(notice) } else { ToPhone::AppStopped(notice) };
    out.control(link.conn, &message);
}

/// The app did not come back within its grace.
pub(crate) fn lost(s: &mut UserSession, package: &PackageName, now: Now, out: &mut Effects) {
    if let Some(Slot { phase: Phase::Grace { since, .. }, .. }) = s.apps.get(package) {
        try_later(s, package, *since, now, out);
    }
}

/// The app's server is asked to open a session once more.
pub(crate) fn revive(s: &mut UserSession, package: &PackageName, now: Now, out: &mut Effects) {
    if let Some(slot) = s.apps.remove(package) {
        begin(s, Begin::again(slot), now, out);
    }
}

/// The app's server may be asked how it is: because the app closed its socket politely, or has failed for good.
pub(crate) fn probe(s: &mut UserSession, package: &PackageName, out: &mut Effects) {
    let call = s.new_call();
    let Some(slot) = s.apps.get_mut(package) else { return };
    if let Phase::Grace { probe, .. } | Phase::Failed { probe } = &mut slot.phase {
        *probe = Probe::Asked(call);
        out.push(Effect::Call { call, what: Call::Health { app: slot.record.clone() } });
    }
}

/// The app's server has said how it is, or has not.
pub(crate) fn probed(s: &mut UserSession, package: &PackageName, health: Health, now: Now, out: &mut Effects) {
    let timings = s.config.timings;
    let again = now.at + timings.app_probe_failed;
    let Some(slot) = s.apps.get_mut(package) else { return };
    match (&mut slot.phase, health) {
        (Phase::Grace { since, probe, parting, .. }, Health { healthy, others_closed }) => {
            *parting = match *parting {
                _ if !healthy => Parting::Down,
                Parting::Polite if others_closed => Parting::Restart,
                same => same,
            };
            let long_enough = now.at - *since >= timings.app_probe;
            match *parting {
                // It was down, and is not any more: its new process knows nothing of this session.
                Parting::Down if healthy => revive(s, package, now, out),
                Parting::Restart if long_enough => revive(s, package, now, out),
                // It has been well all the time, and has closed only this session: that was its own wish.
                Parting::Polite if long_enough => {
                    out.note(Note::AppEnded(package.clone()));
                    want_running(s, package, false, out);
                    forget(s, package, now, out);
                    app_state_changed(s, None, now, out);
                }
                _ => *probe = Probe::At(now.at + timings.app_probe_every),
            }
        }
        (Phase::Failed { .. }, Health { healthy: true, .. }) => {
            slot.restarts.forgive();
            revive(s, package, now, out);
        }
        (Phase::Failed { probe }, _) => *probe = Probe::At(again),
        _ => {}
    }
}

/// What a server said of itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Health {
    pub(crate) healthy: bool,
    pub(crate) others_closed: bool,
}
