//! The bodies of the fuzz targets, so that tests can replay their corpus. Each takes any bytes and panics when a
//! promise of this crate does not hold.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::apps::{FromApp, ToApp, claimed_package};
use crate::capabilities::{Capabilities, capabilities_for};
use crate::device::GlassesInfo;
use crate::events::{TranscriptionData, TranslationData};
use crate::glasses::{FromPhone, ToPhone};
use crate::ids::{PackageName, UserId, user_of_session_id};
use crate::layout::{Layout, View};
use crate::location::LocationTier;
use crate::permission::{Permission, Permissions};
use crate::settings::{AppSetting, SystemSettings};
use crate::streams::{Subscription, SubscriptionEntry};
use crate::webhook::{SessionRequest, StopRequest};
use crate::{Decoded, Message, Timestamp, envelope, json};

/// A function that takes any bytes.
pub type Target = fn(&[u8]);

/// Every target, under the name of its corpus.
pub const TARGETS: [(&str, Target); 5] = [
    ("from_phone", from_phone),
    ("from_app", from_app),
    ("envelope", envelope),
    ("subscription", subscription),
    ("surrogates", surrogates),
];

/// What a phone sends: read, written and read again it is the same.
pub fn from_phone(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let Some(message) = read_twice::<FromPhone>(&text) else { return };
    match message {
        FromPhone::CoreStatusUpdate(update) => drop(update.read(&SystemSettings::default())),
        FromPhone::PhotoResponse(response) => drop(response.outcome()),
        FromPhone::RtmpStreamStatus(report) | FromPhone::StreamStatus(report) => drop(report.state().is_final()),
        FromPhone::Vad(vad) => drop(vad.speaking()),
        FromPhone::LocalTranscription(words) => assert!(words.text.is_empty() || !words.spoken_language().is_empty()),
        _ => {}
    }
}

/// What an app sends: read, written and read again it is the same.
pub fn from_app(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    drop(claimed_package(&text));
    match read_twice::<FromApp>(&text) {
        Some(FromApp::Display(request)) => drop(request.layout.for_phone()),
        Some(FromApp::SubscriptionUpdate(update)) => update.subscriptions.iter().for_each(parse_twice),
        _ => {}
    }
}

fn read_twice<M: Message + PartialEq + std::fmt::Debug>(text: &str) -> Option<M> {
    let Decoded::Known(message) = M::decode(text).ok()? else { return None };
    let written = message.encode();
    assert_eq!(M::decode(&written).ok(), Some(Decoded::Known(message)), "read, written, and read as another");
    match M::decode(&written) {
        Ok(Decoded::Known(message)) => Some(message),
        _ => None,
    }
}

/// An envelope, of a session id, a stream name and a message on a line each: valid, and the message is untouched.
pub fn envelope(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut lines = text.splitn(3, '\n');
    let (session, stream) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let message = lines.next().unwrap_or("{}");
    if serde_json::from_str::<IgnoredAny>(message).is_err() {
        // Only what was peeked comes into an envelope.
        return;
    }
    check_envelope(session, stream, message);
}

/// Splices and reads back.
pub fn check_envelope(session: &str, stream: &str, message: &str) {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Envelope<'a> {
        #[serde(rename = "type")]
        kind: String,
        session_id: String,
        stream_type: String,
        #[serde(borrow)]
        data: &'a RawValue,
        timestamp: Timestamp,
    }
    let now = Timestamp(1_767_607_200_000);
    let (text, _) = envelope::data_stream(session, stream, message, now);
    let read: Envelope<'_> = serde_json::from_str(&text).expect("an envelope is valid JSON");
    assert_eq!((read.kind.as_str(), read.session_id.as_str()), ("data_stream", session));
    assert_eq!((read.stream_type.as_str(), read.timestamp), (stream, now));
    assert_eq!(read.data.get(), message.trim_matches([' ', '\t', '\n', '\r']), "the message was touched");
}

/// A stream name, or a JSON list of subscriptions: what is accepted keeps its spelling and is accepted again.
pub fn subscription(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(entries) = json::decode::<Vec<SubscriptionEntry>>(&text) {
        entries.iter().for_each(parse_twice);
    }
    parse_twice(&SubscriptionEntry::Name(text.into_owned()));
}

fn parse_twice(entry: &SubscriptionEntry) {
    let Ok(parsed) = Subscription::parse(entry) else { return };
    assert!(!parsed.key.base().is_empty());
    assert!(parsed.key.need().met_by(Permissions::from_iter([Permission::All])), "ALL is not enough");
    match entry {
        SubscriptionEntry::Name(name) => assert_eq!(parsed.to_string(), *name),
        SubscriptionEntry::Rated { stream, .. } => assert_eq!(parsed.to_string(), *stream),
        SubscriptionEntry::Other(_) => unreachable!("what is neither a name nor an object with one is no subscription"),
    }
    assert_eq!(Subscription::parse(entry), Ok(parsed));
}

/// A text with unpaired surrogates: valid JSON stays valid, strings can be read, and nothing is left to repair.
pub fn surrogates(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let repaired = json::repair_lone_surrogates(&text);
    if let Some(repaired) = &repaired {
        assert_eq!(json::repair_lone_surrogates(repaired), None, "repaired twice");
    }
    if serde_json::from_str::<IgnoredAny>(&text).is_err() {
        return;
    }
    let repaired = repaired.as_deref().unwrap_or(&text);
    assert!(serde_json::from_str::<IgnoredAny>(repaired).is_ok(), "the repair broke the JSON");
    if text.trim_start().starts_with('"') {
        assert!(json::decode::<String>(&text).is_ok(), "a string was lost");
    }
}

/// Every decoder of the crate; none of them panics.
pub fn decoders(text: &str) {
    let peeked = json::peek_type(text).is_ok();
    as_every_type::<FromApp>(text, peeked);
    as_every_type::<ToApp>(text, peeked);
    as_every_type::<FromPhone>(text, peeked);
    as_every_type::<ToPhone>(text, peeked);
    for (_, target) in TARGETS {
        target(text.as_bytes());
    }
    drop(json::decode::<Layout>(text).map(|layout| layout.is_empty()));
    drop(json::decode::<View>(text));
    drop(json::decode::<SessionRequest>(text));
    drop(json::decode::<StopRequest>(text));
    drop(json::decode::<Timestamp>(text).map(|at| at.to_string()));
    drop(json::decode::<Capabilities>(text));
    drop(json::decode::<GlassesInfo>(text));
    drop(json::decode::<SystemSettings>(text));
    drop(json::decode::<Vec<AppSetting>>(text));
    drop(json::decode::<TranscriptionData>(text));
    drop(json::decode::<TranslationData>(text));
    drop(capabilities_for(text));
    LocationTier::named(text);
    drop(UserId::new(text));
    if let Ok(package) = PackageName::new(text) {
        drop(user_of_session_id(text, &package));
    }
}

/// Reads a text as each type in turn, whatever it says it is.
fn as_every_type<M: Message>(text: &str, peeked: bool) {
    for kind in M::TYPES {
        let read = M::decode_as(kind, text).expect("the type is of the family");
        if let Ok(message) = read {
            let written = message.encode();
            assert_eq!(json::peek_type(&written).ok().as_deref(), Some(*kind));
        }
    }
    assert!(peeked || M::decode(text).is_err(), "read without a type");
}
