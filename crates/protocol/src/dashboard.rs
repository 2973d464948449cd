//! The words of the dashboard.

use serde::{Deserialize, Serialize};

/// How much of the dashboard is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DashboardMode {
    /// Four corners and the content of one app.
    #[default]
    Main,
    /// One line of status and more content.
    Expanded,
    /// One line of status. Apps write for it as for the others; SDKs have the name in comments only.
    AlwaysOn,
    /// Nothing (`none`); also every mode that this server does not know.
    #[serde(rename = "none", other)]
    Hidden,
}

/// A corner of the dashboard, written by the system dashboard app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DashboardSection {
    /// Time and date, usually.
    TopLeft,
    /// Batteries, usually.
    TopRight,
    /// Notifications, usually.
    BottomLeft,
    /// Weather, usually.
    BottomRight,
}
