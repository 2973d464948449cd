//! WebSocket frames (RFC 6455, section 5), as little of it as the load driver and the control relay need.
//!
//! The parser gives every frame as it stands on the wire: it joins nothing, inflates nothing, checks no UTF-8. Payloads of
//! masked frames are unmasked by whoever wants to look at them.

use std::fmt;

/// A frame above this is an error: nothing here sends one, and a length is outside data.
pub const MAX_PAYLOAD: usize = 16 << 20;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opcode(pub u8);

impl Opcode {
    /// The next part of a message that came in parts.
    pub const CONTINUATION: Opcode = Opcode(0);
    /// Text.
    pub const TEXT: Opcode = Opcode(1);
    /// Bytes.
    pub const BINARY: Opcode = Opcode(2);
    /// The good-bye, with a code.
    pub const CLOSE: Opcode = Opcode(8);
    /// Are you there?
    pub const PING: Opcode = Opcode(9);
    /// I am.
    pub const PONG: Opcode = Opcode(10);
}

/// One frame on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The last part of its message.
    pub last: bool,
    /// What it is.
    pub opcode: Opcode,
    /// Clients mask, servers do not.
    pub mask: Option<[u8; 4]>,
    /// As on the wire: still masked when there is a mask.
    pub payload: &'a [u8],
}

impl Frame<'_> {
    /// Appends the payload in clear.
    pub fn unmask_into(&self, out: &mut Vec<u8>) {
        let from = out.len();
        out.extend_from_slice(self.payload);
        if let Some(mask) = self.mask {
            apply(mask, &mut out[from..]);
        }
    }
}

/// Why bytes are no frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Its length is above [`MAX_PAYLOAD`].
    #[error("a frame of {0} bytes")]
    TooLong(u64),
    /// A bit that only extensions use; none was agreed.
    #[error("a reserved bit is set")]
    Reserved,
}

/// Appends a frame of a client.
pub fn client(out: &mut Vec<u8>, opcode: Opcode, mask: [u8; 4], payload: &[u8]) {
    head(out, true, opcode, Some(mask), payload.len());
    let from = out.len();
    out.extend_from_slice(payload);
    apply(mask, &mut out[from..]);
}

/// Appends a frame of a server.
pub fn server(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8]) {
    head(out, true, opcode, None, payload.len());
    out.extend_from_slice(payload);
}

/// Appends what stands before a payload.
pub fn head(out: &mut Vec<u8>, last: bool, opcode: Opcode, mask: Option<[u8; 4]>, length: usize) {
    out.push(if last { 0x80 } else { 0 } | (opcode.0 & 0x0f));
    let masked = if mask.is_some() { 0x80 } else { 0 };
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ ..126), _) => out.push(masked | short),
        (_, Ok(middle)) => {
            out.push(masked | 126);
            out.extend_from_slice(&middle.to_be_bytes());
        }
        _ => {
            out.push(masked | 127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(mask.as_ref().map_or(&[], |mask| &mask[..]));
}

/// Masking and unmasking are the same.
fn apply(mask: [u8; 4], payload: &mut [u8]) {
    let mut words = payload.chunks_exact_mut(4);
    for word in &mut words {
        let value = u32::from_ne_bytes([word[0], word[1], word[2], word[3]]) ^ u32::from_ne_bytes(mask);
        word.copy_from_slice(&value.to_ne_bytes());
    }
    for (byte, key) in words.into_remainder().iter_mut().zip(mask) {
        *byte ^= key;
    }
}

/// Cuts a stream of bytes into frames. It holds memory only while a frame is incomplete.
#[derive(Default)]
pub struct Parser {
    partial: Vec<u8>,
}

impl fmt::Debug for Parser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Parser({} bytes wait)", self.partial.len())
    }
}

impl Parser {
    /// With bytes that came before anybody listened; their frames come out with the next [`Parser::feed`].
    pub fn starting_with(bytes: Vec<u8>) -> Self {
        Self { partial: bytes }
    }

