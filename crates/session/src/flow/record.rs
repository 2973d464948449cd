//! The user's record is read, and read again: what the user may start, what ran before, what waited for it.

use bifocal_protocol::app::{AppKind, AppRecord};
use bifocal_protocol::ids::PackageName;
use bifocal_protocol::webhook::StopReason;

use crate::apps::{Slot, StartFailure, StartStage};
use crate::effect::{Call, Effect, Effects, Note};
use crate::flow::lifecycle::app_state_changed;
use crate::flow::start::Wish;
use crate::flow::{admission, app, glasses, settings, start, stop};
use crate::input::{CallId, UserData};
use crate::now::Now;
use crate::record::Parked;
use crate::session::UserSession;

/// Reads the user's record, or reads it again because it changed.
pub(crate) fn load_user(s: &mut UserSession, out: &mut Effects) {
    let call = s.new_call();
    s.load.begins(call);
    out.push(Effect::Call { call, what: Call::LoadUser });
}

/// The record is here.
pub(crate) fn user_loaded(s: &mut UserSession, call: CallId, user: UserData, now: Now, out: &mut Effects) {
    if s.load.in_flight != Some(call) {
        return;
    }
    let first = !s.load.loaded;
    let late = s.load.failures > 0;
    s.dashboard.dirty = true;
    s.load.in_flight = None;
    s.load.failures = 0;
    s.load.loaded = true;
    s.load.installed = user.installed;
    let newer = s.load.take_newer();
    if !newer.system {
        s.settings.timezone = user.timezone;
        settings::replace(s, user.settings, now, out);
    }
    s.settings.loaded(user.app_settings, &newer.apps);
    apps_may_have_changed(s, now, out);
    let parked = std::mem::take(&mut s.load.parked);
    if first {
        let stopped = |package: &PackageName| {
            parked.iter().any(|parked| matches!(parked, Parked::Stop { package: other } if other == package))
        };
        let running: Vec<PackageName> = user.running.into_iter().filter(|package| !stopped(package)).collect();
        start_what_ran_before(s, &running, now, out);
    }
    for parked in parked {
        match parked {
            Parked::Start { package, wish, ask } => start::start(s, &package, wish, ask, now, out),
            Parked::Stop { .. } => {}
            Parked::Hello { conn, hello } => admission::app_connected(s, conn, *hello, now, out),
            Parked::Frame { conn, text } => app::text(s, conn, &text, now, out),
            Parked::Settings { conn, with_success } => glasses::settings(s, conn, with_success, now, out),
        }
    }
    if late {
        // The phone has been told of a session without apps.
        app_state_changed(s, None, now, out);
    }
}

/// The record could not be read. The session goes on with no apps and tries again.
pub(crate) fn user_failed(s: &mut UserSession, call: CallId, why: String, now: Now, out: &mut Effects) {
    if s.load.in_flight != Some(call) {
        return;
    }
    s.load.in_flight = None;
    s.load.retry_at = Some(now.at + (1_000 << s.load.failures.min(6)).min(60_000));
    s.load.failures += 1;
    out.note(Note::StoreFailed(why));
    for parked in std::mem::take(&mut s.load.parked) {
        match parked {
            Parked::Start { ask, .. } => {
                start::tell_failure(s, ask.into_iter().collect(), no_record(), now, out);
            }
            // The SDK comes back by itself after an abort.
            Parked::Hello { conn, .. } => out.push(Effect::Abort { conn }),
            Parked::Settings { conn, with_success } => glasses::settings(s, conn, with_success, now, out),
            Parked::Stop { .. } | Parked::Frame { .. } => {}
        }
    }
}

/// Why nothing can start for the moment.
pub(crate) fn no_record() -> StartFailure {
    let message = "the user's record could not be read; try again in a moment".to_owned();
    StartFailure { stage: StartStage::Connection, message }
}

/// An app was removed, or its declaration changed.
fn apps_may_have_changed(s: &mut UserSession, now: Now, out: &mut Effects) {
    for package in s.apps.packages() {
        match s.load.installed(&package).cloned() {
            None => stop::stop(s, &package, StopReason::SystemStop, now, out),
            // There is one foreground, and another app has it.
            Some(record) if becomes_standard(s, &package, &record) => {
                stop::stop(s, &package, StopReason::SystemStop, now, out);
                if let Some(slot) = s.apps.get_mut(&package) {
                    slot.record = record;
                }
            }
            Some(record) => {
                s.subscriptions.permissions_changed(&package, record.granted());
                if let Some(slot) = s.apps.get_mut(&package) {
                    slot.record = record;
                }
            }
        }
    }
}

fn becomes_standard(s: &UserSession, package: &PackageName, record: &AppRecord) -> bool {
    let other = |slot: &Slot| slot.record.kind != AppKind::Standard;
    record.kind == AppKind::Standard && s.apps.get(package).is_some_and(other) && s.apps.foreground().is_some()
}

/// The dashboard, and what the user had running.
fn start_what_ran_before(s: &mut UserSession, running: &[PackageName], now: Now, out: &mut Effects) {
    let dashboards = s.load.installed.iter().filter(|app| app.kind == AppKind::SystemDashboard);
    let mut packages: Vec<PackageName> = dashboards.map(|app| app.package.clone()).collect();
    let wanted = |package: &&PackageName| s.load.installed(package).is_some() && !packages.contains(package);
    let wanted: Vec<PackageName> = running.iter().filter(wanted).cloned().collect();
    packages.extend(wanted);
    for package in packages {
        start::start(s, &package, Wish::Remembered, None, now, out);
    }
}
