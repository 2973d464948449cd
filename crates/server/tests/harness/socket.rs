//! A WebSocket client of a test: every wait has an end, and a failure shows what came instead.

use std::net::SocketAddr;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::PATIENCE;

/// What a client gets.
#[derive(Debug, Clone, PartialEq)]
pub enum Got {
    Text(Value),
    Binary(Bytes),
    /// A close frame.
    Closed(u16, String),
    /// The end of the connection without a close frame.
    Gone,
}

pub struct Socket {
    inner: WebSocketStream<TcpStream>,
    /// The text of the last message, as it came.
    pub last: String,
}

impl Socket {
    /// Opens a socket, or gives the status of the refusal.
    pub async fn try_open(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Result<Self, u16> {
        let mut request = format!("ws://{address}{path}").into_client_request().expect("a good URL");
        for (name, value) in headers {
            let name: HeaderName = name.parse().expect("a header name");
            request.headers_mut().insert(name, HeaderValue::from_str(value).expect("a header value"));
        }
        let stream = TcpStream::connect(address).await.expect("the server listens");
        Self::over(stream, request).await
    }

    /// A socket for which the system keeps little: what is not read soon fills the sender's queues.
    pub async fn open_narrow(address: SocketAddr, path: &str) -> Self {
        let socket = TcpSocket::new_v4().expect("there are sockets");
        socket.set_recv_buffer_size(16 << 10).expect("a small buffer");
        let stream = socket.connect(address).await.expect("the server listens");
        let request = format!("ws://{address}{path}").into_client_request().expect("a good URL");
        Self::over(stream, request).await.unwrap_or_else(|status| panic!("refused with HTTP {status}"))
    }

    async fn over(stream: TcpStream, request: Request) -> Result<Self, u16> {
        stream.set_nodelay(true).expect("loopback can");
        let opening = Box::pin(client_async(request, stream));
        match timeout(PATIENCE, opening).await.expect("the server answers the upgrade") {
            Ok((inner, _)) => Ok(Self { inner, last: String::new() }),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("no upgrade: {error}"),
        }
    }

    pub async fn open(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Self {
        Self::try_open(address, path, headers).await.unwrap_or_else(|status| panic!("refused with HTTP {status}"))
    }

    /// Sends a JSON message.
    pub async fn send(&mut self, message: Value) {
        self.send_text(message.to_string()).await;
    }

    pub async fn send_text(&mut self, text: impl Into<Utf8Bytes>) {
        self.send_frame(Message::text(text)).await.expect("the socket takes it");
    }

    pub async fn send_binary(&mut self, data: Vec<u8>) {
        self.send_frame(Message::binary(data)).await.expect("the socket takes it");
    }

    /// Sends whatever it is; an error says that the socket is over.
    pub async fn send_frame(&mut self, message: Message) -> Result<(), Error> {
        timeout(PATIENCE, self.inner.send(message)).await.expect("the server takes what is sent")
    }

    /// Says good-bye as a client does.
    pub async fn close(mut self) {
        let _ = timeout(PATIENCE, self.inner.close(None)).await;
        while !matches!(self.got().await, Got::Closed(..) | Got::Gone) {}
    }

    /// The next thing that is no ping and no pong.
    pub async fn got(&mut self) -> Got {
        timeout(PATIENCE, self.next()).await.expect("something comes in time")
    }

    async fn next(&mut self) -> Got {
        loop {
            match self.inner.next().await {
                Some(Ok(Message::Text(text))) => {
                    text.as_str().clone_into(&mut self.last);
                    return Got::Text(json(&text));
                }
                Some(Ok(Message::Binary(data))) => return Got::Binary(data),
                Some(Ok(Message::Close(Some(frame)))) => {
                    return Got::Closed(frame.code.into(), frame.reason.to_string());
                }
                Some(Ok(Message::Close(None))) => return Got::Closed(1005, String::new()),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Got::Gone,
            }
        }
    }

    /// The next text message, which must come before an end.
    #[track_caller]
    pub fn message(&mut self) -> impl Future<Output = Value> {
        let caller = std::panic::Location::caller();
        async move {
            match self.got().await {
                Got::Text(message) => message,
                other => panic!("{caller}: a message was due, not {other:?}"),
            }
        }
    }

    /// Reads until a message of this type.
    #[track_caller]
    pub fn until(&mut self, kind: &'static str) -> impl Future<Output = Value> {
        let caller = std::panic::Location::caller();
        async move {
            let mut before = Vec::new();
            loop {
                match timeout(PATIENCE, self.next()).await {
                    Ok(Got::Text(message)) if message["type"] == kind => return message,
                    Ok(Got::Text(message)) => before.push(message),
                    Ok(Got::Binary(_)) => {}
                    Ok(end) => panic!("{caller}: {end:?} instead of {kind}, after {before:#?}"),
                    Err(_) => panic!("{caller}: no {kind} in time, only {before:#?}"),
                }
            }
        }
    }

    /// Reads until the end; gives what came before it.
    pub async fn until_end(&mut self) -> (Vec<Value>, Got) {
        let mut before = Vec::new();
        loop {
            match self.got().await {
                Got::Text(message) => before.push(message),
                Got::Binary(_) => {}
                end => return (before, end),
            }
        }
    }

    /// Reads until the close frame: its code and reason.
    #[track_caller]
    pub fn closed(&mut self) -> impl Future<Output = (u16, String)> {
        let caller = std::panic::Location::caller();
        async move {
            match self.until_end().await {
                (_, Got::Closed(code, reason)) => (code, reason),
                (before, end) => panic!("{caller}: {end:?} instead of a close frame, after {before:#?}"),
            }
        }
    }

    /// Sends a ping and gives everything that came before the pong: whatever was to be answered is answered by then,
    /// because a session handles one message after the other.
    pub async fn settle(&mut self) -> Vec<Value> {
        self.send_text(r#"{"type":"ping"}"#).await;
        let mut before = Vec::new();
        loop {
            match self.got().await {
                Got::Text(message) if message["type"] == "pong" => return before,
                Got::Text(message) => before.push(message),
                Got::Binary(_) => {}
                end => panic!("{end:?} instead of a pong, after {before:#?}"),
            }
        }
    }

    /// Sends a ping and gives the errors that came before the pong. What a session says of its own accord (the state of the
    /// microphone, of the apps, frames) is left out.
    pub async fn complaints(&mut self) -> Vec<Value> {
        let mut messages = self.settle().await;
        messages.retain(|message| message["type"].as_str().is_none_or(|kind| kind.contains("error")));
        messages
    }
}

/// Everything that is sent is JSON. A number that no machine can hold (`1e999`) is JSON all the same, and JavaScript reads
/// it; a message with one in it is `null` here.
fn json(text: &str) -> Value {
    let error = match serde_json::from_str(text) {
        Ok(value) => return value,
        Err(error) => error,
    };
    let grammar = serde_json::from_str::<serde::de::IgnoredAny>(text);
    assert!(grammar.is_ok(), "{error} in {text:?}");
    Value::Null
}
