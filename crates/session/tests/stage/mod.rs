//! The stage on which scenarios are played: a session, virtual time, and the language of the files.
//!
//! ```text
//! # comment
//! own dashboard [with weather]                        the cloud writes the dashboard when no app does; before anything else
//! wearer ADDRESS                                     whose session it is, if not ann@example.org's; before anything else
//! app PACKAGE [standard|background|system_dashboard] [PERMISSION …] [needs-HARDWARE …] [uuid]     registered and installed
//! ran PACKAGE                                        the user had it running
//! running PACKAGE on N [speaking v3] [wanting STREAM …]
//!                                                    furnishing: glasses 1 are connected and the user's record is read (if
//!                                                    they were not), the user has started the app, its webhook has answered,
//!                                                    its socket N is there, and 2 s have passed; both answer pings. Nothing
//!                                                    of that is listed
//! failing PACKAGE on N, COUNT times                  furnishing: its socket N is lost, and it has failed so often since. 1: it is
//!                                                    being started again; 2 to 4: it will be in a while; 5: it is given up
//! show everything                                    from here on messages, webhooks and snapshots are printed whole, else
//!                                                    without what is the same in every story
//! glasses N connects | says JSON | sends HEX | pongs | closes CODE | sends too much | presses BUTTON
//! app N connects as PACKAGE [with a wrong key | speaking v3] | says JSON | sends HEX | pongs | closes CODE | shows TEXT
//! app N confirms COUNT                               a pong, of a ping that went out after so many data messages
//! app N wants STREAM … | wants nothing | wants COUNT gestures      `subscription_update`, the whole list
//! show peers                                         from here on it is printed when an app is there for its other users,
//!                                                    and when it is gone
//! peers of PACKAGE say JSON                          something comes from them, or is known about them
//! glasses|app N answers pings | falls silent         from here on its pings are answered, and not listed, and what it is
//!                                                    sent is confirmed at once; or not any more
//! user loads | user load fails                       the newest LoadUser call ends
//! webhook N answers STATUS | fails REASON            call N ends
//! servers are well | ill                             from here on every question after an app's health is answered so, and not
//!                                                    listed
//! server N is well | is ill | is well and others closed, too      call N, a question after an app's health, ends
//! weather N is CELSIUS clear|rain | fails REASON     call N, a question for the weather, ends
//! token N is good | is bad
//! settings are JSON                                  the user has set the system settings on the phone; what is not said is
//!                                                    the default
//! photo NAME is here                                 the phone has uploaded it; the call goes on
//! photo N arrives | arrives at URL | cannot be passed on: REASON      call N, the upload of a photo, ends
//! media N makes NAME for STREAM [OUTPUT …] | fails REASON              call N, the making of a managed stream, ends; NAME is the
//!                                                    provider's
//! media NAME is waiting | preparing | live | lost | over [N watch] [OUTPUT works | fails] …
//! output N is NAME | is refused | fails REASON | is gone            call N, about a copy of a managed stream, ends
//! app PACKAGE is set [JSON, …]                       the user has chosen values for an app
//! device is JSON                                     the phone posts what it knows of the glasses, or a part of it
//! show speech                                        from here on it is printed what speech engines are told; else it is not,
//!                                                    and every stream is opened at once
//! no engines                                         no speech engine is well; before anything else. Else one is
//! engines are well | ill                             some speech engine is well again, or none is any more
//! glasses N talks TIME                               sound in frames of 100 ms, each at its time. What streams are given is
//!                                                    added up
//! speech N opens at ENGINE | ends | has consumed TIME | fails KIND [at ENGINE] [because REASON]
//! speech N hears {"n": 0, "text": "…", "from": 0, "to": 900, "final": true, "in": "de", "by": "1", "means": "…"}
//!                                                    words of utterance n, between two times of the stream's own sound: of
//!                                                    which language, by whom, and what it means in another
//! ask N transcripts PACKAGE [LANGUAGE] | sound PACKAGE
//! ask N start PACKAGE | stop PACKAGE | settings PACKAGE | view
//! ask N outputs of STREAM as PACKAGE [add URL | remove OUTPUT]       an app's server asks over REST
//! again COUNT: STATEMENT                             the same, many times at once; effects are counted, not listed
//! briefly: STATEMENT                                 effects are counted, not listed
//! wait TIME                                          120ms, 3s; every deadline on the way fires at its time. Of
//!                                                    those that are due together the first gives its name to all
//! install PACKAGE …                                  as `app`, in place of what it was, and the record is read again
//! uninstall PACKAGE                                  and the record is read again
//! nothing is due                                     the session has no deadline at all
//! end grace_expired | shutdown | manual | fatal
//! ```
//!
//! In every statement `UPLOAD`, `MEDIA` and `OUTPUT` stand for the number of the newest call about one, `STREAM` for the name
//! of the newest stream.
//!
//! In `again`, the word `N` stands for 1, 2, 3 …, and `70N` for 701, 702, 703 ….

