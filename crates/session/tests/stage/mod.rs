//! The stage on which scenarios are played: a session, virtual time, and the language of the files.
//!
//! ```text
//! # comment
//! app PACKAGE [standard|background|system_dashboard] [PERMISSION …] [uuid]     registered and installed
//! ran PACKAGE                                        the user had it running
//! show snapshot                                      print `userSession` whole (else only the two lists of apps)
//! glasses N connects | says JSON | sends HEX | pongs | closes CODE | sends too much
//! app N connects as PACKAGE [with a wrong key] | says JSON | sends HEX | pongs | closes CODE
//! user loads | user load fails                       the newest LoadUser call ends
//! webhook N answers STATUS | fails REASON            call N ends
//! server N is well | is ill | is well and others closed, too      call N, a question after an app's health, ends
//! token N is good | is bad
//! ask N start PACKAGE | stop PACKAGE | view
//! again COUNT: STATEMENT                             the same, many times at once; effects are counted, not listed
//! wait TIME                                          120ms, 3s; every deadline on the way fires at its time
//! uninstall PACKAGE                                  and the record is read again
//! end grace_expired | shutdown | manual | fatal
//! ```

mod render;

use std::sync::Arc;

use bifocal_protocol::app::{AppKind, AppRecord};
use bifocal_protocol::ids::{PackageName, UserId};
use bifocal_protocol::{Text, Timestamp};
use bifocal_session::{
    AppHello, Ask, AskId, Call, CallId, Config, ConnId, Effect, Effects, EndReason, Input, Millis, Now, Outcome,
    Timings, UserData, UserSession,
};
use bytes::Bytes;

/// 2026-01-05T08:00:00Z: the wall clock when a story begins.
const WALL: i64 = 1_767_600_000_000;
const GOOD_KEY: [u8; 32] = [7; 32];

/// A session and the world around it.
struct Stage {
    session: UserSession,
    at: u64,
    user: UserData,
    load_call: Option<CallId>,
    show_snapshot: bool,
}

