//! Cloud → app.

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::capabilities::Capabilities;
use crate::message::messages;
use crate::settings::{AppSetting, SystemSettings};

messages! {
    /// Everything the cloud may send to an app, except `data_stream`, which [`crate::envelope`] splices.
    ToApp {
        /// The app is in.
        Ack(Ack) = "tpa_connection_ack",
        /// The app is not in, or a request failed. The SDK raises an error event and closes nothing.
        Error(AppError) = "tpa_connection_error",
        /// The session of this app is over.
        Stopped(AppStopped) = "app_stopped",
        /// Answer to the SDK v3 heartbeat; an error event in v2, so it is sent only to those who ask.
        Pong(Pong) = "pong",
        /// Subscriptions that were refused.
        PermissionError(PermissionError) = "permission_error",
    }
}

/// `tpa_connection_ack`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ack {
    /// The app's session id, as in the webhook.
    pub session_id: String,
    /// New at each start of the app; an extra field of this server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_uuid: Option<String>,
    /// The app's settings; always an array.
    pub settings: Vec<AppSetting>,
    /// Read by SDKs since 2.0.
    pub mentraos_settings: AckSettings,
    /// The same under its older name.
    pub augmentos_settings: AckSettings,
    /// What the glasses can do; `null` while unknown.
    pub capabilities: Option<Capabilities>,
    /// When it was sent.
    pub timestamp: Timestamp,
}

/// The system settings as the ack carries them: with the app's permissions and the wearer's time zone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AckSettings {
    /// The settings.
    #[serde(flatten)]
    pub system: SystemSettings,
    /// What the app may use; SDK v3 reads an absent object as "nothing".
    pub permissions: AckPermissions,
    /// IANA name; `UTC` for SDK v3 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
}

/// `mentraosSettings.permissions`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
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

/// `tpa_connection_error`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppError {
    /// What kind of failure.
    pub code: AppErrorCode,
    /// What happened and what to do, for a developer.
    pub message: String,
    /// When.
    pub timestamp: Timestamp,
}

/// Codes of `tpa_connection_error`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AppErrorCode {
    /// Upgrade: a header is missing (HTTP 401).
    MissingHeaders,
    /// Upgrade: the token is not good (HTTP 401).
    JwtInvalid,
    /// Reserved in the SDK.
    InvalidJwt,
    /// Reserved in the SDK.
    JwtSignatureFailed,
    /// Reserved in the SDK; this server never tells whether a package exists.
    PackageNotFound,
    /// Init: the key is wrong, or there is no such package.
    InvalidApiKey,
    /// Init: the user has no session.
    SessionNotFound,
    /// Init: nobody started the app.
    AppNotStarted,
    /// Init: the package is retired.
    AppDeprecated,
    /// A message could not be read.
    MalformedMessage,
    /// The app did not declare the permission.
    PermissionDenied,
    /// The glasses need Wi-Fi for this.
    WifiNotConnected,
    /// Everything else.
    InternalError,
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

/// `permission_error`, with the fields of both SDK generations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PermissionError {
    /// For a developer.
    pub message: String,
    /// One for each refused subscription (v2).
    pub details: Vec<PermissionDetail>,
    /// The missing permissions (v3).
    pub denied_permissions: Vec<String>,
    /// When.
    pub timestamp: Timestamp,
}

/// One refused subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PermissionDetail {
    /// The subscription as the app wrote it.
    pub stream: String,
    /// What it lacks.
    pub required_permission: String,
    /// For a developer.
    pub message: String,
}
