//! The statements of the script language.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::phone::{CameraState, Press};
use crate::screen::Head;

/// One thing that a wearer does, or that must be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Statement {
    /// `say TEXT`: the words reach the cloud as recognised on the phone.
    Say(String),
    /// `press BUTTON [short|long]`
    Press {
        /// As the glasses call it, for example `camera`.
        button: String,
        /// How long it is held.
        press: Press,
    },
    /// `head up|down`
    Head(Head),
    /// `audio FILE.wav`: speaks a recording into the microphone, in real time.
    Audio(PathBuf),
    /// `photo FILE`: what the camera sees from now on.
    Photo(PathBuf),
    /// `camera on|off|busy`
    Camera(CameraState),
    /// `battery PERCENT`
    Battery(u8),
    /// `start PACKAGE`
    Start(String),
    /// `stop PACKAGE`
    Stop(String),
    /// `cut SECONDS`: the connection drops and comes back after that time; the next statement waits for it.
    Cut(Duration),
    /// `wait SECONDS`
    Wait(Duration),
    /// `expect "TEXT" within SECONDS`
    Expect {
        /// What the display must say; spaces and line breaks are all the same.
        text: String,
        /// How long it may take.
        within: Duration,
    },
    /// `expect-not "TEXT" within SECONDS`
    ExpectNot {
        /// What the display must not say.
        text: String,
        /// For how long.
        within: Duration,
    },
}

impl Statement {
    /// Whether the wearer does something, so that what was shown before is an answer no more.
    pub fn acts(&self) -> bool {
        !matches!(self, Self::Wait(_) | Self::Expect { .. } | Self::ExpectNot { .. } | Self::Photo(_) | Self::Camera(_))
    }
}

/// A statement and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Counted from 1.
    pub number: usize,
    /// As it was written, safe for a terminal.
    pub text: String,
    /// What it means.
    pub statement: Statement,
}

/// A parsed script.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Script {
    /// The statements in their order.
    pub lines: Vec<Line>,
}

/// A line that is no statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ScriptError {
    /// Counted from 1.
    pub line: usize,
    /// What was expected, and what stands there.
    pub why: String,
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.why)
    }
}
