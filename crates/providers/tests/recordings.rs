//! Engines that take recordings, with the speech of flite, against scripted servers: Wyoming, and HTTP as OpenAI has it.

mod clock;

use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bifocal_providers::{EngineConfig, Event, FailureKind, Heard, Kind, Need, Recognizers, SpeechConfig, Stream};
use bytes::Bytes;
use clock::{Clock, failure, is_end, pass, until};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

const BOTH: [Kind; 2] = [Kind::Wyoming, Kind::OpenAi];

/// What a server does.
#[derive(Debug, Clone, PartialEq)]
enum Act {
    Well,
    /// Never answers the greeting.
    Hangs,
    /// Answers the greeting with this: an HTTP status, or another list of models.
    Greets(&'static str),
    /// Answers a recording with this.
    Says(String),
    /// Closes the connection instead of the text.
    Cuts,
    /// Never gives a text.
    Mute,
}

struct Server {
    address: std::net::SocketAddr,
    /// What came: `describe`, requests, and how many milliseconds of sound.
    log: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start(kind: Kind, act: Act) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let log = Arc::new(Mutex::new(Vec::new()));
        let heard = log.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).expect("it is a socket");
                let (act, log) = (act.clone(), heard.clone());
                tokio::spawn(async move {
                    // A client that goes away ends it, too.
                    let _ = match kind {
                        Kind::Wyoming => wyoming(stream, act, log).await,
                        _ => http(stream, act, log).await,
                    };
                });
            }
        });
        Self { address, log }
    }

    fn log(&self) -> Vec<String> {
        self.log.lock().expect("nobody panicked").clone()
    }
}

/// The text of the recording with this number, from 1.
fn text_of(number: usize) -> &'static str {
    ["hello world", "again", "bye"].get(number - 1).copied().unwrap_or("more")
}

/// Notes a recording, and says which it is.
fn recording(log: &Mutex<Vec<String>>, ms: usize) -> usize {
    let mut log = log.lock().expect("nobody panicked");
    log.push(format!("sound {ms}"));
    log.iter().filter(|line| line.starts_with("sound ")).count()
}

async fn wyoming(stream: TcpStream, act: Act, log: Arc<Mutex<Vec<String>>>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut sound = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let head: Value = serde_json::from_str(&line).expect("a line of JSON");
        let mut data = vec![0; head["data_length"].as_u64().unwrap_or(0) as usize];
        stream.read_exact(&mut data).await?;
        let mut payload = vec![0; head["payload_length"].as_u64().unwrap_or(0) as usize];
        stream.read_exact(&mut payload).await?;
        let answers = match (head["type"].as_str().expect("a type"), &act) {
            ("describe", Act::Hangs) => std::future::pending().await,
            ("describe", Act::Greets(info)) => vec![(*info).to_owned()],
            ("describe", _) => {
                log.lock().expect("nobody panicked").push("describe".to_owned());
                let models = json!([{"name": "m", "installed": true, "languages": ["de", "en_US"]}]);
                vec![message("info", json!({"asr": [{"name": "test", "models": models}], "tts": []}))]
            }
            ("transcribe", _) => {
                log.lock().expect("nobody panicked").push(String::from_utf8(data).expect("text"));
                Vec::new()
            }
            ("audio-chunk", _) => {
                sound += payload.len();
                Vec::new()
            }
            ("audio-stop", Act::Cuts) => return Ok(()),
            ("audio-stop", Act::Mute) => std::future::pending().await,
            ("audio-stop", Act::Says(text)) => vec![text.clone()],
            ("audio-stop", _) => {
                let text = text_of(recording(&log, sound / 32));
                let mut answers = vec![message("transcript-start", json!({"language": "en"}))];
                answers
                    .extend(text.split_inclusive(' ').map(|word| message("transcript-chunk", json!({"text": word}))));
                answers.push(message("transcript", json!({"text": text, "language": "en"})));
                answers.push(message("transcript-stop", json!({})));
                answers
            }
            _ => Vec::new(),
        };
        for answer in answers {
            stream.write_all(answer.as_bytes()).await?;
        }
    }
}

fn message(kind: &str, data: Value) -> String {
    let data = data.to_string();
    format!("{}\n{data}", json!({"type": kind, "version": "1.10.2", "data_length": data.len()}))
}

async fn http(stream: TcpStream, act: Act, log: Arc<Mutex<Vec<String>>>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let lower = head.to_ascii_lowercase();
    let length = lower.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    let ok =
        |body: String| format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let answer = if head.starts_with("GET /v1/models ") {
        match act {
            Act::Hangs => std::future::pending().await,
            Act::Greets(status) => format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: 2\r\n\r\nno"),
            _ => ok(json!({"object": "list", "data": []}).to_string()),
        }
    } else {
        assert!(head.starts_with("POST /v1/audio/transcriptions "), "{head}");
        let fields = String::from_utf8_lossy(&body).split("\r\n--").map(plain_field).collect::<Vec<_>>().join(";");
        log.lock().expect("nobody panicked").push(fields);
        match act {
            Act::Cuts => return Ok(()),
            Act::Mute => std::future::pending().await,
            Act::Says(text) => text,
            _ => {
                let from = body.windows(4).position(|four| four == b"RIFF").expect("a WAV file");
                let size = u32::from_le_bytes(body[from + 40..from + 44].try_into().expect("four bytes")) as usize;
                ok(json!({"text": format!(" {} ", text_of(recording(&log, size / 32)))}).to_string())
            }
        }
    };
    stream.write_all(answer.as_bytes()).await
}

