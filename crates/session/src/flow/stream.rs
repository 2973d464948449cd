//! Streams as far as the glasses and a direct stream's owner are concerned: requests, what the glasses say, what time does,
//! and every end. `managed.rs` has the apps that share one.

use bifocal_protocol::apps::{AppErrorCode, DirectStreamStatus, StreamStop, ToApp};
use bifocal_protocol::glasses::{
    KeepAliveAck, KeepStreamAlive, StartRtmpStream, StartStream, StopStream, StreamReport, ToPhone,
};
use bifocal_protocol::ids::PackageName;
use bifocal_protocol::json::Object;
use bifocal_protocol::media::StreamState;
use bifocal_protocol::{Message, Text};

use crate::camera::streams::{Direct, Due, End, State, Step, StopOrder, Stream, Whose, Wish};
use crate::effect::{Effects, Note};
use crate::flow::app::reply_error;
use crate::flow::camera::{For, busy, ready};
use crate::flow::managed;
use crate::input::ConnId;
use crate::now::Now;
use crate::relay::{send_event, send_message};
use crate::session::UserSession;
use crate::subscriptions::Topic;

/// Longest URL, in bytes.
const MAX_URL: usize = 2_048;
/// Longest text of the glasses that an app is told, in characters.
const MAX_WHY: usize = 300;
/// Least time between two statuses that only bring new numbers, in milliseconds.
const STATS_GAP: u64 = 1_000;

/// `rtmp_stream_request`, `stream_request`.
pub(crate) fn request(
    s: &mut UserSession,
    conn: ConnId,
    app: &PackageName,
    wish: Wish,
    new_names: bool,
    now: Now,
    out: &mut Effects,
) {
    let refuse = |s: &mut UserSession, code: &str, app_code, why: &str, out: &mut Effects| {
        reply_error(conn, app_code, why, now, out);
        let end = End::failed("refused", &format!("{code}: {why}"));
        tell_direct(s, app, new_names, None, &end, None, now, out);
    };
    if let Err(not) = ready(s, app, For::Stream) {
        return refuse(s, not.stream_code(), not.app_code(), &not.why(), out);
    }
    if !is_url(&wish.url, new_names) {
        let why = if new_names {
            "Invalid stream URL: it must begin with rtmp://, rtmps://, srt://, http:// or https://"
        } else {
            "Invalid RTMP URL: it must begin with rtmp:// or rtmps://"
        };
        return refuse(s, "INVALID_URL", AppErrorCode::MalformedMessage, why, out);
    }
    if let Some(stream) = own(s, app).filter(|stream| !stream.is_ending() && stream.wish.url == wish.url) {
        // Its process may be another one than that which has begun it.
        let (id, state) = (stream.id.clone(), told_of(&stream.state));
        if let Whose::Direct(direct) = &mut stream.whose {
            direct.new_names = new_names;
        }
        let told = End { state, reason: "", why: None, said: false };
        return tell_direct(s, app, new_names, Some(id), &told, None, now, out);
    }
    if let Some(busy) = busy(s) {
        return refuse(s, busy.code(), AppErrorCode::InternalError, busy.why(), out);
    }
    let id = s.entropy.uuid7(now.wall);
    let whose = Whose::Direct(Direct { app: app.clone(), new_names, told: None });
    let stream = Stream::new(id, whose, wish, now.at, now.wall, &s.config.timings);
    s.video.stream = Some(Box::new(stream));
    out.note(Note::StreamBegan { package: app.clone(), managed: false });
    start(s, now, out);
    tell(s, StreamState::Initializing, None, None, now, out);
}

fn is_url(url: &str, new_names: bool) -> bool {
    let schemes: &[&str] = if new_names { &["rtmp", "rtmps", "srt", "http", "https"] } else { &["rtmp", "rtmps"] };
    let plain = !url.bytes().any(|byte| byte.is_ascii_whitespace() || byte.is_ascii_control());
    let rest = url.split_once("://").filter(|(scheme, _)| schemes.contains(scheme)).map(|(_, rest)| rest);
    url.len() <= MAX_URL && plain && rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
}

/// The direct stream of this app.
fn own<'a>(s: &'a mut UserSession, app: &PackageName) -> Option<&'a mut Stream> {
    let stream = s.video.stream.as_deref_mut()?;
    matches!(&stream.whose, Whose::Direct(direct) if direct.app == *app).then_some(stream)
}

