//! What photos and streams have in common: whether the camera can be had, what ends with an app, with the wearer's consent and
//! with the session, and what a phone that is back must be told.

use bifocal_protocol::apps::{CameraFovSet, FromApp, PhotoRequest, RtmpStreamRequest, StreamRequest};
use bifocal_protocol::glasses::{self, FromPhone, ToPhone};
use bifocal_protocol::hardware::Hardware;
use bifocal_protocol::ids::PackageName;
use bifocal_protocol::permission::Permission;

use crate::apps::Phase;
use crate::camera::streams::Wish;
use crate::camera::{Busy, NotReady, Photo};
use crate::effect::Effects;
use crate::flow::app::reply_error;
use crate::flow::{managed, photo, stream};
use crate::input::{CallId, ConnId, Outcome};
use crate::now::Now;
use crate::session::UserSession;

/// What the camera is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum For {
    Photo,
    Stream,
}

/// Whether the camera is there for this app; the phone's socket.
pub(crate) fn ready(s: &UserSession, app: &PackageName, purpose: For) -> Result<ConnId, NotReady> {
    if !may(s, app) {
        return Err(NotReady::Permission);
    }
    if !s.settings.system.sensing_enabled {
        return Err(NotReady::Sensing);
    }
    let phone = s.glasses_link().map(|link| link.conn).ok_or(NotReady::Phone)?;
    if s.device.is_connected() == Some(false) {
        return Err(NotReady::Glasses);
    }
    let model = || s.device.model().unwrap_or("unknown").to_owned();
    if !s.device.has(Hardware::Camera) {
        return Err(NotReady::Camera(model()));
    }
    if purpose == For::Stream {
        let camera = s.device.capabilities().and_then(|can| can.camera.as_ref());
        if camera.is_some_and(|camera| !camera.video.can_stream) {
            return Err(NotReady::Video(model()));
        }
        let offline = s.device.info().and_then(|info| info.wifi_connected) == Some(false);
        if offline && s.device.has(Hardware::Wifi) {
            return Err(NotReady::Wifi);
        }
    }
    Ok(phone)
}

/// Who has the camera, as far as that hinders a stream.
pub(crate) fn busy(s: &UserSession) -> Option<Busy> {
    match &s.video.stream {
        Some(stream) => Some(Busy::Stream { managed: stream.is_managed(), ends: stream.is_ending() }),
        None => s.photos.need_camera().then_some(Busy::Photo),
    }
}

fn may(s: &UserSession, app: &PackageName) -> bool {
    s.apps.get(app).is_some_and(|slot| slot.record.granted().grants(Permission::Camera))
}

/// Whether an app goes on to have the camera. One that is only away does; one that has to be started again does not.
fn keeps(s: &UserSession, app: &PackageName) -> bool {
    let there = |phase: &Phase| matches!(phase, Phase::Running { .. } | Phase::Grace { .. });
    may(s, app) && s.apps.get(app).is_some_and(|slot| there(&slot.phase))
}

/// What every step ends with: who may not have the camera any more loses it, and the next photo is taken.
pub(crate) fn flush(s: &mut UserSession, now: Now, out: &mut Effects) {
    if !s.photos.is_empty() {
        let gone: Vec<PackageName> = s.photos.apps().filter(|app| !keeps(s, app)).cloned().collect();
        for photo in s.photos.take_out(|photo| gone.contains(&photo.app.package)) {
            photo::forget(&photo, out);
        }
        if !s.settings.system.sensing_enabled {
            for photo in s.photos.take_out(|_| true) {
                photo::forget(&photo, out);
                photo::refuse(s, photo, &NotReady::Sensing, now, out);
            }
        }
        photo::take_next(s, now, out);
    }
    if s.video.stream.is_some() {
        let gone: Vec<PackageName> = stream::apps(s).into_iter().filter(|app| !keeps(s, app)).collect();
        gone.iter().for_each(|app| stream::app_gone(s, app, now, out));
        if !s.settings.system.sensing_enabled {
            stream::sensing_off(s, now, out);
        }
    }
}

