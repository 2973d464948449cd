//! The connection, and apps started over it.

use serde::{Deserialize, Serialize};

/// `connection_init`.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ConnectionInit {
    /// Ignored: the socket knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// Checked when it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub core_token: Option<String>,
}

impl std::fmt::Debug for ConnectionInit {
    /// Without the token.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConnectionInit").field("user_id", &self.user_id).finish_non_exhaustive()
    }
}

/// `start_app`, `stop_app`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PackageRequest {
    /// The app.
    pub package_name: String,
}

/// `ping`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ping {}

/// `udp_register`, `udp_unregister`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UdpRegister {
    /// FNV-1a of the user id, 32 bits: the first four bytes of each packet.
    pub user_id_hash: u32,
}

/// `livekit_init`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LivekitInit {
    /// `publish`, `subscribe`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
}

/// `request_settings`: no fields.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RequestSettings {}

/// `settings_update_request`: no fields.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SettingsUpdateRequest {}
