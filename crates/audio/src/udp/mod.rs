//! Sound over UDP, as later phones send it: no connection, no order, no promise.
//!
//! | bytes | what |
//! |---|---|
//! | 0–3 | whose: FNV-1a (32 bits) of the user id, big-endian |
//! | 4–5 | number of the packet, big-endian, wraps |
//! | 6… | sound; or `PING`, with number 0 |
//!
//! Encrypted, a nonce of 24 bytes follows, then XSalsa20-Poly1305 of the sound: NaCl's secretbox.

mod packet;
mod reorder;
mod secret;

pub use packet::{HEADER, Packet, build, user_hash};
pub use reorder::{Ordered, Reorder, Window};
pub use secret::{ALGORITHM, Key};

/// The biggest packet of a phone.
pub const MAX_PACKET: usize = 1_024;
/// The sound of a ping.
pub const PING: &[u8] = b"PING";
/// The port when nobody says another.
pub const DEFAULT_PORT: u16 = 8_000;
