//! JSON the way this wire needs it: look at `type` first, decode only what is acted upon, forgive half an emoji.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A JSON object whose content this cloud passes on as it is.
pub type Object = serde_json::Map<String, serde_json::Value>;

/// Why a text frame is not a message.
#[derive(Debug, thiserror::Error)]
pub enum Malformed {
    /// The frame is not one JSON object.
    #[error("not a JSON object: {0}")]
    NotAnObject(serde_json::Error),
    /// The object has no string field `type`.
    #[error("the message has no `type`")]
    NoType,
    /// The type is known but a field of it is missing or of another kind.
    #[error("`{kind}` message: {error}")]
    Field {
        /// The message type.
        kind: &'static str,
        /// What serde said; it names the field, never a value of ours.
        error: serde_json::Error,
    },
}

/// Reads only the `type` of a message; the rest is checked to be JSON and skipped.
///
/// # Errors
/// [`Malformed::NotAnObject`] and [`Malformed::NoType`].
pub fn peek_type(text: &str) -> Result<Cow<'_, str>, Malformed> {
    #[derive(Deserialize)]
    struct Head<'a> {
        #[serde(borrow, default, rename = "type")]
        kind: Option<CowStr<'a>>,
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum CowStr<'a> {
        #[serde(borrow)]
        Borrowed(&'a str),
        Owned(String),
        /// A `type` that is no string is the same as none.
        Other(serde::de::IgnoredAny),
    }
    let first = text.trim_start().as_bytes().first();
    let head: Head = serde_json::from_str(text).map_err(Malformed::NotAnObject)?;
    if first != Some(&b'{') {
        // serde reads a struct from an array as well; this wire has objects only.
        return Err(Malformed::NoType);
    }
    match head.kind {
        Some(CowStr::Borrowed(kind)) => Ok(Cow::Borrowed(kind)),
        Some(CowStr::Owned(kind)) => Ok(Cow::Owned(kind)),
        Some(CowStr::Other(_)) | None => Err(Malformed::NoType),
    }
}

/// Decodes `text`, and once more with unpaired surrogate escapes replaced if that is what it failed at.
///
/// JavaScript's `slice` can cut an emoji in half, and `JSON.stringify` then writes `"\ud83d"`, which is no Unicode text.
///
/// # Errors
/// The error of serde, for the original text.
pub fn decode<T: DeserializeOwned>(text: &str) -> Result<T, serde_json::Error> {
    serde_json::from_str(text).or_else(|error| match repair_lone_surrogates(text) {
        Some(repaired) => serde_json::from_str(&repaired),
        None => Err(error),
    })
}

/// Reads a duration in milliseconds from any JSON number: JavaScript computes with fractions. Negative is absent.
///
/// # Errors
/// When the field is neither a number nor `null`.
pub(crate) fn milliseconds<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let number = Option::<f64>::deserialize(deserializer)?;
    Ok(number.filter(|ms| *ms >= 0.0).map(|ms| ms.round() as u64))
}

/// For a field where `null` and absence differ: `Some(None)` is `null`, `None` (with `default`) is absence.
///
/// # Errors
/// Those of the value.
pub(crate) fn null_or<'de, T: Deserialize<'de>, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Replaces every `\uD800`–`\uDFFF` escape that is not part of a pair by `\ufffd`; `None` when there is none.
pub fn repair_lone_surrogates(text: &str) -> Option<String> {
    let mut repaired = String::new();
    let mut copied = 0;
    let mut at = 0;
    let bytes = text.as_bytes();
    while let Some(found) = bytes.get(at..).and_then(|rest| rest.iter().position(|&b| b == b'\\')) {
        at += found;
        match (escape_unit(bytes, at), escape_unit(bytes, at + 6)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => at += 12,
            (Some(0xD800..=0xDFFF), _) => {
                repaired.push_str(&text[copied..at]);
                repaired.push_str("\\ufffd");
                at += 6;
                copied = at;
            }
            (Some(_), _) => at += 6,
            // `\\`, `\n` and the like: two bytes, so that the second backslash of `\\` opens nothing.
            (None, _) => at += 2,
        }
    }
    if copied == 0 {
        return None;
    }
    repaired.push_str(&text[copied..]);
    Some(repaired)
}

/// The UTF-16 unit of the escape `\uXXXX` at `at`, if there is one.
fn escape_unit(bytes: &[u8], at: usize) -> Option<u16> {
    let escape = bytes.get(at..at + 6)?;
    if !escape.starts_with(b"\\u") || !escape[2..].iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u16::from_str_radix(std::str::from_utf8(&escape[2..]).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_is_found_wherever_it_stands() {
        assert_eq!(peek_type(r#"{"type":"VAD","status":true}"#).ok().as_deref(), Some("VAD"));
        assert_eq!(peek_type(r#" {"a":[1,{"type":"no"}],"type":"b\u0061"}"#).ok().as_deref(), Some("ba"));
    }

    #[test]
    fn what_is_no_message_is_told_apart() {
        for text in ["", "x", "{", "{} {}", "\"type\""] {
            assert!(matches!(peek_type(text), Err(Malformed::NotAnObject(_))), "{text:?}");
        }
        for text in ["{}", r#"{"type":7}"#, r#"{"type":null}"#, r#"["VAD"]"#] {
            assert!(matches!(peek_type(text), Err(Malformed::NoType)), "{text:?}");
        }
    }

    #[test]
    fn half_an_emoji_does_not_lose_the_message() {
        let text = r#"{"type":"x","text":"cut \ud83d"}"#;
        assert!(serde_json::from_str::<serde_json::Value>(text).is_err());
        assert_eq!(peek_type(text).ok().as_deref(), Some("x"));
        let value: serde_json::Value = decode(text).expect("repaired");
        assert_eq!(value["text"], "cut \u{fffd}");
    }

    #[test]
    fn only_unpaired_surrogates_are_replaced() {
        let repair = |text| repair_lone_surrogates(text);
        assert_eq!(repair(r"\ud83d\ude00"), None);
        assert_eq!(repair(r"\\ud83d"), None);
        assert_eq!(repair(r"\u0041\n"), None);
        assert_eq!(repair(r"\ude00\ud83d").as_deref(), Some(r"\ufffd\ufffd"));
        assert_eq!(repair(r"\ud83d\ud83d\ude00").as_deref(), Some(r"\ufffd\ud83d\ude00"));
        assert_eq!(repair(r"\ud8").as_deref(), None);
    }
}
