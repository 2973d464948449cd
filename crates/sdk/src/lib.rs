//! Write apps for smart glasses of the MentraOS family, in Rust.
//!
//! An app is a small web server. A cloud tells it that a wearer has started it; it opens a socket to the cloud, and from then on
//! has an [`AppSession`]: what the wearer says and does comes as streams, what the wearer shall see and hear goes out by calls.
//!
//! ```no_run
//! use bifocal_sdk::prelude::*;
//!
//! struct Captions;
//!
//! impl App for Captions {
//!     async fn on_session(&self, session: AppSession) -> Result {
//!         session.layouts().show_text_wall("Welcome!").await?;
//!         let mut words = session.events().transcription("en-US").await?;
//!         while let Some(heard) = words.next().await {
//!             session.layouts().show_text_wall(heard.text).await?;
//!         }
//!         Ok(())
//!     }
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result {
//!     AppServer::from_env()?.serve(Captions).await?;
//!     Ok(())
//! }
//! ```
//!
//! It works with Bifocal and with every MentraOS V1 cloud. What it promises:
//!
//! - **Every wait ends.** Requests have deadlines, and errors say which hop failed ([`Error`]).
//! - **A lost connection is no end.** Streams stay and are declared again, messages wait, requests go on; what a cloud sends twice
//!   around a cut is told once. After a minute without a cloud the session ends.
//! - **One session hurts no other.** An error or a panic in `on_session`, or in a handler, ends its session and nothing else.
//! - **A slow reader loses the oldest events** of its own stream, and you say how many may wait ([`EventStream`]).
//! - **It can be tested** without a cloud, a socket or a clock: [`testing`].
//!
//! Rust 1.95 or later.

#![deny(missing_docs)]

mod app;
mod core;
mod error;
mod hub;
mod message;
mod random;
mod rest;
mod server;
mod session;
mod shared;
mod shell;
mod state;
pub mod testing;

pub use app::{App, ToolCall, ToolReply};
pub use error::{BoxError, Ending, Error, Result};
pub use hub::{EventStream, Handler};
pub use server::{AppServer, AppServerBuilder, RunningServer, ServeError, Sessions, Wearer};
pub use session::*;
pub use state::{SettingsChange, SystemSettingsChange, ValueChange};

/// What events, settings and answers are made of: the types of the wire.
pub mod wire {
    pub use bifocal_protocol::Text;
    pub use bifocal_protocol::Timestamp;
    pub use bifocal_protocol::apps::{
        AckPermissions, AppError, AppErrorCode, AppMessageReceived, AppRoomUpdated, AppUserJoined, AppUserLeft,
        CapabilitiesUpdate, CustomMessage, DirectStreamStatus, DisplayOutcome, ManagedStreamStatus, PermissionDetail,
        PermissionError, RoomChange, RoomConfig, RoomData, StreamInfo, StreamKind,
    };
    pub use bifocal_protocol::capabilities::Capabilities;
    pub use bifocal_protocol::dashboard::{DashboardMode, DashboardSection};
    pub use bifocal_protocol::device::GlassesInfo;
    pub use bifocal_protocol::events::{
        BatteryUpdate, ButtonPress, CalendarEvent, CoreStatusUpdate, GlassesConnectionState, HeadPosition,
        LocationUpdate, PhoneNotification, PhoneNotificationDismissed, PhotoTaken, TouchEvent, TranscriptionData,
        TranslationData, Vad, VpsCoordinates,
    };
    pub use bifocal_protocol::json::Object;
    pub use bifocal_protocol::layout::{Layout, View};
    pub use bifocal_protocol::location::LocationTier;
    pub use bifocal_protocol::media::{ManagedState, RestreamDestination, StreamState};
    pub use bifocal_protocol::settings::AppSetting;
}

/// What nearly every app needs.
pub mod prelude {
    pub use crate::{App, AppServer, AppSession, Error, EventStream, Result, ToolCall, ToolReply};
}
