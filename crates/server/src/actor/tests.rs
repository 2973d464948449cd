//! A session that fails, behind real sockets.

use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use bifocal_protocol::app::AppKind;
use bifocal_protocol::ids::PackageName;
use bifocal_session::Timings;
use bifocal_store::{NewApp, Store};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::*;
use crate::auth::token::Tokens;
use crate::calls::guard::NetworkPolicy;
use crate::calls::webhook::WebhookClient;
use crate::clock::Clock;
use crate::config::{Limits, ServerConfig};
use crate::events::{EventSink, Events};
use crate::metrics::Metrics;
use crate::photos::{Delivery, PhotoRetention, Photos};
use crate::registry::SessionStorage;
use crate::{http, service};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Takes everything, and fails at the first text of its phone.
struct Fails {
    app_came: Option<oneshot::Sender<()>>,
}

impl Core for Fails {
    fn handle(&mut self, input: Input, _: Now, _: &mut Effects) {
        match input {
            Input::AppConnected { .. } => drop(self.app_came.take().map(|came| came.send(()))),
            Input::GlassesText { .. } => panic!("as the test wants"),
            _ => {}
        }
    }

    fn next_deadline(&self) -> Option<(Millis, Deadline)> {
        None
    }

    fn on_deadline(&mut self, _: Now, _: &mut Effects) {}

    fn state(&self) -> SessionState {
        SessionState::Active
    }

    fn display_stats(&self) -> DisplayStats {
        DisplayStats::default()
    }
}

/// A session that fails when its phone says so, and knows then still whom it must tell.
struct Breaks(UserSession);

impl Core for Breaks {
    fn handle(&mut self, input: Input, now: Now, out: &mut Effects) {
        if let Input::GlassesText { text, .. } = &input
            && text.contains("break")
        {
            panic!("as the test wants");
        }
        self.0.handle(input, now, out);
    }

    fn next_deadline(&self) -> Option<(Millis, Deadline)> {
        self.0.next_deadline()
    }

    fn on_deadline(&mut self, now: Now, out: &mut Effects) {
        self.0.on_deadline(now, out);
    }

    fn state(&self) -> SessionState {
        self.0.state()
    }

    fn display_stats(&self) -> DisplayStats {
        self.0.display_stats()
    }
}

fn no_voices() -> bifocal_providers::voice::VoiceConfig {
    bifocal_providers::voice::VoiceConfig { engines: Some(vec![]), require_signature: None }
}

fn no_engines() -> bifocal_providers::SpeechConfig {
    bifocal_providers::SpeechConfig { engines: Some(vec![]) }
}

