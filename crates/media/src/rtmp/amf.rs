//! AMF0, the notation of RTMP commands: numbers, flags, texts, objects and lists, one after the other.
//!
//! What is read comes from strangers, before anybody knows who they are: the depth, the number of values and the length of
//! texts are limited, and nothing is set aside for what a header only promises.

use bytes::{BufMut, BytesMut};

/// Deepest nesting of objects and lists. Real commands have two.
const MAX_DEPTH: usize = 8;
/// Most values in one message, keys not counted.
const MAX_VALUES: usize = 1024;

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Amf {
    Number(f64),
    Flag(bool),
    Text(String),
    /// Objects and associative arrays, in their order.
    Object(Vec<(String, Amf)>),
    List(Vec<Amf>),
    /// Null, undefined, and what has no meaning for RTMP: dates, unsupported values.
    Null,
}

/// The bytes are no AMF0, or more of it than anybody needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotAmf {
    #[error("a value is cut off")]
    CutOff,
    #[error("a value has an unknown kind")]
    Kind,
    #[error("values are nested more than {MAX_DEPTH} deep")]
    Depth,
    #[error("there are more than {MAX_VALUES} values")]
    Values,
    #[error("a text is not UTF-8")]
    Text,
}

impl Amf {
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Amf::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Amf::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// A field of an object.
    pub(crate) fn field(&self, name: &str) -> Option<&Amf> {
        match self {
            Amf::Object(fields) => fields.iter().find(|(key, _)| key == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// An object from fields with fixed names.
    pub(crate) fn object<const N: usize>(fields: [(&str, Amf); N]) -> Amf {
        Amf::Object(fields.map(|(name, value)| (name.to_owned(), value)).into())
    }
}

impl From<&str> for Amf {
    fn from(text: &str) -> Self {
        Amf::Text(text.to_owned())
    }
}

/// Reads every value of a message.
pub(crate) fn read(bytes: &[u8]) -> Result<Vec<Amf>, NotAmf> {
    let mut reader = Reader { rest: bytes, left: MAX_VALUES };
    let mut values = Vec::new();
    while !reader.rest.is_empty() {
        values.push(reader.value(0)?);
    }
    Ok(values)
}

/// Writes values one after the other. A text longer than 65,535 bytes is cut: no command has one.
pub(crate) fn write(values: &[Amf]) -> BytesMut {
    let mut out = BytesMut::with_capacity(128);
    for value in values {
        put(&mut out, value);
    }
    out
}

struct Reader<'a> {
    rest: &'a [u8],
    left: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], NotAmf> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(NotAmf::CutOff)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], NotAmf> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(NotAmf::CutOff)?;
        self.rest = rest;
        Ok(*taken)
    }

    fn text(&mut self, length: usize) -> Result<String, NotAmf> {
        let bytes = self.take(length)?;
        Ok(std::str::from_utf8(bytes).map_err(|_| NotAmf::Text)?.to_owned())
    }

    fn short_text(&mut self) -> Result<String, NotAmf> {
        let length = u16::from_be_bytes(self.array()?);
        self.text(usize::from(length))
    }

    fn value(&mut self, depth: usize) -> Result<Amf, NotAmf> {
        if depth > MAX_DEPTH {
            return Err(NotAmf::Depth);
        }
        self.left = self.left.checked_sub(1).ok_or(NotAmf::Values)?;
        let [kind] = self.array()?;
        Ok(match kind {
            0 => Amf::Number(f64::from_be_bytes(self.array()?)),
            1 => Amf::Flag(self.array::<1>()? != [0]),
            2 => Amf::Text(self.short_text()?),
            3 => self.fields(depth)?,
            5 | 6 | 13 => Amf::Null,
            8 => {
                // Its count is a hint that encoders fill in as they like; the end is marked, as that of an object.
                self.array::<4>()?;
                self.fields(depth)?
            }
            10 => self.list(depth)?,
            11 => {
                self.array::<10>()?;
                Amf::Null
            }
            12 => {
                let length = u32::from_be_bytes(self.array()?);
                Amf::Text(self.text(length as usize)?)
            }
            _ => return Err(NotAmf::Kind),
        })
    }

    fn fields(&mut self, depth: usize) -> Result<Amf, NotAmf> {
        let mut fields = Vec::new();
        loop {
            let name = self.short_text()?;
            if name.is_empty() && self.rest.first() == Some(&9) {
                self.take(1)?;
                return Ok(Amf::Object(fields));
            }
            fields.push((name, self.value(depth + 1)?));
        }
    }

    fn list(&mut self, depth: usize) -> Result<Amf, NotAmf> {
        let count = u32::from_be_bytes(self.array()?);
        let mut values = Vec::new();
        for _ in 0..count {
            values.push(self.value(depth + 1)?);
        }
        Ok(Amf::List(values))
    }
}

fn put(out: &mut BytesMut, value: &Amf) {
    match value {
        Amf::Number(number) => {
            out.put_u8(0);
            out.put_f64(*number);
        }
        Amf::Flag(flag) => out.put_slice(&[1, u8::from(*flag)]),
        Amf::Text(text) => {
            out.put_u8(2);
            put_text(out, text);
        }
        Amf::Object(fields) => {
            out.put_u8(3);
            for (name, value) in fields {
                put_text(out, name);
                put(out, value);
            }
            out.put_slice(&[0, 0, 9]);
        }
        Amf::List(values) => {
            out.put_u8(10);
            out.put_u32(u32::try_from(values.len()).unwrap_or(u32::MAX));
            values.iter().for_each(|value| put(out, value));
        }
        Amf::Null => out.put_u8(5),
    }
}

fn put_text(out: &mut BytesMut, text: &str) {
    let cut = &text[..text.floor_char_boundary(usize::from(u16::MAX))];
    out.put_u16(u16::try_from(cut.len()).unwrap_or(u16::MAX));
    out.put_slice(cut.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read() {
        let values = [
            Amf::from("connect"),
            Amf::Number(1.0),
            Amf::object([("app", "live".into()), ("ok", Amf::Flag(true)), ("deep", Amf::object([("x", Amf::Null)]))]),
            Amf::List(vec![Amf::Number(2.5), Amf::Null]),
        ];
        assert_eq!(read(&write(&values)).as_deref(), Ok(&values[..]));
        assert_eq!(values[2].field("app").and_then(Amf::text), Some("live"));
    }

    #[test]
    fn an_associative_array_is_an_object_whatever_it_counts() {
        let bytes = [&[8, 0xff, 0xff, 0xff, 0xff, 0, 1, b'a'][..], &[5, 0, 0, 9]].concat();
        assert_eq!(read(&bytes), Ok(vec![Amf::object([("a", Amf::Null)])]));
    }

    #[test]
    fn nothing_endless_is_followed() {
        let nested: Vec<u8> = [3, 0, 1, b'a'].repeat(10_000);
        assert_eq!(read(&nested), Err(NotAmf::Depth));
        assert_eq!(read(&[5; MAX_VALUES + 1]), Err(NotAmf::Values));
        assert_eq!(read(&[10, 0xff, 0xff, 0xff, 0xff, 5]), Err(NotAmf::CutOff));
        assert_eq!(read(&[12, 0xff, 0xff, 0xff, 0xff, b'a']), Err(NotAmf::CutOff));
        assert_eq!(read(&[2, 0, 1, 0xff]), Err(NotAmf::Text));
        assert_eq!(read(&[7, 0, 0]), Err(NotAmf::Kind));
        assert_eq!(read(&[3]), Err(NotAmf::CutOff));
    }
}
