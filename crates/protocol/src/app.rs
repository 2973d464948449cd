//! The record of an app: what its developer declared.

use serde::{Deserialize, Serialize};

use crate::hardware::Requirement;
use crate::ids::PackageName;
use crate::permission::{Permission, Permissions};
use crate::settings::AppSetting;

/// How an app takes part in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppKind {
    /// Owns the display; at most one runs for a user.
    Standard,
    /// Any number run beside each other.
    #[default]
    Background,
    /// Writes the dashboard; exactly one.
    SystemDashboard,
}

impl AppKind {
    /// The name on the wire and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            AppKind::Standard => "standard",
            AppKind::Background => "background",
            AppKind::SystemDashboard => "system_dashboard",
        }
    }
}

impl std::str::FromStr for AppKind {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let every = [AppKind::Standard, AppKind::Background, AppKind::SystemDashboard];
        every.into_iter().find(|kind| kind.name() == text).ok_or("one of standard, background, system_dashboard")
    }
}

/// An app as it is registered. Shared as an `Arc` by everything that needs it.
#[derive(Debug, Clone, PartialEq)]
pub struct AppRecord {
    /// Its unique name.
    pub package: PackageName,
    /// What people call it.
    pub name: String,
    /// How it takes part.
    pub kind: AppKind,
    /// Where its server is; `/webhook` is appended. Without a trailing slash.
    pub public_url: String,
    /// What it declared that it needs.
    pub permissions: Vec<Permission>,
    /// SHA-256 of the API key string. The key itself is nowhere.
    pub key_hash: [u8; 32],
    /// Give it a new UUID as session id at each start, not the constant `<user>-<package>`.
    pub uuid_sessions: bool,
    /// What it needs of the glasses.
    pub hardware: Vec<Requirement>,
    /// The settings it declares.
    pub settings: Vec<AppSetting>,
}

impl AppRecord {
    /// Whether it is one of those of which a single one runs.
    pub fn is_standard(&self) -> bool {
        self.kind == AppKind::Standard
    }

    /// The permissions as a set.
    pub fn granted(&self) -> Permissions {
        self.permissions.iter().copied().collect()
    }
}