/// Plays a story: its text with the effects that really happen.
pub(crate) fn play(story: &str) -> Result<String, String> {
    let mut stage = Stage::new();
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
    fn new() -> Self {
        let user = UserId::new("ann@example.org").expect("an address");
        let config = Config {
            timings: Timings::DEFAULT,
            app_socket_url: "ws://127.0.0.1:8002/app-ws".to_owned(),
            seed: [9; 32],
        };
        let session = UserSession::new(user, config, now(0));
        Self { session, at: 0, user: UserData::default(), load_call: None, show_snapshot: false }
    }

    fn statement(&mut self, line: &str) -> Result<Vec<String>, String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["app", package, ref rest @ ..] if number::<u64>(package).is_err() => {
                self.register(package, rest).map(|()| vec![])
            }
            ["ran", package] => {
                self.user.running.push(name(package)?);
                Ok(vec![])
            }
            ["show", "snapshot"] => {
                self.show_snapshot = true;
                Ok(vec![])
            }
            ["wait", time] => self.wait(milliseconds(time)?),
            ["again", count, ..] if count.ends_with(':') => {
                let times: usize = count.trim_end_matches(':').parse().map_err(|_| "how often?")?;
                let statement = line.split_once(": ").ok_or("what again?")?.1;
                self.again(times, statement)
            }
            ["uninstall", package] => {
                let package = name(package)?;
                self.user.installed.retain(|app| app.package != package);
                self.step(Input::UserChanged)
            }
            _ => {
                let input = self.input(&words, line)?;
                self.step(input)
            }
        }
    }

    fn register(&mut self, package: &str, words: &[&str]) -> Result<(), String> {
        let mut record = AppRecord {
            package: name(package)?,
            name: package.rsplit('.').next().unwrap_or(package).to_owned(),
            kind: AppKind::Standard,
            public_url: "http://127.0.0.1:7010".to_owned(),
            permissions: vec![],
            key_hash: GOOD_KEY,
            uuid_sessions: false,
            settings: vec![],
        };
        for word in words {
            match word.parse() {
                Ok(kind) => record.kind = kind,
                Err(_) if *word == "uuid" => record.uuid_sessions = true,
                Err(_) => record.permissions.push(word.parse()?),
            }
        }
        self.user.installed.push(Arc::new(record));
        Ok(())
    }

    fn input(&self, words: &[&str], line: &str) -> Result<Input, String> {
        let json = || line.find('{').map(|at| Text::from(&line[at..])).ok_or("a message is missing");
        let input = match *words {
            ["glasses", conn, "connects"] => Input::GlassesConnected { conn: conn_id(conn)? },
            ["glasses", conn, "sends", "too", "much"] => Input::Oversized { conn: conn_id(conn)? },
            ["glasses", conn, "sends", hex] => Input::GlassesBinary { conn: conn_id(conn)?, data: bytes(hex)? },
            ["glasses", conn, "says", "text", ..] => {
                let text = line.split_once("says text ").ok_or("what does it say?")?.1;
                Input::GlassesText { conn: conn_id(conn)?, text: text.into() }
            }
            ["glasses", conn, "says", ..] => Input::GlassesText { conn: conn_id(conn)?, text: json()? },
            ["app", conn, "connects", "as", package, ref rest @ ..] => {
                let key_hash = if rest.is_empty() { GOOD_KEY } else { [0; 32] };
                let hello = AppHello { package: name(package)?, key_hash, v3: false };
                Input::AppConnected { conn: conn_id(conn)?, hello: Box::new(hello) }
            }
            ["app", conn, "sends", hex] => Input::AppBinary { conn: conn_id(conn)?, data: bytes(hex)? },
            ["app", conn, "says", ..] => Input::AppText { conn: conn_id(conn)?, text: json()? },
            ["glasses" | "app", conn, "pongs"] => Input::Alive { conn: conn_id(conn)? },
            ["glasses" | "app", conn, "closes", code] => {
                Input::Closed { conn: conn_id(conn)?, code: code.parse().map_err(|_| "which code?")? }
            }
            ["user", "loads"] => self.load_done(Outcome::User(self.user.clone()))?,
            ["user", "load", "fails"] => self.load_done(Outcome::Failed { why: "the file is locked".into() })?,
            ["webhook", call, "answers", status] => {
                done(call, Outcome::Webhook { status: status.parse().map_err(|_| "which status?")? })?
            }
            ["webhook", call, "fails", ..] => {
                let why = line.split_once("fails ").map_or("refused", |(_, why)| why);
                done(call, Outcome::Failed { why: why.to_owned() })?
            }
            ["server", call, "is", word, ref rest @ ..] => {
                let others_closed = !rest.is_empty();
                done(call, Outcome::Health { healthy: word == "well", others_closed })?
            }
            ["token", call, "is", word] => done(call, Outcome::Token(word == "good"))?,
            ["ask", ask, "view"] => asked(ask, Ask::View)?,
            ["ask", ask, "start", package] => asked(ask, Ask::StartApp(name(package)?))?,
            ["ask", ask, "stop", package] => asked(ask, Ask::StopApp(name(package)?))?,
            ["end", reason] => {
                let reasons = [EndReason::GraceExpired, EndReason::Shutdown, EndReason::Manual, EndReason::Fatal];
                let reason = reasons.into_iter().find(|r| r.name() == reason).ok_or("why?")?;
                Input::End { reason }
            }
            _ => return Err("not a statement".to_owned()),
        };
        Ok(input)
    }

    fn load_done(&self, outcome: Outcome) -> Result<Input, String> {
        let call = self.load_call.ok_or("nobody loads")?;
        Ok(Input::CallDone { call, outcome: Box::new(outcome) })
    }

    fn step(&mut self, input: Input) -> Result<Vec<String>, String> {
        let mut effects = Effects::new();
        self.session.handle(input, now(self.at), &mut effects);
        Ok(self.rendered(&mut effects, ""))
    }

    /// The same statement many times in the same moment: counts effects by their first words.
    fn again(&mut self, times: usize, statement: &str) -> Result<Vec<String>, String> {
        let mut counts: Vec<(String, usize)> = Vec::new();
        for _ in 0..times {
            for line in self.statement(statement)? {
                let head: Vec<&str> = line.split_whitespace().take(4).collect();
                let head = head.join(" ");
                match counts.iter_mut().find(|(known, _)| *known == head) {
                    Some((_, count)) => *count += 1,
                    None => counts.push((head, 1)),
                }
            }
        }
        Ok(counts.into_iter().map(|(head, count)| format!("{count} × {head}")).collect())
    }

    /// Lets time pass, stopping at every deadline on the way.
    fn wait(&mut self, ms: u64) -> Result<Vec<String>, String> {
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
            let rendered = self.rendered(&mut effects, &prefix);
            lines.extend(rendered);
        }
        self.at = until;
        Ok(lines)
    }

    fn rendered(&mut self, effects: &mut Effects, prefix: &str) -> Vec<String> {
        let effects: Vec<Effect> = effects.drain().collect();
        for effect in &effects {
            if let Effect::Call { call, what: Call::LoadUser } = effect {
                self.load_call = Some(*call);
            }
        }
        effects.iter().map(|effect| format!("{prefix}{}", render::effect(effect, self.show_snapshot))).collect()
    }
}

fn now(at: u64) -> Now {
    Now { at: Millis(at), wall: Timestamp(WALL + at as i64) }
}

fn number<T: std::str::FromStr>(word: &str) -> Result<T, String> {
    word.parse().map_err(|_| format!("`{word}` is no number"))
}

fn conn_id(word: &str) -> Result<ConnId, String> {
    number::<u64>(word).map(ConnId)
}

fn name(word: &str) -> Result<PackageName, String> {
    PackageName::new(word).map_err(|error| error.to_string())
}

fn bytes(word: &str) -> Result<Bytes, String> {
    hex::decode(word).map(Bytes::from).map_err(|error| error.to_string())
}

fn done(call: &str, outcome: Outcome) -> Result<Input, String> {
    Ok(Input::CallDone { call: CallId(number(call)?), outcome: Box::new(outcome) })
}

fn asked(ask: &str, what: Ask) -> Result<Input, String> {
    Ok(Input::Asked { ask: AskId(number(ask)?), what: Box::new(what) })
}

fn milliseconds(word: &str) -> Result<u64, String> {
    let parsed = match word.strip_suffix("ms") {
        Some(ms) => ms.parse::<u64>().ok(),
        None => word.strip_suffix('s').and_then(|s| s.parse::<u64>().ok()).map(|s| s * 1000),
    };
    parsed.ok_or_else(|| format!("`{word}` is no time"))
}
