//! The grammar of stream names: what an app writes in `subscription_update`, parsed once into a key that is matched.
//!
//! An event is delivered with the app's own string, whatever its spelling; see [`Subscription::raw`].

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::permission::{Need, needed_for};

/// One entry of a `subscription_update`: a name, or the object form for location with a rate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SubscriptionEntry {
    /// `"transcription:en-US"`.
    Name(String),
    /// `{"stream":"location_stream","rate":"high"}`.
    Rated {
        /// The stream name.
        stream: String,
        /// The accuracy tier that the app wants.
        #[serde(default)]
        rate: Option<String>,
    },
    /// Anything else: kept so that one odd entry does not lose the others; refused by [`Subscription::parse`].
    Other(serde_json::Value),
}

/// A subscription of an app, parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// The string as the app wrote it: the `streamType` of every delivery.
    pub raw: Arc<str>,
    /// What it means.
    pub key: StreamKey,
}

/// What a subscription asks for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum StreamKey {
    /// `*` or `all`: every stream that the app has the permission for.
    Wildcard,
    /// `transcription`, `transcription:<language>[?options]`.
    Transcription {
        /// `en-US`, `en`, or `auto`; the bare name means `en-US`.
        language: Box<str>,
        /// Candidate languages, `hints=`.
        hints: Vec<Box<str>>,
        /// `no-language-identification=true`: force the language.
        fixed: bool,
    },
    /// `translation:<from>-to-<to>[?options]` or `translation:<from>-<to>`.
    Translation {
        /// A language, `all` or `auto`.
        from: Box<str>,
        /// The target language.
        to: Box<str>,
    },
    /// `touch_event:<gesture>`; the bare name is [`StreamKey::Plain`].
    Touch(Box<str>),
    /// `augmentos:<key>`: a system setting; `*` and `all` mean each.
    Setting(Box<str>),
    /// `location_stream`, with the accuracy tier when the app gave one.
    LocationStream(Option<Box<str>>),
    /// Any other name, relayed when a message of that type arrives.
    Plain(Box<str>),
}

/// Why an entry is not a subscription.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAStream {
    /// Not a string and not the location object.
    #[error("not a stream name")]
    NotAName,
    /// The name has characters that no stream has, or is longer than 256 bytes.
    #[error("not a stream name: {0}")]
    BadName(String),
    /// `transcription:` or `translation:` with something that is no language.
    #[error("not a language: {0}")]
    BadLanguage(String),
    /// A translation from a language into itself.
    #[error("source and target language are the same: {0}")]
    SameLanguage(String),
}

impl Subscription {
    /// Parses one entry.
    ///
    /// # Errors
    /// [`NotAStream`], with the entry as the app wrote it.
    pub fn parse(entry: &SubscriptionEntry) -> Result<Self, NotAStream> {
        let (raw, rate) = match entry {
            SubscriptionEntry::Name(name) => (name.as_str(), None),
            SubscriptionEntry::Rated { stream, rate } => (stream.as_str(), rate.as_deref()),
            SubscriptionEntry::Other(_) => return Err(NotAStream::NotAName),
        };
        if raw.is_empty() || raw.len() > 256 || !raw.chars().all(is_stream_char) {
            return Err(NotAStream::BadName(raw.chars().take(64).collect()));
        }
        Ok(Self { raw: raw.into(), key: StreamKey::parse(raw, rate)? })
    }
}

fn is_stream_char(c: char) -> bool {
    c.is_ascii_graphic() && !"\"\\<>{}".contains(c)
}

impl StreamKey {
    fn parse(raw: &str, rate: Option<&str>) -> Result<Self, NotAStream> {
        let (name, argument) = match raw.split_once(':') {
            Some((name, argument)) => (name, Some(argument)),
            None => (raw, None),
        };
        match (name, argument) {
            ("*" | "all", None) => Ok(StreamKey::Wildcard),
            ("transcription", None) => Ok(Self::transcription("en-US", "")),
            ("transcription", Some(argument)) => {
                let (language, query) = argument.split_once('?').unwrap_or((argument, ""));
                if language != "auto" && !is_language(language) {
                    return Err(NotAStream::BadLanguage(raw.to_owned()));
                }
                Ok(Self::transcription(language, query))
            }
            ("translation", Some(argument)) => {
                let pair = argument.split_once('?').map_or(argument, |(pair, _)| pair);
                let (from, to) = language_pair(pair).ok_or_else(|| NotAStream::BadLanguage(raw.to_owned()))?;
                if from == to {
                    return Err(NotAStream::SameLanguage(raw.to_owned()));
                }
                Ok(StreamKey::Translation { from: from.into(), to: to.into() })
            }
            ("touch_event", Some(gesture)) => Ok(StreamKey::Touch(gesture.into())),
            ("augmentos", Some(key)) => Ok(StreamKey::Setting(key.into())),
            ("location_stream", None) => Ok(StreamKey::LocationStream(rate.map(Into::into))),
            _ => Ok(StreamKey::Plain(raw.into())),
        }
    }

    fn transcription(language: &str, query: &str) -> Self {
        let mut hints = Vec::new();
        let mut fixed = false;
        for (key, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            match key {
                "no-language-identification" => fixed = value == "true",
                "hints" => hints = value.replace("%2C", ",").split(',').map(Into::into).collect(),
                _ => {}
            }
        }
        StreamKey::Transcription { language: language.into(), hints, fixed }
    }

