//! What every engine that is reached by WebSocket must do, each against a scripted server that talks as the vendor documents.

mod clock;
mod peers;

use std::io::Write;
use std::time::Duration;

use bifocal_providers::{
    EngineConfig, Event, FailureKind, Heard, KeySource, Kind, Need, Recognizers, SpeechConfig, Stream,
};
use bytes::Bytes;
use clock::{Clock, failure, is_end, pass, until};
use peers::{Act, KEY, Peer};

const ALL: [Kind; 4] = [Kind::Deepgram, Kind::Soniox, Kind::AssemblyAi, Kind::Vosk];

struct Opened {
    peer: Peer,
    stream: Stream,
    /// Kept, because a key file is read for each connection.
    key: tempfile::NamedTempFile,
    _clock: Clock,
}

async fn open(kind: Kind, act: Act, need: &Need) -> Opened {
    let clock = Clock::hold();
    let peer = Peer::start(kind, act).await;
    let mut key = tempfile::NamedTempFile::new().expect("a temporary file");
    writeln!(key, "{KEY}").expect("it is written");
    let url = format!("ws://{}/listen", peer.address).parse().expect("an address");
    let config = EngineConfig { url: Some(url), key_file: Some(key.path().to_owned()), ..EngineConfig::of(kind) };
    let engines = Recognizers::new(SpeechConfig { engines: Some(vec![config]) }).expect("the configuration is right");
    let stream = engines.open(need, None, &[]).expect("it knows English");
    Opened { peer, stream, key, _clock: clock }
}

/// Sound in pieces of 100 ms, as fast as it is spoken.
async fn speak(stream: &Stream, ms: u64) {
    for _ in 0..ms / 100 {
        // An engine that has failed takes no more; its events say so.
        let _ = stream.commands.try_audio(Bytes::from(vec![1; 3200]));
        pass(Duration::from_millis(100)).await;
    }
}

fn is_final(text: &str) -> impl Fn(&Event) -> bool {
    move |event| matches!(event, Event::Heard(heard) if heard.is_final && heard.text == text)
}

fn is_interim(text: &str) -> impl Fn(&Event) -> bool {
    move |event| matches!(event, Event::Heard(heard) if !heard.is_final && heard.text == text)
}

/// Words as they grow, what the wearer's silence gives, what the end gives.
async fn contract(kind: Kind) {
    let Opened { peer, mut stream, key: _key, _clock } = open(kind, Act::Well, &Need::language("en-US")).await;
    let mut events = until(&mut stream, |event| *event == Event::Opened).await;
    assert_eq!(events, [Event::Opened], "nothing comes before the acknowledgement");
    speak(&stream, 1200).await;
    events.extend(until(&mut stream, is_final("hello world")).await);
    speak(&stream, 500).await;
    events.extend(until(&mut stream, is_interim("again")).await);
    stream.commands.finalise().expect("it takes it");
    events.extend(until(&mut stream, is_final("again")).await);
    speak(&stream, 800).await;
    events.extend(until(&mut stream, is_interim("bye")).await);
    stream.commands.close().expect("it takes it");
    events.extend(until(&mut stream, is_end).await);
    assert_eq!(events.last(), Some(&Event::Closed), "{kind:?}: {:?}", peer.log());

    let heard: Vec<&Heard> =
        events.iter().filter_map(|event| if let Event::Heard(heard) = event { Some(&**heard) } else { None }).collect();
    let finals: Vec<(u64, &str)> =
        heard.iter().filter(|h| h.is_final).map(|h| (h.utterance, h.text.as_str())).collect();
    assert_eq!(finals, [(1, "hello world"), (2, "again"), (3, "bye")], "{kind:?}");
    let interims: Vec<(u64, &str)> =
        heard.iter().filter(|h| !h.is_final).map(|h| (h.utterance, h.text.as_str())).collect();
    let mut different = interims.clone();
    different.dedup();
    assert_eq!(different, [(1, "hello"), (1, "hello world"), (2, "again"), (3, "bye")], "{kind:?}");
    let times: Vec<(u64, u64)> = heard.iter().filter(|h| h.is_final).map(|h| (h.start_ms, h.end_ms)).collect();
    for ((start, end), (true_start, true_end)) in times.iter().zip([(100, 900), (1300, 1580), (2100, 2380)]) {
        // Where an utterance begins Vosk says only in the end, and it stays where it was told first.
        let slack = if kind == Kind::Vosk { 400 } else { 0 };
        assert!(start.abs_diff(true_start) <= slack && *end == true_end, "{kind:?}: {times:?}");
    }
    assert!(heard.iter().all(|h| h.confidence.is_none_or(|c| (0.8..=1.0).contains(&c))), "{heard:?}");

    let mut open_from = u64::MAX;
    let mut consumed = 0;
    for event in &events {
        match event {
            Event::Heard(heard) => open_from = if heard.is_final { u64::MAX } else { heard.start_ms },
            Event::Consumed { ms } => {
                assert!(
                    *ms <= open_from && *ms >= consumed,
                    "{kind:?}: what is open would not be heard again: {events:?}"
                );
                consumed = *ms;
            }
            Event::Opened | Event::Failed(_) | Event::Closed => {}
        }
    }
    assert!(consumed >= 2380, "{kind:?}: all of it is done with");
    assert!(!peer.log().iter().any(|line| line.contains(KEY)), "the key is in a header and nowhere else");
}

