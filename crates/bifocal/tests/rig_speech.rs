//! Real speech without a key: flite speaks ten sentences into simulated glasses, as PCM and as LC3; PocketSphinx recognises;
//! the unmodified SDK 2.1.29 draws. What was understood and where the time went is printed.

#![allow(clippy::print_stdout, reason = "what was understood is to be seen")]

mod common;
#[path = "common/node.rs"]
mod node;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use bifocal_audio::lc3::{Encoder, FRAME_SAMPLES, FrameSize};
use bifocal_audio::wav;
use bifocal_simulator::{Pace, Phone, PhoneConfig, PhoneEvent};
use bytes::Bytes;
use common::{Cloud, WEARER};
use node::NodeApp;
use tokio::time::{Instant, interval, timeout_at};

const PACKAGE: &str = "org.example.captions";
const KEY: &str = "0123456789abcdef0123456789abcdef";
/// What is in capitals must be on the display.
const SENTENCES: [&str; 10] = [
    "turn on the LIGHTS in the KITCHEN",
    "what TIME is it",
    "the WEATHER is nice TODAY",
    "open the WINDOW PLEASE",
    "read my LAST MESSAGE",
    "take a PICTURE of the MENU",
    "start the TIMER for FIVE minutes",
    "where is the nearest TRAIN STATION",
    "call my SISTER TOMORROW",
    "show me the NEWS from LONDON",
];
const ENOUGH: usize = 8;
/// Between two sentences: longer than the pause at which an engine ends one.
const PAUSE: usize = 16_000;
/// From the end of the sound to the words on the display.
const LONGEST: Duration = Duration::from_secs(15);

/// How the sound travels.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Pcm,
    Lc3,
}

/// What flite makes of a sentence, and a pause: 16 kHz, mono.
fn spoken(sentence: &str) -> Vec<i16> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("spoken.wav");
    let text = sentence.to_lowercase();
    let status = Command::new("flite").args(["-voice", "rms", "-t", &text, "-o"]).arg(&file).status();
    assert!(status.expect("flite is installed; see xtask/src/setup.rs").success());
    let mut sound = wav::read(&std::fs::read(file).expect("written")).expect("a WAV file");
    assert_eq!(sound.rate, 16_000);
    sound.samples.resize(sound.samples.len() + PAUSE, 0);
    sound.samples
}

/// The frames of 100 ms that the phone sends.
fn frames(samples: &[i16], format: Format, encoder: &mut Encoder) -> Vec<Bytes> {
    let piece = |samples: &[i16]| -> Bytes {
        match format {
            Format::Pcm => samples.iter().flat_map(|sample| sample.to_le_bytes()).collect(),
            Format::Lc3 => {
                let mut all = Vec::new();
                for frame in samples.chunks(FRAME_SAMPLES) {
                    let mut whole = [0; FRAME_SAMPLES];
                    whole[..frame.len()].copy_from_slice(frame);
                    all.extend(encoder.encode(&whole));
                }
                all.into()
            }
        }
    };
    samples.chunks(10 * FRAME_SAMPLES).map(piece).collect()
}

async fn speak(phone: &Phone, frames: Vec<Bytes>) {
    let mut clock = interval(Duration::from_millis(100));
    for frame in frames {
        clock.tick().await;
        phone.sound(frame, Pace::AtOnce).await.expect("the phone is connected");
    }
}

/// The phone says which kind of sound it sends, as later phones do.
fn configure(cloud: &Cloud, token: &str) {
    let address = cloud.url.trim_start_matches("http://");
    let body = r#"{"format":"lc3","lc3Config":{"sampleRate":16000,"frameDurationMs":10,"frameSizeBytes":40}}"#;
    let request = format!(
        "POST /api/client/audio/configure HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nContent-Type: \
         application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let answer = exchange(address, &request);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

fn exchange(address: &str, request: &str) -> String {
    let mut socket = TcpStream::connect(address).expect("the server listens");
    socket.write_all(request.as_bytes()).expect("written");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).expect("an answer");
    answer
}

/// The average of a histogram, in milliseconds.
fn average(metrics: &str, name: &str, label: &str) -> f64 {
    let value = |suffix: &str| -> f64 {
        let line = metrics.lines().find(|line| line.starts_with(&format!("{name}_{suffix}{{")) && line.contains(label));
        line.and_then(|line| line.rsplit(' ').next()).and_then(|value| value.parse().ok()).unwrap_or(0.0)
    };
    1000.0 * value("sum") / value("count")
}

/// What was on the display until all words were there, or until it is too late.
async fn shown(watch: &mut bifocal_simulator::Watch, wanted: &[&str]) -> Option<String> {
    let until = Instant::now() + LONGEST;
    let mut last = None;
    while let Ok(event) = timeout_at(until, watch.next()).await {
        if let PhoneEvent::Display { .. } = event {
            let text = watch.state().screen.frame_text();
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            let has = |word: &&str| text.split(' ').any(|other| other == *word);
            if wanted.iter().all(has) {
                return Some(text);
            }
            last = Some(text);
        }
    }
    println!("    on the display instead: {last:?}");
    None
}

async fn ten_sentences(format: Format) {
    let cloud = Cloud::start();
    let app = NodeApp::start(PACKAGE, KEY, 0);
    let url = format!("http://127.0.0.1:{}", app.port);
    cloud.admin_ok(&["app", "add", PACKAGE, "--url", &url, "--permission", "MICROPHONE", "--api-key", KEY]);
    cloud.admin_ok(&["app", "install", WEARER, PACKAGE]);
    let token = cloud.admin_ok(&["token", WEARER]);
    let phone = Phone::connect(PhoneConfig::new(&cloud.url, token.clone())).await.expect("the phone connects");
    if format == Format::Lc3 {
        configure(&cloud, &token);
    }
    phone.start_app(PACKAGE).await.expect("started");
    common::wait_for("the microphone to be on", || phone.state().mic.then_some(()));
    let mut encoder = Encoder::new(FrameSize::B40);
    let mut understood = 0;
    for sentence in SENTENCES {
        let wanted: Vec<&str> = sentence.split(' ').filter(|word| word.chars().all(char::is_uppercase)).collect();
        let mut watch = phone.watch();
        let sound = frames(&spoken(sentence), format, &mut encoder);
        let (_, text) = tokio::join!(speak(&phone, sound), shown(&mut watch, &wanted));
        understood += usize::from(text.is_some());
        println!("  {sentence:40} → {}", text.as_deref().unwrap_or("not understood"));
    }
    let metrics = exchange(
        cloud.url.trim_start_matches("http://"),
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    );
    let name = if format == Format::Pcm { "PCM" } else { "LC3, 40 bytes" };
    println!("{name}: {understood} of {} understood", SENTENCES.len());
    for hop in ["recognised", "app", "shown"] {
        let ms = average(&metrics, "bifocal_words_seconds", &format!("hop=\"{hop}\""));
        println!("  {hop:12} {ms:6.0} ms on average");
    }
    assert!(understood >= ENOUGH, "{name}: {understood} of {}", SENTENCES.len());
    phone.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_spoken_sentences_are_on_the_display() {
    ten_sentences(Format::Pcm).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_spoken_sentences_are_on_the_display_when_they_are_sent_as_lc3() {
    ten_sentences(Format::Lc3).await;
}
