//! `GET /api/tts`: every answer as phones get it, what is signed, and what it may cost.

mod harness;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use axum::routing::post;
use bifocal_protocol::Timestamp;
use bifocal_protocol::speech_url::SpeechUrls;
use bifocal_providers::voice::{VoiceConfig, VoiceEngineConfig, VoiceKind};
use bifocal_server::ServerConfig;
use futures_util::StreamExt;
use harness::http::{Reply, request};
use harness::{Cloud, PATIENCE, SECRET};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// A service that speaks as OpenAI's does, and tells the test what it is asked. Text decides what it answers.
struct Service {
    url: String,
    asked: mpsc::UnboundedReceiver<String>,
    /// One for each sound that nobody listens to any more.
    dropped: mpsc::UnboundedReceiver<()>,
}

/// Tells that it is dropped.
struct Listening(mpsc::UnboundedSender<()>);

impl Drop for Listening {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

impl Service {
    async fn start() -> Self {
        let (tell, asked) = mpsc::unbounded_channel();
        let (gone, dropped) = mpsc::unbounded_channel();
        let speech = move |body: Bytes| {
            let (tell, listening) = (tell.clone(), Listening(gone.clone()));
            async move {
                let body = String::from_utf8(body.to_vec()).expect("text");
                let _ = tell.send(body.clone());
                service_answer(&body, listening)
            }
        };
        let router = Router::new()
            .route("/v1/audio/speech", post(speech))
            .fallback(|uri: Uri| async move { (StatusCode::NOT_FOUND, uri.to_string()) });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/v1", listener.local_addr().expect("bound"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, asked, dropped }
    }

    fn engine(&self) -> VoiceEngineConfig {
        let url = Some(self.url.parse().expect("a URL"));
        VoiceEngineConfig { url, ..VoiceEngineConfig::of(VoiceKind::OpenAi) }
    }
}

fn service_answer(asked: &str, listening: Listening) -> Response {
    let refused = |status: u16, message: &str| {
        let body = format!(r#"{{"error":{{"message":"{message}","type":"error"}}}}"#);
        Response::builder().status(status).header("content-type", "application/json").body(Body::from(body))
    };
    let response = match asked {
        asked if asked.contains("unknown voice") => refused(400, "Invalid value: 'x'."),
        asked if asked.contains("no credit") => refused(429, "You exceeded your current quota"),
        asked if asked.contains("wrong key") => refused(401, "Incorrect API key provided: sk-1234"),
        asked if asked.contains("goes on") => {
            let first = futures_util::stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"first"))]);
            let rest = futures_util::stream::pending().map(move |nothing: std::io::Result<Bytes>| {
                let _ = &listening;
                nothing
            });
            Response::builder().header("content-type", "audio/mpeg").body(Body::from_stream(first.chain(rest)))
        }
        _ => Response::builder().header("content-type", "audio/mpeg").body(Body::from("sound")),
    };
    response.expect("good headers")
}

fn speaking(engines: Vec<VoiceEngineConfig>) -> impl FnOnce(&mut ServerConfig) {
    |config| config.voice = VoiceConfig { engines: Some(engines), require_signature: None }
}

async fn get(cloud: &Cloud, query: &str) -> Reply {
    cloud.get(&format!("/api/tts{query}")).await
}

#[tokio::test]
async fn text_becomes_sound() {
    let mut service = Service::start().await;
    let cloud = Cloud::with(speaking(vec![service.engine()])).await;
    let reply = get(
        &cloud,
        "?text=Gr%C3%BC%C3%9Fe+an+alle&voice_id=nova&model_id=tts-1&voice_settings=%7B%22speed%22%3A1.2%7D",
    )
    .await;
    assert_eq!((reply.status, reply.body.as_str()), (200, "sound"));
    assert_eq!(reply.header("content-type"), Some("audio/mpeg"));
    assert_eq!(reply.header("cache-control"), Some("no-cache"));
    let asked = service.asked.recv().await.expect("it was asked");
    let body = r#"{"model":"tts-1","input":"Grüße an alle","voice":"nova","response_format":"mp3","speed":1.2}"#;
    assert_eq!(asked, body);
    // The same again costs nothing.
    let again = get(
        &cloud,
        "?text=Gr%C3%BC%C3%9Fe+an+alle&voice_id=nova&model_id=tts-1&voice_settings=%7B%22speed%22%3A1.2%7D",
    )
    .await;
    assert_eq!((again.body.as_str(), again.header("content-length")), ("sound", Some("5")));
    assert!(service.asked.try_recv().is_err());
}

