//! One wearer's session: a WebSocket to the cloud, from the first message to the last.
//!
//! Every message is a JSON object with a `type`. Ours carry the package name as well; the cloud knows us by the
//! socket, so it is there for people who read a trace. The life of a socket is always the same:
//! `tpa_connection_init` → `tpa_connection_ack` → `subscription_update` → `data_stream` … `display_event` … → close.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{net::TcpStream, sync::oneshot, task::JoinHandle, time};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{Message, protocol::WebSocketConfig},
};

/// Errors are only ever shown to a person here, so a sentence will do.
pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// The streams we want. The list always replaces the one before, so it is sent whole. A transcription names its
/// language; the cloud turns the microphone on as long as some app wants to hear.
const WANTED: [&str; 2] = ["transcription:en-US", "button_press"];

/// The cloud gives up on a start after about as long.
const ACK_WITHIN: Duration = Duration::from_secs(5);

/// How long we wait before each try to come back. Then we stop: the cloud will start us anew if the wearer is there.
const RETRY_AFTER: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// What a socket needs, and needs again when it is lost.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) url: String,
    pub(crate) session_id: String,
    pub(crate) package: String,
    pub(crate) api_key: String,
}

/// Why we leave a session of our own accord.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goodbye {
    /// The wearer, or whoever runs this process, has stopped the app.
    Stopped,
    /// A newer session of the same wearer takes over.
    Replaced,
}

/// A running session; its task owns the socket.
#[derive(Debug)]
pub(crate) struct Session {
    goodbye: oneshot::Sender<Goodbye>,
    task: JoinHandle<()>,
}

impl Session {
    /// Returns once the cloud has accepted us; from then on the session lives in its own task.
    pub(crate) async fn start(identity: Identity) -> Result<Self> {
        let socket = identity.connect().await?;
        let (goodbye, asked_to_leave) = oneshot::channel();
        let task = tokio::spawn(identity.run(socket, asked_to_leave));
        Ok(Self { goodbye, task })
    }

    pub(crate) fn is_live(&self) -> bool {
        !self.task.is_finished()
    }

    /// Says goodbye and waits for the socket to be closed.
    pub(crate) async fn leave(self, goodbye: Goodbye) {
        // Both fail only if the session has ended by itself, and then there is nothing left to do.
        let _ = self.goodbye.send(goodbye);
        let _ = self.task.await;
    }
}

impl Identity {
    async fn run(self, mut socket: Socket, mut asked_to_leave: oneshot::Receiver<Goodbye>) {
        loop {
            tokio::select! {
                goodbye = &mut asked_to_leave => {
                    return self.leave(&mut socket, goodbye.unwrap_or(Goodbye::Stopped)).await;
                }
                ended = self.listen(&mut socket) => match ended {
                    Ok(Some(code)) if is_final(code) => return,
                    Ok(code) => tracing::info!(self.session_id, ?code, "the socket was closed, coming back"),
                    Err(error) => tracing::info!(self.session_id, %error, "the socket was lost, coming back"),
                },
            }
            // The old connection is not kept open while we wait for a new one.
            drop(socket);
            socket = tokio::select! {
                _ = &mut asked_to_leave => return,
                again = self.reconnect() => match again {
                    Some(socket) => socket,
                    None => return,
                },
            };
        }
    }

    /// Opens the socket and introduces us. The same for the first time and for every return.
    async fn connect(&self) -> Result<Socket> {
        time::timeout(ACK_WITHIN, async {
            // The defaults would keep 256 KiB of buffers for each wearer; our messages have a few hundred bytes.
            let small = WebSocketConfig::default().read_buffer_size(4096).write_buffer_size(0);
            let (mut socket, _) = connect_async_with_config(&self.url, Some(small), true).await?;
            self.send(
                &mut socket,
                json!({
                    "type": "tpa_connection_init",
                    "sessionId": self.session_id,
                    "apiKey": self.api_key,
                }),
            )
            .await?;
            while let Some(message) = socket.next().await {
                let Message::Text(text) = message? else { continue };
                let message: Value = serde_json::from_str(&text)?;
                match message["type"].as_str() {
                    Some("tpa_connection_ack") => return Ok(socket),
                    Some("tpa_connection_error") => return Err(message["message"].to_string().into()),
                    // The cloud may say other things first; they are no reason to give up.
                    _ => {}
                }
            }
            Err("the cloud closed the socket before it accepted us".into())
        })
        .await
        .map_err(|_| "the cloud did not accept us in time")?
    }

