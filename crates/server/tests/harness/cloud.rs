//! A running server with its store and its folder.

use std::net::SocketAddr;
use std::path::Path;

use bifocal_protocol::app::AppKind;
use bifocal_protocol::ids::{PackageName, UserId};
use bifocal_providers::SpeechConfig;
use bifocal_providers::translate::TranslateConfig;
use bifocal_providers::voice::VoiceConfig;
use bifocal_server::{Limits, NetworkPolicy, PhotoRetention, Server, ServerConfig};
use bifocal_session::Timings;
use bifocal_store::{NewApp, Store};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::app_server::{AppServer, Hook};
use super::http::{Reply, request};
use super::logs::NoErrors;
use super::socket::Socket;
use super::token;

/// What core tokens are signed with.
pub const SECRET: &[u8] = b"a secret that only tests know";
/// The key of the operator.
pub const ADMIN_KEY: &str = "the key of the operator";
/// The one user that most tests need.
pub const ANN: &str = "ann@example.org";

pub struct Cloud {
    pub server: Server,
    pub store: Store,
    pub address: SocketAddr,
    pub folder: TempDir,
    pub no_errors: NoErrors,
}

/// An app in the catalogue, with its server.
pub struct App {
    pub package: String,
    pub key: String,
    pub server: AppServer,
}

/// An app that runs for a user.
pub struct Running {
    pub socket: Socket,
    /// The start webhook.
    pub hook: Hook,
    pub ack: Value,
}

/// The settings of a server of a test.
pub fn config(folder: &Path) -> ServerConfig {
    ServerConfig {
        listen: "127.0.0.1:0".parse().expect("an address"),
        public_url: None,
        udp_listen: None,
        udp_address: None,
        data: folder.to_path_buf(),
        jwt_secret: SECRET.to_vec(),
        user_token_key: None,
        admin_key: ADMIN_KEY.to_owned(),
        timezone: "UTC".to_owned(),
        weather_url: None,
        speech: SpeechConfig { engines: Some(vec![]) },
        translate: TranslateConfig::default(),
        voice: VoiceConfig { engines: Some(vec![]), require_signature: None },
        direct_photos: false,
        photos: PhotoRetention::default(),
        timings: Timings::DEFAULT,
        networks: NetworkPolicy::loopback(),
        limits: Limits::default(),
        events: bifocal_server::EventSink::Off,
        streams: bifocal_server::StreamsConfig::Off,
    }
}

pub fn user_id(user: &str) -> UserId {
    UserId::new(user).expect("an address")
}

pub fn package_name(package: &str) -> PackageName {
    PackageName::new(package).expect("a package")
}

/// An app that needs nothing.
pub fn new_app(package: &str, url: &str) -> NewApp {
    NewApp {
        package: package_name(package),
        name: None,
        kind: AppKind::Standard,
        public_url: url.to_owned(),
        permissions: Vec::new(),
        api_key: None,
        uuid_sessions: false,
        hardware: vec![],
        settings: Vec::new(),
    }
}

/// The first message of an app of the second SDK generation.
pub fn init(session_id: &str, package: &str, key: &str) -> Value {
    json!({
        "type": "tpa_connection_init",
        "sessionId": session_id,
        "packageName": package,
        "apiKey": key,
        "timestamp": "2026-01-05T10:00:00.000Z",
    })
}

impl Cloud {
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// With settings that differ.
    pub async fn with(change: impl FnOnce(&mut ServerConfig)) -> Self {
        let no_errors = NoErrors::from_now_on();
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).await.expect("a new store");
        let mut config = config(folder.path());
        change(&mut config);
        let server = Server::start(config, store.clone()).await.expect("loopback has a free port");
        Self { address: server.address(), server, store, folder, no_errors }
    }

    /// A phone whose session is there: the ack was read.
    pub async fn phone(&self, user: &str) -> Socket {
        self.phone_with_ack(user).await.0
    }

    pub async fn phone_with_ack(&self, user: &str) -> (Socket, Value) {
        let mut phone = self.open_phone(user).await;
        let ack = phone.until("connection_ack").await;
        (phone, ack)
    }

    /// A phone's socket, with nothing read yet.
    pub async fn open_phone(&self, user: &str) -> Socket {
        let authorization = format!("Bearer {}", token::good(user));
        Socket::open(self.address, "/glasses-ws", &[("Authorization", &authorization)]).await
    }

    /// An app's socket, with nothing said yet.
    pub async fn open_app(&self) -> Socket {
        Socket::open(self.address, "/app-ws", &[]).await
    }

    /// An app of the standard kind, installed for a user.
    pub async fn app(&self, user: &str, package: &str) -> App {
        self.app_like(user, package, |_| {}).await
    }

    /// An app with a declaration that differs.
    pub async fn app_like(&self, user: &str, package: &str, change: impl FnOnce(&mut NewApp)) -> App {
        let server = AppServer::start().await;
        let mut new = new_app(package, &server.url);
        change(&mut new);
        let key = self.install(user, new).await;
        App { package: package.to_owned(), key, server }
    }

    /// Adds an app and installs it for a user; gives its key. Done before the phone connects, the session knows it at once.
    pub async fn install(&self, user: &str, app: NewApp) -> String {
        let (user, package) = (user_id(user), app.package.clone());
        let key = self.store.add_app(app).await.expect("a new app").to_string();
        self.store.install(&user, &package).await.expect("it exists");
        key
    }

    /// `POST`, with the token of a user.
    pub async fn post(&self, path: &str, user: &str) -> Reply {
        let authorization = format!("Bearer {}", token::good(user));
        request(self.address, "POST", path, &[("Authorization", &authorization)], "").await
    }

    pub async fn get(&self, path: &str) -> Reply {
        request(self.address, "GET", path, &[], "").await
    }

    /// A request of the operator.
    pub async fn admin(&self, method: &str, path: &str, body: &str) -> Reply {
        let authorization = format!("Bearer {ADMIN_KEY}");
        let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
        request(self.address, method, path, &headers, body).await
    }

    /// What the operator sees of a user's session.
    pub async fn view(&self, user: &str) -> Option<Value> {
        let sessions = self.admin("GET", "/api/admin/sessions", "").await.json();
        let mut sessions = sessions["sessions"].as_array().expect("a list").clone().into_iter();
        sessions.find(|session| session["user"] == user)
    }

    pub async fn start_app(&self, user: &str, package: &str) -> Reply {
        self.post(&format!("/apps/{package}/start"), user).await
    }

    pub async fn stop_app(&self, user: &str, package: &str) -> Reply {
        self.post(&format!("/apps/{package}/stop"), user).await
    }

    /// Starts an app over REST and connects it as an SDK of the second generation does. The user's session must be there.
    pub async fn run(&self, user: &str, app: &mut App) -> Running {
        let package = app.package.clone();
        let (reply, running) = tokio::join!(self.start_app(user, &package), self.answer_start(app));
        assert_eq!(reply.status, 200, "{reply:?}");
        running
    }

    /// What an app does when its start webhook comes.
    pub async fn answer_start(&self, app: &mut App) -> Running {
        let hook = app.server.hook().await;
        let mut socket = self.open_app().await;
        socket.send(init(hook.text("sessionId"), &app.package, &app.key)).await;
        let ack = socket.until("tpa_connection_ack").await;
        Running { socket, hook, ack }
    }
}
