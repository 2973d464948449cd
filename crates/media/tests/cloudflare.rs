//! Managed streams at Cloudflare, against a scripted server that behaves as the vendor's reference says.

mod support;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use bifocal_media::{
    Cloudflare, CloudflareConfig, EndReason, ManagedError, ManagedProvider, NewOutput, NewStream, OutputState, Paces,
    Phase,
};
use parking_lot::Mutex;
use serde_json::{Value, json};
use support::{phase, until};
use tokio::net::TcpListener;

/// What the scripted server knows, and what it was asked.
#[derive(Default)]
struct Script {
    base: String,
    asked: Vec<(String, Value)>,
    inputs: Vec<(String, Value)>,
    connected: bool,
    plays: bool,
    output_error: bool,
    /// Answers to POST before the real ones: status and `Retry-After`.
    failures: Vec<(u16, Option<u64>)>,
    made: u32,
}

type Shared = Arc<Mutex<Script>>;

async fn answer(
    State(script): State<Shared>,
    method: Method,
    Path(path): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut script = script.lock();
    let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    script.asked.push((format!("{method} /{path}"), body.clone()));
    let parts: Vec<&str> = path.split('/').collect();
    if parts[0] != "accounts" {
        return match parts[..] {
            [_, "manifest", "video.m3u8"] if script.plays => "#EXTM3U\n".into_response(),
            [_, "views"] => r#"{"liveViewers":7}"#.into_response(),
            _ => StatusCode::NO_CONTENT.into_response(),
        };
    }
    assert_eq!(headers["authorization"], "Bearer the token");
    if method == Method::POST && !script.failures.is_empty() {
        let (status, after) = script.failures.remove(0);
        let body = r#"{"result":null,"success":false,"errors":[{"code":10001,"message":"<b>outside text</b>"}]}"#;
        let mut response = (StatusCode::from_u16(status).expect("a status"), body).into_response();
        if let Some(after) = after {
            response.headers_mut().insert("retry-after", after.into());
        }
        return response;
    }
    let state = if script.connected { "connected" } else { "disconnected" };
    let result = match (method.as_str(), &parts[2..]) {
        ("POST", ["stream", "live_inputs"]) => {
            script.made += 1;
            let uid = format!("input{}", script.made);
            script.inputs.push((uid.clone(), body["meta"].clone()));
            json!({
                "uid": uid, "rtmps": {"url": "rtmps://live.invalid:443/live/", "streamKey": "secret"}, "status": null,
                "webRTC": {"url": format!("{}/{uid}/webRTC/publish", script.base)},
                "webRTCPlayback": {"url": format!("{}/{uid}/webRTC/play", script.base)},
            })
        }
        ("GET", ["stream", "live_inputs"]) => {
            let inputs = script.inputs.iter().map(|(uid, meta)| json!({"uid": uid, "meta": meta}));
            json!({"liveInputs": inputs.collect::<Vec<_>>(), "total": 1, "range": 1})
        }
        ("GET", ["stream", "live_inputs", uid]) => match script.inputs.iter().any(|(known, _)| known == uid) {
            true => json!({"uid": uid, "status": {"current": {"state": state}}}),
            false => return StatusCode::NOT_FOUND.into_response(),
        },
        ("DELETE", ["stream", "live_inputs", uid]) => {
            script.inputs.retain(|(known, _)| known != uid);
            return StatusCode::OK.into_response();
        }
        ("GET", ["stream", "live_inputs", _, "videos"]) => json!([{"uid": "video1"}]),
        ("POST", ["stream", "live_inputs", _, "outputs"]) => json!({"uid": "output1", "enabled": true}),
        ("GET", ["stream", "live_inputs", _, "outputs"]) => {
            let state = if script.output_error { "error" } else { "connected" };
            json!([{"uid": "output1", "status": {"current": {"state": state}}}])
        }
        ("DELETE", _) => return StatusCode::OK.into_response(),
        other => panic!("{other:?}"),
    };
    axum::Json(json!({"result": result, "success": true, "errors": [], "messages": []})).into_response()
}

struct Stage {
    script: Shared,
    provider: Cloudflare,
}

impl Stage {
    async fn start() -> Stage {
        // Another test of this process may have done it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let script = Shared::default();
        script.lock().base = base.clone();
        let router = Router::new().route("/{*path}", axum::routing::any(answer)).with_state(script.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.expect("serves") });
        let fast = Duration::from_millis(20);
        let limit = Duration::from_secs(20);
        let paces = Paces { retry: fast, waiting: fast, live: fast, viewers: fast, start: limit, come_back: fast * 10 };
        let config = CloudflareConfig {
            api: base,
            account: "acc".into(),
            token: "the token".into(),
            node: "node-1".into(),
            streams_per_owner: 1,
            paces,
        };
        Stage { script, provider: Cloudflare::new(config).expect("made") }
    }

    fn asked(&self) -> Vec<String> {
        self.script.lock().asked.iter().map(|(line, _)| line.clone()).collect()
    }
}