fn told_of(state: &State) -> StreamState {
    match state {
        State::Requested { .. } | State::Starting { .. } | State::Degraded { .. } => StreamState::Initializing,
        State::Live => StreamState::Active,
        State::Stopping { .. } => StreamState::Stopping,
    }
}

/// The glasses are told to start the stream.
pub(crate) fn start(s: &mut UserSession, now: Now, out: &mut Effects) {
    let timings = s.config.timings;
    if let Some(stream) = &mut s.video.stream {
        stream.start(now.at, &timings);
        say_start(s, now, out);
    }
}

fn say_start(s: &UserSession, now: Now, out: &mut Effects) {
    let (Some(phone), Some(stream)) = (s.glasses_link().map(|link| link.conn), &s.video.stream) else { return };
    let StopOrder { stream: stream_id, app: app_id, rtmp } = stream.order();
    let Wish { url, video, audio, stream: options, sound } = stream.wish.clone();
    let (session_id, timestamp) = (s.user.to_string(), now.wall);
    let (video, audio, options) = (video.unwrap_or_default(), audio.unwrap_or_default(), options.unwrap_or_default());
    let message = match rtmp {
        true => ToPhone::StartRtmpStream(StartRtmpStream {
            session_id,
            rtmp_url: url,
            app_id,
            stream_id,
            video,
            audio,
            stream: options,
            timestamp,
        }),
        false => ToPhone::StartStream(StartStream {
            session_id,
            stream_url: url,
            app_id,
            stream_id,
            video,
            audio,
            stream: options,
            sound,
            timestamp,
        }),
    };
    out.control(phone, &message);
}

/// Tells the glasses to stop; while the phone is away, it is owed.
fn say_stop(s: &mut UserSession, order: StopOrder, now: Now, out: &mut Effects) {
    let Some(phone) = s.glasses_link().map(|link| link.conn) else {
        s.video.owed = Some(order);
        return;
    };
    let StopOrder { stream: stream_id, app: app_id, rtmp } = order;
    let stop = StopStream { session_id: s.user.to_string(), app_id, stream_id, timestamp: now.wall };
    out.control(phone, &if rtmp { ToPhone::StopRtmpStream(stop) } else { ToPhone::StopStream(stop) });
}

/// `rtmp_stream_stop`, `stream_stop`: only the owner may.
pub(crate) fn stop(
    s: &mut UserSession,
    conn: ConnId,
    app: &PackageName,
    request: StreamStop,
    new_names: bool,
    now: Now,
    out: &mut Effects,
) {
    let wanted = request.stream_id.filter(|id| !id.is_empty());
    let named = |stream: &Stream| wanted.as_ref().is_none_or(|id| *id == stream.id);
    if own(s, app).is_some_and(|stream| named(stream)) {
        return end(s, End::stopped("owner"), now, out);
    }
    if wanted.is_some() && s.video.stream.as_ref().is_some_and(|stream| named(stream)) {
        let message = "This stream is not the app's own; only who has started it can stop it";
        return reply_error(conn, AppErrorCode::PermissionDenied, message, now, out);
    }
    // There is none: an app that thinks so must hear it, or it could not start another.
    let end = End::stopped("nothing");
    tell_direct(s, app, new_names, wanted, &end, None, now, out);
}

/// The stream is to end: the glasses are told, its apps hear that it ends.
pub(crate) fn end(s: &mut UserSession, end: End, now: Now, out: &mut Effects) {
    let timings = s.config.timings;
    let Some(stream) = &mut s.video.stream else { return };
    if !stream.is_begun() {
        // The glasses have never heard of it.
        return over(s, End { said: true, ..end }, now, out);
    }
    if stream.stop(end, now.at, &timings) {
        let order = stream.order();
        say_stop(s, order, now, out);
        tell(s, StreamState::Stopping, None, None, now, out);
        managed::dismiss(s, now, out);
    }
}

/// The stream is over, for whatever reason.
pub(crate) fn over(s: &mut UserSession, end: End, now: Now, out: &mut Effects) {
    let Some(mut stream) = s.video.stream.take() else { return };
    if !end.said {
        say_stop(s, stream.order(), now, out);
    }
    out.note(Note::StreamEnded { managed: stream.is_managed(), reason: end.reason, after: now.at - stream.since });
    match &mut stream.whose {
        Whose::Direct(direct) => {
            let (app, new_names) = (direct.app.clone(), direct.new_names);
            tell_direct(s, &app, new_names, Some(stream.id), &end, None, now, out);
        }
        Whose::Managed(managed) => managed::over(s, &stream.id, managed, &end, now, out),
    }
}