#[tokio::test(start_paused = true)]
async fn deepgram_keeps_the_contract() {
    contract(Kind::Deepgram).await;
}

#[tokio::test(start_paused = true)]
async fn soniox_keeps_the_contract() {
    contract(Kind::Soniox).await;
}

#[tokio::test(start_paused = true)]
async fn assemblyai_keeps_the_contract() {
    contract(Kind::AssemblyAi).await;
}

#[tokio::test(start_paused = true)]
async fn vosk_keeps_the_contract() {
    contract(Kind::Vosk).await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_handshake_says_what_it_means() {
    for kind in ALL {
        for (status, retry, kind_of) in [
            (401, None, FailureKind::Refused),
            (403, None, FailureKind::Refused),
            (429, Some(7), FailureKind::Busy { retry_after: Some(Duration::from_secs(7)) }),
            (503, None, FailureKind::Lost),
        ] {
            let mut opened = open(kind, Act::Status(status, retry), &Need::language("en")).await;
            let failure = failure(&mut opened.stream).await;
            assert_eq!(failure.kind, kind_of, "{kind:?}: {failure}");
            assert!(!failure.why.contains(['\u{1b}', '\n']) && !failure.why.contains(KEY), "{failure:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn w_10_a_handshake_that_hangs_ends_by_its_deadline() {
    for kind in ALL {
        let begun = tokio::time::Instant::now();
        let mut opened = open(kind, Act::Hangs, &Need::language("en")).await;
        assert_eq!(failure(&mut opened.stream).await.kind, FailureKind::Stalled, "{kind:?}");
        assert!(
            begun.elapsed() <= Duration::from_secs(10) + Duration::from_millis(50),
            "{kind:?}: {:?}",
            begun.elapsed()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_listening_is_lost() {
    for kind in ALL {
        let closed =
            tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port").local_addr().expect("bound");
        let mut opened = open(kind, Act::Well, &Need::language("en")).await;
        assert_eq!(until(&mut opened.stream, |_| true).await, [Event::Opened]);
        let url = format!("ws://{closed}").parse().expect("an address");
        let key_file = Some(opened.key.path().to_owned());
        let config = EngineConfig { url: Some(url), key_file, ..EngineConfig::of(kind) };
        let engines =
            Recognizers::new(SpeechConfig { engines: Some(vec![config]) }).expect("the configuration is right");
        let mut stream = engines.open(&Need::language("en"), None, &[]).expect("as far as is known");
        assert_eq!(failure(&mut stream).await.kind, FailureKind::Lost, "{kind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cut_in_the_middle_of_a_sentence_is_lost() {
    for kind in ALL {
        let mut opened = open(kind, Act::Cut(900), &Need::language("en")).await;
        speak(&opened.stream, 1500).await;
        let events = until(&mut opened.stream, is_end).await;
        assert!(events.iter().any(is_interim("hello world")), "{kind:?}: {events:?}");
        assert!(!events.iter().any(is_final("hello world")), "what was not final is heard again elsewhere: {events:?}");
        let Some(Event::Failed(failure)) = events.last() else { panic!("{kind:?}: {events:?}") };
        assert_eq!(failure.kind, FailureKind::Lost, "{kind:?}: {failure}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_does_not_answer_to_sound_is_stalled_and_silence_of_the_wearer_is_not() {
    for kind in ALL {
        // One that is alive and says nothing is right to do so, if it is silent in silence.
        let acts: &[Act] = if kind == Kind::AssemblyAi { &[Act::Deaf] } else { &[Act::Mute, Act::Deaf] };
        for act in acts {
            let mut opened = open(kind, act.clone(), &Need::language("en")).await;
            assert_eq!(until(&mut opened.stream, |event| *event == Event::Opened).await.len(), 1);
            speak(&opened.stream, 4000).await;
            pass(Duration::from_secs(60)).await;
            speak(&opened.stream, 4000).await;
            assert!(opened.stream.events.is_empty(), "{kind:?}: nothing was left unanswered for 5 s");
            speak(&opened.stream, 2000).await;
            assert_eq!(failure(&mut opened.stream).await.kind, FailureKind::Stalled, "{kind:?} {act:?}");
        }
    }
    let mut opened = open(Kind::AssemblyAi, Act::Mute, &Need::language("en")).await;
    speak(&opened.stream, 30_000).await;
    opened.stream.commands.close().expect("it is alive");
    let events = until(&mut opened.stream, is_end).await;
    assert!(events.iter().any(|event| matches!(event, Event::Consumed { ms } if *ms > 20_000)), "{events:?}");
}

/// The session keeps ten seconds of sound: what is not final by then would be lost with the connection.
#[tokio::test(start_paused = true)]
async fn whoever_does_not_pause_is_interrupted_before_the_sound_is_forgotten() {
    for kind in ALL {
        let mut opened = open(kind, Act::Well, &Need::language("en")).await;
        // "again" begins after 1300 ms, and nobody ends it.
        speak(&opened.stream, 8_000).await;
        while let Ok(event) = opened.stream.events.try_recv() {
            assert!(!is_final("again")(&event), "{kind:?}: too early");
        }
        speak(&opened.stream, 2_000).await;
        let events = until(&mut opened.stream, is_final("again")).await;
        assert!(!events.iter().any(|event| matches!(event, Event::Failed(_))), "{kind:?}: {events:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn nonsense_and_too_much_of_it_is_a_failure_and_no_panic() {
    let deep = "[".repeat(100_000);
    let huge = format!("{{\"type\":\"{}\"}}", "x".repeat(1024 * 1024));
    for kind in ALL {
        for text in ["no JSON", "[]", "null", "\u{0}", &deep, &huge] {
            let mut opened = open(kind, Act::Says(text.to_owned()), &Need::language("en")).await;
            speak(&opened.stream, 500).await;
            let failure = failure(&mut opened.stream).await;
            let text: String = text.chars().take(20).collect();
            assert_eq!(failure.kind, FailureKind::Lost, "{kind:?} {text}: {failure}");
        }
    }
    // Fields of the wrong kind, numbers without measure.
    for (kind, text) in [
        (
            Kind::Deepgram,
            r#"{"type":"Results","start":"x","duration":-1e300,"channel":{"alternatives":{}},"is_final":true}"#,
        ),
        (Kind::Deepgram, r#"{"type":"Results","start":1e308,"channel":7}"#),
        (Kind::Soniox, r#"{"tokens":[null,7,{"text":3},{"text":"a","start_ms":-1,"end_ms":1e99,"is_final":"yes"}]}"#),
        (Kind::AssemblyAi, r#"{"type":"Turn","words":{"a":1},"turn_order":-7,"transcript":[]}"#),
        (Kind::Vosk, r#"{"text":"a","result":[{"start":-5,"end":"x"},[]]}"#),
    ] {
        let mut opened = open(kind, Act::Says(text.to_owned()), &Need::language("en")).await;
        speak(&opened.stream, 1000).await;
        opened.stream.commands.close().expect("it is alive");
        until(&mut opened.stream, is_end).await;
    }
}

#[tokio::test(start_paused = true)]
async fn errors_of_the_vendors_say_what_they_mean() {
    let busy = FailureKind::Busy { retry_after: None };
    for (kind, act, wanted) in [
        (
            Kind::Soniox,
            Act::Says(r#"{"tokens":[],"error_code":401,"error_message":"Bad key"}"#.into()),
            FailureKind::Refused,
        ),
        (Kind::Soniox, Act::Says(r#"{"error_code":"429","error_message":"Too many"}"#.into()), busy.clone()),
        (Kind::Soniox, Act::Says(r#"{"error_code":503,"error_message":"Restart"}"#.into()), FailureKind::Lost),
        (Kind::Deepgram, Act::Closes(1008, "DATA-0000"), FailureKind::Refused),
        (Kind::Deepgram, Act::Closes(1011, "NET-0001"), FailureKind::Lost),
        (Kind::Deepgram, Act::Says(r#"{"type":"Error","description":"out of order"}"#.into()), FailureKind::Lost),
        (
            Kind::AssemblyAi,
            Act::Closes(1008, "Unauthorized connection: Missing Authorization header"),
            FailureKind::Refused,
        ),
        (Kind::AssemblyAi, Act::Closes(1008, "Unauthorized connection: Too many concurrent sessions"), busy.clone()),
        (Kind::AssemblyAi, Act::Closes(3009, ""), busy.clone()),
        (
            Kind::AssemblyAi,
            Act::Says(r#"{"type":"Error","error_code":3008,"error":"Session Expired"}"#.into()),
            FailureKind::Lost,
        ),
        (Kind::Vosk, Act::Closes(1000, ""), FailureKind::Lost),
    ] {
        let mut opened = open(kind, act.clone(), &Need::language("en")).await;
        speak(&opened.stream, 500).await;
        let failure = failure(&mut opened.stream).await;
        assert_eq!(failure.kind, wanted, "{kind:?} {act:?}: {failure}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_without_sound_is_kept_open() {
    for (kind, keep_alive, at_least) in [
        (Kind::Deepgram, r#"{"type":"KeepAlive"}"#, 14),
        (Kind::Soniox, r#"{"type":"keepalive"}"#, 6),
        (Kind::AssemblyAi, "ping", 3),
        (Kind::Vosk, "ping", 3),
    ] {
        let mut opened = open(kind, Act::Well, &Need::language("en")).await;
        assert_eq!(until(&mut opened.stream, |_| true).await, [Event::Opened]);
        pass(Duration::from_secs(60)).await;
        let count = opened.peer.log().iter().filter(|line| *line == keep_alive).count();
        assert!(count >= at_least, "{kind:?}: {:?}", opened.peer.log());
        assert!(opened.stream.events.is_empty(), "{kind:?}: it is still open");
    }
}

/// An open connection costs money at some vendors.
#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_leaves_no_open_connection() {
    for (kind, end) in [
        (Kind::Deepgram, r#"{"type":"CloseStream"}"#),
        (Kind::Soniox, "empty"),
        (Kind::AssemblyAi, r#"{"type":"Terminate"}"#),
        (Kind::Vosk, r#"{"eof" : 1}"#),
    ] {
        let mut opened = open(kind, Act::Well, &Need::language("en")).await;
        assert_eq!(until(&mut opened.stream, |_| true).await, [Event::Opened]);
        speak(&opened.stream, 500).await;
        let Opened { peer, stream, key: _key, _clock } = opened;
        drop(stream.events);
        pass(Duration::from_secs(2)).await;
        assert!(peer.log().iter().any(|line| line == end), "{kind:?}: {:?}", peer.log());
    }
}

/// What is asked for, as the vendors want it.
#[tokio::test(start_paused = true)]
async fn the_request_says_what_is_needed() {
    let asked = async |kind, need: Need| {
        let mut opened = open(kind, Act::Well, &need).await;
        assert_eq!(until(&mut opened.stream, |_| true).await, [Event::Opened]);
        opened.peer.log().join("\n")
    };
    let open_need = || Need { hints: vec!["de-DE".into(), "en".into()], ..Need::language("auto") };
    let fixed = || Need { fixed: true, ..Need::language("en-US") };

    let deepgram = asked(Kind::Deepgram, Need::language("en-US")).await;
    assert!(deepgram.contains("model=nova-3&language=en&encoding=linear16&sample_rate=16000&channels=1"), "{deepgram}");
    let deepgram = asked(Kind::Deepgram, open_need()).await;
    assert!(deepgram.contains("language=multi") && deepgram.contains("language_hint=de"), "{deepgram}");

    let soniox = asked(Kind::Soniox, open_need()).await;
    assert!(
        soniox.contains(r#""language_hints":["de","en"]"#)
            && soniox.contains(r#""enable_language_identification":true"#)
    );
    let soniox = asked(Kind::Soniox, Need { translate: Some("es-ES".into()), ..fixed() }).await;
    for part in [
        r#""model":"stt-rt-v5""#,
        r#""audio_format":"pcm_s16le""#,
        r#""language_hints":["en"]"#,
        r#""language_hints_strict":true"#,
        r#""translation":{"target_language":"es","type":"one_way"}"#,
    ] {
        assert!(soniox.contains(part), "{part} in {soniox}");
    }

    let assembly = asked(Kind::AssemblyAi, fixed()).await;
    assert!(assembly.contains("speech_model=universal-streaming-english") && assembly.contains("format_turns=true"));
    let assembly = asked(Kind::AssemblyAi, open_need()).await;
    assert!(assembly.contains("speech_model=universal-streaming-multilingual"), "{assembly}");

    let vosk = asked(Kind::Vosk, Need::language("en")).await;
    assert!(vosk.contains(r#"{"config":{"sample_rate":16000,"words":true}}"#), "{vosk}");
}

/// AssemblyAI closes the connection when a message has less than 50 ms of sound.
#[tokio::test(start_paused = true)]
async fn short_frames_are_joined_for_who_wants_longer_ones() {
    let mut opened = open(Kind::AssemblyAi, Act::Well, &Need::language("en")).await;
    assert_eq!(until(&mut opened.stream, |_| true).await, [Event::Opened]);
    for _ in 0..40 {
        opened.stream.commands.try_audio(Bytes::from(vec![1; 640])).expect("there is room");
        pass(Duration::from_millis(20)).await;
    }
    until(&mut opened.stream, is_interim("hello")).await;
    let frames = opened.peer.log().iter().filter(|line| *line == "sound").count();
    assert_eq!(frames, 13, "40 frames of 20 ms in messages of 60 ms");
}

#[tokio::test(start_paused = true)]
async fn soniox_translates_on_the_same_stream() {
    let said = r#"{"tokens":[
        {"text":"good","start_ms":100,"end_ms":200,"is_final":true,"language":"en","translation_status":"original"},
        {"text":" day","start_ms":200,"end_ms":400,"is_final":true,"language":"en","translation_status":"original"},
        {"text":"<end>","is_final":true},
        {"text":"buenos","is_final":true,"language":"es","source_language":"en","translation_status":"translation"},
        {"text":" días","is_final":true,"language":"es","source_language":"en","translation_status":"translation"}]}"#;
    let need = Need { translate: Some("es".into()), ..Need::language("en") };
    let mut opened = open(Kind::Soniox, Act::Says(said.to_owned()), &need).await;
    speak(&opened.stream, 400).await;
    let events = until(&mut opened.stream, is_final("good day")).await;
    let Some(Event::Heard(heard)) = events.last() else { panic!("{events:?}") };
    assert_eq!(heard.translation.as_deref(), Some("buenos días"));
    assert_eq!((heard.language.as_deref(), heard.start_ms, heard.end_ms), (Some("en"), 100, 400));
}

/// The wearer is quiet, and the vendor keeps the translation to itself: nothing comes that could end the utterance.
#[tokio::test(start_paused = true)]
async fn a_translation_that_does_not_come_is_not_waited_for_longer_than_three_seconds() {
    let said = r#"{"tokens":[
        {"text":"good day","start_ms":100,"end_ms":400,"is_final":true,"language":"en","translation_status":"original"},
        {"text":"<end>","is_final":true}]}"#;
    let need = Need { translate: Some("es".into()), ..Need::language("en") };
    let mut opened = open(Kind::Soniox, Act::Says(said.to_owned()), &need).await;
    speak(&opened.stream, 400).await;
    let mut events = until(&mut opened.stream, is_interim("good day")).await;
    let ended = tokio::time::Instant::now();
    events.extend(until(&mut opened.stream, is_final("good day")).await);
    assert!(ended.elapsed() <= Duration::from_millis(3100), "{:?}", ended.elapsed());
    let Some(Event::Heard(heard)) = events.last() else { panic!("{events:?}") };
    assert_eq!(heard.translation, None);
}

#[test]
fn a_missing_key_is_found_out_at_once_and_named() {
    let config = EngineConfig { key_env: Some("BIFOCAL_TEST_NO_SUCH_KEY".into()), ..EngineConfig::of(Kind::Deepgram) };
    let error = Recognizers::new(SpeechConfig { engines: Some(vec![config]) }).expect_err("there is no key");
    assert!(error.to_string().contains("BIFOCAL_TEST_NO_SUCH_KEY"), "{error}");
    assert_eq!(KeySource::Env("X".into()).to_string(), "X");
}
