//! The data objects of streams: what stands in `data` of a `data_stream`.
//!
//! Most events are a phone's message, relayed byte for byte, so their data is that message, `type` included. The ones
//! that the cloud makes itself are declared here.

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

pub use crate::apps::{DirectStreamStatus, ManagedStreamStatus, PhotoResponse};
pub use crate::glasses::{
    BatteryUpdate, ButtonPress, CalendarEvent, CoreStatusUpdate, GlassesConnectionState, HeadPosition, LocationUpdate,
    PhoneNotification, PhoneNotificationDismissed, PhotoTaken, TouchEvent, Vad, VpsCoordinates,
};

/// Data of `transcription…`: words that were heard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "transcription", rename_all = "camelCase")]
pub struct TranscriptionData {
    /// What was said.
    #[serde(default)]
    pub text: String,
    /// False while the words may still change; they come again under the same `utterance_id`.
    #[serde(default)]
    pub is_final: bool,
    /// Ties the interim results to their final one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub utterance_id: Option<String>,
    /// The language that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transcribe_language: Option<String>,
    /// The language that was heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detected_language: Option<String>,
    /// Milliseconds.
    #[serde(default = "zero")]
    pub start_time: Number,
    /// Milliseconds.
    #[serde(default = "zero")]
    pub end_time: Number,
    /// Who spoke: a string from speech engines, a number from phones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speaker_id: Option<Value>,
    /// Milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Number>,
    /// The engine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<Number>,
    /// `{provider, soniox?: {tokens}, …}`: what the engine says about single words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Value>,
}

/// Data of `translation…`: words in another language than they were said in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "translation", rename_all = "camelCase")]
pub struct TranslationData {
    /// The translation.
    #[serde(default)]
    pub text: String,
    /// What was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original_text: Option<String>,
    /// False while the words may still change.
    #[serde(default)]
    pub is_final: bool,
    /// Milliseconds.
    #[serde(default = "zero")]
    pub start_time: Number,
    /// Milliseconds.
    #[serde(default = "zero")]
    pub end_time: Number,
    /// Who spoke.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speaker_id: Option<Value>,
    /// Milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Number>,
    /// The language it was said in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transcribe_language: Option<String>,
    /// The language of `text`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub translate_language: Option<String>,
    /// False when it was said in the target language already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub did_translate: Option<bool>,
    /// The engine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<Number>,
    /// Ties the interim results to their final one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub utterance_id: Option<String>,
}

fn zero() -> Number {
    Number::from(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_comes_first_and_may_be_missing_when_read() {
        let data: TranscriptionData = serde_json::from_str(r#"{"text":"hi","endTime":1.5}"#).expect("reads");
        let json = serde_json::to_string(&data).ok();
        let expected = r#"{"type":"transcription","text":"hi","isFinal":false,"startTime":0,"endTime":1.5}"#;
        assert_eq!(json.as_deref(), Some(expected));
    }

    #[test]
    fn a_phone_s_message_is_the_data_of_its_stream() {
        let press: ButtonPress =
            serde_json::from_str(r#"{"type":"button_press","buttonId":"camera","pressType":"short"}"#).expect("reads");
        assert_eq!(press.button_id, "camera");
    }
}
