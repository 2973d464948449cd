//! RTMP chunks, inwards: messages cut into pieces of a size that the sender chooses, several messages at a time.
//!
//! A sender announces how long a message will be before it sends it. Nothing is believed: the length of a message, what all
//! unfinished ones together promise, the number of chunk streams and the size of a chunk are limited, so that a peer never
//! holds more than [`ChunkLimits::promised`] of memory. Chunk sizes and aborts are obeyed here, because they change how the
//! next byte is read.

use std::collections::HashMap;

use bytes::{Buf, Bytes, BytesMut};

use super::message::{Message, kind};

/// Chunks as a sender cuts them before it says otherwise.
const FIRST_CHUNK_SIZE: usize = 128;
/// In the place of a timestamp: the real one follows in four bytes.
const EXTENDED: u32 = 0xff_ffff;

/// What a peer may ask for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChunkLimits {
    /// The longest chunk that a peer may announce, in bytes.
    pub(crate) chunk: usize,
    /// The longest sound or picture, in bytes.
    pub(crate) media: usize,
    /// The longest command or description, in bytes.
    pub(crate) command: usize,
    /// What all unfinished messages together may be, in bytes.
    pub(crate) promised: usize,
    /// Chunk streams of one connection; real peers use five.
    pub(crate) streams: usize,
}

/// Why a peer is no longer listened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadChunks {
    #[error("chunks of {0} bytes are not taken")]
    ChunkSize(u32),
    #[error("a message of {0} bytes is not taken")]
    Message(usize),
    #[error("too much is promised at the same time")]
    Promised,
    #[error("too many chunk streams")]
    Streams,
    #[error("a chunk builds on one that never came")]
    NoHeader,
    #[error("a message begins within another one")]
    Within,
}

/// Puts messages together.
#[derive(Debug)]
pub(crate) struct ChunkReader {
    limits: ChunkLimits,
    chunk_size: usize,
    /// Bytes that are not read yet: less than a header when nothing is in between.
    buffer: BytesMut,
    lanes: HashMap<u32, Lane>,
    /// The chunk that is being read: its stream, and how much of it is still to come.
    current: Option<(u32, usize)>,
    promised: usize,
}

/// One chunk stream: the header that later chunks build on, and the message under way.
#[derive(Debug, Default, Clone)]
struct Lane {
    timestamp: u32,
    delta: u32,
    /// The last header had an extended timestamp: continuations repeat it.
    extended: Option<u32>,
    length: usize,
    kind: u8,
    stream: u32,
    payload: Option<BytesMut>,
}

impl ChunkReader {
    pub(crate) fn new(limits: ChunkLimits) -> Self {
        Self {
            limits,
            chunk_size: FIRST_CHUNK_SIZE,
            buffer: BytesMut::new(),
            lanes: HashMap::new(),
            current: None,
            promised: 0,
        }
    }

    /// Other limits from now on.
    pub(crate) fn set_limits(&mut self, limits: ChunkLimits) {
        self.limits = limits;
    }

    /// Takes what came. Call [`next`](Self::next) until it has nothing more: then less than a header stays here.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Memory that the peer made us hold, in bytes.
    pub(crate) fn held(&self) -> usize {
        self.buffer.len() + self.promised
    }

    /// The next whole message.
    pub(crate) fn next(&mut self) -> Result<Option<Message>, BadChunks> {
        loop {
            let (id, left) = match self.current {
                Some(current) => current,
                None => match self.header()? {
                    Some(current) => current,
                    None => return Ok(None),
                },
            };
            self.current = Some((id, left));
            let Some(lane) = self.lanes.get_mut(&id) else { return Err(BadChunks::NoHeader) };
            let Some(payload) = &mut lane.payload else { return Err(BadChunks::NoHeader) };
            let piece = left.min(self.buffer.len());
            payload.extend_from_slice(&self.buffer[..piece]);
            self.buffer.advance(piece);
            if piece < left {
                self.current = Some((id, left - piece));
                return Ok(None);
            }
            self.current = None;
            if payload.len() < lane.length {
                continue;
            }
            let data = lane.payload.take().unwrap_or_default().freeze();
            self.promised -= lane.length;
            let message = Message { kind: lane.kind, stream: lane.stream, timestamp: lane.timestamp, data };
            if !self.obey(&message)? {
                return Ok(Some(message));
            }
        }
    }

