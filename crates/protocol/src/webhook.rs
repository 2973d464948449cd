//! The two requests that the cloud POSTs to `<app url>/webhook`.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// Asks an app server to open a session for a user. Answered when the app's own `onSession` has finished, so the answer
/// says little: the socket decides whether the start worked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "type", rename = "session_request")]
pub struct SessionRequest {
    /// What the app echoes in `tpa_connection_init`.
    pub session_id: String,
    /// The wearer.
    pub user_id: String,
    /// When it was sent; no SDK reads it.
    pub timestamp: Timestamp,
    /// First choice of SDK v3.
    #[serde(rename = "websocketUrl")]
    pub websocket_url: String,
    /// First choice of SDK v2.
    #[serde(rename = "mentraOSWebsocketUrl")]
    pub mentra_os_websocket_url: String,
    /// The only one that old apps know.
    #[serde(rename = "augmentOSWebsocketUrl")]
    pub augment_os_websocket_url: String,
    /// New at each start, whatever the form of `session_id`; an extra field of this server.
    pub session_uuid: String,
}

/// Tells an app server that a session is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "type", rename = "stop_request")]
pub struct StopRequest {
    /// The session id of the request that opened it.
    pub session_id: String,
    /// The wearer.
    pub user_id: String,
    /// Why; handed to `onStop`.
    pub reason: StopReason,
    /// When it was sent.
    pub timestamp: Timestamp,
}

/// Why an app session ends, as `onStop` is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The user stopped it.
    UserDisabled,
    /// The server stopped it.
    SystemStop,
    /// Something failed.
    Error,
    /// The user's session ended while the app had no socket.
    SessionEnded,
    /// The connected glasses lack hardware that the app requires.
    HardwareIncompatible,
    /// Another app took the foreground.
    ReplacedByForeground,
    /// The app crashed too often.
    AppCrashLoop,
    /// The app is started anew.
    Restart,
}

impl StopReason {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            StopReason::UserDisabled => "user_disabled",
            StopReason::SystemStop => "system_stop",
            StopReason::Error => "error",
            StopReason::SessionEnded => "session_ended",
            StopReason::HardwareIncompatible => "hardware_incompatible",
            StopReason::ReplacedByForeground => "replaced_by_foreground",
            StopReason::AppCrashLoop => "app_crash_loop",
            StopReason::Restart => "restart",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_request_names_the_socket_three_times() {
        let url = "ws://127.0.0.1:8002/app-ws".to_owned();
        let request = SessionRequest {
            session_id: "ann@example.org-p".into(),
            user_id: "ann@example.org".into(),
            timestamp: Timestamp(0),
            websocket_url: url.clone(),
            mentra_os_websocket_url: url.clone(),
            augment_os_websocket_url: url,
            session_uuid: "u".into(),
        };
        let expected = r#"{"type":"session_request","sessionId":"ann@example.org-p","userId":"ann@example.org","timestamp":"1970-01-01T00:00:00.000Z","websocketUrl":"ws://127.0.0.1:8002/app-ws","mentraOSWebsocketUrl":"ws://127.0.0.1:8002/app-ws","augmentOSWebsocketUrl":"ws://127.0.0.1:8002/app-ws","sessionUuid":"u"}"#;
        assert_eq!(serde_json::to_string(&request).ok().as_deref(), Some(expected));
    }
}
