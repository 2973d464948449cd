//! What both sides of a connection have in common: handshake, messages in, messages out, acknowledgements, pings.

use bytes::{BufMut, Bytes, BytesMut};

use super::amf::{self, Amf, NotAmf};
use super::chunks::{self, BadChunks, ChunkLimits, ChunkReader};
use super::handshake::{Handshake, NotRtmp, Role};
use super::message::{Message, kind};

/// How we cut what we send.
const CHUNK: usize = 4096;
/// How many bytes we take before we acknowledge them, until the peer says otherwise.
const WINDOW: u32 = 2_500_000;

/// Why a connection cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Broken {
    #[error(transparent)]
    NotRtmp(#[from] NotRtmp),
    #[error(transparent)]
    Chunks(#[from] BadChunks),
    #[error("a command cannot be read: {0}")]
    Amf(#[from] NotAmf),
}

/// One connection, from its first byte.
#[derive(Debug)]
pub(crate) struct Link {
    /// `None` when it is over.
    handshake: Option<Handshake>,
    reader: ChunkReader,
    out: BytesMut,
    received: u32,
    acknowledged: u32,
    window: u32,
}

impl Link {
    pub(crate) fn new(role: Role, limits: ChunkLimits) -> Self {
        let mut out = BytesMut::new();
        let handshake = Some(Handshake::new(role, &mut out));
        let reader = ChunkReader::new(limits);
        Self { handshake, reader, out, received: 0, acknowledged: 0, window: WINDOW }
    }

    /// A connection whose handshake is over.
    pub(crate) fn after_handshake(limits: ChunkLimits) -> Self {
        let mut link = Self::new(Role::Server, limits);
        link.handshake = None;
        link
    }

    /// Takes what came; whether the handshake was completed by it.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<bool, Broken> {
        self.received = self.received.wrapping_add(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        let Some(handshake) = &mut self.handshake else {
            self.reader.push(bytes);
            return Ok(false);
        };
        let Some(rest) = handshake.push(bytes, &mut self.out)? else { return Ok(false) };
        self.handshake = None;
        self.reader.push(&rest);
        let size = CHUNK as u32;
        self.send(2, 0, kind::CHUNK_SIZE, 0, Bytes::copy_from_slice(&size.to_be_bytes()));
        Ok(true)
    }

    /// Whether the handshake is over.
    pub(crate) fn is_open(&self) -> bool {
        self.handshake.is_none()
    }

    /// The next message that is not only about the connection itself.
    pub(crate) fn next(&mut self) -> Result<Option<Message>, Broken> {
        if self.handshake.is_some() {
            return Ok(None);
        }
        while let Some(message) = self.reader.next()? {
            match (message.kind, &message.data[..]) {
                (kind::WINDOW, [a, b, c, d, ..]) => self.window = u32::from_be_bytes([*a, *b, *c, *d]).max(1 << 16),
                // A ping; the answer carries what came with it.
                (kind::USER_CONTROL, [0, 6, a, b, c, d, ..]) => {
                    let pong = Bytes::copy_from_slice(&[0, 7, *a, *b, *c, *d]);
                    self.send(2, 0, kind::USER_CONTROL, 0, pong);
                }
                (kind::ACKNOWLEDGEMENT | kind::USER_CONTROL | kind::BANDWIDTH | kind::WINDOW, _) => {}
                _ => return Ok(Some(message)),
            }
        }
        if self.received.wrapping_sub(self.acknowledged) >= self.window {
            self.acknowledged = self.received;
            self.send(2, 0, kind::ACKNOWLEDGEMENT, 0, Bytes::copy_from_slice(&self.received.to_be_bytes()));
        }
        Ok(None)
    }

    /// Puts a message into what waits to be written. `lane` is the chunk stream.
    pub(crate) fn send(&mut self, lane: u8, stream: u32, kind: u8, timestamp: u32, data: Bytes) {
        // The announcement of the chunk size is the one message that is shorter than the size before it.
        chunks::write(&mut self.out, CHUNK, lane, &Message { kind, stream, timestamp, data });
    }

    /// Puts a command into what waits to be written.
    pub(crate) fn command(&mut self, stream: u32, values: &[Amf]) {
        self.send(3, stream, kind::COMMAND, 0, amf::write(values).freeze());
    }

    /// How much we take before we acknowledge, and how much the peer should.
    pub(crate) fn send_windows(&mut self) {
        let mut window = BytesMut::new();
        window.put_u32(WINDOW);
        let window = window.freeze();
        self.send(2, 0, kind::WINDOW, 0, window.clone());
        self.send(2, 0, kind::BANDWIDTH, 0, [&window[..], &[2]].concat().into());
    }

    pub(crate) fn set_limits(&mut self, limits: ChunkLimits) {
        self.reader.set_limits(limits);
    }

    /// What is to be written to the peer.
    pub(crate) fn take_output(&mut self) -> BytesMut {
        self.out.split()
    }

    /// Memory that the peer made us hold, in bytes.
    pub(crate) fn held(&self) -> usize {
        self.handshake.as_ref().map_or(0, Handshake::held) + self.reader.held() + self.out.len()
    }
}

/// The values of a command, or nothing when the message is none.
pub(crate) fn command_of(message: &Message) -> Result<Option<Vec<Amf>>, NotAmf> {
    match message.kind {
        kind::COMMAND => amf::read(&message.data).map(Some),
        kind::COMMAND_3 => amf::read(message.data.get(1..).unwrap_or_default()).map(Some),
        _ => Ok(None),
    }
}
