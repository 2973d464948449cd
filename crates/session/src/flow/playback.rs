//! Sound out: what apps want to be heard, and what becomes of it.

use std::sync::Arc;

use bifocal_protocol::app::AppKind;
use bifocal_protocol::apps::{
    AppErrorCode, AudioPlayRequest, AudioPlayResponse, AudioStopRequest, AudioStreamReady, AudioStreamStart, ToApp,
};
use bifocal_protocol::glasses::{self, ToPhone};
use bifocal_protocol::ids::PackageName;
use bytes::Bytes;
use serde_json::Number;

use crate::effect::{AudioOut, Effect, Effects};
use crate::flow::app::reply_error;
use crate::input::ConnId;
use crate::now::Now;
use crate::relay::send_message;
use crate::session::UserSession;

/// Longest id of a request, in bytes.
const MAX_ID: usize = 256;
/// Longest address, in bytes: what is to be spoken stands in it.
const MAX_URL: usize = 16 << 10;
/// Bytes of the id in front of each frame of a stream.
const STREAM_ID: usize = 36;
/// The path of streams; the secret follows.
pub(crate) const STREAM_PATH: &str = "/api/audio/stream/";

/// `audio_play_request`: the phone fetches the address and plays it.
pub(crate) fn play(
    s: &mut UserSession,
    conn: ConnId,
    app: &PackageName,
    request: AudioPlayRequest,
    now: Now,
    out: &mut Effects,
) {
    let AudioPlayRequest { request_id, audio_url, volume, stop_other_audio, track_id } = request;
    if request_id.is_empty() || request_id.len() > MAX_ID {
        return reply_error(conn, AppErrorCode::MalformedMessage, "requestId must have 1 to 256 bytes", now, out);
    }
    let track = track_id.as_ref().and_then(Number::as_u64).unwrap_or(0);
    let stream = s.playback.is_stream(app, &audio_url);
    let url = match address(s, app, audio_url, stream, now) {
        Ok(url) => url,
        Err(why) => return fail(s, app, &request_id, why, now, out),
    };
    let Some(phone) = s.glasses_link().map(|link| link.conn) else {
        return fail(s, app, &request_id, "the phone is not connected", now, out);
    };
    if let Err(not) = s.playback.ask(&request_id, app, track, stream, now.at, &s.config.timings) {
        return fail(s, app, &request_id, not.reason(), now, out);
    }
    let stop_others = stop_other_audio.unwrap_or(true);
    let Some((session_id, kind)) = s.apps.get(app).map(|slot| (slot.session_id.to_string(), slot.record.kind)) else {
        return;
    };
    // Only what the wearer looks at may silence everybody; others, themselves.
    let everybody = stop_others && kind == AppKind::Standard;
    let silenced = match (everybody, stop_others) {
        (true, _) => s.playback.silence(None, &request_id),
        (false, true) => s.playback.silence(Some(app), &request_id),
        (false, false) => Vec::new(),
    };
    if !everybody && !silenced.is_empty() {
        stop_on_phone(s, app, None, now, out);
    }
    for silenced in silenced {
        fail(s, &silenced.app, &silenced.id, "something else is played instead", now, out);
    }
    let play = glasses::AudioPlayRequest {
        session_id,
        request_id,
        package_name: app.to_string(),
        app_id: Some(app.to_string()),
        audio_url: url,
        volume: Some(loudness(volume)),
        stop_other_audio: Some(everybody),
        track_id: Some(track.into()),
        timestamp: now.wall,
    };
    out.control(phone, &ToPhone::AudioPlayRequest(play));
}

/// `audio_stop_request`: what the app itself plays, on one track or on all.
pub(crate) fn stop(s: &mut UserSession, app: &PackageName, request: &AudioStopRequest, now: Now, out: &mut Effects) {
    let track = request.track_id.as_ref().and_then(Number::as_u64);
    stop_on_phone(s, app, track, now, out);
    for stopped in s.playback.stop(app, track) {
        fail(s, app, &stopped.id, "stopped by the app", now, out);
    }
}

/// `audio_play_response` of the phone: for the app that has asked, once.
pub(crate) fn played(s: &mut UserSession, done: glasses::AudioPlayResponse, now: Now, out: &mut Effects) {
    let glasses::AudioPlayResponse { request_id, success, error, duration } = done;
    let Some(app) = s.playback.answered(&request_id) else { return };
    let error = (!success).then(|| error.unwrap_or_else(|| "the phone could not play it".to_owned()));
    answer(s, &app, request_id, error, duration, now, out);
}

/// The phone has not answered: old ones never do.
pub(crate) fn expire(s: &mut UserSession, now: Now, out: &mut Effects) {
    for late in s.playback.expire(now.at) {
        fail(s, &late.app, &late.id, "the phone did not say whether it has played it", now, out);
    }
}

