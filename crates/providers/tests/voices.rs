//! Every voice as its vendor has published it, against a scripted server; and the programs that are installed here.

mod desk;

use std::io::Write;
use std::sync::Arc;

use bifocal_providers::voice::{
    VoiceConfig, VoiceEngineConfig, VoiceError, VoiceKind, VoiceSettings, VoiceWish, Voices,
};
use bifocal_providers::{EngineState, FailureKind};
use desk::{Answer, Desk};
use futures_util::StreamExt;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tempfile::NamedTempFile;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

const MP3: &str = "audio/mpeg";

fn key_file(key: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().expect("a file");
    writeln!(file, "{key}").expect("written");
    file
}

fn voices(engine: VoiceEngineConfig) -> Voices {
    let config = VoiceConfig { engines: Some(vec![engine]), require_signature: None };
    Voices::new(config).expect("the configuration is right")
}

fn elevenlabs(desk: &Desk, key: &NamedTempFile) -> VoiceEngineConfig {
    VoiceEngineConfig {
        url: Some(format!("{}/v1", desk.url).parse().expect("a URL")),
        key_file: Some(key.path().to_path_buf()),
        voice: Some("21m00Tcm4TlvDq8ikWAM".to_owned()),
        ..VoiceEngineConfig::of(VoiceKind::ElevenLabs)
    }
}

fn openai(desk: &Desk) -> VoiceEngineConfig {
    VoiceEngineConfig {
        url: Some(format!("{}/v1/", desk.url).parse().expect("a URL")),
        ..VoiceEngineConfig::of(VoiceKind::OpenAi)
    }
}

/// The content type and the whole sound.
async fn said(voices: &Voices, text: &str, wish: &VoiceWish) -> Result<(&'static str, Vec<u8>), VoiceError> {
    let mut spoken = voices.speak(text, wish).await?;
    let mut sound = Vec::new();
    while let Some(piece) = spoken.body.next().await {
        sound.extend_from_slice(&piece?);
    }
    Ok((spoken.content_type, sound))
}

fn default() -> VoiceWish {
    VoiceWish::default()
}

#[tokio::test]
async fn elevenlabs_is_asked_as_it_wants_to_be() {
    let desk = Desk::open(vec![Answer::of(200, MP3, &[b"ID3", b"sound"])]).await;
    let key = key_file("xi-secret");
    let voices = voices(elevenlabs(&desk, &key));
    assert_eq!(said(&voices, "Grüße", &default()).await, Ok((MP3, b"ID3sound".to_vec())));
    let wish = VoiceWish {
        voice_id: Some("JBFqnCBsd6RMkjVDRZzb".to_owned()),
        model_id: Some("eleven_multilingual_v2".to_owned()),
        settings: VoiceSettings { stability: Some(0.5), use_speaker_boost: Some(true), ..VoiceSettings::default() },
    };
    said(&voices, "Hello", &wish).await.expect("it speaks");
    let asked = desk.asked();
    assert_eq!(asked[0].line, "POST /v1/text-to-speech/21m00Tcm4TlvDq8ikWAM/stream?output_format=mp3_44100_128");
    assert_eq!(asked[0].header("xi-api-key"), Some("xi-secret"));
    assert_eq!(asked[0].body, json!({ "text": "Grüße", "model_id": "eleven_flash_v2_5" }));
    assert_eq!(asked[1].line, "POST /v1/text-to-speech/JBFqnCBsd6RMkjVDRZzb/stream?output_format=mp3_44100_128");
    let settings = json!({ "stability": 0.5, "use_speaker_boost": true });
    assert_eq!(
        asked[1].body,
        json!({ "text": "Hello", "model_id": "eleven_multilingual_v2", "voice_settings": settings })
    );
}

