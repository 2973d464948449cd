//! `GET /api/transcripts/{app session id}` and `GET /api/audio/{user}`: what was heard, for those who may know it.

mod harness;

use bifocal_protocol::permission::Permission;
use bifocal_providers::fake::{Script, sound, word};
use bifocal_providers::{EngineConfig, Kind, SpeechConfig};
use harness::http::{Reply, request};
use harness::{ANN, App, Cloud, Running, Socket};
use serde_json::json;

const APP: &str = "org.example.captions";
const NO_SESSION: &str = r#"{"error":"Session not found"}"#;
const BAD_KEY: &str = r#"{"error":"Invalid API key"}"#;

struct Talk {
    cloud: Cloud,
    app: App,
    running: Running,
    _phone: Socket,
}

/// Three words were said, and the app has heard them if it may.
async fn talk(permissions: Vec<Permission>) -> Talk {
    let engine = EngineConfig { script: Some(Script::default()), ..EngineConfig::of(Kind::Fake) };
    let cloud = Cloud::with(|config| config.speech = SpeechConfig { engines: Some(vec![engine]) }).await;
    let mut app = cloud.app_like(ANN, APP, |app| app.permissions = permissions.clone()).await;
    let mut phone = cloud.phone(ANN).await;
    let mut running = cloud.run(ANN, &mut app).await;
    let wants = json!({"type": "subscription_update", "subscriptions": ["transcription:en-US"]});
    running.socket.send(wants).await;
    if !permissions.is_empty() {
        phone.until("microphone_state_change").await;
        for frame in sound([1, 2, 3, 0, 0, 0, 0, 0]).chunks(3_200) {
            phone.send_binary(frame.to_vec()).await;
        }
        while running.socket.until("data_stream").await["data"]["isFinal"] != true {}
    }
    Talk { cloud, app, running, _phone: phone }
}

impl Talk {
    async fn ask(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        request(self.cloud.address, "GET", path, headers, "").await
    }

    async fn transcripts(&self, key: &str, query: &str) -> Reply {
        let path = format!("/api/transcripts/{}{query}", self.running.hook.text("sessionId"));
        self.ask(&path, &[("Authorization", &format!("Bearer {APP}:{key}"))]).await
    }

    /// How many segments there are.
    async fn count(&self, query: &str) -> usize {
        let reply = self.transcripts(&self.app.key, query).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()["segments"].as_array().expect("a list").len()
    }
}

#[tokio::test]
async fn an_app_that_may_hear_reads_what_was_said() {
    let talk = talk(vec![Permission::Microphone]).await;
    let reply = talk.transcripts(&talk.app.key, "?duration=600").await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let body = reply.json();
    assert_eq!(body["language"], "en-US");
    let all = body["segments"].as_array().expect("a list");
    let words: Vec<_> = all.iter().filter_map(|said| said["text"].as_str()).collect();
    assert_eq!(words.join(" "), (1..=3).map(word).collect::<Vec<_>>().join(" "));
    assert!(all.iter().all(|said| said["isFinal"] == true && said["language"] == "en-US"), "{all:?}");
    assert!(all.iter().all(|said| said["resultId"].is_string() && said["timestamp"].is_string()), "{all:?}");
    for (query, count) in [
        ("?duration=600&language=en-US", all.len()),
        ("?duration=600&language=all", all.len()),
        ("?duration=600&language=de-DE", 0),
        ("?startTime=2020-01-01T00:00:00Z", all.len()),
        ("?startTime=0&endTime=1577836800000", 0),
    ] {
        assert_eq!(talk.count(query).await, count, "{query}");
    }
    let missing = r#"{"error":"duration, startTime, or endTime is required"}"#;
    talk.transcripts(&talk.app.key, "").await.is(400, missing);
    let no_time = r#"{"error":"startTime or endTime is no time"}"#;
    talk.transcripts(&talk.app.key, "?startTime=yesterday").await.is(400, no_time);
}

#[tokio::test]
async fn the_sound_of_the_last_seconds_is_there_as_it_came() {
    let talk = talk(vec![Permission::Microphone]).await;
    let headers = [("X-Package-Name", APP), ("X-API-Key", talk.app.key.as_str())];
    let reply = talk.ask("/api/audio/ann%40example.org", &headers).await;
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/octet-stream")), "{reply:?}");
    let length = sound([1, 2, 3, 0, 0, 0, 0, 0]).len().to_string();
    assert_eq!(reply.header("content-length"), Some(length.as_str()));
    let nobody = r#"{"error":"No audio available"}"#;
    talk.ask("/api/audio/ben%40example.org", &headers).await.is(404, nobody);
    talk.ask("/api/audio/ann%40example.org", &[]).await.is(401, BAD_KEY);
    talk.cloud.stop_app(ANN, APP).await;
    talk.ask("/api/audio/ann%40example.org", &headers).await.is(404, nobody);
}

#[tokio::test]
async fn nobody_else_reads_it() {
    let talk = talk(vec![Permission::Microphone]).await;
    talk.transcripts("wrong", "?duration=9").await.is(401, BAD_KEY);
    let path = format!("/api/transcripts/{}?duration=9", talk.running.hook.text("sessionId"));
    talk.ask(&path, &[]).await.is(401, BAD_KEY);
    // Another app of the wearer, with its own good key: it does not run.
    let other = talk.cloud.app(ANN, "org.example.other").await;
    let authorization = format!("Bearer org.example.other:{}", other.key);
    talk.ask(&path, &[("Authorization", &authorization)]).await.is(404, NO_SESSION);
    let own = format!("/api/transcripts/{ANN}-org.example.other?duration=9");
    talk.ask(&own, &[("Authorization", &authorization)]).await.is(404, NO_SESSION);
    // The app itself, when it does not run any more.
    talk.cloud.stop_app(ANN, APP).await;
    talk.transcripts(&talk.app.key, "?duration=9").await.is(404, NO_SESSION);
}

#[tokio::test]
async fn an_app_without_the_microphone_reads_nothing() {
    let talk = talk(Vec::new()).await;
    let refused = r#"{"error":"The app lacks the permission MICROPHONE"}"#;
    talk.transcripts(&talk.app.key, "?duration=9").await.is(403, refused);
    let authorization = format!("Bearer {APP}:{}", talk.app.key);
    talk.ask("/api/audio/ann%40example.org", &[("Authorization", &authorization)]).await.is(403, refused);
}
