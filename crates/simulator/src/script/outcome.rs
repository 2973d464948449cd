//! How a script ended.

use std::fmt;

use crate::phone::ConnectError;

/// How a script ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Every statement went as it should.
    Passed,
    /// A statement did not; the rest was not played.
    Failed {
        /// The line, counted from 1; 0 when the connection failed before the first.
        line: usize,
        /// The statement as it was written.
        statement: String,
        /// What went wrong, with the hop when it was the connection.
        why: String,
        /// The display at that time, line by line.
        shown: Vec<String>,
    },
    /// The script cannot be played at all: it cannot be read, or a file of it.
    Broken(String),
}

impl Outcome {
    /// For the exit of a program: 0 passed, 1 failed, 2 broken.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Failed { .. } => 1,
            Self::Broken(_) => 2,
        }
    }
}

impl From<&ConnectError> for Outcome {
    /// Without a connection no script can pass.
    fn from(error: &ConnectError) -> Self {
        let why = crate::clean::line(&error.to_string(), 400);
        Self::Failed { line: 0, statement: "connect".to_owned(), why, shown: Vec::new() }
    }
}

impl From<super::ScriptError> for Outcome {
    fn from(error: super::ScriptError) -> Self {
        Self::Broken(error.to_string())
    }
}

impl fmt::Display for Outcome {
    /// One line, and the display below it when that helps.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed => f.write_str("passed"),
            Self::Broken(why) => write!(f, "broken: {why}"),
            Self::Failed { line: 0, statement, why, .. } => write!(f, "failed: {statement}: {why}"),
            Self::Failed { line, statement, why, shown } => {
                write!(f, "failed at line {line}: {statement}: {why}")?;
                let shown: Vec<_> = shown.iter().filter(|line| !line.is_empty()).collect();
                if shown.is_empty() {
                    return f.write_str("; the display is empty");
                }
                f.write_str("; the display shows:")?;
                shown.iter().try_for_each(|line| write!(f, "\n  {line}"))
            }
        }
    }
}
