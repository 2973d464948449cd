//! The control: a raw relay between paired sockets. It upgrades, and then writes each frame that it reads from one partner to
//! the other. It parses no message, keeps no state and knows no user, so its figures are the floor on this machine: what
//! sockets, the kernel and the runtime cost whatever a cloud does in between.
//!
//! `GET /phone/<number>` and `GET /app/<number>` with the same number are partners. A phone may have several apps; each gets
//! its frames.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::bench::dial::accept_key;
use crate::bench::frame::{self, Frame, Opcode, Parser};
use crate::bench::link::{self, Link, Sent};

/// Both acknowledge a connection as a cloud does, because that is what the driver waits for.
const PHONE_ACK: &[u8] = br#"{"type":"connection_ack"}"#;
const APP_ACK: &[u8] = br#"{"type":"tpa_connection_ack"}"#;

/// Who is connected with whom.
#[derive(Default)]
struct Pair {
    phone: Option<Arc<Link>>,
    apps: Vec<Arc<Link>>,
}

type Pairs = Mutex<HashMap<u32, Arc<Mutex<Pair>>>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Phone,
    App,
}

/// How many connections may wait to be accepted. Above it the kernel drops them without a word and they try again a second
/// later, which is what runtimes' default of 128 does to a storm.
const BACKLOG: u32 = 4096;

/// Listens for a storm.
///
/// # Errors
/// When the address cannot be had.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Relays until the listener fails.
///
/// # Errors
/// What the listener said.
pub async fn serve(listener: TcpListener) -> io::Result<()> {
    let pairs = Arc::new(Pairs::default());
    loop {
        let (stream, _) = listener.accept().await?;
        let pairs = pairs.clone();
        tokio::spawn(async move {
            // A peer that is gone is no failure of the relay.
            let _ = connection(stream, &pairs).await;
        });
    }
}

async fn connection(stream: TcpStream, pairs: &Pairs) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut read, link) = Link::split(stream);
    let link = Arc::new(link);
    let Some((role, number, parser)) = upgrade(&mut read, &link).await? else { return Ok(()) };
    let pair = pairs.lock().entry(number).or_default().clone();
    {
        let mut pair = pair.lock();
        match role {
            Role::Phone => pair.phone = Some(link.clone()),
            Role::App => pair.apps.push(link.clone()),
        }
    }
    // Only now: what the partner sends after the acknowledgement must find somebody.
    let mut ack = Vec::new();
    frame::server(&mut ack, Opcode::TEXT, if role == Role::Phone { PHONE_ACK } else { APP_ACK });
    link.send(&ack);
    drop(ack);
    let done = carry(&mut read, parser, role, &pair).await;
    let mut left = pair.lock();
    match role {
        Role::Phone if left.phone.as_ref().is_some_and(|phone| Arc::ptr_eq(phone, &link)) => left.phone = None,
        Role::Phone => {}
        Role::App => left.apps.retain(|app| !Arc::ptr_eq(app, &link)),
    }
    if left.phone.is_none() && left.apps.is_empty() {
        drop(left);
        let mut pairs = pairs.lock();
        // Somebody may have come in between.
        let empty = pairs.get(&number).is_some_and(|pair| {
            let pair = pair.lock();
            pair.phone.is_none() && pair.apps.is_empty()
        });
        if empty {
            pairs.remove(&number);
        }
        // A control whose memory stays after a crowd would flatter the cloud.
        if pairs.len() < pairs.capacity() / 4 {
            pairs.shrink_to_fit();
        }
    }
    done
}

/// Answers the upgrade request; `None` when there is none.
async fn upgrade(read: &mut OwnedReadHalf, link: &Link) -> io::Result<Option<(Role, u32, Parser)>> {
    let mut head = Vec::new();
    let rest = loop {
        let got = link::read(read, |bytes| head.extend_from_slice(bytes)).await?;
        if let Some(end) = head.windows(4).position(|window| window == b"\r\n\r\n") {
            break head.split_off(end + 4);
        }
        if got.is_none() || head.len() > 16 << 10 {
            return Ok(None);
        }
    };
    let text = String::from_utf8_lossy(&head);
    let mut lines = text.lines();
    let path = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
    let (role, number) = match path.rsplit_once('/') {
        Some(("/phone", number)) => (Role::Phone, number),
        Some(("/app", number)) => (Role::App, number),
        _ => return Ok(None),
    };
    let key = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("sec-websocket-key").then(|| value.trim())
    });
    let (Ok(number), Some(key)) = (number.parse(), key) else { return Ok(None) };
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n\r\n",
        accept_key(key)
    );
    link.send(answer.as_bytes());
    Ok(Some((role, number, Parser::starting_with(rest))))
}

/// Carries frames to the partners until the peer is gone.
async fn carry(read: &mut OwnedReadHalf, mut parser: Parser, role: Role, pair: &Mutex<Pair>) -> io::Result<()> {
    loop {
        // Links whose peer is slow; their memory is bounded by not reading on.
        let mut slow = Vec::new();
        let carried = link::read(read, |bytes| {
            let mut out = Vec::with_capacity(bytes.len());
            let parsed = parser.feed(bytes, |frame| copy(&frame, &mut out));
            if !out.is_empty() {
                let pair = pair.lock();
                let partners = if role == Role::Phone { &pair.apps[..] } else { pair.phone.as_slice() };
                slow.extend(partners.iter().filter(|link| link.send(&out) == Sent::Waits).cloned());
            }
            parsed
        });
        match carried.await? {
            Some(Ok(())) => {}
            Some(Err(_)) | None => return Ok(()),
        }
        for link in slow {
            link.drained().await;
        }
    }
}

/// The same frame as a server writes it.
fn copy(frame: &Frame<'_>, out: &mut Vec<u8>) {
    frame::head(out, frame.last, frame.opcode, None, frame.payload.len());
    frame.unmask_into(out);
}
