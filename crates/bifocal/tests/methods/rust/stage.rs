//! One app server with all permissions, used by two wearers, and the system dashboard beside it, without any permission.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::{
    Json, Router,
    routing::{get, post},
};
use bifocal_sdk::prelude::*;
use bifocal_sdk::testing::{FakeCloud, FakeWearer};
use bifocal_sdk::wire::AppSetting;
use bifocal_sdk::{RunningServer, Wearer};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use super::inbox::{Inbox, WAIT};
use super::module::{Module, check};
use super::phone::{Phone, Wire};

pub(super) const APP: &str = "org.example.my-methods";
pub(super) const DASHBOARD: &str = "system.augmentos.dashboard";

/// Who and where everybody is.
pub(super) struct Names {
    pub(super) cloud: String,
    pub(super) key: String,
    /// What signs the tokens of the cloud's users.
    pub(super) token_key: String,
    /// Where direct streams go.
    pub(super) rtmp: String,
    /// E-mail addresses.
    pub(super) ann: String,
    pub(super) bob: String,
}

/// What an app server was called with.
#[derive(Clone)]
pub(super) enum Call {
    Session(AppSession),
    Stop { user: String, reason: String },
    Tool(ToolCall),
    Settings { user: String },
}

/// The developer's app: it tells what it is called with.
struct Methods(Arc<Inbox<Call>>);

impl App for Methods {
    async fn on_session(&self, session: AppSession) -> Result {
        self.0.push(Call::Session(session));
        Ok(())
    }

    async fn on_stop(&self, _: &str, user: &str, reason: &str) -> Result {
        self.0.push(Call::Stop { user: user.to_owned(), reason: reason.to_owned() });
        Ok(())
    }

    async fn on_tool_call(&self, call: ToolCall) -> Result<ToolReply> {
        let reply = ToolReply::Text(format!("did {}", call.tool_id));
        self.0.push(Call::Tool(call));
        Ok(reply)
    }

    async fn on_settings(&self, user: &str, _: &[AppSetting]) -> Result {
        self.0.push(Call::Settings { user: user.to_owned() });
        Ok(())
    }
}

/// An app server that runs, and what it is called with.
pub(super) struct Served {
    server: RunningServer,
    calls: Arc<Inbox<Call>>,
}

pub(super) struct Servers {
    pub(super) app: Served,
    pub(super) side: Served,
}

/// Everything but the sessions, which come when the phones are there.
pub(super) async fn serve(names: &Names, wire: &Wire) -> Servers {
    let served = async |package: &str| {
        let calls = Arc::new(Inbox::default());
        let whoami = async |wearer: Option<Wearer>| Json(json!({"user": wearer.map(|Wearer(user)| user)}));
        let server = AppServer::builder(package, &names.key)
            .listen_on(SocketAddr::from(([127, 0, 0, 1], 0)))
            .require_signature()
            .cloud(&names.cloud)
            .user_token_key(&names.token_key)
            .pages(Router::new().route("/whoami", get(whoami)).route("/elsewhere", post(async || "thank you")));
        let server = server.start(Methods(calls.clone())).await.unwrap_or_else(|error| {
            wire.print(json!({"event": "stray", "message": error.to_string()}));
            panic!("no server: {error}")
        });
        Served { server, calls }
    };
    Servers { app: served(APP).await, side: served(DASHBOARD).await }
}

impl Served {
    pub(super) fn port(&self) -> u16 {
        self.server.address().port()
    }

    async fn session_of(&self, user: &str) -> AppSession {
        let is_theirs = |call: &Call| matches!(call, Call::Session(session) if session.user_id() == user);
        match self.calls.next("the session", 0, is_theirs).await {
            Ok(Call::Session(session)) => session,
            _ => panic!("no session of {user}"),
        }
    }
}

/// What rows see.
pub(super) struct Stage {
    pub(super) names: Names,
    pub(super) wire: Wire,
    pub(super) ann: Phone,
    pub(super) bob: Phone,
    /// Ann's session, Bob's, and that of Ann's dashboard.
    pub(super) session: AppSession,
    pub(super) peer: AppSession,
    pub(super) dashboard: AppSession,
    pub(super) calls: Arc<Inbox<Call>>,
    pub(super) http: reqwest::Client,
    /// Where the app listens.
    pub(super) url: String,
    /// Until the last row stops it.
    pub(super) server: Mutex<Option<RunningServer>>,
    _side: Served,
    ran: Mutex<BTreeSet<(String, String)>>,
    /// Settings are changed one after the other, as people do.
    changing: tokio::sync::Mutex<()>,
}

