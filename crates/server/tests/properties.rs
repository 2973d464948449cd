//! Whatever comes in at the two sockets, the session stays, and whoever asks for a sign of life gets one.

mod harness;

use std::path::Path;

use harness::{ANN, App, Cloud, Got, Running, Socket, init};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::sync::Mutex;
use tokio_tungstenite::tungstenite::Message;

/// The package of the samples: an app of this name is not told that it speaks for another.
const DEMO: &str = "org.example.demo";
const CASES: u32 = 256;

/// What a client may send in a frame of its own making.
#[derive(Debug, Clone)]
enum Piece {
    Text(String),
    Binary(Vec<u8>),
}

impl Piece {
    fn frame(self) -> Message {
        match self {
            Piece::Text(text) => Message::text(text),
            Piece::Binary(data) => Message::binary(data),
        }
    }
}

fn samples(family: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../protocol/samples").join(family);
    let mut files: Vec<_> =
        std::fs::read_dir(folder).expect("samples are there").map(|f| f.expect("a file").path()).collect();
    files.sort();
    let samples: Vec<_> = files.iter().map(|file| std::fs::read(file).expect("it can be read")).collect();
    assert!(samples.len() > 20, "{family}");
    samples
}

/// One way to damage a sample.
#[derive(Debug, Clone)]
enum Damage {
    Flip(Index, u8),
    Truncate(Index),
    Insert(Index, &'static [u8]),
    Delete(Index, usize),
    Double(Index, usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    let scraps = prop::sample::select(vec![
        &b"\\ud83d"[..],
        b"\"",
        b"null",
        b"[]",
        b"{}",
        b"1e999",
        b"-1",
        b"99999999999999999999",
        b"\xff",
        b"\0",
        b",",
        b":",
        b"}",
    ]);
    prop_oneof![
        (any::<Index>(), 0..8u8).prop_map(|(at, bit)| Damage::Flip(at, 1 << bit)),
        any::<Index>().prop_map(Damage::Truncate),
        (any::<Index>(), scraps).prop_map(|(at, scrap)| Damage::Insert(at, scrap)),
        (any::<Index>(), 1..40usize).prop_map(|(at, length)| Damage::Delete(at, length)),
        (any::<Index>(), 1..40usize).prop_map(|(at, length)| Damage::Double(at, length)),
    ]
}

impl Damage {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let place = |at: &Index| at.index(bytes.len() + 1);
        match self {
            Damage::Flip(at, bits) => {
                let at = place(at);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= bits;
                }
            }
            Damage::Truncate(at) => bytes.truncate(place(at)),
            Damage::Insert(at, scrap) => {
                let at = place(at);
                bytes.splice(at..at, scrap.iter().copied());
            }
            Damage::Delete(at, length) => {
                let at = place(at);
                bytes.drain(at..bytes.len().min(at + length));
            }
            Damage::Double(at, length) => {
                let at = place(at);
                let again: Vec<u8> = bytes[at..].iter().copied().take(*length).collect();
                bytes.splice(at..at, again);
            }
        }
    }
}

/// Samples with zero to three damages, and bytes that never meant anything; as text and as binary.
fn piece(family: &str) -> impl Strategy<Value = Piece> + use<> {
    let sample = prop::sample::select(samples(family));
    let damaged = (sample, prop::collection::vec(damage(), 0..=3)).prop_map(|(mut bytes, damages)| {
        damages.iter().for_each(|damage| damage.apply(&mut bytes));
        bytes
    });
    let junk = prop::collection::vec(any::<u8>(), 0..300);
    let bytes = prop_oneof![3 => damaged, 1 => junk];
    (bytes, prop::bool::weighted(0.8)).prop_map(|(bytes, as_text)| match as_text {
        // A text frame is UTF-8, whatever else it is.
        true => Piece::Text(String::from_utf8_lossy(&bytes).into_owned()),
        false => Piece::Binary(bytes),
    })
}

/// Runs the cases one after the other against one server. Shrinking replays on the same server, which is fine: no case
/// may do harm to another.
fn check<F: Future<Output = Result<(), TestCaseError>>>(
    runtime: &Runtime,
    strategy: impl Strategy<Value = Vec<Piece>>,
    case: impl Fn(Vec<Piece>) -> F,
) {
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    match TestRunner::new(config).run(&strategy, |pieces| runtime.block_on(case(pieces))) {
        Ok(()) => {}
        Err(TestError::Fail(why, pieces)) => panic!("{why} after {pieces:#?}"),
        Err(TestError::Abort(why)) => panic!("{why}"),
    }
}

/// Sends the pieces and a ping. Gives how the connection ended, or nothing when the pong came.
async fn poke(socket: &mut Socket, pieces: Vec<Piece>) -> Option<Got> {
    let ping = Message::text(json!({ "type": "ping" }).to_string());
    for frame in pieces.into_iter().map(Piece::frame).chain([ping]) {
        // The server may have hung up meanwhile; what it said can still be read.
        if socket.send_frame(frame).await.is_err() {
            break;
        }
    }
    loop {
        match socket.got().await {
            Got::Text(message) if message["type"] == "pong" => return None,
            Got::Text(_) | Got::Binary(_) => {}
            end => return Some(end),
        }
    }
}

