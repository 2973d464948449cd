//! The driver of all engines that are reached by WebSocket. A vendor's file says only what its messages look like.
//!
//! | state | event | next |
//! |---|---|---|
//! | Connecting | the handshake is done | Waiting; the hello is sent |
//! | Connecting, Waiting | nothing for 10 s in all | failed: Stalled |
//! | Waiting | the vendor acknowledges; it does not do so, and 250 ms pass without an error | Talking |
//! | Talking | sound, Finalise | sent; nothing sent for a while: keep-alive |
//! | Talking | an utterance that is 8 s long and not final | it is asked, once, to end it |
//! | Talking | sound for 5 s without any answer, or a message cannot be sent for so long | failed: Stalled |
//! | Talking | Close | Closing; the end of the sound is sent, the connection stays open for the rest of the words |
//! | Closing | the vendor has said everything, or closes | closed |
//! | Closing | nothing for 5 s | failed: Stalled |
//! | any | an error message, a refusal, a cut, a message that makes no sense or is longer than 1 MiB | failed |
//! | any | the caller is gone | the end of the sound is sent, if that takes no second: some vendors charge for the open connection |

use std::fmt::Debug;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};
use url::Url;

use super::engines::Engine;
use super::out::Out;
use super::stream::{BYTES_PER_MS, Command, Feed, LONGEST_MS, Need, ms_of};
use crate::failure::{Failure, FailureKind, plain};
use crate::http;
use crate::secret::Secret;

/// From the first packet to the acknowledgement.
const OPENING: Duration = Duration::from_secs(10);
/// Who does not acknowledge has accepted when no error comes for so long.
const QUIET: Duration = Duration::from_millis(250);
/// Sound without an answer, or a message that cannot be sent.
const STALLED: Duration = Duration::from_secs(5);
/// A break in the sound after which the answer is waited for anew.
const BREAK: Duration = Duration::from_secs(1);
/// For the rest of the words, after the end of the sound.
const CLOSING: Duration = Duration::from_secs(5);
/// To say good-bye when nobody waits for it.
const GOODBYE: Duration = Duration::from_secs(1);
const MAX_MESSAGE: usize = 1024 * 1024;
const BUFFER: usize = 4096;
/// Sound in one message is never longer, in milliseconds.
const MAX_FRAME_MS: usize = 500;
/// A wire that says nothing in silence is felt so often.
const PULSE: Duration = Duration::from_secs(3);

/// A vendor: makes what one stream needs.
pub(crate) trait Vendor: Debug + Send + Sync + 'static {
    /// Its name in the configuration.
    fn name(&self) -> &Arc<str>;

    /// Where to connect to for this need, and the header with the key.
    fn address(&self, need: &Need) -> Result<Address, Failure>;

    /// Who talks on the connection.
    fn dialect(&self, need: &Need) -> Box<dyn Dialect>;
}

/// Where to connect to.
#[derive(Debug)]
pub(crate) struct Address {
    pub(crate) url: Url,
    /// Name, and what is written before the key: `("authorization", "Bearer ")`.
    pub(crate) key: Option<(&'static str, &'static str, Secret)>,
}

/// One stream's conversation with a vendor.
pub(crate) trait Dialect: Debug + Send {
    /// The first message.
    fn hello(&mut self) -> Option<Message> {
        None
    }

    /// Whether the vendor says that it is ready ([`Told::Ready`]).
    fn acknowledges(&self) -> bool {
        false
    }

    /// Whether it answers to silence, too. Who does not is felt with a ping.
    fn talks_in_silence(&self) -> bool {
        true
    }

    /// The shortest sound that a message may have, in milliseconds.
    fn min_frame_ms(&self) -> usize {
        0
    }

    /// What makes it give the rest now.
    fn finalise(&mut self, sent_ms: u64) -> Option<Message>;

    /// What tells it that there is no more sound.
    fn close(&mut self) -> Message;

    /// What keeps the connection open while there is no sound, and how often.
    fn keep_alive(&self) -> (Duration, Message) {
        (Duration::from_secs(15), Message::Ping(Bytes::new()))
    }

    /// Understands a message and tells the words. `sent_ms`: how much sound was sent.
    ///
    /// # Errors
    /// An error that the vendor reports, or what makes no sense.
    fn read(&mut self, text: &str, sent_ms: u64, out: &mut Out) -> Result<Told, Fault>;

    /// When something is to be told although nothing has come.
    fn due(&self) -> Option<Instant> {
        None
    }

