//! Words through real sockets and engines that die in the middle of a sentence: each word arrives once.

#![allow(clippy::print_stdout, reason = "how long a change of engines takes is to be seen")]

mod harness;

use std::time::{Duration, Instant};

use bifocal_protocol::permission::Permission;
use bifocal_providers::fake::{Fault, Script, WORD_MS, sound, word};
use bifocal_providers::{EngineConfig, Kind, SpeechConfig};
use harness::{ANN, Cloud, Socket};
use serde_json::{Value, json};

const APP: &str = "org.example.captions";
const WORDS: u16 = 40;
/// Sound of a frame, as phones send it.
const FRAME_MS: u64 = 100;

fn engine(name: &str, faults: Vec<Fault>) -> EngineConfig {
    let script = Script { faults, stall_ms: 500, ..Script::default() };
    EngineConfig { name: Some(name.to_owned()), script: Some(script), ..EngineConfig::of(Kind::Fake) }
}

/// A cloud with these engines, a phone, and an app that wants words.
async fn talking(engines: Vec<EngineConfig>) -> (Cloud, Socket, Socket) {
    let cloud = Cloud::with(|config| config.speech = SpeechConfig { engines: Some(engines) }).await;
    let mut app = cloud.app_like(ANN, APP, |app| app.permissions = vec![Permission::Microphone]).await;
    let phone = cloud.phone(ANN).await;
    let mut running = cloud.run(ANN, &mut app).await;
    let wants = json!({"type": "subscription_update", "subscriptions": ["transcription:en-US"]});
    running.socket.send(wants).await;
    (cloud, phone, running.socket)
}

/// Says the words, at the pace at which a person would say them: it is what engines that die in between are about.
async fn say(phone: &mut Socket) {
    let sound = sound((1..=WORDS).chain([0; 8]));
    let mut clock = tokio::time::interval(Duration::from_millis(FRAME_MS));
    for frame in sound.chunks(FRAME_MS as usize * 32) {
        clock.tick().await;
        phone.send_binary(frame.to_vec()).await;
    }
}

/// The final words in the order in which they came, until the last one, and the longest silence between two of them.
async fn listen(app: &mut Socket) -> (Vec<String>, Duration) {
    let (mut heard, mut longest, mut before) = (Vec::new(), Duration::ZERO, Instant::now());
    let last = word(WORDS);
    while heard.last() != Some(&last) {
        let data: Value = app.until("data_stream").await["data"].clone();
        longest = longest.max(before.elapsed());
        before = Instant::now();
        if data["isFinal"] == true {
            heard.extend(data["text"].as_str().expect("words").split(' ').map(str::to_owned));
        }
    }
    (heard, longest)
}

async fn every_word_once(what: &str, first: Fault) {
    let engines = vec![engine("first", vec![first]), engine("second", vec![])];
    let (cloud, mut phone, mut app) = talking(engines).await;
    let (_, (heard, longest)) = tokio::join!(say(&mut phone), listen(&mut app));
    let said: Vec<String> = (1..=WORDS).map(word).collect();
    assert_eq!(heard, said, "{what}");
    println!("{what}: every word once; the longest time without news was {} ms", longest.as_millis());
    drop(cloud);
}

#[tokio::test]
async fn each_word_comes_once_whatever_the_first_engine_does() {
    let middle = u64::from(WORDS / 2) * WORD_MS + WORD_MS / 2;
    let faults = [
        ("the connection is cut", Fault::Cut(middle)),
        ("the engine stalls", Fault::Stall(middle)),
        ("the engine says 429", Fault::BusyAt(middle)),
        ("the engine refuses the start", Fault::Refuse),
        ("the engine is busy at the start", Fault::Busy(Some(60))),
    ];
    for (what, fault) in faults {
        every_word_once(what, fault).await;
    }
}

/// D-74, W-34: an engine that refuses one wearer is not asked for another.
#[tokio::test]
async fn health_is_shared_by_all_wearers() {
    let engines = vec![engine("first", vec![Fault::Refuse]), engine("second", vec![])];
    let (cloud, mut phone, mut app) = talking(engines).await;
    tokio::join!(say(&mut phone), listen(&mut app));
    let ben = "ben@example.org";
    let mut other =
        cloud.app_like(ben, "org.example.notes", |app| app.permissions = vec![Permission::Microphone]).await;
    let mut his_phone = cloud.phone(ben).await;
    let mut running = cloud.run(ben, &mut other).await;
    let wants = json!({"type": "subscription_update", "subscriptions": ["transcription:en-US"]});
    running.socket.send(wants).await;
    tokio::join!(say(&mut his_phone), listen(&mut running.socket));
    let metrics = cloud.get("/metrics").await.body;
    let failures = r#"bifocal_speech_failures_total{engine="first",fault="refused"} 1"#;
    assert!(metrics.contains(failures), "asked once by the two of them: {metrics}");
}

/// D-64: without an engine the phone recognises; it is told so.
#[tokio::test]
async fn without_an_engine_the_phone_recognises() {
    let (_cloud, mut phone, mut app) = talking(vec![]).await;
    loop {
        let told = phone.until("microphone_state_change").await;
        if told["isMicrophoneEnabled"] == true {
            assert_eq!(told["requiredData"], json!(["transcription"]));
            break;
        }
    }
    phone.send(json!({"type": "local_transcription", "text": "good day", "isFinal": true})).await;
    assert_eq!(app.until("data_stream").await["data"]["text"], "good day");
}
