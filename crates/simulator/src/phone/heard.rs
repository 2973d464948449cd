//! Reading what a cloud sends, as a phone reads it.
//!
//! A phone looks at very few fields and forgives the rest, so it can be used with any cloud of this wire. The types of the
//! protocol crate say exactly what *our* cloud writes; held against another one they would refuse harmless differences.

use bifocal_protocol::json;
use bifocal_protocol::layout::{Layout, View};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::PhoneEvent;
use super::datagrams::UdpOffer;
use super::plays::{PlayRequest, StopRequest};
use super::streams::{KeepAlive, StreamRequest, StreamStop};
use crate::clean;
use crate::screen::Picture;

/// What a text frame means to a phone.
#[derive(Debug, PartialEq)]
pub(super) enum Heard {
    /// The session is there; these apps run, if the cloud tells, and sound may take this way, if there is one.
    Ack(Option<Vec<String>>, Option<UdpOffer>),
    /// An app wants something to be heard.
    Play(PlayRequest),
    /// An app wants silence.
    Silence(StopRequest),
    /// `connection_error` and `auth_error`.
    Refused(String),
    /// An app wants a picture.
    Photo(PhotoRequest),
    /// An app, or the cloud for several, wants a stream.
    Stream(StreamRequest),
    /// … wants it no more.
    StreamStop(StreamStop),
    /// The cloud asks whether a stream goes on.
    KeepAlive(KeepAlive),
    /// Anything else.
    Event(PhoneEvent),
}

