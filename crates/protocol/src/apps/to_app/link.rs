//! The connection, its end, and the events in between.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Timestamp;
use crate::capabilities::Capabilities;
use crate::settings::{AppSetting, SystemSettings};

/// `tpa_connection_ack`, `reconnect_ack`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ack {
    /// The app's session id, as in the webhook.
    pub session_id: String,
    /// New at each start of the app; an extra field of this server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_uuid: Option<String>,
    /// The app's settings; always an array.
    #[serde(default)]
    pub settings: Vec<AppSetting>,
    /// Read by SDKs since 2.0.
    #[serde(default)]
    pub mentraos_settings: AckSettings,
    /// The same under its older name.
    #[serde(default)]
    pub augmentos_settings: AckSettings,
    /// What the glasses can do; `null` while unknown.
    pub capabilities: Option<Capabilities>,
    /// When it was sent.
    pub timestamp: Timestamp,
}

/// The system settings as the ack carries them: with the app's permissions and the wearer's time zone.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct AckSettings {
    /// The settings.
    #[serde(flatten)]
    pub system: SystemSettings,
    /// What the app may use; SDK v3 reads an absent object as "nothing".
    #[serde(default)]
    pub permissions: AckPermissions,
    /// IANA name; `UTC` for SDK v3 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
}

/// `mentraosSettings.permissions`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AckPermissions {
    /// LOCATION.
    pub location: bool,
    /// MICROPHONE.
    pub microphone: bool,
    /// CAMERA.
    pub camera: bool,
    /// READ_NOTIFICATIONS.
    pub notifications: bool,
    /// CALENDAR.
    pub calendar: bool,
}

/// `reconnect_rejected`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReconnectRejected {
    /// What the SDK does next depends on it.
    pub code: RejectCode,
    /// For a developer.
    pub message: String,
    /// When.
    #[serde(default)]
    pub timestamp: Timestamp,
}

/// Codes of `reconnect_rejected`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RejectCode {
    /// The SDK sends a full init on the same socket, which therefore stays open.
    SessionNotFound,
    /// Like the first.
    SessionStopped,
    /// Like the first.
    SessionExpired,
    /// The SDK gives the session up.
    NotRunning,
    /// The SDK gives the session up.
    BootTimeout,
}

/// `reconnect_deferred`: the SDK waits for an ack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReconnectDeferred {
    /// Why.
    pub code: DeferCode,
    /// For a developer.
    pub message: String,
    /// How long it waits, in milliseconds; 30 000 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// When.
    #[serde(default)]
    pub timestamp: Timestamp,
}

/// Codes of `reconnect_deferred`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeferCode {
    /// The user's session comes up.
    Booting,
    /// The app's place in it is being restored.
    AwaitingAppRestore,
}

/// `data_stream`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DataStream {
    /// The app's session id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The subscription that it is delivered for, as the app wrote it.
    pub stream_type: String,
    /// The event; [`crate::events`] has its types.
    #[serde(default)]
    pub data: Value,
    /// When it was sent.
    #[serde(default)]
    pub timestamp: Timestamp,
}

/// `app_stopped`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppStopped {
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When.
    pub timestamp: Timestamp,
}

/// `pong`: the only message here whose time is a number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pong {
    /// Milliseconds since 1970.
    pub timestamp: i64,
}

/// `request_telemetry`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestTelemetry {
    /// What the logs are for.
    pub incident_id: String,
    /// Bearer token of the upload.
    pub upload_token: String,
    /// How far back, in milliseconds.
    pub window_ms: u64,
}

/// `websocket_error`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct WebsocketError {
    /// For a developer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Timestamp>,
}
