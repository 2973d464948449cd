//! Photos and streams.

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use crate::json::Object;
use crate::media::{PhotoError, StreamState};

/// `photo_response`, in both of its forms; [`PhotoResponse::outcome`] tells what they mean.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PhotoResponse {
    /// The request.
    pub request_id: String,
    /// Whether there is one; some phones leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success: Option<bool>,
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
    /// Why there is none: the long form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<PhotoError>,
    /// Why there is none: the short form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// Why there is none: the short form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
}

impl PhotoResponse {
    /// There is none, in the short form.
    pub fn failed(request_id: String, code: String, message: String) -> Self {
        let text = |text: String| Some(text).filter(|text| !text.is_empty());
        Self {
            request_id,
            success: Some(false),
            photo_url: None,
            saved_to_gallery: None,
            width: None,
            height: None,
            error: None,
            error_code: text(code),
            error_message: text(message),
        }
    }

    /// The URL of the photo, if the phone gave one, or why there is none.
    ///
    /// # Errors
    /// The failure, in its long form.
    pub fn outcome(&self) -> Result<Option<&str>, PhotoError> {
        let url = self.photo_url.as_deref().filter(|url| !url.is_empty());
        let failed = self.error.is_some() || self.error_code.is_some();
        if self.success.unwrap_or(url.is_some() && !failed) {
            return Ok(url);
        }
        Err(self.error.clone().unwrap_or_else(|| PhotoError {
            code: self.error_code.clone().unwrap_or_else(|| PhotoError::UNKNOWN.to_owned()),
            message: self.error_message.clone().unwrap_or_else(|| "The photo failed".to_owned()),
            details: None,
        }))
    }
}

/// `photo_taken`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PhotoTaken {
    /// Base64.
    #[serde(default)]
    pub photo_data: String,
    /// `image/jpeg`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// Its name on the glasses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// When it was taken, in whatever form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Value>,
}

/// `rtmp_stream_status`, `stream_status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StreamReport {
    /// Which; the only one that runs when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_id: Option<String>,
    /// A word of the glasses.
    #[serde(default)]
    pub status: String,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_details: Option<String>,
    /// Whose it is, as the start said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
    /// `bitrate`, `fps`, `droppedFrames`, `duration`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stats: Option<Object>,
}

impl StreamReport {
    /// The status as apps are told.
    pub fn state(&self) -> StreamState {
        StreamState::from_glasses(&self.status)
    }
}

/// `keep_alive_ack`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeepAliveAck {
    /// The stream of the question.
    pub stream_id: String,
    /// The question.
    pub ack_id: String,
}

/// `video_stream_response`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VideoStreamResponse {
    /// Who asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream_url: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> PhotoResponse {
        serde_json::from_str(text).expect("reads")
    }

    #[test]
    fn success_is_inferred_from_the_url() {
        assert_eq!(read(r#"{"requestId":"a","photoUrl":"https://x"}"#).outcome(), Ok(Some("https://x")));
        assert_eq!(read(r#"{"requestId":"a","success":true}"#).outcome(), Ok(None));
        assert!(read(r#"{"requestId":"a"}"#).outcome().is_err());
        assert!(read(r#"{"requestId":"a","success":false,"photoUrl":"https://x"}"#).outcome().is_err());
    }

    #[test]
    fn both_forms_of_a_failure_mean_the_same() {
        let short = read(r#"{"requestId":"a","errorCode":"CAMERA_BUSY","errorMessage":"m"}"#);
        let long = read(r#"{"requestId":"a","success":false,"error":{"code":"CAMERA_BUSY","message":"m"}}"#);
        assert_eq!(short.outcome(), long.outcome());
        assert_eq!(short.outcome().map_err(|error| error.code), Err("CAMERA_BUSY".to_owned()));
    }
}
