//! Who publishes to us: the conversation of an encoder with a server, up to the sound and pictures it sends.
//!
//! | state | what takes it further |
//! |---|---|
//! | handshake | 3,073 bytes |
//! | connecting | `connect` with an application name: answered |
//! | connected | `createStream`: answered; `publish` with a key: the engine is asked |
//! | asked | the engine accepts or refuses; until then nothing more is read |
//! | publishing | sound, pictures, metadata; `deleteStream`, `closeStream` or `FCUnpublish` end it |
//!
//! Whoever is not publishing gets short messages only. `play` is refused: viewers use HTTP.

use bytes::Bytes;

use super::amf::{self, Amf, NotAmf};
use super::chunks::{BadChunks, ChunkLimits};
use super::handshake::Role;
use super::link::{Broken, Link, command_of};
use super::message::{Message, kind};

/// Before a peer has shown that it knows a path.
const STRANGER: ChunkLimits =
    ChunkLimits { chunk: 64 << 10, media: 16 << 10, command: 16 << 10, promised: 32 << 10, streams: 8 };
/// Whoever publishes.
const PUBLISHER: ChunkLimits =
    ChunkLimits { chunk: 64 << 10, media: 4 << 20, command: 64 << 10, promised: 8 << 20, streams: 8 };
/// All metadata of one connection, in bytes; a camera sends some hundred.
const MAX_METADATA: usize = 1 << 20;
/// The message stream of whoever publishes.
const STREAM: u32 = 1;

/// The most memory that one peer can make a session hold, in bytes: unfinished messages, a part of a header, answers.
pub const MAX_HELD: usize = PUBLISHER.promised + (256 << 10);

/// What an encoder does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Event {
    /// It wants to publish. [`accept`](ServerSession::accept) or [`refuse`](ServerSession::refuse) it.
    Publish {
        /// The application name: the first part of the path.
        app: String,
        /// The rest of the path.
        key: String,
    },
    /// A tag of sound, as in FLV. The time is in milliseconds and wraps.
    Audio { timestamp: u32, data: Bytes },
    /// A tag of pictures, as in FLV.
    Video { timestamp: u32, data: Bytes },
    /// What it says about itself: the values of `onMetaData`, in AMF0.
    Metadata(Bytes),
    /// It has stopped and said so.
    Finished,
}

/// Why a publisher is sent away.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error(transparent)]
    Broken(#[from] Broken),
    #[error("more than {MAX_METADATA} bytes of metadata")]
    Metadata,
    #[error("a command makes no sense here")]
    Command,
    #[error("this server takes streams and does not play them; viewers use HTTP")]
    Play,
}

impl Refusal {
    /// A word for counters.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Refusal::Broken(Broken::NotRtmp(_)) => "not_rtmp",
            Refusal::Broken(Broken::Chunks(BadChunks::Message(_) | BadChunks::Promised)) => "too_long",
            Refusal::Broken(Broken::Chunks(BadChunks::ChunkSize(_))) => "chunk_size",
            Refusal::Broken(_) => "malformed",
            Refusal::Metadata => "metadata",
            Refusal::Command => "command",
            Refusal::Play => "play",
        }
    }
}

impl From<BadChunks> for Refusal {
    fn from(bad: BadChunks) -> Self {
        Broken::from(bad).into()
    }
}

impl From<NotAmf> for Refusal {
    fn from(bad: NotAmf) -> Self {
        Broken::from(bad).into()
    }
}

/// The server's side of one connection.
#[derive(Debug)]
pub(crate) struct ServerSession {
    link: Link,
    app: Option<String>,
    state: State,
    metadata: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Talking,
    Asked,
    Publishing,
}

impl ServerSession {
    pub(crate) fn new() -> Self {
        Self { link: Link::new(Role::Server, STRANGER), app: None, state: State::Talking, metadata: 0 }
    }

    /// A session whose handshake is over.
    pub(crate) fn after_handshake() -> Self {
        Self { link: Link::after_handshake(STRANGER), ..Self::new() }
    }

