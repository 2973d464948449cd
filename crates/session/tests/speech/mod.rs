//! A wearer who counts aloud, an app that writes down what it hears, and engines that understand numbers.
//!
//! Every word is a stretch of samples that carry its number, so that an engine which begins to listen in the middle hears
//! only what it was given. It has recognised a word when it has all of it, and says so some time later.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use bifocal_protocol::Timestamp;
use bifocal_protocol::app::{AppKind, AppRecord};
use bifocal_protocol::ids::{PackageName, UserId};
use bifocal_protocol::permission::Permission;
use bifocal_session::{
    AppHello, Call, CameraConfig, Config, ConnId, Effect, Effects, Heard, Input, Millis, Now, Outcome, SpeechCommand,
    SpeechEvent, SpeechFailure, SpeechFault, SpeechId, Timings, UserData, UserSession,
};
use bytes::Bytes;
use serde_json::Value;

const PHONE: ConnId = ConnId(1);
const APP: ConnId = ConnId(2);
const KEY: [u8; 32] = [7; 32];

/// What can go wrong.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// The connection is cut.
    Cut,
    /// The engine ends the stream in good order.
    Ends,
    /// It says nothing for three seconds, until whoever drives it gives up.
    Stalls,
    /// It has too much to do.
    Busy,
    /// It is cut, and the next one does not take us.
    RefusesNext,
}

/// A stream that listens: for each millisecond of its sound the number that was said in it.
struct Engine {
    heard: VecDeque<u32>,
    /// How much of it is said already, and gone.
    told: u64,
    utterance: u64,
    mute: bool,
}

pub(crate) struct Wearer {
    session: UserSession,
    at: u64,
    said: u64,
    word_ms: u64,
    lag_ms: u64,
    frame_ms: u64,
    engines: BTreeMap<SpeechId, Engine>,
    streams: u32,
    refusals: u32,
    /// Final words of the app, and the utterance of each.
    heard: Vec<(u32, String)>,
    /// Utterances of which it has heard something.
    interim: BTreeSet<String>,
    /// How many words it has forgotten.
    forgotten: u64,
}

impl Wearer {
    pub(crate) fn new(word_ms: u64, lag_ms: u64, frame_ms: u64) -> Self {
        let user = UserId::new("ann@example.org").expect("an address");
        let config = Config {
            camera: CameraConfig::default(),
            timings: Timings::DEFAULT,
            app_socket_url: "ws://127.0.0.1:8002/app-ws".to_owned(),
            public_url: "http://127.0.0.1:8002".to_owned(),
            speech_urls: bifocal_protocol::speech_url::SpeechUrls::new("http://127.0.0.1:8002", b"secret"),
            may_fetch: bifocal_session::MayFetch::new(|_| false),
            timezone: "UTC".to_owned(),
            own_dashboard: false,
            weather: false,
            speech: true,
            seed: [9; 32],
        };
        let session = UserSession::new(user, config, now(0));
        let (engines, interim) = (BTreeMap::new(), BTreeSet::new());
        let mut wearer = Self {
            session,
            at: 0,
            said: 0,
            word_ms,
            lag_ms,
            frame_ms,
            engines,
            streams: 0,
            refusals: 0,
            heard: Vec::new(),
            interim,
            forgotten: 0,
        };
        wearer.begin();
        wearer
    }

    fn begin(&mut self) {
        let package = PackageName::new("org.example.demo").expect("good");
        let record = AppRecord {
            package: package.clone(),
            name: "demo".to_owned(),
            kind: AppKind::Background,
            public_url: "http://127.0.0.1:7010".to_owned(),
            permissions: vec![Permission::Microphone],
            key_hash: KEY,
            uuid_sessions: false,
            hardware: vec![],
            settings: vec![],
        };
        let data =
            UserData { installed: vec![Arc::new(record)], running: vec![package.clone()], ..UserData::default() };
        self.step(Input::GlassesConnected { conn: PHONE, sound: None });
        let load = self.load_call();
        self.step(Input::CallDone { call: load, outcome: Box::new(Outcome::User(data)) });
        let hello = AppHello { package, key_hash: KEY, v3: false, reconnect: false };
        self.step(Input::AppConnected { conn: APP, hello: Box::new(hello) });
        let wants = r#"{"type":"subscription_update","subscriptions":["transcription:en-US"]}"#;
        self.step(Input::AppText { conn: APP, text: wants.into() });
        assert_eq!(self.streams, 1, "an engine listens");
    }

