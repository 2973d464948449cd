//! From words to inputs, and to what they are made of.

use bifocal_protocol::app::{AppKind, AppRecord};
use bifocal_protocol::apps::ToApp;
use bifocal_protocol::glasses::AudioPaths;
use bifocal_protocol::hardware::{Level, Requirement};
use bifocal_protocol::ids::PackageName;
use bifocal_protocol::{Decoded, Message, Text, Timestamp};
use bifocal_session::{
    AppHello, Ask, AskId, CallId, ConnId, EndReason, FromPeers, Heard, Input, Outcome, PhoneReport, Sky, SpeechEvent,
    SpeechFailure, SpeechFault, SpeechId, Weather,
};
use bytes::Bytes;
use serde_json::json;

use super::camera;

const GOOD_KEY: [u8; 32] = [7; 32];

/// One thing that happens, as the statement says.
pub(super) fn input(words: &[&str], line: &str) -> Result<Input, String> {
    let message = || line.find('{').map(|at| Text::from(&line[at..])).ok_or("a message is missing");
    let input = match *words {
        ["glasses", n, "connects"] => Input::GlassesConnected { conn: conn(n)?, sound: None },
        ["glasses", n, "connects", "with", "udp", host, port] => {
            let (udp_host, udp_port) = (Some((*host).to_owned()), Some(number(port)?));
            let sound = AudioPaths { udp_host, udp_port, ..AudioPaths::default() };
            Input::GlassesConnected { conn: conn(n)?, sound: Some(Box::new(sound)) }
        }
        ["glasses", n, "sends", "too", "much"] => Input::Oversized { conn: conn(n)? },
        ["glasses", n, "sends", hex] => Input::GlassesBinary { conn: conn(n)?, data: bytes(hex)? },
        ["glasses", n, "says", "text", ..] => {
            let text = line.split_once("says text ").ok_or("what does it say?")?.1;
            Input::GlassesText { conn: conn(n)?, text: text.into() }
        }
        ["glasses", n, "says", ..] => Input::GlassesText { conn: conn(n)?, text: message()? },
        ["glasses", n, "presses", button] => {
            let text = json!({"type": "button_press", "buttonId": button, "pressType": "short"});
            Input::GlassesText { conn: conn(n)?, text: text.to_string().into() }
        }
        ["app", n, "connects", "as", package, ref rest @ ..] => {
            let v3 = rest == ["speaking", "v3"];
            let key_hash = if rest.is_empty() || v3 { GOOD_KEY } else { [0; 32] };
            let hello = AppHello { package: name(package)?, key_hash, v3, reconnect: false };
            Input::AppConnected { conn: conn(n)?, hello: Box::new(hello) }
        }
        ["app", n, "sends", hex] => Input::AppBinary { conn: conn(n)?, data: bytes(hex)? },
        ["app", n, "says", ..] => Input::AppText { conn: conn(n)?, text: message()? },
        ["app", n, "wants", ref streams @ ..] => {
            let streams: Vec<String> = match *streams {
                ["nothing"] => vec![],
                [count, "gestures"] => (0..number(count)?).map(|n: u32| format!("touch_event:g{n}")).collect(),
                _ => streams.iter().map(|stream| (*stream).to_owned()).collect(),
            };
            let text = json!({"type": "subscription_update", "subscriptions": streams});
            Input::AppText { conn: conn(n)?, text: text.to_string().into() }
        }
        ["app", n, "shows", ref text @ ..] => {
            let layout = json!({"layoutType": "text_wall", "text": text.join(" ")});
            let text = json!({"type": "display_event", "view": "main", "layout": layout});
            Input::AppText { conn: conn(n)?, text: text.to_string().into() }
        }
        ["glasses" | "app", n, "pongs"] => Input::Confirmed { conn: conn(n)?, count: u64::MAX },
        ["app", n, "confirms", count] => Input::Confirmed { conn: conn(n)?, count: number(count)? },
        ["glasses" | "app", n, "closes", code] => Input::Closed { conn: conn(n)?, code: number(code)? },
        ["webhook", call, "answers", status] => done(call, Outcome::Webhook { status: number(status)? })?,
        ["webhook", call, "fails", ..] => {
            let why = line.split_once("fails ").map_or("refused", |(_, why)| why);
            done(call, Outcome::Failed { why: why.to_owned() })?
        }
        ["weather", call, "is", celsius, sky] => {
            let sky = if sky == "rain" { Sky::Rain } else { Sky::Clear };
            done(call, Outcome::Weather(Weather { celsius: number(celsius)?, sky }))?
        }
        ["weather", call, "fails", ..] => done(call, Outcome::Failed { why: "no answer".to_owned() })?,
        ["server", call, "is", word, ref rest @ ..] => {
            let others_closed = !rest.is_empty();
            done(call, Outcome::Health { healthy: word == "well", others_closed })?
        }
        ["photo" | "media" | "output", ..] => camera::input(words, line)?,
        ["ask", ask, "outputs", "of", stream, "as", package, ref what @ ..] => {
            asked(ask, camera::outputs(stream, package, what)?)?
        }
        ["token", call, "is", word] => done(call, Outcome::Token(word == "good"))?,
        ["peers", "of", package, "say", ..] => {
            let text = message()?;
            let decoded = ToApp::decode(&text).map_err(|error| error.to_string())?;
            let Decoded::Known(message) = decoded else { return Err("no message for an app".to_owned()) };
            Input::FromPeers(Box::new(FromPeers { package: name(package)?, message }))
        }
        ["settings", "are", ..] => {
            let system = serde_json::from_str(&message()?).map_err(|error| error.to_string())?;
            let report = PhoneReport::Settings { system: Box::new(system), timezone: None, wearable: None };
            asked("0", Ask::Report(Box::new(report)))?
        }
        ["speech", n, "opens", "at", engine] => said(n, SpeechEvent::Opened { engine: engine.into() })?,
        ["speech", n, "hears", ..] => said(n, SpeechEvent::Heard(heard(&message()?)?))?,
        ["speech", n, "has", "consumed", time] => said(n, SpeechEvent::Consumed { ms: milliseconds(time)? })?,
        ["speech", n, "ends"] => said(n, SpeechEvent::Closed)?,
        ["speech", n, "fails", kind, ref rest @ ..] => {
            let engine = rest.get(1).map(|engine| (*engine).into());
            let why = line.split_once(" because ").map_or("it is gone", |(_, why)| why).to_owned();
            said(n, SpeechEvent::Failed(SpeechFailure { engine, kind: fault(kind)?, why }))?
        }
        ["engines", "are", word] => Input::SpeechEngines { available: word == "well" },
        ["app", package, "is", "set", ..] => {
            let chosen = line.find('[').map(|at| &line[at..]).ok_or("a list is missing")?;
            let chosen = serde_json::from_str(chosen).map_err(|error| error.to_string())?;
            asked("0", Ask::Report(Box::new(PhoneReport::AppSettings { package: name(package)?, chosen })))?
        }
        ["device", "is", ..] => {
            let report = serde_json::from_str(&message()?).map_err(|error| error.to_string())?;
            asked("0", Ask::Report(Box::new(PhoneReport::Device(report))))?
        }
        ["ask", ask, "transcripts", package, ref rest @ ..] => {
            let (from, until) = (Timestamp(0), Timestamp(i64::MAX));
            let language = rest.first().map(|language| (*language).into());
            asked(ask, Ask::Transcripts { package: name(package)?, language, from, until })?
        }
        ["ask", ask, "sound", package] => asked(ask, Ask::RecentSound(name(package)?))?,
        ["ask", ask, "view"] => asked(ask, Ask::View)?,
        ["ask", ask, "settings", package] => asked(ask, Ask::AppSettings(name(package)?))?,
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

fn said(n: &str, event: SpeechEvent) -> Result<Input, String> {
    Ok(Input::Speech { stream: SpeechId(number(n)?), event: Box::new(event) })
}

/// `{"n": utterance, "text", "final", "from", "to", "in": language, "by": speaker, "means": translation}`, times in milliseconds.
fn heard(text: &str) -> Result<Heard, String> {
    let json: serde_json::Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let string = |key: &str| json[key].as_str().map(str::to_owned);
    let number = |key: &str| json[key].as_u64().unwrap_or_default();
    Ok(Heard {
        utterance: number("n"),
        text: string("text").unwrap_or_default(),
        is_final: json["final"] == true,
        start_ms: number("from"),
        end_ms: number("to"),
        language: string("in"),
        speaker: string("by"),
        confidence: None,
        translation: string("means"),
    })
}

fn fault(kind: &str) -> Result<SpeechFault, String> {
    Ok(match kind {
        "refused" => SpeechFault::Refused,
        "busy" => SpeechFault::Busy { retry_after: None },
        "lost" => SpeechFault::Lost,
        "stalled" => SpeechFault::Stalled,
        "unsupported" => SpeechFault::Unsupported { suggestions: vec![] },
        "unavailable" => SpeechFault::Unavailable,
        _ => return Err("how?".to_owned()),
    })
}

/// `PACKAGE [KIND] [PERMISSION …] [uuid]`
pub(super) fn app(package: &str, words: &[&str]) -> Result<AppRecord, String> {
    let mut record = AppRecord {
        package: name(package)?,
        name: package.rsplit('.').next().unwrap_or(package).to_owned(),
        kind: AppKind::Standard,
        public_url: "http://127.0.0.1:7010".to_owned(),
        permissions: vec![],
        key_hash: GOOD_KEY,
        uuid_sessions: false,
        hardware: vec![],
        settings: vec![],
    };
    for word in words {
        match word.parse() {
            Ok(kind) => record.kind = kind,
            Err(_) if *word == "uuid" => record.uuid_sessions = true,
            Err(_) if word.starts_with("needs-") => {
                let kind = word["needs-".len()..].parse()?;
                record.hardware.push(Requirement { kind, level: Level::Required, description: None });
            }
            Err(_) => record.permissions.push(word.parse()?),
        }
    }
    Ok(record)
}

pub(super) fn number<T: std::str::FromStr>(word: &str) -> Result<T, String> {
    word.parse().map_err(|_| format!("`{word}` is no number"))
}

pub(super) fn conn(word: &str) -> Result<ConnId, String> {
    number::<u64>(word).map(ConnId)
}

pub(super) fn name(word: &str) -> Result<PackageName, String> {
    PackageName::new(word).map_err(|error| error.to_string())
}

pub(super) fn milliseconds(word: &str) -> Result<u64, String> {
    let parsed = match word.strip_suffix("ms") {
        Some(ms) => ms.parse::<u64>().ok(),
        None => word.strip_suffix('s').and_then(|s| s.parse::<u64>().ok()).map(|s| s * 1000),
    };
    parsed.ok_or_else(|| format!("`{word}` is no time"))
}

fn bytes(word: &str) -> Result<Bytes, String> {
    hex::decode(word).map(Bytes::from).map_err(|error| error.to_string())
}

pub(super) fn done(call: &str, outcome: Outcome) -> Result<Input, String> {
    Ok(Input::CallDone { call: CallId(number(call)?), outcome: Box::new(outcome) })
}

fn asked(ask: &str, what: Ask) -> Result<Input, String> {
    Ok(Input::Asked { ask: AskId(number(ask)?), what: Box::new(what) })
}
