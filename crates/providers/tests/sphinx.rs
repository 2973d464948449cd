//! PocketSphinx hears a voice that flite speaks: real words, with no network and no key.

#![allow(clippy::print_stdout, reason = "what was understood is to be seen")]

use std::process::Command;
use std::time::Duration;

use bifocal_audio::wav;
use bifocal_providers::{EngineConfig, Event, FailureKind, Heard, Kind, Need, Recognizers, SpeechConfig, Stream};
use bytes::Bytes;

fn recognizers(change: impl FnOnce(&mut EngineConfig)) -> Recognizers {
    let mut engine = EngineConfig::of(Kind::Pocketsphinx);
    change(&mut engine);
    Recognizers::new(SpeechConfig { engines: Some(vec![engine]) }).expect("a good configuration")
}

fn open(recognizers: &Recognizers) -> Stream {
    recognizers.open(&Need::language("en-US"), None, &[]).expect("it is installed; see xtask/src/setup.rs")
}

/// What flite makes of a sentence: 16 kHz, mono.
fn spoken(text: &str) -> Bytes {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("spoken.wav");
    let status = Command::new("flite").args(["-voice", "rms", "-t", text, "-o"]).arg(&file).status();
    assert!(status.expect("flite is installed; see xtask/src/setup.rs").success());
    let sound = wav::read(&std::fs::read(file).expect("written")).expect("a WAV file");
    assert_eq!(sound.rate, 16_000);
    sound.samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

async fn next(stream: &mut Stream) -> Event {
    tokio::time::timeout(Duration::from_secs(60), stream.events.recv()).await.expect("it answers").expect("it is there")
}

async fn final_words(stream: &mut Stream, interims: &mut usize) -> Heard {
    loop {
        match next(stream).await {
            Event::Heard(heard) if heard.is_final => return *heard,
            Event::Heard(_) => *interims += 1,
            Event::Opened | Event::Consumed { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}

fn give(stream: &Stream, sound: &Bytes) {
    for piece in sound.chunks(640) {
        stream.commands.try_audio(Bytes::copy_from_slice(piece)).expect("there is room");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_understands_a_spoken_sentence_while_it_is_spoken() {
    let recognizers = recognizers(|_| {});
    let mut stream = open(&recognizers);
    let mut interims = 0;
    give(&stream, &spoken("turn on the lights in the kitchen"));
    stream.commands.finalise().expect("it is open");
    let first = final_words(&mut stream, &mut interims).await;
    println!("understood: {}", first.text);
    assert!(first.text.contains("lights") && first.text.contains("kitchen"), "{}", first.text);
    assert!(interims > 0, "there were interim words");
    assert!(first.start_ms < first.end_ms && first.end_ms < 4_000, "{first:?}");
    // The same stream, the next sentence: silence ends it, nobody has to say so.
    give(&stream, &spoken("what time is it"));
    give(&stream, &Bytes::from(vec![0; 32_000]));
    let second = final_words(&mut stream, &mut interims).await;
    println!("understood: {}", second.text);
    assert!(second.text.contains("time"), "{}", second.text);
    assert!(second.utterance != first.utterance && second.start_ms >= first.end_ms);
    stream.commands.close().expect("it is open");
    while next(&mut stream).await != Event::Closed {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_finds_no_place_is_told_and_the_place_is_free_again() {
    let recognizers = recognizers(|engine| engine.streams = Some(1));
    let (mut first, mut second) = (open(&recognizers), open(&recognizers));
    let sound = spoken("hello");
    let mut interims = 0;
    give(&first, &sound);
    first.commands.finalise().expect("it is open");
    final_words(&mut first, &mut interims).await;
    give(&second, &sound);
    loop {
        match next(&mut second).await {
            Event::Failed(failure) => break assert!(matches!(failure.kind, FailureKind::Busy { .. }), "{failure}"),
            Event::Opened => {}
            other => panic!("{other:?}"),
        }
    }
    first.commands.close().expect("it is open");
    while next(&mut first).await != Event::Closed {}
}

#[test]
fn a_model_that_is_not_there_is_named() {
    let recognizers = recognizers(|engine| engine.model = Some("/nowhere/at/all".to_owned()));
    let failure = recognizers.open(&Need::language("en-US"), None, &[]).map(|_| ()).expect_err("there is none");
    assert_eq!(failure.kind, FailureKind::Unavailable);
    assert!(!recognizers.available());
    let table = format!("{:?}", recognizers.table());
    assert!(table.contains("/nowhere/at/all/en-us") && table.contains("pocketsphinx-en-us"), "{table}");
}
