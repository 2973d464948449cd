//! The connection of one session, as a pure state machine: no socket, no clock, no task, no `async`.
//!
//! [`Connection::handle`] takes an [`Input`] and the time since the session began, and appends [`Output`]s;
//! [`Connection::next_deadline`] says when it wants an [`Input::Tick`]. The shell in [`crate::shell`] does what the outputs say.

mod backoff;
mod connection;
mod outgoing;
mod replay;
mod requests;
mod welcome;
mod wire;

#[cfg(test)]
mod cut_tests;
#[cfg(test)]
mod tests;

pub(crate) use connection::{Connection, Identity};
pub(crate) use requests::{Awaited, Upload, UploadError};
pub(crate) use welcome::Welcome;
pub(crate) use wire::{Event, Input, Lane, Leave, Output, Reply, Ticket};
