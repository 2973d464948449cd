//! The task that owns the socket.
//!
//! | state | a command to send | the socket ends | time |
//! |---|---|---|---|
//! | open | goes out | away, or over after 4001 and 4003 | |
//! | away | refused as offline | | dial again after the delay |
//! | dialling | refused as offline | away | open, or away |
//! | over | refused as ended | | |

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;

use super::camera::{Camera, CameraState, Shot};
use super::config::Addresses;
use super::dial::{Opened, Socket, close_reason, dial};
use super::error::chain;
use super::heard::{Heard, hear};
use super::plays::{Played, Plays};
use super::rest::{Http, Photo, configure};
use super::state::Shared;
use super::streams::{Report, Streams};
use super::{ConnectError, PhoneError, PhoneEvent, SoundPath, says};

/// How long one message may take to leave, and a closing handshake to end.
const PATIENCE: Duration = Duration::from_secs(5);
/// Close codes after which a phone must not come back: superseded by another phone, ended by the operator.
const FINAL: [u16; 2] = [4001, 4003];

/// What the handle asks of the task.
pub(super) enum Command {
    Send(Message, oneshot::Sender<Result<(), PhoneError>>),
    /// Drop the connection without a word and stay away.
    Cut(Duration, oneshot::Sender<()>),
    Photo(Option<Photo>),
    Camera(CameraState),
    Close(oneshot::Sender<()>),
}

/// How a connection ended.
pub(super) enum End {
    /// This side closed it for good.
    Over,
    /// Come back after the delay.
    Away { why: String, delay: Duration },
    /// This side dropped it; the asker waits until that is told.
    Cut { delay: Duration, done: oneshot::Sender<()> },
    /// The cloud said not to come back.
    Final { why: String },
}

pub(super) struct Task {
    pub(super) addresses: Addresses,
    pub(super) reconnect: Duration,
    pub(super) model: Option<String>,
    pub(super) shared: Arc<Shared>,
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) http: Arc<Http>,
    pub(super) camera: Camera,
    pub(super) uploads: JoinSet<Shot>,
    pub(super) streams: Streams,
    /// How a stream is, when the cloud could not be told.
    pub(super) unsaid: Option<Report>,
    pub(super) plays: Plays,
    pub(super) may_play: bool,
    pub(super) sound: SoundPath,
    pub(super) token: Arc<str>,
}

impl Task {
    pub(super) async fn run(mut self, first: Opened) {
        let mut reconnection = false;
        let mut opened = first;
        loop {
            // However it ended, the socket is dropped here: a cut is the end of TCP without a close frame.
            let (why, delay, done) = match self.serve(opened, reconnection).await {
                End::Away { why, delay } => (why, delay, None),
                End::Cut { delay, done } => ("cut by this phone".to_owned(), delay, Some(done)),
                End::Final { why } => return self.over(why),
                End::Over => return self.over("closed by this phone".into()),
            };
            reconnection = true;
            self.shared.tell(PhoneEvent::Disconnected { why, back_in: Some(delay) });
            drop(done);
            match self.come_back(delay).await {
                Some(again) => opened = again,
                None => return self.over("closed by this phone".into()),
            }
        }
    }

    fn over(&self, why: String) {
        self.shared.tell(PhoneEvent::Disconnected { why, back_in: None });
    }