/// `audio_stream_start`: an address at which the phone hears what the app sends from now on.
pub(crate) fn begin_stream(
    s: &mut UserSession,
    conn: ConnId,
    app: &PackageName,
    start: AudioStreamStart,
    now: Now,
    out: &mut Effects,
) {
    let id = start.stream_id;
    if id.len() != STREAM_ID || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return reply_error(conn, AppErrorCode::MalformedMessage, "streamId must be a UUID", now, out);
    }
    if start.content_type.is_some_and(|kind| kind != "audio/mpeg") {
        return reply_error(conn, AppErrorCode::MalformedMessage, "contentType must be audio/mpeg", now, out);
    }
    let secret: Arc<str> = s.entropy.uuid().into();
    if !s.playback.begin_stream(app, &id, &secret) {
        return reply_error(
            conn,
            AppErrorCode::InternalError,
            "The app has a stream of this name, or too many of them",
            now,
            out,
        );
    }
    let stream_url = format!("{}{STREAM_PATH}{secret}", s.config.public_url);
    out.push(Effect::Audio { stream: secret, what: AudioOut::Begin });
    out.control(conn, &ToApp::AudioStreamReady(AudioStreamReady { stream_id: id, stream_url, timestamp: now.wall }));
}

/// A binary frame of an app: the id of a stream and its next sound; false when it is none.
pub(crate) fn stream_frame(s: &UserSession, app: &PackageName, frame: &Bytes, out: &mut Effects) -> bool {
    let id = frame.get(..STREAM_ID).and_then(|id| std::str::from_utf8(id).ok());
    let Some(stream) = id.and_then(|id| s.playback.stream(app, id)) else { return false };
    out.push(Effect::Audio { stream: stream.clone(), what: AudioOut::Sound(frame.slice(STREAM_ID..)) });
    true
}

/// `audio_stream_end`. One that is over already is over.
pub(crate) fn end_stream(s: &mut UserSession, app: &PackageName, id: &str, out: &mut Effects) {
    if let Some(stream) = s.playback.end_stream(app, id) {
        out.push(Effect::Audio { stream, what: AudioOut::End });
    }
}

/// An app is gone: it falls silent.
pub(crate) fn app_gone(s: &mut UserSession, app: &PackageName, now: Now, out: &mut Effects) {
    let (played, streams) = s.playback.app_gone(app);
    for stream in streams {
        out.push(Effect::Audio { stream, what: AudioOut::End });
    }
    if played {
        stop_on_phone(s, app, None, now, out);
    }
}

/// What the phone is to fetch: our own speech at our own address, signed; our own streams; and what the shell permits.
fn address(s: &UserSession, app: &PackageName, url: String, stream: bool, now: Now) -> Result<String, &'static str> {
    if url.len() > MAX_URL {
        return Err("audioUrl is longer than 16 KiB");
    }
    if let Some(speech) = s.config.speech_urls.rewrite(&url, app, now.wall) {
        return Ok(speech);
    }
    if stream || s.config.may_fetch.allows(&url) {
        return Ok(url);
    }
    Err("audioUrl must begin with http:// or https:// and not lead into a private network")
}

/// 0 to 1.
fn loudness(volume: Option<Number>) -> Number {
    let Some(volume) = volume else { return 1.into() };
    match volume.as_f64() {
        Some(loud) if loud > 1.0 => 1.into(),
        Some(soft) if soft < 0.0 => 0.into(),
        _ => volume,
    }
}

fn stop_on_phone(s: &UserSession, app: &PackageName, track: Option<u64>, now: Now, out: &mut Effects) {
    let Some(phone) = s.glasses_link().map(|link| link.conn) else { return };
    let session_id = s.apps.get(app).map(|slot| slot.session_id.to_string());
    let stop = glasses::AudioStopRequest {
        session_id: session_id.unwrap_or_else(|| s.user.to_string()),
        app_id: app.to_string(),
        track_id: track.map(Number::from),
        timestamp: now.wall,
    };
    out.control(phone, &ToPhone::AudioStopRequest(stop));
}

/// What became of a request that the phone has said nothing about.
fn fail(s: &mut UserSession, app: &PackageName, id: &str, why: &str, now: Now, out: &mut Effects) {
    answer(s, app, id.to_owned(), Some(why.to_owned()), None, now, out);
}

/// To the app; held while it is away.
fn answer(
    s: &mut UserSession,
    app: &PackageName,
    request_id: String,
    error: Option<String>,
    duration: Option<Number>,
    now: Now,
    out: &mut Effects,
) {
    let Some(slot) = s.apps.get(app) else { return };
    let session_id = Some(slot.session_id.to_string());
    let success = error.is_none();
    let done = AudioPlayResponse { session_id, request_id, success, error, duration, timestamp: now.wall };
    send_message(s, app, &ToApp::AudioPlayResponse(done), now, out);
}
