//! Photos and streams.

use serde::{Deserialize, Serialize};
use serde_json::Number;

use crate::json::Object;
use crate::media::RestreamDestination;

/// `photo_request`. `size` and `compress` are passed on as they are: the phone takes a word it does not know for the
/// default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PhotoRequest {
    /// Ties the answer to the request.
    pub request_id: String,
    /// Keep it on the glasses too.
    #[serde(default)]
    pub save_to_gallery: bool,
    /// `small`, `medium`, `large`, `full`.
    #[serde(default = "medium")]
    pub size: String,
    /// `none`, `medium`, `heavy`.
    #[serde(default = "none")]
    pub compress: String,
    /// Where the app wants it uploaded, instead of its own server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_webhook_url: Option<String>,
    /// What the uploader shows there, as a bearer token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_token: Option<String>,
    /// Make the shutter heard (SDK v3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sound: Option<bool>,
}

fn medium() -> String {
    "medium".to_owned()
}

fn none() -> String {
    "none".to_owned()
}

/// `camera_fov_set`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CameraFovSet {
    /// For the log; nothing answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Degrees, 82 to 118.
    pub fov: Number,
    /// `center`, `top` or `bottom`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roi_position: Option<String>,
}

/// `rtmp_stream_request`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RtmpStreamRequest {
    /// `rtmp://` or `rtmps://`.
    pub rtmp_url: String,
    /// `width`, `height`, `bitrate`, `frameRate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video: Option<Object>,
    /// `bitrate`, `sampleRate`, `echoCancellation`, `noiseSuppression`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio: Option<Object>,
    /// `durationLimit` in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<Object>,
}

/// `stream_request`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StreamRequest {
    /// `rtmp`, `rtmps`, `srt`, or `http` and `https` for WHIP.
    pub stream_url: String,
    /// As in [`RtmpStreamRequest`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video: Option<Object>,
    /// As in [`RtmpStreamRequest`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio: Option<Object>,
    /// As in [`RtmpStreamRequest`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<Object>,
    /// Make the start heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sound: Option<bool>,
}

/// `rtmp_stream_stop`, `stream_stop`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StreamStop {
    /// Which; all of the app when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream_id: Option<String>,
}

/// `managed_stream_request`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ManagedStreamRequest {
    /// `720p`, `1080p`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<String>,
    /// Watch with less delay.
    #[serde(rename = "enableWebRTC", skip_serializing_if = "Option::is_none")]
    pub enable_webrtc: Option<bool>,
    /// As in [`RtmpStreamRequest`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub video: Option<Object>,
    /// As in [`RtmpStreamRequest`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio: Option<Object>,
    /// As in [`RtmpStreamRequest`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<Object>,
    /// Where else to send it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restream_destinations: Option<Vec<RestreamDestination>>,
    /// Make the start heard (SDK v3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sound: Option<bool>,
}

/// `managed_stream_stop`: no fields.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ManagedStreamStop {}

/// `stream_status_check`. SDK v2 sends no id and takes answers in the order of its questions.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StreamStatusCheck {
    /// Echoed in the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}
