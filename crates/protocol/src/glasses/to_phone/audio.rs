//! Microphone and speaker.

use serde::{Deserialize, Serialize};
use serde_json::Number;

use crate::Timestamp;

/// `microphone_state_change`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MicrophoneStateChange {
    /// The user's e-mail address.
    pub session_id: String,
    /// What simulators go by.
    pub is_microphone_enabled: bool,
    /// What phones go by: empty is off.
    pub required_data: Vec<RequiredData>,
    /// Send silence too.
    pub bypass_vad: bool,
    /// When it was sent.
    pub timestamp: Timestamp,
}

/// What the cloud needs of what is heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequiredData {
    /// Sound.
    Pcm,
    /// Words, recognised on the phone.
    Transcription,
    /// Either; the phone's own setting decides.
    PcmOrTranscription,
}

/// `audio_play_request`. Today's phones ignore it; later ones play the URL and answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AudioPlayRequest {
    /// The app's session id.
    pub session_id: String,
    /// Ties the answer to the request.
    pub request_id: String,
    /// Who asks.
    pub package_name: String,
    /// Who asks, for phones that read this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
    /// What to play.
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
    /// When it was sent.
    pub timestamp: Timestamp,
}

/// `audio_stop_request`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AudioStopRequest {
    /// The app's session id.
    pub session_id: String,
    /// Who asks.
    pub app_id: String,
    /// Which track; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub track_id: Option<Number>,
    /// When it was sent.
    pub timestamp: Timestamp,
}
