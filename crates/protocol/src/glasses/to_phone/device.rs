//! Settings, lights, network and place.

use serde::{Deserialize, Serialize};
use serde_json::Number;

use crate::Timestamp;
use crate::location::LocationTier;
use crate::settings::SystemSettings;

/// `settings_update`: short for `request_settings`, with `success` and `message` for `settings_update_request`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SettingsUpdate {
    /// The user's e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// True when there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success: Option<bool>,
    /// For a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// All of them.
    pub settings: SystemSettings,
    /// When it was sent.
    pub timestamp: Timestamp,
}

/// `augmentos_settings_update_error`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsUpdateError {
    /// Always false.
    pub success: bool,
    /// For a person.
    pub message: String,
    /// When it was sent.
    pub timestamp: Timestamp,
}

/// `rgb_led_control`. Phones read the requester from `packageName`, whatever the types of the SDK call it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RgbLedControl {
    /// The app's session id.
    #[serde(rename = "sessionId")]
    pub session_id: String,
    /// Ties the answer to the request; ignored without.
    #[serde(rename = "requestId")]
    pub request_id: String,
    /// Who asks.
    #[serde(rename = "packageName")]
    pub package_name: String,
    /// `on` or `off`.
    pub action: String,
    /// `red`, `green`, `blue`, `orange`, `white`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
    /// Milliseconds; 1000 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ontime: Option<Number>,
    /// Milliseconds; 0 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offtime: Option<Number>,
    /// How often; once when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<Number>,
    /// When it was sent.
    pub timestamp: Timestamp,
}

/// `show_wifi_setup`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShowWifiSetup {
    /// For the wearer; the phone has a text of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_package_name: Option<String>,
    /// When it was sent.
    pub timestamp: Timestamp,
}

/// `set_location_tier`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SetLocationTier {
    /// The user's e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// How exactly.
    pub tier: LocationTier,
    /// When it was sent.
    pub timestamp: Timestamp,
}

/// `request_single_location`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestSingleLocation {
    /// The user's e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// How exactly.
    pub accuracy: LocationTier,
    /// Ties the answer to the request.
    pub correlation_id: String,
    /// When it was sent.
    pub timestamp: Timestamp,
}
