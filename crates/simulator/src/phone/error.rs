//! What can go wrong, by hop: which of the many steps between a phone and an app it was.

use std::error::Error;
use std::io;
use std::time::Duration;

/// Why there is no connection to a cloud. Each case names the hop that failed.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The address cannot be used.
    #[error("the cloud address {address:?} is wrong: {why}")]
    Address {
        /// As it was given.
        address: String,
        /// What is wrong with it.
        why: String,
    },
    /// The name has no address.
    #[error("DNS: the name {host:?} was not found: {source}")]
    Dns {
        /// The name.
        host: String,
        /// What the resolver said.
        source: io::Error,
    },
    /// Nobody answers at the address.
    #[error("TCP: nothing answers at {at}: {source}")]
    Tcp {
        /// `host:port`.
        at: String,
        /// What the system said.
        source: io::Error,
    },
    /// The TLS handshake failed.
    #[error("TLS with {at}: {why}")]
    Tls {
        /// `host:port`.
        at: String,
        /// What failed.
        why: String,
    },
    /// The server answered the upgrade with an HTTP error, 401 when it does not like the token.
    #[error("upgrade: the cloud at {at} answered HTTP {status}: {message}")]
    Http {
        /// `host:port`.
        at: String,
        /// The HTTP status.
        status: u16,
        /// The `message` of its body, or the body.
        message: String,
    },
    /// Something answers that is no WebSocket server.
    #[error("upgrade: {at} does not speak WebSocket: {why}")]
    Upgrade {
        /// `host:port`.
        at: String,
        /// What failed.
        why: String,
    },
    /// The socket opened but the cloud refused the session.
    #[error("session: the cloud refused: {message}")]
    Refused {
        /// What it said.
        message: String,
    },
    /// The socket opened and was closed before the session was there.
    #[error("session: the cloud closed the connection before connection_ack: {why}")]
    ClosedEarly {
        /// Code and reason, if any.
        why: String,
    },
    /// A step took too long.
    #[error("{hop}: no answer from {at} after {} s", after.as_secs_f32())]
    Timeout {
        /// `TCP`, `upgrade`, or `session` when `connection_ack` did not come.
        hop: &'static str,
        /// `host:port`.
        at: String,
        /// How long it waited.
        after: Duration,
    },
}

/// Why a phone could not do something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// The connection is down at the moment; the message is lost, as with a real phone.
    #[error("socket: not connected to the cloud")]
    Offline,
    /// The connection is closed for good.
    #[error("socket: the connection is closed for good")]
    Ended,
    /// An app did not start or stop: the cloud said no.
    #[error("REST: the cloud answered HTTP {status}: {message}")]
    Rest {
        /// The HTTP status.
        status: u16,
        /// What the cloud said.
        message: String,
    },
    /// The REST call did not get through.
    #[error("REST: {0}")]
    Unreachable(String),
}

/// The error with everything that caused it, on one line.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    crate::clean::line(&text, 300)
}

/// The `message` of a JSON body, otherwise the beginning of the body.
pub(super) fn message_of(body: &[u8]) -> String {
    let value: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let message = value.as_ref().and_then(|value| value.get("message")?.as_str()).map(str::to_owned);
    let text = message.unwrap_or_else(|| String::from_utf8_lossy(body).trim().to_owned());
    if text.is_empty() { "no message".to_owned() } else { crate::clean::line(&text, 300) }
}
