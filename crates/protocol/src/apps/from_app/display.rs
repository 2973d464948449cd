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
    /// Ask for a [`DisplayReport`](crate::apps::DisplayReport); a field of this server.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub report: bool,
    /// The app's own name of the request, for the report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// `dashboard_content_update`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DashboardContentUpdate {
    /// The text; empty takes it away.
    #[serde(default)]
    pub content: DashboardContent,
    /// Where it may stand; the main dashboard when absent.
    #[serde(default = "main_only")]
    pub modes: Vec<DashboardMode>,
}

/// What an app puts on the dashboard: a text, or a layout that becomes one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum DashboardContent {
    /// A text.
    Text(String),
    /// A layout.
    Layout(Layout),
}

impl Default for DashboardContent {
    fn default() -> Self {
        DashboardContent::Text(String::new())
    }
}

impl DashboardContent {
    /// As lines of text; pictures are none.
    pub fn text(&self) -> String {
        match self {
            DashboardContent::Text(text) | DashboardContent::Layout(Layout::TextWall { text }) => text.clone(),
            DashboardContent::Layout(Layout::DoubleTextWall { top_text, bottom_text }) => {
                format!("{top_text}\n{bottom_text}")
            }
            DashboardContent::Layout(Layout::DashboardCard { left_text, right_text }) => {
                format!("{left_text} | {right_text}")
            }
            DashboardContent::Layout(Layout::ReferenceCard { title, text }) => format!("{title}\n{text}"),
            DashboardContent::Layout(_) => String::new(),
        }
    }
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