/// `rtmp_stream_status`, `stream_status` of the glasses.
pub(crate) fn reported(s: &mut UserSession, report: StreamReport, now: Now, out: &mut Effects) {
    let timings = s.config.timings;
    let said = report.state();
    let why = report.error_details.map(|why| why.chars().take(MAX_WHY).collect::<String>());
    let Some(stream) = s.video.named(report.stream_id.as_deref()) else {
        let Some(id) = report.stream_id.filter(|id| !id.is_empty() && id.len() <= 256) else { return };
        let known = s.video.stream.is_some();
        // Today's phones stop whatever runs, so nothing is said while another stream does.
        if !said.is_final() && !known && s.video.is_stray(now.at, &timings) {
            let app = report.app_id.unwrap_or_default();
            say_stop(s, StopOrder { stream: id, app, rtmp: true }, now, out);
        }
        return;
    };
    let starts = matches!(stream.state, State::Starting { .. });
    let step = stream.report(said, why.as_deref(), now.at, &timings);
    if starts {
        starts_to_stream(s, now, out);
    }
    match step {
        Step::Nothing if report.stats.is_some() => news(s, report.stats, now, out),
        Step::Nothing => {}
        Step::Now(state) => tell(s, state, why, report.stats, now, out),
        Step::Over(end) => over(s, end, now, out),
    }
}

/// The glasses were told to start: if they stream now, it is noted how long it took.
pub(crate) fn starts_to_stream(s: &mut UserSession, now: Now, out: &mut Effects) {
    let Some(stream) = s.video.stream.as_mut().filter(|stream| stream.state == State::Live) else { return };
    let managed = stream.is_managed();
    if let Some(after) = stream.stage(now.at, !managed) {
        out.note(Note::StreamStage { stage: "start", after });
    }
}

/// New numbers about a stream that is as it was: told once a second at most.
fn news(s: &mut UserSession, stats: Option<Object>, now: Now, out: &mut Effects) {
    let Some(stream) = &s.video.stream else { return };
    if let Whose::Direct(Direct { told: Some((state, at)), .. }) = &stream.whose
        && now.at - *at >= STATS_GAP
        && *state == StreamState::Active
    {
        tell(s, *state, None, stats, now, out);
    }
}

/// `keep_alive_ack`.
pub(crate) fn acknowledged(s: &mut UserSession, ack: &KeepAliveAck) {
    if let Some(stream) = s.video.named(Some(&ack.stream_id)) {
        stream.answered(&ack.ack_id);
    }
}

/// A deadline of the stream has come.
pub(crate) fn due(s: &mut UserSession, now: Now, out: &mut Effects) {
    let timings = s.config.timings;
    while let Some(stream) = &mut s.video.stream {
        match stream.due(now.at, &timings) {
            None => break,
            Some(Due::Over(end)) => over(s, end, now, out),
            Some(Due::StopAgain) => {
                let order = stream.order();
                say_stop(s, order, now, out);
            }
            Some(Due::Ask(question)) => ask(s, question, now, out),
        }
    }
    managed::due(s, now, out);
}

fn ask(s: &UserSession, ack_id: String, now: Now, out: &mut Effects) {
    let (Some(phone), Some(stream)) = (s.glasses_link().map(|link| link.conn), &s.video.stream) else { return };
    let (stream_id, timestamp) = (stream.id.clone(), Some(now.wall));
    let question = KeepStreamAlive { stream_id, ack_id, timestamp };
    let rtmp = stream.wish.is_rtmp();
    let message = if rtmp { ToPhone::KeepRtmpStreamAlive(question) } else { ToPhone::KeepStreamAlive(question) };
    out.control(phone, &message);
}

/// Every app that has to do with the stream.
pub(crate) fn apps(s: &UserSession) -> Vec<PackageName> {
    match s.video.stream.as_ref().map(|stream| &stream.whose) {
        None => vec![],
        Some(Whose::Direct(direct)) => vec![direct.app.clone()],
        Some(Whose::Managed(managed)) => managed.viewers.iter().map(|viewer| viewer.app.clone()).collect(),
    }
}

