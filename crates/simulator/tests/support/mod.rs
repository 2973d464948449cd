//! A cloud for tests: acks, echoes what it hears onto the display, and misbehaves when told to.
//!
//! The token chooses its manners: `bad` gets HTTP 401, `silent` no ack, `refused` a `connection_error`, `early` a display
//! before the ack; anything else is treated well.

#![allow(dead_code, unreachable_pub, reason = "each test uses its own part")]

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, mpsc};
use tokio::time::timeout;
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

/// What the cloud saw.
#[derive(Debug, Clone, PartialEq)]
pub enum Saw {
    /// A socket; path and query.
    Connected(String),
    Text(Value),
    /// Not JSON.
    Junk(String),
    Sound(usize),
    /// The socket ended, with or without a close frame.
    Gone {
        with_close_frame: bool,
    },
    /// A REST call: path, `Authorization`, body.
    Post {
        path: String,
        authorization: String,
        body: String,
    },
}

/// What the cloud shall do on the socket.
#[derive(Debug, Clone)]
pub enum Order {
    Send(Value),
    Raw(String),
    Close(u16, &'static str),
    Drop,
}

pub struct FakeCloud {
    pub url: String,
    saw: mpsc::Receiver<Saw>,
    orders: broadcast::Sender<Order>,
    listener: tokio::task::JoinHandle<()>,
}

impl FakeCloud {
    pub async fn start() -> Self {
        Self::start_at("127.0.0.1:0").await
    }

    pub async fn start_at(address: &str) -> Self {
        let listener = TcpListener::bind(address).await.expect("a free port");
        let url = format!("ws://{}", listener.local_addr().expect("bound"));
        let (tell, saw) = mpsc::channel(4096);
        let orders = broadcast::Sender::new(64);
        let accepting = orders.clone();
        let listener = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, tell.clone(), accepting.clone()));
            }
        });
        Self { url, saw, orders, listener }
    }

    /// Closes the port and drops the phone; returns the address, for a cloud that comes later.
    pub async fn stop(self) -> String {
        self.listener.abort();
        let _ = self.listener.await;
        let _ = self.orders.send(Order::Drop);
        self.url.trim_start_matches("ws://").to_owned()
    }

    /// The next thing the cloud sees.
    pub async fn saw(&mut self) -> Saw {
        timeout(Duration::from_secs(10), self.saw.recv()).await.expect("in time").expect("the cloud runs")
    }

    /// Waits for the message of a type, over whatever else comes.
    pub async fn saw_message(&mut self, kind: &str) -> Value {
        loop {
            if let Saw::Text(message) = self.saw().await
                && message["type"] == kind
            {
                return message;
            }
        }
    }

    /// What came until now and was not asked for.
    pub fn seen_so_far(&mut self) -> Vec<Saw> {
        std::iter::from_fn(|| self.saw.try_recv().ok()).collect()
    }

    pub fn order(&self, order: Order) {
        self.orders.send(order).expect("a phone is connected");
    }
}

/// A `display_event`.
pub fn display(view: &str, layout: Value) -> Value {
    json!({"type": "display_event", "packageName": "org.example.echo", "sessionId": "ann@example.org-org.example.echo",
           "view": view, "layout": layout, "timestamp": "2026-01-05T10:00:00.000Z"})
}

pub fn text_wall(text: &str) -> Value {
    display("main", json!({"layoutType": "text_wall", "text": text}))
}

async fn serve(stream: TcpStream, tell: mpsc::Sender<Saw>, orders: broadcast::Sender<Order>) {
    let mut start = [0; 4];
    while stream.peek(&mut start).await.is_ok_and(|read| (1..4).contains(&read)) {
        tokio::task::yield_now().await;
    }
    if &start == b"POST" { rest(stream, tell, orders).await } else { socket(stream, tell, orders.subscribe()).await }
}

