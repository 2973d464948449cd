//! A phone with glasses, as a client library.
//!
//! [`Phone::connect`] opens `/glasses-ws` as the real phone does, waits for `connection_ack` and leaves the socket to a
//! task, which comes back by itself after a loss. A [`Phone`] is a cheap handle: it sends, and [`Phone::watch`] follows
//! what happens.

mod camera;
mod config;
mod datagrams;
mod dial;
mod error;
mod event;
mod heard;
mod plays;
mod publisher;
mod rest;
mod says;
mod sound;
mod state;
mod streams;
mod task;

use std::sync::Arc;
use std::time::Duration;

use bifocal_audio::udp::user_hash;
use bifocal_protocol::Message as _;
use bifocal_protocol::glasses::FromPhone;
use bytes::Bytes;
use serde_json::Value;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;

pub use camera::CameraState;
pub use config::PhoneConfig;
pub use error::{ConnectError, PhoneError};
pub use event::PhoneEvent;
pub use rest::Photo;
pub use says::Press;
pub use sound::SoundPath;
pub use state::{LiveStream, PhoneState, Watch};

use crate::screen::Head;
use camera::Camera;
use config::Addresses;
use datagrams::Datagrams;
use plays::Plays;
use rest::Http;
use state::Shared;
use streams::{Patience, Streams};
use task::{Command, Task};

/// Commands that may wait for the task; askers wait for room beyond.
const COMMANDS: usize = 64;
/// The time of a piece of sound.
const SOUND_TIME: Duration = Duration::from_millis(20);
/// How often a phone asks whether packets arrive, and how long it waits for an answer.
const PINGS: u32 = 3;
const PING_GAP: Duration = Duration::from_millis(200);
const PING_PATIENCE: Duration = Duration::from_secs(2);

/// How fast sound is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// As fast as a wearer speaks.
    RealTime,
    /// As fast as the socket takes it.
    AtOnce,
}

/// What is known of UDP on one connection.
struct Probed {
    connection: u64,
    /// The way for packets, if they arrive.
    way: Option<Arc<Datagrams>>,
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
    sound: SoundPath,
    user: Arc<str>,
    probed: Arc<Mutex<Option<Probed>>>,
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
        let user = wearer(&config.token);
        let shared = Shared::new();
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let task = Task {
            addresses: addresses.clone(),
            reconnect: config.reconnect,
            model: config.model,
            shared: Arc::clone(&shared),
            commands: inbox,
            http: Arc::clone(&http),
            camera: Camera { photo: config.photo, state: CameraState::default() },
            streams: Streams::new(config.ffmpeg, Patience::default()),
            unsaid: None,
            sound: config.sound,
            token: config.token.clone().into(),
            plays: Plays::default(),
            may_play: config.plays,
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
            sound: config.sound,
            user,
            probed: Arc::default(),
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

    /// Sends sound, 16 kHz mono 16-bit little-endian, in pieces of 20 ms, the way that the configuration says.
    ///
    /// # Errors
    /// As [`Self::send`] and [`Self::start_app`]; the rest of the sound is not sent then.
    pub async fn sound(&self, pcm: Bytes, pace: Pace) -> Result<(), PhoneError> {
        if let Some(size) = self.sound.lc3 {
            // Said after each ack already; here it is certain that the cloud has heard it.
            rest::configure(&self.http, &self.addresses.rest, &self.token, size).await?;
        }
        let datagrams = if self.sound.udp { self.datagrams().await? } else { None };
        let mut due = Instant::now();
        for piece in sound::pack(&pcm, self.sound.lc3) {
            match &datagrams {
                Some(datagrams) if self.state().connected => datagrams.send(&piece).await,
                Some(_) => return Err(PhoneError::Offline),
                None => self.put(task::sound(piece)).await?,
            }
            if pace == Pace::RealTime {
                // Counted from the beginning, so that delays do not add up.
                due += SOUND_TIME;
                sleep_until(due).await;
            }
        }
        Ok(())
    }

    /// The way for packets of this connection: announced, and asked whether they arrive. `None` when they do not, and the sound
    /// goes over the socket.
    async fn datagrams(&self) -> Result<Option<Arc<Datagrams>>, PhoneError> {
        let mut known = self.probed.lock().await;
        let (connection, offer) = self.shared.offer();
        if let Some(probed) = known.as_ref().filter(|probed| probed.connection == connection) {
            return Ok(probed.way.clone());
        }
        let trouble = |message: String| self.shared.tell(PhoneEvent::Error { message });
        let hash = user_hash(&self.user);
        let opened = match offer {
            Some(offer) => offer.open(hash).await,
            None => Err("the cloud offers no UDP; sound goes over the socket".to_owned()),
        };
        let way = match opened {
            Ok(datagrams) => {
                self.put_json(&says::udp_register(hash)).await?;
                self.arrive(&datagrams).await.then(|| Arc::new(datagrams))
            }
            Err(why) => {
                trouble(why);
                None
            }
        };
        *known = Some(Probed { connection, way: way.clone() });
        Ok(way)
    }

    /// Whether packets get to the cloud: it says so on the socket.
    async fn arrive(&self, datagrams: &Datagrams) -> bool {
        let mut watch = self.watch();
        let acked =
            async { while !matches!(watch.next().await, PhoneEvent::Other { kind } if kind == "udp_ping_ack") {} };
        let asking = async {
            for _ in 0..PINGS {
                datagrams.ping().await;
                tokio::time::sleep(PING_GAP).await;
            }
            std::future::pending::<()>().await;
        };
        let answered = tokio::select! {
            answered = timeout(PING_PATIENCE, acked) => answered.is_ok(),
            () = asking => false,
        };
        if !answered {
            let message = "no packet gets through over UDP; sound goes over the socket".to_owned();
            self.shared.tell(PhoneEvent::Error { message });
        }
        answered
    }

    /// The picture that `photo_request`s are answered with; the test card with the time in it when there is none.
    ///
    /// # Errors
    /// [`PhoneError::Ended`].
    pub async fn set_photo(&self, photo: Option<Photo>) -> Result<(), PhoneError> {
        self.commands.send(Command::Photo(photo)).await.map_err(|_| PhoneError::Ended)
    }

    /// Whether the camera works. A stream that runs goes on.
    ///
    /// # Errors
    /// [`PhoneError::Ended`].
    pub async fn set_camera(&self, state: CameraState) -> Result<(), PhoneError> {
        self.commands.send(Command::Camera(state)).await.map_err(|_| PhoneError::Ended)
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

/// Whose token it is, as it says of itself: a phone knows who is logged in.
fn wearer(token: &str) -> Arc<str> {
    use base64::Engine;
    let claims = token.split('.').nth(1).and_then(|part| base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(part).ok());
    let claims: Option<Value> = claims.and_then(|json| serde_json::from_slice(&json).ok());
    claims.as_ref().and_then(|claims| claims["email"].as_str()).unwrap_or_default().to_lowercase().into()
}

impl std::fmt::Debug for Phone {
    /// Without the token and the addresses that have it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Phone").field("state", &self.shared).finish_non_exhaustive()
    }
}
