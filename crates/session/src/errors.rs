//! `sendError`: the one table of what a phone is told with `connection_error`, and when.

use bifocal_protocol::Timestamp;
use bifocal_protocol::close::Close;
use bifocal_protocol::glasses::{ConnectionError, GlassesErrorCode, ToPhone};

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorRow {
    /// The code on the wire.
    pub code: GlassesErrorCode,
    /// When it is sent.
    pub when: &'static str,
    /// What it says, for a person.
    pub message: &'static str,
    /// What follows; `None` when the socket stays open.
    pub close: Option<Close>,
}

/// Every reason for a `connection_error` on an open socket. A token that is missing or wrong at the upgrade gets HTTP 401.
pub const GLASSES_ERRORS: [ErrorRow; 5] = [
    ErrorRow {
        code: GlassesErrorCode::InvalidToken,
        when: "a `connection_init` carries a core token that is not a good one of this user",
        message: "Authentication failed",
        close: Some(Close::GlassesRejected),
    },
    ErrorRow {
        code: GlassesErrorCode::SessionError,
        when: "the server has as many sessions as it takes",
        message: "Failed to create session: the server is full, try again later",
        close: Some(Close::Overload),
    },
    ErrorRow {
        code: GlassesErrorCode::SessionError,
        when: "the server is stopping",
        message: "Failed to create session: the server restarts, try again",
        close: Some(Close::Restart),
    },
    ErrorRow {
        code: GlassesErrorCode::MalformedMessage,
        when: "a text frame is not a JSON object with a `type`, or a field of a known type is missing or of another kind",
        message: "The message could not be read",
        close: None,
    },
    ErrorRow {
        code: GlassesErrorCode::InternalError,
        when: "the session failed and is ended",
        message: "Internal server error",
        close: Some(Close::Internal),
    },
];

impl ErrorRow {
    /// The token of an open connection is not good.
    pub const INVALID_TOKEN: &'static ErrorRow = &GLASSES_ERRORS[0];
    /// No more sessions fit.
    pub const FULL: &'static ErrorRow = &GLASSES_ERRORS[1];
    /// The server stops.
    pub const STOPPING: &'static ErrorRow = &GLASSES_ERRORS[2];
    /// A message could not be read.
    pub const MALFORMED: &'static ErrorRow = &GLASSES_ERRORS[3];
    /// The session failed.
    pub const INTERNAL: &'static ErrorRow = &GLASSES_ERRORS[4];

    /// The message to send.
    pub fn message(&self, timestamp: Timestamp) -> ToPhone {
        ToPhone::Error(ConnectionError { code: Some(self.code), message: self.message.to_owned(), timestamp })
    }
}
