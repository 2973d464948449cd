//! The cloud's end of a socket: it takes the app in, writes down what it says, and answers what has an answer.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use bifocal_protocol::Text;
use bifocal_protocol::streams::{Subscription, SubscriptionEntry};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::DuplexStream;
use tokio::sync::{Notify, mpsc};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};

use super::{PACKAGE, Setting, lock};
use crate::core::{Input, Upload, UploadError};
use crate::random;
use crate::server::Sessions;

/// Messages that are remembered of a wearer's app.
const MAX_HEARD: usize = 100_000;

/// What the cloud sends next on a socket.
pub(crate) enum Say {
    Text(Text),
    Binary(Bytes),
    Close(u16, &'static str),
    /// Without a word.
    HangUp,
}

/// One wearer's use of the app.
#[derive(Default)]
pub(crate) struct Life {
    pub(crate) uuid: String,
    pub(crate) setting: Setting,
    /// How often the app was taken in.
    pub(crate) acks: usize,
    pub(crate) subscriptions: Vec<Subscription>,
    /// Every message of the app.
    pub(crate) heard: Vec<Value>,
    pub(crate) say: Option<mpsc::UnboundedSender<Say>>,
    /// What the next photos are.
    pub(crate) photos: Vec<Result<Bytes, UploadError>>,
    pub(crate) place: Option<(f64, f64)>,
    /// Sounds are not played.
    pub(crate) mute: bool,
    /// Why the next stream does not start.
    pub(crate) no_stream: Option<String>,
}

/// Everything the cloud knows.
#[derive(Default)]
pub(crate) struct Book {
    lives: Mutex<HashMap<String, Arc<Mutex<Life>>>>,
    storage: Mutex<HashMap<String, BTreeMap<String, String>>>,
    cut: AtomicBool,
    pub(crate) changed: Notify,
}

impl Book {
    /// A wearer starts the app.
    pub(crate) fn begin(&self, user: &str, setting: Setting) -> (Arc<Mutex<Life>>, String) {
        let uuid = random::uuid();
        let life = Arc::new(Mutex::new(Life { uuid: uuid.clone(), setting, ..Life::default() }));
        lock(&self.lives).insert(user.to_owned(), life.clone());
        (life, uuid)
    }

    pub(crate) fn life(&self, user: &str) -> Option<Arc<Mutex<Life>>> {
        lock(&self.lives).get(user).cloned()
    }

    pub(crate) fn users(&self) -> Vec<String> {
        let mut users: Vec<_> = lock(&self.lives)
            .iter()
            .filter(|(_, life)| lock(life).say.is_some())
            .map(|(user, _)| user.clone())
            .collect();
        users.sort();
        users
    }

    /// Looks at, or changes, what is kept for a wearer.
    pub(crate) fn storage<T>(&self, user: &str, look: impl FnOnce(&mut BTreeMap<String, String>) -> T) -> T {
        look(lock(&self.storage).entry(user.to_owned()).or_default())
    }

