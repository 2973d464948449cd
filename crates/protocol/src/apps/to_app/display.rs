//! What became of a picture, and the dashboard.

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::dashboard::DashboardMode;

/// `display_report`: what became of a `display_event` that asked for it. First `held`, perhaps; then one of the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DisplayReport {
    /// As the request said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// What became of it.
    pub outcome: DisplayOutcome,
    /// Why, for a developer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When.
    pub timestamp: Timestamp,
}

/// What became of a request to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DisplayOutcome {
    /// It was sent to the phone.
    Shown,
    /// It may be shown later.
    Held,
    /// It was not shown and will not be: something newer came, or its time was over.
    Replaced,
    /// It may not be shown.
    Refused,
}

/// `dashboard_mode_changed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DashboardModeChanged {
    /// The mode from now on.
    pub mode: DashboardMode,
    /// The app's session id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// When.
    #[serde(default)]
    pub timestamp: Timestamp,
}

/// `dashboard_always_on_changed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DashboardAlwaysOnChanged {
    /// Whether a status line stays on the display.
    pub enabled: bool,
    /// The app's session id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// When.
    #[serde(default)]
    pub timestamp: Timestamp,
}
