//! Photos, streams and sound.

use serde::{Deserialize, Serialize};
use serde_json::Number;

use crate::Timestamp;
use crate::json::Object;
use crate::media::{ManagedState, PhotoError, StreamState};

/// `photo_response`. SDK v3 takes its photo from here, SDK v2 from the upload to the app's own server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PhotoResponse {
    /// The request.
    pub request_id: String,
    /// Whether there is one.
    #[serde(default)]
    pub success: bool,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub photo_url: Option<String>,
    /// It is on the glasses too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saved_to_gallery: Option<bool>,
    /// Pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<Number>,
    /// Pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<Number>,
    /// Why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<PhotoError>,
    /// When.
    #[serde(default)]
    pub timestamp: Timestamp,
}

/// `rtmp_stream_status`, `stream_status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DirectStreamStatus {
    /// The app's session id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_id: Option<String>,
    /// How it is doing.
    pub status: StreamState,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_details: Option<String>,
    /// `bitrate`, `fps`, `droppedFrames`, `duration`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stats: Option<Object>,
    /// Whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
    /// When.
    #[serde(default)]
    pub timestamp: Timestamp,
}

/// `managed_stream_status`. The promise of the SDK is kept by the first `active` in which neither `hls_url` nor
/// `dash_url` is empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ManagedStreamStatus {
    /// How it is doing.
    pub status: ManagedState,
    /// The stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_id: Option<String>,
    /// Playlist for HLS players.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hls_url: Option<String>,
    /// Manifest for DASH players; a repetition of the HLS one where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dash_url: Option<String>,
    /// WHEP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webrtc_url: Option<String>,
    /// A page to watch it on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview_url: Option<String>,
    /// A picture of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbnail_url: Option<String>,
    /// For a developer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The further places it is sent to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<Vec<RestreamOutput>>,
    /// Sent again because the app came back (v3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumed: Option<bool>,
    /// When.
    #[serde(default)]
    pub timestamp: Timestamp,
}

/// A further place that a managed stream is sent to, and how that works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestreamOutput {
    /// The place.
    pub url: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `active`, `error`, `stopped`.
    pub status: String,
    /// Why it does not work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// `stream_status_check_response`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StreamStatusCheckResponse {
    /// The request, if it had an id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Whether one runs.
    pub has_active_stream: bool,
    /// The one that runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_info: Option<StreamInfo>,
    /// When.
    #[serde(default)]
    pub timestamp: Timestamp,
}

/// A stream that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StreamInfo {
    /// Which kind.
    #[serde(rename = "type")]
    pub kind: StreamKind,
    /// Its id.
    pub stream_id: String,
    /// A state of its kind.
    pub status: String,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// Managed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hls_url: Option<String>,
    /// Managed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dash_url: Option<String>,
    /// Managed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webrtc_url: Option<String>,
    /// Managed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview_url: Option<String>,
    /// Managed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbnail_url: Option<String>,
    /// Managed: how many apps watch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_viewers: Option<u64>,
    /// Direct: where it goes (v2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtmp_url: Option<String>,
    /// Direct: where it goes (v3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_url: Option<String>,
    /// Direct: who asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requesting_app_id: Option<String>,
}

/// Kinds of streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StreamKind {
    /// Through the cloud.
    Managed,
    /// From the glasses straight to the app's URL.
    Unmanaged,
}

/// `audio_play_response`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AudioPlayResponse {
    /// The app's session id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The request.
    pub request_id: String,
    /// Whether it was played.
    pub success: bool,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// In the phone's unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Number>,
    /// When.
    #[serde(default)]
    pub timestamp: Timestamp,
}

/// `audio_stream_ready`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AudioStreamReady {
    /// The stream of the start.
    pub stream_id: String,
    /// What the app asks to play: an open-ended `audio/mpeg` body that the phone can fetch.
    pub stream_url: String,
    /// When.
    #[serde(default)]
    pub timestamp: Timestamp,
}
