//! What runs and what it shows.

use serde::{Deserialize, Serialize};

use super::SessionSnapshot;
use crate::Timestamp;
use crate::dashboard::DashboardMode;
use crate::json::milliseconds;
use crate::layout::{Layout, View};

/// `display_event`, as the phone draws it. `view` and `layout.layoutType` are mandatory there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DisplayEvent {
    /// Whose frame it is.
    pub package_name: String,
    /// The app's session id.
    pub session_id: String,
    /// Which buffer.
    pub view: View,
    /// What to draw.
    pub layout: Layout,
    /// Informative: the cloud keeps the time.
    #[serde(default, deserialize_with = "milliseconds", skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// When it was sent.
    pub timestamp: Timestamp,
}

/// `app_state_change`: phones ignore the content and ask over REST; simulators read the snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppStateChange {
    /// The user's e-mail address.
    pub session_id: String,
    /// The session now.
    pub user_session: SessionSnapshot,
    /// What went wrong, when an app failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// When it was sent.
    pub timestamp: Timestamp,
}

/// `app_started`, `app_stopped`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppNotice {
    /// The app.
    pub package_name: String,
    /// When it was sent.
    pub timestamp: Timestamp,
}

/// `dashboard_mode_change`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DashboardModeChange {
    /// The mode from now on.
    pub mode: DashboardMode,
    /// When it was sent.
    pub timestamp: Timestamp,
}

/// `dashboard_always_on_change`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DashboardAlwaysOnChange {
    /// Whether a status line stays on the display.
    pub enabled: bool,
    /// When it was sent.
    pub timestamp: Timestamp,
}