/// Whether this is the end that too many bad frames bring.
fn is_for_abuse(end: &Got) -> bool {
    matches!(end, Got::Closed(1007 | 1009, _))
}

fn started(view: Option<Value>) -> Value {
    view.expect("the session is there")["started"].clone()
}

#[test]
fn no_frame_of_a_phone_takes_its_session_down() {
    let runtime = Runtime::new().expect("threads");
    let (cloud, running, phone, first) = runtime.block_on(async {
        let cloud = Cloud::start().await;
        // An app that hears everything, so that everything is relayed to somebody. The samples do not name it.
        let mut listener = cloud
            .app_like(ANN, "org.example.listener", |new| {
                new.permissions = bifocal_protocol::permission::Permission::EVERY.to_vec();
            })
            .await;
        let phone = cloud.phone(ANN).await;
        let mut running = cloud.run(ANN, &mut listener).await;
        running
            .socket
            .send(json!({ "type": "subscription_update", "subscriptions": ["*", "transcription:en-US"] }))
            .await;
        running.socket.settle().await;
        let first = started(cloud.view(ANN).await);
        (cloud, running, phone, first)
    });
    let Running { mut socket, .. } = running;
    let reading = runtime.spawn(async move {
        // Whatever is relayed is JSON, or sound: `got` fails otherwise.
        while !matches!(socket.got().await, Got::Closed(..) | Got::Gone) {}
    });
    let phone = Mutex::new(phone);
    check(&runtime, prop::collection::vec(piece("from_phone"), 1..4), |pieces| async {
        let mut phone = phone.lock().await;
        if let Some(end) = poke(&mut phone, pieces).await {
            // A token that is not good, and too many bad frames, end a connection.
            prop_assert!(is_for_abuse(&end) || matches!(end, Got::Closed(1008, _)), "{:?}", end);
            *phone = cloud.phone(ANN).await;
            prop_assert_eq!(poke(&mut phone, Vec::new()).await, None);
        }
        Ok(())
    });
    runtime.block_on(async {
        let view = cloud.view(ANN).await;
        assert_eq!(view.as_ref().expect("a session")["apps"][0]["phase"], "running");
        assert_eq!(started(view), first);
        assert_eq!(cloud.server.session_count(), 1);
    });
    reading.abort();
}

/// The demo, connected once more.
async fn come_back(cloud: &Cloud, app: &App) -> Socket {
    let mut socket = cloud.open_app().await;
    socket.send(init(&format!("{ANN}-{DEMO}"), DEMO, &app.key)).await;
    socket.until("tpa_connection_ack").await;
    socket
}

#[test]
fn no_frame_of_an_app_takes_the_session_down() {
    let runtime = Runtime::new().expect("threads");
    let (cloud, demo, socket, phone, first) = runtime.block_on(async {
        let cloud = Cloud::start().await;
        let mut demo = cloud.app(ANN, DEMO).await;
        let phone = cloud.phone(ANN).await;
        let running = cloud.run(ANN, &mut demo).await;
        let first = started(cloud.view(ANN).await);
        (cloud, demo, running.socket, phone, first)
    });
    let both = Mutex::new((socket, phone));
    check(&runtime, prop::collection::vec(piece("from_app"), 1..4), |pieces| async {
        let (socket, phone) = &mut *both.lock().await;
        if let Some(end) = poke(socket, pieces).await {
            prop_assert!(is_for_abuse(&end), "{:?}", end);
            *socket = come_back(&cloud, &demo).await;
            prop_assert_eq!(poke(socket, Vec::new()).await, None);
        }
        // Whatever the app did, its wearer's phone is answered; what it was sent is JSON.
        prop_assert_eq!(poke(phone, Vec::new()).await, None);
        Ok(())
    });
    runtime.block_on(async {
        assert_eq!(started(cloud.view(ANN).await), first);
        assert_eq!(cloud.server.session_count(), 1);
    });
}

#[test]
fn no_first_frame_of_a_stranger_takes_a_session_down() {
    let runtime = Runtime::new().expect("threads");
    let (cloud, phone) = runtime.block_on(async {
        let cloud = Cloud::start().await;
        let _demo = cloud.app(ANN, DEMO).await;
        let phone = cloud.phone(ANN).await;
        (cloud, phone)
    });
    let phone = Mutex::new(phone);
    check(&runtime, prop::collection::vec(piece("from_app"), 1..3), |pieces| async {
        let mut stranger = cloud.open_app().await;
        // The samples' key is not the one of the demo, so that nobody gets in.
        let end = poke(&mut stranger, pieces).await;
        prop_assert!(matches!(end, Some(Got::Closed(1008, _))), "{:?}", end);
        prop_assert_eq!(poke(&mut *phone.lock().await, Vec::new()).await, None);
        Ok(())
    });
    assert_eq!(cloud.server.session_count(), 1);
}
