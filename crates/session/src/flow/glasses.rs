//! What the phone sends for the glasses. Only what the cloud acts upon is decoded; everything else is passed on as it is.

use bifocal_protocol::close::Close;
use bifocal_protocol::device::GlassesInfo;
use bifocal_protocol::glasses::{FromPhone, PhonePong, SettingsUpdate, ToPhone};
use bifocal_protocol::ids::PackageName;
use bifocal_protocol::json::{Malformed, peek_type};
use bifocal_protocol::webhook::StopReason;
use bifocal_protocol::{Message, Text};
use bytes::Bytes;

use crate::effect::{Call, Effect, Effects, Note};
use crate::errors::ErrorRow;
use crate::flow::lifecycle::acknowledge;
use crate::flow::start::Wish;
use crate::flow::{
    camera, device, light, links, location, phone, playback, settings as settings_flow, speech, start, stop,
};
use crate::input::ConnId;
use crate::links::Side;
use crate::now::Now;
use crate::record::Parked;
use crate::relay::{relay, relay_audio};
use crate::seeded::Bug;
use crate::session::{Glasses, UserSession};
use crate::subscriptions::Topic;

/// A text frame.
pub(crate) fn text(s: &mut UserSession, conn: ConnId, text: &Text, now: Now, out: &mut Effects) {
    if !is_current(s, conn, now) {
        return;
    }
    let kind = match peek_type(text) {
        Ok(kind) => kind,
        Err(error) => return malformed(s, conn, &error, now, out),
    };
    s.last.keep(&kind, text);
    if !acted_upon(&kind) {
        if !FromPhone::TYPES.contains(&&*kind) {
            out.note(Note::UnknownType(Side::Glasses));
        }
        if matches!(&*kind, "VAD" | "vad") {
            return voice_activity(s, text, now, out);
        }
        return relay(s, Topic::Plain(&kind), text, now, out);
    }
    match FromPhone::decode_as(&kind, text) {
        None => {}
        Some(Err(error)) => malformed(s, conn, &error, now, out),
        Some(Ok(message)) => act(s, conn, message, text, now, out),
    }
}

/// The messages that mean something to the cloud itself.
fn acted_upon(kind: &str) -> bool {
    matches!(
        kind,
        "connection_init"
            | "ping"
            | "start_app"
            | "stop_app"
            | "request_settings"
            | "settings_update_request"
            | "local_transcription"
            | "touch_event"
            | "glasses_connection_state"
            | "location_update"
            | "calendar_event"
            | "head_position"
            | "phone_notification"
            | "phone_notification_dismissed"
            | "core_status_update"
            | "rgb_led_control_response"
            | "audio_play_response"
            | "photo_response"
            | "rtmp_stream_status"
            | "stream_status"
            | "keep_alive_ack"
    )
}

fn act(s: &mut UserSession, conn: ConnId, message: FromPhone, text: &Text, now: Now, out: &mut Effects) {
    match message {
        // Never required, and never a reason to begin anything again.
        FromPhone::ConnectionInit(init) => match init.core_token.filter(|token| !token.is_empty()) {
            None => acknowledge(s, conn, now, out),
            Some(token) => {
                let call = s.new_call();
                if let Some((_, link)) = links::current(s, conn) {
                    link.checking = Some(call);
                }
                out.push(Effect::Call { call, what: Call::VerifyToken { token } });
            }
        },
        FromPhone::Ping(_) => out.control(conn, &ToPhone::Pong(PhonePong { timestamp: now.wall })),
        FromPhone::StartApp(request) => {
            if let Ok(package) = PackageName::new(&request.package_name) {
                start::start(s, &package, Wish::New, None, now, out);
            }
        }
        FromPhone::StopApp(request) => {
            if let Ok(package) = PackageName::new(&request.package_name) {
                start::want_running(s, &package, false, out);
                stop::stop(s, &package, StopReason::UserDisabled, now, out);
            }
        }
        FromPhone::RequestSettings(_) => settings(s, conn, false, now, out),
        FromPhone::SettingsUpdateRequest(_) => settings(s, conn, true, now, out),
        FromPhone::LocalTranscription(words) => speech::local_words(s, words, now, out),
        FromPhone::GlassesConnectionState(state) => {
            device::link(s, text, state.wifi.is_some(), now, out);
            if state.is_connected() {
                s.microphone.glasses_back();
            }
            let wifi = state.wifi.as_ref();
            let report = GlassesInfo {
                connected: Some(state.is_connected()),
                model_name: state.model_name.filter(|name| !name.is_empty()).map(Some),
                wifi_connected: wifi.map(|wifi| wifi.connected),
                wifi_ssid: wifi.and_then(|wifi| wifi.ssid.clone()),
                ..GlassesInfo::default()
            };
            device::reported(s, report, now, out);
        }
        FromPhone::LocationUpdate(update) => location::fix(s, &update, text, now, out),
        FromPhone::CalendarEvent(event) => {
            // One that has no start is told, and not kept.
            s.calendar.add(event, now.wall);
            s.dashboard.dirty = true;
            relay(s, Topic::Plain("calendar_event"), text, now, out);
        }
        FromPhone::RgbLedControlResponse(done) => light::led_done(s, &done, text, now, out),
        FromPhone::AudioPlayResponse(done) => playback::played(s, done, now, out),
        FromPhone::CoreStatusUpdate(update) => {
            relay(s, Topic::Plain("core_status_update"), text, now, out);
            if let Some(status) = update.read(&s.settings.system) {
                settings_flow::core_status(s, status, now, out);
            }
        }
        FromPhone::HeadPosition(head) => {
            // Told with the end of this step, if it is not too soon after the one before.
            s.head.moved(text);
            if head.position == "up" {
                s.dashboard.head_up();
            }
        }
        FromPhone::PhoneNotification(notification) => phone::notified(s, &notification, text, now, out),
        FromPhone::PhoneNotificationDismissed(which) => phone::dismissed(s, &which, text, now, out),
        FromPhone::TouchEvent(touch) => relay(s, Topic::Touch(&touch.gesture_name), text, now, out),
        other => camera::phone_says(s, other, now, out),
    }
}

