//! How we publish to somebody else's server.
//!
//! | state | waits for | then |
//! |---|---|---|
//! | handshake | 3,073 bytes | `connect` |
//! | connecting | its `_result` | `releaseStream`, `FCPublish`, `createStream` |
//! | creating | its `_result` with a number | `publish` |
//! | asking | `NetStream.Publish.Start` | sound and pictures may go |
//! | publishing | | |
//!
//! An `_error`, or a status with the level `error`, ends it in every state.

use bytes::{Bytes, BytesMut};

use super::amf::{Amf, NotAmf};
use super::chunks::ChunkLimits;
use super::handshake::Role;
use super::link::{Broken, Link, command_of};
use super::message::kind;

/// A server that we publish to has little to say.
const LIMITS: ChunkLimits =
    ChunkLimits { chunk: 64 << 10, media: 16 << 10, command: 64 << 10, promised: 128 << 10, streams: 16 };
/// Longest part of an answer that is passed on.
const MAX_CODE: usize = 64;

/// Why publishing failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PublishError {
    #[error(transparent)]
    Broken(#[from] Broken),
    /// Its own code, cleaned: ASCII letters, digits and dots only.
    #[error("the server refused: {0}")]
    Refused(String),
}

impl From<NotAmf> for PublishError {
    fn from(bad: NotAmf) -> Self {
        Broken::from(bad).into()
    }
}

/// The client's side of one connection.
#[derive(Debug)]
pub(crate) struct ClientSession {
    link: Link,
    state: State,
    app: String,
    key: String,
    /// The URL without the key: servers choose their host by it.
    tc_url: String,
    stream: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Handshake,
    Connecting,
    Creating,
    Asking,
    Publishing,
}

const CONNECT: f64 = 1.0;
const CREATE: f64 = 4.0;

impl ClientSession {
    /// Begins. What is to be written first waits in [`take_output`](Self::take_output).
    pub(crate) fn new(app: &str, key: &str, tc_url: &str) -> Self {
        Self {
            link: Link::new(Role::Client, LIMITS),
            state: State::Handshake,
            app: app.to_owned(),
            key: key.to_owned(),
            tc_url: tc_url.to_owned(),
            stream: 0,
        }
    }

    /// A session whose handshake is over.
    pub(crate) fn after_handshake(app: &str, key: &str, tc_url: &str) -> Self {
        let mut session = Self::new(app, key, tc_url);
        session.link = Link::after_handshake(LIMITS);
        session.connect();
        session
    }

