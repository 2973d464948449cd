//! One HTTP request on one connection, with the answer as it came.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::PATIENCE;

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// The same, when it is not text.
    pub bytes: Vec<u8>,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// Checks for the failure of a route under `/apps`.
    #[track_caller]
    pub fn fails(&self, status: u16, message: &str) {
        self.is(status, &format!(r#"{{"success":false,"message":{}}}"#, Value::from(message)));
    }

    /// Checks status, content type and the whole body. `<time>` in `body` stands for a time as JavaScript writes it.
    #[track_caller]
    pub fn is(&self, status: u16, body: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:?}");
        assert_eq!(without_time(&self.body), body);
    }
}

/// The text with every ISO time replaced by `<time>`.
pub fn without_time(text: &str) -> String {
    let mut rest = text;
    let mut out = String::new();
    while let Some(at) = rest.find("\"timestamp\":\"") {
        let (before, after) = rest.split_at(at + "\"timestamp\":\"".len());
        let end = after.find('"').unwrap_or(after.len());
        out.push_str(before);
        out.push_str(if is_time(&after[..end]) { "<time>" } else { &after[..end] });
        rest = &after[end..];
    }
    out + rest
}

/// `2026-01-05T10:00:00.000Z`.
pub fn is_time(text: &str) -> bool {
    const FORM: &[u8] = b"dddd-dd-ddTdd:dd:dd.dddZ";
    let fits = |(form, byte): (&u8, u8)| if *form == b'd' { byte.is_ascii_digit() } else { *form == byte };
    text.len() == FORM.len() && FORM.iter().zip(text.bytes()).all(fits)
}

/// Sends a request and reads the whole answer.
pub async fn request(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
    send(address, method, path, headers, body.as_bytes()).await
}

/// The same with a body that is not text.
pub async fn send(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    timeout(PATIENCE, exchange(address, method, path, headers, body)).await.expect("an answer in time")
}

async fn exchange(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\n");
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("connection")) {
        request.push_str("Connection: close\r\n");
    }
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
    let mut stream = TcpStream::connect(address).await.expect("the server listens");
    stream.write_all(request.as_bytes()).await.expect("the server reads");
    stream.write_all(body).await.expect("the server reads");
    let mut answer = Vec::new();
    loop {
        // An answer to an upgrade keeps the connection open: its length says where it ends.
        if let Some(reply) = whole(&answer, false) {
            return reply;
        }
        if stream.read_buf(&mut answer).await.expect("the server answers") == 0 {
            return whole(&answer, true).unwrap_or_else(|| panic!("no answer: {answer:?}"));
        }
    }
}

fn whole(answer: &[u8], ended: bool) -> Option<Reply> {
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let text = std::str::from_utf8(&answer[..head]).expect("a head is text");
    let mut lines = text.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().expect("a status is a number");
    let header = |line: &str| line.split_once(':').map(|(n, v)| (n.to_ascii_lowercase(), v.trim().to_owned()));
    let headers: Vec<_> = lines.filter_map(header).collect();
    let body = &answer[head + 4..];
    let length = headers.iter().find(|(name, _)| name == "content-length").map(|(_, value)| value.parse::<usize>());
    let there = match length {
        Some(length) => body.len() >= length.expect("a length is a number"),
        None => ended || status == 101,
    };
    there.then(|| Reply { status, headers, body: String::from_utf8_lossy(body).into_owned(), bytes: body.to_vec() })
}

/// The headers with which a WebSocket client asks, for requests that are to be refused.
pub const UPGRADE: [(&str, &str); 4] = [
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
];
