//! A cloud that does word for word what the reference does: one address in the webhook, `augmentosSettings` only, an error and
//! close 1008 for what it refuses. The test says what comes next.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

const PATIENCE: Duration = Duration::from_secs(20);
pub(crate) const PACKAGE: &str = "org.example.demo";
pub(crate) const KEY: &str = "0123456789abcdef";
pub(crate) const ANN: &str = "ann-marie@example.org";

pub(crate) struct Cloud {
    listener: TcpListener,
    pub(crate) http: reqwest::Client,
    pub(crate) app: String,
}

/// One socket of the app.
pub(crate) struct Link(WebSocketStream<TcpStream>);

impl Cloud {
    pub(crate) async fn new(app: std::net::SocketAddr) -> Self {
        // An error means that there is a provider already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        Self { listener, http, app: format!("http://{app}") }
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}/app-ws", self.listener.local_addr().expect("an address"))
    }

    pub(crate) fn session_id() -> String {
        format!("{ANN}-{PACKAGE}")
    }

    /// The webhook of a start, with the only address that the reference sends.
    pub(crate) async fn request_session(&self) -> (u16, Value) {
        let body = json!({
            "type": "session_request", "sessionId": Self::session_id(), "userId": ANN,
            "timestamp": "2026-01-02T03:04:05.678Z", "augmentOSWebsocketUrl": self.url(),
        });
        self.post("/webhook", body).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        let response = self.http.post(format!("{}{path}", self.app)).json(&body).send().await.expect("an answer");
        (response.status().as_u16(), response.json().await.unwrap_or_default())
    }

    /// The next socket of the app, with its first message.
    pub(crate) async fn accept(&self) -> (Link, Value) {
        let accepted = async {
            let (stream, _) = self.listener.accept().await.expect("a socket");
            tokio_tungstenite::accept_async(stream).await.expect("an upgrade")
        };
        let mut link = Link(timeout(PATIENCE, accepted).await.expect("the app connects"));
        let init = link.hear().await;
        (link, init)
    }

    /// The next socket of the app, taken in.
    pub(crate) async fn take_in(&self) -> Link {
        let (mut link, init) = self.accept().await;
        assert_eq!((&init["type"], &init["apiKey"]), (&"tpa_connection_init".into(), &KEY.into()));
        assert_eq!((&init["sessionId"], &init["packageName"]), (&Self::session_id().into(), &PACKAGE.into()));
        link.say(json!({
            "type": "tpa_connection_ack", "sessionId": Self::session_id(), "settings": [{"key": "theme", "value": "dark"}],
            "augmentosSettings": {"metricSystemEnabled": true}, "capabilities": null, "timestamp": "2026-01-02T03:04:05.678Z",
        }))
        .await;
        link
    }
}

impl Link {
    pub(crate) async fn say(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.expect("the app listens");
    }

    pub(crate) async fn ping(&mut self) {
        self.0.send(Message::Ping("x".into())).await.expect("the app listens");
    }

    /// The next message.
    pub(crate) async fn hear(&mut self) -> Value {
        match self.frame().await {
            Message::Text(text) => serde_json::from_str(&text).expect("JSON"),
            other => panic!("not a message: {other:?}"),
        }
    }

    /// The next message of this type; those before it are let go.
    pub(crate) async fn until(&mut self, kind: &str) -> Value {
        loop {
            let message = self.hear().await;
            if message["type"] == kind {
                return message;
            }
        }
    }

    /// The next frame but for pings and their answers.
    pub(crate) async fn frame(&mut self) -> Message {
        loop {
            let frame = timeout(PATIENCE, self.0.next()).await.expect("a frame").expect("an open socket");
            match frame.expect("a good frame") {
                Message::Ping(_) | Message::Pong(_) => {}
                frame => return frame,
            }
        }
    }

    /// An error and close 1008 right behind it.
    pub(crate) async fn refuse(mut self, code: &str, message: &str) {
        self.say(json!({"type": "tpa_connection_error", "code": code, "message": message, "timestamp": "2026-01-02T03:04:05.678Z"}))
            .await;
        self.close(1008, message).await;
    }

    pub(crate) async fn close(mut self, code: u16, reason: &str) {
        let frame = CloseFrame { code: code.into(), reason: reason.to_owned().into() };
        self.0.close(Some(frame)).await.expect("closed");
        // Until the app has answered.
        while let Ok(Some(Ok(_))) = timeout(PATIENCE, self.0.next()).await {}
    }
}
