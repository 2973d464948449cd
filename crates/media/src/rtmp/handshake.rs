//! The handshake: both sides show that they speak RTMP by sending 1,536 bytes and getting them back.
//!
//! This is the plain form of the specification. The other one, with digests, proves that a peer is Adobe's; no encoder and no
//! service asks for that proof when somebody publishes.

use bytes::{BufMut, BytesMut};

/// The one version there is.
const VERSION: u8 = 3;
const PACKET: usize = 1536;

/// The peer does not speak RTMP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not RTMP: the first byte is {0:#04x}, not 0x03")]
pub(crate) struct NotRtmp(pub(crate) u8);

/// One side of a handshake.
///
/// | side | sends at once | waits for | then sends |
/// |---|---|---|---|
/// | server | nothing | version and packet of the client | version, own packet, the client's packet |
/// | client | version and own packet | version and packet of the server | the server's packet |
///
/// and both wait for their own packet to come back. What comes back is not compared: some peers send something else.
#[derive(Debug)]
pub(crate) struct Handshake {
    role: Role,
    input: BytesMut,
    met: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Server,
    Client,
}

impl Handshake {
    /// Begins; a client has something to send already.
    pub(crate) fn new(role: Role, out: &mut BytesMut) -> Self {
        if role == Role::Client {
            hello(out);
        }
        Self { role, input: BytesMut::new(), met: false }
    }

    /// Takes what came. When the handshake is over, what came after it is given back.
    pub(crate) fn push(&mut self, bytes: &[u8], out: &mut BytesMut) -> Result<Option<BytesMut>, NotRtmp> {
        self.input.extend_from_slice(bytes);
        if !self.met {
            match self.input.first() {
                Some(&VERSION) if self.input.len() > PACKET => {}
                Some(&VERSION) | None => return Ok(None),
                Some(&other) => return Err(NotRtmp(other)),
            }
            if self.role == Role::Server {
                hello(out);
            }
            out.put_slice(&self.input[1..=PACKET]);
            drop(self.input.split_to(PACKET + 1));
            self.met = true;
        }
        if self.input.len() < PACKET {
            return Ok(None);
        }
        let rest = self.input.split_off(PACKET);
        self.input = BytesMut::new();
        Ok(Some(rest))
    }

    /// Memory that the peer made us hold, in bytes.
    pub(crate) fn held(&self) -> usize {
        self.input.len()
    }
}

/// The version and our packet: time zero, version zero, and bytes that need not be secret, only not all the same.
fn hello(out: &mut BytesMut) {
    out.put_u8(VERSION);
    out.put_u64(0);
    out.extend((0..PACKET - 8).map(|n| (n as u8).wrapping_mul(167) ^ 0x5a));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_sides_agree_byte_by_byte() {
        let (mut to_server, mut to_client) = (BytesMut::new(), BytesMut::new());
        let mut server = Handshake::new(Role::Server, &mut to_client);
        let mut client = Handshake::new(Role::Client, &mut to_server);
        assert!(to_client.is_empty());
        let (mut server_done, mut client_done) = (false, false);
        for _ in 0..2 {
            for byte in to_server.split() {
                server_done |= server.push(&[byte], &mut to_client).expect("RTMP").is_some();
            }
            for byte in to_client.split() {
                client_done |= client.push(&[byte], &mut to_server).expect("RTMP").is_some();
            }
        }
        assert!(server_done && client_done);
    }

    #[test]
    fn what_follows_is_given_back() {
        let mut out = BytesMut::new();
        let mut server = Handshake::new(Role::Server, &mut out);
        let bytes = [&[VERSION][..], &[0; 2 * PACKET], b"more"].concat();
        assert_eq!(server.push(&bytes, &mut out).expect("RTMP").as_deref(), Some(&b"more"[..]));
        assert_eq!(out.len(), 1 + 2 * PACKET);
    }

    #[test]
    fn another_protocol_is_seen_at_its_first_byte() {
        let mut out = BytesMut::new();
        let mut server = Handshake::new(Role::Server, &mut out);
        assert_eq!(server.push(b"GET / HTTP/1.1", &mut out), Err(NotRtmp(b'G')));
        assert!(out.is_empty());
    }
}
