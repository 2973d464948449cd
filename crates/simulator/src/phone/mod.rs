//! A phone with glasses, as a client library.
//!
//! [`Phone::connect`] opens `/glasses-ws` as the real phone does, waits for `connection_ack` and leaves the socket to a
//! task, which comes back by itself after a loss. A [`Phone`] is a cheap handle: it sends, and [`Phone::watch`] follows
//! what happens.

mod config;
mod dial;
mod error;
mod event;
mod heard;
mod rest;
mod says;
mod state;
mod task;

use std::sync::Arc;
use std::time::Duration;

use bifocal_protocol::Message as _;
use bifocal_protocol::glasses::FromPhone;
use bytes::Bytes;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;

pub use config::PhoneConfig;
pub use error::{ConnectError, PhoneError};
pub use event::PhoneEvent;
pub use rest::Photo;
pub use says::Press;
pub use state::{PhoneState, Watch};

use crate::screen::Head;
use config::Addresses;
use rest::Http;
use state::Shared;
use task::{Command, Task};

/// Commands that may wait for the task; askers wait for room beyond.
const COMMANDS: usize = 64;
/// Bytes of 100 ms of sound: 16 kHz, 16 bits, mono. Real G1 glasses send frames of this size.
const SOUND_FRAME: usize = 3200;
/// The time of a frame of sound.
const SOUND_TIME: Duration = Duration::from_millis(100);

/// How fast sound is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// As fast as a wearer speaks.
    RealTime,
    /// As fast as the socket takes it.
    AtOnce,
}

/// A connected phone. Clones are handles to the same phone; it says goodbye when the last one is dropped.
#[derive(Clone)]
pub struct Phone {
    shared: Arc<Shared>,
    commands: mpsc::Sender<Command>,
    http: Arc<Http>,
    addresses: Addresses,
    token: Arc<str>,
    reconnect: Duration,
    born: Instant,
}

impl Phone {
    /// Connects and waits until the session is there.
    ///
    /// # Errors
    /// [`ConnectError`], which names the hop. Only the first connection is given up; later ones are tried for ever.
    pub async fn connect(config: PhoneConfig) -> Result<Self, ConnectError> {
        // An error means that somebody installed a provider before, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let addresses = config.addresses()?;
        let http = Arc::new(Http::default());
        let first = dial::dial(&addresses).await?;
        let shared = Shared::new();
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let task = Task {
            addresses: addresses.clone(),
            reconnect: config.reconnect,
            model: config.model,
            shared: Arc::clone(&shared),
            commands: inbox,
            http: Arc::clone(&http),
            photo: None,
            uploads: tokio::task::JoinSet::new(),
        };
        let phone = Self {
            shared,
            commands,
            http,
            addresses,
            token: config.token.into(),
            reconnect: config.reconnect,
            born: Instant::now(),
        };
        // It ends by itself when the last handle is dropped.
        tokio::spawn(task.run(first));
        phone.shared.until(|state| state.connected || state.ended).await;
        Ok(phone)
    }

    /// Follows what happens from now on. Begins with the state of now, so nothing is missed in between.
    pub fn watch(&self) -> Watch {
        self.shared.watch()
    }

    /// The state of now.
    pub fn state(&self) -> PhoneState {
        self.shared.state()
    }

    /// Waits until the phone is connected; `false` when it is not in time, or never will be.
    pub async fn connected_within(&self, limit: Duration) -> bool {
        let settled = self.shared.until(|state| state.connected || state.ended);
        timeout(limit, settled).await.is_ok() && self.state().connected
    }

    /// How long a lost connection stays lost before it is tried again.
    pub fn reconnect(&self) -> Duration {
        self.reconnect
    }

    /// Sends a message of the protocol.
    ///
    /// # Errors
    /// [`PhoneError::Offline`] and [`PhoneError::Ended`]; the message is lost then, as with a real phone.
    pub async fn send(&self, message: &FromPhone) -> Result<(), PhoneError> {
        self.send_text(&message.encode()).await
    }

