//! Another implementation of RTMP on the other side: the crate `rml_rtmp`, which we do not use ourselves.

mod support;

use bifocal_media::{ManagedProvider, NewOutput, OutputState, Phase};
use bytes::Bytes;
use rml_rtmp::handshake::{Handshake, HandshakeProcessResult, PeerType};
use rml_rtmp::sessions::{
    ClientSession, ClientSessionConfig, ClientSessionEvent, ClientSessionResult, PublishRequestType, ServerSession,
    ServerSessionConfig, ServerSessionEvent, ServerSessionResult,
};
use rml_rtmp::time::RtmpTimestamp;
use support::{LIMIT, Stage, phase, publish, until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A configuration of H.264 that x264 made, 640x360, as an FLV tag.
const CONFIG: &str =
    "17000000000164001effe1001a6764001eacd940a02ff97011000003000100000300320f162d9601000668ebe3cb22c0fdf8f800";

async fn shake(socket: &mut TcpStream, kind: PeerType) -> Vec<u8> {
    let is_client = kind == PeerType::Client;
    let mut handshake = Handshake::new(kind);
    if is_client {
        let hello = handshake.generate_outbound_p0_and_p1().expect("made");
        socket.write_all(&hello).await.expect("written");
    }
    let mut buffer = [0; 4096];
    loop {
        let count = socket.read(&mut buffer).await.expect("read");
        assert!(count > 0, "closed during the handshake");
        match handshake.process_bytes(&buffer[..count]).expect("a handshake") {
            HandshakeProcessResult::InProgress { response_bytes } => {
                socket.write_all(&response_bytes).await.expect("written");
            }
            HandshakeProcessResult::Completed { response_bytes, remaining_bytes } => {
                socket.write_all(&response_bytes).await.expect("written");
                return remaining_bytes;
            }
        }
    }
}

#[tokio::test]
async fn its_client_publishes_to_us() {
    let stage = Stage::start(|_| {}).await;
    let mut stream = stage.stream().await;
    let key = stream.publish_url.rsplit_once('/').expect("a path").1.to_owned();
    let mut socket = TcpStream::connect(stage.media.address()).await.expect("connects");
    let mut bytes = shake(&mut socket, PeerType::Client).await;
    let (mut session, first) = ClientSession::new(ClientSessionConfig::new()).expect("made");
    assert!(first.is_empty());
    let mut results = vec![session.request_connection("live".to_owned()).expect("asked")];
    results.extend(session.handle_input(&bytes).expect("good"));
    let talking = async {
        loop {
            for result in std::mem::take(&mut results) {
                match result {
                    ClientSessionResult::OutboundResponse(packet) => {
                        socket.write_all(&packet.bytes).await.expect("written");
                    }
                    ClientSessionResult::RaisedEvent(ClientSessionEvent::ConnectionRequestAccepted) => {
                        let asked = session.request_publishing(key.clone(), PublishRequestType::Live).expect("asked");
                        results.push(asked);
                    }
                    ClientSessionResult::RaisedEvent(ClientSessionEvent::PublishRequestAccepted) => return,
                    _ => {}
                }
            }
            if !results.is_empty() {
                continue;
            }
            bytes.resize(4096, 0);
            let count = socket.read(&mut bytes).await.expect("read");
            assert!(count > 0, "refused");
            results = session.handle_input(&bytes[..count]).expect("good");
        }
    };
    tokio::time::timeout(LIMIT, talking).await.expect("accepted in time");
    let config = Bytes::from(hex::decode(CONFIG).expect("hex"));
    let picture = Bytes::from([&[0x17, 1, 0, 0, 0, 0, 0, 1, 0][..], &[0x65; 20_000]].concat());
    let frames = [(0, config), (0, picture.clone()), (1_000, picture.clone()), (2_000, picture)];
    for (time, data) in frames {
        let sent = session.publish_video_data(data, RtmpTimestamp::new(time), false).expect("sent");
        let ClientSessionResult::OutboundResponse(packet) = sent else { panic!("a packet") };
        socket.write_all(&packet.bytes).await.expect("written");
    }
    phase(&mut stream.status, Phase::Live).await;
    let list = support::media_playlist(&stage, &stream.urls.hls).await;
    assert!(list.contains("#EXTINF:1.000,\nsegment-0.m4s\n#EXTINF:1.000,\nsegment-1.m4s\n"), "{list}");
}

#[tokio::test]
async fn its_server_takes_our_output() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let url = format!("rtmp://{}/app/part/the-key", listener.local_addr().expect("an address"));
    let target = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.expect("accepted");
        let rest = shake(&mut socket, PeerType::Server).await;
        let (mut session, mut results) = ServerSession::new(ServerSessionConfig::new()).expect("made");
        results.extend(session.handle_input(&rest).expect("good"));
        let mut buffer = vec![0; 16 << 10];
        let (mut path, mut keys) = (String::new(), 0);
        loop {
            for result in std::mem::take(&mut results) {
                match result {
                    ServerSessionResult::OutboundResponse(packet) => {
                        socket.write_all(&packet.bytes).await.expect("written");
                    }
                    ServerSessionResult::RaisedEvent(ServerSessionEvent::ConnectionRequested {
                        request_id, ..
                    }) => {
                        results.extend(session.accept_request(request_id).expect("accepted"));
                    }
                    ServerSessionResult::RaisedEvent(ServerSessionEvent::PublishStreamRequested {
                        request_id,
                        app_name,
                        stream_key,
                        ..
                    }) => {
                        path = format!("{app_name}/{stream_key}");
                        results.extend(session.accept_request(request_id).expect("accepted"));
                    }
                    ServerSessionResult::RaisedEvent(ServerSessionEvent::VideoDataReceived { data, .. }) => {
                        keys += u32::from(data.starts_with(&[0x17, 1]));
                        if keys == 2 {
                            return path;
                        }
                    }
                    _ => {}
                }
            }
            if !results.is_empty() {
                continue;
            }
            let count = socket.read(&mut buffer).await.expect("read");
            assert!(count > 0, "the output gave up");
            results = session.handle_input(&buffer[..count]).expect("good");
        }
    });
    let stage = Stage::start(|_| {}).await;
    let mut stream = stage.stream().await;
    stage.media.add_output(&stream.id, NewOutput { url, name: None }).await.expect("added");
    let _publisher = publish(&stream.publish_url, 20);
    until(&mut stream.status, "active", |status| status.outputs[0].state == OutputState::Active).await;
    let path = tokio::time::timeout(LIMIT, target).await.expect("in time").expect("no panic");
    assert_eq!(path, "app/part/the-key");
    // The target is gone: the output says so, and tries again.
    until(&mut stream.status, "failed", |status| matches!(status.outputs[0].state, OutputState::Failed(_))).await;
    let phase = stream.status.borrow().phase;
    assert!(matches!(phase, Phase::Preparing | Phase::Live), "the stream does not care: {phase:?}");
}