    /// Reads a header: the chunk stream, and how long its chunk is. `None` when not all of it is there yet.
    fn header(&mut self) -> Result<Option<(u32, usize)>, BadChunks> {
        let mut head = Head(&self.buffer);
        let Some((format, id)) = head.basic() else { return Ok(None) };
        let known = self.lanes.get(&id);
        if known.is_none() && self.lanes.len() >= self.limits.streams {
            return Err(BadChunks::Streams);
        }
        let under_way = known.is_some_and(|lane| lane.payload.is_some());
        // A continuation always has the short form: anything else would begin a new message before the old one ended.
        if under_way && format != 3 {
            return Err(BadChunks::Within);
        }
        let mut lane = match (known, format) {
            (_, 0) => Lane::default(),
            // Without the payload: it stays where it is.
            (Some(lane), _) => Lane { payload: None, ..*lane },
            (None, _) => return Err(BadChunks::NoHeader),
        };
        if head.message(format, &mut lane, under_way).is_none() {
            return Ok(None);
        }
        let read = self.buffer.len() - head.0.len();
        self.buffer.advance(read);
        if !under_way {
            let most = if kind::is_media(lane.kind) { self.limits.media } else { self.limits.command };
            if lane.length > most {
                return Err(BadChunks::Message(lane.length));
            }
            self.promised += lane.length;
            if self.promised > self.limits.promised {
                return Err(BadChunks::Promised);
            }
            lane.payload = Some(BytesMut::with_capacity(lane.length));
            self.lanes.insert(id, lane);
        }
        let lane = &self.lanes[&id];
        let missing = lane.length - lane.payload.as_ref().map_or(0, BytesMut::len);
        Ok(Some((id, missing.min(self.chunk_size))))
    }

    /// Does what concerns the chunks themselves; whether the message was such a one.
    fn obey(&mut self, message: &Message) -> Result<bool, BadChunks> {
        match (message.kind, message.data.first_chunk::<4>()) {
            (kind::CHUNK_SIZE, Some(size)) => {
                let size = u32::from_be_bytes(*size);
                if size == 0 || size as usize > self.limits.chunk {
                    return Err(BadChunks::ChunkSize(size));
                }
                self.chunk_size = size as usize;
                Ok(true)
            }
            (kind::ABORT, Some(id)) => {
                if let Some(lane) = self.lanes.get_mut(&u32::from_be_bytes(*id))
                    && lane.payload.take().is_some()
                {
                    self.promised -= lane.length;
                }
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}

/// The unread bytes, looked at without being taken.
struct Head<'a>(&'a [u8]);

impl Head<'_> {
    fn byte(&mut self) -> Option<u32> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(u32::from(*first))
    }

    /// Big-endian, as everything in RTMP but one field.
    fn number(&mut self, bytes: usize) -> Option<u32> {
        let mut number = 0;
        for _ in 0..bytes {
            number = number << 8 | self.byte()?;
        }
        Some(number)
    }

    /// The format and the number of the chunk stream.
    fn basic(&mut self) -> Option<(u32, u32)> {
        let first = self.byte()?;
        let id = match first & 0x3f {
            0 => 64 + self.byte()?,
            1 => 64 + self.byte()? + (self.byte()? << 8),
            small => small,
        };
        Some((first >> 6, id))
    }

