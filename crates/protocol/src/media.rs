//! Photos and streams: the parts that messages of both sides share.

use serde::{Deserialize, Serialize};

use crate::json::Object;

/// Why there is no photo. Codes in use: `CAMERA_BUSY`, `CAMERA_TIMEOUT`, `UPLOAD_FAILED`, `PHONE_TIMEOUT`,
/// `PERMISSION_DENIED`, `UNKNOWN_ERROR` and a dozen more; they are the glasses' own and are passed on. SDK v3 knows one
/// of its own, [`PhotoError::NO_PERMISSION`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PhotoError {
    /// For programs.
    pub code: String,
    /// For people.
    pub message: String,
    /// `stage`, `retryable`, `suggestedAction`, `connectionState`, `diagnosticInfo`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<Object>,
}

impl PhotoError {
    /// The code by which SDK v3 learns that the app may not use the camera.
    pub const NO_PERMISSION: &'static str = "permission_denied";
    /// The code for everything without one.
    pub const UNKNOWN: &'static str = "UNKNOWN_ERROR";
}

/// How a direct stream is doing, as apps are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StreamState {
    /// On its way, or on its way back.
    Initializing,
    /// Pictures flow.
    Active,
    /// Ending.
    Stopping,
    /// Ended.
    Stopped,
    /// Failed; `errorDetails` says why.
    Error,
    /// The glasses stopped answering.
    Timeout,
}

impl StreamState {
    /// Reads the word of the glasses, which have more of them. An unknown word counts as stopped.
    pub fn from_glasses(word: &str) -> Self {
        match word {
            "initializing" | "connecting" | "reconnecting" => StreamState::Initializing,
            "active" | "streaming" | "reconnected" => StreamState::Active,
            "stopping" => StreamState::Stopping,
            "error" | "reconnect_failed" => StreamState::Error,
            "timeout" => StreamState::Timeout,
            _ => StreamState::Stopped,
        }
    }

    /// Whether the stream is over; only then does the SDK let the app start another.
    pub const fn is_final(self) -> bool {
        matches!(self, StreamState::Stopped | StreamState::Error | StreamState::Timeout)
    }
}

/// How a managed stream is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ManagedState {
    /// Waiting for the glasses.
    Initializing,
    /// Waiting for the playback URLs.
    Preparing,
    /// Can be watched.
    Active,
    /// Ending.
    Stopping,
    /// Ended.
    Stopped,
    /// Failed; `message` says why.
    Error,
}

/// A further place that a managed stream is sent to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestreamDestination {
    /// `rtmp://` or `rtmps://`.
    pub url: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_stays_a_failure() {
        assert_eq!(StreamState::from_glasses("reconnect_failed"), StreamState::Error);
        assert_eq!(StreamState::from_glasses("disconnected"), StreamState::Stopped);
        assert_eq!(StreamState::from_glasses("reconnected"), StreamState::Active);
        assert!(StreamState::from_glasses("what").is_final());
        assert!(!StreamState::from_glasses("stopping").is_final());
    }
}