    /// Takes what came, and goes on.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), PublishError> {
        if self.link.push(bytes)? {
            self.connect();
        }
        while let Some(message) = self.link.next()? {
            if let Some(values) = command_of(&message)? {
                self.command(&values)?;
            }
        }
        Ok(())
    }

    /// Whether sound and pictures may go.
    pub(crate) fn is_publishing(&self) -> bool {
        self.state == State::Publishing
    }

    /// A tag of sound, as in FLV.
    pub(crate) fn audio(&mut self, timestamp: u32, data: Bytes) {
        self.link.send(4, self.stream, kind::AUDIO, timestamp, data);
    }

    /// A tag of pictures, as in FLV.
    pub(crate) fn video(&mut self, timestamp: u32, data: Bytes) {
        self.link.send(6, self.stream, kind::VIDEO, timestamp, data);
    }

    /// What the stream is; `values` begin with `onMetaData`.
    pub(crate) fn metadata(&mut self, values: &[u8]) {
        let set = super::amf::write(&["@setDataFrame".into()]);
        self.link.send(5, self.stream, kind::DATA, 0, [&set[..], values].concat().into());
    }

    /// Says good-bye.
    pub(crate) fn finish(&mut self) {
        if self.state == State::Publishing {
            let key = Amf::from(&*self.key);
            self.link.command(0, &["FCUnpublish".into(), Amf::Number(6.0), Amf::Null, key]);
            let stream = Amf::Number(f64::from(self.stream));
            self.link.command(0, &["deleteStream".into(), Amf::Number(7.0), Amf::Null, stream]);
        }
    }

    /// What is to be written to the server.
    pub(crate) fn take_output(&mut self) -> BytesMut {
        self.link.take_output()
    }

    /// Memory that the server made us hold, in bytes.
    pub(crate) fn held(&self) -> usize {
        self.link.held()
    }

    fn connect(&mut self) {
        self.state = State::Connecting;
        let about = Amf::object([
            ("app", (&*self.app).into()),
            ("type", "nonprivate".into()),
            ("flashVer", "FMLE/3.0 (compatible; bifocal)".into()),
            ("tcUrl", (&*self.tc_url).into()),
        ]);
        self.link.command(0, &["connect".into(), Amf::Number(CONNECT), about]);
    }

    fn command(&mut self, values: &[Amf]) -> Result<(), PublishError> {
        let name = values.first().and_then(Amf::text).unwrap_or_default();
        let transaction = values.get(1).and_then(Amf::number).unwrap_or_default();
        let info = values.get(3);
        match (name, self.state) {
            ("_result", State::Connecting) if transaction == CONNECT => {
                self.state = State::Creating;
                let key = || Amf::from(&*self.key);
                let (release, announce) = (key(), key());
                self.link.command(0, &["releaseStream".into(), Amf::Number(2.0), Amf::Null, release]);
                self.link.command(0, &["FCPublish".into(), Amf::Number(3.0), Amf::Null, announce]);
                self.link.command(0, &["createStream".into(), Amf::Number(CREATE), Amf::Null]);
            }
            ("_result", State::Creating) if transaction == CREATE => {
                self.state = State::Asking;
                self.stream = info.and_then(Amf::number).unwrap_or(1.0) as u32;
                let key = Amf::from(&*self.key);
                let publish = ["publish".into(), Amf::Number(5.0), Amf::Null, key, "live".into()];
                self.link.command(self.stream, &publish);
            }
            // Not every server knows the two commands of Flash's encoder, and nobody needs them.
            ("_error", _) if transaction == CONNECT || transaction == CREATE => return Err(refused(info)),
            ("onStatus", _) => {
                let field = |name| info.and_then(|info| info.field(name)).and_then(Amf::text);
                if field("level") == Some("error") {
                    return Err(refused(info));
                }
                if field("code") == Some("NetStream.Publish.Start") && self.state == State::Asking {
                    self.state = State::Publishing;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn refused(info: Option<&Amf>) -> PublishError {
    let code = info.and_then(|info| info.field("code")).and_then(Amf::text).unwrap_or("no reason given");
    let clean = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | ' ' | '_' | '-');
    PublishError::Refused(code.chars().filter(clean).take(MAX_CODE).collect())
}

#[cfg(test)]
mod tests {
    use super::super::server::{Event, Refusal, ServerSession};
    use super::*;

    /// Lets both sides talk until nobody has anything to say; what the server saw.
    fn talk(client: &mut ClientSession, server: &mut ServerSession, good_key: &str) -> Vec<Event> {
        let mut seen = Vec::new();
        loop {
            let (up, down) = (client.take_output(), server.take_output());
            if up.is_empty() && down.is_empty() {
                return seen;
            }
            for piece in up.chunks(1000) {
                server.push(piece).expect("taken");
                while let Some(event) = server.next().expect("good") {
                    if let Event::Publish { key, .. } = &event {
                        if key == good_key { server.accept() } else { server.refuse("no such path") }
                    }
                    seen.push(event);
                }
            }
            if client.push(&down).is_err() {
                return seen;
            }
        }
    }

    #[test]
    fn our_client_publishes_to_our_server() {
        let (mut client, mut server) = (ClientSession::new("live", "k", "rtmp://x/live"), ServerSession::new());
        let publish = Event::Publish { app: "live".into(), key: "k".into() };
        assert_eq!(talk(&mut client, &mut server, "k"), [publish]);
        assert!(client.is_publishing());
        let data = Bytes::from(vec![0x17; 10_000]);
        client.metadata(&super::super::amf::write(&["onMetaData".into(), Amf::Null]));
        client.video(5, data.clone());
        client.audio(7, Bytes::from_static(&[0xaf, 1]));
        client.finish();
        let seen = talk(&mut client, &mut server, "k");
        assert!(matches!(seen[0], Event::Metadata(_)));
        assert_eq!(seen[1], Event::Video { timestamp: 5, data });
        assert_eq!(seen[2], Event::Audio { timestamp: 7, data: Bytes::from_static(&[0xaf, 1]) });
        assert_eq!(seen[3..], [Event::Finished]);
    }

    #[test]
    fn a_refused_client_knows_why() {
        let (mut client, mut server) = (ClientSession::new("live", "bad", "rtmp://x/live"), ServerSession::new());
        talk(&mut client, &mut server, "k");
        assert!(!client.is_publishing());
        server.refuse("again");
        let again = client.push(&server.take_output());
        assert_eq!(again, Err(PublishError::Refused("NetStream.Publish.BadName".into())));
    }

    #[test]
    fn whoever_wants_to_watch_is_sent_away() {
        let (mut client, mut server) = (ClientSession::new("live", "k", "rtmp://x/live"), ServerSession::new());
        talk(&mut client, &mut server, "k");
        client.link.command(1, &["play".into(), Amf::Number(9.0), Amf::Null, "k".into()]);
        server.push(&client.take_output()).expect("taken");
        assert_eq!(server.next(), Err(Refusal::Play));
    }

    #[test]
    fn what_a_server_says_is_cleaned() {
        let info = Amf::object([("code", "Net\u{1b}[31mStream<b>".into())]);
        assert_eq!(refused(Some(&info)), PublishError::Refused("Net31mStreamb".into()));
    }
}