/// A field of a form that is no file: `name=value`.
fn plain_field(part: &str) -> String {
    let name = part.split("name=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
    let value = if part.contains("filename") { "…" } else { part.split("\r\n\r\n").nth(1).unwrap_or_default() };
    format!("{name}={value}")
}

struct Opened {
    server: Server,
    stream: Stream,
    _clock: Clock,
}

async fn open(kind: Kind, act: Act, need: &Need) -> Opened {
    let _clock = Clock::hold();
    let server = Server::start(kind, act).await;
    let scheme = if kind == Kind::Wyoming { "tcp" } else { "http" };
    let url =
        format!("{scheme}://{}/v1", server.address).trim_end_matches(if scheme == "tcp" { "/v1" } else { "" }).parse();
    let config = EngineConfig { url: Some(url.expect("an address")), ..EngineConfig::of(kind) };
    let engines = Recognizers::new(SpeechConfig { engines: Some(vec![config]) }).expect("the configuration is right");
    let stream = engines.open(need, None, &[]).expect("it knows English");
    Opened { server, stream, _clock }
}

/// A sentence, spoken.
fn speech(text: &str) -> Bytes {
    let file = tempfile::Builder::new().suffix(".wav").tempfile().expect("a temporary file");
    let path = file.path().to_str().expect("a path of letters");
    let done = Command::new("flite").args(["-voice", "rms", "-t", text, "-o", path]).status();
    assert!(done.expect("flite is installed: cargo xtask setup").success());
    bifocal_audio::wav::read_for_glasses(&std::fs::read(path).expect("it was written")).expect("it is sound")
}

fn silence(ms: usize) -> Bytes {
    Bytes::from(vec![0; ms * 32])
}

fn is_final(event: &Event) -> bool {
    matches!(event, Event::Heard(heard) if heard.is_final)
}

#[tokio::test(start_paused = true)]
async fn sentences_are_cut_out_of_the_stream_and_their_words_come_in_order() {
    let (hello, again, bye) = (speech("hello world"), speech("once again"), speech("good bye"));
    for kind in BOTH {
        let Opened { server, mut stream, _clock } = open(kind, Act::Well, &Need::language("en-US")).await;
        let mut events = until(&mut stream, |event| *event == Event::Opened).await;
        let say = |sound: &Bytes| stream.commands.try_audio(sound.clone()).expect("there is room");
        say(&silence(1000));
        say(&hello);
        say(&silence(1000));
        say(&again);
        stream.commands.finalise().expect("it takes it");
        say(&silence(300));
        say(&bye);
        stream.commands.close().expect("it takes it");
        events.extend(until(&mut stream, is_end).await);
        assert_eq!(events.last(), Some(&Event::Closed), "{kind:?}");

        let heard: Vec<&Heard> = events
            .iter()
            .filter_map(|event| if let Event::Heard(heard) = event { Some(&**heard) } else { None })
            .collect();
        let finals: Vec<_> = heard.iter().filter(|h| h.is_final).map(|h| (h.utterance, h.text.as_str())).collect();
        assert_eq!(finals, [(1, "hello world"), (2, "again"), (3, "bye")], "{kind:?}: {:?}", server.log());
        let of = |sound: &Bytes| sound.len() as u64 / 32;
        let begin_again = 1000 + of(&hello) + 1000;
        let times: Vec<_> = heard.iter().filter(|h| h.is_final).map(|h| (h.start_ms, h.end_ms)).collect();
        assert!((700..1300).contains(&times[0].0) && times[0].1 < begin_again + 300, "{kind:?}: {times:?}");
        assert!(times[1].1.abs_diff(begin_again + of(&again)) <= 32, "told to end, it ends there: {times:?}");
        assert!(times[1].1 <= times[2].0 && times[2].1 <= begin_again + of(&again) + 300 + of(&bye), "{times:?}");
        assert!(events.iter().any(|event| *event == Event::Consumed { ms: times[2].1 }), "{kind:?}: {events:?}");
        if kind == Kind::Wyoming {
            assert!(
                server.log().contains(&r#"{"language":"en_US"}"#.to_owned()),
                "as the server writes it: {:?}",
                server.log()
            );
        } else {
            let asked = server.log().iter().find(|line| line.contains("model=")).cloned().expect("a form");
            assert!(asked.contains("model=gpt-4o-mini-transcribe") && asked.contains("language=en"), "{asked}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn silence_is_no_recording_and_is_done_with() {
    for kind in BOTH {
        let mut opened = open(kind, Act::Well, &Need::language("en")).await;
        opened.stream.commands.try_audio(silence(8000)).expect("there is room");
        opened.stream.commands.close().expect("it takes it");
        let events = until(&mut opened.stream, is_end).await;
        assert!(
            events.iter().any(|event| matches!(event, Event::Consumed { ms } if *ms > 7000)),
            "{kind:?}: {events:?}"
        );
        assert!(!events.iter().any(|event| matches!(event, Event::Heard(_))), "{events:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_greeting_that_fails_says_what_it_means() {
    let busy = FailureKind::Busy { retry_after: Some(Duration::from_secs(7)) };
    let nothing = r#"{"type":"info","data":{"asr":[],"tts":[{"name":"piper"}]}}"#;
    let german = r#"{"type":"info","data":{"asr":[{"models":[{"languages":["de"]}]}]}}"#;
    let unsupported = FailureKind::Unsupported { suggestions: vec!["de".into()] };
    for (kind, act, wanted) in [
        (Kind::OpenAi, Act::Greets("401 Unauthorized"), FailureKind::Refused),
        (Kind::OpenAi, Act::Greets("429 Too Many Requests\r\nretry-after: 7"), busy),
        (Kind::OpenAi, Act::Greets("500 Internal Server Error"), FailureKind::Lost),
        (Kind::OpenAi, Act::Hangs, FailureKind::Stalled),
        (Kind::Wyoming, Act::Greets(leak(format!("{nothing}\n"))), FailureKind::Refused),
        (Kind::Wyoming, Act::Greets(leak(format!("{german}\n"))), unsupported),
        (Kind::Wyoming, Act::Greets("HTTP/1.1 400 Bad Request\r\n"), FailureKind::Lost),
        (Kind::Wyoming, Act::Greets("{\"type\":\"info\",\"data_length\":99999999999}\n"), FailureKind::Lost),
        (Kind::Wyoming, Act::Greets(leak("x".repeat(100_000))), FailureKind::Lost),
        (Kind::Wyoming, Act::Hangs, FailureKind::Stalled),
    ] {
        let mut opened = open(kind, act.clone(), &Need::language("en")).await;
        assert_eq!(failure(&mut opened.stream).await.kind, wanted, "{kind:?} {act:?}");
    }
    // A server without a list of models is there all the same.
    let mut opened = open(Kind::OpenAi, Act::Greets("404 Not Found"), &Need::language("en")).await;
    assert_eq!(until(&mut opened.stream, |_| true).await, [Event::Opened]);
}

fn leak(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

#[tokio::test(start_paused = true)]
async fn a_recording_that_fails_says_what_it_means_and_is_not_done_with() {
    let hello = speech("hello world");
    let error = message("error", json!({"text": "no\u{1b}[2J model", "code": "x"}));
    let long = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 300000\r\n\r\n{}", " ".repeat(300_000));
    for (kind, act, wanted) in [
        (Kind::Wyoming, Act::Cuts, FailureKind::Lost),
        (Kind::Wyoming, Act::Mute, FailureKind::Stalled),
        (Kind::Wyoming, Act::Says(error), FailureKind::Lost),
        (Kind::Wyoming, Act::Says("nonsense\n".into()), FailureKind::Lost),
        (Kind::OpenAi, Act::Cuts, FailureKind::Lost),
        (Kind::OpenAi, Act::Mute, FailureKind::Stalled),
        (
            Kind::OpenAi,
            Act::Says("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n[]".into()),
            FailureKind::Lost,
        ),
        (Kind::OpenAi, Act::Says(long), FailureKind::Lost),
    ] {
        let mut opened = open(kind, act.clone(), &Need::language("en")).await;
        opened.stream.commands.try_audio(hello.clone()).expect("there is room");
        opened.stream.commands.finalise().expect("it takes it");
        let events = until(&mut opened.stream, is_end).await;
        let Some(Event::Failed(failure)) = events.last() else { panic!("{kind:?} {act:?}: {events:?}") };
        assert_eq!(failure.kind, wanted, "{kind:?} {act:?}: {failure}");
        assert!(!failure.why.contains('\u{1b}'), "{failure:?}");
        assert!(!events.iter().any(is_final), "{events:?}");
        assert!(!events.iter().any(|event| matches!(event, Event::Consumed { ms } if *ms > 300)), "{events:?}");
    }
}

/// Sound goes on while a recording is being recognised, and may come faster than its words.
#[tokio::test(start_paused = true)]
async fn an_engine_that_is_slower_than_speech_is_stalled_and_does_not_fill_the_memory() {
    let hello = speech("hello world");
    let mut opened = open(Kind::Wyoming, Act::Mute, &Need::language("en")).await;
    assert_eq!(until(&mut opened.stream, |_| true).await, [Event::Opened]);
    for _ in 0..8 {
        let _ = opened.stream.commands.try_audio(hello.clone());
        let _ = opened.stream.commands.finalise();
        pass(Duration::from_millis(100)).await;
    }
    let failure = failure(&mut opened.stream).await;
    assert!(failure.kind == FailureKind::Stalled && failure.why.contains("slower than speech"), "{failure}");
}
