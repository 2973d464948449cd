//! The MentraOS V1 wire and nothing else.
//!
//! Two sockets meet in a cloud: `/glasses-ws`, where the phone speaks for the glasses, and `/app-ws`, where app servers
//! connect after a webhook. This crate holds every message of both as serde types, the grammar of stream names, the
//! envelope that carries an event to an app, webhook bodies, permissions and close codes. It does no I/O.
//!
//! Reading is tolerant (unknown fields are ignored, unknown types are kept as text), writing is exact (a field that
//! JavaScript would leave out is left out here).

pub mod app;
pub mod app_rest;
pub mod apps;
pub mod capabilities;
pub mod close;
pub mod dashboard;
pub mod device;
pub mod envelope;
pub mod events;
#[doc(hidden)]
pub mod fuzzing;
pub mod glasses;
pub mod hardware;
pub mod ids;
pub mod json;
pub mod layout;
pub mod location;
pub mod media;
mod message;
pub mod permission;
pub mod phone_rest;
pub mod photo_rest;
pub mod rest;
pub mod settings;
pub mod settings_rest;
pub mod speech_url;
pub mod storage_rest;
pub mod streams;
mod text;
mod time;
pub mod tools_rest;
pub mod web_view_rest;
pub mod webhook;

pub use message::{Decoded, Message};
pub use text::Text;
pub use time::Timestamp;