#[tokio::test]
async fn a_new_key_in_the_file_is_used_at_once() {
    let desk = Desk::open(vec![Answer::of(200, MP3, &[b"sound"])]).await;
    let key = key_file("old");
    let voices = voices(elevenlabs(&desk, &key));
    said(&voices, "one", &default()).await.expect("it speaks");
    std::fs::write(key.path(), "new\n").expect("written");
    said(&voices, "two", &default()).await.expect("it speaks");
    let keys: Vec<_> = desk.asked().iter().map(|asked| asked.header("xi-api-key").map(str::to_owned)).collect();
    assert_eq!(keys, [Some("old".to_owned()), Some("new".to_owned())]);
}

#[tokio::test]
async fn without_any_voice_elevenlabs_cannot_speak_and_no_id_leaves_its_place_in_the_path() {
    let desk = Desk::open(vec![Answer::of(200, MP3, &[b"sound"])]).await;
    let key = key_file("k");
    let voices = voices(VoiceEngineConfig { voice: None, ..elevenlabs(&desk, &key) });
    // The variable of other servers may be set where this test runs.
    if std::env::var_os("ELEVENLABS_DEFAULT_VOICE_ID").is_none() {
        assert_eq!(said(&voices, "x", &default()).await, Err(VoiceError::NoVoice { engine: "elevenlabs".into() }));
    }
    for id in ["../../v1/user", "a?b", "a b", "é", &"a".repeat(65)] {
        let wish = VoiceWish { voice_id: Some(id.to_owned()), ..default() };
        assert!(matches!(said(&voices, "x", &wish).await, Err(VoiceError::Refused { status: 400, .. })), "{id}");
    }
    assert!(desk.asked().is_empty());
}

