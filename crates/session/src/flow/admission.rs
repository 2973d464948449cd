//! An app's socket wants in.
//!
//! | what it shows | phase of the app | what it gets |
//! |---|---|---|
//! | unknown package, or a wrong key | any | `INVALID_API_KEY` and 1008; a start that waits has failed |
//! | what the user's record does not know, while that is on its way | any | it waits for the record |
//! | the same, when there is no record for the moment | any | dropped; its SDK comes back |
//! | the right key | – | `APP_NOT_STARTED` and 1008; `app_stopped` and 1000 when it says `reconnect` |
//! | the right key | –, stopped less than 20 s ago | `app_stopped` and 1000 `App stopped` |
//! | the right key | Starting, Grace, Backoff, Failed, Dormant | the ack; then what was held for it |
//! | the right key | Running | the ack; the older socket gets `app_stopped` and 1000 `Replaced` |
//! | the right key | Stopping | `app_stopped` and 1000 `App stopped` |

use bifocal_protocol::apps::{Ack, AppError, AppErrorCode, ToApp};
use bifocal_protocol::close::Close;
use bifocal_protocol::ids::PackageName;

use crate::apps::{Phase, StartFailure, StartStage};
use crate::effect::{Answer, Effect, Effects, Note};
use crate::flow::lifecycle::{app_state_changed, tell_stopped};
use crate::flow::{device, peers, start};
use crate::input::{AppHello, ConnId};
use crate::links::{Link, Side};
use crate::now::Now;
use crate::record::Parked;
use crate::seeded::Bug;
use crate::session::UserSession;

/// An app said who it is.
pub(crate) fn app_connected(s: &mut UserSession, conn: ConnId, hello: AppHello, now: Now, out: &mut Effects) {
    let record = s.load.installed(&hello.package).filter(|record| record.key_hash == hello.key_hash);
    let known = record.is_some();
    if !known && (s.load.is_awaited() || !s.load.is_loaded()) {
        let parked = Parked::Hello { conn, hello: Box::new(hello) };
        // Without a record, or when too many wait for it: dropped without a word, the SDK comes back.
        if !s.load.is_awaited() || s.load.park(parked).is_err() {
            out.push(Effect::Abort { conn });
        }
        return;
    }
    let package = hello.package;
    if !known {
        // The same words for an unknown package: a stranger learns nothing about which apps exist.
        reject(conn, AppErrorCode::InvalidApiKey, "Invalid API key", now, out);
        if matches!(s.apps.get(&package).map(|slot| &slot.phase), Some(Phase::Starting { .. })) {
            let message = format!(
                "{package} connected with a wrong API key; give its server the key that `app add` or `app rotate-key` printed"
            );
            start::failed(s, &package, StartFailure { stage: StartStage::Authentication, message }, now, out);
        }
        return;
    }
    match s.apps.get(&package).map(|slot| &slot.phase) {
        // SDK v3 would come back after any refusal, but not after `app_stopped`.
        None if hello.reconnect || s.apps.was_just_stopped(&package, now.at) => {
            tell_stopped(conn, Close::AppStopped, now, out);
        }
        None => reject(conn, AppErrorCode::AppNotStarted, "App not started for this session", now, out),
        Some(Phase::Stopping { .. }) => tell_stopped(conn, Close::AppStopped, now, out),
        Some(_) => {
            attach(s, conn, &package, hello.v3, hello.reconnect, now, out);
        }
    }
}

fn reject(conn: ConnId, code: AppErrorCode, message: &'static str, now: Now, out: &mut Effects) {
    out.note(Note::AppRejected(Side::App, message));
    let error = AppError { code, message: message.to_owned(), timestamp: now.wall };
    out.control(conn, &ToApp::Error(error));
    out.push(Effect::Close { conn, close: Close::AppRejected });
}

/// The socket is the app's from now on.
fn attach(
    s: &mut UserSession,
    conn: ConnId,
    package: &PackageName,
    v3: bool,
    reconnect: bool,
    now: Now,
    out: &mut Effects,
) {
    let link = Link::new(conn, now.at, s.entropy.byte(), &s.config.timings);
    let has_list = s.subscriptions.list(package).next().is_some();
    let Some(slot) = s.apps.get_mut(package) else { return };
    slot.v3 = v3;
    // An older socket has not got everything yet.
    slot.unconfirmed.hold(&mut slot.held, now.at, &s.config.timings);
    // What was held goes out after the app's list: it may want other things now. What comes meanwhile waits, too: the list that
    // there is is that of an earlier socket, and another process may have nobody yet who listens.
    let flush_at = (has_list || slot.held.len() > 0).then(|| now.at + s.config.timings.app_flush);
    let before = std::mem::replace(&mut slot.phase, Phase::Running { link, since: now.at, flush_at });
    let (after, started) = match before {
        Phase::Running { link: old, .. } => {
            tell_stopped(old.conn, Close::Replaced, now, out);
            (now.at - old.since, false)
        }
        Phase::Starting { since, .. } => (now.at - since, true),
        Phase::Grace { since, .. } => {
            out.note(Note::AppReturned(package.clone()));
            (now.at - since, false)
        }
        Phase::Backoff { since, .. } => (now.at - since, true),
        Phase::Failed { .. } => {
            slot.restarts.forgive();
            (0, true)
        }
        Phase::Dormant => (0, true),
        Phase::Stopping { .. } => (0, false),
    };
    s.totals.app_ran(package);
    let waiting = std::mem::take(&mut slot.waiting);
    let permissions = slot.record.granted();
    s.subscriptions.connected(package, permissions, started, now.at);
    out.note(Note::AppRunning { package: package.clone(), after, started });
    acknowledge(s, conn, package, reconnect, now, out);
    for ask in waiting {
        out.answer(ask, Answer::Started);
        if crate::seeded::on(Bug::AnsweredTwice) {
            out.answer(ask, Answer::Started);
        }
    }
    if started {
        peers::here(s, package, out);
        start::notify_phone(s, package, true, now, out);
        app_state_changed(s, None, now, out);
    }
}

/// `tpa_connection_ack`, or `reconnect_ack` for SDK v3 whose socket came back; with both names of the settings.
pub(crate) fn acknowledge(
    s: &UserSession,
    conn: ConnId,
    package: &PackageName,
    reconnect: bool,
    now: Now,
    out: &mut Effects,
) {
    let Some(slot) = s.apps.get(package) else { return };
    let settings = s.ack_settings(&slot.record);
    let ack = Ack {
        session_id: slot.session_id.to_string(),
        session_uuid: Some(slot.uuid.clone()),
        settings: s.settings.of_app(&slot.record),
        mentraos_settings: settings.clone(),
        augmentos_settings: settings,
        capabilities: s.device.capabilities().map(|capabilities| (**capabilities).clone()),
        timestamp: now.wall,
    };
    let ack = if reconnect { ToApp::ReconnectAck(ack) } else { ToApp::Ack(ack) };
    out.control(conn, &ack);
    device::introduce(s, conn, package, now, out);
}