mod camera;
mod render;
mod words;

use std::collections::BTreeSet;
use std::sync::Arc;

use bifocal_protocol::Timestamp;
use bifocal_protocol::ids::UserId;
use bifocal_protocol::speech_url::SpeechUrls;
use bifocal_session::{
    Call, CallId, CameraConfig, Config, ConnId, Effect, Effects, Input, Lane, MayFetch, Millis, Now, Outcome,
    PeerRequest, SessionState, SpeechCommand, SpeechEvent, Timings, UserData, UserSession, WebhookKind,
};

/// 2026-01-05T08:00:00Z: the wall clock when a story begins.
const WALL: i64 = 1_767_600_000_000;

/// A session and the world around it.
struct Stage {
    session: UserSession,
    at: u64,
    user: UserData,
    /// The call that reads the user's record, until it has ended.
    load_call: Option<CallId>,
    /// The newest start webhook.
    webhook_call: Option<CallId>,
    /// Whose pings are answered.
    answering: BTreeSet<u64>,
    everything: bool,
    peers: bool,
    speech: bool,
    /// The newest call about an upload, a managed stream and a copy, and the newest stream.
    newest: Vec<(&'static str, String)>,
    /// How every app's server answers when it is asked how it is.
    health: Option<bool>,
}

/// Plays a story: its text with the effects that really happen.
pub(crate) fn play(story: &str) -> Result<String, String> {
    let mut stage = Stage::new("ann@example.org", |_| ())?;
    let mut played = String::new();
    for (index, line) in story.lines().enumerate() {
        if line.starts_with(' ') {
            continue;
        }
        played.push_str(line.trim_end());
        played.push('\n');
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let lines = stage.statement(line.trim()).map_err(|error| format!("line {}: {error}: {line}", index + 1))?;
        for line in lines {
            played.push_str("    ");
            played.push_str(&line);
            played.push('\n');
        }
    }
    Ok(played)
}

impl Stage {
    fn new(wearer: &str, change: impl FnOnce(&mut Config)) -> Result<Self, String> {
        let mut config = Config {
            timings: Timings::DEFAULT,
            app_socket_url: "ws://127.0.0.1:8002/app-ws".to_owned(),
            public_url: "http://127.0.0.1:8002".to_owned(),
            speech_urls: SpeechUrls::new("http://127.0.0.1:8002", b"secret"),
            may_fetch: MayFetch::new(|url| url.starts_with("https://")),
            timezone: "Europe/Berlin".to_owned(),
            own_dashboard: false,
            weather: false,
            speech: true,
            camera: CameraConfig {
                upload_url: "http://127.0.0.1:8002/photos".to_owned(),
                direct_photos: false,
                managed_streams: true,
            },
            seed: [9; 32],
        };
        change(&mut config);
        let user = UserId::new(wearer).map_err(|error| error.to_string())?;
        let session = UserSession::new(user, config, now(0));
        let (user, answering) = (UserData::default(), BTreeSet::new());
        Ok(Self {
            session,
            at: 0,
            user,
            load_call: None,
            webhook_call: None,
            answering,
            everything: false,
            peers: false,
            speech: false,
            newest: Vec::new(),
            health: None,
        })
    }