    /// The rest, into the lane.
    fn message(&mut self, format: u32, lane: &mut Lane, under_way: bool) -> Option<()> {
        if format == 3 {
            if let Some(extended) = lane.extended {
                // Most senders repeat it, some do not; who does not has a payload there.
                let repeated = self.0.first_chunk::<4>().map(|bytes| u32::from_be_bytes(*bytes));
                match repeated {
                    Some(again) if again == extended => self.0 = &self.0[4..],
                    Some(_) => {}
                    None => return None,
                }
            }
            if !under_way {
                lane.timestamp = lane.timestamp.wrapping_add(lane.delta);
            }
            return Some(());
        }
        let mut time = self.number(3)?;
        if format < 2 {
            lane.length = self.number(3)? as usize;
            lane.kind = self.byte()? as u8;
        }
        if format == 0 {
            lane.stream = self.number(4)?.swap_bytes();
        }
        lane.extended = None;
        if time == EXTENDED {
            time = self.number(4)?;
            lane.extended = Some(time);
        }
        lane.timestamp = if format == 0 { time } else { lane.timestamp.wrapping_add(time) };
        lane.delta = time;
        Some(())
    }
}

impl Lane {
    #[cfg(test)]
    fn is_idle(&self) -> bool {
        self.payload.is_none()
    }
}

