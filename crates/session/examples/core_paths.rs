//! The core paths of a session, one at a time, for counting what they cost.
//!
//! `core_paths run PATH TIMES` does a path so often (under callgrind, the difference of two runs is what one costs);
//! `core_paths allocations` prints how many allocations, and of how many bytes, one costs.

#![allow(clippy::print_stdout, reason = "it prints its result")]

use std::sync::Arc;

use bifocal_protocol::app::{AppKind, AppRecord};
use bifocal_protocol::ids::{PackageName, UserId};
use bifocal_protocol::speech_url::SpeechUrls;
use bifocal_protocol::{Text, Timestamp};
use bifocal_session::{
    AppHello, Ask, AskId, CallId, CameraConfig, Config, ConnId, Effects, Input, MayFetch, Millis, Now, Outcome,
    Timings, UserData, UserSession,
};

const GLASSES: ConnId = ConnId(1);
const PATHS: [&str; 5] = ["relay_1", "relay_4", "display", "subscription", "deadline_scan"];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["run", path, times] => {
            let mut stage = Stage::new(path);
            for turn in 0..times.parse().expect("a number") {
                stage.turn(path, turn);
            }
        }
        ["allocations"] => {
            for path in PATHS {
                let mut stage = Stage::new(path);
                // The first turns fill what is kept; after them every turn costs the same.
                (0..8).for_each(|turn| stage.turn(path, turn));
                let counted = allocation_counter::measure(|| stage.turn(path, 8));
                println!("{path} {} {}", counted.count_total, counted.bytes_total);
            }
        }
        _ => panic!("core_paths run PATH TIMES | core_paths allocations; paths are {}", PATHS.join(", ")),
    }
}

struct Stage {
    session: UserSession,
    effects: Effects,
    at: u64,
    apps: u64,
    button: Text,
    displays: [Text; 2],
    subscriptions: [Text; 2],
}

impl Stage {
    /// A session with glasses and as many running apps as the path needs.
    fn new(path: &str) -> Self {
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
            seed: [1; 32],
        };
        let user = UserId::new("ann@example.org").expect("an address");
        let session = UserSession::new(user, config, now(0));
        let display = |text: &str| {
            let text = format!(
                r#"{{"type":"display_event","packageName":"org.example.app0","sessionId":"","view":"main","layout":{{"layoutType":"text_wall","text":"{text}"}},"timestamp":"2026-01-05T08:00:00.000Z"}}"#
            );
            Text::from(text)
        };
        let update = |list: &str| {
            Text::from(format!(
                r#"{{"type":"subscription_update","packageName":"org.example.app0","sessionId":"ann@example.org-org.example.app0","subscriptions":[{list}]}}"#
            ))
        };
        let mut stage = Self {
            session,
            effects: Effects::new(),
            at: 0,
            apps: if path == "relay_4" { 4 } else { 1 },
            button: Text::from(
                r#"{"type":"button_press","buttonId":"camera","pressType":"short","timestamp":1767600000000}"#,
            ),
            displays: [display("These words are on the glasses"), display("And these come after them")],
            subscriptions: [
                update(r#""transcription:en-US","button_press","head_position""#),
                update(r#""transcription:en-US","button_press""#),
            ],
        };
        stage.furnish(stage.apps);
        stage
    }

    fn furnish(&mut self, apps: u64) {
        let app = |n: u64| {
            Arc::new(AppRecord {
                package: package(n),
                name: format!("App {n}"),
                kind: if n == 0 { AppKind::Standard } else { AppKind::Background },
                public_url: "http://127.0.0.1:7010".to_owned(),
                permissions: vec![bifocal_protocol::permission::Permission::All],
                key_hash: [7; 32],
                uuid_sessions: false,
                hardware: vec![],
                settings: vec![],
            })
        };
        self.step(Input::GlassesConnected { conn: GLASSES, sound: None });
        let user = UserData { installed: (0..apps).map(app).collect(), ..UserData::default() };
        self.step(Input::CallDone { call: CallId(1), outcome: Box::new(Outcome::User(user)) });
        for n in 0..apps {
            let ask = AskId(u32::try_from(n).expect("few"));
            self.step(Input::Asked { ask, what: Box::new(Ask::StartApp(package(n))) });
            let hello = Box::new(AppHello { package: package(n), key_hash: [7; 32], v3: false, reconnect: false });
            self.step(Input::AppConnected { conn: ConnId(10 + n), hello });
            let text = Text::from(r#"{"type":"subscription_update","subscriptions":["button_press"]}"#);
            self.step(Input::AppText { conn: ConnId(10 + n), text });
        }
    }

    /// One turn of a path.
    fn turn(&mut self, path: &str, turn: usize) {
        match path {
            "relay_1" | "relay_4" => {
                self.step(Input::GlassesText { conn: GLASSES, text: self.button.clone() });
                // The apps have it.
                for n in 0..self.apps {
                    self.step(Input::Confirmed { conn: ConnId(10 + n), count: turn as u64 + 1 });
                }
            }
            "display" => {
                // Far enough apart for each to be drawn.
                self.at += 300;
                self.step(Input::AppText { conn: ConnId(10), text: self.displays[turn % 2].clone() });
            }
            "subscription" => {
                self.step(Input::AppText { conn: ConnId(10), text: self.subscriptions[turn % 2].clone() })
            }
            "deadline_scan" => {
                std::hint::black_box(self.session.next_deadline());
            }
            _ => panic!("paths are {}", PATHS.join(", ")),
        }
    }

    fn step(&mut self, input: Input) {
        self.session.handle(input, now(self.at), &mut self.effects);
        for effect in self.effects.drain() {
            std::hint::black_box(effect);
        }
    }
}

fn package(n: u64) -> PackageName {
    PackageName::new(&format!("org.example.app{n}")).expect("a package")
}

fn now(at: u64) -> Now {
    Now { at: Millis(at), wall: Timestamp(1_767_600_000_000 + at as i64) }
}