async fn socket(stream: TcpStream, tell: mpsc::Sender<Saw>, mut orders: broadcast::Receiver<Order>) {
    let mut target = String::new();
    #[allow(clippy::result_large_err, reason = "the type is that of the library")]
    let look = |request: &Request, response: Response| {
        target = request.uri().to_string();
        if !target.contains("token=bad&") {
            return Ok(response);
        }
        let body = r#"{"type":"connection_error","message":"Invalid core token"}"#;
        let mut refusal = ErrorResponse::new(Some(body.to_owned()));
        *refusal.status_mut() = tokio_tungstenite::tungstenite::http::StatusCode::UNAUTHORIZED;
        Err(refusal)
    };
    let Ok(mut socket) = accept_hdr_async(stream, look).await else { return };
    tell.send(Saw::Connected(target.clone())).await.expect("the test listens");
    let ack =
        json!({"type": "connection_ack", "sessionId": "ann@example.org", "timestamp": "2026-01-05T10:00:00.000Z"});
    let hello = match target.as_str() {
        t if t.contains("token=silent&") => vec![],
        t if t.contains("token=refused&") => {
            vec![json!({"type": "connection_error", "code": "INVALID_TOKEN", "message": "Authentication failed"})]
        }
        t if t.contains("token=early&") => vec![text_wall("before the ack"), ack],
        _ => vec![ack],
    };
    for message in hello {
        let _ = socket.send(Message::text(message.to_string())).await;
    }
    loop {
        tokio::select! {
            frame = socket.next() => match frame {
                Some(Ok(Message::Text(text))) => {
                    let Ok(message) = serde_json::from_str::<Value>(&text) else {
                        let _ = tell.send(Saw::Junk(text.to_string())).await;
                        continue;
                    };
                    let _ = tell.send(Saw::Text(message.clone())).await;
                    if message["type"] == "local_transcription" {
                        let echo = text_wall(message["text"].as_str().unwrap_or_default());
                        let _ = socket.send(Message::text(echo.to_string())).await;
                    }
                }
                Some(Ok(Message::Binary(sound))) => drop(tell.send(Saw::Sound(sound.len())).await),
                Some(Ok(Message::Close(_))) => {
                    let _ = tell.send(Saw::Gone { with_close_frame: true }).await;
                    while let Some(Ok(_)) = socket.next().await {}
                    return;
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return drop(tell.send(Saw::Gone { with_close_frame: false }).await),
            },
            order = orders.recv() => match order {
                Ok(Order::Send(message)) => drop(socket.send(Message::text(message.to_string())).await),
                Ok(Order::Raw(text)) => drop(socket.send(Message::text(text)).await),
                Ok(Order::Close(code, reason)) => {
                    let _ = socket.close(Some(CloseFrame { code: code.into(), reason: reason.into() })).await;
                    while let Some(Ok(_)) = socket.next().await {}
                    return;
                }
                Ok(Order::Drop) | Err(_) => return,
            },
        }
    }
}

/// `/apps/…/start` works and tells the phone, unless the app is called missing; everything else is an upload.
async fn rest(mut stream: TcpStream, tell: mpsc::Sender<Saw>, orders: broadcast::Sender<Order>) {
    let mut request = Vec::new();
    let (head, body_at) = loop {
        let mut part = [0; 4096];
        let read = stream.read(&mut part).await.expect("reads");
        assert!(read > 0, "the request ended early");
        request.extend_from_slice(&part[..read]);
        let text = String::from_utf8_lossy(&request).into_owned();
        if let Some(end) = text.find("\r\n\r\n") {
            break (text[..end].to_owned(), end + 4);
        }
    };
    let header = |name: &str| {
        let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")));
        line.and_then(|line| line.split_once(": ")).map(|(_, value)| value.to_owned()).unwrap_or_default()
    };
    let length: usize = header("content-length").parse().unwrap_or(0);
    let mut body = request[body_at..].to_vec();
    let mut rest = vec![0; length.saturating_sub(body.len())];
    stream.read_exact(&mut rest).await.expect("the whole body");
    body.extend(rest);
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let body = String::from_utf8_lossy(&body).into_owned();
    let _ = tell.send(Saw::Post { path: path.clone(), authorization: header("authorization"), body }).await;
    let (status, answer) = match path.contains("missing") {
        true => ("404 Not Found", r#"{"success":false,"message":"App not found"}"#),
        false => ("200 OK", r#"{"success":true}"#),
    };
    if let (false, Some(package)) = (path.contains("missing"), path.split('/').nth(2)) {
        let kind = if path.ends_with("/start") { "app_started" } else { "app_stopped" };
        let _ = orders.send(Order::Send(json!({"type": kind, "packageName": package})));
    }
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{answer}", answer.len());
    let _ = stream.write_all(answer.as_bytes()).await;
}