/// Cuts one message into chunks. Each connection needs one of its own, but it keeps nothing: every message has a full header,
/// eight bytes more than the shortest form, and none depends on another, so that one may be left out.
pub(crate) fn write(out: &mut BytesMut, chunk_size: usize, lane: u8, message: &Message) {
    use bytes::BufMut;
    let extended = message.timestamp >= EXTENDED;
    out.reserve(message.data.len() + 16 + message.data.len() / chunk_size * 5);
    out.put_u8(lane);
    out.put_uint(u64::from(message.timestamp.min(EXTENDED)), 3);
    out.put_uint(message.data.len() as u64, 3);
    out.put_u8(message.kind);
    out.put_u32_le(message.stream);
    if extended {
        out.put_u32(message.timestamp);
    }
    let mut data: Bytes = message.data.clone();
    loop {
        let piece = data.split_to(data.len().min(chunk_size));
        out.put_slice(&piece);
        if data.is_empty() {
            return;
        }
        out.put_u8(0xc0 | lane);
        if extended {
            out.put_u32(message.timestamp);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: ChunkLimits =
        ChunkLimits { chunk: 64 << 10, media: 1 << 20, command: 1 << 10, promised: 2 << 20, streams: 4 };

    fn message(kind: u8, timestamp: u32, data: &[u8]) -> Message {
        Message { kind, stream: 1, timestamp, data: Bytes::copy_from_slice(data) }
    }

    /// Everything that can be read from these bytes when they come in pieces of `step`.
    fn read(bytes: &[u8], step: usize) -> Result<Vec<Message>, BadChunks> {
        let mut reader = ChunkReader::new(LIMITS);
        let mut messages = Vec::new();
        for piece in bytes.chunks(step) {
            reader.push(piece);
            while let Some(message) = reader.next()? {
                messages.push(message);
            }
        }
        assert!(reader.lanes.values().all(Lane::is_idle) || !bytes.is_empty());
        Ok(messages)
    }

    #[test]
    fn what_is_cut_comes_together_however_it_arrives() {
        let long: Vec<u8> = (0..1000u32).map(|n| n as u8).collect();
        for time in [0, 5, EXTENDED - 1, EXTENDED, EXTENDED + 70_000, u32::MAX] {
            let sent =
                [message(kind::VIDEO, time, &long), message(kind::AUDIO, time, &[1]), message(kind::VIDEO, 1, &[])];
            let mut bytes = BytesMut::new();
            for message in &sent {
                write(&mut bytes, FIRST_CHUNK_SIZE, 4, message);
            }
            for step in [1, 2, 7, 128, 129, 5000] {
                assert_eq!(read(&bytes, step).as_deref(), Ok(&sent[..]), "{time} {step}");
            }
        }
    }

    #[test]
    fn two_messages_may_be_under_way_at_once() {
        let mut bytes = vec![4, 0, 0, 9, 0, 0, 200, kind::VIDEO, 1, 0, 0, 0];
        bytes.extend([1; 128]);
        bytes.extend([5, 0, 0, 9, 0, 0, 2, kind::AUDIO, 1, 0, 0, 0, 7, 7]);
        bytes.push(0xc4);
        bytes.extend([2; 72]);
        let read = read(&bytes, 3).expect("good");
        assert_eq!(read[0], message(kind::AUDIO, 9, &[7, 7]));
        assert_eq!((read[1].kind, read[1].data.len()), (kind::VIDEO, 200));
    }

    #[test]
    fn times_go_on_by_what_the_header_says() {
        let mut bytes = vec![4, 0, 0, 10, 0, 0, 1, kind::AUDIO, 1, 0, 0, 0, 0xa];
        bytes.extend([0x44, 0, 0, 20, 0, 0, 2, kind::AUDIO, 0xb, 0xb]);
        bytes.extend([0x84, 0, 0, 30, 0xc, 0xc]);
        bytes.extend([0xc4, 0xd, 0xd]);
        let times: Vec<u32> = read(&bytes, 1).expect("good").iter().map(|message| message.timestamp).collect();
        assert_eq!(times, [10, 30, 60, 90]);
    }

    #[test]
    fn a_new_chunk_size_counts_for_the_next_chunk() {
        let mut bytes = BytesMut::new();
        write(&mut bytes, FIRST_CHUNK_SIZE, 2, &message(kind::CHUNK_SIZE, 0, &[0, 0, 4, 0]));
        write(&mut bytes, 1024, 4, &message(kind::VIDEO, 0, &[3; 1500]));
        assert_eq!(read(&bytes, 11).expect("good"), [message(kind::VIDEO, 0, &[3; 1500])]);
    }

    #[test]
    fn an_abort_forgets_the_message_under_way() {
        let mut bytes = vec![4, 0, 0, 9, 0, 0, 200, kind::VIDEO, 1, 0, 0, 0];
        bytes.extend([1; 128]);
        bytes.extend([2, 0, 0, 0, 0, 0, 4, kind::ABORT, 0, 0, 0, 0, 0, 0, 0, 4]);
        bytes.extend([4, 0, 0, 9, 0, 0, 1, kind::AUDIO, 1, 0, 0, 0, 5]);
        assert_eq!(read(&bytes, 9).expect("good"), [message(kind::AUDIO, 9, &[5])]);
    }

    #[test]
    fn limits_hold_before_anything_is_set_aside() {
        let header = |lane: u8, kind: u8, length: u32| {
            let [_, a, b, c] = length.to_be_bytes();
            [lane, 0, 0, 0, a, b, c, kind, 1, 0, 0, 0]
        };
        let error = |bytes: &[u8]| read(bytes, 4096).expect_err("refused");
        assert_eq!(error(&header(4, kind::VIDEO, 1 << 21)), BadChunks::Message(1 << 21));
        assert_eq!(error(&header(4, kind::COMMAND, 1025)), BadChunks::Message(1025));
        let big = |lane| [&header(lane, kind::VIDEO, 1 << 20)[..], &[0; 128]].concat();
        assert_eq!(error(&[big(4), big(5), big(6)].concat()), BadChunks::Promised);
        let small = |lane| [&header(lane, kind::VIDEO, 1)[..], &[0]].concat();
        assert_eq!(error(&[small(4), small(5), small(6), small(7), small(8)].concat()), BadChunks::Streams);
        assert_eq!(error(&[0xc4]), BadChunks::NoHeader);
        assert_eq!(error(&[big(4), header(4, kind::VIDEO, 1).to_vec()].concat()), BadChunks::Within);
        for size in [0, 65_537, u32::MAX] {
            let bytes = [&header(2, kind::CHUNK_SIZE, 4)[..], &size.to_be_bytes()].concat();
            assert_eq!(error(&bytes), BadChunks::ChunkSize(size));
        }
    }
}
