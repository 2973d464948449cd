//! What can go wrong, with the hop that failed and what to do about it.

use std::fmt;
use std::time::Duration;

/// An error of any kind, for what an app itself returns: `?` turns every error into it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What the methods of an [`App`](crate::App) return.
pub type Result<T = (), E = BoxError> = std::result::Result<T, E>;

/// Why a call of the SDK failed. No text of it contains a key, or words that were spoken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The session is over; nothing can be asked of it any more.
    #[error("the session is over: {0}")]
    Ended(Ending),
    /// No answer came in time. The session goes on.
    #[error("{asked}: no answer within {after:?}, {}", hop(*sent))]
    Timeout {
        /// The `type` of the request, like `photo_request`.
        asked: &'static str,
        /// How long it waited.
        after: Duration,
        /// Whether it had left this process: if not, the connection to the cloud was down all the time.
        sent: bool,
    },
    /// The cloud, the phone or the glasses said no.
    #[error("{asked} was refused: {message}{}", in_brackets(code.as_deref()))]
    Refused {
        /// The `type` of the request.
        asked: &'static str,
        /// For programs, where there is one: `CAMERA_BUSY`, `PERMISSION_DENIED` …
        code: Option<String>,
        /// In the words of who refused.
        message: String,
    },
    /// The argument is wrong; nothing was sent.
    #[error("{0}")]
    Invalid(String),
    /// Too much waits for the connection already: 256 messages, or 1 MiB. Send less, or wait until it is back.
    #[error("too much waits for the connection to the cloud: {what}")]
    Full {
        /// What there are too many of.
        what: &'static str,
    },
    /// A call of the cloud's REST interface failed.
    #[error("{what}: {why}")]
    Rest {
        /// Which call, like `GET /api/sdk/simple-storage`.
        what: &'static str,
        /// The HTTP status, if there was an answer.
        status: Option<u16>,
        /// What happened.
        why: String,
    },
}

/// Why a session is over. Its text is the `reason` of [`App::on_stop`](crate::App::on_stop).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// The cloud stopped the app: `user_disabled`, `system_stop`, `replaced_by_foreground` …
    Stopped(String),
    /// The wearer's own session with the cloud ended.
    UserSessionEnded,
    /// This app called [`disconnect`](crate::AppSession::disconnect).
    Disconnected,
    /// This process stops.
    Shutdown,
    /// A newer session of the same wearer took over.
    Replaced,
    /// The cloud did not take the app in, or not back: wrong key, not started …
    Refused(String),
    /// The connection was lost and did not come back in time.
    Lost(String),
    /// `on_session` failed or panicked.
    Failed(String),
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ending::Stopped(reason) => f.write_str(reason),
            Ending::UserSessionEnded => f.write_str("User session ended"),
            Ending::Disconnected => f.write_str("disconnected"),
            Ending::Shutdown => f.write_str("shutdown"),
            Ending::Replaced => f.write_str("replaced"),
            Ending::Refused(why) => write!(f, "refused by the cloud: {why}"),
            Ending::Lost(why) => write!(f, "connection lost: {why}"),
            Ending::Failed(why) => write!(f, "error: {why}"),
        }
    }
}

fn hop(sent: bool) -> &'static str {
    match sent {
        true => "although it was sent: the cloud, the phone or the glasses did not answer",
        false => "because there was no connection to the cloud",
    }
}

fn in_brackets(code: Option<&str>) -> String {
    code.map(|code| format!(" ({code})")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_which_hop_failed() {
        let late = |sent| Error::Timeout { asked: "photo_request", after: Duration::from_secs(30), sent };
        assert!(late(true).to_string().contains("the cloud, the phone or the glasses"));
        assert!(late(false).to_string().contains("no connection to the cloud"));
        let refused =
            Error::Refused { asked: "photo_request", code: Some("CAMERA_BUSY".into()), message: "later".into() };
        assert_eq!(refused.to_string(), "photo_request was refused: later (CAMERA_BUSY)");
    }
}
