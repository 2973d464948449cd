//! Photos, streams and videos.

use serde::{Deserialize, Serialize};
use serde_json::Number;

use crate::Timestamp;
use crate::json::Object;

/// `photo_request`. The phone drops it when `request_id` or `app_id` is empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PhotoRequest {
    /// The user's e-mail address.
    pub session_id: String,
    /// Ties the answer and the upload to the request.
    pub request_id: String,
    /// Who asks; called `packageName` on the app's side.
    pub app_id: String,
    /// Where the glasses or the phone upload it; without one there is no way over Bluetooth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook_url: Option<String>,
    /// What they show there, as a bearer token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_token: Option<String>,
    /// `small`, `medium`, `large`, `full`.
    pub size: String,
    /// `none`, `medium`, `heavy`.
    pub compress: String,
    /// Keep it on the glasses too; in the types, read by no phone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub save_to_gallery: Option<bool>,
    /// No sound, no light (later phones).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silent: Option<bool>,
    /// Light it up (later phones).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flash: Option<bool>,
    /// Make the shutter heard (later phones).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sound: Option<bool>,
    /// When it was sent.
    pub timestamp: Timestamp,
}

/// `camera_fov_set`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CameraFovSet {
    /// The app's session id.
    pub session_id: String,
    /// Who asks.
    pub package_name: String,
    /// As the app gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Degrees, 82 to 118.
    pub fov: Number,
    /// `center`, `top` or `bottom`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roi_position: Option<String>,
    /// When it was sent.
    pub timestamp: Timestamp,
}

/// `start_rtmp_stream`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StartRtmpStream {
    /// The app's session id.
    pub session_id: String,
    /// `rtmp://` or `rtmps://`.
    pub rtmp_url: String,
    /// Who asks; [`MANAGED_STREAM`] for the cloud's own.
    pub app_id: String,
    /// The stream.
    pub stream_id: String,
    /// As the app gave it; `{}` when it gave none.
    #[serde(default)]
    pub video: Object,
    /// As the app gave it; `{}` when it gave none.
    #[serde(default)]
    pub audio: Object,
    /// As the app gave it; `{}` when it gave none.
    #[serde(default)]
    pub stream: Object,
    /// When it was sent; the phone strips it.
    pub timestamp: Timestamp,
}

/// `start_stream`: the same with a URL of more kinds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StartStream {
    /// The app's session id.
    pub session_id: String,
    /// `rtmp`, `rtmps`, `srt`, or `http` and `https` for WHIP.
    pub stream_url: String,
    /// Who asks; [`MANAGED_STREAM`] for the cloud's own.
    pub app_id: String,
    /// The stream.
    pub stream_id: String,
    /// As the app gave it; `{}` when it gave none.
    #[serde(default)]
    pub video: Object,
    /// As the app gave it; `{}` when it gave none.
    #[serde(default)]
    pub audio: Object,
    /// As the app gave it; `{}` when it gave none.
    #[serde(default)]
    pub stream: Object,
    /// Make the start heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sound: Option<bool>,
    /// When it was sent.
    pub timestamp: Timestamp,
}

/// The `app_id` of a stream that the cloud manages for several apps.
pub const MANAGED_STREAM: &str = "MANAGED_STREAM";

/// `stop_rtmp_stream`, `stop_stream`. Today's phones stop whatever runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StopStream {
    /// The app's session id.
    pub session_id: String,
    /// Who asks.
    pub app_id: String,
    /// The stream, or the empty string.
    #[serde(default)]
    pub stream_id: String,
    /// When it was sent.
    pub timestamp: Timestamp,
}

/// `keep_rtmp_stream_alive`, `keep_stream_alive`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeepStreamAlive {
    /// The stream.
    pub stream_id: String,
    /// Comes back in `keep_alive_ack`.
    pub ack_id: String,
    /// When it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Timestamp>,
}

/// `start_buffer_recording`: no fields.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StartBufferRecording {}

/// `stop_buffer_recording`: no fields.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StopBufferRecording {}

/// `save_buffer_video`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SaveBufferVideo {
    /// `buffer_<ms>` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// 30 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<Number>,
}

/// `start_video_recording`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StartVideoRecording {
    /// `video_<ms>` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Keep it; true when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub save: Option<bool>,
    /// No sound, no light (later phones).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silent: Option<bool>,
}

/// `stop_video_recording`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StopVideoRecording {
    /// The one to stop.
    pub request_id: String,
}
