//! Speech recognition.
//!
//! ```text
//!            Recognizers::open                   its task
//!  Need ──► directory ──► breaker ──► engine ──► driver ──► dialect of the vendor
//!                                                  │
//!  Commands ─────────────────────────────────────► │ ──► Out ──► Event
//! ```

pub(crate) mod config;
pub(crate) mod directory;
pub(crate) mod engines;
mod languages;
mod out;
mod segmented;
mod socket;
pub(crate) mod stream;
mod translated;