async fn shared(folder: &std::path::Path, address: std::net::SocketAddr, sink: EventSink) -> Arc<Shared> {
    let metrics = Arc::new(Metrics::new());
    let networks = NetworkPolicy::loopback();
    Arc::new(Shared {
        public_url: format!("http://{address}"),
        speech_urls: bifocal_protocol::speech_url::SpeechUrls::new("http://localhost", b"secret"),
        may_fetch: crate::sound::may_fetch(&networks, "http://localhost"),
        audio_streams: crate::sound::out::AudioStreams::default(),
        app_socket_url: format!("ws://{address}/app-ws"),
        clock: Clock::start(),
        store: Store::open(folder).await.expect("a new store"),
        tokens: Tokens::new(b"secret"),
        signing_key: None,
        page_tokens: crate::page_tokens::PageTokens::default(),
        sessions: SessionStorage::default(),
        events: Events::begin(&sink, metrics.clone()).0,
        metrics,
        webhooks: WebhookClient::new(networks.clone()).expect("a client"),
        closures: crate::calls::closures::Closures::default(),
        weather: None,
        photos: Photos::begin(
            folder,
            b"secret",
            Delivery::new(networks.clone()).expect("a client"),
            PhotoRetention::default(),
        ),
        stream_owners: Default::default(),
        peers: crate::peers::Peers::default(),
        early: crate::early::EarlyReports::default(),
        writes: crate::http::Writes::begin(),
        recognizers: bifocal_providers::Recognizers::new(no_engines()).expect("none is none too many"),
        voices: bifocal_providers::voice::Voices::new(no_voices()).expect("none is none too many"),
        signature_required: false,
        speech_quota: crate::quota::SpeechQuota::new(1, 1),
        udp: None,
        streams: crate::streams::Streams::default(),
        session_tasks: TaskTracker::new(),
        tasks: TaskTracker::new(),
        draining: AtomicBool::new(false),
        shutdown: CancellationToken::new(),
        next_conn: AtomicU64::new(0),
        config: ServerConfig {
            listen: address,
            public_url: None,
            udp_listen: None,
            udp_address: None,
            data: folder.to_path_buf(),
            jwt_secret: b"secret".to_vec(),
            user_token_key: None,
            admin_key: "key".to_owned(),
            timezone: "UTC".to_owned(),
            weather_url: None,
            direct_photos: false,
            photos: PhotoRetention::default(),
            speech: no_engines(),
            translate: bifocal_providers::translate::TranslateConfig::default(),
            voice: no_voices(),
            timings: Timings::DEFAULT,
            networks,
            limits: Limits::default(),
            events: EventSink::Off,
            streams: crate::streams::StreamsConfig::Off,
        },
    })
}

async fn phone(shared: &Shared, user: &UserId) -> Socket {
    let url = format!("{}/glasses-ws", shared.public_url.replacen("http", "ws", 1));
    let mut request = url.into_client_request().expect("a URL");
    let token = shared.tokens.mint(user, 0).expect("a token");
    request.headers_mut().insert("Authorization", format!("Bearer {token}").parse().expect("a header"));
    connect_async(request).await.expect("an upgrade").0
}

async fn send(socket: &mut Socket, message: Value) {
    socket.send(Frame::text(message.to_string())).await.expect("an open socket");
}

