//! A relay between a phone and the cloud that overhears what the cloud tells the phone. The simulated phone says of most
//! messages only that they came; a table of methods has to know what is in them.

use futures_util::StreamExt;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, copy, duplex, sink, split};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

/// More than the cloud says before anybody has read it.
const ROOM: usize = 1 << 20;

/// A relay to this cloud; gives its own address. Every message of a WebSocket is passed to `hear`.
pub(crate) async fn overhear(cloud: &str, hear: impl Fn(Value) + Clone + Send + 'static) -> String {
    let cloud = cloud.trim_start_matches("http://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((phone, _)) = listener.accept().await {
            let Ok(server) = TcpStream::connect(&cloud).await else { continue };
            let hear = hear.clone();
            tokio::spawn(async move {
                let (from_phone, to_phone) = split(phone);
                let (from_server, to_server) = split(server);
                // When one side hangs up, so does the other.
                tokio::select! {
                    _ = carry(from_phone, to_server) => {}
                    _ = carry_and_hear(from_server, to_phone, hear) => {}
                }
            });
        }
    });
    url
}

async fn carry(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) -> std::io::Result<()> {
    copy(&mut from, &mut to).await?;
    to.shutdown().await
}

/// The answer to the upgrade ends with an empty line; what follows are frames, if it was one.
async fn carry_and_hear(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    hear: impl Fn(Value) + Send + 'static,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(from.read_u8().await?);
    }
    to.write_all(&head).await?;
    if !head.starts_with(b"HTTP/1.1 101") {
        return carry(from, to).await;
    }
    let (mut copied, ear) = duplex(ROOM);
    tokio::spawn(listen(ear, hear));
    let mut bytes = vec![0; 1 << 16];
    loop {
        let count = from.read(&mut bytes).await?;
        if count == 0 {
            return to.shutdown().await;
        }
        to.write_all(&bytes[..count]).await?;
        copied.write_all(&bytes[..count]).await?;
        // What the listener would answer to pings goes nowhere.
        let _ = futures_util::FutureExt::now_or_never(copy(&mut copied, &mut sink()));
    }
}

async fn listen(ear: DuplexStream, hear: impl Fn(Value)) {
    let mut socket = WebSocketStream::from_raw_socket(ear, Role::Client, None).await;
    while let Some(Ok(message)) = socket.next().await {
        if let Message::Text(text) = message
            && let Ok(message) = serde_json::from_str(&text)
        {
            hear(message);
        }
    }
}
