//! The connection and what the app listens to.

use serde::{Deserialize, Serialize};

use crate::json::Object;
use crate::streams::SubscriptionEntry;

/// `tpa_connection_init`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Init {
    /// The session id of the webhook; absent in SDK v3, which says it in a header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// Who the app says it is.
    pub package_name: String,
    /// The key that proves it.
    #[serde(default)]
    pub api_key: String,
    /// SDK v3 only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sdk_version: Option<String>,
}

impl std::fmt::Debug for Init {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Init { session_id, package_name, api_key: _, sdk_version } = self;
        let mut debug = f.debug_struct("Init");
        debug.field("session_id", session_id).field("package_name", package_name).field("sdk_version", sdk_version);
        debug.finish_non_exhaustive()
    }
}

/// `reconnect`: identity comes from the headers of the upgrade.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Reconnect {
    /// The session id that the app had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The SDK's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sdk_version: Option<String>,
}

/// `ping`: no fields.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ping {}

/// `subscription_update`: replaces the app's whole set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionUpdate {
    /// Stream names, or the location object with a rate.
    pub subscriptions: Vec<SubscriptionEntry>,
}

/// `ownership_release`: sent at least 100 ms before the socket closes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct OwnershipRelease {
    /// `switching_clouds`, `clean_shutdown` or `user_logout`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// `transcription_config`: applies to every transcription of the app.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TranscriptionConfig {
    /// Languages to expect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language_hints: Option<Vec<String>>,
    /// Words to expect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vocabulary: Option<Vec<String>>,
    /// Tell speakers apart; true when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diarization: Option<bool>,
}

/// `telemetry_response`: kept as it is, because no SDK sends it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TelemetryResponse {
    /// The incident of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incident_id: Option<String>,
    /// The entries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logs: Option<Vec<Object>>,
}
