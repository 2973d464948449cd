//! The glasses and the settings.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Timestamp;
use crate::apps::AckSettings;
use crate::capabilities::Capabilities;
use crate::device::GlassesInfo;
use crate::settings::AppSetting;

/// `settings_update`: always the complete list, because a key that is missing counts as removed.
///
/// SDK v2 reads it into the system settings as well, so a full [`SystemSettingsUpdate`] has to follow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppSettingsUpdate {
    /// The app.
    pub package_name: String,
    /// The app's session id.
    pub session_id: String,
    /// All of them.
    pub settings: Vec<AppSetting>,
    /// When.
    #[serde(default)]
    pub timestamp: Timestamp,
}

/// `augmentos_settings_update`: always complete, because the SDK replaces what it has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SystemSettingsUpdate {
    /// The app's session id.
    pub session_id: String,
    /// All of them, with what the ack has beside them.
    pub settings: AckSettings,
    /// When.
    #[serde(default)]
    pub timestamp: Timestamp,
}

/// `capabilities_update`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CapabilitiesUpdate {
    /// `null` without glasses, and for a model that is not known.
    pub capabilities: Option<Capabilities>,
    /// `null` without glasses.
    pub model_name: Option<String>,
    /// When.
    #[serde(default)]
    pub timestamp: Timestamp,
}

/// `device_state_update`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceStateUpdate {
    /// What changed, or everything.
    pub state: GlassesInfo,
    /// Whether it is everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_snapshot: Option<bool>,
    /// When.
    #[serde(default)]
    pub timestamp: Timestamp,
}

/// `rgb_led_control_response`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RgbLedControlResponse {
    /// The app's session id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The request.
    pub request_id: String,
    /// Whether it shone.
    pub success: bool,
    /// Why not: `device_not_supported`, `glasses_not_connected`, `unsupported_action`, `json_error`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// When.
    #[serde(default)]
    pub timestamp: Timestamp,
}

/// `custom_message`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CustomMessage {
    /// `update_datetime`.
    pub action: String,
    /// `{datetime, section: "topLeft"}`.
    #[serde(default)]
    pub payload: Value,
    /// When.
    #[serde(default)]
    pub timestamp: Timestamp,
}