    /// The first call of a session reads the user's record.
    fn load_call(&self) -> bifocal_session::CallId {
        bifocal_session::CallId(1)
    }

    /// The wearer counts for so long.
    pub(crate) fn talk(&mut self, ms: u64) {
        let until = self.said + ms;
        while self.said < until {
            let frame = (until - self.said).min(self.frame_ms);
            let numbers = (self.said..self.said + frame).map(|ms| (ms / self.word_ms) as u32 + 1);
            // A sample says a number in base 32768; two of the 16 of a millisecond are enough.
            let sound: Vec<u8> = numbers.flat_map(millisecond).collect();
            self.said += frame;
            self.step(Input::GlassesBinary { conn: PHONE, data: sound.into() });
            self.pass(frame);
        }
    }

    /// Nobody says anything.
    pub(crate) fn quiet(&mut self, ms: u64) {
        for _ in 0..ms / 100 {
            self.pass(100);
        }
    }

    /// Something goes wrong with the stream that listens.
    pub(crate) fn fails(&mut self, fault: Fault) {
        let Some((id, _)) = self.engines.first_key_value() else { return };
        let id = *id;
        match fault {
            Fault::Cut => self.lose(id, SpeechFault::Lost),
            Fault::Busy => self.lose(id, SpeechFault::Busy { retry_after: None }),
            Fault::Ends => {
                self.engines.remove(&id);
                self.step(Input::Speech { stream: id, event: Box::new(SpeechEvent::Closed) });
            }
            Fault::Stalls => {
                self.engines.get_mut(&id).expect("it listens").mute = true;
                self.talk(3_000);
                if self.engines.contains_key(&id) {
                    self.lose(id, SpeechFault::Stalled);
                }
            }
            Fault::RefusesNext => {
                self.refusals += 1;
                self.lose(id, SpeechFault::Lost);
            }
        }
    }

    fn lose(&mut self, id: SpeechId, kind: SpeechFault) {
        self.engines.remove(&id);
        let engine = Some(if id.0.is_multiple_of(2) { "engine-a" } else { "engine-b" }.into());
        let failure = SpeechFailure { engine, kind, why: "as the test wants".to_owned() };
        self.step(Input::Speech { stream: id, event: Box::new(SpeechEvent::Failed(failure)) });
    }

    /// How many streams there were.
    pub(crate) fn streams(&self) -> u32 {
        self.streams
    }

    /// The app forgets what it wrote down: only the session's memory grows, if any does.
    pub(crate) fn forget(&mut self) {
        (self.heard, self.interim) = (Vec::new(), BTreeSet::new());
        self.forgotten = self.said / self.word_ms;
    }

