//! Home Assistant's own library at the other end: the PyPI package `wyoming`, which is put under `target/` when it is not there.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use bifocal_audio::wav;
use bifocal_providers::voice::{VoiceConfig, VoiceEngineConfig, VoiceKind, VoiceWish, Voices};
use bifocal_providers::{EngineConfig, Event, FailureKind, Heard, Kind, Need, Recognizers, SpeechConfig, Stream};
use bytes::Bytes;
use futures_util::TryStreamExt;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;
use tokio::time::timeout;
use url::Url;

const LIMIT: Duration = Duration::from_secs(30);
const TEXT: &str = "the weather is nice today";

/// The folder with the package.
fn library() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("wyoming-1.10.2");
    if folder.join("wyoming/asr.py").exists() {
        return folder;
    }
    // Made beside it and moved there whole: another test may want it at the same time.
    let parent = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let new = tempfile::tempdir_in(parent).expect("a folder").keep();
    let list = home().join("requirements.txt");
    let mut pip = Command::new("pip3");
    pip.args(["install", "--quiet", "--disable-pip-version-check", "--require-hashes", "--no-deps", "--target"]);
    let output = pip.arg(&new).arg("-r").arg(list).stdin(Stdio::null()).output();
    let output = output.expect("pip3 is installed: cargo xtask setup");
    assert!(output.status.success(), "pip3: {}", String::from_utf8_lossy(&output.stderr));
    // Whoever was quicker has put the same there.
    let _ = std::fs::rename(&new, &folder);
    folder
}

fn home() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wyoming")
}

/// A running service. It ends with this.
struct Service {
    _process: Child,
    url: Url,
}

async fn service() -> Service {
    let mut command = tokio::process::Command::new("python3");
    command.arg(home().join("peer.py")).env("PYTHONPATH", library()).env("PYTHONDONTWRITEBYTECODE", "1");
    let process = command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).spawn();
    let mut process = process.expect("python3 is installed: cargo xtask setup");
    let mut lines = BufReader::new(process.stdout.take().expect("piped")).lines();
    let port = timeout(LIMIT, lines.next_line()).await.expect("in time").expect("text").expect("it says its port");
    Service { _process: process, url: format!("tcp://127.0.0.1:{port}").parse().expect("an address") }
}

/// A sentence, spoken by the voice of this machine.
async fn spoken() -> Bytes {
    let engine = VoiceEngineConfig::of(VoiceKind::Flite);
    let voices = Voices::new(VoiceConfig { engines: Some(vec![engine]), require_signature: None }).expect("a voice");
    let spoken = voices.speak(TEXT, &VoiceWish::default()).await.expect("flite is installed: cargo xtask setup");
    let parts: Vec<Bytes> = spoken.body.try_collect().await.expect("all of it");
    wav::read_for_glasses(&parts.concat()).expect("it is sound")
}

fn open(service: &Service, model: Option<&str>, need: &Need) -> Stream {
    let (url, model) = (Some(service.url.clone()), model.map(str::to_owned));
    let engine = EngineConfig { url, model, ..EngineConfig::of(Kind::Wyoming) };
    let engines = Recognizers::new(SpeechConfig { engines: Some(vec![engine]) }).expect("the configuration is right");
    engines.open(need, None, &[]).expect("as far as is known")
}

/// Everything until the end.
async fn events(stream: &mut Stream) -> Vec<Event> {
    let mut events = Vec::new();
    let all = async {
        while let Some(event) = stream.events.recv().await {
            events.push(event);
        }
    };
    timeout(LIMIT, all).await.expect("it ends");
    events
}

#[tokio::test]
async fn every_byte_of_a_sentence_arrives_and_its_words_come_back() {
    let service = service().await;
    let mut stream = open(&service, Some("small"), &Need::language("de-DE"));
    let sound = spoken().await;
    for frame in sound.chunks(3_200) {
        stream.commands.try_audio(sound.slice_ref(frame)).expect("there is room");
    }
    stream.commands.close().expect("it is open");
    let events = events(&mut stream).await;
    assert_eq!((events.first(), events.last()), (Some(&Event::Opened), Some(&Event::Closed)), "{events:?}");
    // The words that it tells while it works may or may not be told before the last ones come.
    let finals = events.iter().filter_map(|event| match event {
        Event::Heard(heard) if heard.is_final => Some(&**heard),
        _ => None,
    });
    let [last] = finals.collect::<Vec<&Heard>>()[..] else { panic!("one sentence: {events:?}") };
    let length = last.end_ms - last.start_ms;
    assert!(length > 1_000, "it is the sentence: {last:?}");
    assert_eq!(last.text, format!("{length} ms by small"));
    assert_eq!(last.language.as_deref(), Some("de"), "the region is none of its business");
}

#[tokio::test]
async fn what_its_models_do_not_know_is_said_with_what_they_know() {
    let service = service().await;
    let events = events(&mut open(&service, None, &Need::language("ja-JP"))).await;
    let Some(Event::Failed(failure)) = events.last() else { panic!("{events:?}") };
    let FailureKind::Unsupported { suggestions } = &failure.kind else { panic!("{failure}") };
    assert!(suggestions.iter().any(|tag| tag == "en") && suggestions.iter().any(|tag| tag == "de"), "{suggestions:?}");
}

#[tokio::test]
async fn its_voice_is_heard_to_the_last_sample() {
    let service = service().await;
    for (voice, loudness) in [(Some("ann"), 100), (None, 200)] {
        let (url, voice) = (Some(service.url.clone()), voice.map(str::to_owned));
        let engine = VoiceEngineConfig { url, voice, ..VoiceEngineConfig::of(VoiceKind::Wyoming) };
        let voices =
            Voices::new(VoiceConfig { engines: Some(vec![engine]), require_signature: None }).expect("a voice");
        let spoken = voices.speak(TEXT, &VoiceWish::default()).await.expect("it speaks");
        let parts: Vec<Bytes> = spoken.body.try_collect().await.expect("all of it");
        let sound = wav::read(&parts.concat()).expect("a WAV file");
        assert_eq!((sound.rate, sound.samples), (22_050, vec![loudness; 100 * TEXT.len()]));
    }
}
