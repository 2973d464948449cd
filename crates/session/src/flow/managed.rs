//! Managed streams: apps come and go, the provider makes, reports and deletes, copies are sent to other servers.

use bifocal_protocol::apps::{
    AppErrorCode, ManagedStreamRequest, ManagedStreamStatus, StreamInfo, StreamKind, StreamStatusCheck,
    StreamStatusCheckResponse, ToApp,
};
use bifocal_protocol::ids::PackageName;
use bifocal_protocol::media::{ManagedState, StreamState};
use bifocal_protocol::permission::Permission;

use crate::camera::managed::{Carried, Managed, Viewer, message};
use crate::camera::outputs::{OutputAsk, OutputRefused, Outputs, StreamAsk};
use crate::camera::streams::{End, State, Stream, Whose, Wish};
use crate::camera::{Busy, MediaCall, MediaOutput, MediaPhase, MediaReport};
use crate::effect::{Answer, Call, Effect, Effects, Note};
use crate::flow::app::reply_error;
use crate::flow::camera::{For, busy, ready};
use crate::flow::stream;
use crate::input::{AskId, CallId, ConnId, Outcome};
use crate::now::Now;
use crate::relay::send_message;
use crate::session::UserSession;

/// `managed_stream_request`.
pub(crate) fn request(
    s: &mut UserSession,
    conn: ConnId,
    app: &PackageName,
    request: ManagedStreamRequest,
    now: Now,
    out: &mut Effects,
) {
    let refuse = |s: &mut UserSession, code: &str, app_code, why: &str, out: &mut Effects| {
        reply_error(conn, app_code, why, now, out);
        say(s, app, failed(format!("{code}: {why}"), now), now, out);
    };
    if let Err(not) = ready(s, app, For::Stream) {
        return refuse(s, not.stream_code(), not.app_code(), &not.why(), out);
    }
    if !s.config.camera.managed_streams {
        let why = "This server carries no managed streams; stream directly, or ask its operator to switch them on";
        return refuse(s, "NOT_AVAILABLE", AppErrorCode::InternalError, why, out);
    }
    let to = |to: bifocal_protocol::media::RestreamDestination| MediaOutput { url: to.url, name: to.name };
    let new: Vec<MediaOutput> = request.restream_destinations.unwrap_or_default().into_iter().map(to).collect();
    match busy(s) {
        Some(Busy::Stream { managed: true, ends: false }) => return join(s, conn, app, new, now, out),
        Some(busy) => return refuse(s, busy.code(), AppErrorCode::InternalError, busy.why(), out),
        None => {}
    }
    let mut outputs = Outputs::default();
    if let Err(refused) = outputs.check(&new) {
        return refuse(s, refused.code(), AppErrorCode::MalformedMessage, refused.why(), out);
    }
    new.iter().for_each(|to| outputs.add(to.clone(), app, None));
    let (call, id) = (s.new_call(), s.entropy.uuid7(now.wall));
    let timings = s.config.timings;
    let managed = Managed::new(app, call, outputs, now.at + timings.stream_watch);
    let ManagedStreamRequest { video, audio, stream, sound, .. } = request;
    let wish = Wish { url: String::new(), video, audio, stream, sound };
    let whose = Whose::Managed(Box::new(managed));
    let stream = Stream::new(id.clone(), whose, wish, now.at, now.wall, &timings);
    s.video.stream = Some(Box::new(stream));
    out.note(Note::StreamBegan { package: app.clone(), managed: true });
    let what = Call::Media(Box::new(MediaCall::Create { stream: id, outputs: new }));
    out.push(Effect::Call { call, what });
    tell(s, now, out);
}

/// Another app takes part, or the same one asks again: it hears how the stream really is.
fn join(s: &mut UserSession, conn: ConnId, app: &PackageName, new: Vec<MediaOutput>, now: Now, out: &mut Effects) {
    let Some((_, managed)) = parts(s) else { return };
    managed.join(app);
    tell(s, now, out);
    for to in new {
        if let Err(refused) = add_output(s, app, to, None, out) {
            reply_error(conn, AppErrorCode::MalformedMessage, refused.why(), now, out);
        }
    }
}

fn parts(s: &mut UserSession) -> Option<(&str, &mut Managed)> {
    match s.video.stream.as_deref_mut()? {
        Stream { id, whose: Whose::Managed(managed), .. } => Some((id, managed)),
        _ => None,
    }
}

/// `managed_stream_stop`: the app does not take part any more.
pub(crate) fn stop(s: &mut UserSession, app: &PackageName, now: Now, out: &mut Effects) {
    if parts(s).is_some_and(|(_, managed)| managed.has(app)) {
        return leaves(s, app, "owner", now, out);
    }
    // SDK v2 starts no other while it believes that one runs.
    say(s, app, ManagedStreamStatus { status: ManagedState::Stopped, ..blank(now) }, now, out);
}