#[tokio::test]
async fn refusals_of_elevenlabs_are_told_but_not_what_they_say_about_our_account() {
    let not_found =
        json!({ "detail": { "status": "voice_not_found", "message": "A voice with that id was not found." } });
    let quota =
        json!({ "detail": { "status": "quota_exceeded", "message": "This request exceeds your quota of 10000" } });
    let busy = json!({ "detail": { "status": "too_many_concurrent_requests", "message": "Too many requests" } });
    let key = key_file("k");
    for (status, body, details, kind) in [
        (404, not_found, "A voice with that id was not found.", FailureKind::Unsupported { suggestions: vec![] }),
        (401, quota, "the service does not accept this server", FailureKind::Refused),
        (429, busy, "Too many requests", FailureKind::Busy { retry_after: Some(std::time::Duration::from_secs(7)) }),
        (500, json!({ "oops": 1 }), r#"{"oops":1}"#, FailureKind::Lost),
    ] {
        let desk = Desk::open(vec![Answer::json(status, &body).header("Retry-After: 7")]).await;
        let error = said(&voices(elevenlabs(&desk, &key)), "x", &default()).await.expect_err("refused");
        let VoiceError::Refused { status: told, details: words, failure } = error else { panic!("{error}") };
        assert_eq!((told, words.as_str(), failure.kind), (status, details, kind));
    }
}

#[tokio::test]
async fn an_openai_server_is_asked_as_openai_has_published_it() {
    let desk = Desk::open(vec![Answer::of(200, MP3, &[b"sound"])]).await;
    let key = key_file("sk-test");
    let voices_ = voices(VoiceEngineConfig { key_file: Some(key.path().to_path_buf()), ..openai(&desk) });
    said(&voices_, "Hello", &default()).await.expect("it speaks");
    let settings = VoiceSettings { speed: Some(1.1), stability: Some(0.3), ..VoiceSettings::default() };
    let wish = VoiceWish { voice_id: Some("nova".to_owned()), model_id: Some("tts-1".to_owned()), settings };
    said(&voices_, "Hello", &wish).await.expect("it speaks");
    // Apps that were written for another vendor.
    let wish = VoiceWish {
        voice_id: Some("21m00Tcm4TlvDq8ikWAM".to_owned()),
        model_id: Some("eleven_flash_v2_5".to_owned()),
        ..default()
    };
    let own = VoiceEngineConfig { voice: Some("af_heart".into()), model: Some("kokoro".into()), ..openai(&desk) };
    said(&voices(own), "Hello", &wish).await.expect("it speaks");
    let asked = desk.asked();
    assert_eq!(asked[0].line, "POST /v1/audio/speech");
    assert_eq!(asked[0].header("authorization"), Some("Bearer sk-test"));
    let body = |model: &str, voice: &str| json!({ "model": model, "input": "Hello", "voice": voice, "response_format": "mp3" });
    assert_eq!(asked[0].body, body("gpt-4o-mini-tts", "alloy"));
    let mut faster = body("tts-1", "nova");
    faster["speed"] = json!(1.1);
    assert_eq!(asked[1].body, faster);
    assert_eq!((&asked[2].body, asked[2].header("authorization")), (&body("kokoro", "af_heart"), None));
}

#[tokio::test]
async fn only_sound_is_sound() {
    for (given, taken) in [
        ("audio/wav", Some("audio/wav")),
        ("Audio/MPEG; charset=binary", Some(MP3)),
        ("application/octet-stream", Some(MP3)),
        ("text/html", None),
        ("application/json", None),
    ] {
        let desk = Desk::open(vec![Answer::of(200, given, &[b"x"])]).await;
        let said = said(&voices(openai(&desk)), "x", &default()).await;
        match taken {
            Some(content_type) => assert_eq!(said, Ok((content_type, b"x".to_vec())), "{given}"),
            None => assert!(said.expect_err("no sound").to_string().contains("no sound"), "{given}"),
        }
    }
}

#[tokio::test]
async fn a_connection_that_goes_in_the_middle_is_the_end_of_the_stream() {
    let desk = Desk::open(vec![Answer::of(200, MP3, &[b"half a sen"]).then_cut()]).await;
    let voices = voices(openai(&desk));
    let mut spoken = voices.speak("a sentence", &default()).await.expect("it begins");
    assert_eq!(spoken.body.next().await, Some(Ok("half a sen".into())));
    let error = spoken.body.next().await.expect("something").expect_err("the end");
    assert_eq!(error.failure().expect("a failure").kind, FailureKind::Lost);
    assert!(spoken.body.next().await.is_none());
}

#[tokio::test]
async fn whoever_stops_listening_stops_the_engine() {
    let mut desk = Desk::open(vec![Answer::of(200, MP3, &[b"and so on"]).then_stall()]).await;
    let voices = voices(openai(&desk));
    let mut spoken = voices.speak("a sentence", &default()).await.expect("it begins");
    assert_eq!(spoken.body.next().await, Some(Ok("and so on".into())));
    drop(spoken);
    desk.connections_over(1).await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_passed_over_for_a_program() {
    let nowhere = VoiceEngineConfig {
        url: Some("http://127.0.0.1:1/v1".parse().expect("a URL")),
        ..VoiceEngineConfig::of(VoiceKind::OpenAi)
    };
    let engines = Some(vec![nowhere, VoiceEngineConfig::of(VoiceKind::Flite)]);
    let voices = Voices::new(VoiceConfig { engines, require_signature: None }).expect("the configuration is right");
    let (content_type, sound) = said(&voices, "hello", &default()).await.expect("flite speaks");
    assert_eq!((content_type, &sound[..4]), ("audio/wav", &b"RIFF"[..]));
}

/// How long a WAV file takes, in milliseconds, and its loudest sample.
fn heard(sound: &[u8]) -> (usize, u16) {
    let wav = bifocal_audio::wav::read(sound).expect("it is WAV");
    let loudest = wav.samples.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(0);
    (wav.samples.len() * 1000 / wav.rate as usize, loudest)
}

/// A voice service of Home Assistant: it answers `synthesize` with these messages, each a head and a payload.
async fn wyoming(answers: Vec<(Value, Vec<u8>)>) -> (VoiceEngineConfig, Arc<Mutex<Vec<Value>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("tcp://{}", listener.local_addr().expect("bound"));
    let asked = Arc::new(Mutex::new(Vec::new()));
    let noted = asked.clone();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let mut socket = BufReader::new(socket);
            let mut line = String::new();
            socket.read_line(&mut line).await.expect("a head");
            let mut head: Value = serde_json::from_str(&line).expect("JSON");
            let mut data = vec![0; head["data_length"].as_u64().unwrap_or(0) as usize];
            socket.read_exact(&mut data).await.expect("data");
            head["data"] = serde_json::from_slice(&data).unwrap_or(Value::Null);
            noted.lock().push(head);
            for (mut head, payload) in answers.clone() {
                head["payload_length"] = json!(payload.len());
                let message = [head.to_string().as_bytes(), b"\n", &payload].concat();
                socket.write_all(&message).await.expect("written");
            }
        }
    });
    let url = Some(url.parse().expect("a URL"));
    (VoiceEngineConfig { url, ..VoiceEngineConfig::of(VoiceKind::Wyoming) }, asked)
}

