//! Messages to the cloud, with the fields that stand in nearly all of them.

use std::time::{SystemTime, UNIX_EPOCH};

use bifocal_protocol::apps::FromApp;
use bifocal_protocol::envelope::push_json_string;
use bifocal_protocol::{Message, Text, Timestamp};

/// The message with `packageName`, `sessionId` and `timestamp`, where it has none of its own.
pub(crate) fn outgoing(message: &FromApp, package: &str, session_id: &str) -> Text {
    let encoded = message.encode();
    let body = encoded.trim_end().strip_suffix('}').unwrap_or(&encoded);
    let mut text = String::with_capacity(body.len() + package.len() + session_id.len() + 80);
    text.push_str(body);
    if !matches!(message, FromApp::Init(_)) {
        text.push_str(",\"packageName\":");
        push_json_string(&mut text, package);
        text.push_str(",\"sessionId\":");
        push_json_string(&mut text, session_id);
    }
    text.push_str(",\"timestamp\":\"");
    text.push_str(&now().to_string());
    text.push_str("\"}");
    Text::from(text)
}

/// The time of this machine.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use bifocal_protocol::apps::{ManagedStreamStop, RequestWifiSetup};

    use super::*;

    #[test]
    fn every_message_says_who_and_when() {
        for message in [
            FromApp::ManagedStreamStop(ManagedStreamStop {}),
            FromApp::RequestWifiSetup(RequestWifiSetup { reason: Some("a \"stream\"".to_owned()) }),
        ] {
            let text = outgoing(&message, "p", "u-p");
            let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            assert_eq!((&value["packageName"], &value["sessionId"]), (&"p".into(), &"u-p".into()));
            assert!(value["timestamp"].as_str().is_some_and(|at| at.ends_with('Z')), "{value}");
            assert_eq!(value["type"], message.kind());
        }
    }
}