    /// That time has come.
    fn overdue(&mut self, _out: &mut Out) {}

    /// What a close code of the vendor means.
    fn closed(&self, code: u16, _reason: &str) -> FailureKind {
        match code {
            1008 => FailureKind::Refused,
            1013 => FailureKind::Busy { retry_after: None },
            _ => FailureKind::Lost,
        }
    }
}

/// What a message meant for the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// Words, or nothing of interest.
    Words,
    /// The vendor listens.
    Ready,
    /// Everything is said.
    Over,
}

/// What a vendor reports, or that it is not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) kind: FailureKind,
    pub(crate) why: String,
}

impl Fault {
    /// No message of this vendor.
    pub(crate) fn nonsense() -> Self {
        Self { kind: FailureKind::Lost, why: "it sent a message that makes no sense".to_owned() }
    }

    /// An error with a number like one of HTTP.
    pub(crate) fn status(status: u16, message: &str) -> Self {
        let Failure { kind, why, .. } = http::status_failure(&Arc::from(""), status, None, message);
        Self { kind, why }
    }
}

/// JSON of a vendor.
pub(crate) fn json(text: &str) -> Result<Value, Fault> {
    serde_json::from_str(text).ok().filter(Value::is_object).ok_or_else(Fault::nonsense)
}

/// A [`Vendor`] as an engine.
#[derive(Debug)]
pub(crate) struct Socket<V>(pub(crate) Arc<V>);

impl<V: Vendor> Engine for Socket<V> {
    fn start(&self, need: Need, feed: Feed, out: Out) {
        tokio::spawn(run(self.0.clone(), need, feed, out));
    }
}

/// How a stream ends before its time: with a failure, or with nobody there to tell.
type End = Option<Failure>;

async fn run<V: Vendor>(vendor: Arc<V>, need: Need, mut feed: Feed, mut out: Out) {
    match talk(&*vendor, &need, &mut feed, &mut out).await {
        Ok(()) => out.closed().await,
        Err(Some(failure)) => out.failed(failure).await,
        Err(None) => {}
    }
}

async fn talk<V: Vendor>(vendor: &V, need: &Need, feed: &mut Feed, out: &mut Out) -> Result<(), End> {
    let name = vendor.name();
    let opened_by = Instant::now() + OPENING;
    let late = || Failure::stalled(name, "it did not answer within 10 s");
    let wire = tokio::select! {
        connected = timeout_at(opened_by, connect(name, vendor.address(need).map_err(Some)?)) => {
            connected.map_err(|_| Some(late()))?.map_err(Some)?
        }
        () = out.gone() => return Err(None),
    };
    let mut line = Line {
        name: name.clone(),
        wire,
        dialect: vendor.dialect(need),
        state: State::Waiting,
        frame: Vec::new(),
        sent_bytes: 0,
        sent_at: Instant::now(),
        sound_at: None,
        unanswered_since: None,
        pinged: None,
        interrupted: None,
    };
    let result = line.converse(feed, out, opened_by).await;
    if result.is_err() {
        let _ = timeout(GOODBYE, line.goodbye()).await;
    }
    result
}

async fn connect(name: &Arc<str>, address: Address) -> Result<Wire, Failure> {
    http::install_tls();
    let refused = |why: &str| Failure::new(name, FailureKind::Refused, why);
    let mut request =
        address.url.as_str().into_client_request().map_err(|_| refused("its url is no WebSocket address"))?;
    if let Some((header, before, key)) = address.key {
        let mut value = HeaderValue::from_str(&format!("{before}{}", key.expose())).map_err(|_| refused("bad key"))?;
        value.set_sensitive(true);
        request.headers_mut().insert(HeaderName::from_static(header), value);
    }
    let limits = WebSocketConfig::default()
        .read_buffer_size(BUFFER)
        .write_buffer_size(0)
        .max_write_buffer_size(256 * 1024)
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE));
    match connect_async_with_config(request, Some(limits), true).await {
        Ok((wire, _)) => Ok(wire),
        Err(Error::Http(response)) => {
            let retry = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
            let body = response.body().as_deref().unwrap_or_default();
            Err(http::status_failure(name, response.status().as_u16(), retry, &String::from_utf8_lossy(body)))
        }
        Err(Error::Io(error)) => Err(Failure::lost(name, format!("it cannot be reached: {}", error.kind()))),
        Err(Error::Tls(_)) => Err(Failure::lost(name, "its certificate is not accepted")),
        Err(_) => Err(Failure::lost(name, "what is at its address is no WebSocket server")),
    }
}

