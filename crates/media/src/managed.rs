//! What a managed stream is, whoever carries it: this process, or Cloudflare.
//!
//! A managed stream is a place to publish to, one that stays the same until the stream is deleted, with a place to watch, and
//! copies to other servers. What happens to it is a [`Status`] in a `watch` channel: a reader that is late sees the newest
//! one and misses nothing that still matters.

use std::fmt;

use futures_util::future::BoxFuture;
use tokio::sync::watch;

/// Most outputs of one stream.
pub const MAX_OUTPUTS: usize = 10;

/// A managed stream. It is part of what viewers open, so it cannot be guessed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId(pub(crate) String);

/// A copy of a stream to another server.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OutputId(pub(crate) String);

impl StreamId {
    /// As text: letters, digits and `-` only.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// An identifier that was kept as text. Whether there is such a stream is for the provider to say.
    pub fn from_text(text: &str) -> Option<Self> {
        is_plain(text).then(|| Self(text.to_owned()))
    }
}

impl OutputId {
    /// As text: letters, digits and `-` only.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// An identifier that was kept as text. Whether there is such an output is for the provider to say.
    pub fn from_text(text: &str) -> Option<Self> {
        is_plain(text).then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for OutputId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Fit for a path and a log line.
pub(crate) fn is_plain(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// What is wanted.
#[derive(Debug, Clone, Default)]
pub struct NewStream {
    /// Whose it is: limits count by it, and an orphan is known by it. A tag, never an address of a person.
    pub owner: String,
    /// Where else it goes from the beginning.
    pub outputs: Vec<NewOutput>,
    /// Keep a recording, if the operator has said where and for how long.
    pub record: bool,
}

/// Another server that gets a copy.
#[derive(Clone, PartialEq, Eq)]
pub struct NewOutput {
    /// `rtmp://` or `rtmps://`, with the application and the key: a secret.
    pub url: String,
    /// For people.
    pub name: Option<String>,
}

impl fmt::Debug for NewOutput {
    /// Without the URL: it ends with a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewOutput").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A stream that was made.
#[derive(Debug)]
pub struct Created {
    /// Which one.
    pub id: StreamId,
    /// Where the glasses publish: `rtmp://` or `rtmps://`, a secret.
    pub publish_url: String,
    /// Where people watch.
    pub urls: Urls,
    /// In the order of [`NewStream::outputs`].
    pub outputs: Vec<OutputId>,
    /// What becomes of it. The last one is [`Phase::Ended`].
    pub status: watch::Receiver<Status>,
}

/// Where people watch. Good from the beginning, playable while the stream is [`Phase::Live`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Urls {
    /// The HLS playlist.
    pub hls: String,
    /// What SDKs call `dashUrl` and must not be empty: a DASH manifest, or the HLS playlist where there is none.
    pub dash: String,
    /// WebRTC playback, where there is any.
    pub webrtc: Option<String>,
    /// A page with a player in it.
    pub preview: String,
    /// A picture of what is seen now.
    pub thumbnail: String,
}

/// How a stream is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// How far it is.
    pub phase: Phase,
    /// How many people watch.
    pub viewers: u32,
    /// Every output, in the order in which they were added.
    pub outputs: Vec<OutputStatus>,
    /// Why the last publisher was sent away, in a sentence for people: it sends what is not supported, it is too slow.
    pub trouble: Option<String>,
}

/// How far a stream is.
///
/// | from | to | when |
/// |---|---|---|
/// | `Waiting` | `Preparing` | a publisher is there |
/// | `Preparing` | `Waiting` | it is gone before anything could be watched |
/// | `Preparing`, `Lost` | `Live` | a playlist with a segment can be fetched |
/// | `Live` | `Lost` | the publisher is gone; the address stays |
/// | every other | `Ended` | see [`EndReason`] |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Nobody publishes yet.
    Waiting,
    /// Somebody publishes, nothing can be watched yet.
    Preparing,
    /// It can be watched.
    Live,
    /// The publisher is gone and may come back.
    Lost,
    /// It is over.
    Ended(EndReason),
}

/// Why a stream is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// It was deleted.
    Deleted,
    /// No publisher came in time.
    NeverStarted,
    /// The publisher did not come back in time.
    PublisherLost,
    /// The server stops.
    Shutdown,
    /// The provider has lost it, or cannot be reached any more.
    Provider,
}

