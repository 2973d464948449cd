//! What is heard, and what was played.

use serde::{Deserialize, Serialize};
use serde_json::Number;

use crate::json::Object;

/// `VAD`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vad {
    /// Whether somebody speaks.
    pub status: VadStatus,
}

/// A truth, or its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum VadStatus {
    /// `true`.
    Flag(bool),
    /// `"true"`.
    Name(String),
}

impl Vad {
    /// Whether somebody speaks.
    pub fn speaking(&self) -> bool {
        match &self.status {
            VadStatus::Flag(flag) => *flag,
            VadStatus::Name(name) => name == "true",
        }
    }
}

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

impl LocalTranscription {
    /// The language it is in; `en-US` when the phone does not say.
    pub fn spoken_language(&self) -> &str {
        self.transcribe_language.as_deref().or(self.language.as_deref()).unwrap_or("en-US")
    }
}

/// `audio_play_response`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AudioPlayResponse {
    /// The request.
    pub request_id: String,
    /// Whether it was played.
    #[serde(default)]
    pub success: bool,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// In the phone's unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Number>,
}

/// `config`: a document without a shape.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Object")]
pub struct AsrConfig {
    /// All of it but `type`.
    #[serde(flatten)]
    pub fields: Object,
}

impl From<Object> for AsrConfig {
    fn from(mut fields: Object) -> Self {
        // Written once already, in front.
        fields.remove("type");
        Self { fields }
    }
}
