//! Sockets to a cloud: over the network, or within this process for tests. Both speak the same WebSocket.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, client_async_tls_with_config};
use url::Url;

/// A photo that the wearer took comes as text in one message.
const MAX_MESSAGE: usize = 16 << 20;

/// An open socket.
pub(crate) type Socket = WebSocketStream<MaybeTlsStream<Io>>;

/// How to reach a cloud.
pub(crate) trait Dial: Send + Sync {
    /// Opens a socket to this address, or says which hop failed.
    fn dial(&self, url: &str) -> BoxFuture<'static, Result<Socket, String>>;
}

/// Over TCP, with TLS for `wss`.
pub(crate) struct Network;

impl Dial for Network {
    fn dial(&self, url: &str) -> BoxFuture<'static, Result<Socket, String>> {
        let url = url.to_owned();
        Box::pin(async move {
            let parsed = Url::parse(&url).map_err(|_| "the address of the cloud is no URL".to_owned())?;
            let host = parsed.host_str().ok_or("the address of the cloud has no host")?.trim_matches(['[', ']']);
            let port = parsed.port_or_known_default().ok_or("the address of the cloud has no port")?;
            let stream = TcpStream::connect((host, port)).await.map_err(|error| format!("TCP: {error}"))?;
            // Words are small and must not wait for each other.
            let _ = stream.set_nodelay(true);
            let opened = client_async_tls_with_config(url.as_str(), Io::Tcp(stream), Some(config()), None).await;
            opened.map(|(socket, _)| socket).map_err(|error| format!("upgrade: {error}"))
        })
    }
}

/// A socket whose other end is `stream`, which speaks as a server. No handshake takes place.
pub(crate) async fn in_memory(stream: DuplexStream) -> Socket {
    let stream = MaybeTlsStream::Plain(Io::Memory(stream));
    WebSocketStream::from_raw_socket(stream, Role::Client, Some(config())).await
}

/// The defaults would keep 256 KiB of buffers for each session.
pub(crate) fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(4096)
        .write_buffer_size(0)
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE))
}

/// The bytes under a socket.
#[derive(Debug)]
pub(crate) enum Io {
    Tcp(TcpStream),
    Memory(DuplexStream),
}

impl AsyncRead for Io {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Io::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Io::Memory(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Io {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<std::io::Result<usize>> {
        match self.get_mut() {
            Io::Tcp(stream) => Pin::new(stream).poll_write(cx, buf),
            Io::Memory(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Io::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Io::Memory(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Io::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Io::Memory(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