    /// Takes what was read and gives every frame that is complete with it.
    ///
    /// # Errors
    /// [`FrameError`] when the bytes are no frames; the connection has no future then.
    pub fn feed(&mut self, bytes: &[u8], mut frame: impl FnMut(Frame<'_>)) -> Result<(), FrameError> {
        if self.partial.is_empty() {
            let used = cut(bytes, &mut frame)?;
            if used < bytes.len() {
                self.partial.extend_from_slice(&bytes[used..]);
            }
            return Ok(());
        }
        self.partial.extend_from_slice(bytes);
        let used = cut(&self.partial, &mut frame)?;
        self.partial.drain(..used);
        if self.partial.is_empty() {
            self.partial = Vec::new();
        }
        Ok(())
    }
}

/// Gives the complete frames at the beginning, and how many bytes they are.
fn cut(bytes: &[u8], frame: &mut impl FnMut(Frame<'_>)) -> Result<usize, FrameError> {
    let mut used = 0;
    while let Some((one, length)) = first(&bytes[used..])? {
        frame(one);
        used += length;
    }
    Ok(used)
}

fn first(bytes: &[u8]) -> Result<Option<(Frame<'_>, usize)>, FrameError> {
    let &[flags, second, ref rest @ ..] = bytes else { return Ok(None) };
    if flags & 0x70 != 0 {
        return Err(FrameError::Reserved);
    }
    let (length, rest) = match second & 0x7f {
        126 => match rest.split_first_chunk::<2>() {
            Some((length, rest)) => (u64::from(u16::from_be_bytes(*length)), rest),
            None => return Ok(None),
        },
        127 => match rest.split_first_chunk::<8>() {
            Some((length, rest)) => (u64::from_be_bytes(*length), rest),
            None => return Ok(None),
        },
        short => (u64::from(short), rest),
    };
    let whole = usize::try_from(length).ok().filter(|length| *length <= MAX_PAYLOAD);
    let whole = whole.ok_or(FrameError::TooLong(length))?;
    let (mask, rest) = match (second & 0x80 != 0, rest.split_first_chunk::<4>()) {
        (false, _) => (None, rest),
        (true, Some((mask, rest))) => (Some(*mask), rest),
        (true, None) => return Ok(None),
    };
    let Some(payload) = rest.get(..whole) else { return Ok(None) };
    let frame = Frame { last: flags & 0x80 != 0, opcode: Opcode(flags & 0x0f), mask, payload };
    Ok(Some((frame, bytes.len() - rest.len() + whole)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Seen = Vec<(bool, u8, bool, Vec<u8>)>;

    /// Feeds bytes in pieces of a size and gives what came out, in clear.
    fn parsed(bytes: &[u8], piece: usize) -> Result<Seen, FrameError> {
        let (mut parser, mut seen) = (Parser::default(), Vec::new());
        for piece in bytes.chunks(piece.max(1)) {
            parser.feed(piece, |frame| {
                let mut clear = Vec::new();
                frame.unmask_into(&mut clear);
                seen.push((frame.last, frame.opcode.0, frame.mask.is_some(), clear));
            })?;
        }
        Ok(seen)
    }

    #[test]
    fn the_example_of_the_standard_is_hello() {
        let masked = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
        let mut written = Vec::new();
        client(&mut written, Opcode::TEXT, [0x37, 0xfa, 0x21, 0x3d], b"Hello");
        assert_eq!(written, masked);
        assert_eq!(parsed(&masked, 1), Ok(vec![(true, 1, true, b"Hello".to_vec())]));
    }

    #[test]
    fn lengths_are_written_in_the_shortest_form() {
        for (length, head_length) in [(0, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
            let mut bytes = Vec::new();
            server(&mut bytes, Opcode::BINARY, &vec![7; length]);
            assert_eq!(bytes.len(), head_length + length, "{length}");
            let seen = parsed(&bytes, usize::MAX).expect("frames");
            assert_eq!((seen.len(), seen[0].3.len()), (1, length));
        }
    }

    #[test]
    fn a_length_from_outside_reserves_nothing() {
        let endless = [0x82, 127, 0xff, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(parsed(&endless, 1), Err(FrameError::TooLong(0xff << 56)));
        assert_eq!(parsed(&[0xc1, 0], 1), Err(FrameError::Reserved));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_whatever_the_pieces(
            frames in prop::collection::vec((prop::bool::ANY, 0u8..16, any::<[u8; 4]>(), 0usize..70_000), 0..6),
            piece in 1usize..5000,
        ) {
            let (mut bytes, mut expected) = (Vec::new(), Vec::new());
            for (masked, opcode, mask, length) in frames {
                let payload: Vec<u8> = (0..length).map(|n| n as u8).collect();
                match masked {
                    true => client(&mut bytes, Opcode(opcode), mask, &payload),
                    false => server(&mut bytes, Opcode(opcode), &payload),
                }
                expected.push((true, opcode, masked, payload));
            }
            prop_assert_eq!(parsed(&bytes, piece), Ok(expected));
        }

        #[test]
        fn random_bytes_never_panic_and_pieces_change_nothing(
            bytes in prop::collection::vec(any::<u8>(), 0..300), piece in 1usize..20,
        ) {
            if let Ok(whole) = parsed(&bytes, usize::MAX) {
                prop_assert_eq!(parsed(&bytes, piece), Ok(whole));
            }
        }
    }
}