type Wire = WebSocketStream<MaybeTlsStream<TcpStream>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Talking,
    Closing { by: Instant },
}

/// A connection in use.
struct Line {
    name: Arc<str>,
    wire: Wire,
    dialect: Box<dyn Dialect>,
    state: State,
    /// Sound that is too short for a message.
    frame: Vec<u8>,
    sent_bytes: u64,
    /// The last message.
    sent_at: Instant,
    /// The last sound.
    sound_at: Option<Instant>,
    /// Sound was sent since, and nothing came.
    unanswered_since: Option<Instant>,
    /// A ping is out, and how much sound was sent before it.
    pinged: Option<u64>,
    /// The utterance that it was asked to end.
    interrupted: Option<u64>,
}

impl Line {
    async fn converse(&mut self, feed: &mut Feed, out: &mut Out, opened_by: Instant) -> Result<(), End> {
        if let Some(hello) = self.dialect.hello() {
            self.send(hello, out).await?;
        }
        let ready_at = if self.dialect.acknowledges() { opened_by } else { Instant::now() + QUIET };
        loop {
            let (every, keep_alive) = self.dialect.keep_alive();
            let state = self.state;
            let end = if let State::Closing { by } = state { Some(by) } else { None };
            tokio::select! {
                message = self.wire.next() => {
                    if self.take(message, out)? {
                        return Ok(());
                    }
                }
                command = feed.next(), if state == State::Talking => match command {
                    Command::Audio(pcm) => self.sound(&pcm, out).await?,
                    Command::Finalise => {
                        let sent_ms = ms_of(self.sent_bytes);
                        if let Some(message) = self.dialect.finalise(sent_ms) {
                            self.send(message, out).await?;
                        }
                    }
                    Command::Close => {
                        self.last_frame(out).await?;
                        let close = self.dialect.close();
                        self.state = State::Closing { by: Instant::now() + CLOSING };
                        self.send(close, out).await?;
                    }
                },
                () = sleep_until(ready_at), if state == State::Waiting => {
                    if self.dialect.acknowledges() {
                        return Err(Some(Failure::stalled(&self.name, "it did not acknowledge the stream within 10 s")));
                    }
                    self.ready(out);
                }
                () = sleep_until(self.sent_at + every), if state == State::Talking => {
                    self.send(keep_alive, out).await?;
                }
                () = at(self.dialect.due()) => self.dialect.overdue(out),
                () = at(end) => {
                    return Err(Some(Failure::stalled(&self.name, "it kept the last words to itself for 5 s")));
                }
                () = out.gone() => return Err(None),
            }
            self.interrupt(out).await?;
            out.flush().await.map_err(|_| None)?;
        }
    }

    /// Whoever does not pause is interrupted: what is not final would be lost with the connection.
    async fn interrupt(&mut self, out: &mut Out) -> Result<(), End> {
        let sent_ms = ms_of(self.sent_bytes);
        let Some((utterance, start_ms)) = out.unsettled().filter(|_| self.state == State::Talking) else {
            return Ok(());
        };
        if sent_ms.saturating_sub(start_ms) < LONGEST_MS || self.interrupted == Some(utterance) {
            return Ok(());
        }
        self.interrupted = Some(utterance);
        match self.dialect.finalise(sent_ms) {
            Some(message) => self.send(message, out).await,
            None => Ok(()),
        }
    }

    fn ready(&mut self, out: &mut Out) {
        if self.state == State::Waiting {
            self.state = State::Talking;
            out.opened();
        }
    }

    async fn sound(&mut self, pcm: &[u8], out: &mut Out) -> Result<(), End> {
        let min = self.dialect.min_frame_ms() * BYTES_PER_MS;
        for piece in pcm.chunks(MAX_FRAME_MS * BYTES_PER_MS) {
            self.frame.extend_from_slice(piece);
            if self.frame.len() >= min {
                self.send_frame(out).await?;
            }
        }
        Ok(())
    }