    pub(crate) fn cut(&self, is_cut: bool) {
        self.cut.store(is_cut, Ordering::SeqCst);
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.cut.load(Ordering::SeqCst)
    }
}

/// Serves one socket until it ends.
pub(crate) async fn serve(stream: DuplexStream, book: Arc<Book>, sessions: Sessions) {
    let mut socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
    let Some((user, life)) = greeting(&mut socket, &book).await else { return };
    let (say, mut said) = mpsc::unbounded_channel();
    let ack = {
        let mut life = lock(&life);
        life.say = Some(say.clone());
        life.acks += 1;
        ack(&user, &life)
    };
    if socket.send(Message::text(ack.to_string())).await.is_err() {
        return;
    }
    book.changed.notify_waiters();
    loop {
        tokio::select! {
            frame = socket.next() => match frame {
                Some(Ok(Message::Text(text))) => {
                    let Ok(message) = serde_json::from_str::<Value>(&text) else { continue };
                    heard(&user, &life, &book, &sessions, message).await;
                    book.changed.notify_waiters();
                }
                Some(Ok(Message::Binary(data))) => {
                    let stream = String::from_utf8_lossy(data.get(..36).unwrap_or_default()).into_owned();
                    let bytes = data.len().saturating_sub(36);
                    lock(&life).heard.push(json!({ "type": "binary", "streamId": stream, "bytes": bytes }));
                    book.changed.notify_waiters();
                }
                Some(Ok(Message::Close(_))) => { let _ = socket.flush().await; break }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => break,
            },
            Some(next) = said.recv() => {
                let sent = match next {
                    Say::Text(text) => socket.send(Message::text(text.to_string())).await,
                    Say::Binary(data) => socket.send(Message::Binary(data)).await,
                    Say::Close(code, reason) => {
                        socket.send(Message::Close(Some(CloseFrame { code: code.into(), reason: reason.into() }))).await
                    }
                    Say::HangUp => break,
                };
                if sent.is_err() { break }
            }
        }
    }
    let mut life = lock(&life);
    // A newer socket may have taken over.
    if life.say.as_ref().is_some_and(|known| known.same_channel(&say)) {
        life.say = None;
        life.subscriptions.clear();
    }
    book.changed.notify_waiters();
}

async fn greeting(socket: &mut WebSocketStream<DuplexStream>, book: &Book) -> Option<(String, Arc<Mutex<Life>>)> {
    let Message::Text(text) = socket.next().await?.ok()? else { return None };
    let init: Value = serde_json::from_str(&text).ok()?;
    let user = init["sessionId"].as_str()?.strip_suffix(&format!("-{PACKAGE}"))?.to_owned();
    let life = book.life(&user)?;
    Some((user, life))
}

fn ack(user: &str, life: &Life) -> Value {
    let system = json!({ "metricSystemEnabled": false, "brightness": 50, "timezone": life.setting.timezone });
    json!({
        "type": "tpa_connection_ack",
        "sessionId": format!("{user}-{PACKAGE}"),
        "sessionUuid": life.uuid,
        "settings": life.setting.settings,
        "mentraosSettings": system,
        "augmentosSettings": system,
        "capabilities": life.setting.capabilities,
        "timestamp": crate::message::now(),
    })
}

/// Writes a message of the app down, and answers it.
async fn heard(user: &str, life: &Arc<Mutex<Life>>, book: &Book, sessions: &Sessions, message: Value) {
    let text = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
    match message["type"].as_str().unwrap_or_default() {
        "subscription_update" => {
            let entries: Vec<SubscriptionEntry> =
                serde_json::from_value(message["subscriptions"].clone()).unwrap_or_default();
            lock(life).subscriptions = entries.iter().filter_map(|entry| Subscription::parse(entry).ok()).collect();
        }
        "audio_play_request" if !lock(life).mute => {
            answer(life, json!({ "type": "audio_play_response", "requestId": text("requestId"), "success": true }));
        }
        "audio_stream_start" => {
            let url = format!("http://fake.invalid/streams/{}", text("streamId"));
            answer(life, json!({ "type": "audio_stream_ready", "streamId": text("streamId"), "streamUrl": url }));
        }
        "photo_request" => {
            let id = text("requestId");
            if let Some(url) = message["customWebhookUrl"].as_str() {
                let done = json!({ "type": "photo_response", "requestId": id, "success": true, "photoUrl": url });
                answer(life, done);
            } else {
                photo(life, sessions, id).await;
            }
        }
        "location_poll_request" => {
            let place = lock(life).place;
            if let Some((lat, lng)) = place {
                let data = json!({ "type": "location_update", "lat": lat, "lng": lng, "correlationId": text("correlationId") });
                answer(life, json!({ "type": "data_stream", "streamType": "location_update", "data": data }));
            }
        }
        "stream_status_check" => {
            let id = text("requestId");
            let none = json!({ "type": "stream_status_check_response", "requestId": id, "hasActiveStream": false });
            answer(life, none);
        }
        "managed_stream_request" => {
            let url = "http://fake.invalid/live.m3u8";
            let refusal = lock(life).no_stream.take();
            let status = match refusal {
                Some(why) => json!({ "type": "managed_stream_status", "status": "error", "message": why }),
                None => {
                    json!({ "type": "managed_stream_status", "status": "active", "streamId": "fake", "hlsUrl": url, "dashUrl": url })
                }
            };
            answer(life, status);
        }
        "rtmp_stream_request" => {
            let refusal = lock(life).no_stream.take();
            let status = match refusal {
                Some(why) => json!({ "type": "rtmp_stream_status", "status": "error", "errorDetails": why }),
                None => json!({ "type": "rtmp_stream_status", "streamId": "fake", "status": "active" }),
            };
            answer(life, status);
        }
        "display_event" if message["report"] == true => {
            let now = crate::message::now();
            answer(
                life,
                json!({ "type": "display_report", "requestId": text("requestId"), "outcome": "shown", "timestamp": now }),
            );
        }
        "app_direct_message" => {
            let target = text("targetUserId");
            let reached = said_to(user, &target, book, &message);
            answer(
                life,
                json!({
                    "type": "app_direct_message_response", "messageId": text("messageId"), "success": reached, "targetUserId": target,
                }),
            );
        }
        "app_broadcast_message" => {
            for other in book.users().iter().filter(|other| *other != user) {
                said_to(user, other, book, &message);
            }
        }
        _ => {}
    }
    let mut life = lock(life);
    if life.heard.len() < MAX_HEARD {
        life.heard.push(message);
    }
}

/// Sends a message to the app of a wearer; whether it is there.
pub(crate) fn answer(life: &Arc<Mutex<Life>>, message: Value) -> bool {
    let life = lock(life);
    life.say.as_ref().is_some_and(|say| say.send(Say::Text(message.to_string().into())).is_ok())
}

fn said_to(from: &str, to: &str, book: &Book, message: &Value) -> bool {
    let Some(life) = book.life(to) else { return false };
    let received = json!({
        "type": "app_message_received",
        "payload": message["payload"],
        "messageId": message["messageId"],
        "senderUserId": from,
        "senderSessionId": format!("{from}-{PACKAGE}"),
    });
    answer(&life, received)
}

/// What glasses do: the photo goes straight to the app's server.
async fn photo(life: &Arc<Mutex<Life>>, sessions: &Sessions, request_id: String) {
    let content = {
        let mut life = lock(life);
        match life.photos.is_empty() {
            true => {
                Err(UploadError { code: Some("CAMERA_BUSY".to_owned()), message: "the test gave no photo".to_owned() })
            }
            false => life.photos.remove(0),
        }
    };
    if let Some(shared) = sessions.photo_of(&request_id) {
        let upload = Upload { request_id, content, mime_type: "image/jpeg".to_owned(), filename: None, url: None };
        // The session may be over.
        let _ = shared.tell(Input::Uploaded(upload)).await;
    }
}
