//! What went wrong, and what the app may not have.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// `tpa_connection_error`, `connection_error`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppError {
    /// What kind of failure.
    pub code: AppErrorCode,
    /// What happened and what to do, for a developer.
    pub message: String,
    /// When.
    pub timestamp: Timestamp,
}

/// Codes of `tpa_connection_error`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AppErrorCode {
    /// Upgrade: a header is missing (HTTP 401).
    MissingHeaders,
    /// Upgrade: the token is not good (HTTP 401).
    JwtInvalid,
    /// Reserved in the SDK.
    InvalidJwt,
    /// Reserved in the SDK.
    JwtSignatureFailed,
    /// Reserved in the SDK; this server never tells whether a package exists.
    PackageNotFound,
    /// Init: the key is wrong, or there is no such package.
    InvalidApiKey,
    /// Init: the user has no session.
    SessionNotFound,
    /// Init: nobody started the app.
    AppNotStarted,
    /// Init: the package is retired.
    AppDeprecated,
    /// A message could not be read.
    MalformedMessage,
    /// The app did not declare the permission.
    PermissionDenied,
    /// The glasses need Wi-Fi for this.
    WifiNotConnected,
    /// Everything else.
    InternalError,
}

/// `permission_error`, with the fields of both SDK generations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PermissionError {
    /// For a developer.
    pub message: String,
    /// One for each refused subscription (v2).
    #[serde(default)]
    pub details: Vec<PermissionDetail>,
    /// The missing permissions (v3).
    #[serde(default)]
    pub denied_permissions: Vec<String>,
    /// When.
    pub timestamp: Timestamp,
}

/// One refused subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PermissionDetail {
    /// The subscription as the app wrote it.
    pub stream: String,
    /// What it lacks.
    pub required_permission: String,
    /// For a developer.
    pub message: String,
}

/// `permission_denied`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PermissionDenied {
    /// For a developer.
    pub message: String,
    /// What the app lacks.
    pub permission: String,
    /// The subscription as the app wrote it.
    pub stream_type: String,
}
