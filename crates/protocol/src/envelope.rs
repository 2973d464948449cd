//! The envelope that carries an event to an app, built by splicing text around the original message.
//!
//! `{"type":"data_stream","sessionId":…,"streamType":…,"data":<the message, untouched>,"timestamp":…}`. Nothing is parsed
//! and written again: a message that this server does not know arrives at the app byte for byte.

use std::ops::Range;

use crate::{Text, Timestamp};

/// Wraps `data` for one app; gives the frame, and where in it `data` is.
///
/// `session_id` is the app's session id; `stream` is the subscription string exactly as the app sent it, because the SDK
/// delivers an event only on equality; `data` must be one complete JSON value (a frame whose type was peeked is).
pub fn data_stream(session_id: &str, stream: &str, data: &str, timestamp: Timestamp) -> (Text, Range<usize>) {
    let mut text = String::with_capacity(100 + session_id.len() + stream.len() + data.len());
    text.push_str("{\"type\":\"data_stream\",\"sessionId\":");
    push_json_string(&mut text, session_id);
    text.push_str(",\"streamType\":");
    push_json_string(&mut text, stream);
    text.push_str(",\"data\":");
    let begin = text.len();
    text.push_str(data);
    let end = text.len();
    text.push_str(",\"timestamp\":\"");
    use std::fmt::Write;
    // Writing to a String cannot fail.
    let _ = write!(text, "{timestamp}");
    text.push_str("\"}");
    (Text::from(text), begin..end)
}

/// Appends `value` as a JSON string, quotes included.
pub fn push_json_string(text: &mut String, value: &str) {
    let plain = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
    if value.bytes().all(plain) {
        text.push('"');
        text.push_str(value);
        text.push('"');
    } else {
        // Only session ids and subscriptions with odd characters come here.
        text.push_str(&serde_json::Value::from(value).to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_arrives_byte_for_byte() {
        let data = r#"{"type":"x",  "n":1.0, "half":"\ud83d"}"#;
        let (text, place) = data_stream("ann@example.org-p", "x", data, Timestamp(0));
        let expected = r#"{"type":"data_stream","sessionId":"ann@example.org-p","streamType":"x","data":{"type":"x",  "n":1.0, "half":"\ud83d"},"timestamp":"1970-01-01T00:00:00.000Z"}"#;
        assert_eq!((text.as_str(), text.slice(place).as_str()), (expected, data));
    }

    #[test]
    fn odd_names_are_escaped() {
        let (text, _) = data_stream("a\"b", "c\\d\n", "{}", Timestamp(0));
        let value: serde_json::Value = serde_json::from_str(&text).expect("valid JSON");
        assert_eq!(value["sessionId"], "a\"b");
        assert_eq!(value["streamType"], "c\\d\n");
    }
}
