//! Scripted vendors on a free port: each says the same words in its own messages, as its documentation has them.
//!
//! | after so much sound | |
//! |---|---|
//! | 400 ms | `hello`, may change |
//! | 800 ms | `hello world`, may change |
//! | 1200 ms | `hello world`, final |
//! | 1600 ms | `again`, may change; final when it is told to |
//! | 2400 ms | `bye`, may change; final when there is no more sound |

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bifocal_providers::Kind;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

/// The key that a vendor takes.
pub(crate) const KEY: &str = "key-of-the-test";
const SILENCE: usize = 800 * 32;

/// What a vendor does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Act {
    /// What it should.
    Well,
    /// Answers the handshake with a status, and perhaps `Retry-After`.
    Status(u16, Option<u64>),
    /// Takes the connection and never answers the handshake.
    Hangs,
    /// Listens, and says nothing about what it hears.
    Mute,
    /// Does not even read.
    Deaf,
    /// Cuts the connection after so much sound.
    Cut(u64),
    /// Sends this instead of the first words.
    Says(String),
    /// Closes with this code and reason instead of the first words.
    Closes(u16, &'static str),
}

/// A vendor that listens.
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    /// What came: texts as they are, `sound`, `ping`, and `GET …` of the handshake.
    log: Arc<Mutex<Vec<String>>>,
}

impl Peer {
    pub(crate) async fn start(kind: Kind, act: Act) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let log = Arc::new(Mutex::new(Vec::new()));
        let heard = log.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // Virtual time does not wait for the timers of TCP.
                stream.set_nodelay(true).expect("it is a socket");
                tokio::spawn(serve(kind, act.clone(), stream, heard.clone()));
            }
        });
        Self { address, log }
    }

    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lock().expect("nobody panicked").clone()
    }
}

async fn serve(kind: Kind, act: Act, stream: TcpStream, log: Arc<Mutex<Vec<String>>>) {
    let note = |what: &str| log.lock().expect("nobody panicked").push(what.to_owned());
    if act == Act::Hangs {
        std::future::pending::<()>().await;
    }
    #[expect(clippy::result_large_err, reason = "that is what the library wants")]
    let handshake = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
        note(&format!("GET {}", request.uri()));
        let key = request.headers().get("authorization").map(|value| value.to_str().expect("text").to_owned());
        let refuse = |status: u16, retry: Option<u64>| {
            let mut response = ErrorResponse::new(Some("no\u{1b}[2J".to_owned()));
            *response.status_mut() = status.try_into().expect("a status");
            if let Some(retry) = retry {
                response.headers_mut().insert("retry-after", retry.into());
            }
            Err(response)
        };
        match act {
            Act::Status(status, retry) => refuse(status, retry),
            _ if key != expected_key(kind) => refuse(401, None),
            _ => Ok(response),
        }
    };
    let Ok(mut wire) = tokio_tungstenite::accept_hdr_async(stream, handshake).await else { return };
    let mut vendor = Vendor { kind, heard_ms: 0, turn: 0, silence_ms: 0, said: 0, finalised: false };
    for text in vendor.begins() {
        send(&mut wire, text).await;
    }
    if act == Act::Deaf {
        std::future::pending::<()>().await;
    }
    while let Some(Ok(message)) = wire.next().await {
        let mut answers = Vec::new();
        let mut over = false;
        match message {
            Message::Binary(sound) if sound.is_empty() => {
                note("empty");
                (answers, over) = (vendor.ends(), true);
            }
            Message::Binary(sound) if sound.len() == SILENCE && sound.iter().all(|&byte| byte == 0) => {
                note("silence");
                vendor.silence_ms += 800;
                answers = vendor.finalises();
            }
            Message::Binary(sound) => {
                note("sound");
                vendor.heard_ms += sound.len() as u64 / 32;
                answers = vendor.hears();
            }
            Message::Text(text) => {
                note(&text);
                if vendor.is_finalise(&text) {
                    answers = vendor.finalises();
                } else if vendor.is_end(&text) {
                    (answers, over) = (vendor.ends(), true);
                }
            }
            Message::Ping(_) => note("ping"),
            Message::Close(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
        match &act {
            Act::Mute => continue,
            Act::Cut(ms) if vendor.heard_ms >= *ms => return,
            Act::Says(text) if vendor.heard_ms >= 400 => answers = vec![text.clone()],
            Act::Closes(code, reason) if vendor.heard_ms >= 400 => {
                let _ = wire.close(Some(CloseFrame { code: (*code).into(), reason: (*reason).into() })).await;
            }
            _ => {}
        }
        for text in answers {
            send(&mut wire, text).await;
        }
        if over {
            let _ = wire.close(None).await;
        }
    }
}

async fn send(wire: &mut WebSocketStream<TcpStream>, text: String) {
    // Whoever has gone does not hear it.
    let _ = wire.send(Message::text(text)).await;
}

fn expected_key(kind: Kind) -> Option<String> {
    match kind {
        Kind::Deepgram => Some(format!("Token {KEY}")),
        Kind::Soniox => Some(format!("Bearer {KEY}")),
        Kind::AssemblyAi => Some(KEY.to_owned()),
        _ => None,
    }
}

/// How an utterance ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// It may still change.
    Open,
    /// By a pause.
    Pause,
    /// Because it was told to.
    Told,
}