impl EndReason {
    /// A word for logs and counters.
    pub fn word(self) -> &'static str {
        match self {
            EndReason::Deleted => "deleted",
            EndReason::NeverStarted => "never_started",
            EndReason::PublisherLost => "publisher_lost",
            EndReason::Shutdown => "shutdown",
            EndReason::Provider => "provider",
        }
    }
}

/// How an output is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputStatus {
    /// Which one.
    pub id: OutputId,
    /// As it was given.
    pub name: Option<String>,
    /// How it is doing.
    pub state: OutputState,
}

/// How an output is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutputState {
    /// Being connected, or waiting for the publisher.
    Connecting,
    /// The target takes what it gets.
    Active,
    /// The last try failed, for this reason; another one follows.
    Failed(String),
}

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManagedError {
    /// The owner, or everybody together, has as many streams as there may be.
    #[error("too many streams; stop one first")]
    TooManyStreams,
    /// There are [`MAX_OUTPUTS`] already.
    #[error("a stream has at most {MAX_OUTPUTS} outputs")]
    TooManyOutputs,
    /// The stream goes there already.
    #[error("the stream already goes to this URL")]
    DuplicateUrl,
    /// The URL is of no use; the text says why.
    #[error("{0}")]
    BadUrl(&'static str),
    /// There is no such stream, or it is over.
    #[error("there is no such stream")]
    NoSuchStream,
    /// There is no such output.
    #[error("there is no such output")]
    NoSuchOutput,
    /// The provider failed; which step, and what it said.
    #[error("the stream provider failed: {0}")]
    Provider(String),
}

/// Who carries managed streams.
pub trait ManagedProvider: Send + Sync + fmt::Debug {
    /// `embedded`, `cloudflare`.
    fn name(&self) -> &'static str;

    /// Makes a stream. Dropping the future half-way leaves at most an orphan for [`sweep`](Self::sweep).
    fn create(&self, new: NewStream) -> BoxFuture<'_, Result<Created, ManagedError>>;

    /// Sends a copy to another server.
    fn add_output<'a>(&'a self, id: &'a StreamId, new: NewOutput) -> BoxFuture<'a, Result<OutputId, ManagedError>>;

    /// Ends a copy.
    fn remove_output<'a>(&'a self, id: &'a StreamId, output: &'a OutputId) -> BoxFuture<'a, Result<(), ManagedError>>;

    /// How a stream is doing, as far as is known now.
    fn status(&self, id: &StreamId) -> Option<Status>;

    /// Ends a stream and everything that belongs to it. A stream that is not there is no error.
    fn delete<'a>(&'a self, id: &'a StreamId) -> BoxFuture<'a, Result<(), ManagedError>>;

    /// Deletes what this server made and nobody has any more, for instance before a crash; how many there were.
    fn sweep(&self) -> BoxFuture<'_, Result<usize, ManagedError>>;

    /// Ends everything, because the server stops.
    fn stop(&self) -> BoxFuture<'_, ()>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_fit_for_a_path() {
        for bad in ["", "a/b", "..", "a b", "ä", "x\n", &"x".repeat(65)] {
            assert!(StreamId::from_text(bad).is_none() && OutputId::from_text(bad).is_none(), "{bad:?}");
        }
        assert_eq!(StreamId::from_text("0a-Z").expect("good").as_str(), "0a-Z");
    }

    #[test]
    fn keys_are_not_printed() {
        let output = NewOutput { url: "rtmp://a.example/live/secret".into(), name: Some("A".into()) };
        assert!(!format!("{output:?}").contains("secret"));
    }
}
