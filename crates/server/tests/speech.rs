//! Words through real sockets and engines that die in the middle of a sentence: each word arrives once.

#![allow(clippy::print_stdout, reason = "how long a change of engines takes is to be seen")]

mod harness;

use std::time::{Duration, Instant};

use axum::Json;
use axum::routing::{get, post};
use bifocal_protocol::permission::Permission;
use bifocal_providers::fake::{Fault, Script, WORD_MS, sound, word};
use bifocal_providers::translate::{TranslateConfig, TranslatorConfig, TranslatorKind};
use bifocal_providers::{EngineConfig, Kind, SpeechConfig};
use harness::http::request;
use harness::{ANN, Cloud, Socket, token};
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

/// A LibreTranslate server that says what it is asked for in brackets, with the language before them. Gives its address.
async fn libretranslate() -> String {
    let languages = json!([{"code": "en", "name": "English", "targets": ["fr", "de"]}]);
    let translate = |Json(asked): Json<Value>| async move {
        let text = |field: &str| asked[field].as_str().unwrap_or("?").to_owned();
        Json(json!({"translatedText": format!("{}[{}]", text("target"), text("q"))}))
    };
    let router = axum::Router::new()
        .route("/languages", get(move || async move { Json(languages) }))
        .route("/translate", post(translate));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// `[translate]`: an engine that does not translate hears, a server in the house translates, and each app is told under its
/// own name for it.
#[tokio::test]
async fn what_is_heard_is_translated_by_a_server_in_the_house() {
    let url = libretranslate().await.parse().expect("an address");
    let libre = TranslatorConfig { url: Some(url), ..TranslatorConfig::of(TranslatorKind::LibreTranslate) };
    let cloud = Cloud::with(|config| {
        config.speech = SpeechConfig { engines: Some(vec![engine("hears", vec![])]) };
        config.translate = TranslateConfig { engines: vec![libre] };
    })
    .await;
    let mut app = cloud.app_like(ANN, APP, |app| app.permissions = vec![Permission::Microphone]).await;
    let mut phone = cloud.phone(ANN).await;
    let mut running = cloud.run(ANN, &mut app).await;
    let names = ["translation:en-US-to-fr-FR", "translation:en-US-de-DE"];
    running.socket.send(json!({"type": "subscription_update", "subscriptions": names})).await;
    for frame in sound([1, 2, 0, 0, 0, 0]).chunks(3_200) {
        phone.send_binary(frame.to_vec()).await;
    }
    let mut heard = std::collections::BTreeMap::new();
    while heard.len() < names.len() {
        let event = running.socket.until("data_stream").await;
        if event["data"]["isFinal"] == true {
            heard.insert(event["streamType"].as_str().expect("a name").to_owned(), event["data"].clone());
        }
    }
    for (name, target, text) in [(names[0], "fr-FR", "fr[w1 w2]"), (names[1], "de-DE", "de[w1 w2]")] {
        let data = &heard[name];
        assert_eq!((&data["text"], &data["originalText"]), (&json!(text), &json!("w1 w2")), "{data}");
        assert_eq!((&data["translateLanguage"], &data["didTranslate"]), (&json!(target), &json!(true)), "{data}");
    }
}

/// The wearer's choice of an engine wins over the order of the configuration, and one that nobody knows is no choice.
#[tokio::test]
async fn the_engine_that_the_wearer_prefers_is_asked_first() {
    let cloud = Cloud::with(|config| {
        let engines = ["first", "second"].map(|name| engine(name, vec![])).to_vec();
        config.speech = SpeechConfig { engines: Some(engines) };
    })
    .await;
    let mut app = cloud.app_like(ANN, APP, |app| app.permissions = vec![Permission::Microphone]).await;
    let mut phone = cloud.phone(ANN).await;
    let mut running = cloud.run(ANN, &mut app).await;
    let languages = ["en-US", "de-DE", "fr-FR"];
    for (language, chosen, engine) in
        [(languages[0], "second", "second"), (languages[1], "nobody", "first"), (languages[2], "first", "first")]
    {
        let authorization = format!("Bearer {}", token::good(ANN));
        let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
        let body = json!({"settings": {"speech_engine": chosen}}).to_string();
        let reply = request(cloud.address, "POST", "/api/client/user/settings", &headers, &body).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let name = format!("transcription:{language}");
        running.socket.send(json!({"type": "subscription_update", "subscriptions": [name]})).await;
        running.socket.send(json!({"type": "stream_status_check", "requestId": language})).await;
        while running.socket.until("stream_status_check_response").await["requestId"] != language {}
        for frame in sound([1, 0, 0, 0]).chunks(3_200) {
            phone.send_binary(frame.to_vec()).await;
        }
        let event = running.socket.until("data_stream").await;
        assert_eq!((&event["streamType"], &event["data"]["provider"]), (&json!(name), &json!(engine)), "{chosen}");
    }
}
