//! A scripted app server: it writes down every request and answers as it is told.

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::PATIENCE;

/// How to answer.
#[derive(Debug, Clone)]
pub enum Manner {
    Status(u16),
    /// With this body.
    Json(u16, String),
    /// 302 to there.
    Redirect(String),
    /// Not at all.
    Hang,
    /// 200 with a body that does not end.
    Endless,
}

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Hook {
    pub method: String,
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub raw: String,
    /// The body as it came; a photo is not text.
    pub bytes: Vec<u8>,
    pub body: Value,
    pub at: Instant,
}

impl Hook {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A string field of the body.
    #[track_caller]
    pub fn text(&self, field: &str) -> &str {
        self.body[field].as_str().unwrap_or_else(|| panic!("no {field} in {}", self.raw))
    }
}

pub struct AppServer {
    pub url: String,
    manner: Arc<std::sync::Mutex<Manner>>,
    hooks: UnboundedReceiver<Hook>,
    /// How much of each endless body was taken.
    taken: UnboundedReceiver<u64>,
    listening: JoinHandle<()>,
}

impl AppServer {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let manner = Arc::new(std::sync::Mutex::new(Manner::Status(200)));
        let (hook, hooks) = mpsc::unbounded_channel();
        let (took, taken) = mpsc::unbounded_channel();
        let served = manner.clone();
        let listening = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, served.clone(), hook.clone(), took.clone()));
            }
        });
        Self { url, manner, hooks, taken, listening }
    }

    /// How it answers from now on.
    pub fn be(&self, manner: Manner) {
        *self.manner.lock().expect("nothing fails while it holds this") = manner;
    }

    /// The next request.
    #[track_caller]
    pub fn hook(&mut self) -> impl Future<Output = Hook> {
        let caller = std::panic::Location::caller();
        async move {
            let hook = timeout(PATIENCE, self.hooks.recv()).await.ok().flatten();
            hook.unwrap_or_else(|| panic!("{caller}: no webhook came"))
        }
    }

    /// Every request that came and was not looked at.
    pub fn hooks_so_far(&mut self) -> Vec<Hook> {
        std::iter::from_fn(|| self.hooks.try_recv().ok()).collect()
    }

    /// How many bytes of an endless body went away until the other side hung up.
    pub async fn body_taken(&mut self) -> u64 {
        timeout(PATIENCE, self.taken.recv()).await.ok().flatten().expect("the other side hangs up")
    }
}

impl Drop for AppServer {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// An address where nobody listens.
pub async fn dead_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
    listener.local_addr().expect("it is bound")
}

async fn serve(
    mut stream: TcpStream,
    manner: Arc<std::sync::Mutex<Manner>>,
    hooks: UnboundedSender<Hook>,
    took: UnboundedSender<u64>,
) {
    let mut buffer = Vec::new();
    while let Some(hook) = read(&mut stream, &mut buffer).await {
        let _ = hooks.send(hook);
        let manner = manner.lock().expect("nothing fails while it holds this").clone();
        let answer = match manner {
            Manner::Status(status) => format!("HTTP/1.1 {status} As Told\r\nContent-Length: 2\r\n\r\n{{}}"),
            Manner::Json(status, body) => {
                format!("HTTP/1.1 {status} As Told\r\nContent-Length: {}\r\n\r\n{body}", body.len())
            }
            Manner::Redirect(to) => format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n"),
            Manner::Hang => return until_hung_up(&mut stream).await,
            Manner::Endless => {
                let _ = took.send(pour(&mut stream).await);
                return;
            }
        };
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn until_hung_up(stream: &mut TcpStream) {
    let mut nothing = [0; 16];
    while matches!(stream.read(&mut nothing).await, Ok(1..)) {}
}

/// Writes a body until nobody takes it, at most 256 MiB.
async fn pour(stream: &mut TcpStream) -> u64 {
    const MOST: u64 = 256 << 20;
    let chunk = vec![b' '; 64 << 10];
    let mut taken = 0;
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {MOST}\r\n\r\n");
    if stream.write_all(head.as_bytes()).await.is_err() {
        return 0;
    }
    while taken < MOST && stream.write_all(&chunk).await.is_ok() {
        taken += chunk.len() as u64;
    }
    taken
}

async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Hook> {
    loop {
        if let Some((hook, length)) = parse(buffer) {
            buffer.drain(..length);
            return Some(hook);
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
}

fn parse(bytes: &[u8]) -> Option<(Hook, usize)> {
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let text = std::str::from_utf8(&bytes[..head]).expect("a head is text");
    let mut lines = text.lines();
    let mut first = lines.next()?.split(' ').map(str::to_owned);
    let (method, path) = (first.next()?, first.next()?);
    let header = |line: &str| line.split_once(':').map(|(n, v)| (n.to_ascii_lowercase(), v.trim().to_owned()));
    let headers: Vec<(String, String)> = lines.filter_map(header).collect();
    let length = headers
        .iter()
        .find(|(name, _)| name == "content-length")
        .map_or(0, |(_, value)| value.parse::<usize>().expect("a length is a number"));
    let body = bytes.get(head + 4..head + 4 + length)?;
    let (raw, bytes) = (String::from_utf8_lossy(body).into_owned(), body.to_vec());
    let body = serde_json::from_str(&raw).unwrap_or(Value::Null);
    Some((Hook { method, path, headers, raw, bytes, body, at: Instant::now() }, head + 4 + length))
}