/// The words of one vendor.
struct Vendor {
    kind: Kind,
    /// Sound, without the silence that finalises.
    heard_ms: u64,
    turn: u64,
    silence_ms: u64,
    /// Steps of the table that were said.
    said: usize,
    /// It was told to make final what was said.
    finalised: bool,
}

impl Vendor {
    fn begins(&self) -> Vec<String> {
        match self.kind {
            Kind::AssemblyAi => vec![json!({"type": "Begin", "id": "1", "expires_at": 1}).to_string()],
            _ => Vec::new(),
        }
    }

    fn is_finalise(&self, text: &str) -> bool {
        match self.kind {
            Kind::Deepgram => text == r#"{"type":"Finalize"}"#,
            Kind::Soniox => text == r#"{"type":"finalize"}"#,
            Kind::AssemblyAi => text == r#"{"type":"ForceEndpoint"}"#,
            _ => false,
        }
    }

    fn is_end(&self, text: &str) -> bool {
        match self.kind {
            Kind::Deepgram => text == r#"{"type":"CloseStream"}"#,
            Kind::AssemblyAi => text == r#"{"type":"Terminate"}"#,
            Kind::Vosk => text == r#"{"eof" : 1}"#,
            _ => false,
        }
    }

    fn hears(&mut self) -> Vec<String> {
        const STEPS: [(u64, &str, u64, u64, End); 5] = [
            (400, "hello", 100, 350, End::Open),
            (800, "hello world", 100, 750, End::Open),
            (1200, "hello world", 100, 900, End::Pause),
            (1600, "again", 1300, 1550, End::Open),
            (2400, "bye", 2100, 2350, End::Open),
        ];
        let mut answers = Vec::new();
        while let Some(&(at, text, start, end, how)) = STEPS.get(self.said).filter(|step| step.0 <= self.heard_ms) {
            let _ = at;
            answers.extend(self.say(text, start, end, how));
            self.said += 1;
        }
        if answers.is_empty() && self.kind != Kind::AssemblyAi {
            answers.push(self.nothing());
        }
        answers
    }

    fn finalises(&mut self) -> Vec<String> {
        self.finalised = true;
        self.say("again", 1300, 1580, End::Told)
    }

    fn ends(&mut self) -> Vec<String> {
        let mut answers = self.say("bye", 2100, 2380, End::Told);
        answers.extend(
            match self.kind {
                Kind::Deepgram => Some(json!({"type": "Metadata", "request_id": "1", "duration": 2.4, "channels": 1})),
                Kind::Soniox => Some(json!({"tokens": [], "final_audio_proc_ms": 2400, "total_audio_proc_ms": 2400,
                "finished": true})),
                Kind::AssemblyAi => Some(json!({"type": "Termination", "audio_duration_seconds": 2,
                "session_duration_seconds": 3})),
                _ => None,
            }
            .map(|value| value.to_string()),
        );
        answers
    }

    /// The answer to sound without new words.
    fn nothing(&self) -> String {
        let now = self.heard_ms as f64 / 1000.0;
        match self.kind {
            Kind::Deepgram => json!({"type": "SpeechStarted", "channel": [0], "timestamp": now}),
            Kind::Soniox => {
                json!({"tokens": self.pending(), "final_audio_proc_ms": 0, "total_audio_proc_ms": self.heard_ms})
            }
            _ => json!({"partial": self.partial()}),
        }
        .to_string()
    }

