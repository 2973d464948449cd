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
mod http;
mod lifecycle;
mod log;
mod outbox;
mod registry;
mod service;
mod shared;
mod socket;

pub use auth::token::{CoreToken, TokenError, Tokens};
pub use calls::guard::NetworkPolicy;
pub use config::{Limits, ServerConfig};
pub use lifecycle::{Server, StartError};
