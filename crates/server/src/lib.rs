//! The shell around the session core: it owns sockets, tasks, clocks, webhooks and the registry, and no rule about what a
//! session does.
//!
//! [`Server::start`] opens the listener and returns; [`Server::stop`] drains: no new sessions, every session told, every
//! socket closed with 1012, then the listener.

mod actor;
mod auth;
mod calls;
mod clock;
mod config;
mod early;
mod events;
mod http;
mod lifecycle;
mod log;
mod mailbox;
mod metrics;
mod outbox;
mod page_tokens;
mod peers;
mod photos;
mod quota;
mod registry;
mod service;
mod shared;
mod socket;
mod sound;
mod speech;
mod streams;

pub use auth::token::{CoreToken, TokenError, Tokens};
pub use auth::user_token::SigningKeyError;
pub use calls::guard::NetworkPolicy;
pub use config::{Limits, ServerConfig};
pub use events::EventSink;
pub use lifecycle::{Server, StartError};
pub use metrics::page as metrics_page;
pub use photos::PhotoRetention;
pub use streams::{EmbeddedStreams, StreamsConfig};