    /// What is being said, in the middle of an utterance.
    fn partial(&self) -> &'static str {
        match self.said {
            1 => "hello",
            2 => "hello world",
            4 if !self.finalised => "again",
            5 => "bye",
            _ => "",
        }
    }

    fn pending(&self) -> Value {
        match self.said {
            1 => soniox("hello", 100, 350, false),
            2 => soniox("hello world", 100, 750, false),
            4 if !self.finalised => soniox("again", 1300, 1550, false),
            5 => soniox("bye", 2100, 2350, false),
            _ => json!([]),
        }
    }

    fn say(&mut self, text: &str, start_ms: u64, end_ms: u64, end: End) -> Vec<String> {
        let answers = match self.kind {
            Kind::Deepgram => deepgram(text, start_ms, end_ms, end),
            Kind::Soniox => {
                let mut tokens = soniox(text, start_ms, end_ms, end != End::Open);
                if end != End::Open {
                    let mark = if end == End::Pause { "<end>" } else { "<fin>" };
                    tokens.as_array_mut().expect("a list").push(json!({"text": mark, "is_final": true}));
                }
                vec![json!({"tokens": tokens, "final_audio_proc_ms": 0, "total_audio_proc_ms": self.heard_ms})]
            }
            Kind::AssemblyAi => self.turn(text, start_ms, end_ms, end),
            _ => self.vosk(text, start_ms, end_ms, end),
        };
        answers.into_iter().map(|answer| answer.to_string()).collect()
    }

    fn turn(&mut self, text: &str, start_ms: u64, end_ms: u64, end: End) -> Vec<Value> {
        let words: Vec<Value> = spread(text, start_ms, end_ms)
            .map(|(word, start, end)| json!({"text": word, "start": start, "end": end, "confidence": 0.9, "word_is_final": true}))
            .collect();
        let turn = |ends: bool, formatted: bool| {
            json!({"type": "Turn", "turn_order": self.turn, "turn_is_formatted": formatted, "end_of_turn": ends,
                "transcript": if ends { text } else { "" }, "end_of_turn_confidence": 0.5, "words": words, "utterance": ""})
        };
        if end == End::Open {
            return vec![turn(false, false)];
        }
        let turns = vec![turn(true, false), turn(true, true)];
        self.turn += 1;
        turns
    }

    fn vosk(&self, text: &str, start_ms: u64, end_ms: u64, end: End) -> Vec<Value> {
        if end == End::Open {
            return vec![json!({"partial": text})];
        }
        // Its clock has heard the silence, too; the one that was just sent is after these words.
        let shift = if start_ms > 2000 { self.silence_ms } else { 0 };
        let seconds = |ms: u64| (ms + shift) as f64 / 1000.0;
        let result: Vec<Value> = spread(text, start_ms, end_ms)
            .map(|(word, start, end)| json!({"word": word, "start": seconds(start), "end": seconds(end), "conf": 0.9}))
            .collect();
        vec![json!({"result": result, "text": text})]
    }
}

fn deepgram(text: &str, start_ms: u64, end_ms: u64, end: End) -> Vec<Value> {
    let seconds = |ms: u64| ms as f64 / 1000.0;
    let words: Vec<Value> = spread(text, start_ms, end_ms)
        .map(|(word, start, end)| {
            json!({"word": word, "punctuated_word": word, "start": seconds(start), "end": seconds(end),
            "confidence": 0.98, "speaker": 0})
        })
        .collect();
    let results = |text: &str, words: &[Value], is_final: bool, speech_final: bool, from_finalize: bool| {
        json!({"type": "Results", "channel_index": [0, 1], "start": seconds(start_ms), "duration": seconds(end_ms - start_ms),
            "is_final": is_final, "speech_final": speech_final, "from_finalize": from_finalize,
            "channel": {"alternatives": [{"transcript": text, "confidence": 0.98, "words": words}]}})
    };
    match end {
        End::Open => vec![results(text, &words, false, false, false)],
        // The pause is found only in the piece after the words.
        End::Pause => vec![results(text, &words, true, false, false), results("", &[], true, true, false)],
        End::Told => vec![results(text, &words, true, false, true)],
    }
}

fn soniox(text: &str, start_ms: u64, end_ms: u64, is_final: bool) -> Value {
    spread(text, start_ms, end_ms)
        .enumerate()
        .map(|(nth, (word, start, end))| {
            let text = if nth == 0 { word.to_owned() } else { format!(" {word}") };
            json!({"text": text, "start_ms": start, "end_ms": end, "confidence": 0.95, "is_final": is_final,
                "speaker": "1", "language": "en"})
        })
        .collect()
}

/// The words of a text, each with a part of its time.
fn spread(text: &str, start_ms: u64, end_ms: u64) -> impl Iterator<Item = (&str, u64, u64)> {
    let count = text.split(' ').count() as u64;
    let each = (end_ms - start_ms) / count;
    text.split(' ').enumerate().map(move |(nth, word)| {
        let start = start_ms + nth as u64 * each;
        (word, start, if nth as u64 + 1 == count { end_ms } else { start + each })
    })
}
