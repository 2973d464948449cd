//! Between the users of one app. Every message stays within the package of its sender.

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use crate::json::Object;

/// `app_broadcast_message`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppBroadcastMessage {
    /// Anything.
    #[serde(default)]
    pub payload: Value,
    /// Of the sender's making.
    pub message_id: String,
    /// Who the app says it speaks for; the socket knows better.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender_user_id: Option<String>,
    /// To those in this room only; an extra field of this server, because the SDKs forget their argument.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room_id: Option<String>,
}

/// `app_direct_message`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppDirectMessage {
    /// To whom.
    pub target_user_id: String,
    /// Anything.
    #[serde(default)]
    pub payload: Value,
    /// Ties the answer to the request.
    pub message_id: String,
    /// Who the app says it speaks for; the socket knows better.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender_user_id: Option<String>,
}

/// `app_room_join`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppRoomJoin {
    /// The room; whoever comes first makes it.
    pub room_id: String,
    /// What it is like, if this makes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room_config: Option<RoomConfig>,
}

/// `roomConfig`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RoomConfig {
    /// How many fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_users: Option<Number>,
    /// Not to be found by others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_private: Option<bool>,
    /// Anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Object>,
}

/// `app_room_leave`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppRoomLeave {
    /// The room.
    pub room_id: String,
}

/// `app_user_discovery`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AppUserDiscovery {
    /// Names as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include_user_profiles: Option<bool>,
}
