//! The app server of a load: an HTTP endpoint that answers every webhook at once and hands it to whoever waits for it.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::bench::error::BenchError;
use crate::bench::link::{self, Link};
use crate::bench::message::user_number;
use crate::bench::relay;

const MAX_REQUEST: usize = 64 << 10;
const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{\"status\":\"success\"}";
const REFUSAL: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// Which user and which app a webhook is about.
type Whose = (usize, usize);
type Waiting = Mutex<HashMap<Whose, oneshot::Sender<String>>>;

/// The webhook endpoint of all apps of a load.
#[derive(Debug)]
pub struct AppServer {
    address: SocketAddr,
    waiting: Arc<Waiting>,
    serving: tokio::task::AbortHandle,
}

impl AppServer {
    /// Listens; port 0 takes a free one. Must be called on a runtime.
    ///
    /// # Errors
    /// When the address cannot be had.
    pub fn bind(address: SocketAddr) -> Result<AppServer, BenchError> {
        let failed = |error| BenchError::hop(format!("the app server listens on {address}"), error);
        let listener = relay::listen(address).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let waiting = Arc::<Waiting>::default();
        let serving = tokio::spawn(serve(listener, waiting.clone())).abort_handle();
        Ok(AppServer { address, waiting, serving })
    }

    /// The URL under which an app must be registered; a cloud appends `/webhook`.
    pub fn url(&self, app: usize) -> String {
        format!("http://{}/app/{app}", self.address)
    }

    /// The session id of the next webhook about this user and app.
    pub(crate) fn expect(&self, user: usize, app: usize) -> oneshot::Receiver<String> {
        let (tell, told) = oneshot::channel();
        self.waiting.lock().insert((user, app), tell);
        told
    }
}

impl Drop for AppServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, waiting: Arc<Waiting>) {
    while let Ok((stream, _)) = listener.accept().await {
        let waiting = waiting.clone();
        tokio::spawn(async move {
            // A cloud that hangs up is no failure.
            let _ = connection(stream, &waiting).await;
        });
    }
}

async fn connection(stream: TcpStream, waiting: &Waiting) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut read, link) = Link::split(stream);
    let mut bytes = Vec::new();
    loop {
        match request(&bytes) {
            Request::Whole { used, whose, body } => {
                if let (Some(whose), Some(session)) = (whose, session_of(&body))
                    && let Some(tell) = waiting.lock().remove(&whose)
                {
                    // Whoever waited may have given up.
                    let _ = tell.send(session);
                }
                bytes.drain(..used);
                link.send(ANSWER);
                continue;
            }
            Request::Incomplete if bytes.len() <= MAX_REQUEST => {}
            Request::Incomplete | Request::Bad => {
                link.send(REFUSAL);
                return Ok(());
            }
        }
        if link::read(&mut read, |more| bytes.extend_from_slice(more)).await?.is_none() {
            return Ok(());
        }
    }
}

#[derive(Debug, PartialEq)]
enum Request {
    Incomplete,
    Bad,
    /// `whose` is the app of the path, with the user of the body.
    Whole {
        used: usize,
        whose: Option<Whose>,
        body: Value,
    },
}

/// The first request of what was read.
fn request(bytes: &[u8]) -> Request {
    let Some(head_end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return Request::Incomplete };
    let Ok(head) = std::str::from_utf8(&bytes[..head_end]) else { return Request::Bad };
    let mut lines = head.lines();
    let path = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok()).flatten()
    });
    let Some(length) = length.filter(|length| *length <= MAX_REQUEST) else { return Request::Bad };
    let used = head_end + 4 + length;
    let Some(body) = bytes.get(head_end + 4..used) else { return Request::Incomplete };
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let app = path.strip_prefix("/app/").and_then(|rest| rest.strip_suffix("/webhook")?.parse().ok());
    let user = body.get("userId").and_then(Value::as_str).and_then(user_number);
    Request::Whole { used, whose: user.zip(app), body }
}

/// The session id, when this is the request to open a session.
fn session_of(body: &Value) -> Option<String> {
    let opens = body.get("type").and_then(Value::as_str) == Some("session_request");
    body.get("sessionId").and_then(Value::as_str).filter(|_| opens).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(path: &str, body: &str) -> Vec<u8> {
        format!("POST {path} HTTP/1.1\r\nhost: x\r\nContent-LENGTH: {}\r\n\r\n{body}", body.len()).into_bytes()
    }

    #[test]
    fn a_request_names_the_app_by_its_path_and_the_user_by_its_body() {
        let body = r#"{"type":"session_request","sessionId":"s","userId":"bench-000007@bench.invalid"}"#;
        let mut bytes = post("/app/2/webhook", body);
        for cut in 0..bytes.len() {
            assert_eq!(request(&bytes[..cut]), Request::Incomplete, "{cut}");
        }
        let whole = bytes.len();
        bytes.extend_from_slice(b"POST");
        let Request::Whole { used, whose, body } = request(&bytes) else { panic!("whole") };
        assert_eq!((used, whose, session_of(&body).as_deref()), (whole, Some((7, 2)), Some("s")));
    }

    #[test]
    fn what_is_no_request_is_refused() {
        for bad in ["GET / HTTP/1.1\r\n\r\n", "POST / HTTP/1.1\r\ncontent-length: 99999999\r\n\r\n", "\u{0}\r\n\r\n"] {
            assert_eq!(request(bad.as_bytes()), Request::Bad, "{bad:?}");
        }
        let stop = r#"{"type":"stop_request","sessionId":"s","userId":"bench-000007@bench.invalid"}"#;
        let Request::Whole { body, .. } = request(&post("/app/0/webhook", stop)) else { panic!("whole") };
        assert_eq!(session_of(&body), None);
    }
}