#[tokio::test]
async fn a_look_speaks_nothing() {
    let mut service = Service::start().await;
    let cloud = Cloud::with(speaking(vec![service.engine()])).await;
    let look = async |path: &str| {
        let mut phone = TcpStream::connect(cloud.address).await.expect("it listens");
        let request = format!("HEAD {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        phone.write_all(request.as_bytes()).await.expect("it reads");
        let mut head = String::new();
        tokio::time::timeout(PATIENCE, phone.read_to_string(&mut head)).await.expect("in time").expect("an answer");
        assert!(head.ends_with("\r\n\r\n"), "nothing but a head: {head}");
        head
    };
    let good = look("/api/tts?text=hello").await;
    assert!(good.starts_with("HTTP/1.1 200") && good.contains("content-type: audio/mpeg"), "{good}");
    assert!(look("/api/tts").await.starts_with("HTTP/1.1 400"));
    assert!(service.asked.try_recv().is_err());
}

#[tokio::test]
async fn what_cannot_be_spoken_is_answered_as_sdks_know_it() {
    let service = Service::start().await;
    let cloud = Cloud::with(speaking(vec![service.engine()])).await;
    let text = r#"{"success":false,"message":"Text parameter is required and must be a string"}"#;
    let settings = r#"{"success":false,"message":"Invalid voice_settings JSON format"}"#;
    for (query, status, body) in [
        ("", 400, text),
        ("?text=", 400, text),
        ("?text=%20%0A", 400, text),
        ("?voice_id=x", 400, text),
        ("?text=x&voice_settings=%7Bspeed", 400, settings),
        ("?text=x&voice_settings=%22fast%22", 400, settings),
        ("?text=x&voice_settings=%7B%22speed%22%3A%22fast%22%7D", 400, settings),
        (
            "?text=unknown+voice",
            400,
            r#"{"success":false,"message":"TTS service error: 400","details":"Invalid value: 'x'."}"#,
        ),
        (
            "?text=no+credit",
            429,
            r#"{"success":false,"message":"TTS service error: 429","details":"You exceeded your current quota"}"#,
        ),
    ] {
        get(&cloud, query).await.is(status, body);
    }
    let long = format!("?text={}", "a".repeat(5_001));
    get(&cloud, &long)
        .await
        .is(400, r#"{"success":false,"message":"Text is too long: 5000 characters are spoken at once"}"#);
    let id = format!("?text=x&voice_id={}", "a".repeat(201));
    get(&cloud, &id).await.is(400, r#"{"success":false,"message":"voice_id or model_id is no id"}"#);
}

#[tokio::test]
async fn what_a_service_says_about_our_key_is_nobodys_business() {
    let service = Service::start().await;
    let cloud = Cloud::with(speaking(vec![service.engine()])).await;
    let body =
        r#"{"success":false,"message":"TTS service error: 401","details":"the service does not accept this server"}"#;
    get(&cloud, "?text=wrong+key").await.is(401, body);
}

#[tokio::test]
async fn without_an_engine_and_without_a_voice() {
    let cloud = Cloud::start().await;
    get(&cloud, "?text=x").await.is(500, r#"{"success":false,"message":"TTS service not configured"}"#);
    let key = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(key.path(), "key").expect("written");
    let engine = VoiceEngineConfig {
        key_file: Some(key.path().to_path_buf()),
        url: Some("http://127.0.0.1:1/v1".parse().expect("a URL")),
        ..VoiceEngineConfig::of(VoiceKind::ElevenLabs)
    };
    // The variable of other servers may be set where this test runs.
    if std::env::var_os("ELEVENLABS_DEFAULT_VOICE_ID").is_none() {
        let cloud = Cloud::with(speaking(vec![engine.clone()])).await;
        let body =
            r#"{"success":false,"message":"Voice ID is required: give voice_id, or configure a voice for the engine"}"#;
        get(&cloud, "?text=x").await.is(400, body);
    }
    let cloud = Cloud::with(speaking(vec![engine])).await;
    let reply = get(&cloud, "?text=x&voice_id=abc").await;
    assert_eq!((reply.status, &reply.json()["message"]), (502, &"TTS service error: 502".into()));
}

#[tokio::test]
async fn flite_speaks_over_the_route() {
    let cloud = Cloud::with(speaking(vec![VoiceEngineConfig::of(VoiceKind::Flite)])).await;
    // The voice of another vendor is replaced by its own.
    let reply = get(&cloud, "?text=hello+world&voice_id=21m00Tcm4TlvDq8ikWAM").await;
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("audio/wav")));
    let length: usize = reply.header("content-length").expect("known").parse().expect("a number");
    assert!(reply.body.starts_with("RIFF") && length > 10_000, "{length}");
}

#[tokio::test]
async fn who_hangs_up_stops_the_engine() {
    let mut service = Service::start().await;
    let cloud = Cloud::with(speaking(vec![service.engine()])).await;
    let mut phone = TcpStream::connect(cloud.address).await.expect("it listens");
    phone.write_all(b"GET /api/tts?text=goes+on HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("it reads");
    let mut heard = Vec::new();
    while !heard.ends_with(b"first\r\n") {
        let read = phone.read_buf(&mut heard);
        assert!(tokio::time::timeout(PATIENCE, read).await.expect("in time").expect("it speaks") > 0);
    }
    assert!(service.dropped.try_recv().is_err());
    drop(phone);
    tokio::time::timeout(PATIENCE, service.dropped.recv()).await.expect("in time").expect("it was stopped");
}

#[tokio::test]
async fn only_so_much_is_spoken_for_one_client() {
    let service = Service::start().await;
    let cloud = Cloud::with(|config| {
        speaking(vec![service.engine()])(config);
        config.limits.speech_burst = 100;
        config.limits.speech_per_second = 1;
    })
    .await;
    let spoken_for = async |headers: &[(&str, &str)]| {
        let text = "a".repeat(60);
        request(cloud.address, "GET", &format!("/api/tts?text={text}"), headers, "").await
    };
    assert_eq!(spoken_for(&[]).await.status, 200);
    let refused = spoken_for(&[]).await;
    assert_eq!(refused.status, 429);
    let wait: u64 = refused.header("retry-after").expect("when").parse().expect("seconds");
    assert!((18..=21).contains(&wait), "{wait}");
    // A proxy on this machine tells whom it speaks for; what its client has written is before that.
    assert_eq!(spoken_for(&[("X-Forwarded-For", "127.0.0.1, 192.0.2.1")]).await.status, 200);
    assert_eq!(spoken_for(&[("X-Forwarded-For", "198.51.100.7, 192.0.2.1")]).await.status, 429);
    assert_eq!(spoken_for(&[("X-Forwarded-For", "192.0.2.2")]).await.status, 200);
}

#[tokio::test]
async fn a_signature_can_be_required() {
    let service = Service::start().await;
    let cloud = Cloud::with(|config| {
        speaking(vec![service.engine()])(config);
        config.voice.require_signature = Some(true);
    })
    .await;
    let unsigned = r#"{"success":false,"message":"the URL is not signed; play what the cloud sends to the phone"}"#;
    get(&cloud, "?text=hello").await.is(403, unsigned);
    let urls = SpeechUrls::new(cloud.server.public_url(), SECRET);
    let app = harness::cloud::package_name("org.example.notes");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    let now = Timestamp(i64::try_from(now.as_millis()).expect("before the year 292 million"));
    let path = |url: String| url.strip_prefix(cloud.server.public_url()).expect("of this server").to_owned();
    let good = path(urls.sign("text=hello", &app, now));
    assert_eq!(cloud.get(&good).await.status, 200);
    let wrong = r#"{"success":false,"message":"the signature does not fit"}"#;
    cloud.get(&good.replace("hello", "anything")).await.is(403, wrong);
    let old = path(urls.sign("text=hello", &app, Timestamp(now.0 - 3_600_000)));
    cloud.get(&old).await.is(403, r#"{"success":false,"message":"the URL is too old"}"#);
}

#[tokio::test]
async fn a_signature_is_required_unless_phones_are_on_this_machine() {
    let service = Service::start().await;
    for (public_url, status) in [
        (None, 200),
        (Some("http://localhost:8002"), 200),
        (Some("http://[::1]:8002"), 200),
        (Some("https://cloud.example"), 403),
    ] {
        let cloud = Cloud::with(|config| {
            speaking(vec![service.engine()])(config);
            config.public_url = public_url.map(str::to_owned);
        })
        .await;
        assert_eq!(get(&cloud, "?text=hello").await.status, status, "{public_url:?}");
    }
}

#[tokio::test]
async fn it_is_counted() {
    let service = Service::start().await;
    let cloud = Cloud::with(speaking(vec![service.engine()])).await;
    assert_eq!(get(&cloud, "?text=hello").await.status, 200);
    assert_eq!(get(&cloud, "").await.status, 400);
    let metrics = cloud.get("/metrics").await.body;
    assert!(metrics.contains("bifocal_voice_seconds_count{engine=\"openai\"} 1"), "{metrics}");
    assert!(metrics.contains("bifocal_refusals_total{reason=\"speech\"} 1"), "{metrics}");
}
