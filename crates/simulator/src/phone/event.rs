//! What happens to a phone, in one word each.

use std::fmt;
use std::time::Duration;

use bifocal_protocol::layout::View;

use crate::clean;
use crate::screen::{Head, Picture};

/// Something that happened to a phone, in the order in which it happened.
#[derive(Debug, Clone, PartialEq)]
pub enum PhoneEvent {
    /// The session is there.
    Connected {
        /// Whether this phone had been connected before.
        reconnection: bool,
    },
    /// The connection is gone.
    Disconnected {
        /// Why.
        why: String,
        /// When it is tried again; `None` when it is over for good.
        back_in: Option<Duration>,
    },
    /// An app drew something.
    Display {
        /// The app, or the dashboard for a boot screen.
        package: String,
        /// The buffer.
        view: View,
        /// What it drew.
        picture: Picture,
    },
    /// An app runs.
    AppStarted {
        /// The app.
        package: String,
    },
    /// An app runs no more.
    AppStopped {
        /// The app.
        package: String,
    },
    /// The cloud told the whole list of running apps.
    AppsRunning {
        /// The apps.
        packages: Vec<String>,
    },
    /// The cloud switched the microphone.
    Mic {
        /// Whether it listens. Real phones decide it from the list alone.
        on: bool,
        /// What the cloud needs: `pcm`, `transcription`, `pcm_or_transcription`.
        needs: Vec<String>,
    },
    /// The wearer moved the head.
    Head(Head),
    /// The battery of the glasses has changed.
    Battery(u8),
    /// A picture was asked for.
    Photo {
        /// The app.
        package: String,
        /// Where it went, or why it did not.
        outcome: Result<String, String>,
    },
    /// A stream of the camera is otherwise than before.
    Stream {
        /// Its id.
        stream: String,
        /// The app, or `MANAGED_STREAM` for the cloud.
        package: String,
        /// `initializing`, `active`, `reconnecting`, `reconnected`, `reconnect_failed`, `stopping`, `stopped`, `error`, `timeout`.
        status: String,
        /// Why, when it fails.
        why: Option<String>,
    },
    /// Sound of an app was heard to its end, or not.
    Played {
        /// The app.
        package: String,
        /// Bytes, or why it was not heard.
        outcome: Result<u64, String>,
    },
    /// Something that a real phone would log as an error.
    Error {
        /// What.
        message: String,
    },
    /// A message that a phone does nothing with.
    Other {
        /// Its `type`.
        kind: String,
    },
    /// Events were lost because nobody read them: the oldest are dropped when 1024 wait. The state is right all the same.
    Missed(u64),
}

impl fmt::Display for PhoneEvent {
    /// One line for a log, safe for a terminal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = match self {
            Self::Connected { reconnection: false } => "connected".to_owned(),
            Self::Connected { reconnection: true } => "connected again".to_owned(),
            Self::Disconnected { why, back_in: Some(back_in) } => {
                format!("disconnected: {why}; trying again in {} s", back_in.as_secs_f32())
            }
            Self::Disconnected { why, back_in: None } => format!("disconnected for good: {why}"),
            Self::Display { package, view: View::Dashboard, .. } => format!("display of {package} (dashboard)"),
            Self::Display { package, .. } => format!("display of {package}"),
            Self::AppStarted { package } => format!("app started: {package}"),
            Self::AppStopped { package } => format!("app stopped: {package}"),
            Self::AppsRunning { packages } if packages.is_empty() => "no app runs".to_owned(),
            Self::AppsRunning { packages } => format!("running: {}", packages.join(", ")),
            Self::Mic { on: true, needs } => format!("microphone on ({})", needs.join(", ")),
            Self::Mic { on: false, .. } => "microphone off".to_owned(),
            Self::Head(head) => format!("head {}", head.as_str()),
            Self::Battery(level) => format!("battery {level}%"),
            Self::Photo { package, outcome: Ok(to) } => format!("photo for {package} sent to {to}"),
            Self::Photo { package, outcome: Err(why) } => format!("no photo for {package}: {why}"),
            Self::Stream { package, status, why: None, .. } => format!("stream for {package}: {status}"),
            Self::Stream { package, status, why: Some(why), .. } => format!("stream for {package}: {status}: {why}"),
            Self::Played { package, outcome: Ok(bytes) } => format!("sound of {package} was heard ({bytes} bytes)"),
            Self::Played { package, outcome: Err(why) } => format!("sound of {package} was not heard: {why}"),
            Self::Error { message } => format!("error: {message}"),
            Self::Other { kind } => format!("message {kind}"),
            Self::Missed(count) => format!("{count} events were too many to follow"),
        };
        f.write_str(&clean::line(&line, 300))
    }
}
