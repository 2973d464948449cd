//! Why a load could not be measured. Every error names the hop at which it happened.

use std::fmt::Display;

/// What stopped the run.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// It cannot work as it was asked for.
    #[error("{0}")]
    Usage(String),
    /// Something on the way from A to B failed.
    #[error("{hop}: {why}")]
    Hop {
        /// From where to where, and what was tried.
        hop: String,
        /// What went wrong.
        why: String,
    },
}

impl BenchError {
    /// An error at a hop.
    pub(crate) fn hop(hop: impl Into<String>, why: impl Display) -> Self {
        BenchError::Hop { hop: hop.into(), why: why.to_string() }
    }
}