    fn statement(&mut self, line: &str) -> Result<Vec<String>, String> {
        let named = self.newest.iter().fold(line.to_owned(), |line, (word, name)| line.replace(word, name));
        let line = named.as_str();
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["wearer", address] => *self = Self::new(address, |_| ())?,
            ["own", "dashboard", ref rest @ ..] => {
                let weather = !rest.is_empty();
                *self =
                    Self::new("ann@example.org", |config| (config.own_dashboard, config.weather) = (true, weather))?;
            }
            ["no", "engines"] => *self = Self::new("ann@example.org", |config| config.speech = false)?,
            ["glasses", conn, "talks", time] => {
                return self.talk(words::conn(conn)?, words::milliseconds(time)?);
            }
            ["app", package, ref rest @ ..]
                if words::number::<u64>(package).is_err() && rest.first() != Some(&"is") =>
            {
                self.user.installed.push(Arc::new(words::app(package, rest)?));
            }
            ["ran", package] => self.user.running.push(words::name(package)?),
            ["show", "everything"] => self.everything = true,
            ["show", "speech"] => self.speech = true,
            ["show", "peers"] => self.peers = true,
            ["servers", "are", word] => self.health = Some(word == "well"),
            ["running", package, "on", conn, ref rest @ ..] => self.furnish(package, words::conn(conn)?, rest)?,
            ["failing", _, "on", conn, count, "times"] => {
                self.let_fail(conn.trim_end_matches(','), words::number(count)?)?;
            }
            ["glasses" | "app", conn, "answers", "pings"] => {
                self.answering.insert(words::number(conn)?);
            }
            ["glasses" | "app", conn, "falls", "silent"] => {
                self.answering.remove(&words::number(conn)?);
            }
            ["nothing", "is", "due"] => match self.session.next_deadline() {
                None => {}
                Some((_, deadline)) => return Err(format!("{} is due", deadline.name())),
            },
            ["wait", time] => return Ok(self.wait(words::milliseconds(time)?)),
            ["briefly:", ..] => return self.again(1, line.trim_start_matches("briefly: ")),
            ["again", count, ..] if count.ends_with(':') => {
                let times: usize = words::number(count.trim_end_matches(':'))?;
                let statement = line.split_once(": ").ok_or("what again?")?.1;
                return self.again(times, statement);
            }
            ["install", package, ref rest @ ..] => {
                let record = words::app(package, rest)?;
                self.user.installed.retain(|app| app.package != record.package);
                self.user.installed.push(Arc::new(record));
                return Ok(self.step(Input::UserChanged));
            }
            ["uninstall", package] => {
                let package = words::name(package)?;
                self.user.installed.retain(|app| app.package != package);
                return Ok(self.step(Input::UserChanged));
            }
            ["user", "loads"] => {
                let user = Outcome::User(self.user.clone());
                return self.load_ends(user);
            }
            ["user", "load", "fails"] => return self.load_ends(Outcome::Failed { why: "the file is locked".into() }),
            _ => {
                let input = words::input(&words, line)?;
                return Ok(self.step(input));
            }
        }
        Ok(vec![])
    }

