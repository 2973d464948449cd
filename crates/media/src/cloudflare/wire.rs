//! What Cloudflare's API says and is told, as far as it concerns us. Source: its reference of live inputs, API version 4.

use serde::{Deserialize, Serialize};

/// Every answer.
#[derive(Debug, Deserialize)]
pub(super) struct Envelope<T> {
    pub(super) result: Option<T>,
    #[serde(default)]
    pub(super) errors: Vec<Complaint>,
}

/// One of its reasons.
#[derive(Debug, Deserialize)]
pub(super) struct Complaint {
    pub(super) code: i64,
}

/// `POST …/live_inputs`.
#[derive(Debug, Serialize)]
pub(super) struct NewInput<'a> {
    pub(super) meta: Meta<'a>,
    pub(super) recording: Recording,
    #[serde(rename = "deleteRecordingAfterDays")]
    pub(super) delete_recording_after_days: u32,
}

/// How we find our own again.
#[derive(Debug, Serialize)]
pub(super) struct Meta<'a> {
    pub(super) name: &'static str,
    /// Which server made it.
    pub(super) bifocal: &'a str,
    /// Whose it is: a tag, not a person.
    pub(super) owner: &'a str,
}

#[derive(Debug, Serialize)]
pub(super) struct Recording {
    pub(super) mode: &'static str,
    #[serde(rename = "requireSignedURLs")]
    pub(super) require_signed_urls: bool,
}

/// A live input.
#[derive(Debug, Deserialize)]
pub(super) struct Input {
    pub(super) uid: String,
    pub(super) rtmps: Option<Ingest>,
    #[serde(rename = "webRTC")]
    pub(super) web_rtc: Option<Address>,
    #[serde(rename = "webRTCPlayback")]
    pub(super) web_rtc_playback: Option<Address>,
    #[serde(default)]
    pub(super) status: Connection,
}

#[derive(Debug, Deserialize)]
pub(super) struct Ingest {
    pub(super) url: String,
    #[serde(rename = "streamKey")]
    pub(super) stream_key: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Address {
    pub(super) url: String,
}

/// A state, in one of the two forms that there are, or nothing before the first connection.
#[derive(Debug, Default, Deserialize)]
#[serde(untagged)]
pub(super) enum Connection {
    Word(String),
    Current {
        current: Current,
    },
    #[default]
    Unknown,
}

#[derive(Debug, Deserialize)]
pub(super) struct Current {
    pub(super) state: String,
}

impl Connection {
    pub(super) fn is(&self, word: &str) -> bool {
        match self {
            Connection::Word(state) => state == word,
            Connection::Current { current } => current.state == word,
            Connection::Unknown => false,
        }
    }
}

/// `GET …/live_inputs`.
#[derive(Debug, Deserialize)]
pub(super) struct Inputs {
    #[serde(default, rename = "liveInputs")]
    pub(super) live_inputs: Vec<Listed>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Listed {
    pub(super) uid: String,
    #[serde(default)]
    pub(super) meta: ListedMeta,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct ListedMeta {
    pub(super) bifocal: Option<String>,
}

/// `POST …/outputs`.
#[derive(Debug, Serialize)]
pub(super) struct NewTarget<'a> {
    pub(super) url: &'a str,
    #[serde(rename = "streamKey")]
    pub(super) stream_key: &'a str,
    pub(super) enabled: bool,
}

/// An output.
#[derive(Debug, Deserialize)]
pub(super) struct Target {
    pub(super) uid: String,
    #[serde(default)]
    pub(super) status: Connection,
}

/// A recording: `GET …/live_inputs/{uid}/videos`.
#[derive(Debug, Deserialize)]
pub(super) struct Video {
    pub(super) uid: String,
}

/// `GET https://customer-….cloudflarestream.com/{uid}/views`.
#[derive(Debug, Deserialize)]
pub(super) struct Views {
    #[serde(default, rename = "liveViewers")]
    pub(super) live_viewers: u32,
}
