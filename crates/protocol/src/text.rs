//! One text frame: UTF-8 bytes that are shared, never copied, on their way through the cloud.

use std::ops::{Deref, Range};
use std::str::Utf8Error;

use bytes::Bytes;

/// A reference-counted UTF-8 string: the payload of one WebSocket text frame.
///
/// Cloning is a counter increment. The bytes are UTF-8 by construction.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Text(Bytes);

impl Text {
    /// Text that lives as long as the program; no allocation.
    pub const fn from_static(text: &'static str) -> Self {
        Self(Bytes::from_static(text.as_bytes()))
    }

    /// The text as a string slice.
    pub fn as_str(&self) -> &str {
        // Both constructors checked it; a second scan of every frame is the price of having no `unsafe` in the project.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The bytes, for a socket.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }

    /// A part of the text, which shares its memory; empty when the range is none of it.
    pub fn slice(&self, range: Range<usize>) -> Self {
        let part = self.as_str().get(range.clone()).map(|_| self.0.slice(range));
        Self(part.unwrap_or_default())
    }

    /// Length in bytes, without looking at the content.
    pub fn byte_len(&self) -> usize {
        self.0.len()
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(Bytes::from(text))
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl TryFrom<Bytes> for Text {
    type Error = Utf8Error;

    fn try_from(bytes: Bytes) -> Result<Self, Utf8Error> {
        std::str::from_utf8(&bytes)?;
        Ok(Self(bytes))
    }
}

impl std::fmt::Debug for Text {
    /// Shows the length only: frames carry speech, keys and pictures, and debug output ends up in logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Text({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_bytes_that_are_not_utf8() {
        assert!(Text::try_from(Bytes::from_static(b"\xff")).is_err());
        assert_eq!(Text::try_from(Bytes::from_static(b"ok")).as_deref(), Ok("ok"));
    }

    #[test]
    fn a_part_is_text_or_nothing() {
        let text = Text::from("a\u{e9}b");
        assert_eq!(
            (text.slice(1..3).as_str(), text.slice(0..2).as_str(), text.slice(3..9).as_str()),
            ("\u{e9}", "", "")
        );
    }

    #[test]
    fn debug_output_does_not_show_the_content() {
        assert_eq!(format!("{:?}", Text::from("secret")), "Text(6 bytes)");
    }
}
