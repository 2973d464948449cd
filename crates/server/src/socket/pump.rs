//! The life of one attached socket: frames in, frames out, and how it ends.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use bifocal_protocol::Text;
use bifocal_protocol::close::Close;
use bifocal_session::{ConnId, Input, Side};
use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};

use crate::actor::Mail;
use crate::mailbox::Mailbox;
use crate::outbox::{Ending, Frame, Outbox};
use crate::socket::pace::Pace;
use crate::sound::SoundLink;

/// How long a peer may take to take what is written to it.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a peer may take to answer a close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// A socket that belongs to a session.
pub(crate) struct Pump {
    pub(crate) side: Side,
    pub(crate) conn: ConnId,
    pub(crate) mailbox: Mailbox,
    pub(crate) outbox: Arc<Outbox>,
    /// Above it a text frame is thrown away and counted.
    pub(crate) max_text: usize,
    /// The same for a binary frame.
    pub(crate) max_binary: usize,
    /// How many frames a second are read.
    pub(crate) frames_per_second: u32,
    /// Where the sound of a phone goes first; apps have none.
    pub(crate) sound: Option<SoundLink>,
}

impl Pump {
    /// Carries frames until either side ends it; then the session is told.
    pub(crate) async fn run(self, socket: WebSocket) {
        let (mut sink, mut stream) = socket.split();
        let code = tokio::select! {
            code = self.read(&mut stream) => code,
            ending = self.write(&mut sink) => {
                match ending {
                    Some(close) => {
                        let goodbye = say_goodbye(&mut sink, close);
                        // What the peer still sends is read, so that it gets to our close frame.
                        let reading = async { while let Some(Ok(_)) = stream.next().await {} };
                        let both = async { tokio::join!(goodbye, reading) };
                        let _ = tokio::time::timeout(CLOSE_TIMEOUT, both).await;
                        close.code()
                    }
                    None => 1006,
                }
            }
        };
        if let Some(sound) = &self.sound {
            sound.end();
        }
        let _ = self.mailbox.send(Mail::Detach { conn: self.conn, code }).await;
    }

    /// Reads until the peer is gone; gives the close code.
    async fn read(&self, stream: &mut SplitStream<WebSocket>) -> u16 {
        let mut code = 1006;
        let mut pace = Pace::new(self.frames_per_second);
        while let Some(Ok(message)) = stream.next().await {
            if let Some(sound) = &self.sound {
                sound.alive();
            }
            let input = match message {
                Message::Text(text) => self.text(text),
                Message::Binary(data) => self.binary(data),
                Message::Ping(_) => Input::Alive { conn: self.conn },
                Message::Pong(payload) if self.outbox.ponged(&payload) => {
                    Input::Confirmed { conn: self.conn, count: self.outbox.confirmed() }
                }
                Message::Pong(_) => {
                    pace.next().await;
                    continue;
                }
                Message::Close(frame) => {
                    code = frame.map_or(1005, |frame| frame.code);
                    continue;
                }
            };
            if self.mailbox.send(Mail::Input(input)).await.is_err() {
                return code;
            }
            pace.next().await;
        }
        code
    }

    fn text(&self, text: Utf8Bytes) -> Input {
        let conn = self.conn;
        if text.len() > self.max_text {
            return Input::Oversized { conn };
        }
        if self.sound.as_ref().is_some_and(|sound| sound.is_about_udp(&text)) {
            return Input::Alive { conn };
        }
        match (Text::try_from(Bytes::from(text)), self.side) {
            (Ok(text), Side::Glasses) => Input::GlassesText { conn, text },
            (Ok(text), Side::App) => Input::AppText { conn, text },
            // The library has checked it.
            (Err(_), _) => Input::Oversized { conn },
        }
    }

    fn binary(&self, data: Bytes) -> Input {
        let conn = self.conn;
        if data.len() > self.max_binary {
            return Input::Oversized { conn };
        }
        match &self.sound {
            None => Input::AppBinary { conn, data },
            Some(sound) => match sound.frame(data) {
                nothing if nothing.is_empty() => Input::Alive { conn },
                data => Input::GlassesBinary { conn, data },
            },
        }
    }

    /// Writes until the session ends the socket (with a close, or `None` for an abort) or the peer takes nothing any more.
    async fn write(&self, sink: &mut SplitSink<WebSocket, Message>) -> Option<Close> {
        let mut frames = Vec::new();
        loop {
            let ending = self.outbox.take(&mut frames).await;
            if ending == Some(Ending::Abort) {
                return None;
            }
            let write = async {
                for frame in frames.drain(..) {
                    sink.feed(message(frame)).await?;
                }
                sink.flush().await
            };
            match tokio::time::timeout(WRITE_TIMEOUT, write).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return None,
            }
            if let Some(Ending::Close(close)) = ending {
                return Some(close);
            }
            frames.shrink_to(16);
        }
    }
}

fn message(frame: Frame) -> Message {
    match frame {
        Frame::Text(text) => Message::Text(utf8(text)),
        Frame::Binary(data) => Message::Binary(data),
        Frame::Ping(count) => Message::Ping(Bytes::copy_from_slice(&count.to_be_bytes())),
    }
}

/// A frame of ours is text by construction.
pub(super) fn utf8(text: Text) -> Utf8Bytes {
    Utf8Bytes::try_from(text.into_bytes()).unwrap_or_else(|_| Utf8Bytes::from(""))
}

/// Writes a close frame and waits until it is out.
async fn say_goodbye(sink: &mut SplitSink<WebSocket, Message>, close: Close) {
    let frame = CloseFrame { code: close.code(), reason: Utf8Bytes::from(close.reason()) };
    let _ = sink.send(Message::Close(Some(frame))).await;
}

/// Refuses a socket that belongs to no session: one message, one close frame, and a moment for the peer to read them.
pub(crate) async fn refuse(mut socket: WebSocket, message: Text, close: Close) {
    let refuse = async {
        let _ = socket.send(Message::Text(utf8(message))).await;
        let frame = CloseFrame { code: close.code(), reason: Utf8Bytes::from(close.reason()) };
        let _ = socket.send(Message::Close(Some(frame))).await;
        while let Some(Ok(_)) = socket.recv().await {}
    };
    let _ = tokio::time::timeout(CLOSE_TIMEOUT, refuse).await;
}