/// `photo_request`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PhotoRequest {
    pub(super) request_id: String,
    /// The package name.
    pub(super) app_id: String,
    pub(super) webhook_url: Option<String>,
    pub(super) auth_token: Option<String>,
    pub(super) size: String,
    pub(super) compress: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WithSession {
    user_session: Option<Session>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Session {
    active_app_sessions: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Display {
    package_name: String,
    view: String,
    layout: Option<Box<RawValue>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Notice {
    package_name: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Mic {
    required_data: Option<Vec<String>>,
    is_microphone_enabled: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Failure {
    message: String,
    code: Option<String>,
}

/// Reads one text frame. What cannot be read is an event too: a phone never hangs up because of it.
pub(super) fn hear(text: &str) -> Heard {
    let kind = match json::peek_type(text) {
        Ok(kind) => kind.into_owned(),
        Err(error) => return trouble(format!("unreadable message: {error}")),
    };
    read(&kind, text).unwrap_or_else(|error| trouble(format!("unreadable {}: {error}", clean::line(&kind, 40))))
}

fn read(kind: &str, text: &str) -> Result<Heard, serde_json::Error> {
    let event = match kind {
        "connection_ack" => {
            let offer: UdpOffer = decode(text)?;
            let running = decode::<WithSession>(text)?.user_session.and_then(|session| session.active_app_sessions);
            return Ok(Heard::Ack(running, offer.is_one().then_some(offer)));
        }
        "connection_error" | "auth_error" => {
            let failure: Failure = decode(text)?;
            let code = failure.code.map(|code| format!(" ({code})")).unwrap_or_default();
            return Ok(Heard::Refused(clean::line(&format!("{}{code}", failure.message), 300)));
        }
        "photo_request" => return decode(text).map(Heard::Photo),
        "start_rtmp_stream" | "start_stream" => {
            let request: StreamRequest = decode(text)?;
            return Ok(Heard::Stream(StreamRequest { new_names: kind == "start_stream", ..request }));
        }
        "stop_rtmp_stream" | "stop_stream" => {
            let stop: StreamStop = decode(text)?;
            return Ok(Heard::StreamStop(StreamStop { new_names: kind == "stop_stream", ..stop }));
        }
        "keep_rtmp_stream_alive" | "keep_stream_alive" => return decode(text).map(Heard::KeepAlive),
        "audio_play_request" => return decode(text).map(Heard::Play),
        "audio_stop_request" => return decode(text).map(Heard::Silence),
        "display_event" => display(decode(text)?),
        "app_started" => PhoneEvent::AppStarted { package: decode::<Notice>(text)?.package_name },
        "app_stopped" => PhoneEvent::AppStopped { package: decode::<Notice>(text)?.package_name },
        "app_state_change" => {
            let session = decode::<WithSession>(text)?.user_session;
            match session.and_then(|session| session.active_app_sessions) {
                Some(packages) => PhoneEvent::AppsRunning { packages },
                None => PhoneEvent::Other { kind: kind.to_owned() },
            }
        }
        "microphone_state_change" => {
            let mic: Mic = decode(text)?;
            let on = mic.required_data.as_ref().map_or(mic.is_microphone_enabled, |needs| !needs.is_empty());
            PhoneEvent::Mic { on, needs: mic.required_data.unwrap_or_default() }
        }
        _ => PhoneEvent::Other { kind: clean::line(kind, 60) },
    };
    Ok(Heard::Event(event))
}

fn display(display: Display) -> PhoneEvent {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Kind {
        layout_type: String,
    }
    if display.view.is_empty() {
        return PhoneEvent::Error { message: "a display_event without a view: phones drop it".into() };
    }
    let layout = display.layout.as_deref().map_or("null", RawValue::get);
    let Ok(Kind { layout_type }) = decode::<Kind>(layout) else {
        return PhoneEvent::Error { message: "a display_event without a layoutType: iPhones crash at it".into() };
    };
    let picture = match decode::<Layout>(layout) {
        Ok(layout) => Picture::of(&layout),
        Err(_) => Picture::undrawn(&layout_type),
    };
    // Phones take everything that is not the dashboard for the main view.
    let view = if display.view == "dashboard" { View::Dashboard } else { View::Main };
    PhoneEvent::Display { package: display.package_name, view, picture }
}

fn decode<T: DeserializeOwned>(text: &str) -> Result<T, serde_json::Error> {
    json::decode(text)
}

fn trouble(message: String) -> Heard {
    Heard::Event(PhoneEvent::Error { message: clean::line(&message, 300) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn event(text: &str) -> PhoneEvent {
        match hear(text) {
            Heard::Event(event) => event,
            other => panic!("no event: {other:?}"),
        }
    }

    fn is_error(text: &str) -> bool {
        matches!(event(text), PhoneEvent::Error { .. })
    }

    #[test]
    fn an_ack_may_or_may_not_tell_the_apps() {
        assert_eq!(hear(r#"{"type":"connection_ack","sessionId":"a@b.c"}"#), Heard::Ack(None, None));
        let told = r#"{"type":"connection_ack","userSession":{"activeAppSessions":["org.example.a"],"startTime":1}}"#;
        assert_eq!(hear(told), Heard::Ack(Some(vec!["org.example.a".into()]), None));
    }

    #[test]
    fn a_display_needs_a_view_and_a_layout_type() {
        let shown = |view: &str, layout: &str| {
            event(&format!(r#"{{"type":"display_event","packageName":"p","view":{view},"layout":{layout}}}"#))
        };
        let picture = Picture::Text("hi".into());
        let display = |view| PhoneEvent::Display { package: "p".into(), view, picture: picture.clone() };
        let wall = r#"{"layoutType":"text_wall","text":"hi"}"#;
        assert_eq!(shown(r#""main""#, wall), display(View::Main));
        assert_eq!(shown(r#""dashboard""#, wall), display(View::Dashboard));
        assert_eq!(shown(r#""always_on""#, wall), display(View::Main));
        assert!(matches!(shown(r#""""#, wall), PhoneEvent::Error { .. }));
        assert!(matches!(shown(r#""main""#, "{}"), PhoneEvent::Error { .. }));
        let note = Picture::Note("hologram: not drawn by glasses".into());
        let PhoneEvent::Display { picture, .. } = shown(r#""main""#, r#"{"layoutType":"hologram"}"#) else { panic!() };
        assert_eq!(picture, note);
    }

    #[test]
    fn the_microphone_follows_the_list() {
        let mic = |rest: &str| event(&format!(r#"{{"type":"microphone_state_change",{rest}}}"#));
        let on = PhoneEvent::Mic { on: true, needs: vec!["pcm".into()] };
        assert_eq!(mic(r#""isMicrophoneEnabled":false,"requiredData":["pcm"]"#), on);
        assert_eq!(
            mic(r#""isMicrophoneEnabled":true,"requiredData":[]"#),
            PhoneEvent::Mic { on: false, needs: vec![] }
        );
        assert_eq!(mic(r#""isMicrophoneEnabled":true"#), PhoneEvent::Mic { on: true, needs: vec![] });
    }

    #[test]
    fn nothing_unreadable_ends_the_phone() {
        assert!(is_error("not json") && is_error("{}"));
        assert!(is_error(r#"{"type":"app_started","packageName":7}"#));
        assert_eq!(event(r#"{"type":"pong"}"#), PhoneEvent::Other { kind: "pong".into() });
    }

    proptest! {
        #[test]
        fn random_text_never_panics(text in ".{0,100}", kind in "display_event|photo_request|connection_ack") {
            let _ = hear(&text);
            let _ = hear(&format!(r#"{{"type":"{kind}","layout":{text}}}"#));
        }
    }
}