/// The next frame: a message, or the close code.
async fn next(socket: &mut Socket) -> Result<Value, u16> {
    match timeout(Duration::from_secs(10), socket.next()).await.expect("something comes") {
        Some(Ok(Frame::Text(text))) => Ok(serde_json::from_str(&text).expect("JSON")),
        Some(Ok(Frame::Close(Some(frame)))) => Err(frame.code.into()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_session_that_fails_tells_its_own_sockets_and_leaves_the_others_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let shared = shared(folder.path(), listener.local_addr().expect("bound"), EventSink::Off).await;
    tokio::spawn(axum::serve(listener, http::router(shared.clone())).into_future());
    let user = |name: &str| UserId::new(&format!("{name}@example.org")).expect("an address");
    let (ann, ben) = (user("ann"), user("ben"));
    let (came, app_came) = oneshot::channel();
    let create = |number| spawn(Fails { app_came: Some(came) }, ann.clone(), number, &shared);
    shared.sessions.get_or_create(&ann, 2, create).expect("there is room");

    let mut of_ann = phone(&shared, &ann).await;
    let mut of_ben = phone(&shared, &ben).await;
    assert_eq!(next(&mut of_ben).await.expect("an ack")["type"], "connection_ack");
    let (mut app, _) = connect_async(&shared.app_socket_url).await.expect("an upgrade");
    let id = "ann@example.org-org.example.demo";
    let package = "org.example.demo";
    let init = json!({ "type": "tpa_connection_init", "sessionId": id, "packageName": package, "apiKey": "key" });
    send(&mut app, init).await;
    app_came.await.expect("the session hears of the app");
    let asked = tokio::spawn({
        let (shared, ann) = (shared.clone(), ann.clone());
        async move { service::ask(&shared, &ann, Ask::View).await }
    });

    send(&mut of_ann, json!({ "type": "ping" })).await;
    let error = next(&mut of_ann).await.expect("an error");
    let row = ErrorRow::INTERNAL;
    let time = &error["timestamp"];
    let code = "INTERNAL_ERROR";
    let expected = json!({ "type": "connection_error", "code": code, "message": row.message, "timestamp": time });
    assert_eq!(error, expected);
    assert_eq!(next(&mut of_ann).await.err(), row.close.map(Close::code));
    assert_eq!(next(&mut app).await, Err(1011));
    // Asked before it failed or after: there is an answer, or nobody to ask.
    assert!(matches!(asked.await, Ok(Some(Answer::SessionEnded) | None)));

    send(&mut of_ben, json!({ "type": "ping" })).await;
    while next(&mut of_ben).await.expect("an open socket")["type"] != "pong" {}
    let mut again = phone(&shared, &ann).await;
    assert_eq!(next(&mut again).await.expect("a new session")["type"], "connection_ack");
    assert_eq!(shared.sessions.len(), 2);
}

/// The app's server: it writes down what it gets, and never opens its socket.
async fn silent_app() -> (String, mpsc::UnboundedReceiver<Value>) {
    let (hook, hooks) = mpsc::unbounded_channel();
    let take = async move |Json(body): Json<Value>| {
        let _ = hook.send(body);
        StatusCode::OK
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    tokio::spawn(axum::serve(listener, Router::new().route("/webhook", post(take))).into_future());
    (url, hooks)
}

#[tokio::test]
async fn a_session_that_fails_is_counted_and_its_apps_without_a_socket_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let sink = EventSink::JsonLines(folder.path().join("events.jsonl"));
    let shared = shared(folder.path(), listener.local_addr().expect("bound"), sink).await;
    tokio::spawn(axum::serve(listener, http::router(shared.clone())).into_future());
    let ann = UserId::new("ann@example.org").expect("an address");
    let (url, mut hooks) = silent_app().await;
    let package = PackageName::new("org.example.demo").expect("a package");
    let app = NewApp {
        package: package.clone(),
        name: None,
        kind: AppKind::Background,
        public_url: url,
        permissions: Vec::new(),
        api_key: None,
        uuid_sessions: false,
        hardware: vec![],
        settings: Vec::new(),
    };
    shared.store.add_app(app).await.expect("a new app");
    shared.store.install(&ann, &package).await.expect("it exists");
    let create = |number| spawn(Breaks(service::new_session(&shared, &ann)), ann.clone(), number, &shared);
    shared.sessions.get_or_create(&ann, 1, create).expect("there is room");

    let mut phone = phone(&shared, &ann).await;
    send(&mut phone, json!({ "type": "start_app", "packageName": package })).await;
    let hook = timeout(Duration::from_secs(10), hooks.recv()).await.expect("in time").expect("a start");
    assert_eq!(hook["type"], "session_request");
    send(&mut phone, json!({ "type": "break" })).await;
    let mut errors = 0;
    let code = loop {
        match next(&mut phone).await {
            Ok(message) => errors += usize::from(message["type"] == "connection_error"),
            Err(code) => break code,
        }
    };
    assert_eq!((errors, code), (1, 1011));
    let hook = timeout(Duration::from_secs(10), hooks.recv()).await.expect("in time").expect("a stop");
    assert_eq!((&hook["type"], &hook["reason"]), (&json!("stop_request"), &json!("session_ended")));
    let numbers = shared.metrics.render(Duration::ZERO);
    assert!(numbers.contains("bifocal_sessions_ended_total{reason=\"fatal\"} 1"), "{numbers}");
    let disconnected = async {
        loop {
            let events = std::fs::read_to_string(folder.path().join("events.jsonl")).unwrap_or_default();
            let found = events.lines().find(|line| line.contains("disconnected")).map(str::to_owned);
            match found {
                Some(line) => break line,
                None => tokio::task::yield_now().await,
            }
        }
    };
    let line = timeout(Duration::from_secs(10), disconnected).await.expect("an event");
    assert!(line.contains("\"reason\":\"fatal\""), "{line}");
}