#[tokio::test]
async fn a_voice_of_home_assistant_is_asked_over_wyoming() {
    let form = json!({ "rate": 22050, "width": 2, "channels": 1 });
    let answers = vec![
        (json!({ "type": "audio-start", "data": form }), vec![]),
        (json!({ "type": "audio-chunk", "data": form }), vec![1, 0, 2, 0]),
        (json!({ "type": "something-new", "data": {} }), vec![9]),
        (json!({ "type": "audio-chunk", "data": form }), vec![3, 0]),
        (json!({ "type": "audio-stop" }), vec![]),
    ];
    let (engine, asked) = wyoming(answers).await;
    let voices = voices(engine);
    let (content_type, sound) = said(&voices, "Grüße", &default()).await.expect("it speaks");
    let wav = bifocal_audio::wav::read(&sound).expect("it is WAV");
    assert_eq!((content_type, wav.rate, wav.samples), ("audio/wav", 22_050, vec![1, 2, 3]));
    let wish = VoiceWish { voice_id: Some("en_GB-alan-medium".to_owned()), ..default() };
    said(&voices, "Hello", &wish).await.expect("it speaks");
    let asked: Vec<_> = asked.lock().iter().map(|asked| (asked["type"].clone(), asked["data"].clone())).collect();
    assert_eq!(asked[0], (json!("synthesize"), json!({ "text": "Grüße" })));
    assert_eq!(asked[1].1, json!({ "text": "Hello", "voice": { "name": "en_GB-alan-medium" } }));
}

#[tokio::test]
async fn a_voice_that_breaks_off_has_said_nothing() {
    let form = json!({ "rate": 22050, "width": 2, "channels": 1 });
    for answers in [
        vec![(json!({ "type": "audio-start", "data": { "rate": 22050, "width": 4, "channels": 1 } }), vec![])],
        vec![(json!({ "type": "audio-start", "data": form }), vec![]), (json!({ "type": "error" }), vec![])],
        vec![(json!({ "type": "audio-stop" }), vec![])],
        vec![(json!({ "type": "audio-chunk", "data": form }), vec![1, 0])],
        vec![(json!({}), vec![])],
    ] {
        let (engine, _) = wyoming(answers.clone()).await;
        let error = said(&voices(engine), "x", &default()).await.expect_err("it says nothing");
        assert_eq!(error.failure().expect("a failure").kind, FailureKind::Lost, "{answers:?}");
    }
}