impl Stage {
    /// Starts the app for both wearers. The dashboard is started by the server.
    pub(super) async fn begin(names: Names, wire: &Wire, servers: Servers) -> Stage {
        let Servers { app, side } = servers;
        let (ann, bob) = (wire.phone("ann"), wire.phone("bob"));
        let dashboard = side.session_of(&names.ann).await;
        for phone in [&ann, &bob] {
            phone.play(&format!("start {APP}")).await.unwrap_or_else(|error| panic!("not started: {error}"));
        }
        let (session, peer) = (app.session_of(&names.ann).await, app.session_of(&names.bob).await);
        for session in [&session, &peer, &dashboard] {
            watch(session, wire).await;
        }
        let url = format!("http://127.0.0.1:{}", app.port());
        let http = reqwest::Client::builder().no_proxy().build().unwrap_or_default();
        let Served { server, calls } = app;
        let stage = Stage {
            names,
            wire: wire.clone(),
            ann,
            bob,
            session,
            peer,
            dashboard,
            calls,
            http,
            url,
            server: Mutex::new(Some(server)),
            _side: side,
            ran: Mutex::default(),
            changing: tokio::sync::Mutex::default(),
        };
        // Bob wears glasses with a camera, lights and Wi-Fi; the server asks nothing of glasses that they cannot do.
        let worn = stage.bob.tells(glasses("Mentra Live")).await;
        let known = stage.eventually("Bob's glasses", || stage.model_of(&stage.peer, "Mentra Live")).await;
        if let Err(error) = worn.and(known) {
            panic!("the stage is not set: {error}");
        }
        stage
    }

    pub(super) fn module(&self, name: &'static str) -> Module<'_> {
        Module::new(name, self)
    }

    pub(super) fn model_of(&self, session: &AppSession, model: &str) -> bool {
        session.capabilities().is_some_and(|glasses| glasses.model_name == model)
    }

    /// The server takes the messages of a connection in their order: when it has answered this it has taken all before.
    pub(super) async fn synced(&self, session: &AppSession) -> Result {
        session.camera().existing_stream().await?;
        Ok(())
    }

    /// Opens a stream, lets something happen, and waits for the event that fits.
    pub(super) async fn hears<T: Send + 'static>(
        &self,
        session: &AppSession,
        opened: impl Future<Output = Result<EventStream<T>, Error>>,
        make: impl Future<Output = Result>,
        fits: impl Fn(&T) -> bool,
    ) -> Result<T> {
        let mut stream = opened.await?;
        self.synced(session).await?;
        make.await?;
        let found = async {
            while let Some(event) = stream.next().await {
                if fits(&event) {
                    return Some(event);
                }
            }
            None
        };
        let found = timeout(WAIT, found).await.map_err(|_| "the event did not come")?;
        found.ok_or_else(|| "the session is over".into())
    }

    /// Ann's display shows this text.
    pub(super) async fn shows(&self, act: impl Future<Output = Result<(), Error>>, view: &str, text: &str) -> Result {
        let mark = self.ann.mark();
        act.await?;
        self.ann.sees(mark, "display", |event| event["text"] == text && event["view"] == view).await.map(drop)
    }

    /// Asks until the answer is yes.
    pub(super) async fn eventually(&self, what: &str, ask: impl Fn() -> bool) -> Result {
        let until = Instant::now() + WAIT;
        while !ask() {
            check(Instant::now() < until, format!("waited for {what}"))?;
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Ann changes a setting of the app.
    pub(super) async fn sets(&self, key: &str, value: impl Into<Value>) -> Result {
        let _one = self.changing.lock().await;
        let body = json!({"key": key, "value": value.into()});
        self.ann.rest("POST", &format!("/appsettings/{APP}"), body).await.map(drop)
    }

    pub(super) fn ran(&self, module: &str, method: &str) {
        self.lock_ran().insert((module.to_owned(), method.to_owned()));
    }

    pub(super) fn has_run(&self, module: &str, method: &str) -> bool {
        self.lock_ran().contains(&(module.to_owned(), method.to_owned()))
    }

    fn lock_ran(&self) -> std::sync::MutexGuard<'_, BTreeSet<(String, String)>> {
        self.ran.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A message that the SDK does not understand must not come.
pub(super) async fn watch(session: &AppSession, wire: &Wire) {
    let Ok(oddities) = session.events().oddities().await else { return };
    let wire = wire.clone();
    oddities.each(move |why| {
        wire.print(json!({"event": "stray", "message": why}));
        std::future::ready(())
    });
}

/// Somebody of whom the SDK's own fake cloud says what the row wants.
pub(super) async fn fake() -> FakeWearer {
    FakeCloud::new(Methods(Arc::default())).start("fake@example.org").await
}

pub(super) fn glasses(model: &str) -> Value {
    json!({"type": "glasses_connection_state", "modelName": model, "status": "CONNECTED"})
}