/// An app leaves; the last one ends the stream.
pub(crate) fn leaves(s: &mut UserSession, app: &PackageName, reason: &'static str, now: Now, out: &mut Effects) {
    let Some((id, managed)) = parts(s) else { return };
    if !managed.leave(app) {
        return;
    }
    let last = managed.viewers.is_empty();
    let stream_id = Some(id.to_owned());
    say(s, app, ManagedStreamStatus { status: ManagedState::Stopped, stream_id, ..blank(now) }, now, out);
    if last {
        stream::end(s, End::stopped(reason), now, out);
    }
}

/// The provider says how the stream is.
pub(crate) fn reported(s: &mut UserSession, report: MediaReport, now: Now, out: &mut Effects) {
    let timings = s.config.timings;
    let Some((_, managed)) = parts(s) else { return };
    if managed.media() != Some(&report.media) {
        return;
    }
    let before = managed.phase;
    managed.report(report);
    let phase = managed.phase;
    match phase {
        MediaPhase::Ended(word) => {
            let why = format!("The stream has ended at whoever carries it ({word})");
            stream::over(s, End { why: Some(why), ..End::failed("provider", "") }, now, out);
        }
        // The glasses stream, whether they have said so or not.
        MediaPhase::Preparing | MediaPhase::Live => {
            if let Some(stream) = s.video.stream.as_mut().filter(|_| before != phase) {
                let starts = matches!(stream.state, State::Starting { .. });
                stream.report(StreamState::Active, None, now.at, &timings);
                if starts {
                    stream::starts_to_stream(s, now, out);
                }
            }
            if phase == MediaPhase::Live
                && let Some(after) = s.video.stream.as_mut().and_then(|stream| stream.stage(now.at, true))
            {
                out.note(Note::StreamStage { stage: "watch", after });
            }
            tell(s, now, out);
        }
        MediaPhase::Waiting | MediaPhase::Lost => tell(s, now, out),
    }
}

/// A call has ended; given back when it was not about a managed stream.
pub(crate) fn call_ended(
    s: &mut UserSession,
    call: CallId,
    outcome: Outcome,
    now: Now,
    out: &mut Effects,
) -> Option<Outcome> {
    let asked = parts(s).is_some_and(|(_, managed)| matches!(managed.carried, Carried::Asked(by) if by == call));
    match outcome {
        Outcome::Media(made) if asked => {
            let (_, managed) = parts(s)?;
            let url = made.publish_url.clone();
            managed.made(*made);
            if let Some(stream) = &mut s.video.stream {
                stream.wish.url = url;
                if let Some(after) = stream.stage(now.at, false) {
                    out.note(Note::StreamStage { stage: "place", after });
                }
            }
            stream::start(s, now, out);
            tell(s, now, out);
        }
        // Nobody wants it any more.
        Outcome::Media(made) => delete(s, made.stream.clone(), made.media.clone(), out),
        Outcome::Failed { why } if asked => {
            let end =
                End { said: true, why: Some(format!("No stream could be made: {why}")), ..End::failed("provider", "") };
            stream::over(s, end, now, out);
        }
        Outcome::Output(made) => output_ended(s, call, made.map(Some), now, out),
        other => {
            let waits = parts(s).is_some_and(|(_, managed)| managed.outputs.by_call(call).is_some());
            if !waits {
                return Some(other);
            }
            let failed = matches!(other, Outcome::Failed { .. });
            output_ended(s, call, if failed { Err(OutputRefused::Provider) } else { Ok(None) }, now, out);
        }
    }
    None
}

fn delete(s: &mut UserSession, stream: String, media: String, out: &mut Effects) {
    let call = s.new_call();
    out.push(Effect::Call { call, what: Call::Media(Box::new(MediaCall::Delete { stream, media })) });
}

/// The glasses are told to stop: nobody takes part any more, and every app hears at once why.
pub(crate) fn dismiss(s: &mut UserSession, now: Now, out: &mut Effects) {
    let Some(Stream { id, state: State::Stopping { end, .. }, whose: Whose::Managed(managed), .. }) =
        s.video.stream.as_deref_mut()
    else {
        return;
    };
    let (id, end, viewers) = (id.clone(), end.clone(), std::mem::take(&mut managed.viewers));
    tell_over(s, &id, viewers, &end, now, out);
}

/// The stream is over: every app that takes part hears why, the provider lets it go.
pub(crate) fn over(s: &mut UserSession, id: &str, managed: &mut Managed, end: &End, now: Now, out: &mut Effects) {
    let viewers = std::mem::take(&mut managed.viewers);
    tell_over(s, id, viewers, end, now, out);
    let_go(s, id, managed, out);
}