    async fn send_frame(&mut self, out: &mut Out) -> Result<(), End> {
        let frame = Bytes::from(std::mem::take(&mut self.frame));
        let now = Instant::now();
        // After a break nothing can be unanswered: there was nothing to answer.
        if self.sound_at.is_none_or(|at| now > at + BREAK) {
            self.unanswered_since = None;
        }
        self.sound_at = Some(now);
        if self.unanswered_since.get_or_insert(now).elapsed() >= STALLED {
            return Err(Some(Failure::stalled(&self.name, "it has not answered to the sound of the last 5 s")));
        }
        self.sent_bytes += frame.len() as u64;
        self.send(Message::Binary(frame), out).await?;
        if !self.dialect.talks_in_silence() && self.pinged.is_none() {
            let since = self.unanswered_since.unwrap_or(now);
            if since.elapsed() >= PULSE.min(STALLED / 2) {
                self.pinged = Some(ms_of(self.sent_bytes));
                self.send(Message::Ping(Bytes::new()), out).await?;
            }
        }
        Ok(())
    }

    /// What is left before the end, with silence up to what the vendor takes.
    async fn last_frame(&mut self, out: &mut Out) -> Result<(), End> {
        if self.frame.is_empty() {
            return Ok(());
        }
        let min = self.dialect.min_frame_ms() * BYTES_PER_MS;
        self.frame.resize(self.frame.len().max(min), 0);
        self.send_frame(out).await
    }

    async fn send(&mut self, message: Message, out: &mut Out) -> Result<(), End> {
        self.sent_at = Instant::now();
        match timeout(STALLED, self.wire.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(self.why_closed(out).await),
            Err(_) => Err(Some(Failure::stalled(&self.name, "it has taken nothing for 5 s"))),
        }
    }

    /// Nothing can be sent any more. What came before may say why.
    async fn why_closed(&mut self, out: &mut Out) -> End {
        while let Ok(message) = timeout(GOODBYE, self.wire.next()).await {
            match self.take(message, out) {
                Ok(false) => {}
                Ok(true) => break,
                Err(end) => return end,
            }
        }
        Some(Failure::lost(&self.name, "the connection was cut"))
    }

    /// Takes what came. Whether all is said.
    fn take(&mut self, message: Option<Result<Message, Error>>, out: &mut Out) -> Result<bool, End> {
        let closing = matches!(self.state, State::Closing { .. });
        let name = self.name.clone();
        let failed = |kind, why: String| Err(Some(Failure::new(&name, kind, why)));
        match message {
            Some(Ok(Message::Text(text))) => {
                self.unanswered_since = None;
                match self.dialect.read(&text, ms_of(self.sent_bytes), out) {
                    Ok(Told::Ready) => self.ready(out),
                    Ok(Told::Words) => {}
                    Ok(Told::Over) if closing => return Ok(true),
                    Ok(Told::Over) => return failed(FailureKind::Lost, "it ended the stream".to_owned()),
                    Err(Fault { kind, why }) => return failed(kind, why),
                }
            }
            Some(Ok(Message::Pong(_))) => {
                if let Some(sent_ms) = self.pinged.take() {
                    self.unanswered_since = None;
                    // It got everything that was sent before the ping, and had time to hear it.
                    out.silent_until(sent_ms.saturating_sub(2000));
                }
            }
            Some(Ok(Message::Close(frame))) => return self.close_frame(frame, closing),
            Some(Ok(Message::Binary(_) | Message::Ping(_) | Message::Frame(_))) => {}
            Some(Err(Error::Capacity(_))) => {
                return failed(FailureKind::Lost, "it sent a message of more than 1 MiB".to_owned());
            }
            Some(Err(Error::Protocol(_) | Error::Utf8(_))) if !closing => {
                return failed(
                    FailureKind::Lost,
                    "the connection was cut, or what came over it is no WebSocket".to_owned(),
                );
            }
            Some(Err(_)) | None if closing => return Ok(true),
            Some(Err(_)) | None => return failed(FailureKind::Lost, "the connection was cut".to_owned()),
        }
        Ok(false)
    }

    fn close_frame(&self, frame: Option<CloseFrame>, closing: bool) -> Result<bool, End> {
        let (code, reason) =
            frame.map_or((1005, String::new()), |frame| (frame.code.into(), plain(&frame.reason, 120)));
        if closing && matches!(code, 1000 | 1001 | 1005) {
            return Ok(true);
        }
        let reason = if reason.is_empty() { reason } else { format!(": {reason}") };
        let why = format!("it closed the connection (code {code}){reason}");
        Err(Some(Failure::new(&self.name, self.dialect.closed(code, &reason), why)))
    }

    async fn goodbye(&mut self) -> Result<(), Error> {
        if !matches!(self.state, State::Closing { .. }) {
            let close = self.dialect.close();
            self.wire.send(close).await?;
        }
        self.wire.close(None).await
    }
}

/// Waits until then, or for ever.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => pending().await,
    }
}
