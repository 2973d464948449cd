//! Opening a WebSocket as a client: connect from a chosen loopback address, upgrade, wait for the acknowledgement.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::net::TcpSocket;
use tokio::net::tcp::OwnedReadHalf;

use crate::bench::error::BenchError;
use crate::bench::frame::{Opcode, Parser};
use crate::bench::link::{self, Link};
use crate::bench::message::is_type;

/// How long a peer may take to answer an upgrade, and to acknowledge.
const ANSWER: Duration = Duration::from_secs(30);
/// One source address gives about 28,000 ports.
const SOURCES: u32 = 32;
/// The handshake of every connection; the nonce only shows that the answer belongs to the question.
const KEY: &str = "YmlmLWJlbmNoLWtleSEhIQ==";

/// An open WebSocket.
pub(crate) struct Opened {
    pub(crate) link: Arc<Link>,
    pub(crate) read: OwnedReadHalf,
    pub(crate) parser: Parser,
}

/// What is asked for with an upgrade.
pub(crate) struct Request<'a> {
    /// From where to where, for errors.
    pub(crate) hop: &'a str,
    pub(crate) to: SocketAddr,
    pub(crate) path: &'a str,
    pub(crate) token: Option<&'a str>,
}

/// The next source address, in turn: 127.0.1.1 and up.
fn source() -> SocketAddr {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let turn = NEXT.fetch_add(1, Ordering::Relaxed) % SOURCES;
    SocketAddr::new(IpAddr::V4(Ipv4Addr::from(0x7f00_0101 + turn)), 0)
}

/// Connects and upgrades.
pub(crate) async fn open(request: &Request<'_>) -> Result<Opened, BenchError> {
    let failed = |step: &str, why: &dyn std::fmt::Display| BenchError::hop(format!("{} ({step})", request.hop), why);
    let answer = async {
        let connect = async {
            let socket = if request.to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
            socket.set_nodelay(true)?;
            // Ended by a reset: a port of a connection that is over must not wait a minute for its next use.
            socket.set_zero_linger()?;
            if request.to.is_ipv4() {
                socket.bind(source())?;
            }
            socket.connect(request.to).await
        };
        let stream = connect.await.map_err(|error| failed("connect", &error))?;
        let token = request.token.map_or_else(String::new, |token| format!("Authorization: Bearer {token}\r\n"));
        let head = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: {KEY}\r\n{token}\r\n",
            request.path, request.to
        );
        let (mut read, link) = Link::split(stream);
        link.send(head.as_bytes());
        let mut answer = Vec::new();
        let rest = loop {
            let got = link::read(&mut read, |bytes| answer.extend_from_slice(bytes)).await;
            let got = got.map_err(|error| failed("upgrade", &error))?;
            if let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") {
                break answer.split_off(end + 4);
            }
            if got.is_none() || answer.len() > 16 << 10 {
                return Err(failed("upgrade", &"the answer is no HTTP"));
            }
        };
        check(&answer).map_err(|why| failed("upgrade", &why))?;
        // Frames that came with the answer wait in the parser until somebody listens.
        Ok(Opened { link: Arc::new(link), read, parser: Parser::starting_with(rest) })
    };
    match tokio::time::timeout(ANSWER, answer).await {
        Ok(opened) => opened,
        Err(_) => Err(failed("connect and upgrade", &format!("no answer within {} s", ANSWER.as_secs()))),
    }
}

fn check(answer: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(answer);
    let mut lines = text.lines();
    let status = lines.next().unwrap_or_default();
    if status.split(' ').nth(1) != Some("101") {
        return Err(format!("refused with {}", status.escape_debug()));
    }
    let accept = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("sec-websocket-accept").then(|| value.trim().to_owned())
    });
    match accept.as_deref() == Some(&accept_key(KEY)) {
        true => Ok(()),
        false => Err("the answer does not belong to this handshake".to_owned()),
    }
}

/// What a server answers to a key.
pub(crate) fn accept_key(key: &str) -> String {
    tokio_tungstenite::tungstenite::handshake::derive_accept_key(key.as_bytes())
}

impl Opened {
    /// Reads until a text message of this type has come. Other messages before it are passed over.
    pub(crate) async fn wait_for(&mut self, hop: &str, kind: &str) -> Result<(), BenchError> {
        let failed = |why: &dyn std::fmt::Display| BenchError::hop(format!("{hop} (waiting for {kind})"), why);
        let waiting = async {
            let mut first = true;
            loop {
                let (mut found, mut last_words) = (false, None);
                let parser = &mut self.parser;
                let mut look = |bytes: &[u8]| {
                    parser.feed(bytes, |frame| match frame.opcode {
                        Opcode::TEXT if is_type(frame.payload, kind) => found = true,
                        Opcode::TEXT if has_error(frame.payload) => last_words = Some(excerpt(frame.payload)),
                        Opcode::CLOSE => {
                            last_words.get_or_insert_with(|| format!("closed: {}", excerpt(frame.payload)));
                        }
                        _ => {}
                    })
                };
                // At first, what came together with the upgrade.
                let seen = match std::mem::take(&mut first) {
                    true => look(&[]),
                    false => match link::read(&mut self.read, &mut look).await {
                        Ok(Some(seen)) => seen,
                        Ok(None) => return Err(failed(&"the connection was ended")),
                        Err(error) => return Err(failed(&error)),
                    },
                };
                seen.map_err(|error| failed(&error))?;
                if found {
                    return Ok(());
                }
                if let Some(words) = last_words {
                    return Err(failed(&words));
                }
            }
        };
        match tokio::time::timeout(ANSWER, waiting).await {
            Ok(done) => done,
            Err(_) => Err(failed(&format!("nothing within {} s", ANSWER.as_secs()))),
        }
    }
}

fn has_error(text: &[u8]) -> bool {
    ["connection_error", "tpa_connection_error", "auth_error"].iter().any(|kind| is_type(text, kind))
}

fn excerpt(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).escape_debug().to_string()
}
