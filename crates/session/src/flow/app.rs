//! What apps send: the socket says who is speaking, the body is not believed.

use bifocal_protocol::app::AppKind;
use bifocal_protocol::apps::{
    AppError, AppErrorCode, DisplayRequest, FromApp, OwnershipRelease, PermissionDenied, PermissionDetail,
    PermissionError, Pong, SubscriptionUpdate, ToApp, claimed_package,
};
use bifocal_protocol::close::Close;
use bifocal_protocol::ids::PackageName;
use bifocal_protocol::json::{Malformed, peek_type};
use bifocal_protocol::layout::View;
use bifocal_protocol::streams::NotAStream;
use bifocal_protocol::{Message, Text};

use bytes::Bytes;

use crate::apps::Phase;
use crate::display::{Frame, Refused, ReportTo, Request};
use crate::effect::{Effect, Effects, Note};
use crate::flow::lifecycle::lists_changed;
use crate::flow::{admission, camera, dashboard, light, links, location, peers, phone, playback, unserved};
use crate::input::ConnId;
use crate::links::{Release, Side};
use crate::now::Now;
use crate::relay;
use crate::seeded::Bug;
use crate::session::UserSession;
use crate::subscriptions::Replaced;

/// A text frame of an app.
pub(crate) fn text(s: &mut UserSession, conn: ConnId, text: &Text, now: Now, out: &mut Effects) {
    let Some(package) = speaker(s, conn, now) else {
        if s.load.park_frame(conn, text).is_err() {
            out.push(Effect::Abort { conn });
        }
        return;
    };
    let kind = match peek_type(text) {
        Ok(kind) => kind,
        Err(error) => return malformed(s, conn, &error, now, out),
    };
    let believed = crate::seeded::on(Bug::ForeignPackage);
    if !believed && claimed_package(text).is_some_and(|claimed| claimed != package.as_str()) {
        out.note(Note::ForeignPackage(package));
        let message = "packageName is that of another app; an app speaks for itself only";
        return reply_error(conn, AppErrorCode::PermissionDenied, message, now, out);
    }
    match FromApp::decode_as(&kind, text) {
        Some(Err(error)) => malformed(s, conn, &error, now, out),
        Some(Ok(FromApp::Init(_))) => admission::acknowledge(s, conn, &package, false, now, out),
        Some(Ok(FromApp::Reconnect(_))) => admission::acknowledge(s, conn, &package, true, now, out),
        Some(Ok(FromApp::Ping(_))) => out.control(conn, &ToApp::Pong(Pong { timestamp: now.wall.0 })),
        Some(Ok(FromApp::OwnershipRelease(release))) => released(s, conn, &release),
        Some(Ok(FromApp::SubscriptionUpdate(update))) => subscribe(s, conn, &package, &update, now, out),
        Some(Ok(FromApp::TranscriptionConfig(config))) => {
            // Words to expect and whether to tell speakers apart are the engine's own business.
            s.subscriptions.expect(&package, &config.language_hints.unwrap_or_default());
        }
        Some(Ok(FromApp::DashboardContentUpdate(update))) => dashboard::content(s, &package, &update, now),
        Some(Ok(FromApp::DashboardModeChange(change))) => dashboard::mode(s, conn, &package, &change, now, out),
        Some(Ok(FromApp::DashboardSystemUpdate(update))) => dashboard::section(s, conn, &package, &update, now, out),
        Some(Ok(FromApp::LocationPollRequest(request))) => location::poll(s, conn, &package, request, now, out),
        Some(Ok(FromApp::RgbLedControl(request))) => light::led(s, conn, &package, request, now, out),
        Some(Ok(FromApp::RequestWifiSetup(request))) => light::wifi(s, conn, &package, request, now, out),
        Some(Ok(FromApp::AudioPlayRequest(request))) => playback::play(s, conn, &package, request, now, out),
        Some(Ok(FromApp::AudioStopRequest(request))) => playback::stop(s, &package, &request, now, out),
        Some(Ok(FromApp::AudioStreamStart(start))) => playback::begin_stream(s, conn, &package, start, now, out),
        Some(Ok(FromApp::AudioStreamEnd(end))) => playback::end_stream(s, &package, &end.stream_id, out),
        Some(Ok(FromApp::Display(request))) => display(s, conn, &package, request, now, out),
        Some(Ok(other)) => {
            let Some(other) = camera::app_says(s, conn, &package, other, now, out) else { return };
            match peers::request(other) {
                Ok(what) => peers::asked(conn, &package, what, now, out),
                Err(other) => unserved::answer(conn, &other, now, out),
            }
        }
        None => out.note(Note::UnknownType(Side::App)),
    }
}

/// A binary frame of an app: text that was sent as binary, as some clients do, or sound of a stream.
pub(crate) fn binary(s: &mut UserSession, conn: ConnId, data: Bytes, now: Now, out: &mut Effects) {
    if data.first() == Some(&b'{')
        && let Ok(json) = std::str::from_utf8(&data)
    {
        return text(s, conn, &Text::from(json), now, out);
    }
    if speaker(s, conn, now).is_some_and(|app| !playback::stream_frame(s, &app, &data, out)) {
        out.note(Note::UnknownType(Side::App));
    }
}

/// The running app whose current socket this is; its frame is a sign of life. A stopping app is not listened to.
fn speaker(s: &mut UserSession, conn: ConnId, now: Now) -> Option<PackageName> {
    let (package, slot) = s.apps.by_conn(conn)?;
    let package = package.clone();
    let running = matches!(slot.phase, Phase::Running { .. });
    slot.link_mut()?.heard(now.at);
    running.then_some(package)
}

