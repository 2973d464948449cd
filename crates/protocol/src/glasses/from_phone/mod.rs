//! Phone → cloud. Times in these messages are of every form and are not read.

use serde::{Deserialize, Serialize};

use crate::message::messages;

messages! {
    /// Everything a phone may send as text.
    FromPhone {
        /// Asks for another ack; the real phone never sends it.
        ConnectionInit(ConnectionInit) = "connection_init",
        /// Start an app.
        StartApp(PackageRequest) = "start_app",
        /// Stop an app.
        StopApp(PackageRequest) = "stop_app",
        /// Heartbeat of later phones; answered with `pong`.
        Ping(Ping) = "ping",
        /// Words recognised on the phone.
        LocalTranscription(LocalTranscription) = "local_transcription",
        /// A button of the glasses.
        ButtonPress(ButtonPress) = "button_press",
        /// The head moved.
        HeadPosition(HeadPosition) = "head_position",
        /// A touch of the glasses.
        TouchEvent(TouchEvent) = "touch_event",
    }
}

/// `connection_init`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ConnectionInit {
    /// Ignored: the socket knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// Checked when it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub core_token: Option<String>,
}

/// `start_app`, `stop_app`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PackageRequest {
    /// The app.
    pub package_name: String,
}

/// `ping`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ping {}

/// `local_transcription`. Android sends `language` instead of `transcribeLanguage`, and no times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LocalTranscription {
    /// What was said.
    pub text: String,
    /// Whether it may still change.
    #[serde(default)]
    pub is_final: bool,
    /// Milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<serde_json::Number>,
    /// Milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_time: Option<serde_json::Number>,
    /// A number or a string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speaker_id: Option<serde_json::Value>,
    /// `en-US`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transcribe_language: Option<String>,
    /// Android's name for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// `sherpa-onnx`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
}

/// `button_press`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ButtonPress {
    /// `camera`, `main` …: the device decides.
    pub button_id: String,
    /// `short` or `long`.
    pub press_type: String,
}

/// `head_position`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeadPosition {
    /// `up` or `down`.
    pub position: String,
}

/// `touch_event`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TouchEvent {
    /// `Mentra Live`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_model: Option<String>,
    /// `double_tap` …
    pub gesture_name: String,
}
