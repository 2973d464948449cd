//! Lights, place and network.

use serde::{Deserialize, Serialize};
use serde_json::Number;

use crate::location::LocationTier;

/// `rgb_led_control`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RgbLedControl {
    /// Ties the answer to the request.
    #[serde(rename = "requestId")]
    pub request_id: String,
    /// `on` or `off`; `off` carries nothing else.
    pub action: String,
    /// `red`, `green`, `blue`, `orange`, `white`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
    /// Milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ontime: Option<Number>,
    /// Milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offtime: Option<Number>,
    /// How often.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<Number>,
}

/// `location_poll_request`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LocationPollRequest {
    /// Ties the answer to the request.
    pub correlation_id: String,
    /// How exactly.
    #[serde(default = "standard")]
    pub accuracy: LocationTier,
}

fn standard() -> LocationTier {
    LocationTier::Standard
}

/// `request_wifi_setup`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RequestWifiSetup {
    /// For the wearer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