    /// Takes what came. Call [`next`](Self::next) until it has nothing more.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        self.link.push(bytes)?;
        Ok(())
    }

    /// What happened next.
    pub(crate) fn next(&mut self) -> Result<Option<Event>, Refusal> {
        while self.state != State::Asked
            && let Some(message) = self.link.next()?
        {
            if let Some(event) = self.message(message)? {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    /// The path is good: sound and pictures may come.
    pub(crate) fn accept(&mut self) {
        if self.state != State::Asked {
            return;
        }
        self.state = State::Publishing;
        self.link.set_limits(PUBLISHER);
        self.link.send(2, 0, kind::USER_CONTROL, 0, Bytes::from_static(&[0, 0, 0, 0, 0, STREAM as u8]));
        self.status("status", "NetStream.Publish.Start", "go ahead");
    }

    /// Tells the encoder why it cannot publish, or no longer. Afterwards the connection is to be closed. Who has not even shaken
    /// hands is told nothing: it would not understand.
    pub(crate) fn refuse(&mut self, why: &str) {
        if !self.link.is_open() {
            return;
        }
        self.status("error", "NetStream.Publish.BadName", why);
    }

    /// What is to be written to the encoder.
    pub(crate) fn take_output(&mut self) -> bytes::BytesMut {
        self.link.take_output()
    }

    /// Memory that the peer made us hold, in bytes.
    pub(crate) fn held(&self) -> usize {
        self.link.held()
    }

    fn message(&mut self, message: Message) -> Result<Option<Event>, Refusal> {
        let Message { timestamp, stream, .. } = message;
        if let Some(values) = command_of(&message)? {
            return self.command(stream, &values);
        }
        let publishing = self.state == State::Publishing;
        Ok(match message.kind {
            kind::AUDIO if publishing => Some(Event::Audio { timestamp, data: message.data }),
            kind::VIDEO if publishing => Some(Event::Video { timestamp, data: message.data }),
            kind::DATA => {
                self.metadata += message.data.len();
                if self.metadata > MAX_METADATA {
                    return Err(Refusal::Metadata);
                }
                let values = amf::read(&message.data)?;
                let begin = values.iter().position(|value| value.text() == Some("onMetaData"));
                begin.filter(|_| publishing).map(|begin| Event::Metadata(amf::write(&values[begin..]).freeze()))
            }
            _ => None,
        })
    }

    fn command(&mut self, stream: u32, values: &[Amf]) -> Result<Option<Event>, Refusal> {
        let name = values.first().and_then(Amf::text).ok_or(Refusal::Command)?;
        let transaction = values.get(1).and_then(Amf::number).unwrap_or(0.0);
        match name {
            "connect" => {
                let app = values.get(2).and_then(|object| object.field("app")).and_then(Amf::text);
                self.app = Some(app.ok_or(Refusal::Command)?.to_owned());
                self.connected(transaction);
            }
            "createStream" => {
                let stream = Amf::Number(f64::from(STREAM));
                self.link.command(0, &["_result".into(), Amf::Number(transaction), Amf::Null, stream]);
            }
            "publish" if self.state == State::Talking => {
                let key = values.get(3).and_then(Amf::text);
                let (Some(app), Some(key), STREAM) = (self.app.clone(), key, stream) else {
                    return Err(Refusal::Command);
                };
                self.state = State::Asked;
                return Ok(Some(Event::Publish { app, key: key.to_owned() }));
            }
            "deleteStream" | "closeStream" | "FCUnpublish" if self.state == State::Publishing => {
                self.state = State::Talking;
                self.link.set_limits(STRANGER);
                return Ok(Some(Event::Finished));
            }
            "play" | "play2" => return Err(Refusal::Play),
            // Encoders of Flash's time ask for more than they wait for.
            _ => {}
        }
        Ok(None)
    }

    fn connected(&mut self, transaction: f64) {
        self.link.send_windows();
        let server = Amf::object([("fmsVer", "FMS/3,0,1,123".into()), ("capabilities", Amf::Number(31.0))]);
        let info = Amf::object([
            ("level", "status".into()),
            ("code", "NetConnection.Connect.Success".into()),
            ("description", "connected".into()),
            ("objectEncoding", Amf::Number(0.0)),
        ]);
        self.link.command(0, &["_result".into(), Amf::Number(transaction), server, info]);
    }

    fn status(&mut self, level: &str, code: &str, description: &str) {
        let info = Amf::object([("level", level.into()), ("code", code.into()), ("description", description.into())]);
        self.link.command(STREAM, &["onStatus".into(), Amf::Number(0.0), Amf::Null, info]);
    }
}
