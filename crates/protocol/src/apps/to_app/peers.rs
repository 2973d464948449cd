//! From other users of the same app.

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use crate::Timestamp;
use crate::json::Object;

/// `app_message_received`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppMessageReceived {
    /// As it was sent.
    #[serde(default)]
    pub payload: Value,
    /// As it was sent.
    pub message_id: String,
    /// Who sent it.
    pub sender_user_id: String,
    /// The sender's app session.
    pub sender_session_id: String,
    /// The room it was sent to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room_id: Option<String>,
    /// When.
    #[serde(default)]
    pub timestamp: Timestamp,
}

/// `app_direct_message_response`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppDirectMessageResponse {
    /// The message.
    pub message_id: String,
    /// Whether it was delivered.
    pub success: bool,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// To whom it was sent.
    pub target_user_id: String,
    /// When.
    #[serde(default)]
    pub timestamp: Timestamp,
}

/// `app_user_joined`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppUserJoined {
    /// Who.
    pub user_id: String,
    /// The app session of that user.
    pub session_id: String,
    /// Since when.
    pub joined_at: Timestamp,
    /// A name, perhaps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_profile: Option<Object>,
    /// Into which room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room_id: Option<String>,
    /// When it was sent.
    #[serde(default)]
    pub timestamp: Timestamp,
}

/// `app_user_left`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppUserLeft {
    /// Who.
    pub user_id: String,
    /// The app session of that user.
    pub session_id: String,
    /// Since when.
    pub left_at: Timestamp,
    /// A name, perhaps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_profile: Option<Object>,
    /// Out of which room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room_id: Option<String>,
    /// When it was sent.
    #[serde(default)]
    pub timestamp: Timestamp,
}

/// `app_room_updated`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppRoomUpdated {
    /// The room.
    pub room_id: String,
    /// What happened.
    pub update_type: RoomChange,
    /// The room now.
    pub room_data: RoomData,
    /// When.
    #[serde(default)]
    pub timestamp: Timestamp,
}

/// What happens to rooms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomChange {
    /// One more.
    UserJoined,
    /// One less.
    UserLeft,
    /// Other rules.
    ConfigChanged,
    /// No room.
    RoomClosed,
}

/// A room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoomData {
    /// How many are in it.
    pub member_count: u64,
    /// How many fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_users: Option<Number>,
    /// Not to be found by others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_private: Option<bool>,
    /// Anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Object>,
}
