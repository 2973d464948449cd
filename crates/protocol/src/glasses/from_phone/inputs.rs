//! What the wearer does with the glasses.

use serde::{Deserialize, Serialize};
use serde_json::Number;

/// `button_press`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ButtonPress {
    /// `camera`, `main` …: the device decides.
    pub button_id: String,
    /// `short` or `long`.
    pub press_type: String,
}

/// `head_position`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeadPosition {
    /// `up` or `down`.
    pub position: String,
}

/// `touch_event`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TouchEvent {
    /// `Mentra Live`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_model: Option<String>,
    /// `double_tap` …
    pub gesture_name: String,
}

/// `swipe_volume_status`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SwipeVolumeStatus {
    /// Whether swiping changes the volume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// `switch_status`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SwitchStatus {
    /// Which; the device decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub switch_type: Option<Number>,
    /// Where it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub switch_value: Option<Number>,
}

/// `dashboard_state`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DashboardState {
    /// Whether it can be seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_open: Option<bool>,
}

/// `open_dashboard`: no fields.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OpenDashboard {}

/// `rgb_led_control_response`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RgbLedControlResponse {
    /// The request.
    pub request_id: String,
    /// Whether it shone.
    #[serde(default)]
    pub success: bool,
    /// Why not: `device_not_supported`, `glasses_not_connected`, `unsupported_action`, `json_error`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
