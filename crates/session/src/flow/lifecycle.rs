//! The life of the session: glasses come, the record is loaded, glasses come back, the session ends.

use bifocal_protocol::Message;
use bifocal_protocol::apps::{AppStopped, ToApp};
use bifocal_protocol::close::Close;
use bifocal_protocol::glasses::{AppStateChange, ConnectionAck, FromPhone, GlassesConnectionState, ToPhone};
use bifocal_protocol::webhook::StopReason;

use crate::apps::{Phase, StartWebhook};
use crate::deadline::Deadline;
use crate::effect::{Answer, Effect, Effects, Lane, LatestKey, Note};
use crate::errors::ErrorRow;
use crate::flow;
use crate::flow::{camera, links, location, peers, photo, playback, record, speech, start, stop, stream};
use crate::input::{ConnId, EndReason, Input};
use crate::links::Link;
use crate::microphone::MicState;
use crate::now::Now;
use crate::record::Parked;
use crate::relay::{self, relay};
use crate::session::{Glasses, UserSession};
use crate::subscriptions::Topic;

/// A phone opened its socket: seed 000 `createSession`, for a new session and for one that is there. The ack goes out at
/// once; apps start later.
pub(crate) fn glasses_connected(s: &mut UserSession, conn: ConnId, now: Now, out: &mut Effects) {
    let link = Link::new(conn, now.at, s.entropy.byte(), &s.config.timings);
    let before = std::mem::replace(&mut s.glasses, Glasses::Connected(link));
    let reconnection = !matches!(before, Glasses::Expected);
    if let Glasses::Connected(old) = before {
        // One that has had its close frame gets no other.
        out.push(match old.terminate_at {
            Some(_) => Effect::Abort { conn: old.conn },
            None => Effect::Close { conn: old.conn, close: Close::Superseded },
        });
    }
    s.totals.glasses_came(now.at);
    out.note(Note::GlassesConnected { reconnection });
    if reconnection {
        s.reconnections += 1;
    } else {
        record::load_user(s, out);
    }
    acknowledge(s, conn, now, out);
    // The rest of the resync goes out with the end of this step: the microphone, then what should be visible.
    s.microphone.connected();
    s.display.reconnected();
    s.location.reconnected();
    if reconnection {
        flow::flush(s, now, out);
        app_state_changed(s, None, now, out);
        tell_connection(s, true, now, out);
        camera::phone_back(s, now, out);
        start::wake_dormant(s, now, out);
    }
}

/// `glasses_connection_state` in the name of the phone: apps that listen to it learn at once that the link to the phone is
/// lost, and that it is back.
pub(crate) fn tell_connection(s: &mut UserSession, connected: bool, now: Now, out: &mut Effects) {
    let state = GlassesConnectionState {
        model_name: Some(s.device.model().unwrap_or_default().to_owned()),
        // The phone may be there without the glasses.
        status: if connected && s.device.is_connected() != Some(false) { "CONNECTED" } else { "DISCONNECTED" }
            .to_owned(),
        wifi: None,
    };
    let text = FromPhone::GlassesConnectionState(state).encode();
    s.last.keep("glasses_connection_state", &text);
    relay(s, Topic::Plain("glasses_connection_state"), &text, now, out);
}

/// `connection_ack`, with the session as it is.
pub(crate) fn acknowledge(s: &UserSession, conn: ConnId, now: Now, out: &mut Effects) {
    let ack = ConnectionAck {
        session_id: s.user.to_string(),
        user_session: s.snapshot(),
        audio: s.sound_paths.as_deref().cloned().unwrap_or_default(),
        timestamp: now.wall,
    };
    out.control(conn, &ToPhone::Ack(ack));
}

/// What apps want has changed, and nothing else of what the phone shows: it is told soon.
pub(crate) fn lists_changed(s: &mut UserSession, now: Now) {
    s.app_state_at.get_or_insert(now.at + s.config.timings.app_state_gap);
}

/// Tells the phone that the list of apps is another one.
pub(crate) fn app_state_changed(s: &mut UserSession, error: Option<String>, now: Now, out: &mut Effects) {
    s.app_state_at = None;
    let Some(link) = s.glasses_link() else { return };
    let session_id = s.user.to_string();
    let change = AppStateChange { session_id, user_session: s.snapshot(), error, timestamp: now.wall };
    out.send(link.conn, Lane::Latest(LatestKey::AppState), &ToPhone::AppStateChange(change));
}