    /// The base name: the row of the permission table.
    pub fn base(&self) -> &str {
        match self {
            StreamKey::Wildcard => "*",
            StreamKey::Transcription { .. } => "transcription",
            StreamKey::Translation { .. } => "translation",
            StreamKey::Touch(_) => "touch_event",
            StreamKey::Setting(_) => "augmentos",
            StreamKey::LocationStream(_) => "location_stream",
            StreamKey::Plain(name) => name,
        }
    }

    /// What the subscription needs. A wildcard needs nothing by itself: each delivery is checked.
    pub fn need(&self) -> Need {
        match self {
            StreamKey::Wildcard => Need::Nothing,
            other => needed_for(other.base()),
        }
    }
}

impl fmt::Display for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.raw)
    }
}

/// `en`, `yue`, `en-US`, `yue-CN`.
pub fn is_language(code: &str) -> bool {
    let lower = |text: &str| (2..=3).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase());
    match code.split_once('-') {
        None => lower(code),
        Some((base, region)) => lower(base) && region.len() == 2 && region.bytes().all(|b| b.is_ascii_uppercase()),
    }
}

/// `a-to-b`, or the later spelling `a-b`, where a language may itself have a `-`.
fn language_pair(pair: &str) -> Option<(&str, &str)> {
    let source = |code: &str| matches!(code, "auto" | "all") || is_language(code);
    if let Some((from, to)) = pair.split_once("-to-") {
        return (source(from) && is_language(to)).then_some((from, to));
    }
    let mut splits = pair.match_indices('-').map(|(at, _)| (&pair[..at], &pair[at + 1..]));
    splits.find(|(from, to)| source(from) && is_language(to))
}

/// Whether a subscription for `wanted` is served by speech recognised as `spoken`: equal, `auto`, or the same base
/// language when one of the two has no region.
pub fn language_matches(wanted: &str, spoken: &str) -> bool {
    let base = |code: &str| code.split('-').next().map(str::to_owned);
    let bare = !wanted.contains('-') || !spoken.contains('-');
    wanted == "auto" || wanted.eq_ignore_ascii_case(spoken) || (bare && base(wanted) == base(spoken))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(raw: &str) -> Result<StreamKey, NotAStream> {
        Subscription::parse(&SubscriptionEntry::Name(raw.to_owned())).map(|s| s.key)
    }

    fn translation(from: &str, to: &str) -> Result<StreamKey, NotAStream> {
        Ok(StreamKey::Translation { from: from.into(), to: to.into() })
    }

    #[test]
    fn transcription_in_all_its_spellings() {
        let plain =
            |language: &str| StreamKey::Transcription { language: language.into(), hints: vec![], fixed: false };
        assert_eq!(key("transcription"), Ok(plain("en-US")));
        assert_eq!(key("transcription:auto"), Ok(plain("auto")));
        assert_eq!(key("transcription:en"), Ok(plain("en")));
        assert_eq!(
            key("transcription:ja-JP?no-language-identification=true&hints=en%2Cfr"),
            Ok(StreamKey::Transcription {
                language: "ja-JP".into(),
                hints: vec!["en".into(), "fr".into()],
                fixed: true
            })
        );
        assert!(matches!(key("transcription:english"), Err(NotAStream::BadLanguage(_))));
    }

    #[test]
    fn translation_in_both_generations() {
        assert_eq!(key("translation:en-US-to-fr-FR"), translation("en-US", "fr-FR"));
        assert_eq!(key("translation:all-to-de-DE"), translation("all", "de-DE"));
        assert_eq!(key("translation:auto-es"), translation("auto", "es"));
        assert_eq!(key("translation:en-US-fr-FR"), translation("en-US", "fr-FR"));
        assert!(matches!(key("translation:en-US-to-en-US"), Err(NotAStream::SameLanguage(_))));
        assert!(matches!(key("translation:klingon"), Err(NotAStream::BadLanguage(_))));
    }

    #[test]
    fn the_rest_of_the_grammar() {
        assert_eq!(key("touch_event:double_tap"), Ok(StreamKey::Touch("double_tap".into())));
        assert_eq!(key("touch_event"), Ok(StreamKey::Plain("touch_event".into())));
        assert_eq!(key("augmentos:brightness"), Ok(StreamKey::Setting("brightness".into())));
        assert_eq!(key("all"), Ok(StreamKey::Wildcard));
        assert_eq!(key("VAD"), Ok(StreamKey::Plain("VAD".into())));
        assert!(key("").is_err() && key("two words").is_err() && key(&"x".repeat(300)).is_err());
    }

    #[test]
    fn the_object_form_keeps_the_rate_and_an_odd_entry_is_told_apart() {
        let json = r#"["a",{"stream":"location_stream","rate":"high"},7]"#;
        let entries: Vec<SubscriptionEntry> = serde_json::from_str(json).expect("decodes");
        let rated = Subscription::parse(&entries[1]).expect("parses");
        assert_eq!(rated.key, StreamKey::LocationStream(Some("high".into())));
        assert_eq!(Subscription::parse(&entries[2]), Err(NotAStream::NotAName));
        assert_eq!(serde_json::to_string(&entries).ok().as_deref(), Some(json));
    }

    #[test]
    fn spoken_language_against_wanted_language() {
        assert!(language_matches("en-US", "en-US"));
        assert!(language_matches("auto", "fr-FR"));
        assert!(language_matches("en", "en-GB"));
        assert!(language_matches("en-US", "en"));
        assert!(!language_matches("en-US", "en-GB"));
        assert!(!language_matches("fr-FR", "en-US"));
    }
}
