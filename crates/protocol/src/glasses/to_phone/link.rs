//! The connection and the session behind it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::capabilities::Capabilities;

/// `connection_ack`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionAck {
    /// The user's e-mail address.
    pub session_id: String,
    /// The session as the wearer's phone may show it.
    pub user_session: SessionSnapshot,
    /// Ways for sound other than this socket; none by default.
    #[serde(flatten)]
    pub audio: AudioPaths,
    /// When it was sent.
    pub timestamp: Timestamp,
}

/// What an ack offers for sound besides binary frames.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AudioPaths {
    /// A LiveKit room. Phones ignore it and ask over REST; simulators join it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub livekit: Option<LivekitInfo>,
    /// Where to send UDP (later phones).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub udp_host: Option<String>,
    /// Its port; 8000 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub udp_port: Option<u16>,
    /// How to encrypt there, if the phone asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub udp_encryption: Option<UdpEncryption>,
}

/// `udpEncryption`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UdpEncryption {
    /// 32 bytes in base64.
    pub key: String,
    /// `xsalsa20-poly1305`.
    pub algorithm: String,
}

impl std::fmt::Debug for UdpEncryption {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UdpEncryption").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// `livekit_info`, and `livekit` of an ack.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LivekitInfo {
    /// The LiveKit server, `wss://…`.
    pub url: String,
    /// The room: the user's e-mail address.
    pub room_name: String,
    /// What opens it.
    pub token: String,
}

impl std::fmt::Debug for LivekitInfo {
    /// Without the token.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LivekitInfo").field("url", &self.url).finish_non_exhaustive()
    }
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

/// `auth_error`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthError {
    /// For a person.
    pub message: String,
    /// When.
    pub timestamp: Timestamp,
}

/// `pong`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhonePong {
    /// When it was sent.
    pub timestamp: Timestamp,
}

/// `udp_ping_ack`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UdpPingAck {
    /// When it was sent.
    pub timestamp: Timestamp,
}

/// `websocket_error`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct WebsocketError {
    /// For a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Timestamp>,
}
