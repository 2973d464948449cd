//! Cloud → phone. Text frames only: the phone reads a binary frame as text.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::capabilities::Capabilities;
use crate::layout::{Layout, View};
use crate::message::messages;
use crate::settings::SystemSettings;

messages! {
    /// Everything the cloud may send to a phone.
    ToPhone {
        /// The session is there.
        Ack(ConnectionAck) = "connection_ack",
        /// Something is wrong; see [`GlassesErrorCode`].
        Error(ConnectionError) = "connection_error",
        /// Draw this.
        Display(DisplayEvent) = "display_event",
        /// Which apps run has changed.
        AppStateChange(AppStateChange) = "app_state_change",
        /// An app runs now.
        AppStarted(AppNotice) = "app_started",
        /// An app runs no more.
        AppStopped(AppNotice) = "app_stopped",
        /// Answer to `ping`.
        Pong(PhonePong) = "pong",
        /// Answer to `request_settings` and `settings_update_request`.
        SettingsUpdate(SettingsUpdate) = "settings_update",
    }
}

/// `connection_ack`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionAck {
    /// The user's e-mail address.
    pub session_id: String,
    /// The session as the wearer's phone may show it.
    pub user_session: SessionSnapshot,
    /// When it was sent.
    pub timestamp: Timestamp,
}

/// `userSession`: what a client may know of a session (seed 000 `transformUserSessionForClient`, seed 001
/// `toClientFormat`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionSnapshot {
    /// The wearer.
    pub user_id: String,
    /// When the session began.
    pub start_time: Timestamp,
    /// Running apps.
    pub active_app_sessions: Vec<String>,
    /// Apps on their way.
    pub loading_apps: Vec<String>,
    /// What each running app listens to.
    #[serde(default)]
    pub app_subscriptions: BTreeMap<String, Vec<String>>,
    /// Whether any app needs sound.
    #[serde(default)]
    pub requires_audio: bool,
    /// The languages that must be recognised.
    #[serde(default)]
    pub minimum_transcription_languages: Vec<String>,
    /// Whether somebody speaks.
    pub is_transcribing: bool,
    /// What the glasses can do.
    #[serde(default)]
    pub capabilities: Option<Capabilities>,
    /// The model of the glasses.
    #[serde(default)]
    pub current_glasses_model: Option<String>,
}

/// `connection_error`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionError {
    /// What kind; absent in HTTP 401 bodies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<GlassesErrorCode>,
    /// For a person.
    pub message: String,
    /// When.
    pub timestamp: Timestamp,
}

/// Codes of `connection_error`. When each is sent stands in the table of the session crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum GlassesErrorCode {
    /// The token of an open connection is not good.
    InvalidToken,
    /// There is no session to be had.
    SessionError,
    /// A message could not be read.
    MalformedMessage,
    /// This server failed.
    InternalError,
}

/// `display_event`, as the phone draws it. `view` and `layout.layoutType` are mandatory there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DisplayEvent {
    /// Whose frame it is.
    pub package_name: String,
    /// The app's session id.
    pub session_id: String,
    /// Which buffer.
    pub view: View,
    /// What to draw.
    pub layout: Layout,
    /// Informative: the cloud keeps the time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// When it was sent.
    pub timestamp: Timestamp,
}

/// `app_state_change`: phones ignore the content and ask over REST; simulators read the snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppStateChange {
    /// The user's e-mail address.
    pub session_id: String,
    /// The session now.
    pub user_session: SessionSnapshot,
    /// What went wrong, when an app failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// When it was sent.
    pub timestamp: Timestamp,
}

/// `app_started`, `app_stopped`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppNotice {
    /// The app.
    pub package_name: String,
    /// When it was sent.
    pub timestamp: Timestamp,
}

/// `pong`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhonePong {
    /// When it was sent.
    pub timestamp: Timestamp,
}

/// `settings_update`: short for `request_settings`, with `success` and `message` for `settings_update_request`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SettingsUpdate {
    /// The user's e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// True when there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success: Option<bool>,
    /// For a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// All of them.
    pub settings: SystemSettings,
    /// When it was sent.
    pub timestamp: Timestamp,
}