fn new(owner: &str) -> NewStream {
    let output = NewOutput { url: "rtmps://a.invalid/app/key".into(), name: Some("A".into()) };
    NewStream { owner: owner.into(), outputs: vec![output], record: false }
}

#[tokio::test]
async fn a_stream_lives_and_leaves_nothing_behind() {
    let stage = Stage::start().await;
    let mut stream = stage.provider.create(new("ann")).await.expect("made");
    assert_eq!(stream.publish_url, "rtmps://live.invalid:443/live/secret");
    let base = stage.script.lock().base.clone();
    assert_eq!(stream.urls.hls, format!("{base}/input1/manifest/video.m3u8"));
    assert_eq!(stream.urls.dash, format!("{base}/input1/manifest/video.mpd"));
    let (line, body) = stage.script.lock().asked[0].clone();
    assert_eq!(line, "POST /accounts/acc/stream/live_inputs");
    assert_eq!((&body["meta"]["bifocal"], &body["meta"]["owner"]), (&json!("node-1"), &json!("ann")));
    let (line, body) = stage.script.lock().asked[1].clone();
    assert_eq!(line, "POST /accounts/acc/stream/live_inputs/input1/outputs");
    assert_eq!(body, json!({"url": "rtmps://a.invalid:443/app", "streamKey": "key", "enabled": true}));
    assert!(matches!(stage.provider.create(new("ann")).await, Err(ManagedError::TooManyStreams)));

    // A connection alone is nothing to watch.
    stage.script.lock().connected = true;
    phase(&mut stream.status, Phase::Preparing).await;
    stage.script.lock().plays = true;
    let live = until(&mut stream.status, "live with viewers", |status| status.viewers == 7).await;
    assert_eq!(live.phase, Phase::Live);
    until(&mut stream.status, "an active output", |status| status.outputs[0].state == OutputState::Active).await;
    stage.script.lock().output_error = true;
    until(&mut stream.status, "a failed output", |status| matches!(status.outputs[0].state, OutputState::Failed(_)))
        .await;

    stage.provider.delete(&stream.id).await.expect("deleted");
    phase(&mut stream.status, Phase::Ended(EndReason::Deleted)).await;
    assert!(stage.script.lock().inputs.is_empty());
    assert!(stage.asked().contains(&"DELETE /accounts/acc/stream/video1".to_owned()), "its recording, too");
}

#[tokio::test]
async fn a_publisher_that_does_not_come_back_ends_it() {
    let stage = Stage::start().await;
    let mut stream = stage.provider.create(new("ann")).await.expect("made");
    {
        let mut script = stage.script.lock();
        (script.connected, script.plays) = (true, true);
    }
    phase(&mut stream.status, Phase::Live).await;
    stage.script.lock().connected = false;
    phase(&mut stream.status, Phase::Lost).await;
    phase(&mut stream.status, Phase::Ended(EndReason::PublisherLost)).await;
    stage.provider.stop().await;
    assert!(stage.script.lock().inputs.is_empty());
}

#[tokio::test]
async fn a_live_input_that_somebody_deleted_ends_it() {
    let stage = Stage::start().await;
    let mut stream = stage.provider.create(new("ann")).await.expect("made");
    stage.script.lock().inputs.clear();
    phase(&mut stream.status, Phase::Ended(EndReason::Provider)).await;
}

#[tokio::test]
async fn who_is_busy_is_asked_again_and_who_refuses_is_not() {
    let stage = Stage::start().await;
    stage.script.lock().failures = vec![(429, Some(0)), (503, None)];
    stage.provider.create(new("ann")).await.expect("made at the third try");
    stage.script.lock().failures = vec![(500, None), (502, None), (503, None)];
    let error = stage.provider.create(new("bob")).await.expect_err("three are enough");
    assert_eq!(error, ManagedError::Provider("Cloudflare answered 503 (code 10001)".into()));
    let before = stage.asked().iter().filter(|line| line.ends_with("live_inputs")).count();
    stage.script.lock().failures = vec![(403, None)];
    let error = stage.provider.create(new("bob")).await.expect_err("refused");
    assert_eq!(error, ManagedError::Provider("Cloudflare answered 403 (code 10001)".into()));
    let after = stage.asked().iter().filter(|line| line.ends_with("live_inputs")).count();
    assert_eq!(after - before, 1, "a refusal is final");
}

#[tokio::test]
async fn only_our_own_orphans_are_swept() {
    let stage = Stage::start().await;
    let stream = stage.provider.create(new("ann")).await.expect("made");
    {
        let mut script = stage.script.lock();
        for (uid, meta) in [
            ("orphan", json!({"bifocal": "node-1"})),
            ("foreign", json!({"bifocal": "node-2"})),
            ("byhand", json!({"name": "mine"})),
        ] {
            script.inputs.push((uid.to_owned(), meta));
        }
    }
    assert_eq!(stage.provider.sweep().await, Ok(1));
    let left: Vec<String> = stage.script.lock().inputs.iter().map(|(uid, _)| uid.clone()).collect();
    assert_eq!(left, [stream.id.as_str(), "foreign", "byhand"]);
}