#[tokio::test]
async fn flite_and_espeak_speak() {
    let long = "The quick brown fox jumps over the lazy dog. It does so once more. And then it rests.";
    for kind in [VoiceKind::Flite, VoiceKind::Espeak] {
        let voices = voices(VoiceEngineConfig::of(kind));
        assert_eq!(voices.table()[0].state, EngineState::Well, "install {}", kind.name());
        let (content_type, sound) = said(&voices, long, &default()).await.expect("it speaks");
        let (ms, loudest) = heard(&sound);
        assert!(content_type == "audio/wav" && (3_000..12_000).contains(&ms) && loudest > 3_000, "{ms} {loudest}");
        // The header says how long it is: players go by that.
        assert_eq!(sound[40..44], u32::try_from(sound.len() - 44).expect("small").to_le_bytes());
        let fast = VoiceWish { settings: VoiceSettings { speed: Some(1.8), ..VoiceSettings::default() }, ..default() };
        let (faster, _) = heard(&said(&voices, long, &fast).await.expect("it speaks").1);
        assert!(faster * 13 < ms * 10, "{faster} of {ms}");
    }
}

#[tokio::test]
async fn text_is_only_ever_spoken() {
    let folder = tempfile::tempdir().expect("a folder");
    let victim = folder.path().join("victim");
    let texts = [
        format!("-o {0} --stdout -w {0} hello", victim.display()),
        format!("\n-w\n{0}\nhello", victim.display()),
        format!("$(touch {0}) `touch {0}`; touch {0} | tee {0}", victim.display()),
        "\u{1}\u{2}v3\u{1f}hello \0 there".to_owned(),
        "[[d@f'h0]] <audio src='/etc/passwd'/>".to_owned(),
        "héllo wörld 你好 🙂".to_owned(),
    ];
    for kind in [VoiceKind::Flite, VoiceKind::Espeak] {
        let voices = voices(VoiceEngineConfig::of(kind));
        for text in &texts {
            let (_, sound) = said(&voices, text, &default()).await.expect("it speaks");
            assert!(heard(&sound).0 > 200, "{text:?} was not spoken by {}", kind.name());
            assert!(!victim.exists(), "{text:?} was not only spoken by {}", kind.name());
        }
    }
}

#[tokio::test]
async fn a_voice_is_one_that_the_program_lists() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let foreign = file.path().to_str().expect("text").to_owned();
    for kind in [VoiceKind::Flite, VoiceKind::Espeak] {
        let voices = voices(VoiceEngineConfig::of(kind));
        let (_, usual) = said(&voices, "hello there", &default()).await.expect("it speaks");
        for id in ["21m00Tcm4TlvDq8ikWAM", "../../etc/passwd", "-x", "http://127.0.0.1/voice", &foreign, ""] {
            let wish = VoiceWish { voice_id: Some(id.to_owned()), ..default() };
            assert!(said(&voices, "hello there", &wish).await.expect("it speaks").1 == usual, "{id:?}");
        }
        let known = if kind == VoiceKind::Flite { "slt" } else { "de" };
        let wish = VoiceWish { voice_id: Some(known.to_owned()), ..default() };
        assert!(said(&voices, "hello there", &wish).await.expect("it speaks").1 != usual, "{known}");
    }
}

#[tokio::test]
async fn many_may_speak_at_once_on_this_machine() {
    let voices = voices(VoiceEngineConfig::of(VoiceKind::Flite));
    let texts: Vec<String> = (0..12).map(|number| format!("this is number {number}")).collect();
    let wish = default();
    let all = futures_util::future::join_all(texts.iter().map(|text| said(&voices, text, &wish))).await;
    assert!(all.iter().all(|said| said.as_ref().is_ok_and(|(_, sound)| heard(sound).0 > 500)), "{all:?}");
}

#[tokio::test]
async fn without_a_configuration_what_is_installed_speaks() {
    let voices = Voices::new(VoiceConfig::default()).expect("nothing can be wrong");
    assert_eq!(voices.table().iter().map(|row| row.kind).collect::<Vec<_>>(), ["flite"]);
    assert_eq!(voices.content_type(), Some("audio/wav"));
    let none = Voices::new(VoiceConfig { engines: Some(Vec::new()), require_signature: None }).expect("it is right");
    assert_eq!(said(&none, "x", &default()).await, Err(VoiceError::NotConfigured));
    assert_eq!(none.content_type(), None);
}