    /// Sends any text, also text that is no message.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn send_text(&self, text: &str) -> Result<(), PhoneError> {
        self.put(Message::text(text)).await
    }

    /// The wearer says something: `local_transcription`, at first the half of a longer sentence, then all of it as final.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn say(&self, text: &str) -> Result<(), PhoneError> {
        let start = self.born.elapsed();
        let words: Vec<&str> = text.split_whitespace().collect();
        if words.len() > 3 {
            let begin = words[..words.len().div_ceil(2)].join(" ");
            self.put_json(&says::words(&begin, false, start)).await?;
        }
        self.put_json(&says::words(text, true, start)).await
    }

    /// The wearer presses a button of the glasses.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn press(&self, button: &str, press: Press) -> Result<(), PhoneError> {
        self.put_json(&says::button(button, press)).await
    }

    /// The wearer moves the head. The display changes at once, whether the cloud hears of it or not.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn head(&self, head: Head) -> Result<(), PhoneError> {
        self.shared.tell(PhoneEvent::Head(head));
        self.put_json(&says::head(head)).await
    }

    /// The battery of the glasses has changed.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn battery(&self, percent: u8) -> Result<(), PhoneError> {
        let percent = percent.min(100);
        self.shared.tell(PhoneEvent::Battery(percent));
        self.put_json(&says::battery(percent)).await
    }

    /// Sends sound, 16 kHz mono 16-bit little-endian, in frames of 100 ms.
    ///
    /// # Errors
    /// As [`Self::send`]; the rest of the sound is not sent then.
    pub async fn sound(&self, pcm: Bytes, pace: Pace) -> Result<(), PhoneError> {
        let mut due = Instant::now();
        let mut rest = pcm;
        while !rest.is_empty() {
            let frame = rest.split_to(rest.len().min(SOUND_FRAME));
            self.put(task::sound(frame)).await?;
            if pace == Pace::RealTime {
                // Counted from the beginning, so that delays do not add up.
                due += SOUND_TIME;
                sleep_until(due).await;
            }
        }
        Ok(())
    }

    /// The picture that `photo_request`s are answered with; none lets them fail.
    ///
    /// # Errors
    /// [`PhoneError::Ended`].
    pub async fn set_photo(&self, photo: Option<Photo>) -> Result<(), PhoneError> {
        self.commands.send(Command::Photo(photo)).await.map_err(|_| PhoneError::Ended)
    }

    /// Starts an app, as a tap on its tile does.
    ///
    /// # Errors
    /// [`PhoneError::Rest`] with what the cloud said, [`PhoneError::Unreachable`].
    pub async fn start_app(&self, package: &str) -> Result<(), PhoneError> {
        rest::app(&self.http, &self.addresses.rest, &self.token, package, "start").await
    }

    /// Stops an app.
    ///
    /// # Errors
    /// As [`Self::start_app`].
    pub async fn stop_app(&self, package: &str) -> Result<(), PhoneError> {
        rest::app(&self.http, &self.addresses.rest, &self.token, package, "stop").await
    }

    /// Loses the connection without a close frame, and comes back after a while. Returns when it is lost.
    ///
    /// # Errors
    /// [`PhoneError::Ended`].
    pub async fn cut(&self, away: Duration) -> Result<(), PhoneError> {
        let (done, cut) = oneshot::channel();
        self.commands.send(Command::Cut(away, done)).await.map_err(|_| PhoneError::Ended)?;
        // The task drops its end when the connection is gone and that is told.
        let _ = cut.await;
        Ok(())
    }

    /// Closes the connection with a close frame. Nothing can be sent any more, by any handle.
    pub async fn close(self) {
        let (done, closed) = oneshot::channel();
        if self.commands.send(Command::Close(done)).await.is_ok() {
            let _ = closed.await;
        }
        self.shared.until(|state| state.ended).await;
    }

    async fn put_json(&self, message: &Value) -> Result<(), PhoneError> {
        self.put(task::text(message)).await
    }

    async fn put(&self, message: Message) -> Result<(), PhoneError> {
        let (done, sent) = oneshot::channel();
        self.commands.send(Command::Send(message, done)).await.map_err(|_| PhoneError::Ended)?;
        sent.await.unwrap_or(Err(PhoneError::Ended))
    }
}

impl std::fmt::Debug for Phone {
    /// Without the token and the addresses that have it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Phone").field("state", &self.shared).finish_non_exhaustive()
    }
}
