//! One RTMP message, and the kinds of message that we know.

use bytes::Bytes;

/// A message, put together from its chunks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    /// One of [`kind`].
    pub(crate) kind: u8,
    /// The message stream: 0 is the connection, others are what `createStream` gave out.
    pub(crate) stream: u32,
    /// Milliseconds from a beginning that the sender chose. It starts over after 49 days.
    pub(crate) timestamp: u32,
    pub(crate) data: Bytes,
}

/// The kinds of message.
pub(crate) mod kind {
    pub(crate) const CHUNK_SIZE: u8 = 1;
    pub(crate) const ABORT: u8 = 2;
    pub(crate) const ACKNOWLEDGEMENT: u8 = 3;
    pub(crate) const USER_CONTROL: u8 = 4;
    pub(crate) const WINDOW: u8 = 5;
    pub(crate) const BANDWIDTH: u8 = 6;
    pub(crate) const AUDIO: u8 = 8;
    pub(crate) const VIDEO: u8 = 9;
    /// A command in AMF3, which begins with a byte and goes on in AMF0.
    pub(crate) const COMMAND_3: u8 = 17;
    pub(crate) const DATA: u8 = 18;
    pub(crate) const COMMAND: u8 = 20;

    /// Sound and pictures may be long, everything else is short.
    pub(crate) fn is_media(kind: u8) -> bool {
        matches!(kind, AUDIO | VIDEO)
    }
}
