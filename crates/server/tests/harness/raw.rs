//! A WebSocket client that is almost nothing: a blocking TCP socket that did the upgrade by hand.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::{PATIENCE, token};

/// Opens `/glasses-ws` for a user and reads until the ack was there.
pub fn phone(address: SocketAddr, user: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a good time-out");
    let request = format!(
        "GET /glasses-ws HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer {}\r\n\r\n",
        token::good(user)
    );
    stream.write_all(request.as_bytes()).expect("the server reads");
    let mut got = Vec::new();
    let mut chunk = [0; 2048];
    while !contains(&got, b"connection_ack") || !got.ends_with(b"}") {
        let length = stream.read(&mut chunk).expect("the ack comes in time");
        assert!(length > 0, "the server hung up after {:?}", String::from_utf8_lossy(&got));
        got.extend_from_slice(&chunk[..length]);
    }
    assert!(got.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&got));
    stream
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
