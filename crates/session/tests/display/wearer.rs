//! A session with its phone, its glasses and its apps, driven from outside: whoever is asked answers at once.

use std::sync::Arc;

use bifocal_protocol::Timestamp;
use bifocal_protocol::app::{AppKind, AppRecord};
use bifocal_protocol::ids::{PackageName, UserId};
use bifocal_protocol::speech_url::SpeechUrls;
use bifocal_session::{
    AppHello, Ask, AskId, Call, CallId, CameraConfig, Config, ConnId, Effect, Effects, Input, MayFetch, Millis, Now,
    Outcome, Timings, UserData, UserSession,
};
use serde_json::{Value, json};

/// What is to be seen on a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    Nothing,
    Picture(u64),
    /// The boot screen, with these names.
    Boot(String),
}

/// A frame that the session has sent.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) dashboard: bool,
    pub(crate) what: Seen,
}

pub(crate) struct Wearer {
    session: UserSession,
    pub(crate) now: u64,
    phone: Option<ConnId>,
    /// Which apps run, and on which sockets.
    apps: Vec<Option<ConnId>>,
    next_conn: u64,
    next_ask: u32,
    /// What was sent and not looked at yet.
    pub(crate) frames: Vec<Frame>,
}

pub(crate) fn name(app: usize) -> String {
    format!("app{app}")
}

fn package(app: usize) -> PackageName {
    PackageName::new(&format!("org.example.{}", name(app))).expect("good")
}

impl Wearer {
    /// Glasses are there, and apps of these kinds are installed.
    pub(crate) fn new(kinds: &[AppKind]) -> Self {
        let config = Config {
            timings: Timings::DEFAULT,
            app_socket_url: "ws://127.0.0.1:8002/app-ws".to_owned(),
            public_url: "http://127.0.0.1:8002".to_owned(),
            speech_urls: SpeechUrls::new("http://127.0.0.1:8002", b"secret"),
            may_fetch: MayFetch::new(|url| url.starts_with("https://")),
            timezone: "Europe/Berlin".to_owned(),
            own_dashboard: false,
            speech: true,
            weather: false,
            camera: CameraConfig::default(),
            seed: [3; 32],
        };
        let user = UserId::new("ann@example.org").expect("an address");
        let record = |(app, kind): (usize, &AppKind)| {
            Arc::new(AppRecord {
                package: package(app),
                name: name(app),
                kind: *kind,
                public_url: "http://127.0.0.1:7010".to_owned(),
                permissions: vec![],
                key_hash: [7; 32],
                uuid_sessions: false,
                hardware: vec![],
                settings: vec![],
            })
        };
        let installed = kinds.iter().enumerate().map(record).collect();
        let session = UserSession::new(user, config, at(0));
        let (apps, frames) = (vec![None; kinds.len()], vec![]);
        let mut wearer = Self { session, now: 0, phone: None, apps, next_conn: 0, next_ask: 0, frames };
        wearer.phone_comes();
        let data = UserData { installed, ..UserData::default() };
        wearer.step(Input::CallDone { call: CallId(1), outcome: Box::new(Outcome::User(data)) });
        wearer
    }

    pub(crate) fn runs(&self, app: usize) -> bool {
        self.apps[app].is_some()
    }

    pub(crate) fn phone_is_there(&self) -> bool {
        self.phone.is_some()
    }

    /// The user starts an app; its server answers, and its socket comes.
    pub(crate) fn start(&mut self, app: usize) {
        self.ask(Ask::StartApp(package(app)));
        let conn = self.conn();
        let hello = AppHello { package: package(app), key_hash: [7; 32], v3: false, reconnect: false };
        self.apps[app] = Some(conn);
        self.step(Input::AppConnected { conn, hello: Box::new(hello) });
    }

    pub(crate) fn stop(&mut self, app: usize) {
        self.ask(Ask::StopApp(package(app)));
    }

    pub(crate) fn app_says(&mut self, app: usize, message: &Value) {
        let conn = self.apps[app].expect("it runs");
        self.step(Input::AppText { conn, text: message.to_string().into() });
    }

    pub(crate) fn phone_goes(&mut self) {
        if let Some(conn) = self.phone.take() {
            self.step(Input::Closed { conn, code: 1006 });
        }
    }

    pub(crate) fn phone_comes(&mut self) {
        let conn = self.conn();
        self.phone = Some(conn);
        self.step(Input::GlassesConnected { conn, sound: None });
    }

    /// The glasses are off for a moment, and the phone says so.
    pub(crate) fn power_cut(&mut self) {
        for status in ["DISCONNECTED", "CONNECTED"] {
            let state = json!({"type": "glasses_connection_state", "modelName": "Even Realities G1", "status": status});
            let conn = self.phone.expect("it is there");
            self.step(Input::GlassesText { conn, text: state.to_string().into() });
        }
    }

    /// It is later, and what is due is done.
    pub(crate) fn wake(&mut self, now: u64) {
        self.now = now;
        while self.session.next_deadline().is_some_and(|(due, _)| due <= Millis(now)) {
            let mut effects = Effects::new();
            self.session.on_deadline(at(now), &mut effects);
            self.look(&mut effects);
        }
    }

    fn ask(&mut self, what: Ask) {
        self.next_ask += 1;
        self.step(Input::Asked { ask: AskId(self.next_ask), what: Box::new(what) });
    }

    fn conn(&mut self) -> ConnId {
        self.next_conn += 1;
        ConnId(self.next_conn)
    }

    fn step(&mut self, input: Input) {
        let mut effects = Effects::new();
        self.session.handle(input, at(self.now), &mut effects);
        self.look(&mut effects);
    }

    /// Notes what is shown, and answers what is asked.
    fn look(&mut self, effects: &mut Effects) {
        for effect in effects.drain().collect::<Vec<_>>() {
            match effect {
                Effect::Send { text, .. } => {
                    let message: Value = serde_json::from_str(&text).expect("JSON");
                    if message["type"] == "display_event" {
                        self.frames.push(frame(&message));
                    }
                }
                Effect::Ping { conn } => self.step(Input::Confirmed { conn, count: u64::MAX }),
                Effect::Call { call, what: Call::Webhook { .. } } => {
                    self.step(Input::CallDone { call, outcome: Box::new(Outcome::Webhook { status: 200 }) });
                }
                Effect::Close { conn, .. } | Effect::Abort { conn } => {
                    for app in self.apps.iter_mut().filter(|app| **app == Some(conn)) {
                        *app = None;
                    }
                }
                Effect::Ended { reason, .. } => panic!("it has ended: {}", reason.name()),
                _ => {}
            }
        }
    }
}

fn frame(message: &Value) -> Frame {
    let layout = &message["layout"];
    let text = layout["text"].as_str().expect("a text");
    let what = match layout["layoutType"].as_str() {
        Some("reference_card") => Seen::Boot(text.to_owned()),
        _ if text.is_empty() => Seen::Nothing,
        _ => Seen::Picture(text.parse().expect("a number")),
    };
    Frame { dashboard: message["view"] == "dashboard", what }
}

fn at(now: u64) -> Now {
    Now { at: Millis(now), wall: Timestamp(1_767_600_000_000 + now as i64) }
}
