//! Users of one app talk to each other. Who they are is known outside of any session: a session says what its app wants
//! ([`PeerRequest`]), and takes what the others' apps say ([`FromPeers`]).

use std::sync::Arc;

use bifocal_protocol::apps::{RoomConfig, ToApp};
use bifocal_protocol::ids::PackageName;
use serde_json::Value;

/// What an app wants of its other users, or what they must know of it.
#[derive(Debug, Clone, PartialEq)]
pub enum PeerRequest {
    /// The app runs for this user. Said again when its session id is another one.
    Here {
        /// The app's session id.
        session_id: Arc<str>,
    },
    /// It does not run for this user any more, and is in no room.
    Gone,
    /// `app_broadcast_message`.
    Broadcast {
        /// Of the sender's making.
        message_id: String,
        /// Anything.
        payload: Value,
        /// To those in this room only.
        room: Option<String>,
    },
    /// `app_direct_message`. Answered with `app_direct_message_response`.
    Direct {
        /// The other user's address, as the app writes it.
        to: String,
        /// Of the sender's making.
        message_id: String,
        /// Anything.
        payload: Value,
    },
    /// `app_room_join`.
    Join {
        /// The room; whoever comes first makes it.
        room: String,
        /// What it is like, if this makes it.
        config: RoomConfig,
    },
    /// `app_room_leave`.
    Leave {
        /// The room.
        room: String,
    },
}

/// Something for an app of this session, from its other users or about them.
#[derive(Debug, Clone, PartialEq)]
pub struct FromPeers {
    /// Which app.
    pub package: PackageName,
    /// What it is told.
    pub message: ToApp,
}