/// A deadline has come.
pub(crate) fn due(s: &mut UserSession, deadline: Deadline, now: Now, out: &mut Effects) {
    match deadline {
        Deadline::GlassesPing => links::ping_glasses(s, now, out),
        Deadline::GlassesSilent => links::glasses_silent(s, now, out),
        Deadline::GlassesTerminate => links::glasses_terminate(s, now, out),
        Deadline::GlassesGrace => end(s, EndReason::GraceExpired, now, out),
        Deadline::LoadRetry => record::load_user(s, out),
        Deadline::AppPing(package) => links::ping_app(s, &package, now, out),
        Deadline::AppSilent(package) => links::app_silent(s, &package, now, out),
        Deadline::AppFlush(package) => relay::flush(s, &package, now, out),
        Deadline::AppGrace(package) => start::lost(s, &package, now, out),
        Deadline::AppProbe(package) => start::probe(s, &package, out),
        Deadline::AppBackoff(package) => start::revive(s, &package, now, out),
        Deadline::MicOff => s.microphone.expire(now.at),
        Deadline::AppStart(package) => start::timed_out(s, &package, now, out),
        Deadline::WebhookRetry(package) => start::retry_webhook(s, &package, now, out),
        Deadline::AppState => app_state_changed(s, None, now, out),
        Deadline::AppStop(package) => stop::finish(s, &package, now, out),
        // Every step ends with sending what is due.
        Deadline::DisplayFrame(_) | Deadline::MicSend | Deadline::LocationTier => {}
        Deadline::SpeechQuiet
        | Deadline::SpeechIdle
        | Deadline::SpeechRetry
        | Deadline::SpeechOpen
        | Deadline::SpeechRotate => speech::due(s, now, out),
        Deadline::HeadPosition | Deadline::Weather => {}
        Deadline::Dashboard => s.dashboard.clean(now.at),
        Deadline::LocationPoll => location::expire(s, now, out),
        Deadline::AudioPlay => playback::expire(s, now, out),
        Deadline::Photo => photo::expire(s, now, out),
        // Every step ends with taking the next one.
        Deadline::PhotoTurn => {}
        Deadline::StreamState
        | Deadline::StreamStop
        | Deadline::StreamKeepAlive
        | Deadline::StreamAck
        | Deadline::StreamWatch => stream::due(s, now, out),
        Deadline::DisplayClaim => s.display.expire(now.at, &s.config.timings),
    }
}

/// The session ends: seed 001 `dispose`. Apps with a socket are told on it, the others by webhook; never both.
pub(crate) fn end(s: &mut UserSession, reason: EndReason, now: Now, out: &mut Effects) {
    let restart = reason == EndReason::Shutdown;
    camera::session_ends(s, now, out);
    for package in s.apps.packages() {
        let Some(slot) = s.apps.remove(&package) else { continue };
        s.subscriptions.remove(&package);
        peers::gone(&package, out);
        playback::app_gone(s, &package, now, out);
        if let Phase::Starting { webhook: StartWebhook::InFlight { call, .. }, .. } = slot.phase {
            // It would open what is about to end.
            out.push(Effect::Cancel { call });
        }
        for &ask in &slot.waiting {
            out.answer(ask, Answer::SessionEnded);
        }
        match &slot.phase {
            // The app shall come back to the next process, not end.
            Phase::Running { link, .. } if restart => {
                out.push(Effect::Close { conn: link.conn, close: Close::Restart })
            }
            // It may come back to the session that takes the place of this one.
            Phase::Running { link, .. } if reason == EndReason::Fatal => {
                out.push(Effect::Close { conn: link.conn, close: Close::Internal });
            }
            Phase::Running { link, .. } => tell_stopped(link.conn, Close::UserSessionEnded, now, out),
            Phase::Stopping { link: Some(link), .. } => tell_stopped(link.conn, Close::AppStopped, now, out),
            // Told already; or to be started by the next process.
            // It may serve the user elsewhere by now.
            Phase::Dormant => {}
            Phase::Stopping { link: None, .. } => {}
            _ if restart => {}
            Phase::Starting { .. } | Phase::Grace { .. } | Phase::Backoff { .. } | Phase::Failed { .. } => {
                stop::send_webhook(s, &slot, StopReason::SessionEnded, now, out);
            }
        }
    }
    for parked in std::mem::take(&mut s.load.parked) {
        match parked {
            Parked::Start { ask: Some(ask), .. } => out.answer(ask, Answer::SessionEnded),
            Parked::Hello { conn, .. } => out.push(Effect::Abort { conn }),
            Parked::Start { ask: None, .. } | Parked::Stop { .. } => {}
            Parked::Frame { .. } | Parked::Settings { .. } => {}
        }
    }
    if let Some(conn) = s.glasses_link().map(|link| link.conn) {
        if s.microphone.is_on() && !restart {
            flow::say_mic(s, conn, MicState::default(), now, out);
        }
        let close = match reason {
            EndReason::GraceExpired | EndReason::Manual => Close::Revoked,
            EndReason::Shutdown => Close::Restart,
            EndReason::Fatal => {
                out.control(conn, &ErrorRow::INTERNAL.message(now.wall));
                Close::Internal
            }
        };
        out.push(Effect::Close { conn, close });
    }
    s.speech.end(out);
    let summary = Box::new(s.summary(now));
    s.ended = Some(reason);
    out.push(Effect::Ended { reason, summary });
}

/// `app_stopped`, then the close that tells every SDK generation that it is over.
pub(crate) fn tell_stopped(conn: ConnId, close: Close, now: Now, out: &mut Effects) {
    let stopped = AppStopped { reason: Some(close.reason().to_owned()), timestamp: now.wall };
    out.control(conn, &ToApp::Stopped(stopped));
    out.push(Effect::Close { conn, close });
}

/// What still arrives after the end is sent back to where a new session can take it.
pub(crate) fn after_the_end(input: Input, out: &mut Effects) {
    match input {
        Input::Asked { ask, .. } => out.answer(ask, Answer::SessionEnded),
        Input::GlassesConnected { conn, .. } | Input::AppConnected { conn, .. } => out.push(Effect::Abort { conn }),
        _ => {}
    }
}