    /// Every word once, in order; and each utterance is one word.
    pub(crate) fn check(&self) {
        let whole = (self.said / self.word_ms) as u32;
        let numbers: Vec<u32> = self.heard.iter().map(|(number, _)| *number).collect();
        // The last one may not be a whole word.
        let expected: Vec<u32> = (self.forgotten as u32 + 1..=whole).collect();
        let first = numbers.iter().position(|number| *number > self.forgotten as u32).unwrap_or(numbers.len());
        let numbers = &numbers[first..];
        assert_eq!(&numbers[..numbers.len().min(expected.len())], &expected[..], "every word once and in order");
        assert!(numbers.len() <= expected.len() + 1, "{} words of {}", numbers.len(), expected.len());
        let mut names: Vec<&String> = self.heard.iter().map(|(_, name)| name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), self.heard.len(), "each word has an id of its own");
    }

    fn pass(&mut self, ms: u64) {
        let until = self.at + ms;
        while let Some((Millis(due), _)) = self.session.next_deadline().filter(|(at, _)| at.0 <= until) {
            self.at = due.max(self.at);
            let mut effects = Effects::new();
            self.session.on_deadline(now(self.at), &mut effects);
            self.act(effects);
        }
        self.at = until;
        if until / 100 == (until - ms) / 100 {
            return;
        }
        let ids: Vec<SpeechId> = self.engines.keys().copied().collect();
        ids.into_iter().for_each(|id| self.listen(id, false));
        // Everybody answers pings.
        self.step(Input::Alive { conn: PHONE });
        self.step(Input::Confirmed { conn: APP, count: u64::MAX });
    }

    /// An engine says what it has understood so far.
    fn listen(&mut self, id: SpeechId, tail: bool) {
        let lag = if tail { 0 } else { self.lag_ms };
        loop {
            let Some(engine) = self.engines.get_mut(&id).filter(|engine| !engine.mute) else { return };
            let Some(&number) = engine.heard.front() else { return };
            let word = engine.heard.iter().take_while(|other| **other == number).count() as u64;
            let here = engine.heard.len() as u64;
            let complete = here > word || tail;
            let ready = here >= word + lag;
            let event = Heard {
                utterance: engine.utterance,
                text: number.to_string(),
                is_final: complete && ready,
                start_ms: engine.told,
                end_ms: engine.told + word,
                language: None,
                speaker: None,
                confidence: None,
                translation: None,
            };
            if complete && ready {
                engine.heard.drain(..word as usize);
                engine.told += word;
                engine.utterance += 1;
            }
            let done = !(complete && ready);
            self.step(Input::Speech { stream: id, event: Box::new(SpeechEvent::Heard(event)) });
            if done {
                return;
            }
        }
    }

    fn step(&mut self, input: Input) {
        let mut effects = Effects::new();
        self.session.handle(input, now(self.at), &mut effects);
        self.act(effects);
    }

    fn act(&mut self, mut effects: Effects) {
        for effect in effects.drain() {
            match effect {
                Effect::Speech { stream, command: SpeechCommand::Open { .. } } => {
                    self.streams += 1;
                    let (heard, told, utterance, mute) = (VecDeque::new(), 0, 0, false);
                    self.engines.insert(stream, Engine { heard, told, utterance, mute });
                    if self.refusals > 0 {
                        self.refusals -= 1;
                        self.lose(stream, SpeechFault::Refused);
                    } else {
                        let engine = if stream.0.is_multiple_of(2) { "engine-a" } else { "engine-b" }.into();
                        self.step(Input::Speech { stream, event: Box::new(SpeechEvent::Opened { engine }) });
                    }
                }
                Effect::Speech { stream, command: SpeechCommand::Audio(data) } => {
                    if let Some(engine) = self.engines.get_mut(&stream) {
                        engine.heard.extend(numbers(&data));
                    }
                }
                Effect::Speech { stream, command: SpeechCommand::Finalise } => self.listen(stream, true),
                Effect::Speech { stream, command: SpeechCommand::Close } => drop(self.engines.remove(&stream)),
                Effect::Send { conn: APP, text, .. } => self.note(&text),
                Effect::Call { call, what: Call::LoadUser } => assert_eq!(call, self.load_call()),
                _ => {}
            }
        }
    }

    fn note(&mut self, text: &str) {
        let message: Value = serde_json::from_str(text).expect("JSON");
        if message["type"] != "data_stream" {
            return;
        }
        let data = &message["data"];
        let name = data["utteranceId"].as_str().expect("an id").to_owned();
        if data["isFinal"] == false {
            assert!(self.heard.iter().all(|(_, done)| *done != name), "what is final does not change");
            self.interim.insert(name);
            return;
        }
        let text = data["text"].as_str().expect("words");
        self.heard.push((text.parse().expect("a number"), name));
    }
}

/// The sound of a millisecond: its number in the first two of 16 samples.
fn millisecond(number: u32) -> [u8; 32] {
    let mut sound = [0; 32];
    sound[..2].copy_from_slice(&((number >> 15) as u16).to_le_bytes());
    sound[2..4].copy_from_slice(&((number & 0x7fff) as u16).to_le_bytes());
    sound
}

fn numbers(data: &Bytes) -> Vec<u32> {
    let number = |sound: &[u8]| {
        let sample = |at: usize| u32::from(u16::from_le_bytes([sound[at], sound[at + 1]]));
        (sample(0) << 15) | sample(2)
    };
    data.chunks_exact(32).map(number).collect()
}

fn now(at: u64) -> Now {
    Now { at: Millis(at), wall: Timestamp(1_767_600_000_000 + at as i64) }
}