fn malformed(s: &mut UserSession, conn: ConnId, error: &Malformed, now: Now, out: &mut Effects) {
    out.note(Note::Malformed(Side::App));
    reply_error(conn, AppErrorCode::MalformedMessage, &error.to_string(), now, out);
    links::misbehaved(s, conn, Close::Malformed, now, out);
}

/// `tpa_connection_error` about one request. The socket stays open: SDK v2 takes a close with 1008 as the end of the app.
pub(crate) fn reply_error(conn: ConnId, code: AppErrorCode, message: &str, now: Now, out: &mut Effects) {
    let error = AppError { code, message: message.to_owned(), timestamp: now.wall };
    out.control(conn, &ToApp::Error(error));
}

/// `ownership_release`: why the app is about to close this socket. It counts when the socket closes; if another has taken its
/// place by then, it says nothing about the app.
fn released(s: &mut UserSession, conn: ConnId, release: &OwnershipRelease) {
    if let Some((_, link)) = links::current(s, conn) {
        let restarts = release.reason.as_deref() == Some("clean_shutdown");
        link.release = Some(if restarts { Release::Restarts } else { Release::Leaves });
    }
}

/// `subscription_update`: the app's whole list.
fn subscribe(
    s: &mut UserSession,
    conn: ConnId,
    app: &PackageName,
    update: &SubscriptionUpdate,
    now: Now,
    out: &mut Effects,
) {
    let timings = s.config.timings;
    let Replaced { ignored, changed, added, refused, invalid, over } =
        s.subscriptions.replace(app, &update.subscriptions, now.at, &timings);
    if ignored {
        return;
    }
    relay::flush(s, app, now, out);
    for (base, stream) in added {
        if &*base == phone::CUSTOM {
            phone::tell_clock(s, app, now, out);
        }
        if &*base == phone::CALENDAR {
            phone::replay_appointments(s, app, &stream, now, out);
        }
        let fix = || (&*base == location::FIX).then(|| s.location.last()).flatten();
        if let Some(data) = s.last.of(&base).or_else(fix) {
            relay::send_event(s, app, &stream, &base, &data, now, out);
        }
    }
    if !refused.is_empty() {
        out.note(Note::SubscriptionRefused(app.clone()));
        let detail = |(stream, permission): (String, bifocal_protocol::permission::Permission)| {
            let name = permission.name();
            let message = format!("To subscribe to {stream}, declare the {name} permission of the app");
            PermissionDetail { stream, required_permission: name.to_owned(), message }
        };
        let details: Vec<_> = refused.into_iter().map(detail).collect();
        let mut denied: Vec<String> = details.iter().map(|detail| detail.required_permission.clone()).collect();
        denied.sort();
        denied.dedup();
        let message = "Some subscriptions were refused because the app lacks permissions".to_owned();
        let v3 = s.apps.get(app).is_some_and(|slot| slot.v3);
        let each: Vec<PermissionDenied> = details.iter().filter(|_| v3).map(denied_stream).collect();
        let error = PermissionError { message, details, denied_permissions: denied, timestamp: now.wall };
        out.control(conn, &ToApp::PermissionError(error));
        // SDK v3 listens to one message for each; to v2 it would be an unknown one.
        each.into_iter().for_each(|denied| out.control(conn, &ToApp::PermissionDenied(denied)));
    }
    let mut left_out: Vec<String> = invalid.iter().map(NotAStream::to_string).collect();
    if over > 0 {
        left_out.push(format!("{over} more than an app may have"));
    }
    if !left_out.is_empty() {
        let message = format!("Invalid subscriptions were left out: {}", left_out.join("; "));
        reply_error(conn, AppErrorCode::MalformedMessage, &message, now, out);
    }
    if changed {
        lists_changed(s, now);
    }
}

/// `display_event`: what the wearer sees is decided by the display manager; here it is only handed over.
fn display(s: &mut UserSession, conn: ConnId, app: &PackageName, wanted: DisplayRequest, now: Now, out: &mut Effects) {
    let Some(slot) = s.apps.get(app) else { return };
    s.lag.asked(app, now.at);
    let frame = Frame {
        package: app.clone(),
        session_id: slot.session_id.clone(),
        layout: wanted.layout.for_phone(),
        duration_ms: wanted.duration_ms,
    };
    let kind = slot.record.kind;
    s.dashboard.drawn_by_app |= kind == AppKind::SystemDashboard && wanted.view == View::Dashboard;
    let report = wanted.report.then_some(ReportTo { request_id: wanted.request_id });
    let request = Request { kind, view: wanted.view, force: wanted.force_display, report, frame };
    if let Err(refused) = s.display.request(request, now.at, &s.config.timings) {
        let code = match refused {
            Refused::NotTheDashboard => AppErrorCode::PermissionDenied,
            Refused::TooLarge => AppErrorCode::MalformedMessage,
            Refused::TooManyWait => AppErrorCode::InternalError,
        };
        reply_error(conn, code, refused.reason(), now, out);
    }
}

/// `permission_denied`: one refused stream, as SDK v3 wants to hear it.
fn denied_stream(detail: &PermissionDetail) -> PermissionDenied {
    PermissionDenied {
        message: detail.message.clone(),
        permission: detail.required_permission.clone(),
        stream_type: detail.stream.clone(),
    }
}
