//! The messages of a phone, with the fields that real phones send.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::streams::Report;
use crate::screen::Head;

/// How long a button is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Press {
    /// `short`.
    Short,
    /// `long`.
    Long,
}

impl Press {
    /// `short` or `long`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Short => "short",
            Self::Long => "long",
        }
    }
}

/// Spoken words as a phone with a recogniser sends them; `start` counts from the beginning of the session.
pub(super) fn words(text: &str, is_final: bool, start: Duration) -> Value {
    // Nobody measures it, but it should look like speech: three words a second.
    let spoken = Duration::from_millis(333) * u32::try_from(text.split_whitespace().count()).unwrap_or(u32::MAX / 1000);
    let ms = |at: Duration| u64::try_from(at.as_millis()).unwrap_or(u64::MAX);
    json!({
        "type": "local_transcription",
        "text": text,
        "isFinal": is_final,
        "startTime": ms(start),
        "endTime": ms(start.saturating_add(spoken)),
        "speakerId": 0,
        "transcribeLanguage": "en-US",
        "provider": "simulator",
    })
}

pub(super) fn button(button: &str, press: Press) -> Value {
    json!({"type": "button_press", "buttonId": button, "pressType": press.as_str(), "timestamp": now()})
}

pub(super) fn head(head: Head) -> Value {
    json!({"type": "head_position", "position": head.as_str(), "timestamp": now()})
}

pub(super) fn battery(level: u8) -> Value {
    json!({"type": "glasses_battery_update", "level": level, "charging": false, "timestamp": now()})
}

/// The glasses are there.
pub(super) fn glasses(model: &str) -> Value {
    json!({
        "type": "glasses_connection_state",
        "modelName": model,
        "status": "CONNECTED",
        "timestamp": Timestamp::now().to_string(),
    })
}

/// Sound will come over UDP.
pub(super) fn udp_register(hash: u32) -> Value {
    json!({"type": "udp_register", "userIdHash": hash})
}

/// What became of sound that an app wanted to be heard.
pub(super) fn played(request: &str, outcome: &Result<u64, String>) -> Value {
    json!({
        "type": "audio_play_response",
        "requestId": request,
        "success": outcome.is_ok(),
        "error": outcome.as_ref().err(),
        "duration": null,
        "timestamp": now(),
    })
}

/// The glasses took no picture.
pub(super) fn no_photo(request: &str, code: &str, message: &str) -> Value {
    json!({
        "type": "photo_response",
        "requestId": request,
        "success": false,
        "error": {"code": code, "message": message},
        "timestamp": now(),
    })
}

/// How a stream is.
pub(super) fn stream(report: &Report) -> Value {
    let Report { stream, app, new_names, status, why, stats } = report;
    json!({
        "type": if *new_names { "stream_status" } else { "rtmp_stream_status" },
        "streamId": stream,
        "status": status,
        "errorDetails": why,
        "appId": app,
        "stats": stats,
        "timestamp": now(),
    })
}

/// A stream goes on.
pub(super) fn alive(stream: &str, ack: &str) -> Value {
    json!({"type": "keep_alive_ack", "streamId": stream, "ackId": ack, "timestamp": now()})
}

/// Milliseconds, as phones write it; clouds do not read it.
fn now() -> i64 {
    Timestamp::now().as_millisecond()
}
