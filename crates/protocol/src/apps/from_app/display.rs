//! What the app shows.

use serde::{Deserialize, Serialize};

use crate::dashboard::{DashboardMode, DashboardSection};
use crate::json::milliseconds;
use crate::layout::{Layout, View};

/// `display_event`, as an app asks for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DisplayRequest {
    /// Which buffer; `main` when absent.
    #[serde(default)]
    pub view: View,
    /// What to draw.
    pub layout: Layout,
    /// How long, in milliseconds; until replaced when absent; 0 clears at once.
    #[serde(default, deserialize_with = "milliseconds", skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// Ask to skip the throttle.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub force_display: bool,
}

/// `dashboard_content_update`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DashboardContentUpdate {
    /// The text; empty takes it away.
    #[serde(default)]
    pub content: String,
    /// Where it may stand; the main dashboard when absent.
    #[serde(default = "main_only")]
    pub modes: Vec<DashboardMode>,
}

fn main_only() -> Vec<DashboardMode> {
    vec![DashboardMode::Main]
}

/// `dashboard_mode_change`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DashboardModeChange {
    /// The mode from now on.
    pub mode: DashboardMode,
}

/// `dashboard_system_update`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DashboardSystemUpdate {
    /// Which corner.
    pub section: DashboardSection,
    /// Its text.
    #[serde(default)]
    pub content: String,
}