/// Where the head is now, when apps are to be told.
pub(crate) fn tell_head(s: &mut UserSession, now: Now, out: &mut Effects) {
    if let Some(text) = s.head.take(now.at, &s.config.timings) {
        relay(s, Topic::Plain("head_position"), &text, now, out);
    }
}

/// A binary frame: sound.
pub(crate) fn binary(s: &mut UserSession, conn: ConnId, data: Bytes, now: Now, out: &mut Effects) {
    if !is_current(s, conn, now) {
        return;
    }
    s.microphone.heard(now.at, &s.config.timings);
    if !s.settings.system.sensing_enabled {
        // The phone is told not to send it; what comes all the same reaches nobody.
        return;
    }
    let samples = s.audio.align(data);
    if !samples.is_empty() {
        relay_audio(s, &samples, out);
        speech::sound(s, samples, now, out);
    }
}

/// Whether this is the glasses' current socket; a frame of it is a sign of life.
fn is_current(s: &mut UserSession, conn: ConnId, now: Now) -> bool {
    let stale = crate::seeded::on(Bug::StaleFrames);
    match &mut s.glasses {
        Glasses::Connected(link) if (link.conn == conn || stale) && link.terminate_at.is_none() => {
            link.heard(now.at);
            true
        }
        _ => false,
    }
}

fn malformed(s: &mut UserSession, conn: ConnId, _error: &Malformed, now: Now, out: &mut Effects) {
    out.note(Note::Malformed(Side::Glasses));
    out.control(conn, &ErrorRow::MALFORMED.message(now.wall));
    links::misbehaved(s, conn, Close::Malformed, now, out);
}

/// `VAD`: somebody speaks, or stopped speaking. The simulator of the reference writes the type in lower case.
fn voice_activity(s: &mut UserSession, text: &str, now: Now, out: &mut Effects) {
    if !s.settings.system.sensing_enabled {
        return;
    }
    #[derive(serde::Deserialize)]
    struct Vad {
        #[serde(default)]
        status: serde_json::Value,
    }
    if let Ok(vad) = serde_json::from_str::<Vad>(text) {
        s.speaking = vad.status == true || vad.status == "true";
        if !s.speaking {
            s.speech.quiet(out);
        }
    }
    relay(s, Topic::Plain("VAD"), text, now, out);
}

/// The settings in force, defaults included. Those of the user are waited for.
pub(crate) fn settings(s: &mut UserSession, conn: ConnId, with_success: bool, now: Now, out: &mut Effects) {
    let early = s.load.is_awaited() && !s.load.is_loaded();
    if early && s.load.park(Parked::Settings { conn, with_success }).is_ok() {
        return;
    }
    if s.glasses_link().is_none_or(|link| link.conn != conn) {
        return;
    }
    let update = SettingsUpdate {
        session_id: (!with_success).then(|| s.user.to_string()),
        success: with_success.then_some(true),
        message: with_success.then(|| "Current settings".to_owned()),
        settings: s.settings.system.clone(),
        timestamp: now.wall,
    };
    out.control(conn, &ToPhone::SettingsUpdate(update));
}
