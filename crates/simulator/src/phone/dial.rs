//! Opening the socket, hop by hop, so that a failure says which hop it was.

use std::time::Duration;

use futures_util::StreamExt;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, client_async_tls_with_config};

use super::ConnectError;
use super::config::Addresses;
use super::error::{chain, message_of};
use super::heard::{Heard, hear};

pub(super) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// For TCP with the upgrade, and once more for `connection_ack`.
const PATIENCE: Duration = Duration::from_secs(10);
/// The biggest message of a cloud: a bitmap is 20 KB.
const MAX_MESSAGE: usize = 16 * 1024 * 1024;
/// Messages that may come before `connection_ack`: boot screens, app states. More of them are an error.
const MAX_EARLY: usize = 256;

/// An open socket whose session is there.
pub(super) struct Opened {
    pub(super) socket: Socket,
    /// What came so far, `connection_ack` last.
    pub(super) heard: Vec<Heard>,
}

/// Connects and waits for `connection_ack`.
pub(super) async fn dial(addresses: &Addresses) -> Result<Opened, ConnectError> {
    let (host, port) = addresses.host_and_port();
    let at = format!("{host}:{port}");
    let deadline = Instant::now() + PATIENCE;
    let late = |hop| ConnectError::Timeout { hop, at: at.clone(), after: PATIENCE };

    let stream = timeout_at(deadline, tcp(&host, port, &at)).await.map_err(|_| late("TCP"))??;
    let upgraded = timeout_at(deadline, upgrade(addresses, stream, &at)).await;
    let mut socket = upgraded.map_err(|_| late("upgrade"))??;
    let heard = timeout(PATIENCE, ack(&mut socket)).await.map_err(|_| late("session"))??;
    Ok(Opened { socket, heard })
}

async fn tcp(host: &str, port: u16, at: &str) -> Result<TcpStream, ConnectError> {
    let dns = |source| ConnectError::Dns { host: host.to_owned(), source };
    let found: Vec<_> = lookup_host((host, port)).await.map_err(dns)?.collect();
    let mut refused = std::io::Error::other("the name has no address");
    for address in found {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // Words and button presses are small and must not wait for each other.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(error) => refused = error,
        }
    }
    Err(ConnectError::Tcp { at: at.to_owned(), source: refused })
}

async fn upgrade(addresses: &Addresses, stream: TcpStream, at: &str) -> Result<Socket, ConnectError> {
    // The defaults are 128 KiB for each direction: too much for a phone among thousands.
    let config = WebSocketConfig::default()
        .read_buffer_size(4096)
        .write_buffer_size(0)
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE));
    let at = at.to_owned();
    // Boxed: the handshake with TLS is a big future.
    let handshake = client_async_tls_with_config(addresses.socket.as_str(), stream, Some(config), None);
    match Box::pin(handshake).await {
        Ok((socket, _)) => Ok(socket),
        Err(WsError::Http(response)) => Err(ConnectError::Http {
            at,
            status: response.status().as_u16(),
            message: message_of(response.body().as_deref().unwrap_or_default()),
        }),
        Err(WsError::Tls(error)) => Err(ConnectError::Tls { at, why: chain(&error) }),
        // A failed TLS handshake comes as an I/O error.
        Err(WsError::Io(error)) if addresses.socket.scheme() == "wss" => {
            Err(ConnectError::Tls { at, why: chain(&error) })
        }
        Err(error) => Err(ConnectError::Upgrade { at, why: chain(&error) }),
    }
}

async fn ack(socket: &mut Socket) -> Result<Vec<Heard>, ConnectError> {
    let early = |why: String| ConnectError::ClosedEarly { why };
    let mut heard = Vec::new();
    loop {
        let text = match socket.next().await {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Close(frame))) => return Err(early(close_reason(frame.as_ref()))),
            Some(Ok(_)) => continue,
            Some(Err(error)) => return Err(early(chain(&error))),
            None => return Err(early("the connection was closed".into())),
        };
        match hear(&text) {
            Heard::Refused(message) => return Err(ConnectError::Refused { message }),
            ack @ Heard::Ack(..) => {
                heard.push(ack);
                return Ok(heard);
            }
            other if heard.len() < MAX_EARLY => heard.push(other),
            _ => return Err(early(format!("{MAX_EARLY} messages came and no connection_ack"))),
        }
    }
}

/// A close frame in words.
pub(super) fn close_reason(frame: Option<&CloseFrame>) -> String {
    match frame {
        Some(frame) => crate::clean::line(&format!("closed with {} {}", u16::from(frame.code), frame.reason), 160),
        None => "closed without a code".to_owned(),
    }
}
