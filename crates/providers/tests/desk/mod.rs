//! A server at a desk: it notes what it is asked over HTTP and answers as the test has written down, piece by piece.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long anything may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// `POST /v1/audio/speech?x=y`
    pub(crate) line: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Value,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// What is answered to one request.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    status: u16,
    headers: String,
    pieces: Vec<Vec<u8>>,
    end: End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Proper,
    /// The connection goes in the middle.
    Cut,
    /// Nothing more comes.
    Stall,
}

impl Answer {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::of(status, "application/json", &[body.to_string().as_bytes()])
    }

    /// Pieces of a body, of which each is a chunk of HTTP.
    pub(crate) fn of(status: u16, content_type: &str, pieces: &[&[u8]]) -> Self {
        let headers = format!("Content-Type: {content_type}\r\n");
        Self { status, headers, pieces: pieces.iter().map(|piece| piece.to_vec()).collect(), end: End::Proper }
    }

    pub(crate) fn header(mut self, line: &str) -> Self {
        self.headers.push_str(&format!("{line}\r\n"));
        self
    }

    pub(crate) fn then_cut(mut self) -> Self {
        self.end = End::Cut;
        self
    }

    pub(crate) fn then_stall(mut self) -> Self {
        self.end = End::Stall;
        self
    }
}

/// The server. Without an answer left it answers as it did last.
pub(crate) struct Desk {
    /// `http://127.0.0.1:port`
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    gone: watch::Receiver<usize>,
    task: JoinHandle<()>,
}

impl Desk {
    pub(crate) async fn open(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (left, gone) = watch::channel(0);
        let (noted, answers) = (asked.clone(), Arc::new(Mutex::new(answers)));
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (noted, answers, left) = (noted.clone(), answers.clone(), left.clone());
                tokio::spawn(async move {
                    serve(socket, &noted, &answers).await;
                    left.send_modify(|count| *count += 1);
                });
            }
        });
        Self { url, asked, gone, task }
    }

    /// Everything that it was asked until now.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().clone()
    }

    /// Waits until so many connections are over.
    pub(crate) async fn connections_over(&mut self, count: usize) {
        let over = self.gone.wait_for(|gone| *gone >= count);
        tokio::time::timeout(PATIENCE, over).await.expect("in time").expect("the server runs");
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut socket: TcpStream, noted: &Mutex<Vec<Asked>>, answers: &Mutex<Vec<Answer>>) {
    while let Some(asked) = read(&mut socket).await {
        noted.lock().push(asked);
        let answer = {
            let mut answers = answers.lock();
            if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() }
        };
        let Answer { status, headers, pieces, end } = answer;
        let head = format!("HTTP/1.1 {status} Scripted\r\n{headers}Transfer-Encoding: chunked\r\n\r\n");
        let mut bytes = head.into_bytes();
        for piece in pieces {
            bytes.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
            bytes.extend_from_slice(&piece);
            bytes.extend_from_slice(b"\r\n");
        }
        if end == End::Proper {
            bytes.extend_from_slice(b"0\r\n\r\n");
        }
        let written = socket.write_all(&bytes).await.is_ok();
        if end == End::Stall {
            // Until the other side goes.
            let _ = socket.read(&mut [0; 1]).await;
        }
        if end != End::Proper || !written {
            return;
        }
    }
}

/// One request; `None` when the other side is gone.
async fn read(socket: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        if socket.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let text = String::from_utf8(bytes[..head].to_vec()).expect("a head is text");
    let mut lines = text.lines();
    let line = lines.next().expect("a request line").trim_end_matches(" HTTP/1.1").to_owned();
    let header = |line: &str| line.split_once(':').map(|(n, v)| (n.to_ascii_lowercase(), v.trim().to_owned()));
    let headers: Vec<(String, String)> = lines.filter_map(header).collect();
    let length = headers
        .iter()
        .find(|(name, _)| name == "content-length")
        .map_or(0, |(_, length)| length.parse().expect("a length is a number"));
    while bytes.len() < head + 4 + length {
        if socket.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let body = serde_json::from_slice(&bytes[head + 4..]).unwrap_or(Value::Null);
    Some(Asked { line, headers, body })
}