/// An app is stopped, or has lost the permission.
pub(crate) fn app_gone(s: &mut UserSession, app: &PackageName, now: Now, out: &mut Effects) {
    match s.video.stream.as_ref().map(|stream| stream.is_managed()) {
        Some(true) => managed::leaves(s, app, "app_stopped", now, out),
        Some(false) => end(s, End::stopped("app_stopped"), now, out),
        None => {}
    }
}

/// The wearer does not want to be seen any more.
pub(crate) fn sensing_off(s: &mut UserSession, now: Now, out: &mut Effects) {
    let why = "PERMISSION_DENIED: The wearer has switched sensing off";
    end(s, End { state: StreamState::Error, reason: "sensing_off", why: Some(why.to_owned()), said: false }, now, out);
}

/// The phone is back.
pub(crate) fn phone_back(s: &mut UserSession, now: Now, out: &mut Effects) {
    if let Some(order) = s.video.owed.take() {
        say_stop(s, order, now, out);
    }
    let Some(stream) = &mut s.video.stream else { return };
    match stream.state {
        State::Requested { .. } => {}
        State::Starting { .. } => say_start(s, now, out),
        State::Stopping { .. } => {
            let order = stream.order();
            say_stop(s, order, now, out);
        }
        // It is asked with the end of this step.
        State::Live | State::Degraded { .. } => {
            stream.phone_back(now.at);
            due(s, now, out);
        }
    }
}

/// The session ends. Its apps are told that it does; here it is about the glasses, and about whoever carries the stream.
pub(crate) fn session_ends(s: &mut UserSession, now: Now, out: &mut Effects) {
    let Some(mut stream) = s.video.stream.take() else { return };
    if stream.is_begun() {
        say_stop(s, stream.order(), now, out);
    }
    out.note(Note::StreamEnded { managed: stream.is_managed(), reason: "session_ended", after: now.at - stream.since });
    if let Whose::Managed(managed) = &mut stream.whose {
        managed::let_go(s, &stream.id, managed, out);
    }
}

/// The apps of the stream are told how it is.
pub(crate) fn tell(
    s: &mut UserSession,
    state: StreamState,
    why: Option<String>,
    stats: Option<Object>,
    now: Now,
    out: &mut Effects,
) {
    let Some(stream) = &mut s.video.stream else { return };
    match &mut stream.whose {
        Whose::Managed(_) => managed::tell(s, now, out),
        Whose::Direct(direct) => {
            direct.told = Some((state, now.at));
            let (app, new_names, id) = (direct.app.clone(), direct.new_names, stream.id.clone());
            let how = End { state, reason: "", why, said: false };
            tell_direct(s, &app, new_names, Some(id), &how, stats, now, out);
        }
    }
}

/// `rtmp_stream_status` or `stream_status`, under the name of the request: to the owner itself, and as an event to others
/// that listen. An owner that listens, too, would hear everything twice.
#[allow(clippy::too_many_arguments, reason = "a status has that many parts")]
fn tell_direct(
    s: &mut UserSession,
    app: &PackageName,
    new_names: bool,
    stream_id: Option<String>,
    how: &End,
    stats: Option<Object>,
    now: Now,
    out: &mut Effects,
) {
    let Some(slot) = s.apps.get(app) else { return };
    let known = stream_id.is_some();
    let status = DirectStreamStatus {
        session_id: Some(slot.session_id.to_string()),
        stream_id,
        status: how.state,
        error_details: how.why.clone(),
        stats,
        app_id: Some(app.to_string()),
        timestamp: now.wall,
    };
    let message = |status, new| if new { ToApp::StreamStatus(status) } else { ToApp::RtmpStreamStatus(status) };
    send_message(s, app, &message(status.clone(), new_names), now, out);
    if known {
        for (base, new) in [("rtmp_stream_status", false), ("stream_status", true)] {
            others_hear(s, app, base, &message(status.clone(), new).encode(), now, out);
        }
    }
}

fn others_hear(s: &mut UserSession, owner: &PackageName, base: &str, data: &Text, now: Now, out: &mut Effects) {
    let targets = s.subscriptions.targets(Topic::Plain(base)).filter(|(app, _)| *app != owner);
    let targets: Vec<_> = targets.map(|(app, stream)| (app.clone(), stream.clone())).collect();
    for (app, stream) in targets {
        send_event(s, &app, &stream, base, data, now, out);
    }
}
