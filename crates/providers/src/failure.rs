//! What went wrong with an engine, in words for a person and as a kind for whoever decides what to do next.

use std::fmt::{self, Display};
use std::sync::Arc;
use std::time::Duration;

/// Longest explanation.
const MAX_WHY: usize = 300;

/// An engine has failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Failure {
    /// Its name in the configuration; `speech` when there was none to ask.
    pub engine: Arc<str>,
    /// What it means for the next attempt.
    pub kind: FailureKind,
    /// One line for a person: which hop, why, what to do. No key is in it, and no control character from outside.
    pub why: String,
}

/// What a failure means for the next attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FailureKind {
    /// The key or the account is not accepted, or the configuration is wrong. Asking this engine again is of no use.
    Refused,
    /// Too many streams or requests, or the quota is used up (HTTP 429).
    Busy {
        /// When the engine wants to be asked again, if it said so.
        retry_after: Option<Duration>,
    },
    /// The connection was cut, or what came over it made no sense.
    Lost,
    /// A deadline has passed without an answer.
    Stalled,
    /// No engine knows this language, or the one that was asked does not.
    Unsupported {
        /// Tags that are known instead, at most five, those of the same language first.
        suggestions: Vec<String>,
    },
    /// There is no engine, or none that is well.
    Unavailable,
}

impl Failure {
    /// A failure; outside text in `why` is made harmless and is cut.
    pub fn new(engine: &Arc<str>, kind: FailureKind, why: impl AsRef<str>) -> Self {
        Self { engine: engine.clone(), kind, why: plain(why.as_ref(), MAX_WHY) }
    }

    /// Of no engine in particular.
    pub(crate) fn of_speech(kind: FailureKind, why: impl AsRef<str>) -> Self {
        Self::new(&Arc::from("speech"), kind, why)
    }

    pub(crate) fn lost(engine: &Arc<str>, why: impl AsRef<str>) -> Self {
        Self::new(engine, FailureKind::Lost, why)
    }

    pub(crate) fn stalled(engine: &Arc<str>, why: impl AsRef<str>) -> Self {
        Self::new(engine, FailureKind::Stalled, why)
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.engine, self.why)
    }
}

/// One line of at most `limit` characters: control characters and those that turn the direction of text are gone.
pub(crate) fn plain(text: &str, limit: usize) -> String {
    let unsafe_ =
        |c: char| c.is_control() || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}');
    let mut clean = text.chars().map(|c| if unsafe_(c) { ' ' } else { c });
    let mut line: String = clean.by_ref().take(limit).collect();
    if clean.next().is_some() {
        line.pop();
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outside_text_is_one_harmless_line() {
        let failure = Failure::lost(&Arc::from("x"), "a\u{1b}[2J\nb\u{202e}c");
        assert_eq!(failure.to_string(), "x: a [2J b c");
        let long = Failure::lost(&Arc::from("x"), "é".repeat(1000)).why;
        assert_eq!(long.chars().count(), MAX_WHY);
        assert!(long.ends_with('…'));
    }
}
