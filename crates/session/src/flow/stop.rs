//! How an app stops: here at once, over there in the background.
//!
//! The session forgets the app immediately. Its socket is kept until the stop webhook was answered (5 s at most), because
//! SDK v2 calls `onStop` twice when the close comes before the webhook.

use bifocal_protocol::close::Close;
use bifocal_protocol::ids::PackageName;
use bifocal_protocol::webhook::{StopReason, StopRequest};

use crate::apps::{Phase, Slot, StartFailure, StartStage, StartWebhook};
use crate::effect::{Effect, Effects, Note, WebhookKind};
use crate::flow::lifecycle::{app_state_changed, tell_stopped};
use crate::flow::start::{self, Begin, Wish};
use crate::flow::{dashboard, light, peers, playback};
use crate::input::CallId;
use crate::now::Now;
use crate::seeded::{Bug, on};
use crate::session::UserSession;

/// Stops an app in whatever phase it is; an app that is not there is stopped already.
pub(crate) fn stop(s: &mut UserSession, package: &PackageName, reason: StopReason, now: Now, out: &mut Effects) {
    if reason != StopReason::HardwareIncompatible {
        s.device.waiting.remove(package);
    }
    let mut waiting = s.load.withdraw(package);
    if let Some(slot) = s.apps.get_mut(package) {
        waiting.append(&mut slot.waiting);
        let_go(s, package, reason, now, out);
    }
    if !waiting.is_empty() {
        let message = format!("{package} was stopped before it had started ({})", reason.name());
        start::tell_failure(s, waiting, StartFailure { stage: StartStage::Cancelled, message }, now, out);
    }
}

/// The session forgets the app; what is left is to tell it.
fn let_go(s: &mut UserSession, package: &PackageName, reason: StopReason, now: Now, out: &mut Effects) {
    let until = now.at + s.config.timings.app_stop;
    let call = s.new_call();
    let Some(slot) = s.apps.get_mut(package) else { return };
    let kind = slot.record.kind;
    if let Phase::Stopping { start_again, .. } = &mut slot.phase {
        *start_again = false;
    } else if matches!(slot.phase, Phase::Dormant) {
        start::forget(s, package, now, out);
        s.apps.just_stopped(package, now.at + s.config.timings.app_grace, now.at);
        out.note(Note::AppStopped(package.clone(), reason));
        app_state_changed(s, None, now, out);
    } else {
        let stopping = Phase::Stopping { until, call, link: None, start_again: false };
        let before = std::mem::replace(&mut slot.phase, stopping);
        match (before, &mut slot.phase) {
            (Phase::Running { link: old, .. }, Phase::Stopping { link, .. }) => *link = Some(old),
            (Phase::Starting { webhook: StartWebhook::InFlight { call, .. }, .. }, _) => {
                out.push(Effect::Cancel { call });
            }
            (Phase::Grace { .. }, Phase::Stopping { start_again, .. }) if on(Bug::StopInGraceRevives) => {
                *start_again = true;
            }
            _ => {}
        }
        s.subscriptions.remove(package);
        peers::gone(package, out);
        s.location.app_gone(package);
        light::app_gone(s, package, now, out);
        playback::app_gone(s, package, now, out);
        dashboard::app_gone(s, package, kind, now, out);
        s.display.app_gone(package);
        if let Some(slot) = s.apps.get(package) {
            webhook_call(s, slot, call, reason, now, out);
        }
        out.note(Note::AppStopped(package.clone(), reason));
        start::notify_phone(s, package, false, now, out);
        app_state_changed(s, None, now, out);
    }
}

/// A stop webhook nobody waits for.
pub(crate) fn send_webhook(s: &mut UserSession, slot: &Slot, reason: StopReason, now: Now, out: &mut Effects) {
    let call = s.new_call();
    webhook_call(s, slot, call, reason, now, out);
}

fn webhook_call(s: &UserSession, slot: &Slot, call: CallId, reason: StopReason, now: Now, out: &mut Effects) {
    let (session_id, user_id) = (slot.session_id.to_string(), s.user.to_string());
    let request = StopRequest { session_id, user_id, reason, timestamp: now.wall };
    let what = start::webhook(WebhookKind::Stop, slot, &request, format!("stop-{}", slot.uuid));
    out.push(Effect::Call { call, what });
}

/// The stop webhook was answered, or its time is over: the socket is told, and a start that waited begins.
pub(crate) fn finish(s: &mut UserSession, package: &PackageName, now: Now, out: &mut Effects) {
    let stopping = |slot: &Slot| matches!(slot.phase, Phase::Stopping { .. });
    if !s.apps.get(package).is_some_and(stopping) {
        return;
    }
    let Some(slot) = s.apps.remove(package) else { return };
    let Phase::Stopping { link, start_again, .. } = slot.phase else { return };
    if let Some(link) = link {
        tell_stopped(link.conn, Close::AppStopped, now, out);
    }
    s.apps.just_stopped(package, now.at + s.config.timings.app_grace, now.at);
    if start_again {
        start::begin(s, Begin::first(slot.record, Wish::New, slot.waiting), now, out);
    }
}
