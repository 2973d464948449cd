//! RTMP without sockets: bytes in, bytes and events out. Both sides: who publishes to us, and how we publish to others.

pub(crate) mod amf;
pub(crate) mod chunks;
pub(crate) mod client;
pub(crate) mod handshake;
pub(crate) mod link;
pub(crate) mod message;
pub(crate) mod server;
