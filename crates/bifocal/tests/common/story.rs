//! What an app noticed of its own life, in a few words.

use serde_json::Value;

/// What is an error only because the network was cut.
const NETWORK: [&str; 5] =
    ["socket hang up", "ECONNRESET", "WebSocket error", "Connection timeout", "Reconnection failed"];

/// What the app noticed of its own life, in order. Messages of this type, if any, are newer than its SDK: it makes an error of
/// each and goes on.
pub(crate) fn story(events: &[Value], newer: Option<&str>) -> String {
    let newer = newer.map(|kind| format!("Unrecognized message type: {kind}"));
    let mut story: Vec<(String, usize)> = Vec::new();
    let mut lost = false;
    for event in events {
        let (reason, code) = (event["reason"].as_str().unwrap_or("no reason"), &event["code"]);
        let message = event["message"].as_str().unwrap_or("no message");
        let words = match event["event"].as_str() {
            Some("session") => "onSession".to_owned(),
            Some("connected") => "back".to_owned(),
            // That the SDK has given up is told by `onStop`; that a try has failed, by nothing.
            Some("disconnected") if code == 4000 || (lost && code == 1006) => continue,
            Some("disconnected") if code == 1006 => "lost".to_owned(),
            Some("disconnected") => format!("closed {code}"),
            Some("stop") => format!("onStop ({reason})"),
            Some("error") if NETWORK.iter().any(|known| message.contains(known)) => continue,
            Some("error") if newer.as_deref() == Some(message) => continue,
            Some("error") => format!("error ({message})"),
            _ => continue,
        };
        match words.as_str() {
            "lost" => lost = true,
            "back" | "onSession" => lost = false,
            _ => {}
        }
        match story.last_mut() {
            Some((last, times)) if *last == words => *times += 1,
            _ => story.push((words, 1)),
        }
    }
    let story = story.into_iter().map(|(words, times)| if times == 1 { words } else { format!("{words} ×{times}") });
    let story = story.collect::<Vec<_>>().join(", ");
    if story.is_empty() { "undisturbed".to_owned() } else { story }
}
