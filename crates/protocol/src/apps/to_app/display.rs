//! The dashboard.

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::dashboard::DashboardMode;

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
