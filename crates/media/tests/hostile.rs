//! Publishers that are none, or mean harm: each is sent away with a reason, and holds little memory until then.

mod support;

use std::time::Duration;

use bifocal_media::{ManagedProvider, NewStream, Phase};
use support::{LIMIT, Stage, until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection that has shaken hands.
async fn shaken(stage: &Stage) -> TcpStream {
    let mut socket = TcpStream::connect(stage.media.address()).await.expect("connects");
    let hello = [&[3][..], &[0; 1536 * 2]].concat();
    socket.write_all(&hello).await.expect("written");
    let mut answer = vec![0; 1 + 1536 * 2];
    tokio::time::timeout(LIMIT, socket.read_exact(&mut answer)).await.expect("in time").expect("answered");
    socket
}

/// Reads until the server closes; what it said.
async fn closed(mut socket: TcpStream) -> Vec<u8> {
    let mut said = Vec::new();
    let read = tokio::time::timeout(LIMIT, socket.read_to_end(&mut said)).await.expect("closed in time");
    // A reset is a close, too: the server did not read everything.
    drop(read);
    said
}

/// Waits until a publisher was sent away for this reason.
async fn refused(stage: &Stage, reason: &str) {
    let counted = async {
        while !stage.media.numbers().refused.contains_key(reason) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let numbers = || stage.media.numbers().refused;
    tokio::time::timeout(LIMIT, counted).await.unwrap_or_else(|_| panic!("not {reason}, but {:?}", numbers()));
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// One message in chunks of 128 bytes.
fn message(lane: u8, kind: u8, stream: u8, length: usize, data: &[u8]) -> Vec<u8> {
    let [.., a, b, c] = length.to_be_bytes();
    let mut out = vec![lane, 0, 0, 0, a, b, c, kind, stream, 0, 0, 0];
    for (number, piece) in data.chunks(128).enumerate() {
        if number > 0 {
            out.push(0xc0 | lane);
        }
        out.extend(piece);
    }
    out
}

fn text(text: &str) -> Vec<u8> {
    [&[2, 0, text.len() as u8][..], text.as_bytes()].concat()
}

fn number(number: f64) -> Vec<u8> {
    [&[0][..], &number.to_be_bytes()].concat()
}

fn command(stream: u8, values: &[Vec<u8>]) -> Vec<u8> {
    let data = values.concat();
    message(3, 20, stream, data.len(), &data)
}

/// `connect`, `createStream`, `publish` with this key.
fn publish(key: &str) -> Vec<u8> {
    let app = [&[3, 0, 3][..], b"app", &text("live"), &[0, 0, 9]].concat();
    let connect = command(0, &[text("connect"), number(1.0), app]);
    let create = command(0, &[text("createStream"), number(2.0), vec![5]]);
    let publish = command(1, &[text("publish"), number(3.0), vec![5], text(key), text("live")]);
    [connect, create, publish].concat()
}

fn key_of(url: &str) -> &str {
    url.rsplit_once('/').expect("a path").1
}

#[tokio::test]
async fn a_wrong_path_is_told_so() {
    let stage = Stage::start(|_| {}).await;
    let stream = stage.stream().await;
    // The viewer's address is no key, either.
    for key in ["nonsense", stream.id.as_str(), ""] {
        let mut socket = shaken(&stage).await;
        socket.write_all(&publish(key)).await.expect("written");
        let said = closed(socket).await;
        assert!(contains(&said, "NetStream.Publish.BadName") && contains(&said, "there is no such stream"), "{key}");
    }
    assert_eq!(stage.media.numbers().refused["path"], 3);
}

#[tokio::test]
async fn garbage_is_closed_at_its_first_byte() {
    let stage = Stage::start(|_| {}).await;
    let mut socket = TcpStream::connect(stage.media.address()).await.expect("connects");
    socket.write_all(b"GET / HTTP/1.1\r\n\r\n").await.expect("written");
    closed(socket).await;
    refused(&stage, "not_rtmp").await;
}

#[tokio::test]
async fn half_a_handshake_has_a_deadline() {
    let stage = Stage::start(|config| config.patience.handshake = Duration::from_millis(200)).await;
    let mut half = TcpStream::connect(stage.media.address()).await.expect("connects");
    half.write_all(&[3; 700]).await.expect("written");
    let silent = TcpStream::connect(stage.media.address()).await.expect("connects");
    let mut connected = shaken(&stage).await;
    connected.write_all(&command(0, &[text("connect"), number(1.0), vec![3, 0, 0, 9]])[..20]).await.expect("written");
    for socket in [half, silent, connected] {
        closed(socket).await;
    }
    assert_eq!(stage.media.numbers().refused["handshake"], 3);
    assert_eq!(stage.media.numbers().connections, 0);
}

#[tokio::test]
async fn enormous_chunks_and_messages_are_refused_before_they_come() {
    let stage = Stage::start(|_| {}).await;
    let stream = stage.stream().await;
    let mut socket = shaken(&stage).await;
    socket.write_all(&message(2, 1, 0, 4, &u32::MAX.to_be_bytes())).await.expect("written");
    closed(socket).await;
    refused(&stage, "chunk_size").await;
    // A stranger may not even announce what a publisher may.
    let mut socket = shaken(&stage).await;
    socket.write_all(&message(4, 9, 1, 1 << 20, &[])).await.expect("written");
    closed(socket).await;
    refused(&stage, "too_long").await;
    let mut socket = shaken(&stage).await;
    let announced = [publish(key_of(&stream.publish_url)), message(4, 9, 1, 5 << 20, &[])].concat();
    socket.write_all(&announced).await.expect("written");
    assert!(contains(&closed(socket).await, "a message of 5242880 bytes is not taken"));
}

#[tokio::test]
async fn endless_metadata_has_an_end() {
    let stage = Stage::start(|_| {}).await;
    let mut stream = stage.stream().await;
    let mut socket = shaken(&stage).await;
    let mut values = [text("onMetaData"), vec![8, 0, 0, 0, 1, 0, 1, b'a']].concat();
    values.extend([&[12, 0, 0, 0xea, 0x60][..], &[b'x'; 60_000], &[0, 0, 9]].concat());
    let one = message(5, 18, 1, values.len(), &values);
    socket.write_all(&publish(key_of(&stream.publish_url))).await.expect("written");
    let (mut reader, mut writer) = socket.into_split();
    let writing = tokio::spawn(async move {
        // Until the other side has had enough.
        while writer.write_all(&one).await.is_ok() {}
    });
    let mut said = Vec::new();
    let _ = tokio::time::timeout(LIMIT, reader.read_to_end(&mut said)).await.expect("closed in time");
    drop(reader);
    tokio::time::timeout(LIMIT, writing).await.expect("in time").expect("no panic");
    refused(&stage, "metadata").await;
    assert!(stage.media.numbers().held_bytes < 1 << 20);
    let status = until(&mut stream.status, "waiting again", |status| status.trouble.is_some()).await;
    assert_eq!(
        (status.phase, status.trouble.as_deref()),
        (Phase::Waiting, Some("more than 1048576 bytes of metadata"))
    );
}

#[tokio::test]
async fn another_codec_is_named_to_the_publisher_and_the_owner() {
    let stage = Stage::start(|_| {}).await;
    let mut stream = stage.stream().await;
    let mut socket = shaken(&stage).await;
    let hevc = message(4, 9, 1, 8, b"\x90hvc1\0\0\0");
    socket.write_all(&[publish(key_of(&stream.publish_url)), hevc].concat()).await.expect("written");
    assert!(contains(&closed(socket).await, "HEVC is not supported; send H.264 and AAC"));
    let status = until(&mut stream.status, "a reason", |status| status.trouble.is_some()).await;
    assert_eq!(status.trouble.as_deref(), Some("HEVC is not supported; send H.264 and AAC"));
}

#[tokio::test]
async fn who_publishes_nothing_is_sent_away_and_who_comes_twice_is_taken_over() {
    let stage = Stage::start(|config| config.patience.idle = Duration::from_millis(300)).await;
    let mut stream = stage.stream().await;
    let mut first = shaken(&stage).await;
    first.write_all(&publish(key_of(&stream.publish_url))).await.expect("written");
    support::phase(&mut stream.status, Phase::Preparing).await;
    let mut second = shaken(&stage).await;
    second.write_all(&publish(key_of(&stream.publish_url))).await.expect("written");
    closed(first).await;
    assert!(contains(&closed(second).await, "nothing came for too long"));
    support::phase(&mut stream.status, Phase::Waiting).await;
}

#[tokio::test]
async fn limits_hold_for_connections_streams_and_outputs() {
    let stage = Stage::start(|config| {
        config.limits.connections = 2;
        config.limits.streams = 3;
    })
    .await;
    let (_first, _second) = (shaken(&stage).await, shaken(&stage).await);
    closed(TcpStream::connect(stage.media.address()).await.expect("connects")).await;
    refused(&stage, "too_many_connections").await;
    let new = |owner: &str| NewStream { owner: owner.into(), ..NewStream::default() };
    let stream = stage.media.create(new("ann")).await.expect("one");
    stage.media.create(new("ann")).await.expect("two");
    assert!(stage.media.create(new("ann")).await.is_err(), "two of one owner are enough");
    stage.media.create(new("bob")).await.expect("three");
    assert!(stage.media.create(new("cat")).await.is_err(), "three of all are enough");
    let output = |n: u32| bifocal_media::NewOutput { url: format!("rtmp://127.0.0.1:9/live/{n}"), name: None };
    for n in 0..10 {
        stage.media.add_output(&stream.id, output(n)).await.expect("added");
    }
    assert!(stage.media.add_output(&stream.id, output(10)).await.is_err());
    let known = stream.status.borrow().outputs[3].id.clone();
    stage.media.remove_output(&stream.id, &known).await.expect("removed");
    assert!(stage.media.remove_output(&stream.id, &known).await.is_err(), "not twice");
    stage.media.add_output(&stream.id, output(10)).await.expect("there is a place");
    assert!(stage.media.add_output(&stream.id, output(4)).await.is_err(), "it goes there already");
}

#[tokio::test]
async fn a_stream_that_nobody_publishes_ends_by_itself() {
    let stage = Stage::start(|config| {
        config.patience.start = Duration::from_millis(200);
        config.patience.linger = Duration::from_millis(100);
    })
    .await;
    let mut stream = stage.stream().await;
    support::phase(&mut stream.status, Phase::Ended(bifocal_media::EndReason::NeverStarted)).await;
    let gone = async {
        while stage.media.status(&stream.id).is_some() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LIMIT, gone).await.expect("it is forgotten");
    assert_eq!(stage.get(support::path_of(&stream.urls.preview)).await.0, 404);
    stage.media.stop().await;
}
