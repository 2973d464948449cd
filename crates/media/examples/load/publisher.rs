//! Pictures in real time, by another implementation of RTMP. Nobody decodes them: only their sizes are those of a video.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use rml_rtmp::handshake::{Handshake, HandshakeProcessResult, PeerType};
use rml_rtmp::sessions::{
    ClientSession, ClientSessionConfig, ClientSessionEvent, ClientSessionResult, PublishRequestType,
};
use rml_rtmp::time::RtmpTimestamp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};

use crate::{Failed, PATIENCE};

pub(crate) const PICTURES: u64 = 30;
const BYTES_A_SECOND: usize = 2_000_000 / 8;
/// A key frame each two seconds, ten times as big as the others.
const GROUP: u64 = 60;
const PICTURE: usize = BYTES_A_SECOND * 2 / (GROUP as usize + 9);
/// A configuration of H.264 that x264 made, as an FLV tag.
const CONFIG: &str =
    "17000000000164001effe1001a6764001eacd940a02ff97011000003000100000300320f162d9601000668ebe3cb22c0fdf8f800";

/// Publishes; how late the latest picture was, in seconds.
pub(crate) async fn publish(url: String, seconds: u64) -> Result<f64, Failed> {
    let (address, path) = url.trim_start_matches("rtmp://").split_once('/').ok_or("a path")?;
    let (app, key) = path.split_once('/').ok_or("a key")?;
    let mut socket = TcpStream::connect(address.parse::<SocketAddr>()?).await?;
    socket.set_nodelay(true)?;
    let mut session = timeout(PATIENCE, begin(&mut socket, app, key)).await??;
    send(&mut session, &mut socket, 0, hex::decode(CONFIG)?.into()).await?;
    let begun = Instant::now();
    let mut late = 0.0f64;
    // One more than is counted: it closes the last segment.
    for number in 0..=seconds * PICTURES {
        let time = number * 1000 / PICTURES;
        let due = begun + Duration::from_millis(time);
        sleep_until(due).await;
        let key = number.is_multiple_of(GROUP);
        let mut data = vec![0; 5 + if key { PICTURE * 10 } else { PICTURE }];
        data[..2].copy_from_slice(&[if key { 0x17 } else { 0x27 }, 1]);
        send(&mut session, &mut socket, time, data.into()).await?;
        late = late.max((Instant::now() - due).as_secs_f64());
    }
    Ok(late)
}

async fn send(session: &mut ClientSession, socket: &mut TcpStream, time: u64, data: Bytes) -> Result<(), Failed> {
    match session.publish_video_data(data, RtmpTimestamp::new(time as u32), false)? {
        ClientSessionResult::OutboundResponse(packet) => Ok(socket.write_all(&packet.bytes).await?),
        _ => Ok(()),
    }
}

async fn begin(socket: &mut TcpStream, app: &str, key: &str) -> Result<ClientSession, Failed> {
    let mut handshake = Handshake::new(PeerType::Client);
    socket.write_all(&handshake.generate_outbound_p0_and_p1().map_err(|error| error.to_string())?).await?;
    let mut buffer = vec![0; 8 << 10];
    let rest = loop {
        let count = socket.read(&mut buffer).await?;
        match handshake.process_bytes(&buffer[..count]).map_err(|error| error.to_string())? {
            HandshakeProcessResult::InProgress { response_bytes } => socket.write_all(&response_bytes).await?,
            HandshakeProcessResult::Completed { response_bytes, remaining_bytes } => {
                socket.write_all(&response_bytes).await?;
                break remaining_bytes;
            }
        }
    };
    let (mut session, mut results) = ClientSession::new(ClientSessionConfig::new())?;
    results.push(session.request_connection(app.to_owned())?);
    results.extend(session.handle_input(&rest)?);
    loop {
        for result in std::mem::take(&mut results) {
            match result {
                ClientSessionResult::OutboundResponse(packet) => socket.write_all(&packet.bytes).await?,
                ClientSessionResult::RaisedEvent(ClientSessionEvent::ConnectionRequestAccepted) => {
                    results.push(session.request_publishing(key.to_owned(), PublishRequestType::Live)?);
                }
                ClientSessionResult::RaisedEvent(ClientSessionEvent::PublishRequestAccepted) => return Ok(session),
                _ => {}
            }
        }
        if results.is_empty() {
            let count = socket.read(&mut buffer).await?;
            if count == 0 {
                return Err("refused".into());
            }
            results = session.handle_input(&buffer[..count])?;
        }
    }
}