    /// Greets, subscribes, then answers events until the socket ends. `Some` is the close code the cloud gave.
    async fn listen(&self, socket: &mut Socket) -> Result<Option<u16>> {
        self.show(socket, json!({ "layoutType": "text_wall", "text": "Listening …" })).await?;
        self.send(socket, json!({ "type": "subscription_update", "subscriptions": WANTED })).await?;
        while let Some(message) = socket.next().await {
            match message? {
                Message::Text(text) => match serde_json::from_str(&text) {
                    Ok(message) => self.on_message(socket, &message).await?,
                    // One bad message must not cost the session.
                    Err(error) => tracing::debug!(self.session_id, %error, "ignored: not JSON"),
                },
                Message::Close(frame) => {
                    // The library has prepared the answer; it only has to be sent.
                    let _ = socket.flush().await;
                    return Ok(frame.map(|frame| frame.code.into()));
                }
                // Binary frames are microphone audio, which we did not ask for. The library answers pings by itself.
                _ => {}
            }
        }
        Ok(None)
    }

    async fn on_message(&self, socket: &mut Socket, message: &Value) -> Result<()> {
        // Everything we subscribed to comes in one envelope: `streamType` is the very string we asked for, and `data`
        // the event. Other types (settings, capabilities, app_stopped …) need nothing from this app.
        if message["type"] != "data_stream" {
            return Ok(());
        }
        let data = &message["data"];
        match message["streamType"].as_str() {
            // Interim results are shown as they come. There is no need to hold back: the cloud paces the display and
            // draws only the newest frame of an app.
            Some("transcription:en-US") => {
                let text = data["text"].as_str().unwrap_or_default();
                self.show(socket, json!({ "layoutType": "text_wall", "text": text })).await
            }
            Some("button_press") if data["pressType"] == "long" => {
                self.show(socket, json!({ "layoutType": "clear_view" })).await
            }
            _ => Ok(()),
        }
    }

    /// Draws on the glasses. The cloud does not answer: a newer frame is the only thing that can follow.
    async fn show(&self, socket: &mut Socket, layout: Value) -> Result<()> {
        self.send(socket, json!({ "type": "display_event", "view": "main", "layout": layout })).await
    }

    async fn send(&self, socket: &mut Socket, mut message: Value) -> Result<()> {
        message["packageName"] = json!(self.package);
        Ok(socket.send(Message::text(message.to_string())).await?)
    }

    async fn reconnect(&self) -> Option<Socket> {
        for pause in RETRY_AFTER {
            time::sleep(pause).await;
            match self.connect().await {
                Ok(socket) => return Some(socket),
                Err(error) => tracing::info!(self.session_id, %error, "could not come back yet"),
            }
        }
        tracing::warn!(self.session_id, "gave up");
        None
    }

    async fn leave(&self, socket: &mut Socket, goodbye: Goodbye) {
        let farewell = async {
            if let Goodbye::Replaced = goodbye {
                // Without this the cloud would take the close for an accident and start us once more.
                let release = json!({ "type": "ownership_release", "reason": "switching_clouds" });
                self.send(socket, release).await?;
            }
            socket.close(None).await?;
            // Reading on until the cloud has closed, too, makes sure that our last words arrive.
            while socket.next().await.is_some() {}
            Result::Ok(())
        };
        if time::timeout(Duration::from_secs(1), farewell).await.is_err() {
            tracing::debug!(self.session_id, "the cloud did not close its side");
        }
    }
}

/// Close codes after which an app stays away: stopped (1000), going away (1001), refused (1008). Everything else,
/// a missing code included, is a lost connection, and the cloud holds our place for a few seconds.
fn is_final(code: u16) -> bool {
    matches!(code, 1000 | 1001 | 1008)
}