fn tell_over(s: &mut UserSession, id: &str, viewers: Vec<Viewer>, end: &End, now: Now, out: &mut Effects) {
    let status = if end.state == StreamState::Stopped { ManagedState::Stopped } else { ManagedState::Error };
    let why = end.why.clone().or_else(|| (end.reason == "glasses").then(|| "The glasses have ended it".to_owned()));
    for viewer in viewers {
        let stream_id = Some(id.to_owned());
        let told = ManagedStreamStatus { status, stream_id, message: why.clone(), ..blank(now) };
        say(s, &viewer.app, told, now, out);
    }
}

/// Nothing of it is left behind: neither with the provider, nor somebody who waits.
pub(crate) fn let_go(s: &mut UserSession, id: &str, managed: &mut Managed, out: &mut Effects) {
    for ask in managed.outputs.waiting() {
        out.answer(ask, Answer::OutputRefused(OutputRefused::StreamNotFound));
    }
    if let Some(media) = managed.media() {
        delete(s, id.to_owned(), media.to_owned(), out);
    }
}

/// It has not been watchable in time.
pub(crate) fn due(s: &mut UserSession, now: Now, out: &mut Effects) {
    if s.video.watch_by().is_some_and(|at| at <= now.at) {
        let why = "The glasses stream, but nothing can be watched";
        stream::over(s, End::failed("not_watchable", why), now, out);
    }
}

/// Every app that takes part is told how the stream is, when that is another way than it was told.
pub(crate) fn tell(s: &mut UserSession, now: Now, out: &mut Effects) {
    let Some(stream) = &mut s.video.stream else { return };
    let (id, ends) = (stream.id.clone(), stream.is_ending());
    let Whose::Managed(managed) = &mut stream.whose else { return };
    if ends {
        return;
    }
    let current = managed.told_now();
    let mut told = Vec::new();
    for at in 0..managed.viewers.len() {
        let before = managed.viewers[at].told.replace(current);
        if before == Some(current) {
            continue;
        }
        let app = managed.viewers[at].app.clone();
        let changed = before.is_some_and(|before| before.state == current.state);
        // Not before it can be watched: SDKs keep their promise with the first `active` that has URLs.
        let urls = managed.urls().filter(|_| current.state == ManagedState::Active);
        let status = ManagedStreamStatus {
            status: current.state,
            stream_id: Some(id.clone()),
            hls_url: urls.map(|urls| urls.hls.clone()),
            dash_url: urls.map(|urls| urls.dash.clone()),
            webrtc_url: urls.and_then(|urls| urls.webrtc.clone()),
            preview_url: urls.map(|urls| urls.preview.clone()),
            thumbnail_url: urls.map(|urls| urls.thumbnail.clone()),
            message: message(managed.phase, managed.trouble.as_deref(), changed),
            outputs: managed.outputs.in_status(&app),
            ..blank(now)
        };
        told.push((app, status));
    }
    for (app, status) in told {
        say(s, &app, status, now, out);
    }
}

fn blank(now: Now) -> ManagedStreamStatus {
    ManagedStreamStatus {
        status: ManagedState::Initializing,
        stream_id: None,
        hls_url: None,
        dash_url: None,
        webrtc_url: None,
        preview_url: None,
        thumbnail_url: None,
        message: None,
        outputs: None,
        resumed: None,
        timestamp: now.wall,
    }
}

fn failed(message: String, now: Now) -> ManagedStreamStatus {
    ManagedStreamStatus { status: ManagedState::Error, message: Some(message), ..blank(now) }
}

fn say(s: &mut UserSession, app: &PackageName, status: ManagedStreamStatus, now: Now, out: &mut Effects) {
    send_message(s, app, &ToApp::ManagedStreamStatus(status), now, out);
}

/// An app asks over REST about the copies of a stream.
pub(crate) fn asked(s: &mut UserSession, ask: AskId, wish: StreamAsk, out: &mut Effects) {
    let StreamAsk { app, stream, what } = wish;
    let Some((_, managed)) = parts(s).filter(|(id, _)| **id == *stream) else {
        return out.answer(ask, Answer::OutputRefused(OutputRefused::StreamNotFound));
    };
    if !managed.has(&app) {
        return out.answer(ask, Answer::OutputRefused(OutputRefused::NotAViewer));
    }
    let result = match what {
        OutputAsk::List => return out.answer(ask, Answer::Outputs(managed.outputs.seen_by(&app))),
        OutputAsk::Add(to) => add_output(s, &app, to, Some(ask), out),
        OutputAsk::Remove(id) => remove_output(s, &app, id, ask, out),
    };
    if let Err(refused) = result {
        out.answer(ask, Answer::OutputRefused(refused));
    }
}