/// The phone is back: it may have lost what it was told, and what it was not told is owed.
pub(crate) fn phone_back(s: &mut UserSession, now: Now, out: &mut Effects) {
    photo::ask_again(s, now, out);
    stream::phone_back(s, now, out);
}

/// The session ends: the glasses are told to stop, and nothing is waited for any more.
pub(crate) fn session_ends(s: &mut UserSession, now: Now, out: &mut Effects) {
    for photo in s.photos.take_out(|_| true) {
        photo::forget(&photo, out);
    }
    stream::session_ends(s, now, out);
}

/// A call has ended; given back when it was not about the camera.
pub(crate) fn call_ended(
    s: &mut UserSession,
    call: CallId,
    outcome: Outcome,
    now: Now,
    out: &mut Effects,
) -> Option<Outcome> {
    if let Some(waiting) = s.photos.uploaded(call) {
        photo::uploaded(s, waiting, outcome, now, out);
        return None;
    }
    managed::call_ended(s, call, outcome, now, out)
}

/// What the phone says about the camera. It is for who has asked, and nobody else.
pub(crate) fn phone_says(s: &mut UserSession, message: FromPhone, now: Now, out: &mut Effects) {
    match message {
        FromPhone::PhotoResponse(response) => photo::answered(s, response, now, out),
        FromPhone::RtmpStreamStatus(report) | FromPhone::StreamStatus(report) => stream::reported(s, report, now, out),
        FromPhone::KeepAliveAck(ack) => stream::acknowledged(s, &ack),
        _ => {}
    }
}

/// What apps want of the camera; given back when it is something else.
pub(crate) fn app_says(
    s: &mut UserSession,
    conn: ConnId,
    app: &PackageName,
    message: FromApp,
    now: Now,
    out: &mut Effects,
) -> Option<FromApp> {
    match message {
        FromApp::PhotoRequest(request) => photo::request(s, conn, app, request, now, out),
        FromApp::CameraFovSet(request) => zoom(s, conn, app, request, now, out),
        FromApp::RtmpStreamRequest(RtmpStreamRequest { rtmp_url: url, video, audio, stream }) => {
            let wish = Wish { url, video, audio, stream, sound: None };
            stream::request(s, conn, app, wish, false, now, out);
        }
        FromApp::StreamRequest(StreamRequest { stream_url: url, video, audio, stream, sound }) => {
            stream::request(s, conn, app, Wish { url, video, audio, stream, sound }, true, now, out);
        }
        FromApp::RtmpStreamStop(request) => stream::stop(s, conn, app, request, false, now, out),
        FromApp::StreamStop(request) => stream::stop(s, conn, app, request, true, now, out),
        FromApp::ManagedStreamRequest(request) => managed::request(s, conn, app, request, now, out),
        FromApp::ManagedStreamStop(_) => managed::stop(s, app, now, out),
        FromApp::StreamStatusCheck(check) => managed::check(s, conn, app, check, now, out),
        other => return Some(other),
    }
    None
}

/// `camera_fov_set`: nothing answers, so what is wrong with it is told as an error only.
fn zoom(s: &UserSession, conn: ConnId, app: &PackageName, request: CameraFovSet, now: Now, out: &mut Effects) {
    let phone = match ready(s, app, For::Photo) {
        Ok(phone) => phone,
        Err(not) => return reply_error(conn, not.app_code(), &not.why(), now, out),
    };
    let session_id = s.apps.get(app).map(|slot| slot.session_id.to_string()).unwrap_or_default();
    let CameraFovSet { request_id, fov, roi_position } = request;
    let package_name = app.to_string();
    let set = glasses::CameraFovSet { session_id, package_name, request_id, fov, roi_position, timestamp: now.wall };
    out.control(phone, &ToPhone::CameraFovSet(set));
}

/// A request of an app as one that is to be taken.
pub(crate) fn photo_of(s: &UserSession, app: &PackageName, request: PhotoRequest, now: Now) -> Option<Photo> {
    let slot = s.apps.get(app)?;
    Some(Photo::new(slot.record.clone(), slot.v3, request, now.at, &s.config.timings))
}