    async fn serve(&mut self, opened: Opened, reconnection: bool) -> End {
        let Opened { mut socket, heard } = opened;
        for heard in heard {
            if let Heard::Ack(_, offer) = &heard {
                self.shared.offered(offer.clone());
                self.shared.tell(PhoneEvent::Connected { reconnection });
            }
            if let Err(end) = self.take(&mut socket, heard).await {
                return end;
            }
        }
        loop {
            let step = tokio::select! {
                command = self.commands.recv() => self.obey(&mut socket, command).await,
                frame = socket.next() => self.frame(&mut socket, frame).await,
                Some(played) = self.plays.next() => self.played(&mut socket, vec![played]).await,
                Some(upload) = self.uploads.join_next() => match upload {
                    Ok(shot) => self.uploaded(&mut socket, shot).await,
                    Err(_) => Ok(()),
                },
                report = self.streams.next() => self.streamed(&mut socket, report).await,
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    async fn obey(&mut self, socket: &mut Socket, command: Option<Command>) -> Result<(), End> {
        match command {
            Some(Command::Send(message, done)) => {
                let sent = self.send(socket, message).await;
                // The asker may have gone; the message went out all the same.
                let _ = done.send(if sent.is_ok() { Ok(()) } else { Err(PhoneError::Offline) });
                sent
            }
            Some(Command::Photo(photo)) => {
                self.camera.photo = photo;
                Ok(())
            }
            Some(Command::Camera(state)) => {
                self.camera.state = state;
                Ok(())
            }
            Some(Command::Cut(delay, done)) => Err(End::Cut { delay, done }),
            Some(Command::Close(done)) => {
                goodbye(socket).await;
                drop(done);
                Err(End::Over)
            }
            None => {
                goodbye(socket).await;
                Err(End::Over)
            }
        }
    }

    async fn frame(
        &mut self,
        socket: &mut Socket,
        frame: Option<Result<Message, tokio_tungstenite::tungstenite::Error>>,
    ) -> Result<(), End> {
        let away = |why: String| End::Away { why, delay: self.reconnect };
        match frame {
            Some(Ok(Message::Text(text))) => self.take(socket, hear(&text)).await,
            // A phone reads binary frames as text.
            Some(Ok(Message::Binary(bytes))) => self.take(socket, hear(&String::from_utf8_lossy(&bytes))).await,
            Some(Ok(Message::Close(frame))) => {
                let why = close_reason(frame.as_ref());
                let is_final = frame.as_ref().is_some_and(|frame| FINAL.contains(&u16::from(frame.code)));
                let end = if is_final { End::Final { why } } else { away(why) };
                // The answer to the close frame is written while the rest is read.
                let _ = timeout(PATIENCE, async { while let Some(Ok(_)) = socket.next().await {} }).await;
                Err(end)
            }
            Some(Ok(_)) => Ok(()),
            Some(Err(error)) => Err(away(chain(&error))),
            None => Err(away("the connection was lost".into())),
        }
    }

    async fn take(&mut self, socket: &mut Socket, heard: Heard) -> Result<(), End> {
        match heard {
            Heard::Ack(running, _) => {
                self.configure();
                if let Some(packages) = running {
                    self.shared.tell(PhoneEvent::AppsRunning { packages });
                }
                if let Some(model) = &self.model {
                    self.send(socket, text(&says::glasses(model))).await?;
                }
                match self.unsaid.take() {
                    Some(report) => self.say_stream(socket, report).await,
                    None => Ok(()),
                }
            }
            Heard::Refused(message) => {
                self.shared.tell(PhoneEvent::Error { message });
                Ok(())
            }
            Heard::Event(event) => {
                self.shared.tell(event);
                Ok(())
            }
            Heard::Photo(request) => self.shoot(socket, request).await,
            Heard::Stream(request) => self.stream(socket, request).await,
            Heard::StreamStop(stop) => self.end_stream(socket, stop).await,
            Heard::KeepAlive(asked) => self.keep_alive(socket, asked).await,
            Heard::Play(_) if !self.may_play => {
                self.shared.tell(PhoneEvent::Other { kind: "audio_play_request".to_owned() });
                Ok(())
            }
            Heard::Play(request) if request.request_id.is_empty() => {
                let message = "an audio_play_request without requestId: phones drop it".to_owned();
                self.shared.tell(PhoneEvent::Error { message });
                Ok(())
            }
            Heard::Play(request) => {
                let over = self.plays.begin(request, &self.http);
                self.played(socket, over).await
            }
            Heard::Silence(stop) => {
                let over = self.plays.stop(&stop);
                self.played(socket, over).await
            }
        }
    }

    /// Says what became of sound of apps.
    async fn played(&self, socket: &mut Socket, played: Vec<Played>) -> Result<(), End> {
        for Played { request_id, package, outcome } in played {
            let answer = text(&says::played(&request_id, &outcome));
            self.shared.tell(PhoneEvent::Played { package, outcome });
            self.send(socket, answer).await?;
        }
        Ok(())
    }

    /// Later phones say after each ack how they pack their sound; nobody waits for the answer.
    fn configure(&self) {
        let Some(size) = self.sound.lc3 else { return };
        let (http, base, token) = (Arc::clone(&self.http), self.addresses.rest.clone(), self.token.clone());
        tokio::spawn(async move {
            let _ = configure(&http, &base, &token, size).await;
        });
    }

    pub(super) async fn send(&self, socket: &mut Socket, message: Message) -> Result<(), End> {
        let why = match timeout(PATIENCE, socket.send(message)).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => chain(&error),
            Err(_) => "the cloud does not read".to_owned(),
        };
        Err(End::Away { why, delay: self.reconnect })
    }

    /// Waits and dials until there is a connection; `None` when nobody wants one any more.
    async fn come_back(&mut self, delay: Duration) -> Option<Opened> {
        let mut next = Instant::now() + delay;
        loop {
            let mut attempt = Box::pin(dial_at(next, self.addresses.clone()));
            let failed = loop {
                tokio::select! {
                    opened = &mut attempt => match opened {
                        Ok(opened) => return Some(opened),
                        Err(error) => break error,
                    },
                    report = self.streams.next() => {
                        self.tell_stream(&report);
                        self.unsaid = Some(report);
                    }
                    command = self.commands.recv() => match command {
                        Some(Command::Send(_, done)) => drop(done.send(Err(PhoneError::Offline))),
                        Some(Command::Photo(photo)) => self.camera.photo = photo,
                        Some(Command::Camera(state)) => self.camera.state = state,
                        // Away already: counts from now.
                        Some(Command::Cut(delay, _done)) => {
                            next = Instant::now() + delay;
                            attempt = Box::pin(dial_at(next, self.addresses.clone()));
                        }
                        Some(Command::Close(_)) | None => return None,
                    },
                }
            };
            // As a real phone: again and again at the same distance, without a limit.
            self.shared.tell(PhoneEvent::Error { message: failed.to_string() });
            next = Instant::now() + self.reconnect;
        }
    }
}

async fn dial_at(at: Instant, addresses: Addresses) -> Result<Opened, ConnectError> {
    sleep_until(at).await;
    dial(&addresses).await
}

/// Closes with a close frame and waits a moment for the answer.
async fn goodbye(socket: &mut Socket) {
    let ended = async {
        if socket.close(None).await.is_ok() {
            while let Some(Ok(_)) = socket.next().await {}
        }
    };
    let _ = timeout(PATIENCE, ended).await;
}

/// A text frame.
pub(super) fn text(message: &serde_json::Value) -> Message {
    Message::text(message.to_string())
}

/// A frame of sound.
pub(super) fn sound(pcm: Bytes) -> Message {
    Message::Binary(pcm)
}