fn add_output(
    s: &mut UserSession,
    app: &PackageName,
    to: MediaOutput,
    ask: Option<AskId>,
    out: &mut Effects,
) -> Result<(), OutputRefused> {
    let call = s.new_call();
    let (_, managed) = parts(s).ok_or(OutputRefused::StreamNotFound)?;
    managed.outputs.check(std::slice::from_ref(&to))?;
    let media = managed.media().ok_or(OutputRefused::Provider)?.to_owned();
    managed.outputs.add(to.clone(), app, Some((call, ask)));
    out.push(Effect::Call { call, what: Call::Media(Box::new(MediaCall::AddOutput { media, output: to })) });
    Ok(())
}

fn remove_output(
    s: &mut UserSession,
    app: &PackageName,
    id: String,
    ask: AskId,
    out: &mut Effects,
) -> Result<(), OutputRefused> {
    let call = s.new_call();
    let (_, managed) = parts(s).ok_or(OutputRefused::StreamNotFound)?;
    managed.outputs.may_remove(&id, app)?;
    let media = managed.media().ok_or(OutputRefused::Provider)?.to_owned();
    managed.outputs.remove(&id, call, ask);
    out.push(Effect::Call { call, what: Call::Media(Box::new(MediaCall::RemoveOutput { media, output: id })) });
    Ok(())
}

fn output_ended(
    s: &mut UserSession,
    call: CallId,
    made: Result<Option<String>, OutputRefused>,
    now: Now,
    out: &mut Effects,
) {
    let Some((_, managed)) = parts(s) else { return };
    let id = made.clone().ok().flatten().unwrap_or_default();
    let Some((ask, removed)) = managed.outputs.ended(call, made.clone()) else { return };
    if let Some(ask) = ask {
        out.answer(
            ask,
            match made {
                _ if removed => Answer::OutputRemoved,
                Ok(_) => Answer::OutputAdded(id),
                Err(refused) => Answer::OutputRefused(refused),
            },
        );
    }
    tell(s, now, out);
}

/// `stream_status_check`: answered truly. Where others' streams go is not told, nor where a stream can be watched to those
/// who take no part in it; apps that may not use the camera learn only that it is in use.
pub(crate) fn check(
    s: &UserSession,
    conn: ConnId,
    app: &PackageName,
    check: StreamStatusCheck,
    now: Now,
    out: &mut Effects,
) {
    let granted = s.apps.get(app).is_some_and(|slot| slot.record.granted().grants(Permission::Camera));
    let stream = s.video.stream.as_ref();
    let info = stream.filter(|_| granted).map(|stream| info(stream, app));
    let response = StreamStatusCheckResponse {
        request_id: check.request_id,
        has_active_stream: stream.is_some(),
        stream_info: info,
        timestamp: now.wall,
    };
    out.control(conn, &ToApp::StreamStatusCheckResponse(response));
}

fn info(stream: &Stream, app: &PackageName) -> StreamInfo {
    let status = match &stream.state {
        State::Requested { .. } | State::Starting { .. } | State::Degraded { .. } => "initializing",
        State::Live => "active",
        State::Stopping { .. } => "stopping",
    };
    let mut info = StreamInfo {
        kind: StreamKind::Unmanaged,
        stream_id: stream.id.clone(),
        status: status.to_owned(),
        created_at: stream.created,
        hls_url: None,
        dash_url: None,
        webrtc_url: None,
        preview_url: None,
        thumbnail_url: None,
        active_viewers: None,
        rtmp_url: None,
        stream_url: None,
        requesting_app_id: None,
    };
    match &stream.whose {
        Whose::Direct(direct) => {
            info.requesting_app_id = Some(direct.app.to_string());
            let url = (direct.app == *app).then(|| stream.wish.url.clone());
            (info.rtmp_url, info.stream_url) = (url.clone(), url);
        }
        Whose::Managed(managed) => {
            info.kind = StreamKind::Managed;
            info.status = if stream.is_ending() { "stopping" } else { state_name(managed.state()) }.to_owned();
            info.active_viewers = Some((managed.viewers.len() as u64).max(u64::from(managed.watching)));
            if let Some(urls) = managed.urls().filter(|_| managed.has(app)) {
                info.hls_url = Some(urls.hls.clone());
                info.dash_url = Some(urls.dash.clone());
                info.webrtc_url = urls.webrtc.clone();
                info.preview_url = Some(urls.preview.clone());
                info.thumbnail_url = Some(urls.thumbnail.clone());
            }
        }
    }
    info
}

fn state_name(state: ManagedState) -> &'static str {
    match state {
        ManagedState::Initializing => "initializing",
        ManagedState::Preparing => "preparing",
        ManagedState::Active => "active",
        ManagedState::Stopping => "stopping",
        ManagedState::Stopped => "stopped",
        ManagedState::Error => "error",
    }
}
