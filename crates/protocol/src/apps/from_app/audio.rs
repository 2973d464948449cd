//! Sound that the app makes.

use serde::{Deserialize, Serialize};
use serde_json::Number;

/// `audio_play_request`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AudioPlayRequest {
    /// Ties the answer to the request.
    pub request_id: String,
    /// What to play. SDK v3 writes `/api/tts?…`, without a host; SDK v2 writes `https` whatever this server speaks.
    pub audio_url: String,
    /// 0 to 1; 1 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<Number>,
    /// Silence everything else; true when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_other_audio: Option<bool>,
    /// 0 speaker, 1 app audio, 2 speech.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub track_id: Option<Number>,
}

/// `audio_stop_request`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AudioStopRequest {
    /// Which track; all when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub track_id: Option<Number>,
}

/// `audio_stream_start`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AudioStreamStart {
    /// A UUID: the first 36 bytes of each binary frame of the stream.
    pub stream_id: String,
    /// `audio/mpeg`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
}

/// `audio_stream_end`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AudioStreamEnd {
    /// The stream of the start.
    pub stream_id: String,
}