    /// An app that has been running for a while, on glasses that are there.
    fn furnish(&mut self, package: &str, conn: ConnId, rest: &[&str]) -> Result<(), String> {
        if self.session.state() == SessionState::Connecting {
            self.answering.insert(1);
            self.step(Input::GlassesConnected { conn: ConnId(1), sound: None });
        }
        if self.load_call.is_some() {
            self.statement("user loads")?;
        }
        let start = format!(r#"glasses 1 says {{"type":"start_app","packageName":"{package}"}}"#);
        self.statement(&start)?;
        let CallId(call) = self.webhook_call.take().ok_or("it does not start")?;
        self.statement(&format!("webhook {call} answers 200"))?;
        let (v3, rest) = match rest {
            ["speaking", "v3", rest @ ..] => (" speaking v3", rest),
            _ => ("", rest),
        };
        self.statement(&format!("app {} connects as {package}{v3}", conn.0))?;
        self.answering.insert(conn.0);
        if let ["wanting", streams @ ..] = rest {
            self.statement(&format!("app {} wants {}", conn.0, streams.join(" ")))?;
        }
        self.wait(2_000);
        Ok(())
    }

    /// An app that is lost, and whose server fails so often.
    fn let_fail(&mut self, conn: &str, count: u32) -> Result<(), String> {
        self.webhook_call = None;
        self.statement(&format!("app {conn} closes 1006"))?;
        self.wait(Timings::DEFAULT.app_grace);
        for _ in 1..count {
            for _ in 0..Timings::DEFAULT.webhook_attempts {
                // Until it is tried again.
                while self.webhook_call.is_none() {
                    self.wait(100);
                }
                let CallId(call) = self.webhook_call.take().ok_or("it is not started")?;
                self.statement(&format!("webhook {call} answers 500"))?;
            }
        }
        Ok(())
    }

    fn load_ends(&mut self, outcome: Outcome) -> Result<Vec<String>, String> {
        let call = self.load_call.take().ok_or("nobody loads")?;
        Ok(self.step(Input::CallDone { call, outcome: Box::new(outcome) }))
    }

    fn step(&mut self, input: Input) -> Vec<String> {
        let mut effects = Effects::new();
        self.session.handle(input, now(self.at), &mut effects);
        self.rendered(&mut effects, "")
    }

    /// The same statement many times in the same moment: counts effects by their first words.
    fn again(&mut self, times: usize, statement: &str) -> Result<Vec<String>, String> {
        let mut counts: Vec<(String, usize)> = Vec::new();
        let is_numbered =
            |word: &str| word.strip_suffix('N').is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()));
        let different = statement.split(' ').any(is_numbered);
        for turn in 1..=times {
            let numbered = |word: &str| match word.strip_suffix('N') {
                Some(rest) if is_numbered(word) => format!("{rest}{turn}"),
                _ => word.to_owned(),
            };
            let statement: Vec<String> = statement.split(' ').map(numbered).collect();
            for line in self.statement(&statement.join(" "))? {
                let head = head(&line, different);
                match counts.iter_mut().find(|(known, _)| *known == head) {
                    Some((_, count)) => *count += 1,
                    None => counts.push((head, 1)),
                }
            }
        }
        Ok(counts.into_iter().map(|(head, count)| format!("{count} × {head}")).collect())
    }

    /// Sound, 100 ms at a time. How much of it each stream was given is said at the end.
    fn talk(&mut self, conn: ConnId, ms: u64) -> Result<Vec<String>, String> {
        let mut lines = Vec::new();
        let mut given: Vec<(String, u64)> = Vec::new();
        for turn in 0..ms / 100 {
            let heard = self.step(Input::GlassesBinary { conn, data: vec![0; 3200].into() });
            let passed = if turn == 0 { String::new() } else { format!("+{}ms ", turn * 100) };
            let waited = self.wait(100);
            for (line, prefix) in
                heard.into_iter().map(|line| (line, &*passed)).chain(waited.into_iter().map(|line| (line, "")))
            {
                match sound(&line) {
                    None => lines.push(format!("{prefix}{line}")),
                    Some((stream, ms)) => match given.iter_mut().find(|(known, _)| known == stream) {
                        Some((_, sum)) => *sum += ms,
                        None => given.push((stream.to_owned(), ms)),
                    },
                }
            }
        }
        lines.extend(given.into_iter().map(|(stream, ms)| format!("{stream} sound {ms} ms")));
        Ok(lines)
    }

    /// Lets time pass, stopping at every deadline on the way.
    fn wait(&mut self, ms: u64) -> Vec<String> {
        let from = self.at;
        let until = self.at + ms;
        let mut lines = Vec::new();
        while let Some((Millis(at), deadline)) = self.session.next_deadline() {
            if at > until {
                break;
            }
            self.at = at.max(self.at);
            let mut effects = Effects::new();
            self.session.on_deadline(now(self.at), &mut effects);
            let prefix = format!("+{}ms {}: ", self.at - from, deadline.name());
            lines.extend(self.rendered(&mut effects, &prefix));
        }
        self.at = until;
        lines
    }

    /// The effects as lines. What the stage itself has to know of them is noted; pings that are answered are left out.
    fn rendered(&mut self, effects: &mut Effects, prefix: &str) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        let mut confirmed = BTreeSet::new();
        let (mut asked, mut opened) = (Vec::new(), Vec::new());
        for effect in effects.drain() {
            match &effect {
                Effect::Ping { conn } if self.answering.contains(&conn.0) => {
                    confirmed.insert(*conn);
                    continue;
                }
                Effect::Send { conn, lane: Lane::Data, .. } if self.answering.contains(&conn.0) => {
                    confirmed.insert(*conn);
                }
                Effect::Peers { what: PeerRequest::Here { .. } | PeerRequest::Gone, .. } if !self.peers => continue,
                Effect::Speech { stream, command } if !self.speech => {
                    if let SpeechCommand::Open { .. } = command {
                        opened.push(*stream);
                    }
                    continue;
                }
                Effect::Call { call, what: Call::Health { .. } } if self.health.is_some() => {
                    asked.push(*call);
                    continue;
                }
                Effect::Call { call, what: Call::LoadUser } => self.load_call = Some(*call),
                Effect::Call { call, what: Call::Webhook { kind: WebhookKind::Start, .. } } => {
                    self.webhook_call = Some(*call);
                }
                _ => {}
            }
            let line = format!("{prefix}{}", render::effect(&effect, self.everything));
            // Sound that is given at once is one line, whatever the frames are.
            let before = lines.last().and_then(|last| sound(last));
            let merged = match (before, sound(&line)) {
                (Some((who, before)), Some((same, more))) if who == same => {
                    Some(format!("{who} sound {} ms", before + more))
                }
                _ => None,
            };
            if merged.is_some() {
                lines.pop();
            }
            lines.push(merged.unwrap_or(line));
            if let Some((word, name)) = camera::newest(&effect) {
                self.newest.retain(|(known, _)| *known != word);
                self.newest.push((word, name));
            }
        }
        for call in asked {
            let healthy = self.health.unwrap_or_default();
            let outcome = Box::new(Outcome::Health { healthy, others_closed: false });
            lines.extend(self.step(Input::CallDone { call, outcome }));
        }
        for stream in opened {
            let event = Box::new(SpeechEvent::Opened { engine: "engine".into() });
            lines.extend(self.step(Input::Speech { stream, event }));
        }
        for conn in confirmed {
            let mut nothing = Effects::new();
            self.session.handle(Input::Confirmed { conn, count: u64::MAX }, now(self.at), &mut nothing);
            assert!(nothing.is_empty(), "a pong does something: {nothing:?}");
        }
        lines
    }
}

/// Who is given how many milliseconds of sound.
fn sound(line: &str) -> Option<(&str, u64)> {
    let (who, ms) = line.strip_suffix(" ms")?.split_once(" sound ")?;
    Some((who, ms.parse().ok()?))
}

/// The first words of an effect: a note whole; of calls and answers not which, and of nothing for whom, when that is
/// another one each time.
fn head(line: &str, different: bool) -> String {
    let mut words: Vec<&str> = line.split_whitespace().collect();
    if !line.starts_with("note") {
        words.truncate(4);
    }
    let numbered = words.get(1).is_some_and(|word| words::number::<u64>(word).is_ok());
    if numbered && (different || matches!(words[0], "call" | "answer")) {
        words.remove(1);
    }
    words.join(" ")
}

fn now(at: u64) -> Now {
    Now { at: Millis(at), wall: Timestamp(WALL + at as i64) }
}
